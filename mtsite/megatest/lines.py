"""A config file's bytes and its logical lines; what may be read at all.

Files are anybody's: only regular ones of bounded size are opened, never waited for, and where the
reader says so only below the directories that it names.
"""

import os
import stat
from collections.abc import Iterator, Sequence
from pathlib import Path

FILE_BYTES = 16 << 20


def is_inside(path: Path, roots: Sequence[Path] | None) -> bool:
    """Whether a file's real path lies below one of the real paths; None allows all."""
    if roots is None:
        return True
    real = Path(os.path.realpath(path))
    return any(real.is_relative_to(root) for root in roots)


def joined(content: str) -> Iterator[tuple[int, str]]:
    """Logical lines, each with the number of its first physical line."""
    parts: list[str] = []
    first = 1
    for number, line in enumerate(content.removesuffix("\n").split("\n"), start=1):
        line = line.removesuffix("\r")
        if not parts:
            first = number
        parts.append(line.removesuffix("\\"))
        if not line.endswith("\\"):
            yield first, "".join(parts)
            parts = []
    if parts:
        yield first, "".join(parts)


def read_regular(path: Path) -> bytes:
    """The bytes of a regular file of bounded size; a FIFO or device is never waited for."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    # Not by os.fdopen: it leaves the descriptor of a directory open.
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise ValueError("it is no regular file")
    with os.fdopen(descriptor, "rb") as opened:
        content = opened.read(FILE_BYTES + 1)
    if len(content) > FILE_BYTES:
        raise ValueError(f"it is larger than {FILE_BYTES >> 20} MiB")
    return content


def reason_of(path: Path, trouble: Exception) -> str:
    """Which file could not be read, and why, for a message."""
    reason = getattr(trouble, "strerror", None) or str(trouble)
    return f"{shown(str(path))} can't be read: {reason}"


def shown(text: str) -> str:
    """A text for a message: short, and printable."""
    return printable(text[:300])


def printable(text: str) -> str:
    """A message without control characters and broken bytes, whatever names it quotes."""
    return "".join(c if c.isprintable() else "\ufffd" for c in text)
