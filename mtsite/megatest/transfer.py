"""One whole run: read with all that belongs to it, store elsewhere, let go where it was.

Rows are compared as they stand in the source, rowids included: what the archive had to renumber
is numbered back first. So "equals its copy" means every column of every row, unknown ones too.
"""

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

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

TESTS_AT_ONCE = 100
"""Tests that are read or let go in one short transaction, with all their rows."""

_MARKS_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class Store:
    """An open database with the shapes of its tables."""

    path: Path
    connection: sqlite3.Connection
    shapes: Shapes


@dataclass(frozen=True, slots=True)
class RunRows:
    """All rows of one run by table, each in the form of the archive's columns."""

    run_id: int
    rows: Mapping[str, Sequence[Row]]

    @property
    def counts(self) -> dict[str, int]:
        """Rows per table, empty tables left out."""
        return {table: len(rows) for table, rows in sorted(self.rows.items()) if rows}


@dataclass(frozen=True, slots=True)
class Held:
    """A verified copy as sets, in the numbering of the source: what may be let go."""

    run_id: int
    rows: Mapping[str, frozenset[Row]]

    @classmethod
    def of(cls, copy: RunRows) -> "Held":
        """The copy, numbered as in the source."""
        return cls(copy.run_id, {table: frozenset(rows) for table, rows in copy.rows.items()})

    def has_all(self, rows: Mapping[str, Sequence[Row]]) -> bool:
        """Whether each of these rows is in the copy, column for column."""
        return all(self.rows.get(t, frozenset()).issuperset(some) for t, some in rows.items())


@dataclass(frozen=True, slots=True)
class RunFace:
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


def read_run(store: Store, wanted: Shapes, run_id: int) -> RunRows:
    """Every row of a run, in short queries; `wanted` says which columns, absent ones are NULL."""
    rows: dict[str, list[Row]] = {RUN: read_run_row(store, wanted, run_id)}
    rows |= _run_level(store, wanted, run_id)
    test_ids = test_ids_of(store, run_id)
    for start in range(0, len(test_ids), TESTS_AT_ONCE):
        some = read_tests(store, wanted, test_ids[start : start + TESTS_AT_ONCE])
        for table, found in some.items():
            rows.setdefault(table, []).extend(found)
    return RunRows(run_id, {table: found for table, found in rows.items() if found})


def read_run_row(store: Store, wanted: Shapes, run_id: int) -> list[Row]:
    """The run row itself, or nothing."""
    shape = store.shapes[RUN]
    return store.connection.execute(
        f"SELECT {shape.selected(wanted[RUN])} FROM runs WHERE {shape.rowid} = ?", (run_id,)
    ).fetchall()


def test_ids_of(store: Store, run_id: int) -> list[int]:
    """The rowids of a run's tests, ascending."""
    sql = f"SELECT {store.shapes[TESTS].rowid} FROM tests WHERE run_id = ?"
    return sorted(row[0] for row in store.connection.execute(sql, (run_id,)).fetchall())


def read_tests(store: Store, wanted: Shapes, test_ids: Sequence[int]) -> dict[str, list[Row]]:
    """These tests with their steps, data and all else that names them, by table."""
    shape = store.shapes[TESTS]
    found = {TESTS: _select(store, wanted[TESTS], shape.rowid, test_ids)}
    for one in test_tables(store.shapes):
        if one.name in wanted:
            column = quote(_column_for(one, TESTS))
            found[one.name] = _select(store, wanted[one.name], column, test_ids)
    return found


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


def let_go_run_level(store: Store, wanted: Shapes, held: Held) -> None:
    """Delete the rows that name the run itself, in one short transaction."""
    with immediate(store.connection):
        if _run_is_held(store, wanted, held):
            found = _run_level(store, wanted, held.run_id)
            for table, rows in found.items():
                copied = held.rows.get(table, frozenset())
                delete_rows(store, table, [row[0] for row in rows if row in copied])


def let_go_tests(store: Store, wanted: Shapes, held: Held, test_ids: Sequence[int]) -> None:
    """Delete these tests with all their rows in one short transaction, each whole or not at all."""
    with immediate(store.connection):
        if not _run_is_held(store, wanted, held):
            return
        doomed: dict[str, list[object]] = {}
        found = read_tests(store, wanted, test_ids)
        for rows in _by_test(found, wanted).values():
            if held.has_all(rows):
                for table, some in rows.items():
                    doomed.setdefault(table, []).extend(row[0] for row in some)
        for table in sorted(doomed, key=lambda name: name == TESTS):
            delete_rows(store, table, doomed[table])


def let_go_run(store: Store, wanted: Shapes, held: Held) -> None:
    """Delete the run row, if nothing names it any more and it still equals its copy."""
    with immediate(store.connection):
        if _run_is_held(store, wanted, held) and not left_over(store, wanted, held.run_id):
            delete_rows(store, RUN, [held.run_id])


def left_over(store: Store, wanted: Shapes, run_id: int) -> dict[str, int]:
    """What still names the run here, as rows per table."""
    counts = {table: len(rows) for table, rows in _run_level(store, wanted, run_id).items()}
    counts[TESTS] = len(test_ids_of(store, run_id))
    return {table: number for table, number in counts.items() if number}


def delete_rows(store: Store, table: str, rowids: Sequence[object]) -> None:
    """Delete rows by rowid inside the caller's transaction."""
    for start in range(0, len(rowids), _MARKS_AT_ONCE):
        some = rowids[start : start + _MARKS_AT_ONCE]
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


def _run_level(store: Store, wanted: Shapes, run_id: int) -> dict[str, list[Row]]:
    found: dict[str, list[Row]] = {}
    for one in run_tables(store.shapes):
        if one.name not in wanted:
            continue
        conditions = [f"{quote(_column_for(one, RUN))} = ?"]
        if TESTS in one.references.values():
            tests = f"SELECT {store.shapes[TESTS].rowid} FROM tests WHERE run_id = ?"
            conditions.append(f"{quote(_column_for(one, TESTS))} IN ({tests})")
        found[one.name] = store.connection.execute(
            f"SELECT {one.selected(wanted[one.name])} FROM {quote(one.name)}"
            f" WHERE {' OR '.join(conditions)}",
            [run_id] * len(conditions),
        ).fetchall()
    return found


def _select(store: Store, wanted: TableShape, column: str, ids: Sequence[int]) -> list[Row]:
    shape = store.shapes[wanted.name]
    return store.connection.execute(
        f"SELECT {shape.selected(wanted)} FROM {quote(shape.name)}"
        f" WHERE {column} IN ({marks(ids)})",
        ids,
    ).fetchall()


def _column_for(shape: TableShape, table: str) -> str:
    return next(column for column, refers_to in shape.references.items() if refers_to == table)


def _run_is_held(store: Store, wanted: Shapes, held: Held) -> bool:
    return read_run_row(store, wanted, held.run_id) == list(held.rows[RUN])


def _by_test(
    found: Mapping[str, Sequence[Row]], wanted: Shapes
) -> dict[object, dict[str, list[Row]]]:
    """test id → table → its rows; rows whose test is gone are nobody's."""
    tests: dict[object, dict[str, list[Row]]] = {row[0]: {TESTS: [row]} for row in found[TESTS]}
    for table, rows in found.items():
        if table == TESTS:
            continue
        place = wanted[table].place(_column_for(wanted[table], TESTS))
        for row in rows:
            if row[place] in tests:
                tests[row[place]].setdefault(table, []).append(row)
    return tests
