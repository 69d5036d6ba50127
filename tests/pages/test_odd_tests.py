"""Test pages of rows that try everything: bounded, said where cut, nothing folded away."""

import re

import pytest
from browser import odd_tests
from msgspec.structs import replace
from pages.shown import FRAME, THEME

from mtsite import rollup
from mtsite.pages import test
from mtsite.pages.place import RunPlace


@pytest.fixture(scope="module")
def odd() -> odd_tests.Odd:
    return odd_tests.Odd()


def page_of(odd: odd_tests.Odd, testname: str, item_path: str = "") -> str:
    at = odd.at(testname, item_path)
    kept = odd.records[testname, item_path]
    place = RunPlace(FRAME, odd.run, odd.verdicts, odd.facts, odd.record)
    shown = test.context(place, at, kept)
    return THEME.render(test.TEMPLATE, shown).decode()


def test_of_a_thousand_steps_those_that_failed_stand_open(odd: odd_tests.Odd) -> None:
    before, folded = page_of(odd, "thousand_steps").split("<details", 1)
    assert re.findall(r"<bdi>(step_\d+)</bdi></th>", before) == ["step_0017", "step_0640"]
    assert "300 of 1000 steps shown" in folded
    assert folded.count('</th>\n<td class="num dim">') == 300


def test_few_steps_stand_open_all(odd: odd_tests.Odd) -> None:
    assert "<details" not in page_of(odd, "future_clock")


def test_ten_thousand_values_are_cut_and_those_out_of_tolerance_come_first(
    odd: odd_tests.Odd,
) -> None:
    page = page_of(odd, "ten_thousand_values")
    assert "6 of 10\u202f011 out of tolerance." in page
    assert "500 of 10\u202f011 values shown" in page
    words = re.findall(r"</b> ([^<]+)</span></td>\n<th scope=\"row\" class=\"name\"><span", page)
    assert words[:6] == [*["fail"] * 5, "ERROR: bad tol comparator ~"]
    assert len(page) < 400_000


def test_text_among_values_stays_text(odd: odd_tests.Odd) -> None:
    page = page_of(odd, "ten_thousand_values")
    assert "&lt;b&gt;bold&lt;/b&gt;" in page
    assert "<b>bold" not in page
    assert "12 apples" in page


def test_a_clock_that_runs_backward_makes_no_negative_bar(odd: odd_tests.Odd) -> None:
    page = page_of(odd, "future_clock")
    assert all(int(width) >= 0 for width in re.findall(r'rect x="\d+" width="(-?\d+)"', page))
    assert 'x="-' not in page


def test_items_are_counted_by_state_and_rolled_up(odd: odd_tests.Odd) -> None:
    page = page_of(odd, "many_items")
    assert "10 killed" in page and "10 failed" in page and "370 passed" in page
    assert page.count('data-row data-s="') == 400
    assert "Rolled up by Megatest's rule: <bdi>RUNNING</bdi> <bdi>FAIL</bdi>" in page
    assert "its own row says <bdi>COMPLETED</bdi> <bdi>PASS</bdi>" in page


def test_a_row_that_agrees_with_its_items_is_not_doubted(odd: odd_tests.Odd) -> None:
    items = tuple(one for one in odd.run.tests if one.item_path.startswith("corner"))[:3]
    rolled = rollup.roll_up_items([(one.state, one.status) for one in items])
    top = odd.run.tests[odd.at("many_items")]
    agreeing = replace(top, state=rolled[0], status=rolled[1])
    run = replace(odd.run, tests=(agreeing, *items))
    shown = test.context(RunPlace(FRAME, run, ["F"] * 4, odd.facts), 0, None)
    assert "own row says" not in THEME.render(test.TEMPLATE, shown).decode()


def test_a_waiver_names_where_it_comes_from(odd: odd_tests.Odd) -> None:
    text = re.sub(r"<[^>]+>", "", page_of(odd, "waived"))
    assert "Waived since ww47.1, 5 runs in a row" in text
    assert "In ww46.5: fail." in text
    assert "until tape-out, see CHIP-4471" in text


def test_the_same_error_of_other_tests_is_named(odd: odd_tests.Odd) -> None:
    page = page_of(odd, "future_clock")
    assert re.search(r"Same error: \d+ tests of this run: <a href=", page)


def test_empty_parts_of_an_item_path_have_a_page_that_is_linked(odd: odd_tests.Odd) -> None:
    assert '<span class="item">/<bdi>//a//</bdi></span>' in page_of(odd, "odd_items", "//a//")
