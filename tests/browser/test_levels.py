"""Front page, areas, levels and months as a reader meets them."""

from pathlib import Path
from typing import Any

import pytest
from browser import records

from mtsite import urls

pytestmark = pytest.mark.browser
AREA = urls.area_page(records.AREA)
LEVEL = urls.area_page(records.AREA, records.TARGET[:1])
MONTH = urls.month_page(records.AREA, records.TARGET, "2026-11")


@pytest.fixture
def site(gallery_site: Path) -> Path:
    return gallery_site


def open_page(watched: Any, site: Path, path: str) -> Any:
    watched.page.goto((site / path).as_uri())
    return watched.page


def test_keys_walk_the_areas_and_enter_opens_one(wide: Any, site: Path) -> None:
    page = open_page(wide, site, "index.html")
    page.keyboard.press("j")
    first = page.locator(".node-rows tbody tr.at th a")
    assert first.inner_text() == records.AREA
    page.keyboard.press("j")
    page.keyboard.press("k")
    page.keyboard.press("Enter")
    page.wait_for_url("**/" + AREA)
    assert wide.trouble == []


def test_a_late_area_says_what_was_expected_also_without_colour(phone: Any, site: Path) -> None:
    page = open_page(phone, site, "index.html")
    late = page.locator(".node-rows tr", has_text="firmware").locator("time")
    assert "late" in late.get_attribute("class")
    assert page.locator(".node-rows .late + .expected").first.inner_text() == ", expected daily"
    assert page.locator(".node-rows .late + .expected").first.is_visible()


def test_without_script_the_words_say_when_and_how_often(plain: Any, site: Path) -> None:
    page = open_page(plain, site, "index.html")
    row = page.locator(".node-rows tr", has_text="firmware").inner_text()
    assert "UTC, expected daily" in row
    assert "1 new, 3 fixed" in row


def test_runs_are_filtered_in_the_language_of_tests(wide: Any, site: Path) -> None:
    page = open_page(wide, site, MONTH)
    rows = page.locator(".run-rows tbody tr:visible")
    total = rows.count()
    page.keyboard.press("f")
    page.keyboard.type("@nightly s:bad !ww47")
    hits = rows.count()
    assert 0 < hits < total
    assert "?q=%40nightly+s%3Abad+%21ww47" in page.url
    assert page.locator(".list-filter output").inner_text() == f"{hits} of {total} on this page"
    page.reload()
    assert rows.count() == hits
    page.fill("input[type=search]", "new")
    assert page.locator(".run-rows tr:visible .change .new").count() == rows.count() > 0
    page.fill("input[type=search]", "s:nonsense")
    assert "nonsense: no such state" in page.inner_text(".list-filter output")


def test_siblings_of_every_level_are_one_key_away(wide: Any, site: Path) -> None:
    page = open_page(wide, site, LEVEL)
    page.keyboard.press("b")
    panel = page.locator(".levels")
    panel.wait_for()
    columns = panel.locator("div")
    assert [columns.nth(i).inner_text().split() for i in range(2)] == [
        ["AREA", records.AREA, "webstack"],
        ["OS", "other", records.TARGET[0], "third"],
    ]
    assert page.evaluate("document.activeElement.textContent") == records.TARGET[0]
    page.keyboard.press("Escape")
    assert panel.count() == 0
    assert wide.trouble == []
