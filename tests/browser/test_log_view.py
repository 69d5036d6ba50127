"""The log viewer in Chromium: any line of a long log, by its gaps, its address, or read on."""

import gzip
from pathlib import Path
from typing import Any

import pytest
from browser.log_site import PAGE
from browser.log_views import (
    LINES,
    LONG,
    TEXT,
    WESTERN,
    WIDE,
    View,
    comes_true,
    line_of,
    site_fixture,
    tree_fixture,
    view_fixture,
)

pytestmark = pytest.mark.browser
_fixtures = (tree_fixture, view_fixture, site_fixture)


def test_a_line_that_is_not_on_the_page_is_fetched_alone(view: View, site: str) -> None:
    page = view.go(f"{site}{PAGE}#L6000-6003")
    page.wait_for_selector("#L6003.chosen")
    assert view.line(6000).endswith("line 6000")
    assert page.locator(".log-lines .chosen").count() == 4
    assert sum(url.endswith(".logz") for url in view.asked) == 1
    top = page.evaluate("document.getElementById('L6000').getBoundingClientRect().top")
    assert 100 < top < 450
    assert "lv-warning" in page.get_attribute("#L6000", "class")


def test_every_line_of_the_log_can_be_had_and_is_the_one_asked_for(view: View, site: str) -> None:
    page = view.go(site + PAGE)
    for n in (21, 4999, 5000, 5001, WESTERN, LONG + 1, LINES - 41):
        page.evaluate(f"location.hash = 'L{n}'")
        page.wait_for_selector(f"#L{n}.chosen")
        assert view.line(n).endswith(line_of(n))
    numbers = page.eval_on_selector_all(
        ".log-lines div[id]", "rows => rows.map(r => +r.id.slice(1))"
    )
    assert numbers == sorted(set(numbers))


def test_gaps_say_how_much_they_hide_and_open(view: View, site: str) -> None:
    page = view.go(site + PAGE)
    gap = page.locator(".log-gap").first
    assert gap.get_attribute("data-from") == "21"
    gap.get_by_text("↓ 20").click()
    page.wait_for_selector("#L40")
    gap = page.locator(".log-gap").first
    assert gap.get_attribute("data-from") == "41"
    below = int(gap.get_attribute("data-to") or 0)
    gap.get_by_text("↑ 20").click()
    page.wait_for_selector(f"#L{below - 19}")
    rows = page.locator(".log-lines div[id]").count()
    hidden = page.eval_on_selector_all(
        ".log-gap", "gaps => gaps.reduce((n, g) => n + (+g.dataset.to) - g.dataset.from + 1, 0)"
    )
    assert rows + hidden == LINES


def test_reading_on_loads_what_is_scrolled_to_and_keeps_the_page_small(
    view: View, site: str
) -> None:
    page = view.go(f"{site}{PAGE}?view=full")
    last = 0
    for _ in range(300):
        page.mouse.wheel(0, 4000)
        last = page.evaluate(
            "Math.max(...[...document.querySelectorAll('.log-lines div[id]')]"
            ".filter(r => r.getBoundingClientRect().top < innerHeight).map(r => +r.id.slice(1)))"
        )
        if last > 8000:
            break
        page.wait_for_timeout(15)
    assert last > 8000
    assert page.locator(".log-lines div[id]").count() < 5000


def test_a_gap_says_what_time_it_spans(view: View, site: str) -> None:
    page = view.go(site + PAGE)
    gap = page.locator(".log-gap")
    assert "· 00:00–00:08 ⋯" in gap.first.inner_text()
    gap.first.get_by_text("↓ 20").click()
    page.wait_for_selector("#L40")
    page.evaluate("location.hash = 'L85'")
    page.wait_for_selector("#L85.chosen")
    assert "· 00:00:40–00:00:55 ⋯" in gap.first.inner_text()


def test_the_time_since_the_line_before_is_shown_where_asked_for(view: View, site: str) -> None:
    page = view.go(site + PAGE)
    page.keyboard.press("d")
    since = "(row) => getComputedStyle(row, '::before').content"
    assert page.eval_on_selector("#L7", since) == '"+1.000"'
    assert page.eval_on_selector("#L495", since) == "none", "a gap is before it"
    page.evaluate("location.hash = 'L6000'")
    page.wait_for_selector("#L6000[data-since]")
    page.get_by_role("button", name="Times").click()
    assert page.eval_on_selector("#L7", since) == "none"


@pytest.mark.parametrize(
    ("fragment", "first", "last"),
    [("L99999999999", LINES, LINES), ("L5-1", 1, 5), ("L0", 1, 1), ("L6000-9", 9, 6000)],
)
def test_an_odd_fragment_leads_to_a_line_of_the_log(
    view: View, site: str, fragment: str, first: int, last: int
) -> None:
    page = view.go(f"{site}{PAGE}#{fragment}")
    page.wait_for_selector(f"#L{first}.chosen")
    assert page.evaluate("mtLog.chosen") == [first, last]


def test_a_time_stamp_of_the_old_log_server_leads_to_its_line(view: View, site: str) -> None:
    page = view.go(f"{site}{PAGE}#_2026-11-01_02_00_01_123")
    page.wait_for_selector("#L7201.chosen")
    assert page.locator(".log-lines .chosen").count() == 1


def test_a_very_long_line_is_cut_and_can_be_had(view: View, site: str) -> None:
    page = view.go(f"{site}{PAGE}#L{LONG}")
    page.wait_for_selector(f"#L{LONG}.chosen")
    assert len(view.line(LONG)) < 11_000
    page.click(f"#L{LONG} button")
    assert comes_true(lambda: view.line(LONG).endswith("wide end"))
    assert len(view.line(LONG)) > WIDE


def test_what_is_copied_has_no_line_numbers(view: View, site: str) -> None:
    page = view.go(f"{site}{PAGE}#L6000")
    page.wait_for_selector("#L6000.chosen")
    page.evaluate(
        "(() => { const range = document.createRange();"
        " range.setStartBefore(document.getElementById('L6000'));"
        " range.setEndAfter(document.getElementById('L6001'));"
        " getSelection().addRange(range); })()"
    )
    copied = page.evaluate("getSelection().toString()")
    assert copied.splitlines() == [line_of(6000), line_of(6001)]


def test_the_raw_link_comes_first_and_saves_a_gzip_file(view: View, site: str) -> None:
    page = view.go(site + PAGE)
    link = page.locator("main a").first
    assert link.inner_text().startswith("raw (gzip")
    with page.expect_download() as saved:
        link.click()
    assert saved.value.suggested_filename == "sim.log.gz"
    text = gzip.decompress(Path(saved.value.path()).read_bytes())
    assert text == TEXT


def test_from_a_file_the_parts_have_the_rest(view: View, tree: Path) -> None:
    page = view.go((tree / PAGE).as_uri())
    page.locator(".log-gap a").first.click()
    page.wait_for_url("**/_part/sim.log/0001.html#L21")
    assert view.line(21).endswith("line 21")
    assert page.locator(".log-lines div[id]").count() == 5000


def test_without_script_the_parts_have_the_rest(chromium: Any, tree: Path) -> None:
    context = chromium.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto((tree / PAGE).as_uri())
    assert not page.locator(".log-view").is_visible()
    page.locator(".log-gap a").nth(1).click()
    assert page.locator("#L600").is_visible()
    page.get_by_text("from line 5001").first.click()
    page.locator("#L10000").wait_for()
    context.close()
