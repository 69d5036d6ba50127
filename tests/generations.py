"""The databases of every generation of Megatest, written from one and the same rows.

The rows are made once, in a model database of generation G4; `write_databases` then lays them out
as another generation has them: tables written out here as the reference tells them, not taken from
mtsite's own. After a change of the model it is called again.
"""

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

from storage import insert

from mtsite.megatest.schema import quote

OLD_RUNS = """CREATE TABLE runs (id INTEGER PRIMARY KEY, {keys}, runname TEXT,
    state TEXT DEFAULT '', status TEXT DEFAULT '', owner TEXT DEFAULT '', event_time TIMESTAMP,
    comment TEXT DEFAULT '', fail_count INTEGER DEFAULT 0, pass_count INTEGER DEFAULT 0,
    CONSTRAINT runsconstraint UNIQUE (runname, {names}))"""
OLD_TESTS = """CREATE TABLE tests (id INTEGER PRIMARY KEY, run_id INTEGER, testname TEXT,
    host TEXT DEFAULT 'n/a', cpuload REAL DEFAULT -1, diskfree INTEGER DEFAULT -1,
    uname TEXT DEFAULT 'n/a', rundir TEXT DEFAULT 'n/a', shortdir TEXT DEFAULT '',
    item_path TEXT DEFAULT '', state TEXT DEFAULT 'NOT_STARTED', status TEXT DEFAULT 'FAIL',
    attemptnum INTEGER DEFAULT 0, final_logf TEXT DEFAULT 'logs/final.log', logdat BLOB,
    run_duration INTEGER DEFAULT 0, comment TEXT DEFAULT '', event_time TIMESTAMP,
    fail_count INTEGER DEFAULT 0, pass_count INTEGER DEFAULT 0, archived INTEGER DEFAULT 0,
    CONSTRAINT testsconstraint UNIQUE (run_id, testname, item_path))"""
OLD_STEPS = """CREATE TABLE test_steps (id INTEGER PRIMARY KEY, test_id INTEGER, stepname TEXT,
    state TEXT DEFAULT 'NOT_STARTED', status TEXT DEFAULT 'n/a', event_time TIMESTAMP,
    comment TEXT DEFAULT '', logfile TEXT DEFAULT '',
    CONSTRAINT test_steps_constraint UNIQUE (test_id, stepname, state))"""
OLD_DATA = """CREATE TABLE test_data (id INTEGER PRIMARY KEY, test_id INTEGER,
    category TEXT DEFAULT '', variable TEXT, value REAL, expected REAL, tol REAL, units TEXT,
    comment TEXT DEFAULT '', status TEXT DEFAULT 'n/a', type TEXT DEFAULT '',
    CONSTRAINT test_data_constraint UNIQUE (test_id, category, variable))"""
FIRST_DATA = OLD_DATA.replace("expected REAL", "expected_value REAL").replace(
    ", status TEXT DEFAULT 'n/a', type TEXT DEFAULT ''", ""
)
KEYS = """CREATE TABLE keys (id INTEGER PRIMARY KEY, fieldname TEXT, fieldtype TEXT,
    CONSTRAINT keyconstraint UNIQUE (fieldname))"""
META = """CREATE TABLE test_meta (id INTEGER PRIMARY KEY, testname TEXT DEFAULT '',
    author TEXT DEFAULT '', owner TEXT DEFAULT '', description TEXT DEFAULT '',
    reviewed TIMESTAMP DEFAULT '', iterated TEXT DEFAULT '', avg_runtime REAL, avg_disk REAL,
    tags TEXT DEFAULT '', jobgroup TEXT DEFAULT 'default',
    CONSTRAINT test_meta_constraint UNIQUE (testname))"""
METADAT = "CREATE TABLE metadat (id INTEGER, var TEXT, val TEXT)"
OWN_META = """CREATE TABLE test_meta (id INTEGER PRIMARY KEY, var TEXT, val TEXT,
    ackstate INTEGER DEFAULT 0, CONSTRAINT metadat_constraint UNIQUE (var))"""
OWN_RUNDAT = """CREATE TABLE test_rundat (id INTEGER PRIMARY KEY, update_time TIMESTAMP,
    cpuload INTEGER DEFAULT -1, diskfree INTEGER DEFAULT -1, diskusage INTGER DEFAULT -1,
    run_duration INTEGER DEFAULT 0)"""
BLOCKS = "CREATE TABLE archive_blocks (id INTEGER PRIMARY KEY, disk_path TEXT)"
VIEW = """CREATE VIEW runs_tests AS SELECT * FROM runs INNER JOIN tests
    WHERE runs.id = tests.run_id"""
TRIGGER = """CREATE TRIGGER {name} AFTER UPDATE ON {table} FOR EACH ROW
    BEGIN UPDATE {table} SET last_update = {time} {where}; END"""
WITH_TIMES = ("runs", "tests", "test_steps", "test_data")
TRIGGER_NAMES = {
    "runs": "update_runs_trigger",
    "tests": "update_tests_trigger",
    "test_steps": "update_teststeps_trigger",
    "test_data": "update_test_data_trigger",
}
NOW = "(strftime('%s','now'))"
BLOCK_SIZE = 30_000
"""How many test ids generation G3 sets aside for each run."""

RUNS_SIDE = (KEYS, OLD_RUNS, META, METADAT)
TESTS_SIDE = (OLD_TESTS, OLD_STEPS, OLD_DATA)
RUN_DATABASES = 3
"""In how many files the G5 builder spreads the runs."""


class Maker:
    """Writes the databases of one area from its model."""

    def __init__(self, model: Path, area: Path, linktree: Path) -> None:
        self.model = model
        self.area = area
        self.linktree = linktree
        with closing(sqlite3.connect(model)) as connection:
            rows = connection.execute("SELECT fieldname FROM keys ORDER BY id").fetchall()
            self.fields = [row[0] for row in rows]
            self.runs = [row[0] for row in connection.execute("SELECT id FROM runs")]

    @contextmanager
    def database(self, path: Path, tables: Sequence[str]) -> Iterator[sqlite3.Connection]:
        """A new database with these tables, the model attached."""
        path.unlink(missing_ok=True)
        with closing(sqlite3.connect(path)) as connection:
            connection.execute("PRAGMA synchronous = 0")
            for table in tables:
                self.create(connection, table)
            connection.commit()
            connection.execute("ATTACH ? AS model", (str(self.model),))
            yield connection
            connection.commit()

    def create(
        self, connection: sqlite3.Connection, table: str, fields: Sequence[str] = ()
    ) -> None:
        names = ", ".join(quote(name) for name in fields or self.fields)
        keys = ", ".join(f"{quote(name)} TEXT" for name in fields or self.fields)
        connection.execute(table.format(keys=keys, names=names))

    def take(
        self, connection: sqlite3.Connection, table: str, where: str = "", **instead: str
    ) -> None:
        """Copy the rows of a table, columns by name; `instead` gives columns as expressions."""
        known = [row[1] for row in connection.execute(f"PRAGMA model.table_info({table})")]
        here = [row[1] for row in connection.execute(f"PRAGMA main.table_info({table})")]
        names = [name for name in here if name in known or name in instead]
        values = ", ".join(instead.get(name, quote(name)) for name in names)
        listed = ", ".join(quote(name) for name in names)
        connection.execute(
            f"INSERT INTO main.{table} ({listed}) SELECT {values} FROM model.{table} {where}"
        )

    def take_all(self, connection: sqlite3.Connection, *tables: str) -> None:
        for table in tables:
            self.take(connection, table)


def write_g1(maker: Maker) -> None:
    """Up to v1.44: everything in one file, no update times."""
    tables = (*RUNS_SIDE, *TESTS_SIDE, VIEW)
    with maker.database(maker.area / "megatest.db", tables) as connection:
        maker.take_all(connection, "keys", "runs", "tests", "test_steps", "test_data", "test_meta")


def write_g1_of_2011(maker: Maker) -> None:
    """The oldest: no shortdir, archived, logfile, type; `expected` was `expected_value`."""
    write_g1(maker)
    with closing(sqlite3.connect(maker.area / "megatest.db")) as connection:
        connection.execute("DROP VIEW runs_tests")
        connection.execute("DROP TABLE test_data")
        connection.execute(FIRST_DATA)
        connection.execute("ATTACH ? AS model", (str(maker.model),))
        maker.take(connection, "test_data", expected_value="expected")
        for table, column in (
            ("tests", "shortdir"),
            ("tests", "archived"),
            ("test_steps", "logfile"),
            ("test_meta", "jobgroup"),
        ):
            connection.execute(f"ALTER TABLE {table} DROP COLUMN {column}")
        connection.execute("ALTER TABLE tests ADD COLUMN first_err TEXT")
        connection.commit()


def write_g2(maker: Maker) -> None:
    """v1.5x: steps and data in testdat.db of each run directory."""
    tables = (*RUNS_SIDE, *TESTS_SIDE, VIEW)
    with maker.database(maker.area / "megatest.db", tables) as connection:
        maker.take_all(connection, "keys", "runs", "tests", "test_meta")
        rows = connection.execute("SELECT id, rundir FROM main.tests").fetchall()
    for test_id, rundir in rows:
        if Path(rundir).is_dir():
            own = (OLD_STEPS, OLD_DATA, OWN_META, OWN_RUNDAT)
            with maker.database(Path(rundir, "testdat.db"), own) as connection:
                for table in ("test_steps", "test_data"):
                    maker.take(connection, table, f"WHERE test_id = {test_id}")
                connection.execute("INSERT INTO test_meta (var, val) VALUES ('KILLREQ', '0')")


def write_g3(maker: Maker, *, times: bool = True, copy: bool = True) -> None:
    """v1.60 – 1.62: runs in main.db, each run's tests in a file of its own, and a copy of all."""
    directory = maker.linktree / ".db"
    directory.mkdir(exist_ok=True)
    with maker.database(directory / "main.db", (*RUNS_SIDE, BLOCKS)) as connection:
        _add_times(connection, ("runs",) if times else ())
        maker.take_all(connection, "keys", "runs", "test_meta")
    for run_id in maker.runs:
        with maker.database(directory / f"{run_id}.db", TESTS_SIDE) as connection:
            _add_times(connection, WITH_TIMES[1:] if times else ())
            _take_below(maker, connection, run_id)
    if copy:
        tables = (*RUNS_SIDE, *TESTS_SIDE, BLOCKS)
        with maker.database(maker.area / "megatest.db", tables) as connection:
            _add_times(connection, WITH_TIMES if times else ())
            maker.take_all(connection, "keys", "runs", "test_meta")
            for run_id in maker.runs:
                _take_below(maker, connection, run_id)


def write_g3_of_2013(maker: Maker) -> None:
    """The first of them: no update times anywhere, and never synchronised."""
    write_g3(maker, times=False, copy=False)


def write_g4_patched(maker: Maker) -> None:
    """A database of v1.55 that -cleanup-db of v1.64 patched: new columns last, all times 0."""
    tables = (*RUNS_SIDE, *TESTS_SIDE, VIEW)
    with maker.database(maker.area / "megatest.db", tables) as connection:
        # The last key was added to [fields] when there were runs already.
        late = maker.fields[-1]
        connection.execute("DROP VIEW runs_tests")
        connection.execute("DROP TABLE runs")
        maker.create(connection, OLD_RUNS, maker.fields[:-1])
        connection.execute(f"ALTER TABLE runs ADD COLUMN {quote(late)} TEXT DEFAULT ''")
        _add_times(connection, WITH_TIMES, fresh="0")
        connection.execute("ALTER TABLE runs ADD COLUMN contour TEXT DEFAULT ''")
        connection.execute(
            TRIGGER.format(
                name="update_test_steps_trigger",
                table="test_steps",
                time=NOW,
                where="WHERE id = old.id",
            )
        )
        for table in ("keys", "runs", "tests", "test_steps", "test_data", "test_meta"):
            maker.take(connection, table, last_update="0")
        connection.execute("UPDATE keys SET id = id - 1")


def write_g4_without_where(maker: Maker) -> None:
    """A patch of early 2016: each update of a test sets the time of all."""
    write_g4_patched(maker)
    with closing(sqlite3.connect(maker.area / "megatest.db")) as connection, connection:
        connection.execute("DROP TRIGGER update_tests_trigger")
        connection.execute(
            TRIGGER.format(name="update_tests_trigger", table="tests", time=NOW, where="")
        )
        connection.execute(
            "UPDATE tests SET last_update = 0 WHERE id = (SELECT min(id) FROM tests)"
        )


def write_g4_of_null_times(maker: Maker) -> None:
    """Builds of February 2016 wrote NULL for every time."""
    write_g4_patched(maker)
    with closing(sqlite3.connect(maker.area / "megatest.db")) as connection, connection:
        connection.execute("DROP TRIGGER update_test_steps_trigger")
        for table, name in TRIGGER_NAMES.items():
            connection.execute(f"DROP TRIGGER {name}")
            connection.execute(f"UPDATE {table} SET last_update = NULL")
            bad = {"time": "(strftime('%','now'))", "where": "WHERE id = old.id"}
            connection.execute(TRIGGER.format(name=name, table=table, **bad))


def write_g5(maker: Maker) -> None:
    """v1.70 and later: .mtdb/main.db, and several runs in each further file."""
    directory = maker.area / ".mtdb"
    directory.mkdir(exist_ok=True)
    with maker.database(directory / "main.db", RUNS_SIDE) as connection:
        _add_times(connection, ("runs",))
        connection.execute("ALTER TABLE runs ADD COLUMN publish_time INTEGER DEFAULT 0")
        maker.take_all(connection, "keys", "runs", "test_meta")
    for number in range(RUN_DATABASES):
        path = directory / f"{number + 1}.db"
        with maker.database(path, (*RUNS_SIDE, *TESTS_SIDE)) as connection:
            _add_times(connection, WITH_TIMES)
            connection.execute("ALTER TABLE tests ADD COLUMN realuser TEXT DEFAULT ''")
            for run_id in maker.runs:
                if run_id % RUN_DATABASES == number:
                    _take_below(maker, connection, run_id, placeholder=False)
    with closing(sqlite3.connect(directory / "no-sync.db")) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS no_sync_metadat (var TEXT, val TEXT)")


def write_g5_whole(maker: Maker) -> None:
    """The same with all rows in main.db."""
    directory = maker.area / ".mtdb"
    directory.mkdir(exist_ok=True)
    (directory / "main.db").unlink(missing_ok=True)
    with (
        closing(sqlite3.connect(maker.model)) as model,
        closing(sqlite3.connect(directory / "main.db")) as whole,
    ):
        model.backup(whole)


BUILDERS: dict[str, Callable[[Maker], None]] = {
    "G1": write_g1,
    "G1 of 2011": write_g1_of_2011,
    "G2": write_g2,
    "G3": write_g3,
    "G3 of 2013": write_g3_of_2013,
    "G4 patched": write_g4_patched,
    "G4 without WHERE": write_g4_without_where,
    "G4 of NULL times": write_g4_of_null_times,
    "G5": write_g5,
    "G5 whole": write_g5_whole,
}


def write_databases(generation: str, model: Path, area: Path, linktree: Path) -> None:
    """Lay the rows of the model out as this generation has them."""
    BUILDERS[generation](Maker(model, area, linktree))


def _add_times(connection: sqlite3.Connection, tables: Sequence[str], *, fresh: str = NOW) -> None:
    for table in tables:
        if fresh == NOW:
            # ALTER takes constants only: a table that had the column from the start.
            ((sql,),) = connection.execute(
                "SELECT sql FROM sqlite_master WHERE name = ?", (table,)
            ).fetchall()
            added = f"last_update INTEGER DEFAULT {NOW}, CONSTRAINT"
            connection.execute(f"DROP TABLE {table}")
            connection.execute(str(sql).replace("CONSTRAINT", added, 1))
        else:
            connection.execute(
                f"ALTER TABLE {table} ADD COLUMN last_update INTEGER DEFAULT {fresh}"
            )
        connection.execute(
            TRIGGER.format(
                name=TRIGGER_NAMES[table], table=table, time=NOW, where="WHERE id = old.id"
            )
        )


def _take_below(
    maker: Maker, connection: sqlite3.Connection, run_id: int, *, placeholder: bool = True
) -> None:
    """The tests of one run with all below them, their ids counted from run_id × 30000."""
    first = run_id * BLOCK_SIZE
    if placeholder:
        row = {"id": first, "run_id": run_id, "testname": "bogustest", "event_time": 1}
        row |= {"item_path": "nowherepath", "state": "DELETED", "status": "n/a", "last_update": 1}
        here = {row[1] for row in connection.execute("PRAGMA main.table_info(tests)")}
        insert(connection, "tests", {name: row[name] for name in row if name in here})
    of_run = f"WHERE run_id = {run_id}"
    maker.take(connection, "tests", of_run, id=f"id + {first}")
    below = f"WHERE test_id IN (SELECT id FROM model.tests {of_run})"
    for table in ("test_steps", "test_data"):
        maker.take(connection, table, below, id=f"id + {first}", test_id=f"test_id + {first}")
