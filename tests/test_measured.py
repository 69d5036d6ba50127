"""What tests measured, run by run: kept by digests of names, handed out as histories."""

import sqlite3
from contextlib import closing

from browser import records
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from mtsite import measured
from mtsite.measured import MOST_VARIABLES, Measured, MeasuredValues, histories, measured_of
from mtsite.model import Run, TestDatum

NIGHT = records.Night()
VALUE = st.tuples(
    st.text("0123456789abcdef", min_size=12, max_size=12),
    st.none() | st.floats(allow_nan=False, allow_infinity=False) | st.integers(-(2**63), 2**63),
)
NAME = st.tuples(st.text(max_size=5), st.text(max_size=5))


def run_with(*values: object, category: str = "c") -> Run:
    data = tuple(
        TestDatum(category, f"v{i}", value, None, None, "", "", None, "")  # type: ignore[arg-type]
        for i, value in enumerate(values)
    )
    return replace(NIGHT.run, tests=(replace(NIGHT.run.tests[0], data=data),))


@given(st.dictionaries(NAME, st.lists(VALUE, min_size=1, max_size=5).map(tuple), max_size=4))
def test_values_come_back_as_they_were_noted(values: Measured) -> None:
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.execute(measured.TABLE)
        store = MeasuredValues(connection)
        store.note("a/b", values)
        assert store.of_run("a/b") == values
        store.note("a/b", {})
        assert store.of_run("a/b") == {}


def test_text_among_the_values_keeps_its_place() -> None:
    (values,) = measured_of(run_with(1.5, "twelve", 3)).values()
    assert [value for _, value in values] == [1.5, None, 3]


def test_no_name_of_a_variable_is_kept() -> None:
    assert "hunter2" not in repr(measured_of(run_with(1.0, category="password=hunter2")))


def test_tests_without_a_number_are_left_out() -> None:
    assert measured_of(run_with("a", None)) == {}


def test_of_many_values_the_first_have_a_history() -> None:
    (values,) = measured_of(run_with(*range(10_000))).values()
    assert len(values) == MOST_VARIABLES


def test_a_history_begins_where_the_value_was_measured_first() -> None:
    earlier = [{}, {"k": 1.0}, {}, {"k": 3.0, "other": 9.0}]
    assert histories((("k", 4.0),), earlier) == ((1.0, None, 3.0, 4.0),)


def test_a_value_that_is_new_or_no_number_has_none() -> None:
    assert histories((("new", 4.0), ("k", None)), [{"k": 1.0}]) == ()
    assert histories((("new", 4.0), ("k", 2.0)), [{"k": 1.0}]) == ((), (1.0, 2.0))
