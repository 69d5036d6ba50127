"""What reduce does beside caches, servers, other hosts and other movers."""

import os
import sqlite3
import threading
import time
from contextlib import closing

import pytest
from areas import make_area
from reducing import LATER, NOW, named, spec
from rows import make_caches, runs_in

from mtsite import lock, notes
from mtsite.archive import execute
from mtsite.arealock import AREA_LOCK, lock_name
from mtsite.errors import BusyError


def test_caches_in_tmp_are_emptied_first(area, reduce, tmp_path):
    caches = make_caches(area, tmp_path / "tmp")
    steps = []
    reduce(area, checkpoint=steps.append)
    for database in (*caches, area.database):
        assert list(runs_in(database)) == [("ubuntu", "nfs", "w03")]
    order = [step.split()[-1] for step in steps if step.startswith("let go: run of")]
    files = ("megatest.db", "megatest_ref.db", "megatest.db")
    assert order == [file for number in (2, 1) for file in files for _ in range(number)]


def test_rows_that_only_a_cache_holds_go_to_the_archive(area, reduce, tmp_path):
    live, _reference = make_caches(area, tmp_path / "tmp")
    area.execute("INSERT INTO run_stats (run_id, state, count) VALUES (1, 'x', 3)", (), live)
    area.execute("INSERT INTO test_rundat (test_id, update_time) SELECT id, 7 FROM tests", (), live)
    area.execute("INSERT INTO archive_blocks (id, disk_path) VALUES (5, '/a/b')", (), live)
    for database in (live, _reference, area.database):
        area.execute("UPDATE tests SET archived = 5, last_update = event_time", (), database)
    before = runs_in(live)
    reduce(area, now=LATER)
    there = runs_in(area.completed)
    assert runs_in(live) | there == before
    assert ("ubuntu", "nfs", "w03") not in there


def test_a_cache_that_knows_more_keeps_its_run(area, reduce, tmp_path):
    live, _reference = make_caches(area, tmp_path / "tmp")
    area.execute("UPDATE test_steps SET status = '9', last_update = event_time", (), live)
    before = runs_in(area.database)
    summary = reduce(area, now=LATER)
    assert named(summary.stayed) == ["w00", "w01", "w02"]
    assert all("sync" in one.reason for one in summary.stayed)
    assert runs_in(area.database) == before
    assert runs_in(area.completed) == {}


def test_a_run_that_is_busy_in_a_cache_only_is_in_flight(area, reduce, tmp_path):
    live, _reference = make_caches(area, tmp_path / "tmp")
    area.execute(
        "UPDATE tests SET state = 'RUNNING', event_time = ? WHERE run_id = 1", (NOW - 60,), live
    )
    plan = reduce(area, dry_run=True).plan
    assert plan.moves[0].rule == "in flight"


@pytest.mark.skipif(os.getuid() == 0, reason="not applicable: root may write everywhere")
def test_a_cache_that_can_not_be_written_stops_everything_and_names_its_owner(
    area, reduce, tmp_path
):
    live, _reference = make_caches(area, tmp_path / "tmp")
    live.chmod(0o444)
    with pytest.raises(BusyError, match="belongs to"):
        reduce(area)
    assert not area.completed.exists()


def test_a_link_in_tmp_is_not_taken_for_a_cache(area, reduce, tmp_path):
    live, _reference = make_caches(area, tmp_path / "tmp")
    other = make_area(tmp_path, name="other", runs=[spec("w00")])
    before = other.database.read_bytes()
    live.unlink()
    live.symlink_to(other.database)
    reduce(area)
    assert other.database.read_bytes() == before


def start_server(area, touched=None):
    log = area.path / "logs" / "server-12-h1.log"
    log.parent.mkdir(exist_ok=True)
    log.write_text("SERVER STARTED: h1:80 AT 1\n")
    if touched:
        os.utime(log, (touched, touched))


class Syncing(threading.Thread):
    """A stand-in for the sync of a living server: it had read its rows before they were let go."""

    def __init__(self, area, cache):
        super().__init__()
        self.area, self.cache, self.saved = area, cache, area.database.read_bytes()

    def run(self):
        while runs_in(self.area.database).keys() - {("ubuntu", "nfs", "w03")}:
            time.sleep(0.01)
        # It writes what it had read; started and ended are told as Megatest tells them.
        (self.cache.parent / ".start-sync").write_text("1")
        with closing(sqlite3.connect(":memory:")) as memory:
            memory.deserialize(self.saved)
            with closing(sqlite3.connect(self.area.database)) as there:
                memory.backup(there)
        (self.cache.parent / ".end-sync").write_text("1")


def test_rows_that_a_living_server_brings_back_are_let_go_again(
    area, reduce, tmp_path, monkeypatch
):
    monkeypatch.setattr(execute, "SYNC_SECONDS", 20)
    live, _reference = make_caches(area, tmp_path / "tmp")
    start_server(area, NOW - 5)
    before = runs_in(area.database)
    sync = Syncing(area, live)
    sync.start()
    summary = reduce(area)
    sync.join()
    assert named(summary.moved) == ["w00", "w01", "w02"]
    assert list(runs_in(area.database)) == [("ubuntu", "nfs", "w03")]
    assert runs_in(area.database) | runs_in(area.completed) == before


def test_nothing_is_settled_before_a_living_server_had_its_sync(area, reduce, tmp_path):
    make_caches(area, tmp_path / "tmp")
    steps = []
    start_server(area)
    reduce(area, checkpoint=steps.append)
    last = max(number for number, step in enumerate(steps) if step.startswith("let go"))
    assert steps.index(notes.SETTLED) > last


def test_a_server_that_has_ended_is_not_waited_for(area, reduce, monkeypatch):
    monkeypatch.setattr(execute, "SYNC_SECONDS", 1000)
    start_server(area, NOW - 60)
    assert reduce(area).moved


def test_another_homehost_stops_everything_and_is_named(area, reduce):
    (area.path / ".homehost").write_text("203.0.113.77\n")
    with pytest.raises(BusyError, match=r"203\.0\.113\.77") as caught:
        reduce(area)
    assert "203.0.113.77" in caught.value.hint
    (area.path / ".homehost").write_text("127.0.0.1\n")
    assert reduce(area).moved


def test_an_area_that_another_mtsite_holds_is_busy(area, reduce, tmp_path):
    with (
        lock.hold(tmp_path / "state", lock_name(area.path), "mtsite nightly"),
        pytest.raises(BusyError, match="mtsite nightly"),
    ):
        reduce(area)


def test_an_area_that_another_site_reduces_is_busy(area, reduce):
    with (
        lock.hold(area.path, AREA_LOCK, "mtsite reduce of another site"),
        pytest.raises(BusyError, match="another site"),
    ):
        reduce(area)


def test_a_note_that_another_mover_has_moved_on_is_left_alone(area, reduce):
    def interfere(where):
        if where == "copied":
            area.execute("UPDATE mtsite_moves SET state = 'letting go'", database=area.completed)

    before = runs_in(area.database)
    summary = reduce(area, checkpoint=interfere)
    assert isinstance(summary.error, BusyError)
    assert runs_in(area.database) == before


def test_one_lock_whatever_the_path(area, tmp_path):
    link = tmp_path / "link"
    link.symlink_to(area.path)
    assert lock_name(link) == lock_name(area.path)
