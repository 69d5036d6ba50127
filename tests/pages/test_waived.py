"""Where the waiver of a test comes from: its own page, the page of the run, comparisons."""

import pytest
from browser import gallery, known_runs
from msgspec.structs import replace
from pages.shown import FRAME, THEME

from mtsite.facts import Compared
from mtsite.pages import comparing, run, waived

WINDOW = ("w1", "w2", "w3", "w4", "w5")


@pytest.mark.parametrize(
    ("strip", "told"),
    [
        ("PPFVV", "from w4: 2 runs in a row"),
        ("PFVVV", "from w4, since w3: 3 runs in a row"),
        ("PV.VV", "from w4, since w2: 3 runs in a row"),
        ("VVVVV", "from w4, since w1: at least 5 runs in a row"),
        ("PPPPV", "in this run first"),
        ("V", "in this run first"),
    ],
)
def test_a_chain_leads_back_to_the_run_that_was_waived_first(strip: str, told: str) -> None:
    assert waived.chain(WINDOW, strip).told == told


@pytest.mark.parametrize("strip", ["", "PPPPF", "....."])
def test_what_is_not_waived_has_no_chain(strip: str) -> None:
    assert waived.chain(WINDOW, strip).runs == ()


def test_without_a_window_nothing_is_known() -> None:
    assert waived.chain((), "PV").runs == ()


def test_what_it_was_before_is_known_where_it_was_there() -> None:
    assert waived.chain(WINDOW, "PPFVV").before == ("w3", "F")
    assert waived.chain(WINDOW, "..VVV").before is None


NIGHT = known_runs.Known()


def test_the_page_of_a_run_names_its_waived_tests_and_known_issues() -> None:
    shown, listed = gallery.divided(NIGHT)
    made = run.context(FRAME, shown, listed, gallery.BESIDE)
    html = THEME.render(run.TEMPLATE, made).decode()
    assert made["waived_total"] == 4
    assert "waived from ww47.4, since ww46.2: 9 runs in a row" in html
    assert "/_clusters/known.html#" in html
    assert "ended on 2026-05-01: counts as failing again" in html


def test_a_comparison_says_what_is_known_and_where_waivers_come_from() -> None:
    rows = (("waived_t0", "", "F", "V"), ("uart_t03", "", "P", "F"), ("spi_t03", "", "P", "F"))
    facts = NIGHT.facts
    one = Compared("ww47.4", {"BETTER": 1, "WORSE": 2}, rows)
    (beside,) = comparing.shown(
        NIGHT.run, replace(facts, compared=(one,)), "x/index.html", NIGHT.known
    )
    said = {name: text for _, _, lines in beside.groups for name, _, text in lines}
    assert said["waived_t0"] == "fail → waived from ww47.4"
    assert said["uart_t03"] == "pass → fail, known"
    assert said["spi_t03"] == "pass → fail"
