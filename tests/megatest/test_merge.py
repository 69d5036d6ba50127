"""Areas, satellites and completed-runs.db as one list: each run once, under its birth name."""

import os
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import areas
import pytest
from areas import run

from mtsite import notes
from mtsite.megatest import schema
from mtsite.megatest.merge import AreaListing, list_areas
from mtsite.megatest.reader import RunHead
from mtsite.model import RunKey

ENVIRON: dict[str, str] = {}
NO_CACHE = Path("/nonexistent")


def listed(*built: areas.TestArea) -> list[AreaListing]:
    return list_areas([area.settings for area in built], ENVIRON, tmp=NO_CACHE)


def two_runs(tmp_path: Path, name: str = "fullrun") -> areas.TestArea:
    tests = [areas.test("t1"), areas.test("t2", status="FAIL")]
    return areas.make_area(
        tmp_path, name, runs=[run("u/n", "w01", tests), run("u/n", "w02", tests)]
    )


def names(heads: Sequence[RunHead]) -> list[str]:
    return [head.key.runname for head in heads]


def test_an_area_lists_its_runs_with_marks(tmp_path: Path) -> None:
    area = two_runs(tmp_path)
    (listing,) = listed(area)
    assert listing.name == "fullrun"
    assert names(listing.heads) == ["w01", "w02"]
    assert [mark.path for mark in listing.marks] == [area.database]
    assert (listing.error, listing.problems) == ("", ())


@pytest.mark.parametrize("state", [notes.COPIED, notes.VERIFIED])
def test_before_letting_go_the_source_counts(tmp_path: Path, state: str) -> None:
    area = two_runs(tmp_path)
    area.copy_run("w01", area.make_completed(), note=state)
    (listing,) = listed(area)
    assert [head.database for head in listing.heads] == [area.database, area.database]
    assert listing.problems == ()


@pytest.mark.parametrize("state", [notes.LETTING_GO, notes.SETTLED])
def test_from_letting_go_on_the_archive_counts(tmp_path: Path, state: str) -> None:
    area = two_runs(tmp_path)
    area.copy_run("w01", area.make_completed(), note=state)
    area.execute("DELETE FROM tests WHERE run_id = 1 AND testname = 't1'")
    (listing,) = listed(area)
    assert [head.database for head in listing.heads] == [area.completed, area.database]
    assert listing.heads[0].tests == 2
    assert listing.problems == ()


def test_a_reduced_run_keeps_key_and_fingerprint(tmp_path: Path) -> None:
    area = two_runs(tmp_path)
    before = listed(area)[0].heads
    area.copy_run("w01", area.make_completed())
    area.drop_run("w01")
    after = listed(area)[0].heads
    assert [(head.key, head.fingerprint, head.home) for head in after] == [
        (head.key, head.fingerprint, head.home) for head in before
    ]


def test_a_migrated_run_keeps_its_birth_name(tmp_path: Path) -> None:
    area, satellite = two_runs(tmp_path), areas.make_area(tmp_path, "old")
    area.copy_run("w01", satellite.database)
    area.mark_moved("w01", "old")
    here, there = listed(area, satellite)
    assert names(here.heads) == ["w02"]
    (head,) = there.heads
    assert head.key == RunKey("fullrun", ("u", "n"), "w01")
    assert (head.home, head.database) == ("old", satellite.database)


def test_a_run_that_went_on_from_the_archive_is_found_once(tmp_path: Path) -> None:
    area, satellite = two_runs(tmp_path), areas.make_area(tmp_path, "old")
    area.copy_run("w01", area.make_completed(), note=notes.SETTLED)
    area.copy_run("w01", satellite.database, note=notes.SETTLED)
    area.mark_moved("w01", "old")
    area.execute("UPDATE mtsite_moves SET started = 100", database=area.completed)
    area.execute(
        "UPDATE mtsite_moves SET started = 200, state = 'letting go'", database=satellite.database
    )
    area.execute("DELETE FROM tests WHERE testname = 't1'", database=area.completed)
    here, there = listed(area, satellite)
    assert (names(here.heads), names(there.heads)) == (["w02"], ["w01"])
    area.drop_run("w01", database=area.completed)
    here, there = listed(area, satellite)
    assert (names(here.heads), names(there.heads)) == (["w02"], ["w01"])


def test_a_moved_row_without_its_satellite_stays_listed(tmp_path: Path) -> None:
    area = two_runs(tmp_path)
    area.mark_moved("w01", "elsewhere")
    (listing,) = listed(area)
    assert listing.heads[0].moved_to.startswith("moved to elsewhere")


def test_a_new_run_under_a_moved_name_is_shown_and_the_older_one_said(tmp_path: Path) -> None:
    area, satellite = two_runs(tmp_path), areas.make_area(tmp_path, "old")
    area.copy_run("w01", satellite.database)
    area.mark_moved("w01", "old")
    area.add_test("w01", areas.test("again"))
    here, there = listed(area, satellite)
    assert [(head.key.runname, head.tests) for head in here.heads] == [("w01", 1), ("w02", 2)]
    assert there.heads == ()
    assert any("older run of this name lies in" in problem for problem in here.problems)


def test_a_new_run_after_a_reduced_one_is_shown(tmp_path: Path) -> None:
    area = two_runs(tmp_path)
    area.copy_run("w01", area.make_completed())
    area.drop_run("w01")
    area.add_run(run("u/n", "w01", [areas.test("fresh")]))
    (listing,) = listed(area)
    assert [head.tests for head in listing.heads] == [1, 2]
    assert any("completed-runs.db" in problem for problem in listing.problems)


def test_a_former_name_in_a_note_is_the_area(tmp_path: Path) -> None:
    area, satellite = two_runs(tmp_path, "former"), areas.make_area(tmp_path, "old")
    area.copy_run("w01", satellite.database)
    area.drop_run("w01")
    renamed = replace(area.settings, name="today", aliases=("former",))
    _here, there = list_areas([renamed, satellite.settings], ENVIRON, tmp=NO_CACHE)
    assert there.heads[0].key.area == "today"


def test_a_note_of_a_rowid_that_was_given_away_is_not_believed(tmp_path: Path) -> None:
    area = two_runs(tmp_path)
    path = area.make_completed()
    run_id = area.copy_run("w01", path)
    area.execute("UPDATE runs SET runname = 'w77' WHERE id = ?", (run_id,), path)
    (listing,) = listed(area)
    assert names(listing.heads) == ["w01", "w02", "w77"]


def test_two_rows_of_one_identity_show_the_newest_and_say_so(tmp_path: Path) -> None:
    runs = [run("u/x", "w01", comment="old"), run("u/", "w01", comment="new")]
    (listing,) = listed(areas.make_area(tmp_path, runs=runs))
    assert [head.comment for head in listing.heads] == ["new"]
    assert any("stands 2 times" in problem for problem in listing.problems)


@pytest.mark.parametrize("trouble", ["gone", "no database", "text", "truncated", "other tables"])
def test_one_unreadable_area_never_stops_the_rest(tmp_path: Path, trouble: str) -> None:
    broken, fine = two_runs(tmp_path, "broken"), two_runs(tmp_path, "fine")
    match trouble:
        case "gone":
            broken.path.rename(tmp_path / "elsewhere")
        case "no database":
            broken.database.unlink()
        case "text":
            broken.database.write_text("no database at all " * 99)
        case "truncated":
            os.truncate(broken.database, 20_000)
        case "other tables":
            broken.execute("DROP TABLE keys")
    first, second = listed(broken, fine)
    assert first.name == "broken"
    assert first.error and str(broken.path) in first.error
    assert first.heads == ()
    assert names(second.heads) == ["w01", "w02"]


def test_an_unreadable_archive_is_an_error_beside_the_live_runs(tmp_path: Path) -> None:
    area = two_runs(tmp_path)
    area.completed.write_text("no database at all " * 99)
    (listing,) = listed(area)
    assert "completed-runs.db" in listing.error
    assert names(listing.heads) == ["w01", "w02"]


def test_a_dead_writers_journal_is_said_and_the_area_is_read(tmp_path: Path) -> None:
    area = two_runs(tmp_path)
    code = (
        "import os, sqlite3, sys; c = sqlite3.connect(sys.argv[1], isolation_level=None);"
        " c.execute('PRAGMA cache_size = 1'); c.execute('BEGIN IMMEDIATE');"
        " c.execute('UPDATE tests SET comment = hex(zeroblob(90000))'); os._exit(0)"
    )
    subprocess.run([sys.executable, "-c", code, str(area.database)], check=True)
    files = sorted(area.path.iterdir())
    assert area.path / "megatest.db-journal" in files
    (listing,) = listed(area)
    assert [head.tests for head in listing.heads] == [2, 2]
    assert any("journal" in problem for problem in listing.problems)
    assert sorted(area.path.iterdir()) == files


def test_two_areas_of_one_name_are_told_apart(tmp_path: Path) -> None:
    first, second = two_runs(tmp_path / "a"), two_runs(tmp_path / "b")
    one, two = listed(first, second)
    assert names(one.heads) == ["w01", "w02"]
    assert "another area" in two.error and two.heads == ()


def test_listing_writes_nothing(tmp_path: Path) -> None:
    area = two_runs(tmp_path)
    area.make_completed()
    before = {path: path.lstat().st_mtime_ns for path in tmp_path.rglob("*")}
    listed(area)
    assert {path: path.lstat().st_mtime_ns for path in tmp_path.rglob("*")} == before


def many_runs(tmp_path: Path, number: int) -> areas.TestArea:
    """An area of `number` runs with 20 tests each, made by SQL: only its rows matter."""
    area = areas.make_area(tmp_path, f"many{number}")
    counted = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?)"
    area.execute(
        f"INSERT INTO runs (id, sysname, fsname, runname) {counted}"
        " SELECT i, 'u', 'n', 'w' || i FROM n",
        (number,),
    )
    area.execute(
        f"INSERT INTO tests (run_id, testname) {counted} SELECT runs.id, 't' || i FROM runs, n",
        (20,),
    )
    area.execute(
        "INSERT INTO test_steps (test_id, stepname, state) SELECT id, 's', 'end' FROM tests"
    )
    return area


def seconds(area: areas.TestArea) -> float:
    best = float("inf")
    for _attempt in range(3):
        started = time.perf_counter()
        listed(area)
        best = min(best, time.perf_counter() - started)
    return best


def test_ten_times_the_runs_take_about_ten_times_as_long(tmp_path: Path) -> None:
    few, many = many_runs(tmp_path, 300), many_runs(tmp_path, 3000)
    assert len(listed(many)[0].heads) == 3000
    assert seconds(many) < 25 * seconds(few)


def test_the_schema_of_the_archive_is_that_of_the_live_database(tmp_path: Path) -> None:
    area = two_runs(tmp_path)
    path = area.make_completed()
    sql = "SELECT type, name, sql FROM sqlite_master ORDER BY type, name"
    assert area.execute(sql) == area.execute(sql, database=path)
    assert {table.name for table in schema.TABLES} <= {row[1] for row in area.execute(sql)}
