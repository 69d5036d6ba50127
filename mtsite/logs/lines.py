"""The lines of a stored log by number, whichever way it is stored."""

from functools import cached_property
from pathlib import Path
from typing import Protocol

from mtsite.logs.blocks import SUFFIX, BlockedText, Cut
from mtsite.logs.levels import level_before
from mtsite.logs.source import Content, LineIndex, count_lines
from mtsite.logs.take import text_at


class Lines(Protocol):
    """Lines of a text without making all of them; they count from 1."""

    @property
    def lines(self) -> int:
        """How many there are."""

    def cut(self, first: int, last: int) -> Cut:
        """Lines `first` to `last` (both included) with their ends."""

    def level_before(self, line: int) -> str:
        """The level that a line inherits."""


class PlainLines:
    """Lines of a text at hand."""

    def __init__(self, content: Content) -> None:
        self.content = content

    @cached_property
    def lines(self) -> int:
        """How many there are."""
        return count_lines(self.content)

    @cached_property
    def _index(self) -> LineIndex:
        return LineIndex(self.content)

    def cut(self, first: int, last: int) -> Cut:
        """Lines `first` to `last` (both included) with their ends."""
        if first == 1 and last >= self.lines:
            return Cut(self.content[:], {})
        return Cut(self._index.cut(first, last), {})

    def level_before(self, line: int) -> str:
        """The level that a line inherits."""
        return level_before(self.content, self._index.offset(line))


def lines_of(name: str) -> Lines:
    """The lines of the blob at a path.

    Raises:
        FileNotFoundError: it is not in this site.
        DamagedLogError: it is not what was stored.
    """
    return BlockedText(Path(name)) if name.endswith(SUFFIX) else PlainLines(text_at(name))
