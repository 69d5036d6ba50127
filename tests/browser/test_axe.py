"""axe-core finds nothing on any page kind, light or dark, wide or on a phone.

It looks at the page as shipped, with its policy on: the source of axe is evaluated, not added.
"""

import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
from browser.kinds import of_each_kind, shown_in_gallery
from browser.log_site import PAGE, write_log_site

pytestmark = pytest.mark.browser
AXE = Path(sys.prefix, "npm/node_modules/axe-core/axe.min.js")
REPEATED = 40
"""Rows beyond this many are like those before them; axe needs seconds for thousands."""
SHORTEN = """(most) => {
  // What is not yet laid out has a guessed height, and seems to lie where it doesn't.
  for (const group of document.querySelectorAll("section, .group")) {
    group.style.setProperty("content-visibility", "visible");
  }
  for (const parent of document.querySelectorAll("tbody, ul, ol, .log-lines, tr")) {
    [...parent.children].slice(most).forEach((child) => child.remove());
  }
}"""
LOOK = """async () => {
  const found = await axe.run(document, { resultTypes: ["violations"], runOnly: %s });
  const where = (node) => `${node.target} ${node.any.map((why) => why.message).join("; ")}`;
  // A cell of a grid is one way of several to a page: its row's and its column's link lead there.
  const cell = (node) => document.querySelector(node.target[0])?.closest("td[class^='v-']");
  for (const one of found.violations) {
    if (one.id === "target-size") one.nodes = one.nodes.filter((node) => !cell(node));
  }
  return found.violations.filter((one) => one.nodes.length).map((one) =>
    `${one.id} (${one.impact}): ${one.nodes.slice(0, 3).map(where).join(" | ")}`);
}"""
TAGS = '["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]'
COLOURS = '["color-contrast", "link-in-text-block"]'
PLACES = '["target-size", "color-contrast", "scrollable-region-focusable", "region"]'
FORMS = [
    pytest.param(("light", 1400, TAGS), id="light"),
    pytest.param(("dark", 1400, COLOURS), id="dark"),
    pytest.param(("light", 390, PLACES), id="phone"),
]
"""Colour scheme, width, and the rules: all of them once, then those whose answer may differ."""


@pytest.fixture(scope="module")
def axe() -> str:
    if not AXE.exists():
        pytest.skip("no axe-core here: .ci/axe installs it")
    return AXE.read_text("utf-8")


@pytest.fixture(params=FORMS)
def form(request: pytest.FixtureRequest) -> tuple[str, int, str]:
    return request.param  # type: ignore[no-any-return]


@pytest.fixture
def page(form: tuple[str, int, str], chromium: Any) -> Iterator[Any]:
    colours, width, _ = form
    viewport = {"width": width, "height": 900}
    context = chromium.new_context(viewport=viewport, color_scheme=colours)
    yield context.new_page()
    context.close()


def _violations(
    page: Any, axe: str, site: Path, paths: Iterable[str], rules: str = TAGS
) -> list[str]:
    found: list[str] = []
    for path in paths:
        if 'http-equiv="refresh"' in (site / path).read_text("utf-8"):
            continue  # it leads elsewhere before it can be looked at
        page.goto((site / path).as_uri())
        page.evaluate(SHORTEN, REPEATED)
        page.evaluate(axe)
        found += [f"{path}: {one}" for one in page.evaluate(LOOK % rules)]
    return found


def test_gallery_keeps_nobody_out(
    page: Any, axe: str, gallery_site: Path, form: tuple[str, int, str]
) -> None:
    assert _violations(page, axe, gallery_site, shown_in_gallery(), form[2]) == []


def test_a_long_log_keeps_nobody_out(
    page: Any, axe: str, tmp_path: Path, form: tuple[str, int, str]
) -> None:
    lines = ("INFO" if n % 700 else "ERROR:" for n in range(1, 8001))
    text = "".join(f"2026-11-01 02:00:00 {level} \x1b[32mgreen\x1b[m\n" for level in lines)
    (tmp_path / "sim.log").write_text(text)
    write_log_site(tmp_path / "site", tmp_path / "sim.log")
    parts = [path.relative_to(tmp_path / "site") for path in tmp_path.rglob("_part/*/*.html")]
    assert len(parts) == 2
    paths = [PAGE, *map(str, parts)]
    assert _violations(page, axe, tmp_path / "site", paths, form[2]) == []


def test_demo_keeps_nobody_out(
    page: Any, axe: str, demo_site: Path, form: tuple[str, int, str]
) -> None:
    paths = [path for pages in of_each_kind(demo_site).values() for path in pages]
    assert _violations(page, axe, demo_site, paths, form[2]) == []


def test_axe_finds_what_is_wrong(page: Any, axe: str, tmp_path: Path) -> None:
    wrong = "<!doctype html><title>t</title><p>text<a href=x><img src=y></a>"
    (tmp_path / "wrong.html").write_text(wrong)
    found = " ".join(_violations(page, axe, tmp_path, ["wrong.html"]))
    assert "image-alt" in found and "html-has-lang" in found
