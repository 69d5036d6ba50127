"""Rows of steps → steps: a start, an end, and all that may be missing."""

from hypothesis import given
from hypothesis import strategies as st

from mtsite.megatest import rows


def pair(*given_rows: tuple[str, str, object, str]) -> list[tuple[object, ...]]:
    """Steps from (stepname, state, event_time, status) in the order of their rowids."""
    made = [
        {"id": n, "stepname": row[0], "state": row[1], "event_time": row[2], "status": row[3]}
        | {"logfile": f"{row[1]}.log" if row[1] == "end" else "", "comment": ""}
        for n, row in enumerate(given_rows)
    ]
    return [(s.name, s.start, s.end, s.status, s.duration) for s in rows.pair_steps(made)]


def test_start_and_end_make_one_step() -> None:
    assert pair(("a", "start", 100, "-"), ("a", "end", 175, "0")) == [("a", 100, 175, "0", 75)]


def test_steps_come_by_start_time_not_by_rowid() -> None:
    found = pair(("b", "start", 200, "-"), ("a", "start", 100, "-"))
    assert [name for name, *_rest in found] == ["a", "b"]


def test_a_step_without_an_end_has_none() -> None:
    assert pair(("a", "start", 100, "-")) == [("a", 100, None, "-", None)]


def test_a_step_without_a_start_is_shown() -> None:
    assert pair(("a", "end", 100, "1")) == [("a", None, 100, "1", None)]


def test_a_step_that_runs_again_has_no_end_yet() -> None:
    found = pair(("a", "end", 50, "0"), ("a", "start", 100, "-"))
    assert found == [("a", 100, None, "0", None)]


def test_a_clock_that_went_back_gives_no_negative_duration() -> None:
    assert pair(("a", "start", 100, "-"), ("a", "end", 90, "0")) == [("a", 100, 90, "0", 0)]


def test_deleted_steps_are_hidden() -> None:
    assert pair(("a", "start", 100, "DELETED"), ("a", "end", 101, "DELETED")) == []


def test_text_as_time_is_no_time() -> None:
    assert pair(("a", "start", "noon", "-"), ("a", "end", 5, "0")) == [("a", None, 5, "0", None)]


EVENT_TIMES = st.one_of(st.none(), st.integers(-10, 10), st.text(max_size=3), st.floats())
STEP_ROWS = st.tuples(
    st.sampled_from("ab"), st.sampled_from(["start", "end", "odd"]), EVENT_TIMES, st.text()
)


@given(st.lists(STEP_ROWS, max_size=8))
def test_no_duration_is_ever_negative(made: list[tuple[str, str, object, str]]) -> None:
    for _name, start, end, _status, duration in pair(*made):
        assert duration is None or duration >= 0
        assert duration is None or (start is not None and end is not None)
