"""Flaky, broken, fixed: the score that pages state, windows, and what doesn't count."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mtsite.stability import Stability, Unsteady, possible_switches, stability

RUNS = [f"r{i}" for i in range(40, 0, -1)]


def found(oldest_first: str, *, most: int = 20) -> Stability:
    strip = oldest_first[::-1]
    return stability(RUNS[: len(strip)], [(("t", ""), strip)], most)


def one(oldest_first: str) -> Unsteady:
    (test,) = found(oldest_first).tests
    return test


@pytest.mark.parametrize(
    ("strip", "score"),
    [
        ("PPFFF", Fraction(1, 4)),
        ("PFPFF", Fraction(3, 4)),
        ("PSFSPNF.P", Fraction(4, 4)),
        ("PFRA", Fraction(1, 2)),
    ],
)
def test_the_score_is_switches_by_possible_switches(strip: str, score: Fraction) -> None:
    test = one(strip)
    assert Fraction(test.switches, test.possible) == score
    assert possible_switches(strip) == score.denominator or possible_switches(strip) == 4


def test_three_switches_make_it_flaky_whichever_way_it_went_last() -> None:
    assert one("PFPF").kind == one("FPFP").kind == "flaky"
    assert one("PPFP").kind == "fixed"


def test_a_broken_test_names_the_first_run_of_its_stretch() -> None:
    test = one("PPPFSF")
    assert (test.kind, test.letter, test.since, test.runs, test.open) == (
        "broken",
        "F",
        "r38",
        2,
        False,
    )


def test_a_stretch_as_long_as_what_is_known_may_be_older() -> None:
    assert one("FFF").open


def test_a_fixed_test_names_the_run_that_mended_it() -> None:
    test = one("PFFPPP")
    assert (test.kind, test.since, test.runs) == ("fixed", "r38", 3)


def test_only_the_newest_thirty_runs_are_looked_at() -> None:
    assert found("F" + "P" * 30).totals == (0, 0, 0)
    assert found("F" + "P" * 29).totals == (0, 0, 1)


@pytest.mark.parametrize(
    ("others", "listed"),
    [
        (("PPPP", "PPPP"), False),  # the newest run is whole: the test was dropped, or renamed
        (("RPPP", "RPPP"), True),  # in flight: its turn may come
        ((".PPP", "PPPP"), True),  # a few tests were run again
        (("R.PP", "R.PP"), True),
        (("RPPP", ".PPP"), True),
        (("P..P", "P..P"), False),
    ],
)
def test_a_test_that_the_newest_whole_run_has_not_is_left_out(
    others: tuple[str, str], listed: bool
) -> None:
    rows = [(("t", ""), ".FFP"), *(((f"u{i}", ""), strip) for i, strip in enumerate(others))]
    assert stability(RUNS[:4], rows, 5).totals == (int(listed), 0, 0)


def test_a_test_that_was_dropped_long_ago_does_not_come_back_while_a_run_is_in_flight() -> None:
    rows = [(("t", ""), "..FP"), (("u", ""), "RPPP")]
    assert stability(RUNS[:4], rows, 5).totals == (0, 0, 0)


def test_the_newest_broken_comes_first_and_lists_are_cut_but_counted() -> None:
    rows = [((f"t{i}", ""), "F" * i + "P" * (9 - i)) for i in range(8, 0, -1)]
    listed = stability(RUNS[:9], rows, 3)
    assert [test.testname for test in listed.of("broken")] == ["t1", "t2", "t3"]
    assert listed.totals == (8, 0, 0)


@given(st.text(st.sampled_from("PSWVCDFKBARN."), min_size=1, max_size=40))
def test_any_strip_has_a_score_between_nothing_and_all(strip: str) -> None:
    for test in found(strip).tests:
        assert 0 <= test.switches <= test.possible
        assert test.since in RUNS[: len(strip)][:30]
        assert 1 <= test.runs <= 30
