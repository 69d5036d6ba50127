"""Databases with what Megatest never makes: nothing is lost in them, and what can't go stays."""

import pytest
from areas import BASE, DAY, make_area, run, step, test
from rows import runs_in

from mtsite.archive.job import Job
from mtsite.archive.migrate import migrate_area
from mtsite.archive.reduce import reduce_area
from mtsite.archive.rules import Migration
from mtsite.config import ReduceConfig
from mtsite.errors import DestinationError, UnmovableError
from mtsite.megatest.selection import Selection

NOW = BASE + 100 * DAY
RULES = ReduceConfig(older_than=2 * DAY, keep_live=1, dead_after=7 * DAY)


@pytest.fixture
def area(tmp_path):
    tests = [test("compile", steps=[step("build")])]
    runs = [run("ubuntu/nfs", f"w{number:02}", tests=tests) for number in range(3)]
    return make_area(tmp_path, runs=runs)


@pytest.fixture
def old(tmp_path):
    return make_area(tmp_path, name="old", config="[setup]\nallow-runs no\n")


@pytest.fixture
def reduce(area, tmp_path):
    def call():
        job = Job({}, RULES, NOW, tmp_path / "state", environ={}, tmp=tmp_path)
        return reduce_area(area.settings, job)

    return call


@pytest.fixture
def migrate(area, old, tmp_path):
    def call():
        areas = {one.name: one.settings for one in (area, old)}
        job = Job(areas, RULES, NOW, tmp_path / "state", environ={}, tmp=tmp_path)
        return migrate_area(area.settings, [Migration("old", Selection(runname="w00"))], job)

    return call


TRIGGER = """CREATE TRIGGER clears AFTER INSERT ON tests BEGIN
    DELETE FROM test_steps WHERE test_id <> new.id; END"""


def test_an_area_whose_triggers_fire_on_arrival_is_refused(area, reduce):
    area.execute(TRIGGER)
    before = runs_in(area.database)
    with pytest.raises(UnmovableError, match="trigger on INSERT INTO tests"):
        reduce()
    assert runs_in(area.database) == before
    assert not area.completed.exists()


def test_so_is_a_satellite_with_such_triggers(area, old, migrate):
    old.execute(TRIGGER)
    before = old.database.read_bytes()
    with pytest.raises(UnmovableError, match="area old"):
        migrate()
    assert old.database.read_bytes() == before


@pytest.mark.parametrize("module", ["fts5(a, b)", "rtree(id, low, high)"])
def test_virtual_tables_stop_no_run(area, reduce, module):
    area.execute(f"CREATE VIRTUAL TABLE found USING {module}")
    assert len(reduce().moved) == 2
    assert area.execute("SELECT count(*) FROM found") == [(0,)]
    names = "SELECT name FROM sqlite_master WHERE name LIKE 'found%'"
    assert area.execute(names, (), area.completed) == []


@pytest.mark.parametrize(
    "there", ["CREATE VIEW extra AS SELECT 1 AS run_id", "CREATE TABLE EXTRA (run_id)"]
)
def test_rows_that_have_no_table_to_go_to_keep_their_run(area, old, migrate, there):
    area.execute("CREATE TABLE extra (run_id)")
    area.execute("INSERT INTO extra SELECT id FROM runs")
    old.execute(there)
    before = runs_in(area.database)
    with pytest.raises(DestinationError, match="something else there bears that name"):
        migrate()
    assert runs_in(area.database) == before
    assert runs_in(old.database) == {}
