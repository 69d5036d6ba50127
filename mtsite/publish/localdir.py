"""A directory as destination: for a web server, a shared disk, a look before the bucket.

Files appear whole or not at all and never leave the directory, not even through a symbolic link in
it. They reach the disk by one `flush` for many: to wait for each takes longer than all else.
Content is stored plain: a web server would not say "gzip".
"""

import ctypes
import errno
import hashlib
import os
import secrets
import stat
import threading
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO
from urllib.parse import unquote, urlsplit

from mtsite import atomicfile, lock
from mtsite.config import PublishConfig
from mtsite.errors import BusyError, DestinationError, MtsiteError
from mtsite.publish.destination import (
    ABSENT,
    Found,
    PreconditionFailed,
    Source,
    Stored,
    Tag,
    UnwritableError,
    copy_into,
    size_of,
)
from mtsite.publish.headers import Headers

_OWN_PREFIXES = (atomicfile.TEMPORARY_PREFIX, ".mtsite-")
_BOOT = Path("/proc/sys/kernel/random/boot_id")
_LOCK = ".mtsite-root"
_LOCK_SECONDS = 30
_REASONS = {
    errno.ENOSPC: ("no space left on the device", "free some space, then publish again"),
    errno.EDQUOT: ("the disk quota is used up", "free some space, then publish again"),
    errno.EACCES: ("permission denied", "let the user who publishes write there"),
    errno.EPERM: ("permission denied", "let the user who publishes write there"),
    errno.EROFS: ("the file system is read-only", "mount it writable, or publish elsewhere"),
}


class LocalDir:
    """One directory; made when the first file is put."""

    keeps_headers = False
    deletes_at_once = 1
    keeps_conditions: bool | None = True

    def __init__(self, url: str, settings: PublishConfig) -> None:
        del settings
        place = unquote(urlsplit(url).path) if url.startswith("file://") else url
        self.root = Path(os.path.realpath(Path(place).expanduser()))
        self.name = str(self.root)
        self.epoch = _boot()
        self.requests: Counter[str] = Counter()
        self.sent: Counter[str] = Counter()
        self._counting = threading.Lock()
        self._confined: set[Path] = set()

    def get(self, path: str, *, unless: Tag = "") -> Found | None:
        """The file's content; its tag is the SHA-256 of it."""
        self._count("GET")
        with self._told(path):
            content = self._read(self._place(path))
        if content is None:
            return None
        tag = _tag(content)
        return Found(b"", tag, unchanged=True) if tag == unless else Found(content, tag)

    def fetch(self, path: str, into: BinaryIO) -> bool:
        """The file's content."""
        self._count("GET")
        try:
            with self._told(path), self._open(self._place(path)) as file:
                if file is not None:
                    copy_into(file.read, into)
                return file is not None
        except UnwritableError as unwritable:
            raise unwritable.error from None

    def put(
        self, path: str, source: Source, headers: Headers, *, only_if: Tag | None = None
    ) -> Tag:
        """Write the file; headers are the web server's affair."""
        del headers
        self._count("PUT", size_of(source))
        with self._told(path):
            place = self._place(path)
            self._make(place.parent, path)
            if only_if is None:
                return _write(place, source, durable=False)
            # What a bucket does by If-Match: nobody writes between the look and the rename.
            with self._alone():
                content = self._read(place)
                if (ABSENT if content is None else _tag(content)) != only_if:
                    raise PreconditionFailed(path)
                return _write(place, source, durable=True)

    def requests_of_put(self, size: int) -> Mapping[str, int]:
        """A file is one, however large."""
        del size
        return {"PUT": 1}

    def rest_of_put(self, path: str, source: Source) -> tuple[Mapping[str, int], int]:
        """The whole of it."""
        del path
        return {"PUT": 1}, size_of(source)

    def tag_of(self, source: Source) -> Tag:
        """The digest of the content."""
        return _tag(source) if isinstance(source, bytes) else _tag_of_file(source)

    def flush(self) -> None:
        """Wait until the file system of this directory has written all that it was given."""
        with self._told("."):
            if self.root.exists():
                _sync_file_system(self.root)

    def delete(self, paths: Sequence[str]) -> None:
        """Remove files, and directories that are empty then."""
        for path in paths:
            self._count("DELETE")
            with self._told(path):
                place = self._place(path)
                place.unlink(missing_ok=True)
                self._remove_empty(place.parent)

    def list(self, prefix: str = "") -> Iterator[Stored]:
        """Every file below the root whose path starts with a prefix."""
        self._count("LIST")
        for directory, _, names in os.walk(self.root):
            for name in names:
                place = Path(directory, name)
                path = place.relative_to(self.root).as_posix()
                if path.startswith(prefix) and not name.startswith(_OWN_PREFIXES):
                    with suppress(FileNotFoundError):  # another publisher deletes
                        yield Stored(path, place.lstat().st_size)

    def address_of(self, path: str) -> str:
        """The file's own path: which web server shows it is not known here."""
        return str(self.root / path)

    def close(self) -> None:
        """Nothing to let go of."""

    @contextmanager
    def _alone(self) -> Iterator[None]:
        try:
            with lock.hold(self.root, _LOCK, "mtsite publish", wait_seconds=_LOCK_SECONDS):
                yield
        except BusyError:
            raise
        except MtsiteError as error:
            raise DestinationError(error.message, error.hint or "look at the directory") from error

    def _count(self, kind: str, size: int = 0) -> None:
        with self._counting:
            self.requests[kind] += 1
            self.sent[kind] += size

    def _place(self, path: str) -> Path:
        segments = path.split("/")
        if not all(segments) or {".", ".."} & set(segments) or "\0" in path:
            raise DestinationError(f"{path!r} can't be a path below {self.root}")
        place = self.root.joinpath(*segments)
        self._confine(place.parent, path)
        return place

    def _confine(self, directory: Path, path: str) -> None:
        """Refuse a directory that a symbolic link leads out of the root; it need not exist."""
        if directory in self._confined or directory == self.root:
            return
        self._confine(directory.parent, path)
        try:
            found = directory.lstat()
        except (FileNotFoundError, NotADirectoryError):
            return
        if stat.S_ISLNK(found.st_mode):
            real = Path(os.path.realpath(directory))
            if self.root not in real.parents:
                raise DestinationError(
                    f"{path} would lie outside {self.root}: {directory} leads to {real}",
                    "remove that symbolic link",
                )
        self._confined.add(directory)

    def _make(self, directory: Path, path: str) -> None:
        if directory in self._confined:
            return
        if directory == self.root:
            directory.mkdir(parents=True, exist_ok=True)
            return
        self._make(directory.parent, path)
        try:
            directory.mkdir()
        except FileExistsError:
            # Another thread, or another program: whatever lies there now is looked at.
            self._confine(directory, path)
        else:
            self._confined.add(directory)

    def _read(self, place: Path) -> bytes | None:
        with self._open(place) as file:
            return None if file is None else file.read()

    @contextmanager
    def _open(self, place: Path) -> Iterator[BinaryIO | None]:
        try:
            descriptor = os.open(place, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        except FileNotFoundError:
            yield None
            return
        except NotADirectoryError:
            if not self.root.is_dir():
                raise
            yield None
            return
        # Not by os.fdopen: it leaves the descriptor of a directory open.
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            os.close(descriptor)
            raise OSError(errno.EINVAL, "not a regular file")
        with os.fdopen(descriptor, "rb") as file:
            yield file

    def _remove_empty(self, directory: Path) -> None:
        while directory != self.root and self.root in directory.parents:
            self._confined.discard(directory)
            try:
                directory.rmdir()
            except OSError:
                return
            directory = directory.parent

    @contextmanager
    def _told(self, path: str) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            told = error.strerror or str(error)
            reason, hint = _REASONS.get(error.errno or 0, (told, "look at the directory"))
            raise DestinationError(f"{self.root}: {path}: {reason}", hint) from error


def _write(place: Path, source: Source, *, durable: bool) -> Tag:
    if isinstance(source, bytes):
        (atomicfile.write_durable if durable else atomicfile.write)(place, source)
        return _tag(source)
    source.seek(0)
    atomicfile.copy_durable(place, source)
    source.seek(0)
    return _tag_of_file(source)


def _sync_file_system(root: Path) -> None:
    syncfs = getattr(ctypes.CDLL(None, use_errno=True), "syncfs", None)
    if syncfs is None:
        os.sync()
        return
    descriptor = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        if syncfs(descriptor) != 0:
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number))
    finally:
        os.close(descriptor)


def _boot() -> str:
    """What tells this start of the machine from the next; where unknown, new every time."""
    try:
        return _BOOT.read_text(encoding="ascii").strip()
    except OSError:
        return secrets.token_hex(8)


def _tag(content: bytes) -> Tag:
    return hashlib.sha256(content).hexdigest()


def _tag_of_file(source: BinaryIO) -> Tag:
    source.seek(0)
    hasher = hashlib.sha256()
    while chunk := source.read(1 << 20):
        hasher.update(chunk)
    return hasher.hexdigest()
