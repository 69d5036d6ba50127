"""Files that are never seen half-written: a temporary file beside, then a rename.

`write` is for what can be built again (pages): a crash of the machine may lose the newest files,
never mix two. `write_durable` and `copy_durable` return when file and directory are on disk.
Temporary files are named `.tmp-…`, a name that no page can have.
"""

import contextlib
import itertools
import os
import secrets
import shutil
import stat
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO

from mtsite.refused import name_file

TEMPORARY_PREFIX = ".tmp-"
_numbers = itertools.count(secrets.randbits(40))
"""Workers of two hosts may have one pid, and write into one directory."""

_NEW = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC
# mkstemp would make files private to their owner; a page is as public as the umask says.


def write(path: Path | str, content: bytes, *, new: bool = False) -> bool:
    """Put content at path, making parent directories; False when it already held these bytes.

    A file that holds the same bytes is left untouched, so that its time stamp tells when the
    content changed. A symbolic link or special file at path is replaced, not followed. `new`:
    neither the file nor its directory is likely to be there; then both take less time.
    """
    name = os.fspath(path)
    if not (new and _made(name.rpartition("/")[0])) and _holds(name, content):
        return False
    _put(name, content)
    return True


def write_durable(path: Path, content: bytes) -> bool:
    """The same, but content and name have reached the disk when it returns."""
    if _holds(os.fspath(path), content):
        # An earlier call may have died between its rename and the flush of the directory.
        _flush(path)
        _flush(path.parent)
        return False
    _replace(path, lambda file: file.write(content))
    return True


def copy_durable(path: Path, source: BinaryIO) -> None:
    """Put the rest of an open file at path, however large, on disk when it returns."""
    _replace(path, lambda file: shutil.copyfileobj(source, file, 1 << 20))


@contextlib.contextmanager
def draft(directory: Path) -> Iterator["Draft"]:
    """A file to write and read whose name is known only when it is done; gone unless kept."""
    path = directory / f"{TEMPORARY_PREFIX}{os.getpid()}-{next(_numbers)}"
    directory.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, _NEW & ~os.O_WRONLY | os.O_RDWR, 0o666)
    with os.fdopen(descriptor, "w+b") as file:
        made = Draft(path, file)
        try:
            yield made
        finally:
            with contextlib.suppress(FileNotFoundError):
                path.unlink()


class Draft:
    """A file of `draft` while it is open."""

    def __init__(self, path: Path, file: BinaryIO) -> None:
        self.path = path
        self.file = file

    def keep(self, path: Path) -> None:
        """Give it its name, making parent directories; what had the name before is replaced."""
        self.file.flush()
        path.parent.mkdir(parents=True, exist_ok=True)
        self.path.replace(path)


def _holds(name: str, content: bytes) -> bool:
    try:
        found = os.lstat(name)
    except (FileNotFoundError, NotADirectoryError):
        return False
    if not stat.S_ISREG(found.st_mode) or found.st_size != len(content):
        return False
    return Path(name).read_bytes() == content


def _made(directory: str) -> bool:
    """Whether this call made the directory: then there is nothing in it to look at."""
    try:
        os.mkdir(directory)  # noqa: PTH102  # as in _put
    except OSError:
        return False
    return True


def _put(name: str, content: bytes) -> None:
    # A build puts tens of thousands of small files: plain calls, no objects of pathlib and io.
    directory = name.rpartition("/")[0] or "."
    temporary = f"{directory}/{TEMPORARY_PREFIX}{os.getpid()}-{next(_numbers)}"
    try:
        try:
            descriptor = os.open(temporary, _NEW, 0o666)
        except FileNotFoundError:
            _make(directory)
            descriptor = os.open(temporary, _NEW, 0o666)
        try:
            rest = memoryview(content)
            while rest:
                rest = rest[os.write(descriptor, rest) :]
        finally:
            os.close(descriptor)
        os.replace(temporary, name)  # noqa: PTH105  # as above: a string is at hand
    except BaseException as error:
        with contextlib.suppress(OSError):
            Path(temporary).unlink()
        name_file(error, name)
        raise


def _make(directory: str) -> None:
    try:
        os.mkdir(directory)  # noqa: PTH102  # as above
    except FileNotFoundError:
        Path(directory).mkdir(parents=True, exist_ok=True)
    except FileExistsError:
        if not Path(directory).is_dir():
            raise


def _replace(path: Path, fill: Callable[[BinaryIO], object]) -> None:
    temporary = path.parent / f"{TEMPORARY_PREFIX}{os.getpid()}-{next(_numbers)}"
    try:
        with _create(temporary) as file:
            fill(file)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException as error:
        with contextlib.suppress(OSError):
            temporary.unlink()
        name_file(error, path)
        raise
    _flush(path.parent)


def _create(temporary: Path) -> BinaryIO:
    try:
        descriptor = os.open(temporary, _NEW, 0o666)
    except FileNotFoundError:
        _make_directory(temporary.parent)
        descriptor = os.open(temporary, _NEW, 0o666)
    return os.fdopen(descriptor, "wb")


def _make_directory(directory: Path) -> None:
    missing = [directory]
    while not missing[-1].parent.exists():
        missing.append(missing[-1].parent)
    directory.mkdir(parents=True, exist_ok=True)
    for made in missing:
        _flush(made.parent)


def _flush(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
