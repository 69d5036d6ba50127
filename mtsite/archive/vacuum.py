"""Giving back the room that runs have left, in a quiet hour."""

from pathlib import Path

from msgspec import Struct

from mtsite.archive.opening import QUIET_SECONDS
from mtsite.megatest.activity import read_run_rows
from mtsite.megatest.area import Area
from mtsite.megatest.caches import living_server
from mtsite.megatest.database import area_errors, open_for_writing, reading
from mtsite.megatest.room import check_room

_INCREMENTAL = 2


class Vacuumed(Struct, frozen=True):
    """The size of a database in bytes before and after; `why_not` says why it was left alone."""

    path: Path
    before: int
    after: int
    why_not: str = ""


def vacuum(area: Area, now: int) -> Vacuumed:
    """Shrink the live database of an area to what is in it, if nobody works there.

    Raises:
        DestinationError: no room for the copy that SQLite makes.
        AreaBusyError, AreaUnreadableError: as for any write.
    """
    path = area.live
    before = path.stat().st_size
    if why_not := _why_not(area, now):
        return Vacuumed(path, before, before, why_not)
    check_room(path, before)
    connection = open_for_writing(path)
    try:
        with area_errors(path):
            (mode,) = connection.execute("PRAGMA auto_vacuum").fetchone()
            # A script and not a statement: a statement is stepped once, which frees one page.
            connection.executescript("PRAGMA incremental_vacuum" if mode == _INCREMENTAL
                                     else "VACUUM")  # fmt: skip
    finally:
        connection.close()
    return Vacuumed(path, before, path.stat().st_size)


def _why_not(area: Area, now: int) -> str:
    if log := living_server(area.path, now):
        return f"a Megatest server is alive ({log} was just touched)"
    with reading(area.live) as connection:
        newest = max((run.activity or 0 for run in read_run_rows(connection)), default=0)
    if 0 <= now - newest < QUIET_SECONDS:
        return "its runs changed within half an hour"
    return ""
