"""What tables a database has, what belongs to a run there, and which columns hold rowids.

Read from the database itself, so that columns and tables that nobody here has heard of travel
with a run: a table with a `run_id` belongs to runs, one with a `test_id` to tests.
"""

import sqlite3
from collections.abc import Mapping

from msgspec import Struct, field

from mtsite import notes
from mtsite.errors import AreaUnreadableError
from mtsite.megatest.schema import REFERENCES, quote

Row = tuple[object, ...]
"""One row: its rowid, then the values of `TableShape.columns`."""

RUN, TESTS = "runs", "tests"
SYNCHRONISED = frozenset({"runs", "tests", "test_steps", "test_data"})
"""What Megatest writes back to megatest.db; all else of a run lives in the cache in /tmp alone."""

_HIDDEN_ROWIDS = ("rowid", "_rowid_", "oid")
_KNOWN = {(one.table, one.column): one.refers_to for one in REFERENCES}
_BY_NAME = {"run_id": RUN, "test_id": TESTS}
_AFFINITIES = (
    ("INTEGER", ("INT",)),
    ("TEXT", ("CHAR", "CLOB", "TEXT")),
    ("BLOB", ("BLOB",)),
    ("REAL", ("REAL", "FLOA", "DOUB")),
)


class TableShape(Struct, frozen=True):
    """One table: `rowid` is the SQL that names its rows, `columns` all others in file order.

    `alias` is the column that is the rowid, '' when there is none. `references` maps a column to
    the table whose rowids it holds; the alias itself may be one (a row per run). `affinities` are
    SQLite's own names for how a column stores values; `indexed` are columns that lead an index.
    """

    name: str
    rowid: str
    columns: tuple[str, ...]
    references: Mapping[str, str] = field(default_factory=dict)
    alias: str = ""
    affinities: Mapping[str, str] = field(default_factory=dict)
    indexed: frozenset[str] = frozenset()

    def place(self, column: str) -> int:
        """Where a column stands in a `Row`; letters of either case."""
        if column in self.columns:
            return 1 + self.columns.index(column)
        lowered = [own.lower() for own in (self.alias, *self.columns)]
        return lowered.index(column.lower())

    @property
    def rowid_refers_to(self) -> str:
        """The table whose rowids its own are, '' for nearly all tables."""
        return self.references.get(self.alias, "")

    @property
    def of_runs(self) -> bool:
        """Whether its rows name their run."""
        return RUN in self.references.values()

    @property
    def of_tests(self) -> bool:
        """Whether its rows name their test and not their run."""
        return TESTS in self.references.values() and not self.of_runs

    def column_for(self, table: str) -> str:
        """The column that holds rowids of that table.

        Raises:
            StopIteration: none does.
        """
        return next(c for c, refers_to in self.references.items() if refers_to == table)

    def own_name(self, column: str) -> str:
        """What this table calls a column, letters of either case; '' when it has none.

        The rowid's own column, which is not among `columns`, has to be asked for by `alias`.
        """
        return next((own for own in self.columns if own.lower() == column.lower()), "")

    def refers_to(self, column: str) -> str:
        """The table whose rowids a column holds, letters of either case; '' for nearly all."""
        known = {own.lower(): table for own, table in self.references.items()}
        return known.get(column.lower(), "")

    def selected(self, wanted: "TableShape") -> str:
        """The SELECT list that gives rows of this table in the form of `wanted`; absent is NULL."""
        own = {name.lower(): name for name in self.columns}
        listed = [
            quote(own[name.lower()]) if name.lower() in own else "NULL" for name in wanted.columns
        ]
        return ", ".join([f"{quote(self.name)}.{self.rowid}", *listed])


Shapes = Mapping[str, TableShape]


def read_shapes(connection: sqlite3.Connection) -> Shapes:
    """Every ordinary table of a database but SQLite's own and mtsite's, by name.

    Raises:
        AreaUnreadableError: a table that belongs to runs has no rowid.
    """
    rows = connection.execute(
        "SELECT name, sql FROM sqlite_master WHERE type = 'table' ORDER BY name"
    ).fetchall()
    shapes = (
        _shape(connection, name)
        for name, sql in rows
        if not name.lower().startswith("sqlite_")
        and name != notes.TABLE
        and not str(sql).upper().startswith("CREATE VIRTUAL")
    )
    return {shape.name: shape for shape in shapes}


def run_tables(shapes: Shapes) -> list[TableShape]:
    """Tables whose rows name their run, without `tests`."""
    return [one for one in shapes.values() if one.of_runs and one.name not in {RUN, TESTS}]


def test_tables(shapes: Shapes) -> list[TableShape]:
    """Tables whose rows name their test alone: steps, data, load samples and unknown ones."""
    return [one for one in shapes.values() if one.of_tests and one.name != RUN]


def _shape(connection: sqlite3.Connection, name: str) -> TableShape:
    described = connection.execute(f"PRAGMA table_info({quote(name)})").fetchall()
    primary = [row for row in described if row[5]]
    alias = ""
    if len(primary) == 1 and str(primary[0][2]).upper() == "INTEGER":
        alias = str(primary[0][1])
    columns = tuple(str(row[1]) for row in described if row[1] != alias)
    references = {
        column: _KNOWN.get((name, column)) or _BY_NAME[column.lower()]
        for column in (*columns, alias)
        if (name, column) in _KNOWN or column.lower() in _BY_NAME
    }
    rowid = quote(alias) if alias else _hidden_rowid(connection, name, columns, bool(references))
    affinities = {str(row[1]): _affinity(str(row[2])) for row in described}
    indexed = _leading_columns(connection, name)
    return TableShape(name, rowid, columns, references, alias, affinities, indexed)


def _affinity(declared: str) -> str:
    """SQLite's rules, in SQLite's order."""
    kind = declared.upper()
    for affinity, words in _AFFINITIES:
        if any(word in kind for word in words):
            return affinity
    return "NUMERIC" if kind else "BLOB"


def _leading_columns(connection: sqlite3.Connection, name: str) -> frozenset[str]:
    found = set()
    for row in connection.execute(f"PRAGMA index_list({quote(name)})").fetchall():
        # A partial index does not know all rows.
        if not row[4]:
            (first, *_rest) = connection.execute(f"PRAGMA index_info({quote(row[1])})").fetchall()
            found.add(str(first[2]))
    return frozenset(found)


def _hidden_rowid(
    connection: sqlite3.Connection, name: str, columns: tuple[str, ...], needed: bool
) -> str:
    taken = {column.lower() for column in columns}
    free = [one for one in _HIDDEN_ROWIDS if one not in taken]
    try:
        connection.execute(f"SELECT {quote(name)}.{free[0]} FROM {quote(name)} LIMIT 0")
    except (IndexError, sqlite3.OperationalError) as error:
        if needed:
            raise AreaUnreadableError(
                f"table {name} belongs to runs and has no rowids",
                "runs of this area can't be moved",
            ) from error
        return _HIDDEN_ROWIDS[0]
    return free[0]
