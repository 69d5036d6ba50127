"""axe-core finds nothing on any page kind, light or dark, wide or on a phone.

It looks at the page as shipped, with its policy on: the source of axe is evaluated, not added.
"""

import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
from browser import gallery
from browser.kinds import of_each_kind
from browser.log_site import PAGE, write_log_site

pytestmark = pytest.mark.browser
AXE = Path(sys.prefix, "npm/node_modules/axe-core/axe.min.js")
ALIKE = 3
"""Rows made as so many before them are tell nothing new; axe needs seconds for thousands."""
SHORTEN = """(most) => {
  // What is not yet laid out has a guessed height, and seems to lie where it doesn't.
  for (const group of document.querySelectorAll("section, .group")) {
    group.style.setProperty("content-visibility", "visible");
  }
  const made = (one) => one.tagName + (one.getAttribute("class") || "");
  for (const parent of document.querySelectorAll("tbody, ul, ol, .log-lines, tr")) {
    const seen = new Map();
    for (const child of [...parent.children]) {
      const look = [child, ...child.querySelectorAll("*")].map(made).join();
      seen.set(look, (seen.get(look) || 0) + 1);
      if (seen.get(look) > most || seen.size > 10 * most) child.remove();
    }
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
ODD = (
    *(
        "run-known",
        "test-known",
        "hostile",
        "run-empty",
        "run-with_gone",
        "run-moved",
        "wide",
        "toplevel",
        "run-waits",
        "test-blocked",
        "attached-few",
        "attached-texts",
    ),
    *("items400", "values", "steps1000", "archived", "rtl", "waived", "nothing"),
)
"""Names in the gallery of pages that are made of other parts than the fullest of their kind."""

Form = tuple[str, int, str]
FIRST: Form = ("light", 1400, TAGS)
OTHERS: tuple[Form, ...] = (
    ("dark", 1400, COLOURS),
    ("light", 390, PLACES),
    ("dark", 390, COLOURS),
)
"""Colour scheme, width, and the rules whose answer may differ from that of the first form."""


@pytest.fixture(scope="module")
def axe() -> str:
    if not AXE.exists():
        pytest.skip("no axe-core here: .ci/axe installs it")
    return AXE.read_text("utf-8")


@pytest.fixture
def page(chromium: Any) -> Iterator[Any]:
    context = chromium.new_context(viewport={"width": 1400, "height": 900})
    yield context.new_page()
    context.close()


def _violations(
    page: Any, axe: str, file: Path, forms: Iterable[Form] = (FIRST, *OTHERS)
) -> list[str]:
    """What axe finds on one page in all forms; the page is opened once."""
    if 'http-equiv="refresh"' in file.read_text("utf-8"):
        return []  # it leads elsewhere before it can be looked at
    found: list[str] = []
    page.goto(file.as_uri())
    page.evaluate(SHORTEN, ALIKE)
    page.evaluate(axe)
    for colours, width, rules in forms:
        page.emulate_media(color_scheme=colours)
        page.set_viewport_size({"width": width, "height": 900})
        found += [f"{file}, {colours}, {width}: {one}" for one in page.evaluate(LOOK % rules)]
    return found


def _fullest(site: Path) -> set[str]:
    return {paths[-1] for paths in of_each_kind(site).values()}


def test_gallery_keeps_nobody_out(page: Any, axe: str, gallery_site: Path) -> None:
    """The fullest of each kind in every form, the oddest once."""
    fullest = _fullest(gallery_site)
    odd = {gallery.shots()[name] for name in ODD}
    found: list[str] = []
    for path in sorted(odd | fullest):
        forms = (FIRST, *OTHERS) if path in fullest else (FIRST,)
        found += _violations(page, axe, gallery_site / path, forms)
    assert found == []


def test_a_long_log_keeps_nobody_out(page: Any, axe: str, tmp_path: Path) -> None:
    lines = ("INFO" if n % 700 else "ERROR:" for n in range(1, 8001))
    text = "".join(f"2026-11-01 02:00:00 {level} \x1b[32mgreen\x1b[m\n" for level in lines)
    (tmp_path / "sim.log").write_text(text)
    write_log_site(tmp_path / "site", tmp_path / "sim.log")
    parts = list(tmp_path.rglob("_part/*/*.html"))
    assert len(parts) == 2
    files = [tmp_path / "site" / PAGE, parts[0]]
    assert [one for file in files for one in _violations(page, axe, file)] == []


@pytest.mark.slow
def test_demo_keeps_nobody_out(page: Any, axe: str, demo_site: Path) -> None:
    found = [_violations(page, axe, demo_site / path, (FIRST,)) for path in _fullest(demo_site)]
    assert [one for each in found for one in each] == []


def test_axe_finds_what_is_wrong(page: Any, axe: str, tmp_path: Path) -> None:
    wrong = "<!doctype html><title>t</title><p>text<a href=x><img src=y></a>"
    (tmp_path / "wrong.html").write_text(wrong)
    found = " ".join(_violations(page, axe, tmp_path / "wrong.html", (FIRST,)))
    assert "image-alt" in found and "html-has-lang" in found
