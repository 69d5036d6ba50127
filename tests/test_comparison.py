"""Classes of two runs side by side: Megatest's, with the rows that its own report loses."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mtsite import comparison
from mtsite.comparison import CLASSES, compare, counted, counts_of, kind_of, moved_by
from mtsite.rollup import BAD, GOOD, Verdict

LETTERS = st.sampled_from([*(verdict.value for verdict in Verdict), "."])
NAMES = st.tuples(st.sampled_from("abc"), st.sampled_from(["", "x", "y"]))
RUNS = st.dictionaries(NAMES, LETTERS.filter(lambda letter: letter != "."))


@pytest.mark.parametrize(
    ("there", "here", "kind"),
    [
        ("P", "P", "CLEAN"),
        ("W", "W", "CLEAN"),
        ("S", "S", "CLEAN"),
        ("P", "W", "WORSE"),
        ("W", "V", "WORSE"),
        ("V", "S", "WORSE"),
        ("S", "F", "WORSE"),
        ("F", "A", "WORSE"),
        ("A", "F", "BETTER"),
        ("F", "P", "BETTER"),
        ("F", "F", "BOTH-BAD"),
        ("K", "K", "BOTH-BAD"),
        (".", "P", "NOT-IN-SRC"),
        ("R", "F", "NOT-IN-SRC"),
        ("P", ".", "NOT-IN-DEST"),
        ("F", "N", "NOT-IN-DEST"),
        ("R", "N", "BOTH-INCOMPLETE"),
        (".", "R", "BOTH-INCOMPLETE"),
    ],
)
def test_a_test_is_classed_as_megatest_ranks_its_two_statuses(
    there: str, here: str, kind: str
) -> None:
    assert kind_of(there, here) == kind


def test_whatever_went_from_good_to_bad_is_worse() -> None:
    pairs = [(good.value, bad.value) for good in GOOD for bad in BAD]
    assert {kind_of(*pair) for pair in pairs} == {"WORSE"}
    assert {kind_of(bad, good) for good, bad in pairs} == {"BETTER"}


@given(LETTERS, LETTERS)
def test_the_other_way_round_is_the_other_class(there: str, here: str) -> None:
    turned = {"WORSE": "BETTER", "NOT-IN-SRC": "NOT-IN-DEST"}
    turned |= {other: one for one, other in turned.items()}
    kind = kind_of(there, here)
    assert kind_of(here, there) == turned.get(kind, kind)


@given(RUNS, RUNS)
def test_every_test_of_both_runs_is_in_one_row(
    there: dict[tuple[str, str], str], here: dict[tuple[str, str], str]
) -> None:
    rows = compare(there, here)
    assert {(row.testname, row.item_path) for row in rows} == there.keys() | here.keys()
    assert len(rows) == len(there.keys() | here.keys()) == sum(counts_of(rows).values())
    assert [CLASSES.index(row.kind) for row in rows] == sorted(
        CLASSES.index(row.kind) for row in rows
    )


def test_a_failure_of_a_test_that_nobody_had_before_is_worse() -> None:
    rows = compare({}, {("new", ""): "F", ("fine", ""): "P"})
    assert [(row.testname, row.is_worse) for row in rows] == [("new", True), ("fine", False)]


def test_the_row_that_sums_items_up_is_not_counted() -> None:
    verdicts = {("sweep", ""): "F", ("sweep", "a"): "F", ("plain", ""): "P"}
    assert counted(verdicts).keys() == {("sweep", "a"), ("plain", "")}


@pytest.mark.parametrize(
    ("there", "here", "by"),
    [
        (100.0, 100.0, 0),
        (100.0, 90.0, 0.1),
        (90.0, 100.0, 0.1),
        (0.0, 1e-9, 1),
        (-1.0, 1.0, 1),
        ("rev 1", "rev 1", 0),
        ("rev 1", "rev 2", 1),
        (None, 3, 1),
        (1, math.inf, 1),
        (math.nan, math.nan, 0),
        (1.7e308, -1.7e308, 1),
    ],
)
def test_how_far_a_value_moved_is_a_share_of_the_larger(
    there: object, here: object, by: float
) -> None:
    assert moved_by(there, here) == pytest.approx(by)


@pytest.mark.parametrize(
    ("took", "usual", "slower"),
    [(16, 10, True), (15, 10, False), (8, 4, False), (9, 4, True), (99, None, False)],
)
def test_slower_is_by_half_and_by_five_seconds(took: int, usual: int | None, slower: bool) -> None:
    assert comparison.is_slower(took, usual) is slower
