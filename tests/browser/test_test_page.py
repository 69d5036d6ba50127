"""Test pages in Chromium: the error above the fold, copies, and walks inside a filter."""

import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from browser import odd_tests, records

from mtsite import urls

pytestmark = pytest.mark.browser
expect = pytest.importorskip("playwright.sync_api").expect
NIGHT = records.Night()
RUN = urls.run_page(NIGHT.key)
FAILED = urls.test_page(NIGHT.key, ("pcie_retry_smoke", ""))


@pytest.fixture
def page(chromium: Any) -> Iterator[Any]:
    context = chromium.new_context(viewport={"width": 1400, "height": 900})
    yield context.new_page()
    context.close()


def odd(name: str) -> str:
    return urls.test_page(odd_tests.Odd().key, odd_tests.names()[name])


def test_the_error_stands_above_the_fold(page: Any, gallery_site: Path) -> None:
    page.goto((gallery_site / FAILED).as_uri())
    box = page.locator(".excerpt #lines").bounding_box()
    assert box["y"] + box["height"] < 900


def test_a_long_comment_leaves_the_error_above_the_fold(page: Any, gallery_site: Path) -> None:
    page.goto((gallery_site / odd("long")).as_uri())
    box = page.locator(".excerpt #lines").bounding_box()
    assert box["y"] + box["height"] < 900
    assert page.locator(".long-comment summary").inner_text().startswith("long long")
    page.click(".long-comment summary")
    box = page.locator(".excerpt li.hit").first.bounding_box()
    assert box["y"] < 1500


def test_a_line_of_the_error_opens_the_log_at_that_line(page: Any, gallery_site: Path) -> None:
    page.goto((gallery_site / FAILED).as_uri())
    link = page.locator(".excerpt li.hit a").first
    number = link.inner_text()
    link.click()
    page.wait_for_url("**/_log/**")
    assert page.url.endswith(f"/_log/sim.log.html#L{number}")


def test_buttons_copy_what_they_say(page: Any, gallery_site: Path) -> None:
    page.add_init_script("navigator.clipboard.writeText = async (text) => { window.copied = text }")
    page.goto((gallery_site / FAILED).as_uri())
    page.get_by_role("button", name="copy error").click()
    assert page.evaluate("copied").splitlines()[3].startswith("UVM_ERROR /src/tb/pcie")
    page.get_by_role("button", name="rerun command").click()
    said = shlex.split(page.evaluate("copied"))
    assert said[:2] == ["megatest", "-run"] and said[-1] == "pcie_retry_smoke"
    page.get_by_role("button", name="run directory").click()
    assert page.evaluate("copied").endswith("/ww47.5/pcie_retry_smoke")
    page.get_by_role("button", name="name", exact=True).click()
    assert page.evaluate("copied") == "pcie_retry_smoke"


def test_a_filter_is_walked_from_test_to_test(page: Any, gallery_site: Path) -> None:
    page.goto((gallery_site / RUN).as_uri() + "?q=pcie_retry")
    page.locator("[data-row]:visible a").first.click()
    walk, name = page.locator("[data-mt=walk]"), page.locator("h1")
    expect(walk).to_contain_text("1 of 7 in “pcie_retry”")
    first = name.inner_text()
    page.keyboard.press("n")
    expect(walk).to_contain_text("2 of 7")
    expect(name).not_to_have_text(first)
    page.keyboard.press("p")
    expect(walk).to_contain_text("1 of 7")
    expect(name).to_have_text(first)


def test_tests_that_passed_are_walked_as_well(page: Any, gallery_site: Path) -> None:
    page.goto((gallery_site / RUN).as_uri() + "?q=s:pass uart_")
    page.locator("[data-row]:visible").first.wait_for()
    total = page.locator("[data-row]:visible").count()
    page.locator("#everything [data-row]:visible a").first.click()
    expect(page.locator("[data-mt=walk]")).to_contain_text(f"1 of {total} in “s:pass uart_”")


def test_a_filter_that_this_tab_does_not_know_leaves_the_failures_around(
    page: Any, gallery_site: Path
) -> None:
    page.goto((gallery_site / FAILED).as_uri() + "?in=s:fail")
    expect(page.locator("[data-mt=walk]")).to_contain_text("next failure")
