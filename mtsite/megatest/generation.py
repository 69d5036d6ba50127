"""Which shape a database has, told by the tables, columns and triggers that are there.

Never by a version string: Megatest does not upgrade the databases that it finds, and patches add
columns of later versions to tables of earlier ones.
"""

import re
import sqlite3
from collections.abc import Sequence

from mtsite.errors import AreaUnreadableError
from mtsite.megatest.schema import (
    ABSENT,
    FIRST_LACKS,
    GENERATIONS,
    Generation,
    column_names,
    quote,
)

WHOLE = ("keys", "runs", "tests")
"""What a database must have to be read alone."""

RUNS_SIDE = ("keys", "runs")
"""What a main.db must have: its tests lie in other databases."""

_TAKEN_OVER = "contour"
_IDENTIFIER = re.compile(r"[a-z_]+")


def check_tables(connection: sqlite3.Connection, needed: Sequence[str] = WHOLE) -> None:
    """Make sure that it is a Megatest database.

    Raises:
        AreaUnreadableError: one of the `needed` tables is missing.
    """
    missing = [table for table in needed if not column_names(connection, table)]
    if missing:
        raise AreaUnreadableError(
            f"not a Megatest database: no table {', '.join(missing)}",
            "is it the right file? Megatest fills an empty one at its next run",
        )


def detect(connection: sqlite3.Connection) -> Generation:
    """The generation of a database that has runs and tests.

    Raises:
        AreaUnreadableError: it has not the tables of any Megatest database.
    """
    check_tables(connection)
    for generation in reversed(tuple(GENERATIONS.values())):
        if any(has_columns(connection, *sign) for sign in generation.signs):
            return generation
    return GENERATIONS["G1" if _is_first(connection) else "G2"]


def is_taken_over(connection: sqlite3.Connection) -> bool:
    """Whether v1.63 or later wrote the database: where runs once lay in a main.db, it is alone now.

    Versions without the column copied every row of main.db and its likes here, and nothing back.
    """
    return _TAKEN_OVER in column_names(connection, "runs")


def has_columns(connection: sqlite3.Connection, *names: str) -> bool:
    """Whether a database has all these columns ("table.column")."""
    return all(
        column in {each.lower() for each in column_names(connection, table)}
        for table, _dot, column in (name.partition(".") for name in names)
    )


def expression(table: str, column: str, present: frozenset[str], alias: str = "") -> str:
    """SQL for a column of a table that has the columns `present` (lower case), or for its absence.

    `alias` is what the query calls the table, where it must be told from others.

    >>> expression("tests", "shortdir", frozenset({"rundir"}), "t")
    't."rundir"'
    """
    prefix = f"{alias}." if alias else ""
    if column.lower() in present:
        return prefix + quote(column)
    instead = ABSENT.get(f"{table}.{column}", "NULL")
    if not _IDENTIFIER.fullmatch(instead):
        return instead
    return prefix + quote(instead) if instead in present else "NULL"


def update_times_are_trusted(connection: sqlite3.Connection, table: str) -> bool:
    """Whether a trigger sets `last_update` of exactly the row of this table that was changed.

    Databases that versions of early 2016 patched have a trigger without WHERE: it sets that of
    all rows at once, and then it says nothing about any of them.
    """
    rows = connection.execute(
        "SELECT sql FROM sqlite_master WHERE type = 'trigger' AND tbl_name = ? COLLATE NOCASE"
        " AND sql LIKE '%last_update%'",
        (table,),
    ).fetchall()
    bodies = [re.split(r"\bBEGIN\b", str(sql), flags=re.IGNORECASE)[-1] for (sql,) in rows]
    return bool(bodies) and all(re.search(r"\bWHERE\b", body, re.IGNORECASE) for body in bodies)


def _is_first(connection: sqlite3.Connection) -> bool:
    """G1 kept steps in the central database; G2 has them in each run directory's testdat.db."""
    if not has_columns(connection, *FIRST_LACKS):
        return True
    if not column_names(connection, "test_steps"):
        return False
    return connection.execute("SELECT 1 FROM test_steps LIMIT 1").fetchone() is not None
