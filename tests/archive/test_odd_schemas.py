"""Databases with what Megatest never makes: nothing is lost in them, and what can't go stays."""

import pytest
from areas import BASE, DAY, make_area, run, step, test
from rows import runs_in

from mtsite.archive.job import Job
from mtsite.archive.migrate import migrate_area
from mtsite.archive.reduce import reduce_area
from mtsite.archive.restore import restore_area
from mtsite.archive.rules import Migration
from mtsite.archive.verify import verify_areas
from mtsite.config import ReduceConfig
from mtsite.errors import DestinationError, UnmovableError
from mtsite.megatest.selection import Selection

NOW = BASE + 100 * DAY
RULES = ReduceConfig(older_than=2 * DAY, keep_live=1, dead_after=7 * DAY)


@pytest.fixture
def area(tmp_path):
    tests = [test("compile", steps=[step("build")])]
    runs = [run("ubuntu/nfs", f"w{number:02}", tests=tests) for number in range(3)]
    made = make_area(tmp_path, runs=runs)
    for (name,) in made.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'"):
        made.execute(f"DROP TRIGGER {name}")  # They set last_update by today's clock.
    return made


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


def restore(area, old, tmp_path):
    areas = {one.name: one.settings for one in (area, old)}
    job = Job(areas, RULES, NOW, tmp_path / "state", environ={}, tmp=tmp_path)
    summary = restore_area(area.settings, Selection(runname="w00"), job)
    return [one.reason for one in summary.outcomes]


def problems(*areas):
    found = {area.name: area.settings for area in areas}
    return [
        problem
        for told in verify_areas(found, found, lambda *_: None, environ={})
        for problem in told.problems
    ]


def test_columns_in_other_letters_are_the_same_columns(area, old, migrate, tmp_path):
    area.execute("UPDATE tests SET comment = 'kept', last_update = event_time")
    area.execute("ALTER TABLE tests ADD COLUMN Extra TEXT")
    area.execute("UPDATE tests SET Extra = 'travels'")
    for column in ("comment", "testname", "item_path"):
        old.execute(f"ALTER TABLE tests RENAME COLUMN {column} TO {column.upper()}")
    for column in ("runname", "state"):
        old.execute(f"ALTER TABLE runs RENAME COLUMN {column} TO {column.upper()}")
    old.execute("ALTER TABLE tests ADD COLUMN EXTRA TEXT")
    before = runs_in(area.database)
    assert [one.reason for one in migrate().outcomes] == [""]
    assert old.execute("SELECT COMMENT, EXTRA FROM tests") == [("kept", "travels")]
    assert problems(area, old) == []
    assert restore(area, old, tmp_path) == [""]
    assert runs_in(area.database) == before


@pytest.mark.parametrize(("kind", "value"), [("TEXT", 7), ("INTEGER", "'7'"), ("REAL", 7)])
def test_a_column_that_would_make_other_values_keeps_the_run(area, old, migrate, kind, value):
    area.execute("ALTER TABLE tests ADD COLUMN extra BLOB")
    area.execute(f"UPDATE tests SET extra = {value}")
    old.execute(f"ALTER TABLE tests ADD COLUMN extra {kind}")
    before = runs_in(area.database)
    (outcome,) = migrate().outcomes
    assert "tests.extra" in outcome.reason
    assert runs_in(area.database) == before
    assert runs_in(old.database) == {}
    assert problems(area, old) == []


def test_a_column_of_another_kind_that_changes_no_value_stops_no_run(area, old, migrate, tmp_path):
    area.execute("ALTER TABLE tests ADD COLUMN extra BLOB")
    area.execute("UPDATE tests SET extra = 'text'")
    old.execute("ALTER TABLE tests ADD COLUMN extra TEXT")
    before = runs_in(area.database)
    assert [one.reason for one in migrate().outcomes] == [""]
    assert problems(area, old) == []
    assert restore(area, old, tmp_path) == [""]
    assert runs_in(area.database) == before


def test_a_constraint_of_the_satellite_keeps_the_run_that_breaks_it(area, old, migrate):
    old.execute("CREATE UNIQUE INDEX one_test ON tests (testname)")
    old.add_run(run("ubuntu/nfs", "other", tests=[test("compile", steps=[step("build")])]))
    before = runs_in(area.database)
    (outcome,) = migrate().outcomes
    assert "a row is refused" in outcome.reason
    assert runs_in(area.database) == before


def test_rows_that_tie_two_runs_together_keep_both(area, reduce):
    """With either of them alone the other would lose a row."""
    area.execute("CREATE TABLE labels (run_id INTEGER, test_id INTEGER, label TEXT)")
    for run_id, test_id, label in ((1, 2, "tied"), (1, 1, "own"), (2, 99, "test that is gone")):
        area.execute("INSERT INTO labels VALUES (?, ?, ?)", (run_id, test_id, label))
    before = runs_in(area.database)
    labels = area.execute("SELECT * FROM labels")
    stayed = reduce().stayed
    assert [one.runname for one in stayed] == ["w00", "w01"]
    assert all("name this run and a test of another: 1 of labels" in one.reason for one in stayed)
    assert runs_in(area.database) == before
    area.execute("DELETE FROM labels WHERE label = 'tied'")
    assert [one.runname for one in reduce().moved] == ["w00", "w01"]
    assert sorted(area.execute("SELECT * FROM labels", (), area.completed)) == sorted(
        row for row in labels if row[2] != "tied"
    )
