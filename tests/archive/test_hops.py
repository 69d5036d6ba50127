"""Runs that go from one satellite on to the next, and come home as they were born."""

import pytest
from areas import BASE, DAY, datum, make_area, run, step, test
from rows import runs_in

from mtsite.archive.job import Job
from mtsite.archive.migrate import migrate_area
from mtsite.archive.reduce import reduce_area
from mtsite.archive.restore import restore_area
from mtsite.archive.rules import Migration
from mtsite.archive.verify import verify_areas
from mtsite.config import ReduceConfig
from mtsite.megatest.selection import Selection

NOW = BASE + 100 * DAY
RULES = ReduceConfig(older_than=2 * DAY, keep_live=1, dead_after=7 * DAY)
SATELLITE = "[setup]\nallow-runs no\n"
OTHERS = """
    INSERT INTO archive_disks (id, archive_area_name, disk_path) VALUES (1, 'other', '/o');
    INSERT INTO archive_blocks (id, archive_disk_id, disk_path) VALUES (1, 1, '/o/1');
    INSERT INTO runs (id, runname) VALUES (1, 'theirs');
    INSERT INTO tests (id, run_id, testname) VALUES (1, 1, 'theirs')
"""
"""What makes a satellite renumber all that comes in."""

LATER = """
    INSERT INTO runs (id, runname) VALUES (90, 'later');
    INSERT INTO tests (id, run_id, testname) VALUES (90, 90, 'later')
"""
"""What holds the highest rowids, so that what came before may go on."""

BLOCKS = """
    DROP TRIGGER update_tests_trigger;
    INSERT INTO archive_disks (id, archive_area_name, disk_path) VALUES (1, 'own', '/d');
    INSERT INTO archive_blocks (id, archive_disk_id, disk_path) VALUES (1, 1, '/d/1');
    INSERT INTO archive_blocks (id, archive_disk_id, disk_path) VALUES (2, 1, '/d/2');
    UPDATE tests SET archived = 1 WHERE run_id = 1
"""


@pytest.fixture
def area(tmp_path):
    tests = [
        test("compile", steps=[step("build")]),
        test("regress", items=["fast"], data=[datum("c", "v", value=1.5)]),
    ]
    runs = [run("ubuntu/nfs", f"w{number:02}", tests=tests) for number in range(3)]
    return make_area(tmp_path, runs=runs)


@pytest.fixture
def first(tmp_path):
    return make_area(tmp_path, name="first", config=SATELLITE)


@pytest.fixture
def second(tmp_path):
    return make_area(tmp_path, name="second", config=SATELLITE)


@pytest.fixture
def job(tmp_path, area, first, second):
    areas = {one.name: one.settings for one in (area, first, second)}
    return Job(areas, RULES, NOW, tmp_path / "state", environ={}, tmp=tmp_path / "tmp")


def script(area, statements):
    for statement in statements.split(";"):
        area.execute(statement)


def migrate(area, destination, job):
    chosen = [Migration(destination.name, Selection(runname="w00"))]
    if area.name == "first":
        script(area, LATER)
    summary = migrate_area(area.settings, chosen, job)
    assert [one.runname for one in summary.moved] == ["w00"]


def restore(area, job):
    return restore_area(area.settings, Selection(runname="w00"), job).stayed


def problems(job):
    found = verify_areas(job.areas, list(job.areas), lambda *_: None, environ={}, tmp=job.tmp)
    return [problem for one in found for problem in one.problems]


def rowids(area):
    return [
        area.execute(f"SELECT * FROM {table} ORDER BY id")
        for table in ("runs", "tests", "test_steps", "test_data", "archive_blocks")
    ]


def test_a_run_comes_back_under_the_rowids_of_its_birth(area, first, second, job):
    before = rowids(area)
    script(first, OTHERS)
    migrate(area, first, job)
    migrate(first, second, job)
    assert restore(area, job) == ()
    assert rowids(area) == before


def test_archive_blocks_are_the_ones_of_its_birth_again(area, first, second, job):
    script(area, BLOCKS)
    before = rowids(area)
    script(first, OTHERS)
    migrate(area, first, job)
    migrate(first, second, job)
    assert problems(job) == []
    assert restore(area, job) == ()
    assert rowids(area) == before


def test_both_satellites_may_renumber_it(area, first, second, job):
    script(area, BLOCKS)
    before = rowids(area)
    script(first, OTHERS)
    script(second, OTHERS)
    second.execute("INSERT INTO archive_blocks (id, archive_disk_id) VALUES (2, 1)")
    migrate(area, first, job)
    migrate(first, second, job)
    assert problems(job) == []
    assert restore(area, job) == ()
    assert rowids(area) == before


def test_a_run_may_come_again_to_where_it_went_on_from(area, first, second, job):
    migrate(area, first, job)
    migrate(first, second, job)
    assert restore(area, job) == ()
    migrate(area, first, job)
    assert ("ubuntu", "nfs", "w00") in runs_in(first.database)
    assert first.execute("SELECT count(*) FROM runs WHERE runname = 'w00'") == [(1,)]
    assert problems(job) == []


def test_the_mark_of_another_run_of_that_name_stays(area, first, job):
    mark = "INSERT INTO runs (sysname, fsname, runname, state, event_time)"
    first.execute(f"{mark} VALUES ('ubuntu', 'nfs', 'w00', 'MOVED', 5)")
    chosen = [Migration("first", Selection(runname="w00"))]
    (stayed,) = migrate_area(area.settings, chosen, job).stayed
    assert "holds another run" in stayed.reason


def test_a_reduced_run_goes_on_and_comes_home(area, first, second, job):
    before = rowids(area)
    reduce_area(area.settings, job)
    script(first, OTHERS)
    migrate(area, first, job)
    migrate(first, second, job)
    assert restore_area(area.settings, Selection(runname="%"), job).stayed == ()
    assert rowids(area) == before
    assert runs_in(area.completed) == {}
