"""Logs of Windows: UTF-16 becomes UTF-8 before anything looks at it, secrets' rules above all."""

import codecs
from collections.abc import Callable

HEAD_BYTES = 1 << 12
"""So much of a log's beginning tells how it is written."""

_BOMS = {codecs.BOM_UTF16_LE: "utf-16-le", codecs.BOM_UTF16_BE: "utf-16-be"}
_LEAST = 16


def wide_encoding(head: bytes) -> str:
    """'utf-16-le' or 'utf-16-be' of a text that begins so, '' of every other.

    Told by its mark; without one, by every second byte being zero, as in a text that is mostly
    ASCII. What has a mark and is no text in it is something else.
    """
    encoding = _BOMS.get(head[:2], "")
    if not encoding and len(head) >= _LEAST and b"\0" in head:
        zeros = head[0::2].count(0), head[1::2].count(0)
        most = len(head) // 2 * 0.9
        if zeros[1] >= most and not zeros[0]:
            encoding = "utf-16-le"
        elif zeros[0] >= most and not zeros[1]:
            encoding = "utf-16-be"
    if encoding:
        text = head[: len(head) // 2 * 2].decode(encoding, "replace")
        if "\0" in text or text.count("\ufffd") > 1:
            return ""
    return encoding


class WideText:
    """A stream of UTF-16 as UTF-8; what is no character becomes U+FFFD."""

    def __init__(self, head: bytes, read: Callable[[int], bytes], encoding: str) -> None:
        self._decoder = codecs.getincrementaldecoder(encoding)("replace")
        self._read = read
        self._held = self._decoder.decode(head).removeprefix("\ufeff").encode()
        self._ended = False

    def read(self, size: int) -> bytes:
        """Up to `size` bytes; nothing at the end."""
        while not self._held and not self._ended:
            piece = self._read(size)
            self._ended = not piece
            # Half of a pair that no other half follows is no character either.
            self._held = self._decoder.decode(piece, final=self._ended).encode()
        given, self._held = self._held[:size], self._held[size:]
        return given
