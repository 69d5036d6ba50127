"""From where to where runs move, and on whose behalf; errors of the archive in words."""

import os
import pwd
import socket
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from msgspec import Struct, field

from mtsite.errors import BusyError, ConflictError, DestinationError
from mtsite.megatest.caches import living_server, owner_of
from mtsite.megatest.compare import attach
from mtsite.megatest.database import area_errors, open_for_writing
from mtsite.megatest.letgo import Leave
from mtsite.megatest.shape import read_shapes
from mtsite.megatest.transfer import Store

Checkpoint = Callable[[str], None]
"""Called with the name of a step that is now on disk; tests die here."""


def ignore(step: str) -> None:
    """The checkpoint of everyday."""


class Watch(Struct):
    """Looks out for a Megatest server of an area: one may bring back rows that were let go.

    `server` is the log of the last one that was seen alive, None while there was none. `now` is
    when the moving began, in Unix seconds.
    """

    area_path: Path
    now: int
    server: Path | None = None

    def look(self) -> None:
        """Look once more."""
        self.server = living_server(self.area_path, self.now) or self.server


class Route(Struct, frozen=True):
    """One way that runs go, with its databases open.

    `area` is the name of the source's area. `caches` are the copies of the source in /tmp, in the
    order in which rows must go there. `now` is in Unix seconds.
    """

    area: str
    keys: tuple[str, ...]
    source: Store
    caches: tuple[Store, ...]
    archive: Store
    who: str
    host: str
    now: int
    watch: Watch
    leave: Leave = field(default_factory=Leave)

    @property
    def stores(self) -> tuple[Store, ...]:
        """The source, and the caches that hold more of it."""
        return (self.source, *self.caches)


def user_name() -> str:
    """Who is moving, as written into notes."""
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return str(os.getuid())


def host_name() -> str:
    """Where, as written into notes."""
    return socket.gethostname()


@contextmanager
def open_store(path: Path) -> Iterator[Store]:
    """An existing database, open for writing for the time of a block.

    Raises:
        As `open_for_writing`.
    """
    connection = open_for_writing(path)
    try:
        with area_errors(path):
            shapes = read_shapes(connection)
        yield Store(path, connection, shapes)
    finally:
        connection.close()


@contextmanager
def open_cache(path: Path) -> Iterator[Store]:
    """A cache in /tmp, open for writing for the time of a block.

    Raises:
        BusyError: it belongs to somebody else and can't be written; says to whom.
    """
    if not all(os.access(one, os.W_OK) for one in (path, path.parent)):
        owner = owner_of(path)
        raise BusyError(
            f"{path} belongs to {owner} and can't be written:"
            " what it holds would come back into megatest.db",
            f"ask {owner} to remove {path.parent} when no runs are going on, or to run this",
        )
    with open_store(path) as store:
        yield store


def attach_archive(stores: tuple[Store, ...], archive: Path) -> None:
    """Let each of these compare its rows with the archive's file."""
    for store in stores:
        with area_errors(store.path):
            attach(store, archive)


@contextmanager
def archive_errors(path: Path) -> Iterator[None]:
    """Errors of writing the archive, in words that say what to do.

    Raises:
        DestinationError: no room, an I/O error, or no right to write.
        AreaBusyError, AreaUnreadableError: as for any database.
        ConflictError: a constraint of the archive refused a row.
    """
    try:
        with area_errors(path):
            try:
                yield
            except sqlite3.IntegrityError as error:
                message = f"{path}: a row is refused: {error}; the source is kept"
                raise ConflictError(message, "see `mtsite archive verify`") from error
            except sqlite3.OperationalError as error:
                code = getattr(error, "sqlite_errorcode", 0) & 0xFF
                if code not in {sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_READONLY}:
                    raise
                raise _no_room(path, str(error)) from error
    except OSError as error:
        raise _no_room(path, error.strerror or str(error)) from error


def _no_room(path: Path, reason: str) -> DestinationError:
    return DestinationError(
        f"{path} can't be written: {reason}; no run was lost",
        f"see `df {path.parent}` and the rights of that directory, then run again",
    )
