"""What keeps runs from going to another area: the runs, the area there, its state, the disk."""

import os
import sqlite3
from contextlib import closing

import pytest
from archive.migrating import NAME, SATELLITE, migrate, named, spec
from archive.migrating import area as area
from archive.migrating import job as job
from archive.migrating import old as old
from areas import BASE, DAY, make_area
from msgspec.structs import replace
from rows import runs_in

from mtsite.archive.job import Wishes
from mtsite.archive.migrate import automigrate_area
from mtsite.errors import (
    BusyError,
    ConfigError,
    DestinationError,
    MissingError,
    PartlyDoneError,
    UnmovableError,
)
from mtsite.holds import Hold, Holds


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
