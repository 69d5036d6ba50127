"""Files that an item names in JUnit XML: copied beside its logs, if they lie where they may.

`[[ATTACHMENT|path]]` stands in its output, as Jenkins has it, or a property that is called
attachment names the path. A relative one begins at the directory of the XML file. Only a regular
file that really lies below the directory that was given is taken: the XML is not trusted.
"""

import errno
import hashlib
import os
import re
import shutil
import stat
from collections.abc import Iterable
from pathlib import Path
from typing import BinaryIO

from msgspec import Struct, field

from mtsite.junit.read import Item
from mtsite.junit.text import Text

MARK = "[[ATTACHMENT|"
PROPERTY = "attachment"
DIRECTORY = "attachments"
"""Of an item's run directory."""

MOST = 100
LARGEST = 100 << 20
MOST_IN_ALL = 10_000
LARGEST_IN_ALL = 1 << 30
"""Files and bytes of one call: an area's disk is not an artifact store."""

TOLD = 50
SHORT = 40
LONGEST_PATH = 3_000
"""Bytes; systems allow 4,096, and areas are copied to where paths begin longer."""

LONGEST = 1_024
_NAMED = re.compile(r"\[\[ATTACHMENT\|([^\]\r\n]{1,1000})\]\]")
_NO_PLACE = frozenset(
    (errno.ENAMETOOLONG, errno.EEXIST, errno.ENOTDIR, errno.EISDIR, errno.EILSEQ, errno.EINVAL)
)
"""A file system refuses the name, not the file."""

_FLAGS = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


class Attached(Struct):
    """What the items of the files of one call named: how many were taken, and why others weren't.

    `left_out` has the first of `missing`.
    """

    copied: int = 0
    missing: int = 0
    bytes: int = 0
    left_out: list[str] = field(default_factory=list)
    _places: dict[str, str] = field(default_factory=dict)
    _start: str = ""
    _base: str = ""

    def read_from(self, file: Path, base: Path | None) -> None:
        """The next items are of this file; nothing may lie outside of `base` (None: nowhere)."""
        self._start = str(file.absolute().parent)
        self._base = os.path.realpath(base) if base is not None else ""

    def copy(self, names: Iterable[str], directory: str, whose: str) -> None:
        """Copy what an item named to below its run directory; what can't be is told."""
        for count, name in enumerate(names):
            why = self._copy(name, directory) if count < MOST else f"is beyond the first {MOST}"
            if not why:
                self.copied += 1
                continue
            self.missing += 1
            if len(self.left_out) < TOLD:
                self.left_out.append(f"{whose}: attachment {name} {why}")

    def _copy(self, name: str, directory: str) -> str:
        """Why it can't be taken; '' when it was."""
        if self.copied >= MOST_IN_ALL:
            return f"is beyond the first {MOST_IN_ALL:,} of all files"
        if not self._base:
            return "has no directory: the XML came from standard input"
        try:
            real = os.path.realpath(os.path.join(self._start, name))  # noqa: PTH118  # may be odd
            if not real.startswith(f"{self._base.rstrip('/')}/"):
                return f"lies outside of {self._base}"
            descriptor = os.open(real, _FLAGS)
        except (OSError, ValueError) as wrong:
            return f"can't be read: {getattr(wrong, 'strerror', '') or 'no usable name'}"
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode):
            os.close(descriptor)
            return "is no regular file"
        with os.fdopen(descriptor, "rb") as file:
            if found.st_size > LARGEST:
                return f"is over {LARGEST >> 20} MiB"
            if self.bytes + found.st_size > LARGEST_IN_ALL:
                return f"would be more than {LARGEST_IN_ALL >> 30} GiB of all files"
            copied = self._open_place(directory, real)
            if copied is None:
                return "has a path that is too long beside its logs"
            with copied:
                shutil.copyfileobj(file, copied)
        self.bytes += found.st_size
        return ""

    def _open_place(self, directory: str, real: str) -> BinaryIO | None:
        """The file to write; None where the file system takes no name for it.

        Where it lay stays its name: two of one name are two. One that can't be there, since its
        path gets too long or another has it, lies under a digest and the end of its own name.
        """
        digest = hashlib.sha256(os.fsencode(real)).hexdigest()[:16]
        end = os.path.basename(real)[-SHORT:]  # noqa: PTH119  # may be odd
        for name in (real[len(self._base.rstrip("/")) + 1 :], f"{digest}-{end}", digest):
            path = Path(directory, DIRECTORY, name)
            if len(os.fsencode(path)) > LONGEST_PATH:
                continue
            if self._places.setdefault(str(path), real) != real:
                continue
            try:
                path.parent.mkdir(parents=True, exist_ok=True)
                return path.open("wb")
            except OSError as wrong:
                if wrong.errno not in _NO_PLACE:
                    raise
        return None


def named_by(item: Item) -> list[str]:
    """The paths that an item names, each once."""
    texts = [text for _kind, text in item.outputs]
    texts += [text for one in item.attempts for _kind, text in one.outputs]
    found = dict.fromkeys(name for text in texts for name in _names_in(text))
    for key, value in item.properties:
        if key.lower() == PROPERTY and value:
            found[value] = None
    return list(found)


def _names_in(text: Text) -> list[str]:
    if not any(MARK in piece for piece in text.overlapping(LONGEST)):
        return []
    pieces = text.overlapping(LONGEST)
    return [found.strip() for piece in pieces for found in _NAMED.findall(piece)]
