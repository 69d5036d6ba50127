"""Every generation of databases is read as the same runs, tests, steps and data."""

import os
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from areas import TestArea, datum, item, make_area, run, step, test
from generations import BUILDERS

from mtsite.megatest import generation as shapes
from mtsite.megatest import schema
from mtsite.megatest.database import reading
from mtsite.megatest.merge import AreaListing, list_areas
from mtsite.megatest.reader import RunHead, is_as_listed, read_run
from mtsite.model import Run, Test

NO_CACHE = Path("/nonexistent")
OTHERS = list(BUILDERS)
SPLIT = ["G3", "G3 of 2013", "G5"]
KNOWS_ALL = [name for name in OTHERS if name != "G1 of 2011"]
"""The databases of 2011 have no place for the log of a step or the status of a datum."""

RUNS = [
    run(
        "ubuntu/nfs",
        "w01",
        [
            test(
                "plain",
                comment="all’s well",
                log="fine\n",
                steps=[step("build", log="cc\n"), step("check", ended=False)],
                data=[datum("perf", "speed", value=3.5, expected=3, tol=1, status="pass")],
            ),
            test(
                "many",
                status="FAIL",
                items=["a/b c", item("slow", status="FAIL", steps=[step("go", status="1")])],
            ),
            test("waiting", state="NOT_STARTED", status="n/a", uname="n/a", rundir="n/a"),
            test("removed", state="DELETED", status="n/a"),
        ],
    ),
    run("ubuntu/nfs", "w02", [test("plain", status="WARN", steps=[step("build")])]),
    run("redhat/afs", "w02 'quoted' %", [test("plain", run_duration=-5)], comment="<b>"),
    run("redhat/afs", "removed", [test("t", state="DELETED")], state="deleted"),
    run("redhat/afs", "kept", [test("t")], state="locked"),
]


def listed(area: TestArea) -> AreaListing:
    (found,) = list_areas([area.settings], {}, tmp=NO_CACHE)
    return found


def read(head: RunHead) -> Run:
    with reading(head.database) as connection:
        return read_run(connection, head)


def runs_of(area: TestArea) -> dict[tuple[str, ...], Run]:
    """All runs that are not gone, with the area's own directories named alike."""
    heads = [head for head in listed(area).heads if not head.gone]
    return {
        (*head.key.target, head.key.runname): _without_place(read(head), area) for head in heads
    }


def _without_place(found: Run, area: TestArea) -> Run:
    def moved(path: str) -> str:
        return path.replace(str(area.linktree), "/links").replace(str(area.disk), "/disk")

    tests = tuple(
        replace(one, rundir=moved(one.rundir), shortdir=moved(one.shortdir)) for one in found.tests
    )
    return replace(found, key=replace(found.key, area="a"), tests=tests, unread={})


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


def update(database: Path, sql: str) -> None:
    with closing(sqlite3.connect(database)) as connection, connection:
        connection.execute(sql)


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


def query(database: Path, sql: str) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(database)) as connection:
        return connection.execute(sql).fetchall()


# -- G2: rows in run directories


def g2(tmp_path: Path, *tests: object) -> TestArea:
    return make_area(tmp_path, runs=[run("u/v", "w1", list(tests))], generation="G2")  # type: ignore[arg-type] # rows of test()


def only_test(area: TestArea) -> tuple[Test, str]:
    (found,) = [read(head) for head in listed(area).heads]
    (one,) = found.tests
    return one, found.unread.get(one.name, "")


def own_database(area: TestArea) -> Path:
    return area.rundir("w1", "t") / "testdat.db"


def test_steps_of_a_rebuilt_area_are_told_by_their_directory(tmp_path: Path) -> None:
    area = g2(tmp_path, test("t", steps=[step("s")], data=[datum("c", "v", value=1)]))
    update(own_database(area), "UPDATE test_steps SET test_id = 777")
    one, note = only_test(area)
    assert [each.name for each in one.steps] == ["s"]
    assert len(one.data) == 1
    assert note == ""


def test_steps_that_g1_left_in_the_central_database_stay(tmp_path: Path) -> None:
    steps = [step("s")]
    area = g2(tmp_path, test("old", steps=steps), test("new", steps=steps))
    ((number,),) = query(area.live, "SELECT id FROM tests WHERE testname = 'old'")
    update(
        area.live,
        f"INSERT INTO test_steps (test_id, stepname, state, event_time)"
        f" VALUES ({number}, 'central', 'start', 5)",
    )
    (area.rundir("w1", "old") / "testdat.db").unlink()
    (found,) = [read(head) for head in listed(area).heads]
    assert {one.testname: [s.name for s in one.steps] for one in found.tests} == {
        "old": ["central"],
        "new": ["s"],
    }
    assert found.unread == {}


def missing(path: Path) -> None:
    path.unlink()


def dangling(path: Path) -> None:
    path.unlink()
    path.symlink_to("nowhere.db")


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:5000])


def foreign(path: Path) -> None:
    path.write_bytes(b"a text file of some length\n" * 50)


def pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def a_directory(path: Path) -> None:
    path.unlink()
    path.mkdir()


def outside(path: Path) -> None:
    elsewhere = path.parents[5] / "elsewhere.db"
    path.rename(elsewhere)
    path.symlink_to(elsewhere)


def locked(path: Path) -> None:
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("BEGIN EXCLUSIVE")
    LOCKS.append(connection)


LOCKS: list[sqlite3.Connection] = []


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (missing, "testdat.db is missing"),
        (dangling, "testdat.db leads nowhere"),
        (cut, "malformed"),
        (foreign, "not a SQLite database"),
        (pipe, "named pipe"),
        (a_directory, "a directory"),
        (outside, "lies outside"),
        (locked, "locked"),
    ],
    ids=lambda one: getattr(one, "__name__", ""),
)
def test_a_testdat_that_can_not_be_read_is_a_note(tmp_path: Path, spoil: object, told: str) -> None:
    area = g2(tmp_path, test("t", steps=[step("s")]))
    spoil(own_database(area))  # type: ignore[operator] # one of the functions above
    try:
        one, note = only_test(area)
    finally:
        while LOCKS:
            LOCKS.pop().close()
    assert one.steps == ()
    assert told in note and "steps and test data are not known" in note
    assert listed(area).error == ""


def test_a_test_without_a_directory_misses_nothing(tmp_path: Path) -> None:
    area = g2(tmp_path, test("t", state="NOT_STARTED", rundir="n/a", shortdir=""))
    assert only_test(area)[1] == ""


# -- G3 and G5: tests in other databases


def part(area: TestArea, runname: str) -> Path:
    """The database with the tests of a run."""
    run_id = area.run_id(runname)
    if area.generation.startswith("G3"):
        return area.linktree / ".db" / f"{run_id}.db"
    return area.path / ".mtdb" / f"{run_id % 3 + 1}.db"


def names(heads: Sequence[RunHead]) -> set[str]:
    return {head.key.runname for head in heads if not head.gone}


@pytest.mark.parametrize("generation", ["G3 of 2013", "G5"])
def test_a_deleted_database_takes_the_tests_of_its_runs_only(
    tmp_path: Path, generation: str
) -> None:
    area = make_area(tmp_path, runs=RUNS, generation=generation)
    part(area, "w02").unlink()
    found = listed(area)
    head = {head.key.runname: head for head in found.heads}["w02"]
    assert "its tests" in head.gone and str(part(area, "w02").parent) in head.gone
    assert "w01" in names(found.heads)
    assert found.error == ""


def test_a_deleted_database_is_made_up_for_by_the_copy(tmp_path: Path) -> None:
    area = make_area(tmp_path, runs=RUNS, generation="G3")
    whole = runs_of(area)
    part(area, "w02").unlink()
    assert runs_of(area) == whole
    assert any("w02" in told and str(area.live) in told for told in listed(area).problems)


def test_the_copy_stands_in_for_what_is_damaged_which_is_named(tmp_path: Path) -> None:
    area = make_area(tmp_path, runs=RUNS, generation="G3")
    whole = runs_of(area)
    cut(part(area, "w02"))
    assert runs_of(area) == whole
    assert str(part(area, "w02")) in listed(area).error


def test_a_damaged_main_database_leaves_the_copy(tmp_path: Path) -> None:
    area = make_area(tmp_path, runs=RUNS, generation="G3")
    whole = runs_of(area)
    main = area.linktree / ".db" / "main.db"
    foreign(main)
    assert runs_of(area) == whole
    assert str(main) in listed(area).error


def test_without_a_copy_main_and_its_parts_are_enough(tmp_path: Path) -> None:
    area = make_area(tmp_path, runs=RUNS, generation="G3")
    whole = runs_of(area)
    area.live.unlink()
    assert runs_of(area) == whole


def test_what_the_copy_knows_better_is_taken_from_it(tmp_path: Path) -> None:
    area = make_area(tmp_path, runs=RUNS, generation="G3")
    update(area.live, "UPDATE tests SET comment = 'later' WHERE testname = 'many'")
    update(part(area, "w02"), "UPDATE tests SET comment = 'own'")
    heads = {head.key.runname: head for head in listed(area).heads}
    assert heads["w01"].database == area.live
    assert heads["w02"].tests_in == part(area, "w02")


def test_a_run_that_only_the_copy_has_is_shown(tmp_path: Path) -> None:
    area = make_area(tmp_path, runs=RUNS, generation="G3")
    update(area.linktree / ".db" / "main.db", "DELETE FROM runs WHERE runname = 'w01'")
    assert names(listed(area).heads) == {"w01", "w02", "w02 'quoted' %", "kept"}


def test_a_run_removed_from_the_main_database_does_not_come_back(tmp_path: Path) -> None:
    area = make_area(tmp_path, runs=RUNS, generation="G3")
    main = area.linktree / ".db" / "main.db"
    update(main, "UPDATE runs SET state = 'deleted' WHERE runname = 'w01'")
    assert "w01" not in names(listed(area).heads)


def test_a_database_left_over_from_before_v1_63_does_not_win(tmp_path: Path) -> None:
    area = make_area(tmp_path, runs=RUNS, generation="G3")
    update(area.live, "ALTER TABLE runs ADD COLUMN contour TEXT DEFAULT ''")
    update(area.live, "UPDATE runs SET comment = 'live' WHERE runname = 'w01'")
    update(area.live, "DELETE FROM runs WHERE runname = 'kept'")
    found = listed(area)
    heads = {head.key.runname: head for head in found.heads}
    assert found.area is not None and found.area.generation.name == "G4"
    assert heads["w01"].comment == "live"
    assert heads["kept"].tests == 1
    assert any("1 runs stand only there" in told for told in found.problems)


@pytest.mark.parametrize("generation", SPLIT)
def test_tests_of_a_run_that_is_not_there_are_named(tmp_path: Path, generation: str) -> None:
    area = make_area(tmp_path, runs=RUNS, generation=generation)
    main = area.linktree / ".db/main.db" if generation[1] == "3" else area.path / ".mtdb/main.db"
    area.live.unlink(missing_ok=True)
    run_id = area.run_id("w02")
    update(main, f"DELETE FROM runs WHERE id = {run_id}")
    told = " ".join(listed(area).problems)
    assert f"{part_of(area, run_id)} has tests of run {run_id}" in told


def part_of(area: TestArea, run_id: int) -> Path:
    if area.generation.startswith("G3"):
        return area.linktree / ".db" / f"{run_id}.db"
    return area.path / ".mtdb" / f"{run_id % 3 + 1}.db"


def test_the_directory_of_the_databases_can_be_set(tmp_path: Path) -> None:
    area = make_area(tmp_path, runs=RUNS, generation="G3", config="[setup]\ndbdir elsewhere\n")
    (area.linktree / ".db").rename(area.path / "elsewhere")
    area.live.unlink()
    assert names(listed(area).heads) == {"w01", "w02", "w02 'quoted' %", "kept"}


@pytest.mark.parametrize("generation", SPLIT)
@pytest.mark.parametrize("spoil", [cut, foreign, a_directory, pipe, locked])
def test_one_bad_database_of_many_is_named_and_the_others_are_read(
    tmp_path: Path, generation: str, spoil: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mtsite.megatest.split.BUSY_SECONDS", 0.1)
    area = make_area(tmp_path, runs=RUNS, generation=generation)
    area.live.unlink(missing_ok=True)
    bad = part(area, "w02")
    spoil(bad)  # type: ignore[operator] # one of the functions above
    try:
        found = listed(area)
    finally:
        while LOCKS:
            LOCKS.pop().close()
    assert str(bad) in found.error
    assert "w01" in names(found.heads) and "w02" not in names(found.heads)


def test_a_locked_database_is_waited_for_not_replaced_by_its_copy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mtsite.megatest.split.BUSY_SECONDS", 0.1)
    area = make_area(tmp_path, runs=RUNS, generation="G3")
    with closing(sqlite3.connect(part(area, "w02"), isolation_level=None)) as writer:
        writer.execute("BEGIN EXCLUSIVE")
        found = listed(area)
    assert "locked" in found.error
    assert "w02" not in names(found.heads)


# -- the table itself


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
        connection.execute(f"SELECT {stand_in} FROM {table}")


def test_an_absent_column_whose_stand_in_is_absent_too_is_null() -> None:
    assert shapes.expression("tests", "shortdir", frozenset({"id"})) == "NULL"
