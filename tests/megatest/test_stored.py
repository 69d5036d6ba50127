"""The digest that SQLite writes is the one that Python writes, whatever the rows hold."""

import sqlite3
import tempfile
from contextlib import closing
from pathlib import Path

import pytest
from areas import datum, make_area, run, step, test
from hypothesis import given, settings
from hypothesis import strategies as st
from storage import raw

from mtsite.megatest.database import open_for_writing
from mtsite.megatest.digest import covered_columns, digest_and_marks, encoded_rows, line_of
from mtsite.megatest.shape import read_shapes
from mtsite.megatest.stored import digest_stored
from mtsite.megatest.transfer import Store, read_run

VALUES = st.one_of(
    st.none(),
    st.integers(-(2**63), 2**63 - 1),
    st.floats(allow_nan=False),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=6),
    st.binary(max_size=3),
    st.just("\udc80\x00z"),
)


ROWS = st.lists(st.lists(VALUES | st.sampled_from(["],[", "]\x1f[", "\x1f", "]"]), max_size=4))


@given(ROWS)
def test_rows_that_are_encoded_at_once_are_the_lines_of_each(rows):
    assert encoded_rows(rows) == [line_of(row) for row in rows]
    assert all(line.startswith(b"[") and line.endswith(b"]") for line in map(line_of, rows))


def both_ways(database: Path, run_id: int = 1):
    with closing(open_for_writing(database)) as connection:
        store = Store(database, connection, read_shapes(connection))
        found = read_run(store, store.shapes, run_id)
        columns = covered_columns(found, store.shapes)
        return (
            digest_stored(store, run_id, columns)[1:],
            digest_and_marks(found, store.shapes, columns),
        )


@pytest.fixture
def area(tmp_path):
    tests = [
        test("compile", steps=[step("build")], data=[datum("c", "v", value=1.5)]),
        test("regress", items=["fast", "slow/é"]),
    ]
    return make_area(tmp_path, runs=[run("u/nfs", name, tests=tests) for name in ("w1", "w2")])


def test_a_plain_run_has_one_digest(area):
    stored, read = both_ways(area.database)
    assert stored == read


@settings(max_examples=40, deadline=None)
@given(values=st.lists(VALUES, min_size=5, max_size=5))
def test_any_value_has_one_digest(values):
    with tempfile.TemporaryDirectory() as directory:
        area = make_area(
            Path(directory),
            runs=[run("u/nfs", "w1", tests=[test("t", data=[datum("c", "v")], steps=[step("s")])])],
        )
        area.execute("CREATE TABLE shots (test_id INTEGER, picture)")
        area.execute("INSERT INTO shots VALUES (1, NULL)")
        area.execute("INSERT INTO run_stats (run_id) VALUES (1)")
        places = (
            ("test_data", "value"),
            ("tests", "comment"),
            ("test_steps", "event_time"),
            ("shots", "picture"),
            ("run_stats", "state"),
        )
        for (table, column), value in zip(places, values, strict=True):
            text = isinstance(value, str)
            mark = "CAST(? AS TEXT)" if text else "?"
            given = raw(value) if text else value
            area.execute(f"UPDATE {table} SET {column} = {mark}", (given,))
        stored, read = both_ways(area.database)
        assert stored == read


def test_a_run_of_another_rowid_has_the_same_digest(area):
    first, _read = both_ways(area.database)
    area.execute("DELETE FROM runs WHERE runname = 'w2'")
    area.execute("UPDATE runs SET id = 9 WHERE id = 1")
    area.execute("UPDATE tests SET run_id = 9, last_update = event_time + 10 WHERE run_id = 1")
    area.execute("UPDATE runs SET last_update = event_time")
    stored, read = both_ways(area.database, 9)
    assert stored == read
    assert (stored == first) is (stored[0] == first[0])


def test_where_sqlite_knows_no_json_python_writes_it(area, monkeypatch):
    def without(connection):
        raise sqlite3.OperationalError("no such function: json_array")

    monkeypatch.setattr("mtsite.megatest.stored._writes_the_same", without)
    stored, read = both_ways(area.database)
    assert stored == read
