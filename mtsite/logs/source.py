"""The lines of a log: the one splitter for scanner, pages and anchors.

A line ends at LF, CRLF or a lone CR; U+2028, U+0085, form feeds and the like end nothing. What
follows the last line end is a line only if it is not empty. Lines are numbered from 1.
"""

import bisect
import mmap
import re
from collections.abc import Iterator

from mtsite.regex import Content as Content

LONGEST_LINE = 1 << 20
"""So much of one line, in bytes, is given to whoever goes through a log line by line."""

SCAN_BYTES = 4 << 20
"""So much of a log is looked at before its memory is released."""

_AROUND_BYTES = 1 << 21
_NEAR_BYTES = 1 << 12
_CHUNK_BYTES = 1 << 20
_BLOCK_BYTES = 1 << 18
_VISIBLE = {code: 0x2400 + code for code in range(32) if code not in (0x09, 0x1B)}
_VISIBLE |= {0x7F: 0x2421} | dict.fromkeys(range(0x80, 0xA0), 0xFFFD)
_LINE_END = re.compile(rb"[\r\n]")
_BROKEN = re.compile("[\udc80-\udcff]")
_ASCII = bytes(range(0x80))
_NOT_LATIN1 = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1a\x1c-\x1f\x7f]|[^\x00-\x7f\ufffd]")
_INVISIBLE = re.compile("[\x00-\x08\x0a-\x1a\x1c-\x1f\x7f-\x9f]")


def split_lines(content: bytes) -> list[bytes]:
    """The lines without their ends; line `n` is at index `n - 1`."""
    # bytes.splitlines knows exactly LF, CR and CRLF (str.splitlines splits at more).
    return content.splitlines()


def split_lines_keeping_ends(content: bytes) -> list[bytes]:
    """The same lines, each with its line end."""
    return content.splitlines(keepends=True)


def count_lines(content: Content) -> int:
    """How many lines `split_lines` gives, without making them."""
    if not len(content):
        return 0
    return count_ends(content, 0, len(content)) + (content[-1] not in b"\r\n")


def count_ends(content: Content, start: int, end: int) -> int:
    """Line ends between two offsets, of which none lies between a CR and its LF."""
    if not isinstance(content, bytes):
        return sum(_count_mapped(content, start, end))
    ends = content.count(b"\n", start, end)
    # To look for one is faster by far than to count them.
    if content.find(b"\r", start, end) < 0:
        return ends
    return ends + content.count(b"\r", start, end) - content.count(b"\r\n", start, end)


def _count_mapped(content: mmap.mmap, start: int, end: int) -> Iterator[int]:
    while start < end:
        stop = border_after(content, min(start + _CHUNK_BYTES, end))
        block = content[start:stop]
        yield count_ends(block, 0, len(block))
        if end - start > SCAN_BYTES:
            release(content, start, stop)
        start = stop


def border_after(content: Content, at: int) -> int:
    """The offset itself, or the next one when it lies between a CR and its LF."""
    return at + (0 < at < len(content) and content[at - 1 : at + 1] == b"\r\n")


def block_borders(content: Content, block_bytes: int = 0) -> Iterator[tuple[int, int]]:
    """Where blocks of a log begin and end: each after a line end, but where a line is very long.

    `release` a block when it is done with.
    """
    step = block_bytes or SCAN_BYTES
    start = 0
    while start < len(content):
        at = min(start + step, len(content))
        stop = content.find(b"\n", at, at + step) + 1
        if not stop:
            stop = border_after(content, content.find(b"\r", at, at + step) + 1 or at)
        yield start, stop
        start = stop


def release(content: Content, start: int, stop: int) -> None:
    """Let go of the memory that a part of a mapped log takes; it is read again when needed."""
    if isinstance(content, mmap.mmap):
        # What is touched just behind a part lets the kernel map the end of the part again.
        first = max(start - _AROUND_BYTES, 0) // mmap.PAGESIZE * mmap.PAGESIZE
        if first < stop:
            content.madvise(mmap.MADV_DONTNEED, first, stop - first)


def numbered_blocks(content: Content) -> Iterator[tuple[int, list[bytes]]]:
    """The lines in lists of about a megabyte, each with the number of its first line.

    Lines have no ends and at most LONGEST_LINE bytes.
    """
    number, at = 1, 0
    while at < len(content):
        stop = next_line(content, min(at + _BLOCK_BYTES, len(content)))[1]
        if stop - at <= _BLOCK_BYTES + LONGEST_LINE:
            lines = [line[:LONGEST_LINE] for line in content[at:stop].splitlines()]
        else:
            lines = list(_short_lines(content, at, stop))
        yield number, lines
        number += len(lines)
        release(content, at, stop)
        at = stop


def _short_lines(content: Content, at: int, stop: int) -> Iterator[bytes]:
    while at < stop:
        end, after = next_line(content, at)
        yield content[at : min(end, at + LONGEST_LINE)]
        at = after


def next_line(content: Content, at: int) -> tuple[int, int]:
    """Where the line that `at` lies on ends, and where the next one begins."""
    line_feed = content.find(b"\n", at, at + _NEAR_BYTES)
    if line_feed >= 0 and content.find(b"\r", at, line_feed) < 0:
        return line_feed, line_feed + 1
    found = _LINE_END.search(content, at, at + SCAN_BYTES)
    while found is None and at + SCAN_BYTES < len(content):
        release(content, at, at + SCAN_BYTES)
        at += SCAN_BYTES
        found = _LINE_END.search(content, at, at + SCAN_BYTES)
    if found is None:
        return len(content), len(content)
    end, after = found.span()
    return end, after + (content[end : end + 2] == b"\r\n")


def decode_line(raw: bytes) -> tuple[str, int]:
    """One line as text that can be shown, and how many of its bytes are not UTF-8.

    A line that is no UTF-8 and reads as Latin-1 is read as that; in any other each broken byte
    becomes U+FFFD. (static/js/log_text.js has the same rule.) Control
    characters but tab and ESC become their pictures (U+2400 + n); C1 controls, which some
    terminals obey, become U+FFFD uncounted.
    """
    broken = 0
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        text, broken = _BROKEN.subn("\ufffd", raw.decode("utf-8", "surrogateescape"))
        if _reads_as_latin1(raw, text):
            text = raw.decode("latin-1")
    if _INVISIBLE.search(text):
        text = text.translate(_VISIBLE)
    return text, broken


def _reads_as_latin1(raw: bytes, text: str) -> bool:
    """Whether a line that is no UTF-8 has letters of Latin-1 among ASCII, and nothing else."""
    high = raw.translate(None, _ASCII)
    return len(high) * 4 <= len(raw) and min(high) >= 0xA0 and not _NOT_LATIN1.search(text)


def count_broken(content: bytes) -> int:
    """How many bytes are not UTF-8, as `decode_line` counts them over all lines."""
    if content.isascii():
        return 0
    broken = start = 0
    while start < len(content):
        # A border just after an LF never falls inside a character.
        end = content.find(b"\n", start + _CHUNK_BYTES) + 1 or len(content)
        block = content[start:end]
        try:
            block.decode()
        except UnicodeDecodeError:
            broken += len(block) - len(block.decode("utf-8", "ignore").encode())
        start = end
    return broken


class LineIndex:
    """Find lines of a large log by number, without making all of them."""

    def __init__(self, content: Content) -> None:
        self._content = content
        self._starts = [0]
        self._before = [0]
        while (end := self._border(self._starts[-1] + _BLOCK_BYTES)) < len(content):
            self._before.append(self._before[-1] + count_ends(content, self._starts[-1], end))
            release(content, self._starts[-1], end)
            self._starts.append(end)
        last = self._starts[-1]
        self.lines = self._before[-1] + count_lines(content[last:])

    def cut(self, first: int, last: int) -> bytes:
        """The bytes of lines `first` to `last` (both included), line ends with them."""
        return self._content[self.offset(first) : self.offset(last + 1)]

    def offset(self, line: int) -> int:
        """Where a line begins; the end of the log for the line after its last."""
        if line > self.lines:
            return len(self._content)
        block = max(bisect.bisect_left(self._before, line - 1) - 1, 0)
        start = self._starts[block]
        stop = self._starts[block + 1] if block + 1 < len(self._starts) else len(self._content)
        within = self._content[start:stop].splitlines(keepends=True)[
            : line - 1 - self._before[block]
        ]
        return start + sum(map(len, within))

    def _border(self, at: int) -> int:
        content = self._content
        while 0 < at < len(content) and content[at] == 0x0A and content[at - 1] == 0x0D:
            at += 1
        return at
