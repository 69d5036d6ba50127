"""Whole databases: copied in one step, and compared row by row."""

import os
import sqlite3
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from mtsite.megatest.database import AreaConnection, decode, reading
from mtsite.megatest.schema import quote
from mtsite.megatest.shape import Row, TableShape, read_shapes

CHURNING = frozenset({"keys", "metadat"})
"""Tables whose rows every sync may write anew under other rowids."""


def copy_whole(source: Path, copy: Path) -> None:
    """Make one consistent copy of a database that is on disk when this returns.

    Raises:
        AreaBusyError, AreaUnreadableError: the source can't be read.
        sqlite3.Error, OSError: the copy can't be written.
    """
    with reading(source) as connection, closing(sqlite3.connect(copy)) as made:
        # SQLite would wait for ever for a writer; the lock of a reader keeps writers out.
        connection.execute("BEGIN")
        connection.execute("SELECT 1 FROM sqlite_master LIMIT 1").fetchone()
        connection.backup(made)
    descriptor = os.open(copy, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def rows_only_in(first: Path, second: Path) -> dict[str, int]:
    """Rows of the first database that the second lacks or has otherwise, by table.

    Rows are the same under the same rowid, with the same values of the same types.

    Raises:
        AreaBusyError, AreaUnreadableError: one of them can't be read.
    """
    with reading(first) as one, reading(second) as other:
        there = read_shapes(other)
        counts = {
            name: _count(one, shape, other, there.get(name))
            for name, shape in read_shapes(one).items()
        }
    return {table: number for table, number in counts.items() if number}


def _count(
    one: AreaConnection, shape: TableShape, other: AreaConnection, there: TableShape | None
) -> int:
    if there is None:
        sql = f"SELECT count(*) FROM {quote(shape.name)}"
        return int(one.execute(sql).fetchone()[0])
    try:
        mine, theirs = _ordered(one, shape, shape), _ordered(other, there, shape)
        return sum(1 for _row in _unmatched(mine, theirs))
    except sqlite3.OperationalError:
        # A table without rowids: all of it is compared at once.
        return sum((_all(one, shape.name) - _all(other, shape.name)).values())


def _ordered(connection: AreaConnection, shape: TableShape, wanted: TableShape) -> Iterator[Row]:
    connection.text_factory = decode
    return connection.execute(
        f"SELECT {shape.selected(wanted)} FROM {quote(shape.name)} ORDER BY {shape.rowid}"
    )


def _unmatched(mine: Iterator[Row], theirs: Iterator[Row]) -> Iterator[Row]:
    """Rows of the first without their equal in the second; both ascend by rowid."""
    other = next(theirs, None)
    for row in mine:
        while other is not None and _rowid(other) < _rowid(row):
            other = next(theirs, None)
        if other is None or row != other or list(map(type, row)) != list(map(type, other)):
            yield row


def _rowid(row: Row) -> int:
    assert isinstance(row[0], int)
    return row[0]


def _all(connection: AreaConnection, table: str) -> Counter[tuple[object, ...]]:
    rows = connection.execute(f"SELECT * FROM {quote(table)}").fetchall()
    return Counter(tuple((type(value).__name__, value) for value in row) for row in rows)
