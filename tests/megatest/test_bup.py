"""Where Megatest's archiver has the tests of a run: by the name that the run was born with."""

from pathlib import Path

import pytest
from areas import TestArea, make_area, run, test

from mtsite.megatest.area import open_area
from mtsite.megatest.bup import archive_of, block_name
from mtsite.megatest.database import reading
from mtsite.megatest.reader import list_runs, read_run
from mtsite.model import Archive

DISKS = "[archive-disks]\narch0 /arch/disk0\narch1 /arch/disk1\n"


@pytest.fixture
def area(tmp_path: Path) -> TestArea:
    made = make_area(
        tmp_path, runs=[run("a/b", "w1", [test("t", archived=7), test("u")])], config=DISKS
    )
    made.execute("INSERT INTO archive_blocks (id, disk_path) VALUES (7, '/arch/2023_q4/x_12345')")
    return made


def archive(area: TestArea, database: Path | None = None) -> Archive | None:
    place = open_area(area.settings, {}, tmp=area.path / "no_tmp").place
    with reading(database or area.database) as connection:
        (head,) = list_runs(connection, area.name, area.fields)
        return archive_of(connection, head, read_run(connection, head), place)


def test_a_block_that_the_database_knows_is_named(area: TestArea) -> None:
    found = archive(area)
    assert found is not None
    assert found.blocks == {7: "/arch/2023_q4/x_12345"}
    assert found.branch == f"fullrun-{area.run_id('w1')}"
    assert found.disks == ("/arch/disk0", "/arch/disk1")


def test_a_run_without_archived_tests_has_no_archive(area: TestArea) -> None:
    area.execute("UPDATE tests SET archived = -1")
    assert archive(area) is None


def test_a_moved_run_keeps_the_branch_of_its_birth(area: TestArea) -> None:
    database = area.make_completed()
    area.execute("INSERT INTO runs (id, runname) VALUES (40, 'filler')", database=database)
    born = area.run_id("w1")
    area.copy_run("w1", database)
    area.execute("DELETE FROM runs WHERE id = 40", database=database)
    found = archive(area, database)
    assert found is not None
    assert found.branch == f"fullrun-{born}"
    assert found.blocks == {}


def test_a_block_is_named_after_testsuite_and_area() -> None:
    assert block_name("fullrun", Path("/proj/fullrun")) == "fullrun_28d56"
