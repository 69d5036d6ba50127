"""What the operating system refused: where, and what to do about it."""

import contextlib
import errno
import os
from collections.abc import Iterator
from pathlib import Path

FULL = frozenset({errno.ENOSPC, errno.EDQUOT})
_CLOSED = frozenset({errno.EACCES, errno.EPERM})
_MISSING = frozenset({errno.ENOENT, errno.ENOTDIR})


def what_and_what_next(error: OSError) -> tuple[str, str] | None:
    """A message and a hint; None where neither a place nor the cause is known: that is a bug."""
    if error.filename is None and error.errno not in FULL:
        return None
    hint = _hint(error.errno, error.filename)
    where = "" if error.filename is None else f"{os.fsdecode(error.filename)}: "
    return f"{where}{error.strerror}", hint


def _hint(number: int | None, name: str | bytes | None) -> str:
    place = nearest_directory(Path(os.fsdecode(name or ".")).absolute())
    if number in FULL:
        disk = "`df -h` shows which disk is full" if name is None else f"`df -h {place}`"
        return f"free some space, then run it again: {disk}"
    if number in _CLOSED:
        return f"look at the rights of {place}: `ls -ld {place}`"
    if number == errno.EROFS:
        return f"name another place: the file system of {place} can only be read"
    if number in _MISSING:
        return f"look at the path: of it there is {place}"
    return "-v shows where it happened"


@contextlib.contextmanager
def naming(path: Path) -> Iterator[None]:
    """Name the file in an error that lacks it, as that of a write to a full disk does."""
    try:
        yield
    except OSError as error:
        name_file(error, path)
        raise


def name_file(error: BaseException, path: Path | str) -> None:
    """The same, for an error that is at hand."""
    if isinstance(error, OSError) and error.filename is None and error.errno is not None:
        error.filename = str(path)


def nearest_directory(path: Path) -> Path:
    """The path, if that is a directory, or the nearest above it that is one."""
    return next((each for each in (path, *path.parents) if each.is_dir()), Path("/"))
