"""The lines around a finding, kept beside it: they stay when the log itself has ended."""

from collections.abc import Iterator

from mtsite.logs import ansi
from mtsite.logs.plain import is_marked_up
from mtsite.logs.source import (
    Content,
    block_borders,
    count_ends,
    decode_line,
    next_line,
    release,
)
from mtsite.model import Finding

BEFORE = 3
AFTER = 2
MOST = 10
LINE_CHARACTERS = 300
_LINE_BYTES = 4 * LINE_CHARACTERS

Around = tuple[tuple[int, str], ...]
"""(number of a line, its text), ascending; where numbers are missing lines were left out."""


def lines_around(content: Content, found: Finding) -> Around:
    """At most ten lines of a stored text about a finding; none of an HTML log, which has tags.

    Of a long finding (a traceback) its beginning and its end: the end says what went wrong.
    """
    if is_marked_up(content):
        return ()
    return tuple(line for first, last in _stretches(found) for line in _lines(content, first, last))


def _stretches(found: Finding) -> list[tuple[int, int]]:
    first, last = found.first_line, found.last_line
    if last - first < MOST - BEFORE - AFTER:
        return [(max(first - BEFORE, 1), last + AFTER)]
    return [(max(first - 1, 1), first + 2), (max(last - 4, first + 3), last + 1)]


def _lines(content: Content, first: int, last: int) -> Iterator[tuple[int, str]]:
    at = _offset(content, first)
    for number in range(first, last + 1):
        if at >= len(content):
            return
        end, after = next_line(content, at)
        raw = ansi.strip(content[at : min(end, at + _LINE_BYTES)])
        yield number, decode_line(raw)[0][:LINE_CHARACTERS]
        at = after


def _offset(content: Content, line: int) -> int:
    """Where a line begins; the end of the text when it has fewer."""
    before = 0
    for start, stop in block_borders(content):
        ends = count_ends(content, start, stop)
        if before + ends >= line - 1:
            kept = content[start:stop].splitlines(keepends=True)[: line - 1 - before]
            return start + sum(map(len, kept))
        before += ends
        release(content, start, stop)
    return len(content)
