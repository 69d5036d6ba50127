"""completed-runs.db: made as a complete database of the same schema, and kept up with it.

Everything is taken from the source's own `sqlite_master`: tables, indexes, views, triggers, the
key rows, metadat; virtual tables, whose rows are no table's own, stay apart. Rollback journal,
never WAL. The file appears whole or not at all.
"""

import os
import sqlite3
from contextlib import closing
from pathlib import Path

from mtsite import notes
from mtsite.megatest.database import decode
from mtsite.megatest.schema import column_names, quote

_KINDS = ("table", "index", "view", "trigger")
_WHOLE_TABLES = ("keys", "metadat")


def make_completed(source: sqlite3.Connection, path: Path) -> None:
    """Make the database beside its place and rename it there. Again: nothing changes.

    Raises:
        sqlite3.Error, OSError: no room, or no right to write; no half file is left in its place.
    """
    if path.exists() and path.stat().st_size:
        return
    unfinished = path.with_name(f".{path.name}.new")
    unfinished.unlink(missing_ok=True)
    unfinished.with_name(unfinished.name + "-journal").unlink(missing_ok=True)
    with closing(sqlite3.connect(unfinished, isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode = DELETE")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("BEGIN IMMEDIATE")
        _take_schema(source, connection)
        for table in _WHOLE_TABLES:
            _take_rows(source, connection, table)
        notes.create(connection)
        connection.execute("COMMIT")
    unfinished.rename(path)
    flush_directory(path.parent)


def catch_up(source: sqlite3.Connection, completed: sqlite3.Connection) -> None:
    """Give an older completed-runs.db the tables and columns that the source has gained.

    New columns come without a default: a row that was moved before them has NULL there, so its
    digest still holds. Runs in one transaction, only when something is missing.
    """
    missing = [
        (table, column, kind)
        for table, column, kind in _columns(source)
        if column.lower() not in {name.lower() for name in column_names(completed, table)}
        and column_names(completed, table)
    ]
    if not missing and _names(source) <= _names(completed):
        notes_ready = column_names(completed, notes.TABLE)
        if notes_ready:
            return
    completed.execute("BEGIN IMMEDIATE")
    try:
        for table, column, kind in missing:
            completed.execute(f"ALTER TABLE {quote(table)} ADD COLUMN {quote(column)} {kind}")
        _take_schema(source, completed)
        notes.create(completed)
        completed.execute("COMMIT")
    except BaseException:
        completed.execute("ROLLBACK")
        raise


def flush_directory(directory: Path) -> None:
    """Make a rename in this directory survive a power cut."""
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _take_schema(source: sqlite3.Connection, completed: sqlite3.Connection) -> None:
    """Create what is not there yet: tables first, triggers last."""
    present = _names(completed)
    wanted = _names(source) - present
    for kind in _KINDS:
        rows = source.execute(
            "SELECT name, sql FROM sqlite_master WHERE type = ? AND sql IS NOT NULL ORDER BY rowid",
            (kind,),
        ).fetchall()
        for name, sql in rows:
            if name.lower() in wanted:
                completed.execute(sql)


def _take_rows(source: sqlite3.Connection, completed: sqlite3.Connection, table: str) -> None:
    columns = column_names(source, table)
    if not columns:
        return
    listed = ", ".join(quote(column) for column in columns)
    as_bytes = ", ".join(
        f"CASE typeof({q}) WHEN 'text' THEN CAST({q} AS BLOB) ELSE {q} END, typeof({q}) = 'text'"
        for q in map(quote, columns)
    )
    for row in source.execute(f"SELECT {as_bytes} FROM {quote(table)} ORDER BY 1").fetchall():
        marks = ", ".join("CAST(? AS TEXT)" if is_text else "?" for is_text in row[1::2])
        completed.execute(f"INSERT INTO {quote(table)} ({listed}) VALUES ({marks})", row[0::2])


def _columns(source: sqlite3.Connection) -> list[tuple[str, str, str]]:
    tables = source.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
    return [
        (table, str(row[1]), _plain_type(str(row[2])))
        for (table,) in tables
        if not _is_own(table)
        for row in source.execute(f"PRAGMA table_info({quote(table)})").fetchall()
    ]


def _plain_type(kind: str) -> str:
    return quote(kind) if kind else ""


def _names(connection: sqlite3.Connection) -> set[str]:
    virtual = {
        str(row[1])
        for row in connection.execute("PRAGMA main.table_list").fetchall()
        if row[2] in {"virtual", "shadow"}
    }
    rows = connection.execute(
        "SELECT name, tbl_name FROM main.sqlite_master WHERE sql IS NOT NULL"
    ).fetchall()
    return {
        str(name).lower()
        for name, table in rows
        if not _is_own(str(name)) and str(table) not in virtual
    }


def _is_own(name: str) -> bool:
    return name.lower().startswith("sqlite_") or name == notes.TABLE


BUSY_SECONDS = 10.0


def open_completed(path: Path) -> sqlite3.Connection:
    """Open for writing so that what is committed survives a power cut; autocommit."""
    connection = sqlite3.connect(path, uri=True, timeout=BUSY_SECONDS, isolation_level=None)
    connection.text_factory = decode
    connection.execute("PRAGMA trusted_schema = OFF")
    connection.execute("PRAGMA journal_mode = DELETE")
    # EXTRA is FULL and a flush of the directory after the journal is gone: rows are taken
    # from the source next, so this commit must not be undone by a journal that comes back.
    connection.execute("PRAGMA synchronous = EXTRA")
    return connection
