"""Unpack gzip, xz and zstandard as a stream: any number of members, a bounded amount at a time.

The three decompressors have one interface, that of the standard library's `lzma`. For zstandard
it is the standard library's own from Python 3.14 on, and its backport before. What a packed file
lacks or has too much of becomes a note; what could be unpacked until there is kept.
"""

import lzma
import sys
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from isal import igzip_lib

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

_CHUNK_BYTES = 1 << 18
_XZ_MEMORY_BYTES = 96 << 20
_ZSTD_WINDOW_LOG = 26
"""A window of 64 MiB: more than any level asks for but `--ultra` and `--long`."""


class _Decompressor(Protocol):
    """What the decompressors of the standard library share."""

    @property
    def eof(self) -> bool:
        """Whether the end of the member was reached."""

    @property
    def needs_input(self) -> bool:
        """Whether nothing more comes without new data."""

    @property
    def unused_data(self) -> bytes:
        """What follows the member."""

    def decompress(self, data: bytes, max_length: int = -1) -> bytes:
        """At most `max_length` bytes of text."""


def _gzip() -> _Decompressor:
    made: _Decompressor = igzip_lib.IgzipDecompressor(flag=igzip_lib.DECOMP_GZIP)
    return made


def _xz() -> _Decompressor:
    return lzma.LZMADecompressor(format=lzma.FORMAT_XZ, memlimit=_XZ_MEMORY_BYTES)


def _zstd() -> _Decompressor:
    limit: dict[int, int] = {zstd.DecompressionParameter.window_log_max: _ZSTD_WINDOW_LOG}
    made: _Decompressor = zstd.ZstdDecompressor(options=limit)
    return made


_MAGIC: Mapping[bytes, tuple[str, Callable[[], _Decompressor]]] = {
    b"\x1f\x8b": ("gzip", _gzip),
    b"\xfd7zXZ\x00": ("xz", _xz),
    b"\x28\xb5\x2f\xfd": ("zstandard", _zstd),
}
MAGIC_BYTES = max(map(len, _MAGIC))
# The stubs of isal call its exception class an instance.
_BROKEN: Any = (igzip_lib.IsalError, lzma.LZMAError, zstd.ZstdError)


class Unpacker:
    """The text of a packed file; `read` is like a file's, `note` says what was wrong in the end."""

    def __init__(self, head: bytes, read: Callable[[int], bytes]) -> None:
        self.form, self._make = next(
            found for magic, found in _MAGIC.items() if head.startswith(magic)
        )
        self.note = ""
        self._read = read
        self._packed = head
        self._member: _Decompressor | None = self._make()
        self._given = 0

    def read(self, size: int) -> bytes:
        """Up to `size` bytes of the text; nothing at its end."""
        while self._member is not None:
            try:
                piece = self._step(self._member, size)
            except _BROKEN as error:
                self._stop(f"the {self.form} data is damaged after that ({error})")
                break
            if piece:
                self._given += len(piece)
                return piece
        return b""

    def _step(self, member: _Decompressor, size: int) -> bytes:
        if member.eof:
            self._next_member(member.unused_data)
            return b""
        if member.needs_input and not self._packed:
            self._packed = self._read(_CHUNK_BYTES)
            if not self._packed:
                self._stop(f"the {self.form} data breaks off")
                return b""
        packed, self._packed = self._packed, b""
        return member.decompress(packed, size)

    def _next_member(self, rest: bytes) -> None:
        """Go on with another member; zeros may fill the end, as tape drives leave them."""
        while len(rest) < MAGIC_BYTES and (more := self._read(_CHUNK_BYTES)):
            rest += more
        found = next((f for magic, f in _MAGIC.items() if rest.startswith(magic)), None)
        if found is not None and found[0] == self.form:
            self._member, self._packed = self._make(), rest
        elif rest.strip(b"\0"):
            self._stop(f"what follows the {self.form} data is none")
        else:
            self._member = None

    def _stop(self, reason: str) -> None:
        self._member = None
        self.note = f"cut: {self._given:,} bytes of text are kept; {reason}"


def is_packed(head: bytes) -> bool:
    """Whether a file that begins so (MAGIC_BYTES are enough) is packed."""
    return head.startswith(tuple(_MAGIC))
