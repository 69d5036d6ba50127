"""Rows of a run that comes from elsewhere, written into a database of generation G4.

All of a run is written inside the caller's transaction: a death before its end leaves nothing.
What was ingested stands in `extradat` of the run, where Megatest keeps words that it has no
column for: mtsite's own begin with `mtsite.`, the others are attributes of the run.
"""

from collections.abc import Iterable, Mapping, Sequence

from mtsite.megatest.database import AreaConnection
from mtsite.megatest.schema import REFERENCES, quote

OWN = "mtsite."
"""Attributes of a run that begin so are mtsite's own: no file can set them."""

SOURCE = "mtsite.source"
"""Names what a run was made from: the digest of its files or objects."""

BATCH = 1000
_EXACT = 2**53
Value = float | int | str | bytes | None
Row = tuple[Value, ...]

TEST_COLUMNS = (
    "id run_id testname item_path state status host rundir shortdir final_logf run_duration"
    " comment event_time fail_count pass_count last_update"
).split()
STEP_COLUMNS = "test_id stepname state status event_time comment logfile last_update".split()
DATUM_COLUMNS = (
    "test_id category variable value expected tol units comment status type last_update"
).split()
_COLUMNS = {"tests": TEST_COLUMNS, "test_steps": STEP_COLUMNS, "test_data": DATUM_COLUMNS}


class NewRun:
    """Adds the rows of one run; `next_test` numbers its tests."""

    def __init__(self, connection: AreaConnection, run_id: int) -> None:
        self.run_id = run_id
        self._connection = connection
        (highest,) = connection.execute("SELECT max(id) FROM tests").fetchone()
        self._last_test = highest or 0
        self._rows: dict[str, list[Row]] = {table: [] for table in _COLUMNS}
        self._sql = {table: _insert(table, columns) for table, columns in _COLUMNS.items()}

    def next_test(self) -> int:
        """The rowid of the next test."""
        self._last_test += 1
        return self._last_test

    def add_test(self, row: Row) -> None:
        """A test, in the order of `TEST_COLUMNS`."""
        rows = self._rows["tests"]
        rows.append(row)
        if len(rows) >= BATCH:
            self.flush()

    def add_step(self, row: Row) -> None:
        """A row of a step, in the order of `STEP_COLUMNS`."""
        self._rows["test_steps"].append(row)

    def add_datum(self, row: Row) -> None:
        """A measured value, in the order of `DATUM_COLUMNS`; a second of one name is left out."""
        self._rows["test_data"].append((*row[:3], *map(_as_it_is, row[3:6]), *row[6:]))

    def add_value(self, test_id: int, told: tuple[str, str, Value, str], now: int) -> None:
        """(category, variable, value, units) of which nothing was expected; there are many."""
        category, variable, value, units = told
        kept = value if isinstance(value, float) else _as_it_is(value)
        row = (test_id, category, variable, kept, None, None, units, "", "n/a", "", now)
        self._rows["test_data"].append(row)

    def flush(self) -> None:
        """Put what was added into the database."""
        for table, rows in self._rows.items():
            self._connection.executemany(self._sql[table], rows)
            rows.clear()

    def find(self, testname: str, item_path: str) -> int | None:
        """The rowid of a test that was added."""
        self.flush()
        row = self._connection.execute(
            "SELECT id FROM tests WHERE run_id = ? AND testname = ? AND item_path = ?",
            (self.run_id, testname, item_path),
        ).fetchone()
        return None if row is None else int(row[0])

    def test(self, test_id: int) -> dict[str, Value]:
        """A row that was added, by column."""
        self.flush()
        row = self._connection.execute(
            f"SELECT {', '.join(TEST_COLUMNS)} FROM tests WHERE id = ?", (test_id,)
        ).fetchone()
        return dict(zip(TEST_COLUMNS, row, strict=True))

    def change_test(self, test_id: int, changes: Mapping[str, Value]) -> None:
        """Change columns of a row that was added."""
        self.flush()
        sets = ", ".join(f"{quote(name)} = ?" for name in changes)
        self._connection.execute(
            f"UPDATE tests SET {sets} WHERE id = ?", (*changes.values(), test_id)
        )

    def add_meta(self, columns: Mapping[str, Value]) -> None:
        """Add a test's description, unless the area has one."""
        sql = _insert("test_meta", list(columns)).replace("INSERT", "INSERT OR IGNORE", 1)
        self._connection.execute(sql, tuple(columns.values()))

    def finish(
        self, fields: Sequence[str], target: Sequence[str], columns: Mapping[str, Value]
    ) -> None:
        """Write the run's own row; `columns` are those beside id and keys."""
        self.flush()
        names = ["id", *fields, *columns]
        self._connection.execute(_insert("runs", names), (self.run_id, *target, *columns.values()))

    def add_attributes(self, attributes: Iterable[tuple[str, str]]) -> None:
        """Write what is known of the run beside its columns."""
        rows = [(self.run_id, key, value) for key, value in attributes]
        self._connection.executemany(_insert("extradat", ("run_id", "key", "val")), rows)


def change_attributes(connection: AreaConnection, run_id: int, told: Mapping[str, str]) -> None:
    """Set attributes of a run, each in the row that it has; an empty value deletes it."""
    own = 'run_id = ? AND "key" = ?'
    for key, value in told.items():
        if not value:
            connection.execute(f"DELETE FROM extradat WHERE {own}", (run_id, key))
            continue
        place = (value, run_id, key)
        if not connection.execute(f"UPDATE extradat SET val = ? WHERE {own}", place).rowcount:
            insert = _insert("extradat", ("run_id", "key", "val"))
            connection.execute(insert, (run_id, key, value))


def find_run(
    connection: AreaConnection, fields: Sequence[str], target: Sequence[str], runname: str
) -> tuple[int, str] | None:
    """The rowid and the state of a run of this name, deleted or not."""
    wanted = " AND ".join(f"{quote(name)} = ?" for name in fields)
    row = connection.execute(
        f"SELECT id, state FROM runs WHERE {wanted} AND runname = ?", (*target, runname)
    ).fetchone()
    return None if row is None else (int(row[0]), str(row[1] or ""))


def next_run(connection: AreaConnection) -> int:
    """A rowid that no run has."""
    (highest,) = connection.execute("SELECT max(id) FROM runs").fetchone()
    return int(highest or 0) + 1


def attributes_of(connection: AreaConnection, run_id: int) -> list[tuple[str, str]]:
    """What is known of a run beside its columns, in the order in which it was written."""
    return connection.execute(
        'SELECT "key", val FROM extradat WHERE run_id = ? ORDER BY id', (run_id,)
    ).fetchall()


def rundirs_of(connection: AreaConnection, run_id: int) -> list[str]:
    """The run directories that the rows of a run name, each once."""
    rows = connection.execute("SELECT DISTINCT rundir FROM tests WHERE run_id = ?", (run_id,))
    return [row[0] for row in rows if isinstance(row[0], str)]


def delete_run(connection: AreaConnection, run_id: int) -> None:
    """Delete a run with all that refers to it, inside the caller's transaction."""
    for reference in REFERENCES:
        if reference.refers_to == "tests":
            connection.execute(
                f"DELETE FROM {reference.table} WHERE {reference.column}"
                " IN (SELECT id FROM tests WHERE run_id = ?)",
                (run_id,),
            )
    for reference in REFERENCES:
        if reference.refers_to == "runs":
            connection.execute(
                f"DELETE FROM {reference.table} WHERE {reference.column} = ?", (run_id,)
            )
    connection.execute("DELETE FROM runs WHERE id = ?", (run_id,))


def _as_it_is(value: Value) -> Value:
    """A value that its REAL column leaves alone: SQLite would make 7.0 of the text `007`."""
    if isinstance(value, int) and abs(value) > _EXACT:
        value = str(value)
    if isinstance(value, str):
        try:
            float(value)
        except ValueError:
            return value
        return value.encode()
    return value


def _insert(table: str, columns: Sequence[str]) -> str:
    names = ", ".join(quote(name) for name in columns)
    # A runner may give one property twice; Megatest has one row per name.
    word = "INSERT OR IGNORE" if table == "test_data" else "INSERT"
    return f"{word} INTO {table} ({names}) VALUES ({', '.join('?' * len(columns))})"
