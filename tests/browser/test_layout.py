"""From 320 to 2560 px: nothing sideways, nothing that jumps, and a page that can be printed."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from browser import gallery, records
from browser.kinds import of_each_kind, shown_in_gallery
from browser.watching import WATCH_SHIFTS, Watched

from mtsite import urls

pytestmark = pytest.mark.browser
RUN = urls.run_page(records.Night().key)
LIGHT_PAPER = "rgb(252, 251, 247)"
BACKGROUND = "getComputedStyle(document.documentElement).backgroundColor"
INSIDE = """() => [...document.querySelectorAll("main *")].filter((one) =>
  one.getBoundingClientRect().right > innerWidth + 1
  && !one.closest(".scroll, .heard, .strip, pre, [tabindex='0']"))
  .map((one) => one.outerHTML.slice(0, 120))"""
COVERED = """() => {
  const parts = [...document.querySelectorAll("main > *")]
    .filter((one) => one.getClientRects().length);
  return parts.slice(1).filter((one, i) =>
    one.getBoundingClientRect().top < parts[i].getBoundingClientRect().bottom - 1)
    .map((one) => one.outerHTML.slice(0, 120));
}"""
CUT = """() => [...document.querySelectorAll("h1, h2, .lead, .facts dd, .failures *")]
  .filter((one) => !one.matches(".heard") && one.scrollWidth > one.clientWidth + 1
    && getComputedStyle(one).overflow !== "visible").map((one) => one.outerHTML.slice(0, 120))"""


@pytest.fixture
def opened(chromium: Any) -> Iterator[Watched]:
    watched = Watched(chromium, viewport={"width": 1400, "height": 900})
    watched.context.add_init_script(WATCH_SHIFTS)
    yield watched
    watched.context.close()


def test_no_page_of_the_gallery_scrolls_sideways(opened: Watched, gallery_site: Path) -> None:
    for path in shown_in_gallery():
        page = opened.go(gallery_site, path)
        for width in (320, 390, 768, 1400, 2560):
            page.set_viewport_size({"width": width, "height": 900})
            assert page.evaluate("document.documentElement.scrollWidth") <= width, (path, width)
            if width <= 390:
                assert page.evaluate(INSIDE) == [], (path, width)
    assert opened.trouble == []


def test_no_part_of_a_page_covers_another(opened: Watched, gallery_site: Path) -> None:
    """Parts of a run's page have left their place for want of a class of their own."""
    kinds = ("run", "run-with_gone", "run-many5000", "test", "gone", "target")
    for kind in kinds:
        page = opened.go(gallery_site, gallery.shots()[kind])
        for width in (390, 1400):
            page.set_viewport_size({"width": width, "height": 900})
            assert page.evaluate(COVERED) == [], (kind, width)


def test_no_page_of_the_demo_scrolls_sideways(opened: Watched, demo_site: Path) -> None:
    for kind, paths in of_each_kind(demo_site).items():
        if kind == "redirect":
            continue
        page = opened.go(demo_site, paths[-1])
        for width in (320, 390, 768, 1400, 2560):
            page.set_viewport_size({"width": width, "height": 900})
            assert page.evaluate("document.documentElement.scrollWidth") <= width, (paths, width)


def _late(route: Any) -> None:
    time.sleep(0.05)
    route.continue_()


def test_nothing_moves_when_the_script_comes_late(opened: Watched, gallery_site: Path) -> None:
    opened.page.route("**/site.js", _late)
    moved: list[str] = []
    for width in (1400, 390):
        opened.page.set_viewport_size({"width": width, "height": 900})
        for path in shown_in_gallery():
            page = opened.go(gallery_site, path)
            page.evaluate("() => new Promise((done) => setTimeout(done, 20))")
            moved += [f"{path} at {width}: {shift}" for shift in page.evaluate("shifts")]
    assert moved == [], "\n".join(moved)


def test_the_theme_is_there_before_the_first_paint(opened: Watched, gallery_site: Path) -> None:
    page = opened.go(gallery_site, RUN)
    page.keyboard.press("t")
    opened.context.add_init_script(
        "addEventListener('readystatechange', () => { window.early ??="
        " document.documentElement.dataset.theme; }, { once: true, capture: true })"
    )
    page = opened.go(gallery_site, RUN)
    assert page.evaluate("early") == "dark"


def test_a_dark_page_prints_on_white(opened: Watched, gallery_site: Path) -> None:
    page = opened.go(gallery_site, RUN)
    page.keyboard.press("t")
    assert page.evaluate(BACKGROUND) != LIGHT_PAPER
    page.emulate_media(media="print")
    assert page.evaluate("getComputedStyle(document.documentElement).colorScheme") == "light"
    assert page.evaluate(BACKGROUND) == LIGHT_PAPER


def test_a_run_prints_whole(opened: Watched, gallery_site: Path) -> None:
    page = opened.go(gallery_site, RUN)
    page.emulate_media(media="print")
    page.set_viewport_size({"width": 720, "height": 1000})  # A4 without its margins
    assert page.evaluate("document.documentElement.scrollWidth") <= 720
    assert page.evaluate(CUT) == []
    assert page.locator(".tools").is_hidden()
    pdf = page.pdf(format="A4")
    assert pdf.startswith(b"%PDF-")
    links = pdf.count(b"/URI")
    assert links > 100, "links can be followed from the PDF"


def test_nothing_moves_for_those_who_ask_for_less(chromium: Any, gallery_site: Path) -> None:
    watched = Watched(chromium, reduced_motion="reduce")
    page = watched.go(gallery_site, RUN)
    moving = """() => [...document.querySelectorAll("*")].filter((one) => {
      const style = getComputedStyle(one);
      const seconds = [style.transitionDuration, style.animationDuration].map(parseFloat);
      return Math.max(...seconds) > 0.01 || style.scrollBehavior === "smooth";
    }).length"""
    assert page.evaluate(moving) == 0
    watched.context.close()


def test_forced_colours_keep_the_track(chromium: Any, gallery_site: Path) -> None:
    watched = Watched(chromium, forced_colors="active")
    page = watched.go(gallery_site, RUN)
    drawn = "getComputedStyle(document.querySelector('.strip i')).backgroundImage"
    assert "gradient" in page.evaluate(drawn)
    painted = "getComputedStyle(document.querySelector('.strip .v-F')).forcedColorAdjust"
    assert page.evaluate(painted) == "none"
    watched.context.close()
