"""An area with a satellite, and runs that go there."""

import pytest
from areas import BASE, DAY, datum, make_area, run, step, test
from msgspec.structs import replace
from rows import runs_in

from mtsite.archive.job import Job
from mtsite.archive.migrate import migrate_area
from mtsite.archive.reduce import reduce_area
from mtsite.archive.rules import Migration
from mtsite.config import ReduceConfig
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
