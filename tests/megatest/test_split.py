"""Areas whose runs lie in one database and their tests in others: each run once, none lost."""

import sqlite3
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path

import pytest
from areas import TestArea, make_area
from areas_read import RUNS, listed, runs_of, update
from spoiled import LOCKS, a_directory, cut, foreign, locked, pipe

from mtsite.megatest.reader import RunHead

SPLIT = ["G3", "G3 of 2013", "G5"]


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
    assert any("1 run stands only there" in told for told in found.problems)


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
    tmp_path: Path, generation: str, spoil: Callable[[Path], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mtsite.megatest.split.BUSY_SECONDS", 0.1)
    area = make_area(tmp_path, runs=RUNS, generation=generation)
    area.live.unlink(missing_ok=True)
    bad = part(area, "w02")
    spoil(bad)
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


@pytest.mark.parametrize("generation", ["G3 of 2013", "G5"])
def test_a_link_to_another_areas_database_is_not_followed(tmp_path: Path, generation: str) -> None:
    area = make_area(tmp_path, runs=RUNS, generation=generation)
    other = make_area(tmp_path, "secret", runs=RUNS, generation=generation)
    own = part(area, "w02")
    own.unlink()
    own.symlink_to(part(other, "w02"))
    found = listed(area)
    assert "w02" not in names(found.heads)
    assert any(f"{own} is a link that leads out" in told for told in found.problems)


def test_a_main_database_that_is_a_link_elsewhere_is_no_area(tmp_path: Path) -> None:
    area = make_area(tmp_path, runs=RUNS, generation="G5")
    other = make_area(tmp_path, "secret", runs=RUNS, generation="G5")
    main = area.path / ".mtdb/main.db"
    main.unlink()
    main.symlink_to(other.path / ".mtdb/main.db")
    assert listed(area).heads == ()
    assert f"{main} is a link that leads out" in listed(area).error
