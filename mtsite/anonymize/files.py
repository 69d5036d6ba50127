"""The files of an area again: texts line by line, packed ones packed again, names changed, too."""

import contextlib
import gzip
import lzma
import os
import stat
import sys
import zlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, BinaryIO

from msgspec import Struct, field

from mtsite.anonymize.rows import MAGIC, copy_database
from mtsite.anonymize.scrub import Scrubber
from mtsite.errors import DamagedLogError
from mtsite.logs.encoding import HEAD_BYTES, WideText, wide_encoding

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

BLOCK_BYTES = 1 << 20
_LONGEST_LINE = 8 << 20
_BETWEEN_WORDS = (b" ", b"\t", b",", b'"', b"'")
_SIDE_FILES = ("-journal", "-wal", "-shm", ".lock")
_PACKED: dict[bytes, Callable[..., Any]] = {
    b"\x1f\x8b": gzip.open,
    b"\xfd7zXZ\x00": lzma.open,
    b"\x28\xb5\x2f\xfd": zstd.open,
}

_BROKEN = (gzip.BadGzipFile, zlib.error, EOFError, lzma.LZMAError, zstd.ZstdError)

DATABASE, TEXT, BINARY = "database", "text", "binary"


class Copied(Struct):
    """What was copied; `left_out` are files that are neither text nor database, with why."""

    rows: Counter[str] = field(default_factory=Counter)
    databases: int = 0
    files: int = 0
    text_bytes: int = 0
    left_out: list[tuple[str, str]] = field(default_factory=list)


def files_below(root: Path, inside: tuple[Path, ...]) -> Iterator[tuple[Path, Path]]:
    """(real file or directory, its path below `root` as links show it): each directory once.

    `inside` are the real directories that links may lead into; nothing outside of them is given.
    """
    seen: set[str] = set()
    waiting = [(root, Path())]
    while waiting:
        directory, shown = waiting.pop()
        real = Path(os.path.realpath(directory))
        if str(real) in seen or not any(real.is_relative_to(one) for one in inside):
            continue
        seen.add(str(real))
        yield real, shown
        for entry in sorted(os.scandir(real), key=lambda one: one.name):
            path = Path(entry.path)
            try:
                is_directory, is_file = entry.is_dir(), entry.is_file()
            except OSError:
                continue  # a link that leads to itself, or to where nobody may look
            if is_directory:
                waiting.append((path, shown / entry.name))
            elif is_file and not entry.name.endswith(_SIDE_FILES):
                found = Path(os.path.realpath(path))
                if any(found.is_relative_to(one) for one in inside):
                    yield found, shown / entry.name


def kind_of(path: Path) -> tuple[str, bytes]:
    """Database, text or binary, and how a packed one begins."""
    with path.open("rb") as file:
        head = file.read(HEAD_BYTES)
    if head.startswith(MAGIC):
        return DATABASE, b""
    magic = next((one for one in _PACKED if head.startswith(one)), b"")
    if magic:
        try:
            with _PACKED[magic](path) as packed:
                head = packed.read(HEAD_BYTES)
        except _BROKEN:
            return BINARY, magic
    is_text = b"\0" not in head or wide_encoding(head)
    return (TEXT if is_text else BINARY), magic


def copy_file(source: Path, target: Path, scrubber: Scrubber, copied: Copied) -> None:
    """One file with its words replaced, and with its time; nothing of what can't be read as text.

    Raises:
        OSError, sqlite3.Error: it can't be read or written.
    """
    found = source.stat()
    if source.is_dir():
        target.mkdir(parents=True, exist_ok=True)
        return
    if target.exists():
        # Words are the same in capitals: Alice.log and alice.log.
        copied.left_out.append((str(source), "another file has its name in the copy"))
        return
    kind, magic = kind_of(source)
    if kind == BINARY:
        copied.left_out.append((str(source), "neither text nor a database"))
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    if kind == DATABASE:
        copied.rows.update(copy_database(source, target, scrubber))
        copied.databases += 1
    else:
        with _opened(magic, source) as file, _made(magic, target) as out:
            copied.text_bytes += scrub_stream(file, out, scrubber)
        copied.files += 1
    target.chmod(stat.S_IMODE(found.st_mode) & 0o755 | stat.S_IWUSR)
    os.utime(target, ns=(found.st_atime_ns, found.st_mtime_ns))


def _opened(magic: bytes, path: Path) -> Any:
    return _PACKED[magic](path) if magic else path.open("rb")


@contextlib.contextmanager
def _made(magic: bytes, path: Path) -> Iterator[Any]:
    """A file to write, packed as it was; gzip's header tells neither time nor name."""
    with path.open("wb") as raw:
        if magic == b"\x1f\x8b":
            with gzip.GzipFile("", "wb", 6, raw, mtime=0) as packed:
                yield packed
        elif magic:
            with _PACKED[magic](raw, "wb") as packed:
                yield packed
        else:
            yield raw


def scrub_stream(source: BinaryIO, out: BinaryIO, scrubber: Scrubber) -> int:
    """Copy a text, UTF-16 as UTF-8; how many bytes were read.

    Secrets first, which may go over many lines; then words, in blocks of whole lines.
    """
    text = _Text(source)
    for block in whole_lines(scrubber.masked(text.read)):
        out.write(scrubber.reworded(block))
    return text.total


class _Text:
    """A text that is read in pieces, UTF-16 as UTF-8; `total` bytes of it were read."""

    def __init__(self, source: BinaryIO) -> None:
        self.total = 0
        head = source.read(HEAD_BYTES)
        encoding = wide_encoding(head)
        self._rest = b"" if encoding else head
        self._read = WideText(head, source.read, encoding).read if encoding else source.read

    def read(self, size: int) -> bytes:
        """The next bytes, none at the end."""
        piece = self._rest or self._read(size)
        self._rest = piece[size:]
        self.total += len(piece[:size])
        return piece[:size]


def whole_lines(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """A text in blocks that end where lines do; a very long line in pieces that cut no word."""
    rest = b""
    for piece in pieces:
        rest += piece
        end = rest.rfind(b"\n") + 1
        if end or len(rest) > _LONGEST_LINE:
            end = end or max(map(rest.rfind, _BETWEEN_WORDS)) + 1 or len(rest)
            yield rest[:end]
            rest = rest[end:]
    if rest:
        yield rest


def text_of(path: Path) -> Iterator[bytes]:
    """The blocks of a file as it lies there, and unpacked where it is packed.

    Raises:
        DamagedLogError: it doesn't unpack.
    """
    with path.open("rb") as file:
        head = file.read(8)
        file.seek(0)
        yield from iter(lambda: file.read(BLOCK_BYTES), b"")
    magic = next((one for one in _PACKED if head.startswith(one)), b"")
    if magic:
        try:
            with _PACKED[magic](path) as packed:
                yield b""
                yield from iter(lambda: packed.read(BLOCK_BYTES), b"")
        except _BROKEN as wrong:
            raise DamagedLogError(f"{path} doesn't unpack: {wrong}") from wrong
