"""Open a log: a stream of its text, unpacked, up to a cap, from nothing but a regular file.

Nothing here blocks or raises for what it finds: it becomes a note. A log that grows is read to
where it ends when that is reached; one that shrinks or fails midway is kept as far as it was read.
"""

import contextlib
import errno
import os
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

from mtsite.logs.encoding import HEAD_BYTES, WideText, wide_encoding
from mtsite.logs.unpack import Unpacker, is_packed

OPEN_FLAGS = os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NOCTTY
_KINDS = (
    (stat.S_ISDIR, "a directory"),
    (stat.S_ISFIFO, "a named pipe"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
    (stat.S_ISLNK, "a symbolic link"),
)
_TAIL_BYTES = 1 << 16
"""Where a log must be cut, the place is looked for so far back."""


class OpenLog:
    """A log while it is read. `size` and `mtime_ns` are those of the file when it was opened.

    `refused`: nothing of it can be read, and `note` says why. Otherwise `note` is complete when
    `read` has given nothing more, and then says what is missing.
    """

    def __init__(self, note: str = "", found: os.stat_result | None = None) -> None:
        self.refused = bool(note)
        self.size = found.st_size if found else 0
        self.mtime_ns = found.st_mtime_ns if found else 0
        self._note = note
        self._written = ""
        self._given = 0
        self._held = b""
        self._ended = False
        self._cap = 0
        self._unpacker: Unpacker | None = None
        self._read: Callable[[int], bytes] = lambda size: b""

    @property
    def note(self) -> str:
        """What is missing, and why; '' when nothing is."""
        missing = self._note or (self._unpacker.note if self._unpacker else "")
        return "; ".join(filter(None, (self._written, missing)))

    def start(self, descriptor: int, cap_bytes: int) -> None:
        """Begin to read from an open regular file."""
        self._cap = cap_bytes

        def plain(size: int) -> bytes:
            if self._ended:
                return b""
            try:
                piece = os.read(descriptor, size)
            except OSError as error:
                self._note = f"cut: reading stopped: {why_not(error, '')}"
                piece = b""
            # Whoever reads on asks again and again: the end that was reached once is the end.
            self._ended = not piece
            return piece

        self._read = plain
        # As much as is looked at below: most logs are there with one call.
        self._held = plain(HEAD_BYTES)
        if is_packed(self._held):
            self._unpacker = Unpacker(self._held, plain)
            self._read, self._held = self._unpacker.read, b""
        while len(self._held) < HEAD_BYTES and (more := self._read(HEAD_BYTES - len(self._held))):
            self._held += more
        if encoding := wide_encoding(self._held):
            self._written = f"written in {encoding.upper()}, shown and stored as UTF-8"
            self._read, self._held = WideText(self._held, self._read, encoding).read, b""

    def read(self, size: int) -> bytes:
        """Up to `size` bytes; nothing at the end.

        A text over the cap ends after its last whole line below it, so that no secret is cut in
        two; where that is far, after a blank.
        """
        room = self._cap - _TAIL_BYTES - self._given
        if room > 0:
            piece = self._next(min(size, room))
        elif self._cap > self._given:
            piece = self._tail()
        else:
            piece = b""
        self._given += len(piece)
        return piece

    def _next(self, size: int) -> bytes:
        if held := self._held:
            self._held = held[size:]
            return held[:size]
        return self._read(size)

    def _tail(self) -> bytes:
        """All that is left below the cap."""
        left = self._cap - self._given
        pieces = []
        have = 0
        while have <= left and (piece := self._next(left + 1 - have)):
            pieces.append(piece)
            have += len(piece)
        tail = b"".join(pieces)
        self._cap = 0
        if have <= left:
            return tail
        tail = tail[: _last_line_end(tail[:left])]
        kept = f"cut: the first {self._given + len(tail):,}"
        if self._unpacker:
            form = self._unpacker.form
            self._note = f"{kept} bytes are kept of what {self.size:,} bytes of {form} unpack to"
            self._unpacker = None
        else:
            size = max(self.size, self._given + left + 1)
            self._note = f"{kept} of {size:,} bytes are kept"
        return tail


@contextlib.contextmanager
def open_log(path: Path, cap_bytes: int) -> Iterator[OpenLog]:
    """The text of the log at a resolved path, at most `cap_bytes` of it.

    A symbolic link in the last part of the path is refused, so that nobody can swap one in after
    the path was checked.
    """
    try:
        descriptor = os.open(path, OPEN_FLAGS)
    except (OSError, ValueError) as error:
        yield OpenLog(f"not read: {why_not(error, path.name)}")
        return
    try:
        found = os.fstat(descriptor)
        if stat.S_ISREG(found.st_mode):
            log = OpenLog(found=found)
            log.start(descriptor, cap_bytes)
        else:
            log = OpenLog(f"not read: it is {kind_of_file(found.st_mode)}, not a regular file")
        yield log
    finally:
        os.close(descriptor)


def _last_line_end(content: bytes) -> int:
    """Where to cut: after the last LF, else the last CR, else the last blank, else at the end."""
    for end in (b"\n", b"\r", b" "):
        if (at := content.rfind(end)) >= 0:
            return at + 1
    return len(content)


def why_not(error: Exception, name: str) -> str:
    """Why a file of this name could not be opened or read, in words."""
    if isinstance(error, FileNotFoundError):
        return "it is gone"
    if isinstance(error, OSError) and error.errno == errno.ELOOP:
        return "it is a symbolic link"
    if isinstance(error, OSError) and error.errno in (errno.ENXIO, errno.EOPNOTSUPP):
        return "it is a socket or a device, not a regular file"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror.lower()
    return f"no file can have the name {name!r}"


def kind_of_file(mode: int) -> str:
    """What it is that is no regular file."""
    return next((name for is_kind, name in _KINDS if is_kind(mode)), "something else")
