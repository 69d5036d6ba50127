"""The digest of a run where it lies: SQLite writes the lines, so that no row passes through Python.

The bytes are those of `digest.line_of`; where this SQLite would write others, or a row holds what
JSON can't, the rows are read and written in Python instead.
"""

import sqlite3
from collections.abc import Sequence
from typing import NamedTuple

from mtsite.megatest.digest import (
    Columns,
    Marks,
    digest_and_marks,
    line_columns,
    line_of,
    lines_of,
    of_lines,
    real_text,
    test_name,
)
from mtsite.megatest.schema import quote
from mtsite.megatest.shape import RUN, TESTS, TableShape
from mtsite.megatest.transfer import RunRows, Store, fetch, read_run, read_run_level, read_run_row

_PROBE = "".join(map(chr, range(1, 300))) + "\0\U0001f600"


class Digested(NamedTuple):
    """Digest and marks of a run, and the columns of those tables that have rows of it."""

    columns: Columns
    digest: str
    marks: Marks


def digest_stored(store: Store, run_id: int, columns: Columns) -> Digested:
    """Digest and marks of a run of this database, as its rows are numbered here."""
    try:
        if _writes_the_same(store.connection):
            return _by_sqlite(store, run_id, columns)
    except sqlite3.OperationalError as error:
        if "JSON cannot hold BLOB" not in str(error) and "no such function" not in str(error):
            raise
    run = read_run(store, store.shapes, run_id)
    covered = {table: names for table, names in columns.items() if run.rows.get(table)}
    return Digested(covered, *digest_and_marks(run, store.shapes, covered))


def _by_sqlite(store: Store, run_id: int, columns: Columns) -> Digested:
    tests = store.shapes[TESTS]
    sql = f"SELECT {tests.rowid}, testname, item_path FROM main.tests WHERE run_id = ?"
    named = fetch(store.connection, sql, (run_id,))
    names = {row[0]: test_name(row[1], row[2]) for row in named}
    lines: dict[str, list[tuple[object, bytes]]] = {}
    others = []
    for table, covered in columns.items():
        shape = store.shapes.get(table)
        if shape is not None and (table == TESTS or _is_plain_child(shape)):
            found = _query(shape, tests, covered)
            lines[table] = store.connection.execute(found, (run_id,)).fetchall()
        else:
            others.append(table)
    rows = {RUN: read_run_row(store, store.shapes, run_id)}
    few = RunRows(run_id, rows | read_run_level(store, store.shapes, run_id))
    rest = lines_of(few, store.shapes, {table: columns[table] for table in others}, named)
    all_lines = {**lines, **rest}
    there = {table: covered for table, covered in columns.items() if all_lines.get(table)}
    return Digested(there, *of_lines(all_lines, there, names))


def _writes_the_same(connection: sqlite3.Connection) -> bool:
    """Whether this SQLite writes the lines that Python does; asked once of each connection."""
    try:
        return bool(connection.execute("SELECT mtsite_real(0.5)").fetchone())
    except sqlite3.OperationalError:
        connection.create_function("mtsite_real", 1, real_text, deterministic=True)
    broken = _PROBE.encode() + b"\xff"
    (told,) = connection.execute(
        "SELECT CAST(json_array(CAST(? AS TEXT), mtsite_real(0.1), 7, NULL, -9) AS BLOB)", (broken,)
    ).fetchone()
    text = broken.decode("utf-8", "surrogateescape")
    same = bool(told == line_of([text, 0.1, 7, None, -9]))
    if not same:
        connection.create_function("mtsite_real", 1, None)
    return same


def _is_plain_child(shape: TableShape) -> bool:
    return shape.of_tests and list(shape.references.values()).count(TESTS) == 1


def _query(shape: TableShape, tests: TableShape, covered: Sequence[str]) -> str:
    """Test rowid and line of each row of a run."""
    alias = "t" if shape.name == TESTS else "s"
    values = ", ".join(_value(shape, column, alias) for column in line_columns(shape, covered))
    if shape.name == TESTS:
        return (
            f"SELECT t.{tests.rowid}, CAST(json_array({values}) AS BLOB)"
            " FROM main.tests AS t WHERE t.run_id = ?"
        )
    named = [_value(tests, column, "t") for column in ("testname", "item_path")]
    name = ", ".join([*named, values] if values else named)
    table, column = quote(shape.name), shape.column_for(TESTS)
    if column == shape.alias or column in shape.indexed:
        rows = (
            f"main.tests AS t CROSS JOIN main.{table} AS s ON s.{quote(column)} = t.{tests.rowid}"
        )
        return (
            f"SELECT t.{tests.rowid}, CAST(json_array({name}) AS BLOB) FROM {rows}"
            " WHERE t.run_id = ?"
        )
    ids = f"SELECT {tests.rowid} FROM main.tests WHERE run_id = ?"
    return (
        f"SELECT t.{tests.rowid}, CAST(json_array({name}) AS BLOB) FROM main.{table} AS s"
        f" CROSS JOIN main.tests AS t ON t.{tests.rowid} = s.{quote(column)}"
        f" WHERE s.{quote(column)} IN ({ids})"
    )


def _value(shape: TableShape, column: str, alias: str) -> str:
    own = shape.own_name(column) or (shape.alias if column.lower() == shape.alias.lower() else "")
    if not own:
        return "NULL"
    name = f"{alias}.{quote(own)}"
    if shape.affinities.get(own) == "TEXT":
        return name
    return f"CASE typeof({name}) WHEN 'real' THEN mtsite_real({name}) ELSE {name} END"
