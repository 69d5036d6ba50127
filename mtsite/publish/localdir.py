"""A directory as destination: for a web server, a shared disk, a look before the bucket.

Files appear whole or not at all, are on disk when `put` returns, and never leave the directory, not
even through a symbolic link in it. Content is stored plain: a web server would not say "gzip".
"""

import errno
import hashlib
import os
import stat
import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO
from urllib.parse import unquote, urlsplit

from mtsite import atomicfile, lock
from mtsite.config import PublishConfig
from mtsite.errors import DestinationError
from mtsite.publish.destination import ABSENT, Found, PreconditionFailed, Source, Stored, Tag
from mtsite.publish.headers import Headers

_OWN_PREFIXES = (atomicfile.TEMPORARY_PREFIX, ".mtsite-")
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

    def __init__(self, url: str, settings: PublishConfig) -> None:
        del settings
        place = unquote(urlsplit(url).path) if url.startswith("file://") else url
        self.root = Path(os.path.realpath(Path(place).expanduser()))
        self.name = str(self.root)
        self.requests: Counter[str] = Counter()
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

    def put(
        self, path: str, source: Source, headers: Headers, *, only_if: Tag | None = None
    ) -> Tag:
        """Write the file; headers are the web server's affair."""
        del headers
        self._count("PUT")
        with self._told(path):
            place = self._place(path)
            if only_if is None:
                return _write(place, source)
            # What a bucket does by If-Match: nobody writes between the look and the rename.
            with lock.hold(self.root, _LOCK, "mtsite publish", wait_seconds=_LOCK_SECONDS):
                content = self._read(place)
                if (ABSENT if content is None else _tag(content)) != only_if:
                    raise PreconditionFailed(path)
                return _write(place, source)

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
                    yield Stored(path, place.lstat().st_size)

    def close(self) -> None:
        """Nothing to let go of."""

    def _count(self, kind: str) -> None:
        with self._counting:
            self.requests[kind] += 1

    def _place(self, path: str) -> Path:
        segments = path.split("/")
        if not all(segments) or {".", ".."} & set(segments) or "\0" in path:
            raise DestinationError(f"{path!r} can't be a path below {self.root}")
        place = self.root.joinpath(*segments)
        self._confine(place.parent, path)
        return place

    def _confine(self, directory: Path, path: str) -> None:
        if directory in self._confined:
            return
        real = Path(os.path.realpath(directory))
        if real != self.root and self.root not in real.parents:
            raise DestinationError(
                f"{path} would lie outside {self.root}: {directory} leads to {real}",
                "remove that symbolic link",
            )
        if directory.is_dir():
            self._confined.add(directory)

    def _read(self, place: Path) -> bytes | None:
        try:
            descriptor = os.open(place, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        except (FileNotFoundError, NotADirectoryError):
            return None
        with os.fdopen(descriptor, "rb") as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise OSError(errno.EINVAL, "not a regular file")
            return file.read()

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


def _write(place: Path, source: Source) -> Tag:
    if isinstance(source, bytes):
        atomicfile.write_durable(place, source)
        return _tag(source)
    source.seek(0)
    atomicfile.copy_durable(place, source)
    source.seek(0)
    return _tag_of_file(source)


def _tag(content: bytes) -> Tag:
    return hashlib.sha256(content).hexdigest()


def _tag_of_file(source: BinaryIO) -> Tag:
    hasher = hashlib.sha256()
    while chunk := source.read(1 << 20):
        hasher.update(chunk)
    return hasher.hexdigest()
