"""Whoever has no mouse: Tab walks every page from end to end, and the list of keys is true."""

from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from browser import attached, records
from browser.kinds import of_each_kind
from browser.watching import Watched

from mtsite import urls

pytestmark = pytest.mark.browser
MOST_STOPS = 45
"""Pages with more links than this are walked backwards as well, so both their ends are seen."""
REACHABLE = """() => [...document.querySelectorAll(
  "a[href], button, input, summary, [tabindex='0']")]
  .filter((one) => one.checkVisibility() && !one.disabled && one.tabIndex >= 0).length"""
UNREACHABLE = """() => [...document.querySelectorAll("[data-key], [data-filter], [data-copy]")]
  .filter((one) => one.tabIndex < 0).map((one) => one.outerHTML.slice(0, 120))"""
COUNT = """() => {
  window.walked = new Set();
  document.addEventListener("focusin", ({ target }) => walked.add(target));
}"""


def _walk(page: Any, presses: int, *, back: bool = False) -> int:
    """How many elements so many presses of Tab come to."""
    page.evaluate(COUNT)
    if back:
        page.keyboard.down("Shift")
    for _ in range(presses):
        page.keyboard.down("Tab")
    if back:
        page.keyboard.up("Shift")
    return int(page.evaluate("walked.size"))


def _listed(page: Any) -> str:
    page.keyboard.press("?")
    text: str = page.inner_text("dialog.keys")
    page.keyboard.press("Escape")
    page.locator("dialog.keys").wait_for(state="hidden")
    return text


@pytest.mark.slow
def test_tab_comes_to_everything_and_out_again(wide: Watched, gallery_site: Path) -> None:
    walked = 0
    for kind, paths in of_each_kind(gallery_site).items():
        if kind == "redirect":
            continue
        # A browser notes what it refuses to hostile files in frames: that is told elsewhere.
        path = next(one for one in paths if one != attached.page("hostile"))
        page = wide.go(gallery_site, path)
        assert page.evaluate(UNREACHABLE) == [], kind
        most = page.evaluate(REACHABLE)
        if most > MOST_STOPS:
            assert _walk(page, MOST_STOPS) == MOST_STOPS, (kind, path)
            wide.go(gallery_site, path)
            assert _walk(page, MOST_STOPS, back=True) == MOST_STOPS, (kind, path)
        else:
            assert _walk(page, most + 1) == most, (kind, path)
            walked += 1
    assert walked > 5, "small pages are walked whole"
    assert wide.trouble == []


def test_the_list_of_keys_names_what_works_on_the_page(wide: Watched, gallery_site: Path) -> None:
    night = records.Night()
    said = _listed(wide.go(gallery_site, urls.run_page(night.key)))
    assert "next, previous row" in said and "run before" in said
    assert "go to a line" not in said
    log = urls.log_page(night.key, ("pcie_retry_smoke", ""), "sim.log")
    said = _listed(wide.go(gallery_site, log))
    assert "go to a line" in said and "run before" not in said
    said = _listed(wide.go(gallery_site, "404.html"))
    assert "next, previous row" not in said and "this list" in said


def test_sections_of_a_run_lie_one_below_the_other(wide: Watched, gallery_site: Path) -> None:
    page = wide.go(gallery_site, urls.run_page(records.Night().key))
    boxes = page.evaluate(
        """() => [...document.querySelectorAll("main > *")].filter((one) => one.checkVisibility())
        .map((one) => one.getBoundingClientRect()).map((box) => [box.top, box.bottom])"""
    )
    assert len(boxes) > 5
    for (_, bottom), (top, _) in pairwise(boxes):
        assert top >= bottom - 1
