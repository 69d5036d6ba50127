"""The lines of a large log that a hint chooses, so that a dialect's rules see no other."""

from collections.abc import Iterator

from mtsite.logs.source import LONGEST_LINE, Content, count_ends, next_line
from mtsite.regex import compile_bytes

BEGINS = rb"(?:\A|[\r\n])"
ENDS = rb"(?:\z|[\r\n])"
_BLOCK_BYTES = 1 << 20


def chosen_lines(content: Content, hint: bytes) -> Iterator[tuple[int, bytes]]:
    """Number and bytes (no line end, at most LONGEST_LINE) of each line that an RE2 hint matches.

    The hint sees about a megabyte at a time, always whole lines; `BEGINS` and `ENDS` stand for a
    line's beginning and end, however lines end. It must not match over more than one line.
    """
    pattern = compile_bytes(hint)
    number, at = 1, 0
    while at < len(content):
        stop = next_line(content, min(at + _BLOCK_BYTES, len(content)))[1]
        block = content[at:stop]
        read = 0
        while (match := pattern.search(block, max(read - 1, 0))) is not None:
            start, end, after = _line(block, read, match.start())
            number += count_ends(block, read, start)
            yield number, block[start : min(end, start + LONGEST_LINE)]
            number += 1
            read = after
        number += count_ends(block, read, len(block))
        at = stop


def _line(block: bytes, read: int, hint: int) -> tuple[int, int, int]:
    """Beginning, end and what follows, of the line on which a hint matched."""
    # It may begin with the end of the line before.
    while block[hint : hint + 1] in (b"\r", b"\n"):
        hint += 1
    start = max(block.rfind(b"\n", read, hint), block.rfind(b"\r", read, hint)) + 1 or read
    return start, *next_line(block, hint)
