"""Large logs as they are stored: gzip members of whole lines, each of which can be read alone.

A file `.logz` is what `zcat` reads: members one after the other. Each says in its header (the
extra field `mt`, which gzip skips) how long it is and which lines are in it, so that a reader finds
a line by going from header to header, and the file can't disagree with its own index.

    I  bytes of the member    I  bytes of its text    I  lines that begin in it
    B  1: it goes on with the line before             B  level that its first line inherits
    8I lines of each level, in the order of `levels.RANKS`; all 0 in a log without levels
"""

import bisect
import contextlib
import hashlib
import io
import itertools
import struct
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

from isal import isal_zlib

from mtsite.errors import DamagedLogError
from mtsite.logs.levels import NONE, RANKS, carries_levels, runs
from mtsite.logs.source import count_lines

SUFFIX = ".logz"
BLOCK_BYTES = 1 << 18
"""So much text is in a member, at most: what a reader fetches to see one line."""

KEPT_OF_LINE = 1 << 14
"""`cut` gives so much of a line; of the rest it says how long it is."""

_HEAD = struct.Struct("<4sIBBH2sHIIIBB8I")
_MAGIC = b"\x1f\x8b\x08\x04"
_FIELD = b"mt"
_FIELD_BYTES = _HEAD.size - 16
_TAIL = struct.Struct("<II")
_LEVEL = 2
_SAMPLE_BYTES = 1 << 16
_DENSEST = 1032
"""Deflate makes at most so many bytes of one."""
_GZIP = 31
# The stubs of isal call its exception class an instance.
_BROKEN: Any = isal_zlib.error


class Block(NamedTuple):
    """One member: where it lies, the number of the first line that begins in it, what is in it.

    `goes_on`: its text begins inside the line before. `level` is the one its first line inherits.
    """

    offset: int
    packed: int
    size: int
    first: int
    lines: int
    goes_on: bool
    level: str
    counts: tuple[int, ...]

    @property
    def last(self) -> int:
        """The number of the last line that begins in it; `first - 1` where none does."""
        return self.first + self.lines - 1


class Cut(NamedTuple):
    """Lines with their ends; `hidden` has, per line number, how many bytes of it are left out."""

    text: bytes
    hidden: Mapping[int, int]


class BlockWriter:
    """Writes text as members to a file; what comes out doesn't depend on the pieces that come in.

    Whole when `close` has returned. `levels` then has the number of lines of each level, nothing
    for a log that carries none.
    """

    def __init__(self, file: BinaryIO, block_bytes: int = BLOCK_BYTES) -> None:
        self._file = file
        self._block_bytes = block_bytes
        self._enough = max(block_bytes, _SAMPLE_BYTES)
        self._buffer = b""
        self._carries: bool | None = None
        self._level = NONE
        self._goes_on = False
        self._totals = [0] * len(RANKS)

    @cached_property
    def levels(self) -> dict[str, int]:
        """Lines per level, levels in their order."""
        return {level: n for level, n in zip(RANKS, self._totals, strict=True) if n}

    def write(self, text: bytes) -> None:
        """Take more of the text."""
        self._buffer += text
        if len(self._buffer) <= self._enough:
            return
        start = 0
        while len(self._buffer) - start > self._enough:
            end = _border(self._buffer, start, start + self._block_bytes)
            self._put(self._buffer[start:end])
            start = end
            self._enough = self._block_bytes
        self._buffer = self._buffer[start:]

    def close(self) -> None:
        """Write what is left; an empty text is one empty member."""
        start = 0
        while len(self._buffer) - start > self._block_bytes:
            end = _border(self._buffer, start, start + self._block_bytes)
            self._put(self._buffer[start:end])
            start = end
        if self._carries is None or start < len(self._buffer):
            self._put(self._buffer[start:])
        self._buffer = b""

    def _put(self, text: bytes) -> None:
        if self._carries is None:
            self._carries = carries_levels(self._buffer)
        level, goes_on = self._level, self._goes_on
        counts = self._counted(text) if self._carries else [0] * len(RANKS)
        # Each line has a level where any has one: no need to count them a second time.
        lines = sum(counts) if self._carries else count_lines(text) - goes_on
        self._totals = [a + b for a, b in zip(self._totals, counts, strict=True)]
        self._goes_on = text[-1:] not in (b"\n", b"\r", b"")
        packer = isal_zlib.compressobj(_LEVEL, isal_zlib.DEFLATED, -15)
        packed = packer.compress(text) + packer.flush()
        size = _HEAD.size + len(packed) + _TAIL.size
        place = (size, len(text), lines, goes_on, RANKS.index(level))
        head = (_MAGIC, 0, 0, 255, _FIELD_BYTES + 4, _FIELD, _FIELD_BYTES)
        self._file.write(_HEAD.pack(*head, *place, *counts))
        self._file.write(packed)
        self._file.write(_TAIL.pack(isal_zlib.crc32(text), len(text)))

    def _counted(self, text: bytes) -> list[int]:
        counts = [0] * len(RANKS)
        # What goes on with a line is not the head of one, whatever it looks like.
        for level, lines in runs(b"." + text if self._goes_on else text, self._level):
            counts[RANKS.index(level)] += lines
            last = level
        if self._goes_on:
            counts[RANKS.index(self._level)] -= 1
        if text:
            self._level = last
        return counts


def _border(text: bytes, start: int, stop: int) -> int:
    """Where a member ends: after its last line end, else where no character is cut in two."""
    end = max(text.rfind(b"\n", start, stop), text.rfind(b"\r", start, stop)) + 1
    if end > start:
        return end + (text[end - 1 : end + 1] == b"\r\n")
    end = stop
    while end > stop - 3 and text[end] & 0xC0 == 0x80:
        end -= 1
    return end


def read_blocks(file: BinaryIO) -> list[Block]:
    """The members of a `.logz`, from their headers.

    Raises:
        DamagedLogError: it is none, or breaks off.
    """
    found: list[Block] = []
    offset, first = 0, 1
    size = file.seek(0, io.SEEK_END)
    while offset < size:
        file.seek(offset)
        raw = file.read(_HEAD.size)
        if len(raw) < _HEAD.size or raw[:4] != _MAGIC or raw[12:14] != _FIELD:
            raise DamagedLogError(f"member {len(found) + 1} does not begin as one")
        packed, text, lines, goes_on, level, *counts = _HEAD.unpack(raw)[7:]
        least = _HEAD.size + _TAIL.size
        told = text <= packed * _DENSEST and lines <= text
        if not (told and least <= packed <= size - offset and level < len(RANKS)):
            raise DamagedLogError(f"member {len(found) + 1} breaks off")
        level_name = RANKS[level]
        made = Block(offset, packed, text, first, lines, bool(goes_on), level_name, tuple(counts))
        found.append(made)
        offset += packed
        first += lines
    return found


class BlockedText:
    """The text of a `.logz`, read member by member.

    Raises (when it is made, and by what reads):
        DamagedLogError: the file is not what was stored.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        with path.open("rb") as file:
            self.blocks: Sequence[Block] = read_blocks(file)
        self._starts = [block.first for block in self.blocks]
        self.lines = sum(block.lines for block in self.blocks)
        self.size = sum(block.size for block in self.blocks)

    def text_of(self, block: Block) -> bytes:
        """The text of one member."""
        with self._path.open("rb") as file:
            return _unpacked(file, block)

    def texts(self) -> Iterator[tuple[Block, bytes]]:
        """Each member with its text, in order."""
        with self._path.open("rb") as file:
            for block in self.blocks:
                yield block, _unpacked(file, block)

    def cut(self, first: int, last: int) -> Cut:
        """Lines `first` to `last` (both included); of a very long one its beginning."""
        gathered = _Gathered(first, last)
        with self._path.open("rb") as file:
            for block in self._from(first):
                if block.first - block.goes_on > last:
                    break
                gathered.add(block, _unpacked(file, block))
        return Cut(b"".join(gathered.pieces), gathered.hidden)

    def around(self, first: int, last: int) -> tuple[int, Iterator[bytes]]:
        """The texts of the members that hold lines `first` to `last`, and the number of the first
        line in them, or of that with whose rest they begin.
        """
        blocks = itertools.takewhile(lambda one: one.first - one.goes_on <= last, self._from(first))
        held = list(blocks)
        number = held[0].first - held[0].goes_on if held else first
        return number, map(self.text_of, held)

    def level_before(self, line: int) -> str:
        """The level that a line inherits."""
        if not self.levels:
            return NONE
        block = next(iter(self._from(line)), None)
        if block is None:
            return NONE
        text = self.text_of(block)
        before = text[: _offset(text, line - block.first + block.goes_on)]
        return [block.level, *(level for level, _ in runs(before, block.level))][-1]

    @property
    def levels(self) -> dict[str, int]:
        """Lines per level over all members."""
        totals = [sum(numbers) for numbers in zip(*(b.counts for b in self.blocks), strict=True)]
        return {level: n for level, n in zip(RANKS, totals, strict=True) if n}

    def _from(self, line: int) -> Iterator[Block]:
        """The members from that one on in which a line begins."""
        # Where lines fill members, several have one number: the last of them holds its line.
        return iter(self.blocks[max(bisect.bisect_right(self._starts, line) - 1, 0) :])


class _Gathered:
    """The lines that are cut out of members, as they come."""

    def __init__(self, first: int, last: int) -> None:
        self.pieces: list[bytes] = []
        self.hidden: dict[int, int] = {}
        self._first, self._last = first, last
        self._unended = 0

    def add(self, block: Block, text: bytes) -> None:
        """Take what of a member belongs to the lines."""
        if block.goes_on:
            end = _offset(text, 1)
            if self._first < block.first:
                self._go_on(block.first - 1, text[:end])
            text = text[end:]
        start = _offset(text, max(self._first - block.first, 0))
        stop = _offset(text, max(self._last - block.first + 1, 0))
        if start < stop:
            number = max(self._first, block.first)
            for line in text[start:stop].splitlines(keepends=True):
                self._begin(number, line)
                number += 1

    def _begin(self, number: int, line: bytes) -> None:
        self._unended = 0
        if len(line) <= KEPT_OF_LINE:
            self.pieces.append(line)
            self._unended = len(line)
        else:
            self._go_on(number, line)

    def _go_on(self, line: int, rest: bytes) -> None:
        """Add what goes on with a line, as long as there is not much of it yet."""
        body = len(rest.rstrip(b"\r\n"))
        kept = min(max(KEPT_OF_LINE - self._unended, 0), body)
        if kept < body:
            self.hidden[line] = self.hidden.get(line, 0) + body - kept
        self._unended += body
        self.pieces.append(rest[:kept] + rest[body:])


def _offset(text: bytes, lines: int) -> int:
    """Where the line begins before which there are so many; the end where there are fewer."""
    at = 0
    if b"\r" in text:
        return sum(map(len, text.splitlines(keepends=True)[:lines]))
    for _ in range(lines):
        at = text.find(b"\n", at) + 1
        if not at:
            return len(text)
    return at


def _unpacked(file: BinaryIO, block: Block) -> bytes:
    file.seek(block.offset)
    unpacker = isal_zlib.decompressobj(_GZIP)
    try:
        # One byte more would tell that it is not what its header says: so much, and no bomb.
        text = unpacker.decompress(file.read(block.packed), block.size + 1)
    except _BROKEN as error:
        raise DamagedLogError(f"the lines from {block.first:,} on are damaged ({error})") from error
    if len(text) != block.size or not unpacker.eof:
        raise DamagedLogError(f"the lines from {block.first:,} on are damaged")
    return text


@contextlib.contextmanager
def open_text(path: Path) -> Iterator[Callable[[int], bytes]]:
    """How to read the text of a stored log of either form: like a file's `read`.

    Raises:
        FileNotFoundError: it is not in this site.
        DamagedLogError: it is not what was stored.
    """
    if path.suffix != SUFFIX:
        with path.open("rb") as file:
            yield file.read
        return
    pieces = (text for _, text in BlockedText(path).texts())
    held = bytearray()

    def read(size: int) -> bytes:
        while len(held) < size and (piece := next(pieces, b"")):
            held.extend(piece)
        given = bytes(held[:size])
        del held[:size]
        return given

    yield read


def stored_file(site: Path, blob: str) -> tuple[str, str, int]:
    """(path, digest, size) of a blob: what publishing compares. Of a text the digest is its name.

    Raises:
        FileNotFoundError: it is not in the site.
    """
    path = site / blob
    if path.suffix != SUFFIX:
        return blob, path.stem, path.stat().st_size
    with path.open("rb") as file:
        return blob, hashlib.file_digest(file, "sha256").hexdigest(), path.stat().st_size


def text_digest(file: BinaryIO) -> str:
    """The digest of the text in an open `.logz`; '' when it is damaged."""
    digest = hashlib.sha256()
    try:
        for block in read_blocks(file):
            digest.update(_unpacked(file, block))
    except DamagedLogError:
        return ""
    return digest.hexdigest()
