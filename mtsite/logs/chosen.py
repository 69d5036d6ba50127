"""The lines of a large log that a hint chooses, so that a dialect's rules see no other."""

import re
from collections.abc import Iterator

from mtsite.logs.source import LONGEST_LINE, Content, count_ends, next_line, release
from mtsite.regex import compile_bytes

BEGINS = rb"(?:\A|[\r\n])"
ENDS = rb"(?:\z|[\r\n])"
_BLOCK_BYTES = 1 << 20
_FILLED = re.compile(rb"[^\s\x1c-\x1f]")


def chosen_lines(content: Content, hint: bytes) -> Iterator[tuple[int, bytes]]:
    """Number and bytes (no line end, at most LONGEST_LINE) of each line that an RE2 hint matches.

    The hint sees about a megabyte at a time, always whole lines; `BEGINS` and `ENDS` stand for a
    line's beginning and end, however lines end. It must not match over more than one line.
    """
    return ((number, line) for number, line, _ in placed_lines(content, hint))


def placed_lines(content: Content, hint: bytes) -> Iterator[tuple[int, bytes, int]]:
    """The same lines, each with the offset at which the next one begins."""
    pattern = compile_bytes(hint)
    number, at = 1, 0
    while at < len(content):
        stop = next_line(content, min(at + _BLOCK_BYTES, len(content)))[1]
        # Of a line without end the rest holds no other line.
        block = content[at : min(stop, at + _BLOCK_BYTES + LONGEST_LINE)]
        read = 0
        while (match := pattern.search(block, max(read - 1, 0))) is not None:
            start, end, after = _line(block, read, match.start())
            number += count_ends(block, read, start)
            yield number, block[start : min(end, start + LONGEST_LINE)], at + after
            number += 1
            read = after
        number += count_ends(block, read, len(block))
        number += at + len(block) < stop and read < len(block)
        release(content, at, stop)
        at = stop


def filled_lines(content: Content, at: int, number: int) -> Iterator[tuple[int, bytes]]:
    """Number and bytes of each line that is not blank, from the line on that begins at `at`."""
    while (filled := _FILLED.search(content, at)) is not None:
        last = max(content.rfind(end, at, filled.start()) for end in (b"\n", b"\r"))
        start = last + 1 if last >= 0 else at
        number += count_ends(content, at, start)
        end, after = next_line(content, start)
        line = content[start : min(end, start + LONGEST_LINE)]
        if line.decode("utf-8", "replace").strip():
            yield number, line
        at, number = after, number + 1


def _line(block: bytes, read: int, hint: int) -> tuple[int, int, int]:
    """Beginning, end and what follows, of the line on which a hint matched."""
    # It may begin with the end of the line before.
    while block[hint : hint + 1] in (b"\r", b"\n"):
        hint += 1
    start = max(block.rfind(b"\n", read, hint), block.rfind(b"\r", read, hint)) + 1 or read
    return start, *next_line(block, hint)
