"""The schema as data against what the reference says of a G4 database."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mtsite.errors import AreaUnreadableError
from mtsite.megatest import generation, schema

FIELDS = [("sysname", "TEXT"), ("fsname", "TEXT")]


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    path = tmp_path / "megatest.db"
    schema.create_database(path, FIELDS)
    with closing(sqlite3.connect(path)) as opened:
        yield opened


def names(connection: sqlite3.Connection, kind: str) -> set[str]:
    sql = "SELECT name FROM sqlite_master WHERE type = ? AND sql IS NOT NULL"
    return {row[0] for row in connection.execute(sql, (kind,))}


def test_every_table_of_the_generation_is_there(connection: sqlite3.Connection) -> None:
    assert names(connection, "table") == {
        "keys", "runs", "tests", "test_steps", "test_data", "test_rundat", "run_stats",
        "test_meta", "metadat", "tasks_queue", "archive_disks", "archive_blocks",
        "archive_allocations", "archives", "extradat", "access_log",
    }  # fmt: skip


def test_every_trigger_and_index_is_there(connection: sqlite3.Connection) -> None:
    assert names(connection, "trigger") == {
        "update_runs_trigger", "update_tests_trigger", "update_run_stats_trigger",
        "update_teststeps_trigger", "update_test_data_trigger",
    }  # fmt: skip
    assert names(connection, "index") == {
        "runs_index", "tests_index", "teststeps_index", "test_data_index"
    }  # fmt: skip


def test_the_steps_index_lies_on_tests_by_mistake(connection: sqlite3.Connection) -> None:
    sql = "SELECT tbl_name FROM sqlite_master WHERE name = 'teststeps_index'"
    assert connection.execute(sql).fetchone() == ("tests",)


def test_keys_stand_between_id_and_runname(connection: sqlite3.Connection) -> None:
    assert schema.column_names(connection, "runs")[:4] == ("id", "sysname", "fsname", "runname")


def test_keys_and_version_are_filled_in(connection: sqlite3.Connection) -> None:
    keys = connection.execute("SELECT id, fieldname, fieldtype FROM keys").fetchall()
    assert keys == [(1, "sysname", "TEXT"), (2, "fsname", "TEXT")]
    assert connection.execute("SELECT var, val FROM metadat").fetchall() == [
        ("MEGATEST_VERSION", "1.6506-d48f")
    ]


def test_a_run_is_unique_by_name_and_keys(connection: sqlite3.Connection) -> None:
    sql = "INSERT INTO runs (sysname, fsname, runname) VALUES ('a', 'b', ?)"
    connection.execute(sql, ("w1",))
    connection.execute(sql, ("w2",))
    with pytest.raises(sqlite3.IntegrityError):
        connection.execute(sql, ("w1",))


def test_an_update_sets_last_update_and_an_insert_keeps_it(connection: sqlite3.Connection) -> None:
    connection.execute("INSERT INTO test_steps (id, last_update) VALUES (1, 5), (2, 5)")
    connection.execute("UPDATE test_steps SET status = '0' WHERE id = 2")
    times = dict(connection.execute("SELECT id, last_update FROM test_steps"))
    assert times[1] == 5
    assert times[2] > 1_700_000_000


def test_defaults_are_megatests(connection: sqlite3.Connection) -> None:
    connection.execute("INSERT INTO tests (id) VALUES (1)")
    row = connection.execute(
        "SELECT run_id, testname, rundir, final_logf, state, status, archived FROM tests"
    ).fetchone()
    assert row == (-1, "noname", "/tmp/badname", "logs/final.log", "NOT_STARTED", "FAIL", 0)


def test_references_name_columns_that_exist(connection: sqlite3.Connection) -> None:
    for reference in schema.REFERENCES:
        assert reference.column in schema.column_names(connection, reference.table)
        assert schema.column_names(connection, reference.refers_to)


def test_a_database_that_has_tables_is_not_touched(tmp_path: Path) -> None:
    path = tmp_path / "megatest.db"
    schema.create_database(path, FIELDS)
    before = path.read_bytes()
    with pytest.raises(FileExistsError):
        schema.create_database(path, FIELDS)
    assert path.read_bytes() == before


def test_an_empty_file_is_filled(tmp_path: Path) -> None:
    path = tmp_path / "completed-runs.db"
    path.touch()
    schema.create_database(path, FIELDS)
    assert path.stat().st_size > 0


@pytest.mark.parametrize("field", ["state", "RunName", "id", "last_update", ""])
def test_names_of_megatests_own_columns_are_no_keys(tmp_path: Path, field: str) -> None:
    with pytest.raises(ValueError):
        schema.create_database(tmp_path / "x.db", [(field, "TEXT")])
    assert not (tmp_path / "x.db").exists()


IDENTIFIERS = st.text(
    st.characters(exclude_characters="\0", exclude_categories=("Cs",)), min_size=1, max_size=20
).filter(lambda name: name.lower() not in schema.FORBIDDEN_FIELDS)


@settings(max_examples=50)
@given(name=IDENTIFIERS, kind=IDENTIFIERS)
def test_any_key_name_and_type_makes_a_database(name: str, kind: str) -> None:
    with closing(sqlite3.connect(":memory:")) as connection:
        for statement in schema.statements([(name, kind)]):
            connection.execute(statement)
        assert schema.column_names(connection, "runs")[1] == name


def detect(*statements: str) -> str:
    with closing(sqlite3.connect(":memory:")) as connection:
        for statement in statements:
            connection.execute(statement)
        return generation.detect(connection).name


KEYS = "CREATE TABLE keys (id INTEGER PRIMARY KEY, fieldname TEXT, fieldtype TEXT)"
OLD_RUNS = "CREATE TABLE runs (id INTEGER PRIMARY KEY, sysname TEXT, runname TEXT)"
OLD_TESTS = "CREATE TABLE tests (id INTEGER PRIMARY KEY, run_id INTEGER, shortdir TEXT, archived)"
OLD_STEPS = "CREATE TABLE test_steps (id INTEGER PRIMARY KEY, test_id INTEGER, stepname TEXT)"
OLD_DATA = "CREATE TABLE test_data (id INTEGER PRIMARY KEY, test_id INTEGER, type TEXT)"


def test_the_own_schema_is_g4() -> None:
    assert detect(*schema.statements(FIELDS)) == "G4"


def test_a_patched_database_is_g4() -> None:
    patched = [
        f"ALTER TABLE {table} ADD COLUMN last_update INTEGER DEFAULT 0"
        for table in ("runs", "tests", "test_steps")
    ]
    contour = "ALTER TABLE runs ADD COLUMN contour TEXT DEFAULT ''"
    assert detect(KEYS, OLD_RUNS, OLD_TESTS, OLD_STEPS, OLD_DATA, *patched, contour) == "G4"


def test_steps_outside_the_central_database_are_g2() -> None:
    assert detect(KEYS, OLD_RUNS, OLD_TESTS, OLD_STEPS, OLD_DATA) == "G2"


def test_steps_in_the_central_database_are_g1() -> None:
    row = "INSERT INTO test_steps (stepname) VALUES ('a')"
    assert detect(KEYS, OLD_RUNS, OLD_TESTS, OLD_STEPS, OLD_DATA, row) == "G1"


def test_archive_tables_without_last_update_are_g3() -> None:
    blocks = "CREATE TABLE archive_blocks (id INTEGER PRIMARY KEY)"
    assert detect(KEYS, OLD_RUNS, OLD_TESTS, OLD_STEPS, OLD_DATA, blocks) == "G3"


def test_another_database_is_named_as_such() -> None:
    with pytest.raises(AreaUnreadableError, match="not a Megatest database"):
        detect("CREATE TABLE bookmarks (id INTEGER)")


def test_a_view_is_no_table_of_megatest() -> None:
    view = "CREATE VIEW tests AS SELECT 1 AS id"
    with pytest.raises(AreaUnreadableError, match="tests"):
        detect(KEYS, OLD_RUNS, view)
