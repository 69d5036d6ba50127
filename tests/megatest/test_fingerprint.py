"""Fingerprints that move exactly when a run does, and its newest times."""

import sqlite3
from contextlib import closing
from pathlib import Path

import areas
import pytest
from areas import run, step
from megatest.reading import RICH, head_of, heads_of, one_test, read


def copied(area: areas.TestArea, runname: str) -> Path:
    """A faithful copy of one run in a database where all its rowids differ."""
    path = area.make_completed()
    area.execute("INSERT INTO runs (id, runname) VALUES (500, 'other')", database=path)
    area.execute("INSERT INTO tests (id, run_id) VALUES (7000, 500)", database=path)
    area.copy_run(runname, path)
    return path


def test_a_faithful_copy_has_the_same_fingerprint_and_records(tmp_path: Path) -> None:
    area = areas.make_area(tmp_path, runs=RICH[:1])
    before, run_before = head_of(area), read(area)
    path = copied(area, "w01")
    after = head_of(area, path=path)
    assert before.fingerprint and after.run_id != before.run_id
    assert after.fingerprint == before.fingerprint
    assert after.newest_update == before.newest_update
    assert read(area, path=path) == run_before


def test_fingerprints_differ_between_runs(tmp_path: Path) -> None:
    heads = heads_of(areas.make_area(tmp_path, runs=RICH))
    assert len({head.fingerprint for head in heads}) == 3


CHANGES = [
    "UPDATE tests SET status = 'WARN' WHERE testname = 'plain'",
    "UPDATE tests SET comment = 'looked at' WHERE testname = 'plain'",
    "DELETE FROM tests WHERE testname = 'plain'",
    "INSERT INTO tests (run_id, testname, last_update) VALUES (1, 'new', 1)",
    "INSERT INTO test_steps (test_id, stepname, last_update) VALUES (1, 'new', 1)",
    "DELETE FROM test_steps WHERE stepname = 'check'",
    "UPDATE test_steps SET comment = 'x' WHERE stepname = 'check' AND state = 'end'",
    "UPDATE test_data SET value = 7",
    "UPDATE runs SET comment = 'good one'",
    "UPDATE runs SET state = 'locked'",
]


@pytest.mark.parametrize("change", CHANGES)
def test_every_change_of_a_run_moves_its_fingerprint(tmp_path: Path, change: str) -> None:
    area = areas.make_area(tmp_path, runs=RICH[:1])
    before = head_of(area).fingerprint
    area.execute(change)
    assert head_of(area).fingerprint not in (before, "")


def test_an_older_row_that_comes_late_moves_the_fingerprint(tmp_path: Path) -> None:
    area = areas.make_area(tmp_path, runs=RICH[:1])
    area.execute("UPDATE tests SET comment = 'newest' WHERE testname = 'measured'")
    before = head_of(area)
    row = "SELECT * FROM tests WHERE testname = 'plain'"
    with closing(sqlite3.connect(area.database)) as connection, connection:
        cursor = connection.execute(row)
        columns = [column[0] for column in cursor.description]
        values = dict(zip(columns, cursor.fetchone(), strict=True))
        values |= {"comment": "from a sync", "last_update": values["last_update"] + 1}
        marks = ", ".join("?" * len(columns))
        connection.execute(f"INSERT OR REPLACE INTO tests VALUES ({marks})", [*values.values()])
    after = head_of(area)
    assert after.newest_update == before.newest_update
    assert after.fingerprint != before.fingerprint


def test_another_run_does_not_move_it(tmp_path: Path) -> None:
    area = areas.make_area(tmp_path, runs=RICH[:2])
    before = head_of(area).fingerprint
    area.change_status("w02", "plain", "PASS")
    assert head_of(area).fingerprint == before


def test_marking_and_taking_the_mark_back_does_not_move_it(tmp_path: Path) -> None:
    area = areas.make_area(tmp_path, runs=RICH[:1])
    before = head_of(area).fingerprint
    area.execute("UPDATE runs SET state = 'locked'")
    area.execute("UPDATE runs SET state = 'new'")
    assert head_of(area).fingerprint == before


@pytest.mark.parametrize(
    "spoil",
    [
        "DROP TRIGGER update_teststeps_trigger",
        "UPDATE runs SET comment = 'x'",
        "UPDATE tests SET last_update = NULL WHERE testname = 'plain'",
        "ALTER TABLE test_data DROP COLUMN last_update",
    ],
)
def test_where_no_time_tells_of_a_change_the_rows_do(tmp_path: Path, spoil: str) -> None:
    area = areas.make_area(tmp_path, runs=RICH[:1])
    for table in ("tests", "test_data"):
        area.execute(f"DROP TRIGGER update_{table}_trigger")
    area.execute(spoil)
    seen = [head_of(area).fingerprint]
    assert head_of(area).fingerprint == seen[0]
    for change in (
        "UPDATE tests SET comment = 'seen' WHERE testname = 'plain'",
        "UPDATE test_steps SET logfile = 'other.log'",
        "UPDATE test_data SET tol = 17",
    ):
        area.execute(change)
        seen.append(head_of(area).fingerprint)
    assert len(set(seen)) == len(seen)


def test_the_newest_update_and_activity_are_the_largest_of_all_rows(tmp_path: Path) -> None:
    area = one_test(tmp_path, steps=[step("s", seconds=50)], seconds=10)
    head = head_of(area)
    assert head.newest_update == areas.BASE + 50
    assert head.activity_time == areas.BASE + 50
    area.execute("UPDATE runs SET event_time = event_time + 1000")
    assert head_of(area).newest_update == areas.BASE + 50
    assert head_of(area).activity_time > areas.BASE + 1000


def test_a_text_among_the_times_hides_no_newest(tmp_path: Path) -> None:
    tests = [areas.test("t", last_update=1_800_000_000), areas.test("u", last_update="x")]
    area = areas.make_area(tmp_path, runs=[run("a/b", "w01", tests)])
    assert head_of(area).newest_update == 1_800_000_000
