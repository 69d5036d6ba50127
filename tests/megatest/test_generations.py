"""Every generation of databases is read as the same runs, tests, steps and data."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from areas import TestArea, make_area
from areas_read import RUNS, listed, query, runs_of, update
from generations import BUILDERS
from msgspec.structs import replace

from mtsite.megatest import generation as shapes
from mtsite.megatest import schema
from mtsite.megatest.database import reading
from mtsite.megatest.reader import RunHead, is_as_listed
from mtsite.model import Run, Test

OTHERS = list(BUILDERS)
KNOWS_ALL = [name for name in OTHERS if name != "G1 of 2011"]
"""The databases of 2011 have no place for the log of a step or the status of a datum."""


def of_2011(found: Run) -> Run:
    """What a database of 2011 can tell of it."""
    tests: list[Test] = []
    for one in found.tests:
        steps = tuple(replace(each, logfile="") for each in one.steps)
        data = tuple(replace(each, status=None, type="") for each in one.data)
        tests.append(replace(one, steps=steps, data=data, shortdir=one.rundir))
    return replace(found, tests=tuple(tests))


@pytest.mark.parametrize("generation", KNOWS_ALL)
def test_every_generation_is_read_as_the_same_runs(tmp_path: Path, generation: str) -> None:
    model = make_area(tmp_path, "model", runs=RUNS)
    area = make_area(tmp_path, "area", runs=RUNS, generation=generation)
    assert listed(area).error == ""
    assert runs_of(area) == runs_of(model)


def test_the_oldest_databases_are_read_as_far_as_they_tell(tmp_path: Path) -> None:
    model = make_area(tmp_path, "model", runs=RUNS)
    area = make_area(tmp_path, "area", runs=RUNS, generation="G1 of 2011")
    assert runs_of(area) == {name: of_2011(one) for name, one in runs_of(model).items()}


@pytest.mark.parametrize("generation", OTHERS)
def test_the_generation_of_an_area_is_told_by_its_columns(tmp_path: Path, generation: str) -> None:
    area = make_area(tmp_path, runs=RUNS, generation=generation)
    found = listed(area).area
    assert found is not None
    assert found.generation.name == generation[:2]


@pytest.mark.parametrize("generation", OTHERS)
def test_reading_any_generation_adds_no_file(tmp_path: Path, generation: str) -> None:
    area = make_area(tmp_path, runs=RUNS, generation=generation)
    before = sorted(tmp_path.rglob("*"))
    runs_of(area)
    assert sorted(tmp_path.rglob("*")) == before


def heads_of(area: TestArea) -> dict[str, RunHead]:
    return {head.key.runname: head for head in listed(area).heads}


@pytest.mark.parametrize("generation", OTHERS)
def test_a_fingerprint_stands_until_its_own_run_changes(tmp_path: Path, generation: str) -> None:
    area = make_area(tmp_path, runs=RUNS, generation=generation)
    before = heads_of(area)
    assert {name: head.fingerprint for name, head in heads_of(area).items()} == {
        name: head.fingerprint for name, head in before.items()
    }
    area.execute("UPDATE tests SET comment = 'seen' WHERE run_id = ?", (area.run_id("w02"),))
    area.write_databases()
    after = heads_of(area)
    moved = {name for name in before if before[name].fingerprint != after[name].fingerprint}
    assert moved == {"w02"}


@pytest.mark.parametrize("generation", OTHERS)
def test_a_run_is_as_it_was_listed(tmp_path: Path, generation: str) -> None:
    area = make_area(tmp_path, runs=RUNS, generation=generation)
    for head in listed(area).heads:
        with reading(head.database) as connection:
            assert is_as_listed(connection, head)


PATCHED = ["G4 patched", "G4 without WHERE", "G4 of NULL times"]


@pytest.mark.parametrize("generation", PATCHED)
@pytest.mark.parametrize(
    "change",
    [
        "UPDATE tests SET comment = 'seen' WHERE testname = 'many' AND item_path = 'slow'",
        "UPDATE test_steps SET logfile = 'other' WHERE stepname = 'go'",
        "UPDATE test_data SET value = 4",
        "DELETE FROM test_data",
        "REPLACE INTO test_steps (test_id, stepname, state, status, event_time, comment)"
        " SELECT test_id, stepname, state, status, event_time, 'again' FROM test_steps"
        " WHERE stepname = 'go' AND state = 'end'",
    ],
)
def test_a_change_in_a_patched_database_is_noticed(
    tmp_path: Path, generation: str, change: str
) -> None:
    area = make_area(tmp_path, runs=RUNS, generation=generation)
    before = heads_of(area)
    update(area.live, change)
    after = heads_of(area)
    moved = {name for name in before if before[name].fingerprint != after[name].fingerprint}
    assert moved == {"w01"}


def test_one_update_does_not_make_all_runs_young(tmp_path: Path) -> None:
    area = make_area(tmp_path, runs=RUNS, generation="G4 without WHERE")
    before = heads_of(area)
    update(area.live, "UPDATE tests SET comment = 'x' WHERE testname = 'many'")
    ((times,),) = query(area.live, "SELECT count(DISTINCT last_update) FROM tests")
    assert times == 1
    after = heads_of(area)
    assert [h.activity_time for h in after.values()] == [h.activity_time for h in before.values()]


def test_each_generation_says_where_its_rows_lie() -> None:
    assert [name for name, one in schema.GENERATIONS.items() if one.movable] == ["G4", "G5"]
    assert [name for name, one in schema.GENERATIONS.items() if one.testdat] == ["G2"]


@pytest.mark.parametrize("name", sorted(schema.ABSENT))
def test_what_stands_for_an_absent_column_is_sql(name: str) -> None:
    table, _dot, column = name.partition(".")
    present = frozenset({"rundir", "expected_value"})
    stand_in = shapes.expression(table, column, present)
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.execute(f"CREATE TABLE {table} (rundir, expected_value)")
        connection.execute(f"INSERT INTO {table} VALUES ('/r', 1)")
        assert len(connection.execute(f"SELECT {stand_in} FROM {table}").fetchall()) == 1


def test_an_absent_column_whose_stand_in_is_absent_too_is_null() -> None:
    assert shapes.expression("tests", "shortdir", frozenset({"id"})) == "NULL"
