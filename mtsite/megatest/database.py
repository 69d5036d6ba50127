"""Opening Megatest's databases: for reading without a trace, or for writing with full durability.

No file is ever created beside a database that is only read: a name that begins with
`megatest.db` makes Megatest believe that the area's database is newer. Where SQLite would need
such a file (a hot journal, a WAL database that nobody has open), a private copy is read.

Between processes SQLite locks with fcntl, whose locks end when *any* descriptor of the file is
closed in this process: never call `mark` or `open_read_only` inside a write transaction of the
same database.
"""

import os
import shutil
import sqlite3
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from operator import methodcaller
from pathlib import Path
from typing import Any
from urllib.parse import quote

from msgspec import Struct

from mtsite.errors import AreaBusyError, AreaUnreadableError, MissingError
from mtsite.megatest import schema
from mtsite.megatest.holders import lock_holders

BUSY_SECONDS = 10.0
COPY_ATTEMPTS = 5
_HEADER_BYTES = 100
_MAGIC = b"SQLite format 3\0"
_WAL_FORMAT = 2
_NEEDS_RECOVERY = frozenset(
    {
        sqlite3.SQLITE_READONLY_ROLLBACK,
        sqlite3.SQLITE_READONLY_RECOVERY,
        sqlite3.SQLITE_READONLY_CANTINIT,
        sqlite3.SQLITE_READONLY_CANTLOCK,
    }
)

decode = methodcaller("decode", "utf-8", "surrogateescape")
"""Bytes of a text column as str; bytes that are not UTF-8 become U+DC80–DCFF and survive."""


class DatabaseMark(Struct, frozen=True):
    """What a database file looks like from outside; two equal marks: nothing was committed between.

    `change_counter` is the header's, raised by every commit in rollback mode. The journal marks
    are (size, mtime in ns), None where there is no such file.
    """

    path: Path
    change_counter: int
    size: int
    mtime_ns: int
    journal: tuple[int, int] | None
    wal: tuple[int, int] | None


class AreaConnection(sqlite3.Connection):
    """A connection that knows its file; closing it removes the private copy that it may read.

    `note` says, for a page, why a copy is read; '' otherwise.
    """

    note: str = ""
    path: Path = Path()
    _copy: "tempfile.TemporaryDirectory[str] | None" = None
    _columns: dict[str, frozenset[str]] | None = None

    def columns(self, table: str) -> frozenset[str]:
        """The columns of a table, in lower case, as they were when first asked for."""
        if self._columns is None:
            self._columns = {}
        if table not in self._columns:
            names = schema.column_names(self, table)
            self._columns[table] = frozenset(name.lower() for name in names)
        return self._columns[table]

    def close(self) -> None:
        """Close, and remove the copy."""
        super().close()
        if self._copy is not None:
            self._copy.cleanup()
            self._copy = None

    def keep(self, copy: "tempfile.TemporaryDirectory[str]", note: str) -> None:
        """Take over the directory of the copy that this connection reads."""
        self._copy = copy
        self.note = note


def mark(path: Path) -> DatabaseMark:
    """Look at a database from outside: one small read, no lock.

    Raises:
        MissingError: there is no such file.
        AreaUnreadableError: it can't be read, or is not a regular file.
    """
    with _file_errors(path):
        status = _regular(path)
        with path.open("rb") as file:
            header = file.read(_HEADER_BYTES)
        return DatabaseMark(
            path=path,
            change_counter=int.from_bytes(header[24:28], "big"),
            size=status.st_size,
            mtime_ns=status.st_mtime_ns,
            journal=_side_mark(path, "-journal"),
            wal=_side_mark(path, "-wal"),
        )


def open_read_only(path: Path, *, busy_seconds: float = BUSY_SECONDS) -> AreaConnection:
    """Open for reading, in autocommit, without leaving any trace beside the file.

    A journal that a dead writer left behind (or a WAL database that nobody has open) is copied
    together with the database to a private directory and read there; `note` then says so.

    Raises:
        MissingError: there is no such file.
        AreaBusyError: it stayed locked for `busy_seconds`, or changed while it was copied.
        AreaUnreadableError: not readable, not a database, truncated or damaged.
    """
    with _file_errors(path):
        _regular(path)
        with path.open("rb") as file:
            header = file.read(_HEADER_BYTES)
    if header and not header.startswith(_MAGIC):
        raise AreaUnreadableError(f"{path}: not a SQLite database", "is it the right file?")
    with area_errors(path):
        if header[18:20].count(_WAL_FORMAT) and not _has_wal_open(path):
            note = "uses a write-ahead log that nobody has open; a copy was read"
            return _open_copy(path, ("-wal",), note, busy_seconds)
        connection = _connect(_uri(path, "ro"), busy_seconds, path)
        try:
            connection.execute("SELECT 1 FROM sqlite_master LIMIT 1").fetchone()
        except sqlite3.OperationalError as error:
            connection.close()
            code = getattr(error, "sqlite_errorcode", 0)
            if code not in _NEEDS_RECOVERY and code != sqlite3.SQLITE_CANTOPEN:
                raise
            note = "a writer died and left its journal; a repaired copy was read"
            return _open_copy(path, ("-journal", "-wal"), note, busy_seconds)
        except BaseException:
            connection.close()
            raise
        return connection


@contextmanager
def reading(path: Path, *, busy_seconds: float = BUSY_SECONDS) -> Iterator[AreaConnection]:
    """`open_read_only` for a block; SQLite's errors inside become AreaBusy or AreaUnreadable."""
    connection = open_read_only(path, busy_seconds=busy_seconds)
    try:
        with area_errors(path):
            yield connection
    finally:
        connection.close()


def open_for_writing(path: Path, *, busy_seconds: float = BUSY_SECONDS) -> AreaConnection:
    """Open an existing database for writing: autocommit (say BEGIN IMMEDIATE), synchronous FULL.

    The journal mode stays as it is: rollback, for every database that mtsite writes to.

    Raises:
        MissingError: there is no such file.
        AreaBusyError: it stayed locked for `busy_seconds`.
        AreaUnreadableError: not writable, not a database, truncated or damaged.
    """
    with _file_errors(path):
        _regular(path)
        if not os.access(path, os.W_OK) or not os.access(path.parent, os.W_OK):
            raise PermissionError(13, "no right to write the file or its directory")
    with area_errors(path):
        connection = _connect(_uri(path, "rw"), busy_seconds, path)
        try:
            connection.execute("PRAGMA synchronous = FULL")
            connection.execute("SELECT 1 FROM sqlite_master LIMIT 1").fetchone()
        except sqlite3.Error:
            connection.close()
            raise
        return connection


@contextmanager
def area_errors(path: Path) -> Iterator[None]:
    """SQLite's errors in the block become errors that name the file and what to do.

    Raises:
        AreaBusyError: locked, or a writer died while it was read.
        AreaUnreadableError: not a database, damaged, not readable, or a query it can't answer.
    """
    try:
        yield
    except sqlite3.Error as error:
        code = getattr(error, "sqlite_errorcode", 0)
        if code & 0xFF in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}:
            holders = lock_holders(path)
            by_whom = f", by {holders}" if holders else ""
            why = "" if str(error) == "database is locked" else f" ({error})"
            message = f"{path}: the database is locked{by_whom}{why}"
            raise AreaBusyError(message, "run again later, when its writer has finished") from error
        if code in _NEEDS_RECOVERY:
            message = f"{path}: a writer died while the database was read ({error})"
            raise AreaBusyError(message, "run again: a repaired copy will be read") from error
        message = f"{path}: {error}"
        raise AreaUnreadableError(message, _advice(code & 0xFF, path)) from error
    except UnicodeDecodeError as error:
        # What SQLite says of a damaged schema quotes it as it is, and Python takes it for UTF-8.
        message = f"{path}: malformed: names in it are not UTF-8"
        raise AreaUnreadableError(message, _advice(sqlite3.SQLITE_CORRUPT, path)) from error


def is_damage(error: sqlite3.Error) -> bool:
    """Whether an error speaks of a damaged page: other rows of the file may still be read."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_CORRUPT


def _advice(code: int, path: Path) -> str:
    if code == sqlite3.SQLITE_NOTADB:
        return "is it the right file?"
    if code == sqlite3.SQLITE_CORRUPT:
        return f"see `sqlite3 {path} 'PRAGMA quick_check'`; Megatest's -cleanup-db rebuilds it"
    return "see `mtsite doctor`"


@contextmanager
def _file_errors(path: Path) -> Iterator[None]:
    try:
        yield
    except FileNotFoundError as error:
        raise MissingError(f"{path}: no such file", "is the area's path right?") from error
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        message = f"{path}: can't be read: {reason}"
        raise AreaUnreadableError(message, f"see `ls -l {path}`") from error


def _regular(path: Path) -> os.stat_result:
    status = path.stat()
    if not stat.S_ISREG(status.st_mode):
        raise OSError(f"not a regular file: {stat.filemode(status.st_mode)}")
    return status


def _side_mark(path: Path, suffix: str) -> tuple[int, int] | None:
    try:
        status = path.with_name(path.name + suffix).stat()
    except FileNotFoundError:
        return None
    return status.st_size, status.st_mtime_ns


def _uri(path: Path, mode: str) -> str:
    # An empty authority, so that a path which begins with two slashes stays one path.
    return f"file://{quote(os.fsencode(path.absolute()))}?mode={mode}"


def _connect(uri: str, busy_seconds: float, path: Path) -> AreaConnection:
    connection: Any = sqlite3.connect(
        uri, uri=True, timeout=busy_seconds, isolation_level=None, factory=AreaConnection
    )
    connection.path = path
    connection.text_factory = decode
    # Nothing in a stranger's schema may run code, and no temporary file is needed.
    connection.execute("PRAGMA trusted_schema = OFF")
    connection.execute("PRAGMA temp_store = MEMORY")
    assert isinstance(connection, AreaConnection)
    return connection


def _has_wal_open(path: Path) -> bool:
    return all(path.with_name(path.name + suffix).exists() for suffix in ("-wal", "-shm"))


def _open_copy(
    path: Path, suffixes: tuple[str, ...], note: str, busy_seconds: float
) -> AreaConnection:
    for _attempt in range(COPY_ATTEMPTS):
        before = mark(path)
        copy = tempfile.TemporaryDirectory(prefix="mtsite-", ignore_cleanup_errors=True)
        try:
            target = Path(copy.name) / "copy.db"
            _copy_files(path, target, suffixes)
            if mark(path) == before:
                connection = _connect(_uri(target, "rw"), busy_seconds, path)
                connection.keep(copy, f"{path.name} {note}")
                connection.execute("SELECT 1 FROM sqlite_master LIMIT 1").fetchone()
                connection.execute("PRAGMA query_only = ON")
                return connection
        except FileNotFoundError:
            pass  # a journal went away while it was copied: somebody repaired the database
        except BaseException:
            copy.cleanup()
            raise
        copy.cleanup()
    message = f"{path}: it changed during each of {COPY_ATTEMPTS} attempts to copy it"
    raise AreaBusyError(message, "run again later")


def _copy_files(path: Path, target: Path, suffixes: tuple[str, ...]) -> None:
    with _file_errors(path):
        shutil.copyfile(path, target)
    for suffix in suffixes:
        side = path.with_name(path.name + suffix)
        if side.exists():
            shutil.copyfile(side, target.with_name(target.name + suffix))
