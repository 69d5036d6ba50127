"""One whole run, read with all that belongs to it: from megatest.db, and from its caches.

Rows are read as they stand in the source, rowids included, in short queries that are each fetched
whole: no lock of the source outlasts one of them.
"""

import json
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from msgspec import Struct

from mtsite.megatest.database import decode
from mtsite.megatest.schema import quote
from mtsite.megatest.shape import (
    RUN,
    SYNCHRONISED,
    TESTS,
    Row,
    Shapes,
    TableShape,
    run_tables,
    test_tables,
)
from mtsite.model import Scalar

TESTS_AT_ONCE = 500
"""Tests that are read in one query, and whose steps and data are."""

MARKS_AT_ONCE = 500
"""Placeholders in one statement."""


class Store(Struct, frozen=True):
    """An open database with the shapes of its tables."""

    path: Path
    connection: sqlite3.Connection
    shapes: Shapes


class RunRows(Struct, frozen=True):
    """All rows of one run by table, each in the form of the archive's columns."""

    run_id: int
    rows: Mapping[str, Sequence[Row]]

    @property
    def counts(self) -> dict[str, int]:
        """Rows per table, empty tables left out."""
        return {table: len(rows) for table, rows in sorted(self.rows.items()) if rows}


class RunFace(Struct, frozen=True):
    """What a run row says of the run; text as it is stored, None where it is NULL."""

    target: tuple[str, ...]
    runname: str
    event_time: Scalar
    state: str | None
    status: str | None
    comment: str | None


def face_of(row: Row, shape: TableShape, keys: Sequence[str]) -> RunFace:
    """The run row in words."""

    def text(column: str) -> str | None:
        value = row[shape.place(column)]
        return None if value is None else str(value)

    started = row[shape.place("event_time")]
    return RunFace(
        target=tuple(text(key) or "" for key in keys),
        runname=text("runname") or "",
        event_time=started if isinstance(started, int | float | str | None) else str(started),
        state=text("state"),
        status=text("status"),
        comment=text("comment"),
    )


@contextmanager
def immediate(connection: sqlite3.Connection) -> Iterator[None]:
    """A write transaction that is committed at the end of the block, or leaves no trace."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def find_run(store: Store, keys: Sequence[str], run: Row, shape: TableShape) -> int | None:
    """The rowid of the run with the target and runname of this run row; None: there is none."""
    wanted = [(name, run[shape.place(name)]) for name in ("runname", *keys)]
    condition = " AND ".join(f"{quote(name)} IS {mark_of(value)}" for name, value in wanted)
    row = store.connection.execute(
        f"SELECT {store.shapes[RUN].rowid} FROM runs WHERE {condition}",
        [bound(value) for _name, value in wanted],
    ).fetchone()
    return int(row[0]) if row else None


def fetch(connection: sqlite3.Connection, sql: str, values: Sequence[object] = ()) -> list[Row]:
    """All rows of a query; bytes of text that are not UTF-8 come as U+DC80–DCFF.

    SQLite's own decoding is tried first: it is several times faster, and knows only UTF-8.
    """
    connection.text_factory = str
    try:
        return connection.execute(sql, values).fetchall()
    except sqlite3.OperationalError as error:
        if not str(error).startswith("Could not decode"):
            raise
    finally:
        connection.text_factory = decode
    return connection.execute(sql, values).fetchall()


def read_run(store: Store, wanted: Shapes, run_id: int) -> RunRows:
    """Every row of a run, in short queries; `wanted` says which columns, absent ones are NULL."""
    rows: dict[str, list[Row]] = {RUN: read_run_row(store, wanted, run_id)}
    rows |= read_run_level(store, wanted, run_id)
    test_ids = test_ids_of(store, run_id)
    tables = [store.shapes[TESTS], *test_tables(store.shapes)]
    for shape in tables if test_ids else ():
        if shape.name in wanted:
            rows[shape.name] = rows_of_tests(store, wanted[shape.name], test_ids)
    return RunRows(run_id, {table: found for table, found in rows.items() if found})


def read_run_row(store: Store, wanted: Shapes, run_id: int) -> list[Row]:
    """The run row itself, or nothing."""
    shape = store.shapes[RUN]
    sql = f"SELECT {shape.selected(wanted[RUN])} FROM runs WHERE {shape.rowid} = ?"
    return fetch(store.connection, sql, (run_id,))


def test_ids_of(store: Store, run_id: int) -> list[int]:
    """The rowids of a run's tests, ascending."""
    sql = f"SELECT {store.shapes[TESTS].rowid} FROM tests WHERE run_id = ?"
    return sorted(row[0] for row in store.connection.execute(sql, (run_id,)).fetchall())


def gather(stores: Sequence[Store], wanted: Shapes, keys: Sequence[str], run_id: int) -> RunRows:
    """A run as megatest.db has it (the first store), and what only a cache in /tmp holds of it.

    Raises:
        LookupError: a cache holds rows that megatest.db does not: a sync is due, or was missed.
    """
    base = read_run(stores[0], wanted, run_id)
    rows = {table: list(found) for table, found in base.rows.items()}
    if not base.rows.get(RUN):
        return base
    for cache in stores[1:]:
        there = find_run(cache, keys, rows[RUN][0], wanted[RUN])
        if there is None:
            continue
        for table, found in read_run(cache, wanted, there).rows.items():
            known = set(rows.get(table, ()))
            extra = [row for row in found if row not in known]
            if extra and table in SYNCHRONISED:
                raise LookupError(f"{cache.path} holds {len(extra)} other rows of it in {table}")
            rows.setdefault(table, []).extend(extra)
    return RunRows(run_id, {table: found for table, found in rows.items() if found})


def delete_rows(store: Store, table: str, rowids: Sequence[object]) -> None:
    """Delete rows by rowid inside the caller's transaction."""
    for start in range(0, len(rowids), MARKS_AT_ONCE):
        some = rowids[start : start + MARKS_AT_ONCE]
        store.connection.execute(
            f"DELETE FROM {quote(table)} WHERE {store.shapes[table].rowid} IN ({marks(some)})", some
        )


def bound(value: object) -> object:
    """A value as sqlite3 can bind it: text that is not UTF-8 as bytes (see `mark_of`)."""
    return value.encode("utf-8", "surrogateescape") if is_broken_text(value) else value  # type: ignore[attr-defined] # broken text is str


def mark_of(value: object) -> str:
    """The placeholder under which `bound(value)` becomes the same value again."""
    return "CAST(? AS TEXT)" if is_broken_text(value) else "?"


def is_broken_text(value: object) -> bool:
    """Whether it is text with bytes that are not UTF-8."""
    return (
        isinstance(value, str)
        and not value.isascii()
        and any("\ud800" <= c <= "\udfff" for c in value)
    )


def marks(values: Sequence[object]) -> str:
    """As many placeholders as there are values."""
    return ", ".join("?" * len(values))


def read_run_level(store: Store, wanted: Shapes, run_id: int) -> dict[str, list[Row]]:
    """The rows that name the run itself, by table; those without any are listed as empty."""
    found: dict[str, list[Row]] = {}
    for one in run_tables(store.shapes):
        if one.name in wanted:
            conditions = names_run(one, store.shapes[TESTS], quote(one.name))
            sql = f"SELECT {one.selected(wanted[one.name])} FROM {quote(one.name)} WHERE "
            values = [run_id] * conditions.count("?")
            found[one.name] = fetch(store.connection, sql + conditions, values)
    return found


def names_run(shape: TableShape, tests: TableShape, alias: str) -> str:
    """The condition under which a row of this table names a run (`?`), or a test of it."""
    conditions = [f"{alias}.{quote(shape.column_for(RUN))} = ?"]
    if TESTS in shape.references.values():
        ids = f"SELECT {tests.rowid} FROM tests WHERE run_id = ?"
        conditions.append(f"{alias}.{quote(shape.column_for(TESTS))} IN ({ids})")
    return f"({' OR '.join(conditions)})"


def rows_of_tests(store: Store, wanted: TableShape, test_ids: Sequence[int]) -> list[Row]:
    """The rows of `tests` with these ids, or those of another table that name one of them."""
    shape = store.shapes[wanted.name]
    column = "" if wanted.name == TESTS else shape.column_for(TESTS)
    name = quote(column) if column else shape.rowid
    select = f"SELECT {shape.selected(wanted)} FROM {quote(shape.name)} WHERE {name} IN"
    if column and column != shape.alias and column not in shape.indexed:
        # No index helps: the table is gone through once, not once for every few tests.
        ids = json.dumps(list(test_ids))
        return fetch(store.connection, f"{select} (SELECT value FROM json_each(?))", (ids,))
    found: list[Row] = []
    for start in range(0, len(test_ids), TESTS_AT_ONCE):
        some = test_ids[start : start + TESTS_AT_ONCE]
        found += fetch(store.connection, f"{select} ({marks(some)})", some)
    return found
