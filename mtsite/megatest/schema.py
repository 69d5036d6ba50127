"""The tables of a Megatest database as data: what a column is called, means by default, refers to.

Generation G4 (v1.6208 – v1.65) is written out whole, with the indexes and triggers that Megatest
itself creates, the mistaken `teststeps_index` on `tests` included: an archive that Megatest opens
must not look foreign. `GENERATIONS` says what the other shapes have elsewhere, `ABSENT` what a
column that they lack means; `generation.py` tells which shape a database has.
"""

import re
import sqlite3
from collections.abc import Mapping, Sequence
from pathlib import Path

from msgspec import Struct

KEY_COLUMNS = "*keys*"
"""Stands in a column list for the key columns of an area."""

NOW = "(strftime('%s','now'))"
NULL_TIME = "(strftime('%','now'))"
"""A default that Megatest misspells: it evaluates to NULL."""

MEGATEST_VERSION = "1.6506-d48f"

FORBIDDEN_FIELDS = frozenset(
    "id runname state status owner event_time comment fail_count pass_count contour"
    " last_update".split()
)


class Table(Struct, frozen=True):
    """One table: `columns` are (name, type and default); `unique` is (constraint, columns)."""

    name: str
    columns: tuple[tuple[str, str], ...]
    unique: tuple[str, tuple[str, ...]] = ("", ())


class Reference(Struct, frozen=True):
    """A column that holds rowids of another table; in `tests.archived` 0 and -1 name no row."""

    table: str
    column: str
    refers_to: str


class Generation(Struct, frozen=True):
    """A shape of databases: what differs from G4, whose tables are written out below.

    `runs_in`, `tests_in` and `steps_in` say, for a reader, in which file those rows lie. `signs`
    are sets of columns ("table.column"): a database that has one of these sets whole is of this
    generation, unless a later one claims it. `movable` is whether runs may leave such an area at
    all; where `whole_only`, only if one database alone holds all rows. `testdat`: tests that ran
    keep their steps and data in their run directories.
    """

    name: str
    versions: str
    runs_in: str = "megatest.db"
    tests_in: str = "megatest.db"
    steps_in: str = "megatest.db"
    signs: tuple[frozenset[str], ...] = ()
    movable: bool = False
    whole_only: bool = False
    testdat: bool = False


def _signs(*sets: str) -> tuple[frozenset[str], ...]:
    return tuple(frozenset(one.split()) for one in sets)


GENERATIONS: Mapping[str, Generation] = {
    generation.name: generation
    for generation in (
        Generation("G1", "up to v1.44"),
        Generation("G2", "v1.5x", steps_in="testdat.db of each run directory", testdat=True),
        Generation(
            "G3",
            "v1.60 to v1.6207",
            runs_in="main.db",
            tests_in="N.db of each run",
            steps_in="N.db of each run",
            signs=_signs("tests.last_update", "archive_blocks.id"),
        ),
        Generation(
            "G4",
            "v1.6208 to v1.65",
            signs=_signs("runs.contour", "tests.last_update test_steps.last_update"),
            movable=True,
        ),
        Generation(
            "G5",
            "v1.70 and v1.80",
            runs_in=".mtdb/main.db",
            tests_in="all databases of .mtdb",
            steps_in="all databases of .mtdb",
            movable=True,
            whole_only=True,
        ),
    )
}
"""G5 is told by where its databases lie, G1 by what it lacks (`generation.detect`), the rest by
their signs, the latest first."""

ABSENT: Mapping[str, str] = {
    "runs.contour": "''",
    "runs.comment": "''",
    "tests.shortdir": "rundir",
    "tests.archived": "0",
    "tests.item_path": "''",
    "test_steps.logfile": "''",
    "test_data.expected": "expected_value",
    "test_data.type": "''",
    "test_meta.jobgroup": "'default'",
}
"""What takes the place of a column that a database has not, as SQL over the columns that it has;
what isn't named here is NULL: unknown. `expected_value` was the name of `expected` in 2011."""

FIRST_LACKS = ("tests.shortdir", "tests.archived", "test_data.type")
"""Columns that came while all rows of G1 were central: without one of them a database is G1."""


def _table(name: str, columns: str, constraint: str = "", unique: tuple[str, ...] = ()) -> Table:
    """A table of `columns` ('name definition; name definition'); each begins with its id."""
    split = [
        column.strip().partition(" ") for column in f"id INTEGER PRIMARY KEY;{columns}".split(";")
    ]
    return Table(
        name, tuple((n, definition) for n, _space, definition in split), (constraint, unique)
    )


TABLES: tuple[Table, ...] = (
    _table("keys", "fieldname TEXT; fieldtype TEXT", "keyconstraint", ("fieldname",)),
    _table(
        "runs",
        f"""{KEY_COLUMNS}; runname TEXT DEFAULT 'norun'; contour TEXT DEFAULT '';
        state TEXT DEFAULT ''; status TEXT DEFAULT ''; owner TEXT DEFAULT '';
        event_time TIMESTAMP DEFAULT {NOW}; comment TEXT DEFAULT '';
        fail_count INTEGER DEFAULT 0; pass_count INTEGER DEFAULT 0;
        last_update INTEGER DEFAULT {NOW}""",
        "runsconstraint",
        ("runname", KEY_COLUMNS),
    ),
    _table(
        "run_stats",
        f"""run_id INTEGER; state TEXT; status TEXT; count INTEGER;
        last_update INTEGER DEFAULT {NOW}""",
    ),
    _table(
        "test_meta",
        """testname TEXT DEFAULT ''; author TEXT DEFAULT ''; owner TEXT DEFAULT '';
        description TEXT DEFAULT ''; reviewed TIMESTAMP; iterated TEXT DEFAULT '';
        avg_runtime REAL; avg_disk REAL; tags TEXT DEFAULT ''; jobgroup TEXT DEFAULT 'default'""",
        "test_meta_constraint",
        ("testname",),
    ),
    _table(
        "tasks_queue",
        f"""action TEXT DEFAULT ''; owner TEXT; state TEXT DEFAULT 'new'; target TEXT DEFAULT '';
        name TEXT DEFAULT ''; testpatt TEXT DEFAULT ''; keylock TEXT; params TEXT;
        creation_time TIMESTAMP DEFAULT {NOW}; execution_time TIMESTAMP""",
    ),
    _table(
        "archive_disks",
        f"""archive_area_name TEXT; disk_path TEXT; last_df INTEGER DEFAULT -1;
        last_df_time TIMESTAMP DEFAULT {NOW}; creation_time TIMESTAMP DEFAULT {NULL_TIME}""",
    ),
    _table(
        "archive_blocks",
        f"""archive_disk_id INTEGER; disk_path TEXT; last_du INTEGER DEFAULT -1;
        last_du_time TIMESTAMP DEFAULT {NOW}; creation_time TIMESTAMP DEFAULT {NULL_TIME}""",
    ),
    _table(
        "archive_allocations",
        f"""archive_block_id INTEGER; testname TEXT; item_path TEXT;
        creation_time TIMESTAMP DEFAULT {NULL_TIME}""",
    ),
    _table("extradat", "run_id INTEGER; key TEXT; val TEXT"),
    _table("metadat", "var TEXT; val TEXT", "metadat_constraint", ("var",)),
    _table("access_log", "user TEXT; accessed TIMESTAMP; args TEXT"),
    _table(
        "tests",
        f"""run_id INTEGER DEFAULT -1; testname TEXT DEFAULT 'noname'; host TEXT DEFAULT 'n/a';
        cpuload REAL DEFAULT -1; diskfree INTEGER DEFAULT -1; uname TEXT DEFAULT 'n/a';
        rundir TEXT DEFAULT '/tmp/badname'; shortdir TEXT DEFAULT '/tmp/badname';
        item_path TEXT DEFAULT ''; state TEXT DEFAULT 'NOT_STARTED'; status TEXT DEFAULT 'FAIL';
        attemptnum INTEGER DEFAULT 0; final_logf TEXT DEFAULT 'logs/final.log';
        logdat TEXT DEFAULT ''; run_duration INTEGER DEFAULT 0; comment TEXT DEFAULT '';
        event_time TIMESTAMP DEFAULT {NOW}; fail_count INTEGER DEFAULT 0;
        pass_count INTEGER DEFAULT 0; archived INTEGER DEFAULT 0;
        last_update INTEGER DEFAULT {NOW}""",
        "testsconstraint",
        ("run_id", "testname", "item_path"),
    ),
    _table(
        "test_steps",
        f"""test_id INTEGER; stepname TEXT; state TEXT DEFAULT 'NOT_STARTED';
        status TEXT DEFAULT 'n/a'; event_time TIMESTAMP; comment TEXT DEFAULT '';
        logfile TEXT DEFAULT ''; last_update INTEGER DEFAULT {NOW}""",
        "test_steps_constraint",
        ("test_id", "stepname", "state"),
    ),
    _table(
        "test_data",
        f"""test_id INTEGER; category TEXT DEFAULT ''; variable TEXT; value REAL; expected REAL;
        tol REAL; units TEXT; comment TEXT DEFAULT ''; status TEXT DEFAULT 'n/a';
        type TEXT DEFAULT ''; last_update INTEGER DEFAULT {NOW}""",
        "test_data_constraint",
        ("test_id", "category", "variable"),
    ),
    _table(
        "test_rundat",
        """test_id INTEGER; update_time TIMESTAMP; cpuload INTEGER DEFAULT -1;
        diskfree INTEGER DEFAULT -1; diskusage INTGER DEFAULT -1;
        run_duration INTEGER DEFAULT 0""",
    ),
    _table(
        "archives",
        """test_id INTEGER; state TEXT DEFAULT 'new'; status TEXT DEFAULT 'n/a';
        archive_type TEXT DEFAULT 'bup'; du INTEGER; archive_path TEXT""",
    ),
)

INDEXES: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    ("runs_index", "runs", ("runname", KEY_COLUMNS)),
    ("tests_index", "tests", ("run_id", "testname", "item_path", "uname")),
    ("teststeps_index", "tests", ("run_id", "testname", "item_path")),
    ("test_data_index", "test_data", ("test_id",)),
)
"""(index, table, columns). `teststeps_index` lies on tests: Megatest's own mistake."""

TRIGGERS: tuple[tuple[str, str], ...] = (
    ("update_runs_trigger", "runs"),
    ("update_run_stats_trigger", "run_stats"),
    ("update_tests_trigger", "tests"),
    ("update_teststeps_trigger", "test_steps"),
    ("update_test_data_trigger", "test_data"),
)
"""(trigger, table): each sets `last_update` of an updated row to now."""

REFERENCES: tuple[Reference, ...] = (
    Reference("tests", "run_id", "runs"),
    Reference("test_steps", "test_id", "tests"),
    Reference("test_data", "test_id", "tests"),
    Reference("test_rundat", "test_id", "tests"),
    Reference("archives", "test_id", "tests"),
    Reference("run_stats", "run_id", "runs"),
    Reference("extradat", "run_id", "runs"),
    Reference("tests", "archived", "archive_blocks"),
    Reference("archive_blocks", "archive_disk_id", "archive_disks"),
    Reference("archive_allocations", "archive_block_id", "archive_blocks"),
)

_PLAIN_TYPE = re.compile(r"[A-Za-z][A-Za-z0-9_ ]*")


def quote(identifier: str) -> str:
    """An identifier as SQL text, whatever characters it has.

    Raises:
        ValueError: it has a NUL, which no SQL text can carry.
    """
    if "\0" in identifier:
        raise ValueError(f"a column name with a NUL: {identifier!r}")
    return '"' + identifier.replace('"', '""') + '"'


def statements(fields: Sequence[tuple[str, str]]) -> list[str]:
    """The SQL that makes an empty G4 database with these key columns: (name, type) in key order.

    Raises:
        ValueError: a name stands twice or is one that Megatest forbids.
    """
    check_fields(fields)
    names = [name for name, _type in fields]
    tables = [_create_table(table, fields) for table in TABLES]
    indexes = [
        f"CREATE INDEX {name} ON {table} ({_column_list(columns, names)})"
        for name, table, columns in INDEXES
    ]
    triggers = [
        f"CREATE TRIGGER {name} AFTER UPDATE ON {table} FOR EACH ROW BEGIN"
        f" UPDATE {table} SET last_update = {NOW} WHERE id = old.id; END"
        for name, table in TRIGGERS
    ]
    return [*tables, *indexes, *triggers]


def create_database(path: Path, fields: Sequence[tuple[str, str]]) -> None:
    """Make an empty, complete G4 database; a crash leaves it whole or without any table.

    `fields` are (name, type) of the keys, in order, as `[fields]` has them. An empty file of
    that name, as a crash may leave it, is filled.

    Raises:
        FileExistsError: the file has tables already; nothing was changed.
        ValueError: a field name that Megatest forbids.
    """
    sql = statements(fields)
    connection = sqlite3.connect(path, isolation_level=None)
    try:
        connection.execute("PRAGMA journal_mode = DELETE")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("BEGIN IMMEDIATE")
        if connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
            raise FileExistsError(f"{path}: a database is already there")
        for statement in sql:
            connection.execute(statement)
        connection.executemany("INSERT INTO keys (fieldname, fieldtype) VALUES (?, ?)", fields)
        connection.execute(
            "INSERT INTO metadat (var, val) VALUES ('MEGATEST_VERSION', ?)", (MEGATEST_VERSION,)
        )
        connection.execute("COMMIT")
    finally:
        connection.close()


def column_names(connection: sqlite3.Connection, table: str) -> tuple[str, ...]:
    """The columns that a table has, in its own order; empty when there is no such table.

    A view under a table's name counts as absent: only Megatest's own tables are read.
    """
    kind = connection.execute(
        "SELECT type FROM sqlite_master WHERE name = ? COLLATE NOCASE", (table,)
    ).fetchall()
    if ("table",) not in kind:
        return ()
    return tuple(row[1] for row in connection.execute(f"PRAGMA table_info({quote(table)})"))


def check_fields(fields: Sequence[tuple[str, str]]) -> None:
    """Make sure that Megatest can have these keys.

    Raises:
        ValueError: a name stands twice or is one that Megatest forbids.
    """
    seen: set[str] = set()
    for name, _type in fields:
        lower = name.lower()
        if lower in FORBIDDEN_FIELDS or not name:
            raise ValueError(f"{name!r} can't be a key: Megatest uses that column itself")
        if lower in seen:
            raise ValueError(f"the key {name!r} stands twice")
        seen.add(lower)


def _create_table(table: Table, fields: Sequence[tuple[str, str]]) -> str:
    lines: list[str] = []
    for name, definition in table.columns:
        if name == KEY_COLUMNS:
            lines += [f"{quote(field)} {_type_name(kind)}" for field, kind in fields]
        else:
            lines.append(f"{quote(name) if name == 'key' else name} {definition}")
    constraint, unique = table.unique
    if unique:
        columns = _column_list(unique, [name for name, _type in fields])
        lines.append(f"CONSTRAINT {constraint} UNIQUE ({columns})")
    return f"CREATE TABLE {table.name} ({', '.join(lines)})"


def _column_list(columns: Sequence[str], key_names: Sequence[str]) -> str:
    names: list[str] = []
    for column in columns:
        names += [quote(key) for key in key_names] if column == KEY_COLUMNS else [column]
    return ", ".join(names)


def _type_name(kind: str) -> str:
    """A column type as SQL text: `[fields]` may say anything, a quoted type is still a type."""
    return kind if _PLAIN_TYPE.fullmatch(kind) else quote(kind or "TEXT")
