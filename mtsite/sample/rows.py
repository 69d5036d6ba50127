"""Sample runs → the rows of a Megatest database of generation G4."""

import sqlite3
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

from msgspec import Struct, field

from mtsite.megatest.schema import create_database, quote
from mtsite.sample.history import SampleRun, SampleStep, SampleTest
from mtsite.sample.places import NEVER_RAN, Places
from mtsite.sample.spec import AreaSpec

Row = tuple[object, ...]

_TESTS = (
    "id run_id testname host cpuload diskfree uname rundir shortdir item_path state status"
    " attemptnum final_logf run_duration comment event_time fail_count pass_count last_update"
).split()
_STEPS = "id test_id stepname state status event_time comment logfile last_update".split()
_DATA = (
    "id test_id category variable value expected tol units comment status type last_update"
).split()
_META = "testname author owner description reviewed tags jobgroup".split()


class Tables(Struct):
    """The rows of one database while they are gathered; `last` is the highest id of each table.

    Two databases that share `last` never use an id twice: what moved between them was not
    renumbered.
    """

    keys: tuple[str, ...]
    last: Counter[str] = field(default_factory=Counter)
    rows: dict[str, list[Row]] = field(
        default_factory=lambda: {
            "runs": [],
            "tests": [],
            "test_steps": [],
            "test_data": [],
            "extradat": [],
        }
    )

    def add_run(self, run: SampleRun, run_id: int, places: Places) -> None:
        """Add a run with all that hangs on it."""
        self._run_row(run, run_id, run.state, run.comment, run.event_time + 1)
        for test in run.tests:
            self._add_test(run, test, run_id, places)

    def add_moved(self, run: SampleRun, run_id: int, comment: str, when: int) -> None:
        """Add the mark that a moved run leaves behind: a run row without tests."""
        self._run_row(run, run_id, "MOVED", comment, when)

    def add_attributes(self, run_id: int, pairs: Iterable[tuple[str, str]]) -> None:
        """Add what is known of a run beside its columns."""
        self.rows["extradat"] += [(run_id, *pair) for pair in pairs]

    def _run_row(
        self, run: SampleRun, run_id: int, state: str, comment: str, last_update: int
    ) -> None:
        row = (run_id, *run.target, run.runname, run.contour, state, "n/a", run.owner)
        self.rows["runs"].append((*row, run.event_time, comment, last_update))

    def _add_test(self, run: SampleRun, test: SampleTest, run_id: int, places: Places) -> None:
        test_id = self._next("tests")
        ran = test.started or run.leftover == "deleted"
        here = ran or (test.toplevel and test.final_logf != "logs/final.log")
        verdicts = [value.status for value in test.values]
        self.rows["tests"].append(
            (
                test_id,
                run_id,
                test.spec.name,
                test.host,
                test.cpuload,
                test.diskfree,
                f"Linux {test.host} 5.15.0-91-generic x86_64 GNU/Linux" if ran else "n/a",
                places.link(run, test) if here else NEVER_RAN,
                places.physical(run, test) if here else NEVER_RAN,
                test.item_path,
                test.state,
                test.status,
                test.pid,
                test.final_logf,
                test.run_duration,
                test.comment,
                test.event_time,
                verdicts.count("fail"),
                verdicts.count("pass"),
                test.end_time + 1,
            )
        )
        for step in test.steps:
            self._add_step(test_id, step)
        self._add_values(test_id, test)

    def _add_step(self, test_id: int, step: SampleStep) -> None:
        rows = self.rows["test_steps"]
        log = f"{step.name}.log"
        rows.append(
            (
                self._next("test_steps"),
                test_id,
                step.name,
                "start",
                "-",
                step.start,
                "",
                log,
                step.start,
            )
        )
        if step.end is None:
            return
        end = (step.name, "end", step.status, step.end, step.comment, step.logfile, step.end)
        rows.append((self._next("test_steps"), test_id, *end))

    def _add_values(self, test_id: int, test: SampleTest) -> None:
        rows = self.rows["test_data"]
        for value in test.values:
            measured = (value.category, value.variable, value.value, value.expected, value.tol)
            rest = (value.units, value.comment, value.status, "", test.end_time)
            rows.append((self._next("test_data"), test_id, *measured, *rest))

    def _next(self, table: str) -> int:
        self.last[table] += 1
        return self.last[table]


def open_new(path: Path, keys: Sequence[str]) -> sqlite3.Connection:
    """Make an empty database with these keys and open it; nothing waits for the disk."""
    create_database(path, [(key, "TEXT") for key in keys])
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA synchronous = OFF")
    connection.execute("BEGIN")
    return connection


def store(connection: sqlite3.Connection, tables: Tables) -> None:
    """Insert all gathered rows inside the caller's transaction."""
    runs = ["id", *(quote(key) for key in tables.keys), "runname", "contour", "state", "status"]
    columns = {
        "runs": [*runs, "owner", "event_time", "comment", "last_update"],
        "tests": _TESTS,
        "test_steps": _STEPS,
        "test_data": _DATA,
        "extradat": ["run_id", quote("key"), "val"],
    }
    for table, names in columns.items():
        _insert(connection, table, names, tables.rows[table])


def store_meta(connection: sqlite3.Connection, spec: AreaSpec) -> None:
    """Insert what the authors say about their tests."""
    rows: list[Row] = [
        (t.name, t.author, t.owner, t.description, "2026ww30", t.tags, "default")
        for t in spec.tests
    ]
    _insert(connection, "test_meta", _META, rows)


def store_locks(connection: sqlite3.Connection, runs: Sequence[SampleRun]) -> None:
    """Insert the log lines that locking a run leaves."""
    rows: list[Row] = [
        (run.owner, run.event_time + 86_400, f"-lock -target {'/'.join(run.target)}")
        for run in runs
        if run.state == "locked"
    ]
    _insert(connection, "access_log", ["user", "accessed", "args"], rows)


def _insert(
    connection: sqlite3.Connection, table: str, names: Sequence[str], rows: Sequence[Row]
) -> None:
    marks = ", ".join("?" for _ in names)
    connection.executemany(f"INSERT INTO {table} ({', '.join(names)}) VALUES ({marks})", rows)
