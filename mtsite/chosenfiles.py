"""[attachments]: which files of a run directory the site takes beside the logs, and how many.

A pattern is matched part by part, as `*.png` or `reports/**/*.csv`: `*`, `?` and `[…]` stay inside
one name, `**` stands for any directories, none included. Hidden names match only where the pattern
says the dot. So a walk knows of each directory whether anything below it can match.
"""

import fnmatch
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from mtsite.options import SIZE, TEXTS, Kind, option, whole_number

ANY = "**"
LONGEST = 200

Where = frozenset[tuple[int, int]]
"""How far into which patterns a path has come: (pattern, part)."""


def _patterns(value: object, root: Path) -> tuple[str, ...]:
    found: tuple[str, ...] = TEXTS.read(value, root)
    for text in found:
        parts = text.split("/")
        if not text or len(text) > LONGEST or "\0" in text:
            raise ValueError(f'"{text[:40]}" is no pattern of 1 to {LONGEST} characters')
        if text.startswith("/") or not {"", ".", ".."}.isdisjoint(parts):
            raise ValueError(f'"{text}" does not stay below the run directory')
        if parts.count(ANY) > 3:
            raise ValueError(f'"{text}" has {ANY} more than three times')
    return found


PATTERNS = Kind("list of patterns", _patterns, TEXTS.of_text)


@dataclass(frozen=True)
class AttachmentsConfig:
    """[attachments]: files of run directories that pages show beside the logs."""

    include: tuple[str, ...] = option(
        PATTERNS, [], 'Patterns of files, as ["*.png", "reports/**/*.csv"]; none: no attachments.'
    )
    max_bytes: int = option(SIZE, "10MiB", "The largest file that is taken.")
    max_files: int = option(whole_number(1, 1000), 100, "How many files of one test are taken.")
    max_total: int = option(SIZE, "50MiB", "How much of one test is taken in all.")


class Chooser:
    """Which names a walk from the run directory goes on with, and which files it takes."""

    def __init__(self, patterns: Sequence[str]) -> None:
        # What ends in `**` means all that lies below.
        self._parts = [
            [*text.split("/"), "*"] if text.endswith(ANY) else text.split("/") for text in patterns
        ]
        self.start = self._closed((number, 0) for number in range(len(self._parts)))

    def below(self, where: Where, name: str) -> Where:
        """Where a directory of that name leads; nothing below it can match when it is empty."""
        stays = {(n, at) for n, at in where if self._parts[n][at] == ANY and name[:1] != "."}
        goes = {(n, at + 1) for n, at in where if self._takes(n, at, name)}
        return self._closed(stays | {(n, at) for n, at in goes if at < len(self._parts[n])})

    def takes(self, where: Where, name: str) -> bool:
        """Whether a file of that name is chosen."""
        return any(at + 1 == len(self._parts[n]) and self._takes(n, at, name) for n, at in where)

    def _takes(self, number: int, at: int, name: str) -> bool:
        part = self._parts[number][at]
        if part == ANY or (name[:1] == "." and part[:1] != "."):
            return False
        return _compiled(part).match(name) is not None

    def _closed(self, where: Iterable[tuple[int, int]]) -> Where:
        """With those behind a `**`, which may stand for nothing."""
        found = set(where)
        for number, at in list(found):
            while self._parts[number][at] == ANY:
                at += 1
                found.add((number, at))
        return frozenset(found)


@lru_cache(maxsize=256)
def _compiled(part: str) -> re.Pattern[str]:
    # From the site's owner; its stars don't go back over each other (fnmatch makes them atomic).
    return re.compile(fnmatch.translate(part))
