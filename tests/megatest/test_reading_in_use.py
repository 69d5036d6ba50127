"""Reading beside those who write: a run that leaves or changes meanwhile, short queries."""

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import areas
import pytest
from areas import run
from megatest.reading import RICH, head_of, one_test

from mtsite.errors import MissingError
from mtsite.megatest import database, reader
from mtsite.model import Run


def test_a_run_that_left_meanwhile_is_missing(tmp_path: Path) -> None:
    area = areas.make_area(tmp_path, runs=RICH[:1])
    head = head_of(area)
    area.drop_run("w01")
    area.add_run(run("other/one", "w99"))
    with database.reading(area.database) as connection, pytest.raises(MissingError):
        reader.read_run(connection, head)


class Interrupted(database.AreaConnection):
    """A connection that lets somebody commit between two queries for tests."""

    def execute(self, sql: str, *rest: Sequence[object]) -> sqlite3.Cursor:
        if "FROM tests WHERE id IN" in sql and self.changes:
            area, change = self.changes.pop()
            area.execute(change)
        return super().execute(sql, *rest)


def interrupted(area: areas.TestArea, changes: int) -> Run:
    head = head_of(area)
    connection = sqlite3.connect(area.database, isolation_level=None, factory=Interrupted)
    connection.path = area.database
    connection.text_factory = database.decode
    connection.changes = [
        (area, f"UPDATE tests SET comment = 'change {number}'") for number in range(changes)
    ]
    with closing(connection):
        return reader.read_run(connection, head)


def test_a_run_that_changed_once_while_read_is_read_again(tmp_path: Path) -> None:
    found = interrupted(one_test(tmp_path), changes=1)
    assert not found.in_flight_read
    assert found.tests[0].comment == "change 0"


def test_a_run_that_keeps_changing_is_shown_as_in_flight(tmp_path: Path) -> None:
    assert interrupted(areas.make_area(tmp_path, runs=RICH[:1]), changes=2).in_flight_read


def test_a_commit_to_another_run_is_no_change(tmp_path: Path) -> None:
    area = areas.make_area(tmp_path, runs=RICH[:2])
    head = head_of(area)
    connection = sqlite3.connect(area.database, isolation_level=None, factory=Interrupted)
    connection.path = area.database
    connection.text_factory = database.decode
    other = f"UPDATE tests SET comment = 'x' WHERE run_id = {area.run_id('w02')}"
    connection.changes = [(area, other), (area, other)]
    with closing(connection):
        assert not reader.read_run(connection, head).in_flight_read
    assert len(connection.changes) == 1


def test_no_query_scans_a_table_of_tests_or_steps(tmp_path: Path) -> None:
    area = areas.make_area(tmp_path, runs=RICH)
    queries: list[str] = []
    with database.reading(area.database) as connection:
        connection.set_trace_callback(queries.append)
        heads = reader.list_runs(connection, area.name, area.fields)
        reader.read_run(connection, heads[0])
        connection.set_trace_callback(None)
        plans = [
            row[3]
            for query in queries
            if query.startswith("SELECT")
            for row in connection.execute(f"EXPLAIN QUERY PLAN {query}")
        ]
    assert any("USING INDEX" in plan for plan in plans)
    scans = [plan for plan in plans if plan.startswith("SCAN") and "sqlite_master" not in plan]
    assert scans == []


def test_the_pace_follows_how_long_queries_take() -> None:
    now = iter([0, 0, 0.001, 1, 1.2, 2, 2.03])
    pace = reader.Pace(8, 100, clock=lambda: next(now))
    sizes = []
    for _query in range(3):
        pace.start()
        pace.stop()
        sizes.append(pace.size)
    assert sizes == [16, 8, 8]
