"""The pages in Chromium: no violation, no error, nothing sideways, whole without script."""

from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest
from browser import records
from browser.watching import Watched

from mtsite import urls
from mtsite.model import RunKey

expect = pytest.importorskip("playwright.sync_api").expect

pytestmark = pytest.mark.browser
LEAF = (records.AREA, records.TARGET)
RUN = urls.run_page(records.Night().key)
HOSTILE = urls.run_page(RunKey(*LEAF, "hostile"))
LOG = urls.log_page(records.Night().key, ("pcie_retry_smoke", ""), "sim.log")


@pytest.fixture(scope="module")
def site(gallery_site: Path) -> Path:
    return gallery_site


def _go(watched: Watched, site: Path, path: str) -> Any:
    return watched.go(site, path)


def test_every_hostile_name_is_text(wide: Watched, site: Path) -> None:
    page = _go(wide, site, HOSTILE)
    page.evaluate("document.querySelectorAll('details').forEach((fold) => { fold.open = true; })")
    shown = page.inner_text("body")
    assert "<script>alert(1)</script>" in shown
    assert "quo\"te's & <b>bold</b>" in shown
    for link in page.eval_on_selector_all("a", "links => links.map(a => a.href)"):
        assert not link.startswith(("javascript:", "data:")), link
    assert wide.trouble == []


def test_links_of_hostile_names_lead_to_their_pages(wide: Watched, site: Path) -> None:
    page = _go(wide, site, HOSTILE)
    found = page.eval_on_selector_all(
        "#failures [data-row] a:not(.line a, .place)", "links => links.map(a => a.href)"
    )
    assert len(found) > 20
    for link in found:
        assert b'<h1 class="test-name">' in _file_of(link).read_bytes(), link
    for link in sorted(found, key=len)[-3:]:
        page.goto(link)
        assert page.locator("h1.test-name").count() == 1, link
    assert wide.trouble == []


def _file_of(link: str) -> Path:
    """The file that a browser opens for a resolved link."""
    return Path(unquote(urlsplit(link).path))


def test_without_script_counts_failures_and_links_are_there(plain: Watched, site: Path) -> None:
    page = _go(plain, site, RUN)
    assert "31 of 435 tests went wrong" in page.inner_text("main")
    assert page.locator("#failures [data-row]").count() == 31
    assert page.locator(".folded a").count() > 380
    assert page.get_by_role("button").count() == 0
    assert "2026-11-20 02:00 UTC" in page.inner_text(".facts")
    page.click(".failures .line a >> nth=0", no_wait_after=True)


def test_without_script_a_log_has_its_lines(plain: Watched, site: Path) -> None:
    page = _go(plain, site, LOG + "#L844")
    assert page.locator(".log-lines div").count() > 1_700
    assert page.locator("#L844").is_visible()


def test_redirect_works_from_a_file(wide: Watched, site: Path) -> None:
    page = wide.page
    page.goto((site / urls.pointer_page(*LEAF, "latest")).as_uri())
    page.wait_for_url("**/ww47.5/index.html")
    assert page.url.endswith("/ww47.5/index.html")


def test_chip_writes_the_filter_into_the_address(wide: Watched, site: Path) -> None:
    page = _go(wide, site, RUN)
    page.click("[data-filter=new]")
    assert page.locator("#failures [data-row]:visible").count() == 12
    assert page.locator(".folded [data-row]:visible").count() == 0
    assert page.evaluate("location.search") == "?q=new"
    page.reload()
    assert page.locator("#failures [data-row]:visible").count() == 12


def test_filter_takes_words_states_and_their_opposite(wide: Watched, site: Path) -> None:
    page = _go(wide, site, RUN)
    page.keyboard.press("f")
    page.keyboard.type("pcie_retry !s:fail")
    assert page.locator("[data-row]:visible").count() == 0
    page.keyboard.press("Escape")
    assert page.locator("#failures [data-row]:not([hidden])").count() == 31
    page.fill("input[type=search]", "s:waived")
    assert page.locator("[data-row]:visible").count() == 2


def test_keys_open_help_and_walk_the_rows(wide: Watched, site: Path) -> None:
    page = _go(wide, site, RUN)
    page.keyboard.press("?")
    assert page.locator("dialog.keys").is_visible()
    page.keyboard.press("Escape")
    page.locator("dialog.keys").wait_for(state="hidden")
    page.keyboard.press("j")
    page.locator("[data-row].at").wait_for()
    page.keyboard.press("j")
    assert page.locator("[data-row].at .name").inner_text().startswith("ddr_train_directed")
    page.keyboard.press("Enter")
    page.wait_for_url("**/ddr_train_directed/index.html")
    page.keyboard.press("u")
    page.wait_for_url("**/ww47.5/index.html")
    assert wide.trouble == []


def test_theme_is_kept(wide: Watched, site: Path) -> None:
    page = _go(wide, site, RUN)
    paper = "getComputedStyle(document.documentElement).backgroundColor"
    light = page.evaluate(paper)
    page.keyboard.press("t")
    dark = page.evaluate(paper)
    assert light != dark
    page.reload()
    assert page.evaluate(paper) == dark


def test_lines_are_chosen_by_click_and_shift_click(wide: Watched, site: Path) -> None:
    page = _go(wide, site, LOG)
    page.click("#L3 > a")
    page.click("#L7 > a", modifiers=["Shift"])
    assert page.evaluate("location.hash") == "#L3-7"
    assert page.locator(".log-lines .chosen").count() == 5
    page.reload()
    assert page.locator(".log-lines .chosen").count() == 5


def test_a_range_in_the_address_comes_into_view(wide: Watched, site: Path) -> None:
    page = _go(wide, site, LOG + "#L1470-1484")
    assert page.locator(".log-lines .chosen").count() == 15
    expect(page.locator("#L1470")).to_be_in_viewport()
    top = page.evaluate("document.getElementById('L1470').getBoundingClientRect().top")
    assert 0 < top < page.evaluate("innerHeight") / 2


def test_n_goes_through_the_findings_of_a_log(wide: Watched, site: Path) -> None:
    page = _go(wide, site, LOG)
    page.keyboard.press("n")
    assert page.evaluate("location.hash") == "#L844"
    page.keyboard.press("n")
    assert page.evaluate("location.hash") == "#L1482"
    page.keyboard.press("n")
    assert page.evaluate("location.hash") == "#L844"


@pytest.mark.parametrize(
    ("zone", "here"),
    [("UTC", "2:00:00 AM"), ("Asia/Kolkata", "7:30:00 AM"), ("America/St_Johns", "10:30:00 PM")],
)
def test_times_turn_relative_and_keep_the_full_time_in_utc_and_here(
    chromium: Any, site: Path, zone: str, here: str
) -> None:
    watched = Watched(chromium, timezone_id=zone, locale="en-US")
    time = _go(watched, site, RUN).locator(".facts time")
    title = time.get_attribute("title").replace("\u202f", " ")
    assert title.startswith("2026-11-20 02:00 UTC · ")
    assert title.endswith(f"{here} here")
    watched.context.close()


HOSTILE_ADDRESSES = (
    "?in=<img src=x onerror=alert(1)>",
    "?in=%00%E0%A4%A",
    "?in=" + "x" * 100_000,
    "?q=%22%3E%3Cscript%3Ealert(1)%3C/script%3E#javascript:alert(1)",
    "?show=__proto__&group=constructor#<svg onload=alert(1)>",
    "?level=1e9&view=%3Cb%3E&q=(#L1e9-%00",
    "#q=s:constructor %E0%A4%A",
    "?n=%00#_2013-(a+)+$",
)


def test_a_hostile_address_runs_nothing_and_leaves_a_page_that_works(
    wide: Watched, site: Path
) -> None:
    history = urls.history_page(*LEAF, ("pcie_retry_smoke", ""))
    test = urls.test_page(records.Night().key, ("pcie_retry_smoke", ""))
    pages = (test, test, test, RUN, urls.area_page(*LEAF), LOG, RUN, history)
    for path, odd in zip(pages, HOSTILE_ADDRESSES, strict=True):
        page = _go(wide, site, path + odd)
        assert page.locator("img, main script, svg[onload]").count() == 0, (path, odd)
        assert page.locator("[data-mt=keys]").is_visible(), (path, odd)
    assert wide.trouble == []


def test_what_a_tab_keeps_of_a_filter_is_no_more_than_names(wide: Watched, site: Path) -> None:
    test = urls.test_page(records.Night().key, ("pcie_retry_smoke", ""))
    page = _go(wide, site, test)
    for odd in ('{"a": 1}', "[[1, 2]]", "[null]", '[["javascript:alert(1)", "<b>x</b>"]]', "{"):
        page.evaluate("odd => sessionStorage.setItem('mt-walk new', odd)", odd)
        page = _go(wide, site, f"{test}?in=new")
        assert page.locator("[data-mt=walk] b").count() == 0
        assert page.locator("[data-mt=keys]").is_visible()
    assert wide.trouble == []
