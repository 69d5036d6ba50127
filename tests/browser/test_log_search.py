"""What is wrong in a long log, in Chromium: search, levels, and the next bad line."""

import time
from pathlib import Path

import pytest
from browser.log_site import PAGE, served, write_log_site
from browser.log_views import (
    NEEDLE,
    NUMBERS,
    View,
    comes_true,
    site_fixture,
    tree_fixture,
    view_fixture,
)

pytestmark = pytest.mark.browser
_fixtures = (tree_fixture, view_fixture, site_fixture)


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


def test_words_to_find_are_no_pattern(view: View, site: str) -> None:
    page = view.go(f"{site}{PAGE}?q=(a%2B)%2B$|.*[")
    assert comes_true(lambda: view.told() == "0 lines found")
    page.fill("input[type=search]", "<b>in</b> the \ud800")
    page.keyboard.press("Enter")
    assert comes_true(lambda: view.told() == "0 lines found")
