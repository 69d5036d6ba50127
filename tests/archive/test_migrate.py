"""Runs that go to another area: where rows, marks and notes are afterwards."""

import sqlite3
from contextlib import closing

from archive.migrating import NAME, NOW, migrate, named, reduce, rows_of, spec
from archive.migrating import area as area
from archive.migrating import job as job
from archive.migrating import old as old
from areas import BASE, DAY, make_area
from msgspec.structs import replace
from rows import last_updates, make_caches, runs_in

from mtsite import notes
from mtsite.archive.migrate import automigrate_area
from mtsite.archive.restore import restore_area
from mtsite.archive.verify import verify_areas
from mtsite.megatest.merge import list_areas
from mtsite.megatest.selection import Selection


def test_a_chosen_run_moves_with_all_its_rows(area, old, job):
    before = runs_in(area.database)
    updates = last_updates(area.database)
    assert named(migrate(area, job).moved) == ["w00"]
    assert runs_in(old.database) == {NAME: before[NAME]}
    assert rows_of(area) == {name: rows for name, rows in before.items() if name != NAME}
    marked = (last_updates(area.database) + last_updates(old.database)) - updates
    assert marked == {("runs", NOW): 1}


def test_its_row_stays_behind_and_says_where_the_rows_went(area, job):
    migrate(area, job)
    sql = "SELECT state, comment, last_update FROM runs WHERE runname = 'w00'"
    ((state, comment, last_update),) = area.execute(sql)
    assert state == "MOVED"
    assert comment.startswith("moved to old on 2024-02-22 by ")
    assert last_update == NOW
    assert area.execute("SELECT count(*) FROM tests WHERE run_id = 1") == [(0,)]


def test_the_note_keeps_the_birth_and_the_old_comment(area, old, job):
    migrate(area, job)
    with closing(sqlite3.connect(old.database)) as connection:
        (note,) = notes.read(connection)
    assert (note.birth_area, note.birth_target, note.birth_run_id) == (
        "fullrun",
        ("ubuntu", "nfs"),
        1,
    )
    assert (note.old_state, note.old_comment, note.state) == ("new", "mine", notes.SETTLED)


def test_a_run_moves_on_from_completed_runs(area, old, job):
    before = runs_in(area.database)
    reduce(area, job)
    assert named(migrate(area, job).moved) == ["w00"]
    assert runs_in(old.database) == {NAME: before[NAME]}
    assert rows_of(area).keys() == before.keys() - {NAME}
    with closing(sqlite3.connect(area.completed)) as connection:
        assert [note.birth_runname for note in notes.read(connection)] == ["w01", "w02"]
    with closing(sqlite3.connect(old.database)) as connection:
        (note,) = notes.read(connection)
    assert (note.birth_area, note.birth_run_id, note.source) == (
        "fullrun",
        1,
        str(area.completed),
    )


def test_the_mark_is_in_all_copies_of_the_live_database(area, job):
    caches = make_caches(area, job.tmp)
    migrate(area, job)
    sql = "SELECT * FROM runs WHERE runname = 'w00'"
    rows = [area.execute(sql, (), database) for database in (area.database, *caches)]
    assert rows[0] == rows[1] == rows[2]
    assert "MOVED" in rows[0][0]


def verified(job):
    found = verify_areas(job.areas, job.areas, lambda *_: None, environ={}, tmp=job.tmp)
    return [one for told in found for one in (*told.problems, *told.notices)]


def test_what_was_reduced_migrated_and_restored_verifies(area, job):
    reduce(area, job)
    assert migrate(area, job).error is None
    assert verified(job) == []
    summary = restore_area(area.settings, Selection(runname="w01"), job)
    assert named(summary.moved) == ["w01"]
    assert verified(job) == []


def test_forty_nights_put_every_run_where_it_belongs(tmp_path, job, old):
    config = "[automigrate]\nold target=%/%/%; runname=%; age=30d\n"
    area = make_area(tmp_path, name="nightly", config=config)
    job = replace(job, areas={**job.areas, "nightly": area.settings})
    everything = {}
    for night in range(40):
        now = BASE + night * DAY + 7200
        area.add_run(spec(f"n{night:02}", event_time=BASE + night * DAY))
        everything |= {k: v for k, v in runs_in(area.database).items() if k[2] == f"n{night:02}"}
        assert reduce(area, job, now).error is None
        assert automigrate_area(area.settings, replace(job, now=now)).error is None
    here, completed, there = (
        sorted(name[2] for name in rows_of(area, database))
        for database in (area.database, area.completed, old.database)
    )
    assert here == ["n38", "n39"]
    assert completed == [f"n{night:02}" for night in range(10, 38)]
    assert there == [f"n{night:02}" for night in range(10)]
    assert rows_of(area, area.database, area.completed, old.database) == everything


def test_every_run_is_listed_once_under_its_birth_name(area, old, job):
    before = [head.key for one in list_areas(job.areas.values(), {}) for head in one.heads]
    migrate(area, job, "w0[01]")
    listings = list_areas(job.areas.values(), {})
    heads = [head for one in listings for head in one.heads]
    assert sorted(head.key for head in heads) == sorted(before)
    assert sorted(head.key.runname for head in heads if head.home == "old") == ["w00", "w01"]


def test_megatests_cleanup_of_the_mark_changes_no_address(area, job):
    migrate(area, job)
    before = {head.key for one in list_areas(job.areas.values(), {}) for head in one.heads}
    area.execute("DELETE FROM runs WHERE id NOT IN (SELECT run_id FROM tests)")
    after = {head.key for one in list_areas(job.areas.values(), {}) for head in one.heads}
    assert after == before
