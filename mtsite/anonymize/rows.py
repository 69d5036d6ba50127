"""A database again, row by row into a new file: nothing of the old one's pages comes along."""

import errno
import os
import sqlite3
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from mtsite.anonymize.columns import HOST, KEEP, USER, rule_of
from mtsite.anonymize.scrub import Scrubber
from mtsite.megatest.database import AreaConnection, area_errors, reading
from mtsite.megatest.schema import quote

MAGIC = b"SQLite format 3\0"
_ROWS_AT_A_TIME = 5000
_HIDDEN = ("rowid", "_rowid_", "oid")

Columns = Sequence[tuple[str, str, bool]]
"""(name, rule, whether it can hold text) of each column."""


def columns_of(connection: sqlite3.Connection, table: str) -> list[tuple[str, str, bool]]:
    """The columns of a table that are stored, with what is done to each."""
    rows = connection.execute(f"PRAGMA table_xinfo({quote(table)})").fetchall()
    return [
        (name, rule_of(table, name), not _is_number(kind))
        for _, name, kind, _, _, _, hidden in rows
        if not hidden
    ]


def _is_number(kind: str) -> bool:
    # SQLite's own rule: INT anywhere makes it an integer, and text in it is a mistake of somebody.
    return "INT" in kind.upper() and "POINT" not in kind.upper()


def tables_of(connection: sqlite3.Connection) -> list[str]:
    """The tables with rows of their own."""
    query = "SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name"
    names = [str(name) for (name,) in connection.execute(query)]
    return [name for name in names if not name.startswith("sqlite_")]


def values_of(path: Path, rule: str) -> Iterator[bytes]:
    """Every different value of the columns with this rule."""
    with reading(path) as connection, area_errors(path):
        for table in tables_of(connection):
            for name, found, _ in columns_of(connection, table):
                if found == rule:
                    query = f"SELECT DISTINCT {quote(name)} FROM {quote(table)}"
                    for (value,) in connection.execute(query):
                        if isinstance(value, str | bytes) and value:
                            yield _raw(value)


def copy_database(path: Path, target: Path, scrubber: Scrubber) -> Counter[str]:
    """Write the database with its words replaced; how many rows each table has.

    Raises:
        AreaUnreadableError, AreaBusyError: it can't be read.
        OSError, sqlite3.Error: it can't be written.
    """
    counts: Counter[str] = Counter()
    with reading(path) as source, area_errors(path), closing(_new(target)) as made:
        objects = _objects(source)
        for _, sql in objects["table"]:
            made.execute(sql)
        for table in tables_of(source):
            counts[table] = _copy_table(source, made, table, scrubber)
        for kind in ("index", "view", "trigger"):
            for _, sql in objects[kind]:
                made.execute(sql)
        if source.execute("SELECT 1 FROM sqlite_master WHERE name = 'sqlite_sequence'").fetchone():
            made.execute("DELETE FROM sqlite_sequence")
            rows = source.execute("SELECT name, seq FROM sqlite_sequence").fetchall()
            made.executemany("INSERT INTO sqlite_sequence(name, seq) VALUES (?, ?)", rows)
        (version,) = source.execute("PRAGMA user_version").fetchone()
        made.execute(f"PRAGMA user_version = {int(version)}")
        made.commit()
    return counts


class _Made(sqlite3.Connection):
    """The copy. That its disk is full must not be said of the database that is being read.

    All that writes raises OSError when there is no room.
    """

    path: Path

    def execute(self, *given: Any) -> sqlite3.Cursor:
        with self._room():
            return super().execute(*given)

    def executemany(self, *given: Any) -> sqlite3.Cursor:
        with self._room():
            return super().executemany(*given)

    def commit(self) -> None:
        with self._room():
            super().commit()

    @contextmanager
    def _room(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_FULL:
                raise
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(self.path)) from error


def _new(path: Path) -> sqlite3.Connection:
    path.parent.mkdir(parents=True, exist_ok=True)
    made = sqlite3.connect(path, factory=_Made)
    made.path = path
    # A copy that was not finished is taken away: there is nothing to recover.
    made.execute("PRAGMA journal_mode = OFF")
    made.execute("PRAGMA synchronous = OFF")
    made.text_factory = _text
    return made


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", "surrogateescape")


def _objects(source: AreaConnection) -> dict[str, list[tuple[str, str]]]:
    found: dict[str, list[tuple[str, str]]] = {"table": [], "index": [], "view": [], "trigger": []}
    for kind, name, sql in source.execute("SELECT type, name, sql FROM sqlite_master"):
        if sql and not name.startswith("sqlite_") and kind in found:
            found[kind].append((name, sql))
    return found


def _copy_table(
    source: AreaConnection, made: sqlite3.Connection, table: str, scrubber: Scrubber
) -> int:
    columns = columns_of(source, table)
    taken = {name.lower() for name, _, _ in columns}
    # A rowid that is no column is kept, too: other tables point to it.
    rowid = next((one for one in _HIDDEN if one not in taken), "")
    try:
        source.execute(f"SELECT {rowid} FROM {quote(table)} LIMIT 0")
    except sqlite3.OperationalError:
        rowid = ""
    names = ([rowid] if rowid else []) + [quote(name) for name, _, _ in columns]
    query = f"SELECT {', '.join(names)} FROM {quote(table)}"
    marks = ", ".join("?" * len(names))
    insert = f"INSERT INTO {quote(table)} ({', '.join(names)}) VALUES "
    places = [
        (at + bool(rowid), rule)
        for at, (_, rule, _) in enumerate(columns)
        # A column of numbers may hold text, too.
        if rule != KEEP
    ]
    count = 0
    for rows in _fetched(source, query):
        changed = _changed(rows, places, scrubber)
        if source.text_factory is str:
            made.executemany(f"{insert}({marks})", changed)
        else:
            for row in changed:
                _insert_any(made, insert, row)
        count += len(rows)
    return count


def _insert_any(made: sqlite3.Connection, insert: str, row: Sequence[object]) -> None:
    """One row, of which texts may be no UTF-8: Python can hand those over as bytes only."""
    raw = [_raw(one) if isinstance(one, str) and not _is_utf8(one) else None for one in row]
    marks = ", ".join("?" if one is None else "CAST(? AS TEXT)" for one in raw)
    values = [old if new is None else new for old, new in zip(row, raw, strict=True)]
    made.execute(f"{insert}({marks})", values)


def _is_utf8(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _fetched(source: AreaConnection, query: str) -> Iterator[list[tuple[object, ...]]]:
    """The rows in lists. Most are UTF-8 throughout: those come in two thirds of the time."""
    lenient, count = source.text_factory, 0
    source.text_factory = str
    try:
        cursor = source.execute(query)
        while rows := cursor.fetchmany(_ROWS_AT_A_TIME):
            yield rows
            count += len(rows)
    except sqlite3.OperationalError as error:
        if "UTF-8" not in str(error):
            raise
        source.text_factory = lenient
        cursor = source.execute(f"{query} LIMIT -1 OFFSET {count}")
        while rows := cursor.fetchmany(_ROWS_AT_A_TIME):
            yield rows
    finally:
        source.text_factory = lenient


def _changed(
    rows: Sequence[tuple[object, ...]], places: Sequence[tuple[int, str]], scrubber: Scrubber
) -> Iterator[tuple[object, ...]]:
    """The rows with their texts replaced: column by column, each different text once."""
    columns: list[Sequence[object]] = list(zip(*rows, strict=True))
    for at, rule in places:
        values = columns[at]
        texts = [value for value in set(values) if isinstance(value, str | bytes) and value]
        new = _new_texts(rule, texts, scrubber)
        if new:
            columns[at] = [new.get(value, value) for value in values]
    return zip(*columns, strict=True)


def _new_texts(
    rule: str, texts: Sequence[str | bytes], scrubber: Scrubber
) -> dict[object, str | bytes]:
    """Text → what it becomes, where that is another."""
    raw = [_raw(text) for text in texts]
    if rule in (USER, HOST):
        changed = [scrubber.value(rule, one) for one in raw]
    else:
        changed = scrubber.scrub_all(raw)
    return {
        text: new if isinstance(text, bytes) else _text(new)
        for text, old, new in zip(texts, raw, changed, strict=True)
        if new != old
    }


def _raw(text: str | bytes) -> bytes:
    return text if isinstance(text, bytes) else text.encode("utf-8", "surrogateescape")
