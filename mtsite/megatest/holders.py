"""Who holds a lock on a file, as far as this host tells: Linux lists the locks of its processes."""

import os
import pwd
from collections.abc import Iterator
from pathlib import Path

LOCKS = Path("/proc/locks")


def lock_holders(path: Path, *, locks: Path = LOCKS) -> str:
    """The processes of this host that hold a database, in words; '' where none is known.

    A process on another host that has the file mounted is not seen.
    """
    numbers = sorted({number for one in _files(path) for number in _holders(one, locks)})
    return ", ".join(_named(number) for number in numbers)


def _files(path: Path) -> Iterator[tuple[int, int]]:
    """(device, inode) of a database and of the file that holds the locks of a write-ahead log."""
    for one in (path, path.with_name(f"{path.name}-shm")):
        try:
            status = one.stat()
        except OSError:
            continue
        yield status.st_dev, status.st_ino


def _holders(file: tuple[int, int], locks: Path) -> Iterator[int]:
    """The processes with a lock on a file; lines with an arrow are those that wait for one."""
    device, inode = file
    place = f"{os.major(device):02x}:{os.minor(device):02x}:{inode}"
    try:
        lines = locks.read_text(encoding="ascii", errors="replace").splitlines()
    except OSError:
        return
    for line in lines:
        words = line.split()
        # "1: POSIX ADVISORY WRITE <pid> <device>:<inode> <from> <to>"
        if len(words) >= 6 and words[5] == place and words[4].isdigit() and int(words[4]):
            yield int(words[4])


def _named(number: int) -> str:
    process = Path("/proc", str(number))
    try:
        name = (process / "comm").read_text(encoding="utf-8", errors="replace").strip()
        owner = process.stat().st_uid
    except OSError:
        return f"process {number}"
    try:
        user = pwd.getpwuid(owner).pw_name
    except KeyError:
        user = str(owner)
    return f"process {number} ({name} of {user})"
