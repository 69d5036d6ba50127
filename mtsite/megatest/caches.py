"""The copies of an area's database in /tmp on this host, and whether Megatest is at work on it."""

import os
import pwd
import socket
import stat
from contextlib import closing
from glob import escape
from pathlib import Path

CACHE_NAMES = ("megatest.db", "megatest_ref.db")
"""The live database first: a row that is left there alone would come back with the next sync."""

SERVER_SECONDS = 16
"""A server touches its log all the time: one younger than this belongs to a living server."""


def cache_databases(area_path: Path, tmp: Path) -> list[Path]:
    """Every user's cache databases of this area below `tmp`, in the order in which rows must go.

    Links and other than regular files are passed over: anyone may put things into /tmp.
    """
    directories = cache_directories(area_path, tmp)
    paths = [directory / name for name in CACHE_NAMES for directory in directories]
    return [path for path in paths if _is_plain(path)]


def cache_directories(area_path: Path, tmp: Path) -> list[Path]:
    """Every user's cache directory of this area below `tmp`; links are passed over."""
    found = [
        directory
        for place in cache_places(area_path)
        for directory in sorted(tmp.resolve().glob(f"*/megatest_localdb/*/{escape(place)}"))
    ]
    return [one for one in found if one.is_dir() and os.path.realpath(one) == str(one)]


def cache_places(area_path: Path) -> list[str]:
    """What the cache directory of an area is called: its path, every slash a dot."""
    both = (area_path.absolute(), area_path.resolve())
    return list(dict.fromkeys(str(place).replace("/", ".") for place in both))


def owner_of(path: Path) -> str:
    """The name of a file's owner, or its number."""
    uid = path.stat().st_uid
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


def living_server(area_path: Path, now: int) -> Path | None:
    """The log of a Megatest server that is alive at `now` (Unix seconds); None: no server is."""
    for found in sorted(area_path.glob("logs/server-*.log")):
        try:
            touched = found.stat().st_mtime
        except OSError:
            continue
        if now - touched < SERVER_SECONDS:
            return found
    return None


def has_synced(directory: Path, since: float) -> bool:
    """Whether a whole sync of a cache directory began after `since` (Unix seconds) and ended."""
    try:
        started = (directory / ".start-sync").stat().st_mtime
        ended = (directory / ".end-sync").stat().st_mtime
    except OSError:
        return False
    return since < started <= ended


def is_this_host(name: str) -> bool:
    """Whether a homehost entry, a name or an address, means this host; '' means any host."""
    if not name or name in {socket.gethostname(), socket.getfqdn(), "localhost"}:
        return True
    try:
        found = socket.getaddrinfo(name, 0)
    except (OSError, UnicodeError):
        return False
    return any(_is_own_address(family, str(address[0])) for family, *_rest, address in found)


def _is_own_address(family: int, address: str) -> bool:
    """Only an address of this host can be bound; nothing is sent."""
    with closing(socket.socket(family, socket.SOCK_DGRAM)) as probe:
        try:
            probe.bind((address, 0))
        except OSError:
            return False
    return True


def _is_plain(path: Path) -> bool:
    try:
        status = path.lstat()
    except OSError:
        return False
    return stat.S_ISREG(status.st_mode) and os.path.realpath(path) == str(path.absolute())
