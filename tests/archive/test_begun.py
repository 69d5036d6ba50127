"""A run that is on its way, or has arrived, is not taken for another; and damage."""

import os
import signal
import sqlite3
from contextlib import closing

import pytest
from areas import BASE, DAY, run, step, test
from dying import Far, Place, ended, in_child
from rows import runs_in

from mtsite.archive import begun
from mtsite.errors import BusyError


def killed(far, where):
    """Migrate, and die at the first step of this name."""

    def die(step):
        if step.startswith(where):
            os.kill(os.getpid(), signal.SIGKILL)

    assert ended(in_child(lambda: far.call(die))) == -signal.SIGKILL


@pytest.fixture
def far(tmp_path):
    return Far(tmp_path, tests=2, runs=3, verb="migrate")


@pytest.mark.parametrize("where", ["copied", "verified", "letting go", "let go: tests"])
def test_a_run_on_its_way_to_a_satellite_is_not_reduced(far, where):
    killed(far, where)
    kept = {one.run.runname: (one.rule, one.reason) for one in far.reduce().plan.kept}
    assert kept["w00"][0] == "begun"
    assert f"mtsite migrate --destination {far.satellite.path}" in kept["w00"][1]
    far.assert_finished()


def test_a_run_on_its_way_to_completed_runs_is_not_migrated(tmp_path):
    far = Far(tmp_path, tests=2, runs=3, verb="reduce")
    killed(far, "let go: tests")
    kept = {one.run.runname: (one.rule, one.reason) for one in far.migrate().moves}
    assert kept["w00"][0] == "twice"
    assert "mtsite reduce tells" in kept["w00"][1]
    far.assert_nothing_lost()


def test_a_run_that_came_back_from_a_satellite_is_not_reduced_but_let_go_again(far):
    saved = far.area.database.read_bytes()
    far.call()
    far.area.database.write_bytes(saved)
    kept = {one.run.runname: (one.rule, one.reason) for one in far.reduce().plan.kept}
    assert kept["w00"][0] == "twice"
    assert "came back from" in kept["w00"][1]
    far.assert_finished()


def test_a_run_that_was_born_again_under_the_name_of_one_that_moved_is_reduced(far):
    far.call()
    far.area.execute("DELETE FROM runs WHERE state = 'MOVED'")
    far.area.add_run(run("ubuntu/nfs", "w00", tests=[test("t")], event_time=BASE + 9 * DAY))
    far.area.add_run(run("ubuntu/nfs", "w09", tests=[test("t")], event_time=BASE + 10 * DAY))
    assert "w00" in {one.runname for one in far.reduce().moved}


def test_a_satellite_that_vanished_halfway_stops_other_moves(far):
    killed(far, "letting go")
    far.satellite.database.rename(far.root / "away.db")
    with pytest.raises(BusyError, match=r"were begun, and it can't be read") as caught:
        far.reduce()
    assert begun.FILE in caught.value.hint
    (far.root / "away.db").rename(far.satellite.database)
    far.assert_finished()


def test_a_satellite_that_vanished_after_all_had_arrived_stops_nothing(far):
    far.call()
    far.satellite.database.unlink()
    far.area.add_run(run("ubuntu/nfs", "w09", tests=[test("t")], event_time=BASE + 10 * DAY))
    assert [one.runname for one in far.reduce().moved] == ["w02"]


@pytest.mark.parametrize("content", ["", "[1]", "no JSON", "\x00"])
def test_a_spoiled_list_of_archives_stops_moves_and_says_so(far, content):
    (far.area.path / begun.FILE).write_text(content)
    with pytest.raises(BusyError, match="is no list of archives"):
        far.reduce()


def test_another_test_under_the_rowid_of_one_that_was_let_go_is_not_taken_for_it(far):
    """Megatest ran on in a run whose move had died: both its old rows and its new ones stay."""
    killed(far, "let go: tests")
    far.area.execute("DELETE FROM test_steps")
    far.area.execute("DELETE FROM test_data")
    far.area.execute("DELETE FROM tests")
    far.area.execute("DELETE FROM runs WHERE runname <> 'w00'")
    for name in ("t000", "t001"):
        far.area.add_test("w00", test(name, steps=[step("s")], comment="again"))
    sql = "UPDATE tests SET last_update = event_time"
    far.area.execute(sql)
    far.call()
    name = ("ubuntu", "nfs", "w00")
    assert far.model[name] in far.places()[name]
    assert far.area.execute("SELECT count(*) FROM tests WHERE comment = 'again'") == [(2,)]


@pytest.mark.parametrize("table", ["tests", "test_steps"])
def test_a_run_on_a_damaged_page_is_reported_and_the_others_move(tmp_path, table):
    place = Place(tmp_path, tests=60, runs=5, cached=False)
    of_run = "SELECT id FROM runs WHERE runname = 'w01'"
    where = f"run_id = ({of_run})"
    if table != "tests":
        where = f"test_id IN (SELECT id FROM tests WHERE {where})"
    place.area.execute(f"UPDATE {table} SET comment = printf('spoilt%0200d', id) WHERE {where}")
    times = "last_update = event_time"
    place.area.execute(f"UPDATE {table} SET {times} WHERE {where}")
    with closing(sqlite3.connect(place.area.database)) as connection:
        connection.execute("VACUUM")
    content = bytearray(place.area.database.read_bytes())
    size = int.from_bytes(content[16:18], "big")
    pages = [
        n for n in range(len(content) // size) if content[n * size :][:size].count(b"spoilt") > 3
    ]
    assert len(pages) > 2
    page = pages[len(pages) // 2]
    content[page * size : page * size + 8] = b"\xff" * 8
    place.area.database.write_bytes(content)
    summary = place.reduce()
    moved, stayed = ({one.runname for one in some} for some in (summary.moved, summary.stayed))
    assert "w01" in stayed
    assert len(moved) >= 2, "a neighbour may have rows on that page"
    assert moved | stayed == {"w00", "w01", "w02", "w03"}
    assert all("malformed" in one.reason for one in summary.stayed)
    there = runs_in(place.area.completed)
    assert {name[2] for name in there} == moved
    assert all(place.model[name] == rows for name, rows in there.items())
