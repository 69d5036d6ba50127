"""Any two runs side by side: classes as in Python, addresses that can be shared, hostile ones."""

from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from browser import records
from browser.watching import Watched
from msgspec.structs import replace

from mtsite import comparison, urls
from mtsite.pages import comparing

expect = pytest.importorskip("playwright.sync_api").expect

pytestmark = pytest.mark.browser
NIGHT = records.Night()
BEFORE = records.Night(seed=9, runname="ww47.4")
HERE = urls.run_page(NIGHT.key).removesuffix("/index.html")


def opened(wide: Watched, site: Path, there: str, here: str) -> Any:
    page = wide.go(site, f"_compare/index.html?a={quote(there)}&b={quote(here)}")
    expect(page.locator("[role=status]")).not_to_be_empty()
    return page


def letters(night: records.Night) -> dict[tuple[str, str], str]:
    pairs = zip(night.run.tests, night.verdicts, strict=True)
    return {test.name: verdict.value for test, verdict in pairs if not test.toplevel}


def test_two_runs_are_classed_as_on_the_command_line(wide: Watched, gallery_site: Path) -> None:
    there = urls.run_page(replace(NIGHT.key, runname="ww47.4")).removesuffix("/index.html")
    page = opened(wide, gallery_site, there, f"{HERE}/index.html")
    rows = comparison.compare(letters(BEFORE), letters(NIGHT))
    said = ", ".join(
        f"{number} {comparing.SAID[kind].replace('here', 'in B').replace('there', 'in A')}"
        for kind, number in comparison.counts_of(rows).items()
    )
    assert page.inner_text("[role=status]") == f"{said}."
    worse = [row for row in rows if row.kind == comparison.WORSE]
    names = page.eval_on_selector_all(
        "section:has(h2:text('worse')) tbody bdi", "all => all.map(one => one.textContent)"
    )
    label = {"/".join(filter(None, (row.testname, row.item_path))) for row in worse}
    assert set(names) == label
    link = page.locator("section:has(h2:text('worse')) tbody a").first
    assert (gallery_site / "_compare" / str(link.get_attribute("href"))).resolve().is_file()
    assert page.title().startswith("ww47.4 → ww47.5: ")
    assert wide.trouble == []
    assert page.locator("#runs-a option").count() > 10


def test_an_address_with_the_former_name_of_an_area_compares_the_same_runs(
    wide: Watched, gallery_site: Path
) -> None:
    former = replace(NIGHT.key, area="formerly")
    shard = gallery_site / urls.run_values(former)
    shard.parent.mkdir(parents=True, exist_ok=True)
    shard.write_bytes(comparing.moved_shard(former, 0, NIGHT.key))
    page = opened(wide, gallery_site, urls.run_dir(former), HERE)
    expect(page.locator("[role=status]")).to_contain_text("equal")
    assert page.title().startswith("ww47.5 → ww47.5: ")
    assert page.locator(".filter-box input").first.input_value() == HERE


def test_the_form_takes_addresses_of_pages(wide: Watched, gallery_site: Path) -> None:
    page = opened(wide, gallery_site, "", "")
    assert page.inner_text("[role=status]").startswith("Name two runs")
    for box in page.locator(".filter-box input").all():
        box.fill((gallery_site / urls.run_page(NIGHT.key)).as_uri() + "#failures")
    page.locator("form button").click()
    expect(page.locator("[role=status]")).to_contain_text("equal")
    assert page.url.endswith(f"?a={quote(HERE, safe='')}&b={quote(HERE, safe='')}")


@pytest.mark.parametrize(
    "hostile",
    [
        "https://evil.example/x",
        "//evil.example/x",
        "../../../etc/passwd/x",
        "a/../../b",
        "javascript:alert(1)",
        "<img src=x onerror=alert(1)>/x",
        "_blobs/aa",
        "a/.git",
        "x" * 5000 + "/y",
        "no/such/run",
    ],
)
def test_a_hostile_address_loads_nothing_and_shows_as_text(
    wide: Watched, gallery_site: Path, hostile: str
) -> None:
    loaded: list[str] = []
    wide.page.on("request", lambda request: loaded.append(request.url))
    page = opened(wide, gallery_site, hostile, HERE)
    said = page.inner_text("[role=status]")
    assert said.startswith("Name two runs") or "no such run" in said
    assert page.locator("main img, main iframe, main script").count() == 0
    assert all(url.startswith(gallery_site.as_uri()) for url in loaded)


def test_names_of_a_hostile_run_are_text(wide: Watched, gallery_site: Path) -> None:
    bad = urls.run_page(replace(NIGHT.key, runname="hostile")).removesuffix("/index.html")
    page = opened(wide, gallery_site, bad, HERE)
    assert page.locator("bdi", has_text="<script>alert(1)</script>").count() > 0
    assert page.locator("main script, main b:has-text('bold')").count() == 0


def test_without_script_the_page_says_where_else_to_look(
    plain: Watched, gallery_site: Path
) -> None:
    page = plain.go(gallery_site, "_compare/index.html")
    assert "mtsite run diff A B" in page.inner_text("main")
