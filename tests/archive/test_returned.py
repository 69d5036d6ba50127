"""Rows that a sync brings back after their move was settled, and what Megatest did to them."""

import shutil
import sqlite3
from contextlib import closing

import pytest
from areas import test
from dying import Far
from rows import make_caches, runs_in

from mtsite import notes
from mtsite.archive.verify import verify_areas
from mtsite.megatest.merge import list_areas

NAME = ("ubuntu", "nfs", "w00")
VERBS = ["reduce", "migrate"]


@pytest.fixture(params=VERBS)
def far(request, tmp_path):
    """The first two of three runs have moved, and came back; what they were is in `model`."""
    far = Far(tmp_path, tests=2, runs=3, verb=request.param)
    for (name,) in far.area.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'"):
        far.area.execute(f"DROP TRIGGER {name}")  # They set last_update by today's clock.
    saved = far.area.database.read_bytes()
    far.call()
    far.area.database.write_bytes(saved)
    return far


def archive_of(far):
    return far.area.completed if far.verb == "reduce" else far.satellite.database


def verified(far):
    found = verify_areas(far.areas, far.areas, lambda *_: None, environ={})
    return [one.what for told in found for one in told.problems]


def reason_of(summary, runname="w00"):
    return {one.runname: one.reason for one in summary.outcomes}[runname]


def add_test(far, name):
    far.area.add_test("w00", test(name))
    far.area.add_test("w02", test(f"{name} there"))  # w00 must not have the highest rowid


def test_rows_that_came_back_as_they_were_go_again(far):
    assert any("lies in two databases" in what for what in verified(far))
    assert reason_of(far.call()) == ""
    assert verified(far) == []
    assert far.places()[NAME] == [far.model[NAME]]


def test_a_run_that_came_back_whole_and_went_on_is_one_run_again(far):
    add_test(far, "later")
    grown = runs_in(far.area.database)[NAME]
    assert "Megatest went on with it" in reason_of(far.call())
    assert far.places()[NAME] == [grown]
    assert NAME not in runs_in(archive_of(far))
    assert reason_of(far.call()) == ""
    assert far.places()[NAME] == [grown]
    assert verified(far) == []


def test_an_older_version_that_came_back_takes_the_place_of_no_newer_one(far):
    """Every row counts: that of the copy, and that which the sync wrote."""
    far.area.execute("UPDATE tests SET comment = 'older' WHERE testname = 't000'")
    far.call()
    assert runs_in(archive_of(far))[NAME] == far.model[NAME]
    assert ("older",) in far.area.execute("SELECT comment FROM tests")


def test_what_stays_of_a_run_that_came_back_in_part_is_a_run_of_its_own(far):
    first = far.area.test_id("w00", "t000")
    for table, column in (("test_steps", "test_id"), ("test_data", "test_id"), ("tests", "id")):
        far.area.execute(f"DELETE FROM {table} WHERE {column} = ?", (first,))
    add_test(far, "later")
    assert "rows changed or appeared and stay" in reason_of(far.call())
    assert verified(far) == []
    assert runs_in(archive_of(far))[NAME] == far.model[NAME]
    sql = "SELECT testname FROM tests JOIN runs ON runs.id = run_id WHERE runname = 'w00'"
    assert far.area.execute(sql) == [("later",)]
    assert far.area.execute("SELECT state FROM runs WHERE runname = 'w00'") == [("MOVED",)]
    shown = [
        head for one in list_areas(far.areas.values(), {}) for head in one.heads
        if head.key.runname == "w00"
    ]  # fmt: skip
    assert [(head.database, head.tests) for head in shown] == [(far.area.database, 1)]
    far.call()
    assert [one.runname for one in far.call().stayed] == []


def test_another_run_row_than_the_copys_is_never_marked(far):
    """A row that Megatest changed is nowhere else: it stays as it is, and is listed every time."""
    add_test(far, "later")
    far.area.execute("UPDATE runs SET comment = 'changed' WHERE runname = 'w00'")
    before = runs_in(far.area.database)[NAME]
    assert "rows changed or appeared and stay" in reason_of(far.call())
    assert runs_in(far.area.database)[NAME] == before
    assert any("lies in two databases" in what for what in verified(far))


def test_no_note_is_left_of_a_copy_that_was_taken_back(far):
    add_test(far, "later")
    far.call()
    with closing(sqlite3.connect(archive_of(far))) as connection:
        assert [note.birth_runname for note in notes.read(connection)] == ["w01"]


@pytest.mark.parametrize("renumbered", [False, True])
def test_a_run_comes_back_to_where_it_had_gone_on_from_long_ago(tmp_path, renumbered):
    """It went by way of completed-runs.db to a satellite; a sync knows megatest.db only."""
    far = Far(tmp_path, tests=2, runs=3, verb="migrate")
    saved = far.area.database.read_bytes()
    if renumbered:
        far.area.make_completed()
        for table, columns in (
            ("runs", "(id, sysname, fsname, runname, event_time) VALUES (1, 'u', 'n', 'x', 1)"),
            ("tests", "(id, run_id, testname, state) VALUES (1, 1, 'x', 'COMPLETED')"),
        ):
            far.area.execute(f"INSERT INTO {table} {columns}", (), far.area.completed)
    far.reduce()
    far.migrate()
    assert NAME in runs_in(far.satellite.database)
    far.area.database.write_bytes(saved)
    assert any("lies in two databases" in what for what in verified(far))
    (kept,) = [one for one in far.reduce().plan.kept if one.run.runname == "w00"]
    assert f"mtsite migrate --destination {far.satellite.path} lets it go again" in kept.reason
    assert reason_of(far.migrate()) == ""
    assert far.places()[NAME] == [far.model[NAME]]
    assert NAME in runs_in(far.satellite.database)
    assert verified(far) == []


@pytest.mark.parametrize("changed", [False, True])
def test_equal_rows_below_a_mark_that_stays_are_let_go_again(tmp_path, changed):
    """A sync wrote the tests once more, but not the run row."""
    far = Far(tmp_path, tests=2, runs=3, verb="migrate")
    saved = tmp_path / "saved.db"
    shutil.copyfile(far.area.database, saved)
    far.call()
    bring_back_tests(far.area, saved)
    if changed:
        far.area.execute("UPDATE tests SET comment = 'other' WHERE id = 1")
    mark = far.area.execute("SELECT * FROM runs WHERE id = 1")
    (planned,) = [one for one in far.call().moves if one.run.runname == "w00"]
    assert (planned.moves, planned.rule) == (True, "came back")
    left = far.area.execute("SELECT testname FROM tests WHERE run_id = 1")
    assert left == ([("t000",)] if changed else [])
    assert far.area.execute("SELECT * FROM runs WHERE id = 1") == mark
    assert runs_in(far.satellite.database)[NAME] == far.model[NAME]
    assert verified(far) == []
    again = far.call()
    assert not again.stayed
    assert not again.moved


def test_equal_rows_below_the_mark_of_what_stayed_once_are_let_go_again(tmp_path):
    """Reduce leaves no mark but on what is a run of its own; that one ends when all is equal."""
    far = Far(tmp_path, tests=2, runs=3, verb="reduce")
    saved = tmp_path / "saved.db"
    shutil.copyfile(far.area.database, saved)
    far.call()
    bring_back_tests(far.area, saved)
    with closing(sqlite3.connect(far.area.database)) as connection, connection:
        connection.execute("ATTACH ? AS saved", (str(saved),))
        connection.execute("INSERT INTO runs SELECT * FROM saved.runs WHERE id = 1")
        connection.execute("UPDATE runs SET state = 'MOVED', comment = 'moved' WHERE id = 1")
    far.call()
    assert far.area.execute("SELECT count(*) FROM tests WHERE run_id = 1") == [(0,)]
    assert far.area.execute("SELECT count(*) FROM runs WHERE id = 1") == [(0,)]
    assert runs_in(far.area.completed)[NAME] == far.model[NAME]
    assert verified(far) == []


def bring_back_tests(area, saved):
    """What a sync of Megatest brings back of the first run: its tests with their rows."""
    with closing(sqlite3.connect(area.database)) as connection, connection:
        connection.execute("ATTACH ? AS saved", (str(saved),))
        connection.execute("INSERT INTO tests SELECT * FROM saved.tests WHERE run_id = 1")
        for table in ("test_steps", "test_data"):
            ids = "SELECT id FROM tests WHERE run_id = 1"
            connection.execute(
                f"INSERT INTO {table} SELECT * FROM saved.{table} WHERE test_id IN ({ids})"
            )


def test_a_copy_is_not_taken_back_for_rows_that_a_cache_alone_has(tmp_path):
    far = Far(tmp_path, tests=2, runs=3, verb="reduce")
    for (name,) in far.area.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'"):
        far.area.execute(f"DROP TRIGGER {name}")
    caches = make_caches(far.area, tmp_path / "tmp")
    saved = far.area.database.read_bytes()
    far.call()
    far.area.database.write_bytes(saved)
    add_test(far, "later")
    grown = far.area.database.read_bytes()
    for cache in caches:
        cache.write_bytes(grown)
    for table in ("test_steps", "test_data"):
        far.area.execute(f"DELETE FROM {table} WHERE test_id IN (1, 2)")
    far.area.execute("DELETE FROM tests WHERE id IN (1, 2)")
    assert "sync it first" in reason_of(far.call())
    assert runs_in(far.area.completed)[NAME] == far.model[NAME]
    assert all(len(runs_in(cache)[NAME]) > len(far.model[NAME]) for cache in caches)
    far.area.database.write_bytes(grown)
    assert "Megatest went on with it" in reason_of(far.call())
    assert NAME not in runs_in(far.area.completed)
