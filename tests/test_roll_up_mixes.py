"""Megatest's roll-up of items over all mixes of states, against its rules written down as a table.

The table is that of docs/model.md, read from top to bottom: the first line that holds decides.
"""

from collections.abc import Callable
from itertools import combinations_with_replacement

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mtsite.rollup import BAD, roll_up_items, verdict_of, worst

STATES = (
    "NOT_STARTED LAUNCHED REMOTEHOSTSTART RUNNING STARTED KILLREQ COMPLETED KILLED INCOMPLETE STUCK"
    " UNKNOWN DEAD FAILEDKILL ARCHIVED ARCHIVE_REMOVING REMOVING CLEANING DELETED"
).split()
WORST_LAST = (
    "n/a PASS SKIP WARN WAIVED CHECK STUCK/DEAD DEAD FAIL PREQ_FAIL PREQ_DISCARDED ABORT"
).split()
STATUSES = [*WORST_LAST, "AUTO", "LOCKED", "KILLED", "TEN_STRIKES", "ZERO_ITEMS", "na", ""]
STATE_RANKS = {
    "ARCHIVED": 0,
    "STUCK": 1,
    "KILLREQ": 2,
    "KILLED": 3,
    "NOT_STARTED": 4,
    "COMPLETED": 5,
    "LAUNCHED": 6,
    "REMOTEHOSTSTART": 7,
    "RUNNING": 8,
}
Item = tuple[str, str]
MIX = st.lists(
    st.tuples(st.sampled_from(STATES), st.sampled_from(STATUSES)), min_size=1, max_size=8
)


def highest(states: set[str]) -> str:
    return max(states, key=lambda state: (STATE_RANKS.get(state, 0), state))


def will_not_start(item: Item) -> bool:
    fine = {"n/a", "na", "", "PASS", "FAIL", "WARN", "CHECK", "WAIVED", "DEAD", "SKIP"}
    return item[0] == "NOT_STARTED" and item[1] not in fine


def unfinished(items: list[Item]) -> set[str]:
    aside = {"COMPLETED", "DELETED", "REMOVING", "CLEANING", "ARCHIVE_REMOVING"}
    return {state for state, _ in items} - aside


STATE_TABLE: list[tuple[Callable[[list[Item]], bool], Callable[[list[Item]], str]]] = [
    (
        lambda items: any(
            state in {"RUNNING", "REMOTEHOSTSTART", "LAUNCHED", "STARTED"} for state, _ in items
        ),
        lambda items: "RUNNING",
    ),
    (lambda items: any(status == "PREQ_FAIL" for _, status in items), lambda items: "NOT_STARTED"),
    (lambda items: any(map(will_not_start, items)), lambda items: "COMPLETED"),
    (lambda items: bool(unfinished(items)), lambda items: highest(unfinished(items))),
    (lambda items: True, lambda items: highest({state for state, _ in items})),
]


def by_the_table(items: list[Item]) -> tuple[str, str]:
    state = next(then(items) for holds, then in STATE_TABLE if holds(items))
    if any(status == "PREQ_FAIL" for _, status in items):
        return state, "PREQ_FAIL"
    if any(map(will_not_start, items)) or (state == "NOT_STARTED" and unfinished(items)):
        return state, "STARTED"
    ranks = {status: rank for rank, status in enumerate(WORST_LAST, start=1)}
    return state, max((status for _, status in items), key=lambda s: (ranks.get(s, 0), s))


@given(MIX)
def test_any_mix_rolls_up_by_the_table(items: list[Item]) -> None:
    assert roll_up_items(items) == by_the_table(items)


@pytest.mark.parametrize("status", STATUSES)
def test_every_two_states_roll_up_by_the_table(status: str) -> None:
    for one, other in combinations_with_replacement(STATES, 2):
        for second in ("PASS", "FAIL", status):
            items = [(one, status), (other, second)]
            assert roll_up_items(items) == by_the_table(items)


@given(MIX, st.randoms(use_true_random=False))
def test_the_order_and_the_number_of_equal_items_play_no_part(items: list[Item], random) -> None:  # type: ignore[no-untyped-def]
    mixed = [*items, *items]
    random.shuffle(mixed)
    assert roll_up_items(mixed) == roll_up_items(items)


@given(MIX)
def test_a_toplevel_verdict_is_bad_when_an_item_is(items: list[Item]) -> None:
    verdicts = [verdict_of(*item) for item in items]
    assert (worst(verdicts) in BAD) == any(verdict in BAD for verdict in verdicts)
