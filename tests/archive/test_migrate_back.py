"""Runs that come back from another area, as they were and under the same rowids."""

import os

import pytest
from archive.migrating import NAME, NOW, migrate, named, reduce, rows_of
from archive.migrating import area as area
from archive.migrating import job as job
from archive.migrating import old as old
from areas import test
from msgspec.structs import replace
from rows import runs_in

from mtsite.archive import restore
from mtsite.archive.restore import restore_area
from mtsite.errors import (
    BusyError,
    UsageError,
)
from mtsite.megatest.completed import open_completed
from mtsite.megatest.selection import Selection


@pytest.mark.parametrize("reduced", [False, True])
def test_restore_gives_back_the_same_rows_under_the_same_rowids(area, old, job, reduced):
    dump = area.execute("SELECT * FROM tests ORDER BY id"), area.execute("SELECT * FROM runs")
    before = runs_in(area.database)
    if reduced:
        reduce(area, job)
    migrate(area, job, "w0[01]")
    assert set(runs_in(old.database)) == {NAME, ("ubuntu", "nfs", "w01")}
    summary = restore_area(area.settings, Selection(runname="%"), job)
    assert not summary.stayed
    assert runs_in(old.database) == {}
    assert rows_of(area, area.database) == before
    if area.completed.exists():
        assert runs_in(area.completed) == {}
    again = area.execute("SELECT * FROM tests ORDER BY id"), area.execute("SELECT * FROM runs")
    assert again == dump


def test_restore_opens_the_databases_of_an_archive_once(area, old, job, monkeypatch):
    migrate(area, job, "w0[012]")
    old.execute("UPDATE test_data SET value = 7 WHERE id = 2")
    opened = []

    def noted(path):
        opened.append(path.name)
        return open_completed(path)

    monkeypatch.setattr(restore, "open_completed", noted)
    summary = restore_area(area.settings, Selection(runname="%"), job)
    assert (len(summary.moved), len(summary.stayed)) == (2, 1)
    # After a run that could not come back they are opened again.
    assert len(opened) == 2


def test_a_restored_run_can_move_again(area, old, job):
    before = runs_in(area.database)
    migrate(area, job)
    restore_area(area.settings, Selection(runname="w00"), job)
    assert named(migrate(area, job).moved) == ["w00"]
    assert runs_in(old.database) == {NAME: before[NAME]}


def test_restore_needs_to_be_told_which_runs(area, job):
    with pytest.raises(UsageError, match="which runs"):
        restore_area(area.settings, Selection(), job)


def test_a_dry_run_of_restore_says_where_the_rows_lie(area, old, job):
    migrate(area, job)
    summary = restore_area(area.settings, Selection(runname="w%"), replace(job, dry_run=True))
    assert [(one.note.birth_runname, one.database) for one in summary.found] == [
        ("w00", old.database)
    ]
    assert runs_in(old.database)


def test_a_new_run_of_that_name_is_never_overwritten_by_restore(area, old, job):
    migrate(area, job)
    area.add_test("w00", test("again"))
    before = runs_in(area.database), runs_in(old.database)
    summary = restore_area(area.settings, Selection(runname="w00"), job)
    assert "another run" in summary.stayed[0].reason
    assert (runs_in(area.database), runs_in(old.database)) == before


def test_a_run_that_is_not_as_its_note_says_does_not_come_back(area, old, job):
    migrate(area, job)
    old.execute("UPDATE test_data SET value = 7")
    summary = restore_area(area.settings, Selection(runname="w00"), job)
    assert "would not come back as it went" in summary.stayed[0].reason
    assert NAME in runs_in(old.database)


def test_a_living_server_keeps_runs_from_coming_back(area, job):
    reduce(area, job)
    log = area.path / "logs" / "server-1-h.log"
    log.parent.mkdir()
    log.touch()
    os.utime(log, (NOW - 1, NOW - 1))
    with pytest.raises(BusyError, match="server is alive"):
        restore_area(area.settings, Selection(runname="w00"), job)


@pytest.mark.parametrize("where", ["restoring", "restored", "taken away"])
def test_a_restore_that_died_is_finished_by_the_next(area, job, where):
    class Died(Exception):
        pass

    def die(step):
        if step == where:
            raise Died

    before = runs_in(area.database)
    reduce(area, job)
    with pytest.raises(Died):
        restore_area(area.settings, Selection(runname="w00"), replace(job, checkpoint=die))
    restore_area(area.settings, Selection(runname="w00"), job)
    assert runs_in(area.database)[NAME] == before[NAME]
    assert NAME not in runs_in(area.completed)
