"""Redact a log of any size in blocks; what comes out doesn't depend on where blocks end.

    buffer = undecided rest + next block
    find all secrets in it; border = the last line start that is inside no secret, and lies `reach`
    before its end where a secret may go on over lines; mask and give out what lies before the
    border, keep the rest

Then what begins before the border has been seen with `reach` bytes after it: a whole private key.
All other built-in rules see one line. A line longer than a block is cut between secrets.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from mtsite.logs.redact import Hit, Redactor, mask_of
from mtsite.logs.redact_rules import KEY_BYTES

BLOCK_BYTES = 1 << 19
"""Small enough for the processor's cache: every step is faster than with larger ones."""

REACH_BYTES = KEY_BYTES + (1 << 12)
_CONTEXT_BYTES = 2
"""What stands before a block may decide on a secret at its start."""

_VALUE_END = re.compile(rb"[\s\"'<>,;&]")


class Sizes(NamedTuple):
    """How much is read at a time, and how far beyond a border is looked, in bytes."""

    block: int = BLOCK_BYTES
    reach: int = REACH_BYTES


DEFAULT_SIZES = Sizes()


class Masking:
    """One log on its way through a redactor; `counts` are the masks of each rule so far."""

    def __init__(self, redactor: Redactor, sizes: Sizes = DEFAULT_SIZES) -> None:
        self.counts: dict[str, int] = {}
        self._redactor = redactor
        self._sizes = sizes
        self._long = 2 * sizes.block + sizes.reach
        self._inside = False

    def blocks(self, read: Callable[[int], bytes]) -> Iterator[bytes]:
        """The redacted text, in pieces; `read` gives up to so many bytes, none at the end.

        Where the redactor only reports, the pieces are those that were read.
        """
        if not self._redactor.reports:
            yield from self._masked_blocks(read)
            return
        given: list[bytes] = []

        def noted(size: int) -> bytes:
            given.append(read(size))
            return given[-1]

        for _ in self._masked_blocks(noted):
            yield b"".join(given)
            given.clear()
        yield b"".join(given)

    def _masked_blocks(self, read: Callable[[int], bytes]) -> Iterator[bytes]:
        # What lies before `start` is given out already; it is there to be seen.
        buffer, start = b"", 0
        while piece := _read_full(read, self._sizes.block):
            buffer += self._leave(piece) if self._inside else piece
            if len(buffer) - start <= self._sizes.reach:
                continue
            hits = self._redactor.hits(buffer, start)
            border = self._border(buffer, start, hits)
            if border > start:
                yield self._masked(buffer, start, border, hits)
                start = min(border, _CONTEXT_BYTES)
                buffer = buffer[border - start :]
            elif hits and hits[0].end == len(buffer) and len(buffer) > self._long:
                yield self._begin_endless(hits[0])
                buffer, start = b"", 0
        if len(buffer) > start:
            hits = self._redactor.hits(buffer, start)
            yield self._masked(buffer, start, len(buffer), hits)

    def _masked(self, content: bytes, start: int, end: int, hits: Sequence[Hit]) -> bytes:
        text, counts = self._redactor.mask(content, start, end, hits)
        for name, count in counts.items():
            self.counts[name] = self.counts.get(name, 0) + count
        return text

    def _border(self, content: bytes, start: int, hits: Sequence[Hit]) -> int:
        """Where the decided part ends: the start of a line, or `start` when there is none yet."""
        limit = len(content) - self._sizes.reach
        decided = limit if self._redactor.may_span_lines(content, limit) else len(content)
        at = content.rfind(b"\n", start, decided) + 1
        for hit in reversed(hits):
            # What begins with the end of the line before is found from the line's start, too.
            first = hit.start + (content[hit.start] == 0x0A)
            if first < at < hit.end:
                at = content.rfind(b"\n", start, hit.start) + 1
        if at <= start and len(content) > self._long:
            at = self._border_in_line(content, start, limit, hits)
        return max(at, start)

    def _border_in_line(self, content: bytes, start: int, at: int, hits: Sequence[Hit]) -> int:
        for hit in reversed(hits):
            if hit.start < at < hit.end:
                at = hit.start
        # Neither a CRLF nor a character of UTF-8 is cut in two.
        for _ in range(3):
            inside_character = content[at] & 0xC0 == 0x80
            if at > start and (inside_character or content[at - 1 : at + 1] == b"\r\n"):
                at -= 1
        return at

    def _begin_endless(self, hit: Hit) -> bytes:
        """One mask for a secret that fills all that was read, and goes on."""
        name = hit.edits[0][2]
        self.counts[name] = self.counts.get(name, 0) + 1
        self._inside = True
        return mask_of(name)

    def _leave(self, buffer: bytes) -> bytes:
        end = _VALUE_END.search(buffer)
        self._inside = end is None
        return buffer[end.start() :] if end else b""


def _read_full(read: Callable[[int], bytes], size: int) -> bytes:
    """Exactly `size` bytes, fewer only at the end: a stream's pieces must not move borders."""
    pieces = []
    while size > 0 and (piece := read(size)):
        pieces.append(piece)
        size -= len(piece)
    return b"".join(pieces)
