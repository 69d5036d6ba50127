"""How much room runs will need where they go."""

import os
import sqlite3
from pathlib import Path

from mtsite.errors import DestinationError

_SPARE = 4 << 20


def bytes_of_tests(connection: sqlite3.Connection, tests: int) -> int:
    """About how many bytes so many tests of a database take with all their rows."""
    pages, size, free = (
        int(connection.execute(f"PRAGMA {name}").fetchone()[0])
        for name in ("page_count", "page_size", "freelist_count")
    )
    (number,) = connection.execute("SELECT count(*) FROM tests").fetchone()
    return (pages - free) * size * tests // max(1, int(number))


def check_room(path: Path, needed_bytes: int) -> None:
    """Make sure that a file may grow by so much, and its journal with it.

    Raises:
        DestinationError: it may not; says what there is and what is needed.
    """
    there = os.statvfs(path.parent)
    free = there.f_bavail * there.f_frsize
    # Copies, indexes that grow, and the pages that a transaction saves in the journal.
    needed = needed_bytes * 5 // 4 + _SPARE
    if free < needed:
        raise DestinationError(
            f"{path}: about {needed >> 20} MiB are needed, {free >> 20} MiB are free;"
            " nothing was moved",
            f"make room, see `df {path.parent}`; or choose fewer runs",
        )
