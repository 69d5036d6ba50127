"""From 320 to 2560 px: nothing sideways, nothing that jumps, and a page that can be printed."""

import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from browser import records
from browser.kinds import of_each_kind, shown_in_gallery
from browser.watching import WATCH_SHIFTS, Watched

from mtsite import urls

pytestmark = pytest.mark.browser
RUN = urls.run_page(records.Night().key)
LIGHT_PAPER = "rgb(252, 251, 247)"
BACKGROUND = "getComputedStyle(document.documentElement).backgroundColor"
LOOK = """() => {
  const all = (which) => [...document.querySelectorAll(which)];
  const told = (some) => some.map((one) => one.outerHTML.slice(0, 120));
  const place = (one) => one.getBoundingClientRect();
  const parts = all("body:is(.run, .test, .gone, .target) main > *")
    .filter((one) => one.getClientRects().length);
  const far = (one) => place(one).right > innerWidth + 1
    && !one.closest(".scroll, .heard, .strip, pre, [tabindex='0']");
  const wider = (one) => one.scrollWidth > one.clientWidth + 1;
  return {
    width: document.documentElement.scrollWidth,
    far: innerWidth > 390 ? [] : told(all("main *").filter(far)),
    wider: told(all("body.test .part > *").filter(wider)),
    covered: told(parts.slice(1).filter((one, i) => place(one).top < place(parts[i]).bottom - 1)),
  };
}"""
CUT = """() => [...document.querySelectorAll("h1, h2, .lead, .facts dd, .failures *")]
  .filter((one) => !one.matches(".heard") && one.scrollWidth > one.clientWidth + 1
    && getComputedStyle(one).overflow !== "visible").map((one) => one.outerHTML.slice(0, 120))"""


WIDTHS = (390, 320, 768, 2560)


@dataclass
class Seen:
    """What there was to see of the pages of the gallery, each opened once wide."""

    moved: list[str] = field(default_factory=list)
    sideways: list[str] = field(default_factory=list)
    outside: list[str] = field(default_factory=list)
    covered: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)

    def look(self, page: Any, path: str, widths: Iterable[int]) -> None:
        for width in widths:
            page.set_viewport_size({"width": width, "height": 900})
            found = page.evaluate(LOOK)
            if found["width"] > width:
                self.sideways.append(f"{path} at {width}")
            self.outside += [f"{path} at {width}: {one}" for one in found["far"] + found["wider"]]
            self.covered += [f"{path} at {width}: {one}" for one in found["covered"]]

    def wait(self, page: Any, path: str, width: int) -> None:
        page.evaluate("() => new Promise((done) => setTimeout(done, 20))")
        self.moved += [f"{path} at {width}: {shift}" for shift in page.evaluate("shifts")]
        self.refused += [f"{path}: {one}" for one in page.evaluate("policyReports")]


def _late(route: Any) -> None:
    time.sleep(0.05)
    route.continue_()


@pytest.fixture
def opened(chromium: Any) -> Iterator[Watched]:
    watched = Watched(chromium, viewport={"width": 1400, "height": 900})
    watched.context.add_init_script(WATCH_SHIFTS)
    yield watched
    watched.context.close()


@pytest.fixture(scope="module")
def seen(chromium: Any, gallery_site: Path) -> Seen:
    """All pages with a script that comes late; the fullest of each kind from a phone as well."""
    found = Seen()
    watched = Watched(chromium, viewport={"width": 1400, "height": 900})
    watched.context.add_init_script(WATCH_SHIFTS)
    watched.page.route("**/site.js", _late)
    fullest = _fullest(gallery_site)
    for path in shown_in_gallery():
        page = watched.go(gallery_site, path)
        found.wait(page, path, 1400)
        found.look(page, path, (1400,) if path in fullest else (1400, 390))
        page.set_viewport_size({"width": 1400, "height": 900})
    for path in fullest:
        watched.page.set_viewport_size({"width": 390, "height": 900})
        page = watched.go(gallery_site, path)
        found.wait(page, path, 390)
        found.look(page, path, WIDTHS)
    watched.context.close()
    assert watched.trouble == []
    return found


def _fullest(site: Path) -> list[str]:
    return [paths[-1] for kind, paths in of_each_kind(site).items() if kind != "redirect"]


def test_no_page_of_the_gallery_scrolls_sideways(seen: Seen) -> None:
    assert seen.sideways + seen.outside == []


def test_no_part_of_a_page_covers_another(seen: Seen) -> None:
    """Parts of a run's page have left their place for want of a class of their own."""
    assert seen.covered == []


def test_no_page_of_the_gallery_breaks_its_policy_from_a_file(seen: Seen) -> None:
    assert seen.refused == []


def test_nothing_moves_when_the_script_comes_late(seen: Seen) -> None:
    assert seen.moved == [], "\n".join(seen.moved)


@pytest.mark.slow
def test_no_page_of_the_demo_scrolls_sideways(opened: Watched, demo_site: Path) -> None:
    found = Seen()
    for path in _fullest(demo_site):
        found.look(opened.go(demo_site, path), path, WIDTHS)
    assert found.sideways == []


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
