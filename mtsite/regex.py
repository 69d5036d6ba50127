"""RE2 over whole buffers of bytes: the only place that imports it.

Where it can't be loaded Python's `re` does the same, slower (`backtracking`).

RE2 runs in time linear in its input, so no pattern of ours or of a site's owner can hang a build
on a hostile log. Bytes are matched as Latin-1: `.` and classes see one byte at a time.
"""

import functools
import mmap
from collections.abc import Iterator, Sequence
from typing import Any, Protocol

from mtsite.backtracking import compile_backtracking

try:
    import re2
except ImportError:  # no wheel for this machine: the same matches, slower
    re2 = None

Content = bytes | mmap.mmap
"""What is searched: in memory, or mapped from a file."""

_UNANCHORED = re2._Anchor.UNANCHORED if re2 is not None else None
_NOWHERE = (-1, -1)

MEMORY_BYTES = 64 << 20
"""Room for the automaton's states; below it RE2 falls back to a slower machine, same answer."""


class Match(Protocol):
    """One place that matched; offsets count bytes, group 0 is all of it."""

    def start(self, group: int = ..., /) -> int:
        """Where the group begins; -1 when it took no part."""

    def end(self, group: int = ..., /) -> int:
        """Just past the end of the group."""

    def span(self, group: int = ..., /) -> tuple[int, int]:
        """Both."""


class Pattern(Protocol):
    """A compiled pattern. `^`, `$` and `\\b` see the whole content, wherever a search begins."""

    @property
    def groups(self) -> int:
        """How many capturing groups it has."""

    def search(self, content: Content, pos: int = ..., endpos: int = ..., /) -> Match | None:
        """The leftmost match that begins at `pos` or later and ends at `endpos` or before."""

    def fullmatch(self, content: Content, /) -> Match | None:
        """All of the content, when it matches."""

    def finditer(self, content: Content, /) -> Iterator[Match]:
        """All matches that don't overlap, in order."""


@functools.cache
def compile_bytes(pattern: bytes, *, groups: bool = True) -> Pattern:
    """Compile RE2 syntax; the same pattern is compiled once per process.

    Without `groups` nobody may ask where they lie: to find that takes longer than the match.

    Raises:
        ValueError: the pattern is not RE2 syntax; the message is RE2's.
    """
    if re2 is None:
        return compile_backtracking(pattern)
    try:
        compiled = re2.compile(pattern, _options(groups=groups))
    except re2.error as error:
        message = error.args[0] if error.args else "not a regular expression"
        raise ValueError(
            message.decode("utf-8", "replace") if isinstance(message, bytes) else str(message)
        ) from None
    quick: Pattern = _Quick(compiled)
    return quick


class _Spans(tuple[tuple[int, int], ...]):
    """A match: where each group lies."""

    __slots__ = ()

    def start(self, group: int = 0, /) -> int:
        return self[group][0]

    def end(self, group: int = 0, /) -> int:
        return self[group][1]

    def span(self, group: int = 0, /) -> tuple[int, int]:
        return self[group]


class _Quick:
    """A compiled pattern past google-re2's Python layer, which costs more than a short search."""

    __slots__ = ("_compiled", "_match", "groups")

    def __init__(self, compiled: Any) -> None:
        self._compiled = compiled
        self._match = compiled._regexp.Match
        self.groups: int = compiled.groups

    def search(self, content: Content, pos: int = 0, endpos: int = -1, /) -> Match | None:
        size = len(content)
        stop = endpos if 0 <= endpos < size else size
        if pos > stop:
            return None
        spans = self._match(_UNANCHORED, content, pos, stop)
        return None if spans[0] == _NOWHERE else _Spans(spans)

    def fullmatch(self, content: Content, /) -> Match | None:
        found: Match | None = self._compiled.fullmatch(content)
        return found

    def finditer(self, content: Content, /) -> Iterator[Match]:
        found: Iterator[Match] = self._compiled.finditer(content)
        return found


def group_spans(match: Match, groups: int) -> Sequence[tuple[int, int]]:
    """Where each of so many groups lies; asked for at once that costs far less."""
    if isinstance(match, _Spans):
        return match[1 : groups + 1]
    return [match.span(group) for group in range(1, groups + 1)]


def count_groups(pattern: bytes) -> int:
    """How many capturing groups a pattern has."""
    return int(compile_bytes(pattern).groups)


class PatternSet:
    """Several patterns asked at once, in one pass, which of them match somewhere."""

    def __init__(self, patterns: Sequence[bytes]) -> None:
        self._set = _set_of(patterns)
        # Patterns that have no room in one automaton have it each by itself.
        self._each = [compile_bytes(pattern) for pattern in patterns] if self._set is None else []

    def matching(self, content: bytes) -> Sequence[int]:
        """The indexes of the patterns that match, in no order."""
        if self._set is None:
            return [index for index, one in enumerate(self._each) if one.search(content)]
        found: Sequence[int] = self._set.Match(content)
        return found


def _set_of(patterns: Sequence[bytes]) -> Any:
    """RE2's own set, past its Python layer; None where it can't be had."""
    if re2 is None:
        return None
    made = re2.Set.SearchSet(_options())
    try:
        for pattern in patterns:
            made.Add(pattern)
        made.Compile()
    except re2.error:
        return None
    return made._set


def _options(*, groups: bool = True) -> "re2.Options":
    options = re2.Options()
    options.never_capture = not groups
    options.encoding = re2.Options.Encoding.LATIN1
    options.log_errors = False
    options.max_mem = MEMORY_BYTES
    return options
