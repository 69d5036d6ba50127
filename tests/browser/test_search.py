"""The search in Chromium: from a file, under its policy, by keyboard, with addresses to share."""

from pathlib import Path
from typing import Any

import pytest
from browser import records
from browser.log_views import comes_true
from browser.watching import Watched

from mtsite import urls
from mtsite.pages import search
from mtsite.pages.page import SiteFrame

expect = pytest.importorskip("playwright.sync_api").expect

pytestmark = pytest.mark.browser
PAGE = urls.search_page()
NIGHT = records.Night()
LINKS = "all => all.map(one => one.href)"


def opened(wide: Watched, site: Path, query: str = "") -> Any:
    page = wide.go(site, PAGE + (f"?q={query}" if query else ""))
    expect(page.locator("[data-mt=search] .sub")).to_contain_text("Older runs are not searched")
    return page


def total(page: Any) -> int:
    """How many the page says that it found."""
    return int(page.inner_text("output").split()[0])


def headed(page: Any) -> dict[str, int]:
    """Title of each section → how many it has."""
    said = page.eval_on_selector_all(
        ".results h2", "all => all.map(h => [h.firstChild.textContent, h.lastChild.textContent])"
    )
    return {title.strip(): int(number) for title, number in said}


def test_every_kind_is_found_and_every_link_leads_to_a_page(
    wide: Watched, gallery_site: Path
) -> None:
    page = opened(wide, gallery_site, "lnx07")
    assert (
        page.locator(".results .names a").first.get_attribute("href")
        == "../_hosts/lnx07/index.html"
    )
    page.fill("input", "pcie_retry_smoke")
    assert headed(page)["Tests"] >= 1
    first = page.locator(".results .name a").first.get_attribute("href")
    assert first == f"../{urls.test_page(NIGHT.key, ('pcie_retry_smoke', ''))}"
    page.fill("input", "mrivera")
    assert {"Targets, hosts, owners", "Runs", "Tests"} >= headed(page).keys()
    page.fill("input", '"burst 0x3f"')
    assert list(headed(page)) == ["Failing lines"]
    line = page.locator(".results .line a").first
    assert str(line.get_attribute("href")).endswith("/_log/sim.log.html#L1482")
    page.fill("input", f"is:run run:{NIGHT.key.runname}")
    (link,) = page.eval_on_selector_all(".results .name a", LINKS)
    assert link == (gallery_site / urls.run_page(NIGHT.key)).as_uri()
    assert wide.trouble == []


def test_it_finds_what_the_filter_says(wide: Watched, gallery_site: Path) -> None:
    page = opened(wide, gallery_site, "is:test s:bad target:rhel9/*")
    bad = sum(str(verdict) in "DFKBA" for verdict in NIGHT.verdicts)
    assert headed(page)["Tests"] >= bad > 0
    page.fill("input", "is:test s:bad !s:bad")
    assert total(page) == 0
    page.fill("input", "s:odd")
    assert "position 1: s:odd: no such state" in page.inner_text("output")
    page.fill("input", "state:COMPLETED")
    assert "not known here; there are test: item: run:" in page.inner_text("output")


def test_older_runs_come_when_they_are_asked_for(wide: Watched, gallery_site: Path) -> None:
    asked: list[str] = []
    wide.page.on("request", lambda request: asked.append(request.url.rpartition("/")[2]))
    page = opened(wide, gallery_site, "is:run")
    before = total(page)
    assert [name for name in asked if name.startswith("2026")] == ["2026-11-2.js"]
    assert "back to 2026-11" in page.inner_text(".sub")
    page.click(".sub button >> nth=0")
    expect(page.locator(".sub")).to_contain_text("back to 2026-10")
    assert comes_true(lambda: total(page) > before)
    page.click(".sub button >> nth=0")
    expect(page.locator(".sub")).to_contain_text("All runs of this site are searched")
    assert asked[-1] == "2026-10-1.js"


def test_a_newer_verdict_hides_an_older_one(wide: Watched, gallery_site: Path) -> None:
    page = opened(wide, gallery_site, "is:test test:pcie_retry_smoke")
    alone = total(page)
    page.click(".sub button >> nth=1")
    expect(page.locator(".sub")).to_contain_text("All runs of this site are searched")
    assert total(page) == alone


def test_the_keyboard_goes_through_what_was_found(wide: Watched, gallery_site: Path) -> None:
    page = wide.go(gallery_site, urls.run_page(NIGHT.key))
    page.keyboard.press("/")
    page.wait_for_url("**/_search/index.html")
    expect(page.locator("[data-mt=search] .sub")).to_contain_text("Older runs")
    page.keyboard.type("pcie")
    at = "document.activeElement.href"
    page.keyboard.press("ArrowDown")
    first = page.evaluate(at)
    page.keyboard.press("ArrowDown")
    assert page.evaluate(at) != first
    page.keyboard.press("ArrowUp")
    assert page.evaluate(at) == first
    page.keyboard.press("Escape")
    assert page.evaluate("document.activeElement.value") == "pcie"
    page.keyboard.press("Enter")
    page.wait_for_url(first)
    page.go_back()
    expect(page.locator("output")).to_contain_text("found")
    assert page.input_value("input") == "pcie"
    page.keyboard.press("Escape")
    assert page.input_value("input") == "" and "q=" not in page.url


def test_hostile_names_and_addresses_are_text(wide: Watched, gallery_site: Path) -> None:
    page = opened(wide, gallery_site, "run:hostile%20!s:pass")
    while page.locator(".results .more:visible").count():
        page.locator(".results .more:visible").first.click()
    assert page.locator(".results img, .results script").count() == 0
    for href in page.eval_on_selector_all(".results a", LINKS):
        assert href.startswith(gallery_site.as_uri()), href
    opened(wide, gallery_site, "<img src=x onerror=alert(1)>")
    assert page.locator("img").count() == 0
    assert wide.trouble == []


def test_a_shard_that_is_lost_is_said_and_tried_again_with_the_next_query(
    wide: Watched, gallery_site: Path
) -> None:
    query = "test:pcie_retry_smoke is:test"
    whole = opened(wide, gallery_site, query).inner_text(".results")
    wide.page.route("**/2026-11-2.js", lambda route: route.abort())
    page = wide.go(gallery_site, f"{PAGE}?q={query}")
    lost = "What is searched of 2026-11 could not be loaded"
    expect(page.locator(".sub")).to_contain_text(lost)
    page.click(".sub button:has-text('Search all')")
    expect(page.locator(".sub button")).to_have_text(["Try again"])
    assert "All runs" not in page.inner_text(".sub")
    page.click(".sub button")
    expect(page.locator(".sub button")).to_have_text(["Try again"])
    page.unroute("**/2026-11-2.js")
    page.fill("input", query + " ")
    expect(page.locator(".sub")).to_contain_text("All runs of this site are searched")
    assert lost not in page.inner_text(".sub")
    assert page.inner_text(".results") == whole


def test_stopping_and_going_on_at_once_reads_no_part_twice(
    wide: Watched, gallery_site: Path
) -> None:
    page = opened(wide, gallery_site, "is:run")
    page.click(".sub button >> nth=1")
    expect(page.locator(".sub")).to_contain_text("All runs of this site are searched")
    said = page.inner_text("output")
    page = opened(wide, gallery_site, "is:run")
    page.evaluate(
        """() => {
          document.querySelector(".sub button").click();
          const key = new KeyboardEvent("keydown", {key: "Escape", bubbles: true});
          document.querySelector("[data-mt=search] input").dispatchEvent(key);
          document.querySelectorAll(".sub button")[1].click();
        }"""
    )
    expect(page.locator(".sub")).to_contain_text("back to 2026-10")
    page.click(".sub button >> nth=0")
    expect(page.locator(".sub")).to_contain_text("All runs of this site are searched")
    assert page.inner_text("output") == said


def test_without_script_it_leads_to_lists(plain: Watched, gallery_site: Path) -> None:
    page = plain.go(gallery_site, PAGE)
    assert "This page's script searches" in page.inner_text("main")
    assert page.locator("main a").count() == len(search.context(SiteFrame("x"), {})["elsewhere"])
