"""Runs that go to another area, and come back: where rows, marks and notes are afterwards."""

import os
import sqlite3
from contextlib import closing

import pytest
from areas import BASE, DAY, datum, make_area, run, step, test
from msgspec.structs import replace
from rows import last_updates, make_caches, runs_in

from mtsite import notes
from mtsite.archive import restore
from mtsite.archive.job import Job, Wishes
from mtsite.archive.migrate import automigrate_area, migrate_area
from mtsite.archive.reduce import reduce_area
from mtsite.archive.restore import restore_area
from mtsite.archive.rules import Migration
from mtsite.archive.verify import verify_areas
from mtsite.config import ReduceConfig
from mtsite.errors import (
    BusyError,
    ConfigError,
    DestinationError,
    MissingError,
    PartlyDoneError,
    UnmovableError,
    UsageError,
)
from mtsite.holds import Hold, Holds
from mtsite.megatest.completed import open_completed
from mtsite.megatest.merge import list_areas
from mtsite.megatest.selection import Selection

NOW = BASE + 100 * DAY
RULES = ReduceConfig(older_than=2 * DAY, keep_live=1, dead_after=7 * DAY)
SATELLITE = "[setup]\nallow-runs no\n"
NAME = ("ubuntu", "nfs", "w00")


def spec(runname, **columns):
    tests = [
        test("compile", steps=[step("build"), step("link", status="1")], status="FAIL"),
        test("regress", items=["fast"], data=[datum("c", "v", value=1.5, tol=">")]),
    ]
    return run("ubuntu/nfs", runname, tests=tests, **columns)


@pytest.fixture
def area(tmp_path):
    return make_area(tmp_path, runs=[spec(f"w{number:02}", comment="mine") for number in range(4)])


@pytest.fixture
def old(tmp_path):
    return make_area(tmp_path, name="old", config=SATELLITE)


@pytest.fixture
def job(tmp_path, area, old):
    areas = {one.name: one.settings for one in (area, old)}
    return Job(areas, RULES, NOW, tmp_path / "state", environ={}, tmp=tmp_path / "tmp")


def migrate(area, job, chosen="w00", destination="old"):
    selection = Selection(runname=chosen)
    return migrate_area(area.settings, [Migration(destination, selection)], job)


def reduce(area, job, now=NOW):
    return reduce_area(area.settings, replace(job, now=now))


def named(outcomes):
    return [one.runname for one in outcomes]


def rows_of(area, *databases):
    """All runs, those apart that only say that they moved."""
    found = {}
    for database in databases or (area.database, area.completed):
        marked = (
            {
                tuple(row)
                for row in area.execute(
                    "SELECT sysname, fsname, runname FROM runs WHERE state = 'MOVED'", (), database
                )
            }
            if database.exists()
            else set()
        )
        for name, rows in runs_in(database).items():
            if name not in marked:
                assert name not in found
                found[name] = rows
    return found


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


def test_a_dry_run_writes_nothing(area, old, job):
    before = area.database.read_bytes(), old.database.read_bytes()
    summary = migrate(area, replace(job, dry_run=True))
    rules = {one.run.runname: (one.rule, one.destination) for one in summary.moves}
    assert rules["w00"] == ("chosen", "old")
    assert rules["w03"] == ("not chosen", "")
    assert (area.database.read_bytes(), old.database.read_bytes()) == before


def test_held_and_locked_runs_and_the_highest_rowids_stay(area, job):
    area.execute("UPDATE runs SET state = 'locked' WHERE runname = 'w01'")
    holds = Holds((Hold("fullrun/ubuntu/nfs/w02", "release", "ann"),))
    summary = migrate(area, replace(job, wishes=Wishes(holds=holds)), "%")
    kept = {one.run.runname: one.rule for one in summary.moves if not one.moves}
    assert kept == {"w01": "locked", "w02": "held", "w03": "highest id"}
    assert named(summary.moved) == ["w00"]


def test_another_run_of_the_name_at_the_destination_is_a_conflict(area, old, job):
    old.add_run(spec("w00", event_time=BASE - DAY))
    before = runs_in(area.database), runs_in(old.database)
    assert "another run" in migrate(area, job).stayed[0].reason
    assert (runs_in(area.database), runs_in(old.database)) == before


def test_rowids_that_are_taken_there_are_renumbered(area, old, job):
    for number in range(3):
        old.add_run(spec(f"own{number}", event_time=BASE - number * DAY))
    before = runs_in(area.database)
    migrate(area, job)
    assert runs_in(old.database)[NAME] == before[NAME]


@pytest.mark.parametrize("config", ["[setup]\nallow-runs yes\n", "[setup]\nallow-runs on\n"])
def test_an_area_that_takes_runs_is_no_destination(area, job, tmp_path, config):
    other = make_area(tmp_path, name="other", config=config)
    before = other.database.read_bytes()
    with pytest.raises(DestinationError, match="allow-runs is"):
        migrate(area, job, destination=str(other.path))
    assert other.database.read_bytes() == before


def test_an_area_with_other_keys_is_no_destination(area, job, tmp_path):
    other = make_area(tmp_path, name="other", fields=("fsname", "sysname"), config=SATELLITE)
    before = other.database.read_bytes(), area.database.read_bytes()
    with pytest.raises(DestinationError, match="other keys: fsname/sysname"):
        migrate(area, job, destination=str(other.path))
    assert (other.database.read_bytes(), area.database.read_bytes()) == before


def test_an_older_generation_is_no_destination(area, job, tmp_path):
    other = make_area(tmp_path, name="other", config=SATELLITE, generation="G3")
    with pytest.raises(UnmovableError, match="generation G3"):
        migrate(area, job, destination=str(other.path))


def test_no_room_is_told_before_anything_is_written(area, old, job, monkeypatch):
    real = os.statvfs

    def full(path):
        found = list(real(path))
        found[4] = 1
        return os.statvfs_result(found)

    monkeypatch.setattr(os, "statvfs", full)
    before = old.database.read_bytes()
    with pytest.raises(DestinationError, match="MiB are needed, 0 MiB are free"):
        migrate(area, job)
    assert old.database.read_bytes() == before


def test_a_destination_that_is_not_there_is_missing(area, job):
    with pytest.raises(MissingError, match="no area nowhere"):
        migrate(area, job, destination="nowhere")


def test_a_destination_that_is_no_database_is_refused(area, old, job):
    old.database.write_bytes(b"not a database" * 1000)
    before = runs_in(area.database)
    with pytest.raises(MissingError, match=r"megatest\.db"):
        migrate(area, job)
    assert runs_in(area.database) == before


def test_a_locked_destination_is_busy_and_nothing_moves(area, old, job, monkeypatch):
    monkeypatch.setattr("mtsite.megatest.completed.BUSY_SECONDS", 0.1)
    before = runs_in(area.database)
    with closing(sqlite3.connect(old.database, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(BusyError, match="locked"):
            migrate(area, job)
    assert runs_in(area.database) == before


def test_an_area_name_of_megatest_config_leads_to_its_path(tmp_path, job, old):
    config = f"[areas]\nattic path={old.path}; targtrans=x\n"
    area = make_area(tmp_path, name="other", runs=[spec("w00"), spec("w01")], config=config)
    assert named(migrate(area, job, destination="attic").moved) == ["w00"]
    assert NAME in runs_in(old.database)


def test_another_homehost_stops_everything_unless_the_area_rests(area, old, job):
    (area.path / ".homehost").write_text("203.0.113.77\n")
    with pytest.raises(BusyError, match=r"203\.0\.113\.77") as caught:
        migrate(area, job)
    assert "--area-db-only" in caught.value.hint
    at_rest = replace(job, wishes=Wishes(area_db_only=True))
    with pytest.raises(BusyError, match="not at rest"):
        migrate(area, replace(at_rest, now=BASE + 3 * DAY + 100))
    assert named(migrate(area, at_rest).moved) == ["w00"]


def test_an_area_without_rules_is_skipped(area, job):
    assert "no [automigrate]" in automigrate_area(area.settings, job).skipped


def two_satellites(tmp_path, job, *, first, second="newer"):
    """An area whose rules send w00 to `first` and w01 to `second`, and its job."""
    rules = f"[automigrate]\n{first} runname=w00; age=1d\n{second} runname=w01; age=1d\n"
    area = make_area(
        tmp_path, name="mine", config=rules, runs=[spec(f"w0{number}") for number in range(4)]
    )
    newer = make_area(tmp_path, name="newer", config=SATELLITE)
    return (
        area,
        newer,
        replace(job, areas={**job.areas, "mine": area.settings, "newer": newer.settings}),
    )


def test_a_destination_that_is_missing_keeps_its_own_runs_and_no_others(tmp_path, job):
    area, newer, job = two_satellites(tmp_path, job, first="gone")
    summary = automigrate_area(area.settings, job)
    assert named(summary.moved) == ["w01"]
    assert isinstance(summary.error, MissingError)
    assert "no area gone to move runs to" in summary.error.message
    assert summary.error.hint.startswith("name it in [areas]")
    (kept,) = [one for one in summary.moves if one.run.runname == "w00"]
    assert (kept.moves, kept.rule) == (False, "refused")
    assert "no area gone to move runs to" in kept.reason
    assert ("ubuntu", "nfs", "w01") in runs_in(newer.database)


def test_a_dry_run_names_the_destination_that_is_missing(tmp_path, job):
    area, _newer, job = two_satellites(tmp_path, job, first="gone")
    summary = automigrate_area(area.settings, replace(job, dry_run=True))
    assert isinstance(summary.error, MissingError)
    assert [one.run.runname for one in summary.moves if one.moves] == ["w01"]


def test_destinations_that_all_refuse_are_all_named(tmp_path, job):
    area, _newer, job = two_satellites(tmp_path, job, first="gone", second="lost")
    with pytest.raises(PartlyDoneError) as caught:
        automigrate_area(area.settings, job)
    assert all(f"area {name} " in caught.value.message for name in ("gone", "lost"))


def test_a_destination_that_is_locked_stops_no_other(tmp_path, job, monkeypatch):
    monkeypatch.setattr("mtsite.megatest.completed.BUSY_SECONDS", 0.1)
    area, _newer, job = two_satellites(tmp_path, job, first="old")
    with closing(sqlite3.connect(tmp_path / "old" / "megatest.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        summary = automigrate_area(area.settings, job)
    assert named(summary.moved) == ["w01"]
    assert "locked" in summary.error.message
    assert [one.runname for one in automigrate_area(area.settings, job).moved] == ["w00"]


def test_no_room_at_one_destination_stops_no_other(tmp_path, job, monkeypatch):
    area, _newer, job = two_satellites(tmp_path, job, first="full")
    full = make_area(tmp_path, name="full", config=SATELLITE)
    job = replace(job, areas={**job.areas, "full": full.settings})

    def check(path, size):
        if path == full.database:
            raise DestinationError("no room")

    monkeypatch.setattr("mtsite.archive.migrate.check_room", check)
    summary = automigrate_area(area.settings, job)
    assert named(summary.moved) == ["w01"]
    assert summary.error.message == "no room"
    assert ("ubuntu", "nfs", "w00") in runs_in(area.database)


def test_wrong_rules_move_nothing(tmp_path, job, old):
    config = "[automigrate]\nold age=30\n"
    area = make_area(tmp_path, name="other", runs=[spec("w00"), spec("w01")], config=config)
    with pytest.raises(ConfigError, match="is no age"):
        automigrate_area(area.settings, job)
    assert runs_in(old.database) == {}


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
