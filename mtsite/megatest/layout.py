"""Which databases an area has and where they lie, told by the files that are there; opens none.

<area>/megatest.db               one database with all rows (G1, G4); steps elsewhere (G2)
/tmp/<user>/megatest_localdb/…   the live copy of it on its homehost (G4)
<dbdir>/main.db, <run id>.db     runs here, what is below each there (G3); megatest.db a copy
<area>/.mtdb/main.db, *.db       the same, several runs to a file (G5)
<area>/completed-runs.db         what `reduce` moved
"""

import os
import pwd
import re
import stat
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path

from msgspec import Struct

from mtsite.errors import MissingError
from mtsite.megatest.caches import cache_databases, is_this_host, owner_of
from mtsite.megatest.database import DatabaseMark, mark

DATABASE_NAME = "megatest.db"
COMPLETED_NAME = "completed-runs.db"
MAIN_NAME = "main.db"
MTDB_NAME = ".mtdb"
TMP = Path("/tmp")

_NO_PART = frozenset({MAIN_NAME, "no-sync.db", "monitor.db"})
_NUMBERED = re.compile(r"[0-9]+\.db")


class Layout(Struct, frozen=True):
    """The databases of an area as they lie there now.

    `live` is megatest.db, or the /tmp cache of it where that is newer. `main` has the runs, and
    `parts` what is below them, where an area is split; `nested`: they lie in .mtdb. `unread` are
    caches in /tmp that belong to somebody else or may not be read. `problems` name directories
    that could not be looked into.
    """

    live: Path | None = None
    main: Path | None = None
    parts: tuple[Path, ...] = ()
    nested: bool = False
    completed: Path | None = None
    unread: tuple[Path, ...] = ()
    problems: tuple[str, ...] = ()

    @property
    def with_runs(self) -> tuple[Path, ...]:
        """The databases that have rows of runs, the most trusted first."""
        return tuple(path for path in (self.main, self.live, self.completed) if path is not None)


def find_layout(area: Path, testsuite: str, dbdir: Path | None, *, tmp: Path = TMP) -> Layout:
    """Look at an area. `dbdir` is where G3 put its databases; `tmp` where caches lie (/tmp)."""
    live, completed = area / DATABASE_NAME, area / COMPLETED_NAME
    problems: list[str] = []
    found = Layout()
    for directory in (area / MTDB_NAME, dbdir):
        if directory is None:
            continue
        try:
            found = _split(directory, area, nested=directory.name == MTDB_NAME)
        except OSError as error:
            problems.append(
                f"{directory}: {error.strerror}: the databases there, if any, are not read"
            )
        problems += found.problems
        if found.main is not None:
            break
    newest = None
    if live.exists():
        newest = cache_of(area, testsuite, live, tmp) or live
    return Layout(
        live=newest,
        main=found.main,
        parts=found.parts,
        nested=found.nested,
        completed=completed if completed.exists() else None,
        unread=tuple(_unread(area, tmp)) if newest is not None else (),
        problems=tuple(problems),
    )


def cache_of(area: Path, testsuite: str, live: Path, tmp: Path) -> Path | None:
    """The owner's cache of the area's database on this host, if it is there and newer.

    Another user could have put a file at that place: only one that the area's owner owns counts.
    """
    owner = _owner(area)
    if owner is None:
        return None
    for cache in _places(area, owner[1], testsuite, tmp):
        try:
            status = cache.lstat()
            if not stat.S_ISREG(status.st_mode) or status.st_uid != owner[0]:
                continue
            if _newest(mark(cache)) > _newest(mark(live)):
                return cache
        except (OSError, MissingError):
            continue
    return None


def what_is_newer(area: Path, layout: Layout, homehost: str) -> list[str]:
    """What a reader should know of databases that may be ahead of those that are read."""
    said: list[str] = []
    if layout.main is None and layout.live == area / DATABASE_NAME and not is_this_host(homehost):
        said.append(
            f"the homehost of this area is {homehost}, another host than this one. What is read is"
            f" {layout.live} as it was last synchronised, {_written(layout.live)}: it may be"
            " behind the live database in /tmp there"
        )
    for cache in layout.unread:
        user = owner_of(cache)
        if os.access(cache, os.R_OK):
            said.append(f"{cache} belongs to {user}, not to the owner of the area: it is not read")
        else:
            said.append(f"{cache}, a live copy of {user}, may not be read: it may be ahead")
    return said


def _unread(area: Path, tmp: Path) -> Iterator[Path]:
    """Caches of the area on this host that are passed over, whatever their age."""
    owner = _owner(area)
    for cache in cache_databases(area, tmp):
        trusted = owner is not None and cache.stat().st_uid == owner[0]
        if cache.name == DATABASE_NAME and not (trusted and os.access(cache, os.R_OK)):
            yield cache


def _written(path: Path) -> str:
    when = datetime.fromtimestamp(path.stat().st_mtime, UTC)
    return when.strftime("%Y-%m-%d %H:%M UTC")


def _split(directory: Path, area: Path, *, nested: bool) -> Layout:
    main = directory / MAIN_NAME
    try:
        main.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return Layout()
    parts = [path for path in directory.iterdir() if _is_part(path.name, nested=nested)]
    parts.sort(key=lambda path: (len(path.name), path.name))
    # Whoever may run tests may write here, and must not have other areas' rows shown as these.
    outside = [path for path in (main, *parts) if _leads_out(path, (directory, area))]
    return Layout(
        main=None if main in outside else main,
        parts=tuple(path for path in parts if path not in outside),
        nested=nested,
        problems=tuple(
            f"{path} is a link that leads out of {directory}: unread" for path in outside
        ),
    )


def _leads_out(path: Path, roots: Iterable[Path]) -> bool:
    if not path.is_symlink():
        return False
    return not any(path.resolve().is_relative_to(root.resolve()) for root in roots)


def _is_part(name: str, *, nested: bool) -> bool:
    if nested:
        return name.endswith(".db") and name not in _NO_PART and not name.startswith(".")
    return _NUMBERED.fullmatch(name) is not None


def _places(area: Path, user: str, testsuite: str, tmp: Path) -> Iterator[Path]:
    for place in dict.fromkeys((area, area.resolve())):
        directory = tmp / user / "megatest_localdb" / testsuite / str(place).replace("/", ".")
        yield directory / DATABASE_NAME


def _owner(area: Path) -> tuple[int, str] | None:
    """The user id and name of whom an area belongs to."""
    try:
        number = area.stat().st_uid
        return number, pwd.getpwuid(number).pw_name
    except (KeyError, OSError):
        return None


def _newest(seen: DatabaseMark) -> int:
    """The newest mtime (ns) of a database and its journals, as Megatest compares them."""
    return max(seen.mtime_ns, *(side[1] for side in (seen.journal, seen.wal) if side), 0)
