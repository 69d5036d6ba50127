"""A run straight from one database into another, inside SQLite: for the plain case.

Plain is: every rowid is free in the archive, no test points to an archive block, and the run is
small enough that the source may stay locked for it. All else goes through `incoming.py`.
"""

import sqlite3

from mtsite.megatest.schema import quote
from mtsite.megatest.shape import RUN, TESTS, Shapes, TableShape, run_tables, test_tables
from mtsite.megatest.transfer import Store

SOURCE = "source"
"""The name under which the source is attached to the archive's connection, for reading only."""

MOST_TESTS = 5000


def copy_directly(archive: Store, source: Shapes, run_id: int) -> dict[str, int] | None:
    """Copy a run inside the caller's transaction; rows per table, None when it is no plain case.

    Raises:
        sqlite3.IntegrityError: a rowid, or what else must be unique, is taken.
    """
    if not _is_plain(archive.connection, source, run_id):
        return None
    counts = {}
    tests = source[TESTS]
    for shape in (source[RUN], *run_tables(source), tests, *test_tables(source)):
        if shape.name in archive.shapes:
            rows, values = _rows(shape, tests)
            wanted = archive.shapes[shape.name]
            into = ", ".join([wanted.rowid, *map(quote, wanted.columns)])
            cursor = archive.connection.execute(
                f"INSERT INTO main.{quote(shape.name)} ({into})"
                f" SELECT {_selected(shape, wanted)} FROM {rows} ORDER BY +s.{shape.rowid}",
                [run_id] * values,
            )
            counts[shape.name] = cursor.rowcount
    return {table: number for table, number in sorted(counts.items()) if number}


def _is_plain(connection: sqlite3.Connection, source: Shapes, run_id: int) -> bool:
    tests = source[TESTS]
    archived = "coalesce(archived, 0) NOT IN (0, -1)" if "archived" in tests.columns else "0"
    number, blocks = connection.execute(
        f"SELECT count(*), coalesce(sum({archived}), 0) FROM {SOURCE}.tests WHERE run_id = ?",
        (run_id,),
    ).fetchone()
    return bool(number <= MOST_TESTS and not blocks)


def _selected(shape: TableShape, wanted: TableShape) -> str:
    """The columns of the archive from the row `s`; what the source lacks is NULL."""
    own = [shape.own_name(column) for column in wanted.columns]
    listed = [f"s.{quote(column)}" if column else "NULL" for column in own]
    return ", ".join([f"s.{shape.rowid}", *listed])


def _rows(shape: TableShape, tests: TableShape) -> tuple[str, int]:
    """FROM and WHERE for the rows `s` of a run, and how often they name it."""
    name = f"{SOURCE}.{quote(shape.name)}"
    ids = f"SELECT {tests.rowid} FROM {SOURCE}.tests WHERE run_id = ?"
    if shape.name == RUN:
        return f"{name} AS s WHERE s.{shape.rowid} = ?", 1
    if shape.name == TESTS:
        return f"{name} AS s WHERE s.run_id = ?", 1
    if shape.of_runs:
        own = f"s.{quote(shape.column_for(RUN))} = ?"
        if TESTS not in shape.references.values():
            return f"{name} AS s WHERE {own}", 1
        return f"{name} AS s WHERE {own} OR s.{quote(shape.column_for(TESTS))} IN ({ids})", 2
    column = shape.column_for(TESTS)
    if column == shape.alias or column in shape.indexed:
        joined = (
            f"{SOURCE}.tests AS t CROSS JOIN {name} AS s ON s.{quote(column)} = t.{tests.rowid}"
        )
        return f"{joined} WHERE t.run_id = ?", 1
    return f"{name} AS s WHERE s.{quote(column)} IN ({ids})", 1
