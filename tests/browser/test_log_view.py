"""The log viewer in Chromium: any line of a long log, search, levels, and bad servers."""

import gzip
import time
from pathlib import Path
from typing import Any

import pytest
from browser.log_site import PAGE, served, write_log_site
from browser.log_views import (
    LINES,
    LONG,
    NEEDLE,
    NUMBERS,
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


def test_search_looks_through_the_whole_file(view: View, site: str) -> None:
    page = view.go(site + PAGE)
    page.keyboard.press("/")
    page.keyboard.type("needle <b>in</b> the haystack")
    page.keyboard.press("Enter")
    assert comes_true(lambda: view.told() == "1 line found")
    page.wait_for_selector(f"#L{NEEDLE}.chosen")
    assert page.locator(f"#L{NEEDLE} b").count() == 0
    assert page.inner_text(f"#L{NEEDLE} .a-b.a-f1") == "haystack"
    assert "q=needle" in page.url
    page.fill("input[type=search]", "Line 1100")
    page.keyboard.press("Enter")
    assert comes_true(lambda: view.told() == "0 lines found")
    page.fill("input[type=search]", "line 1100")
    page.keyboard.press("Enter")
    assert comes_true(lambda: view.told() == "11 lines found")
    page.keyboard.press("Enter")
    page.wait_for_selector("#L11000.chosen")
    page.keyboard.press("Shift+Enter")
    page.wait_for_selector("#L1100.chosen")


def test_a_search_can_be_ended(view: View, site: str) -> None:
    page = view.go(site + PAGE)
    page.route("**/*.logz", lambda route: (time.sleep(0.05), route.continue_()))
    page.fill("input[type=search]", "line 119")
    page.keyboard.press("Enter")
    page.keyboard.press("Escape")
    assert comes_true(lambda: view.told().startswith("ended · "))
    page.wait_for_timeout(300)
    assert view.told().startswith("ended · ")


def test_search_and_level_in_the_address_are_obeyed(view: View, site: str) -> None:
    page = view.go(f"{site}{PAGE}?q=broken+at&level=6")
    assert comes_true(lambda: view.told() == "4 lines found")
    assert page.input_value("select") == "6"
    assert page.locator("#L500").is_visible()
    assert not page.locator("#L1").is_visible()


def test_a_level_shows_only_what_is_as_bad(view: View, site: str) -> None:
    page = view.go(site + PAGE)
    page.select_option("select", "5")
    page.locator("#L1000").wait_for()
    shown = page.locator(".log-lines div[id]:visible").evaluate_all(NUMBERS)
    assert all(n % 100 == 0 or n % 3000 == 500 for n in shown)
    assert "level=5" in page.url


def test_n_goes_to_findings_and_says_when_it_starts_again(view: View, site: str) -> None:
    page = view.go(site + PAGE)
    for n in (500, 3500, 6500, 9500, 500):
        page.keyboard.press("n")
        page.wait_for_selector(f"#L{n}.chosen")
    assert view.told() == "from the first bad line again"


def test_n_and_p_go_to_bad_lines_that_are_not_listed(view: View, tmp_path: Path) -> None:
    (tmp_path / "sim.log").write_text(_many_errors())
    entry = write_log_site(tmp_path / "site", tmp_path / "sim.log")
    assert len(entry.findings) == 20
    with served(tmp_path / "site") as address:
        page = view.go(f"{address}{PAGE}#L2950")
        for n in (3000, 3100, 3200):
            page.keyboard.press("n")
            page.wait_for_selector(f"#L{n}.chosen")
        page.keyboard.press("p")
        page.wait_for_selector("#L3100.chosen")
        page.keyboard.press("Escape")
        page.keyboard.press("p")
        page.wait_for_selector("#L6000.chosen")
        for _ in range(3):
            page.keyboard.press("n")
        page.wait_for_selector("#L300.chosen")


def test_a_gap_says_how_many_errors_it_hides(view: View, tmp_path: Path) -> None:
    (tmp_path / "sim.log").write_text(_many_errors())
    write_log_site(tmp_path / "site", tmp_path / "sim.log")
    with served(tmp_path / "site") as address:
        page = view.go(address + PAGE)
        assert comes_true(lambda: "error" in page.locator(".log-gap").last.inner_text())
        # The 20 listed ones are on the page, and the last of all is in its tail.
        assert "39 errors" in page.locator(".log-gap").last.inner_text()
        assert "0 errors" in page.locator(".log-gap").first.inner_text()


def _many_errors() -> str:
    stamp = "2026-11-01 02:00:00.123"
    levels = ("INFO" if n % 100 else "ERROR:" for n in range(1, 6001))
    return "".join(f"{stamp} {level} line {n}\n" for n, level in enumerate(levels, 1))


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


def test_words_to_find_are_no_pattern(view: View, site: str) -> None:
    page = view.go(f"{site}{PAGE}?q=(a%2B)%2B$|.*[")
    assert comes_true(lambda: view.told() == "0 lines found")
    page.fill("input[type=search]", "<b>in</b> the \ud800")
    page.keyboard.press("Enter")
    assert comes_true(lambda: view.told() == "0 lines found")


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


# -- servers that are no good
