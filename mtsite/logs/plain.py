"""The text of a log as rules see it: without terminal escapes, and without the tags of HTML.

Lines stay lines. A text that has neither is judged as it is stored; of a mapped one that has, a
plain copy goes into a file that nobody sees.
"""

import contextlib
import mmap
import re
import tempfile
from collections.abc import Iterator

from mtsite.logs import ansi
from mtsite.logs.source import Content, block_borders, release

_HTML = re.compile(rb"[\s\xef\xbb\xbf]*<(?:!doctype html|html)\b", re.IGNORECASE)
_TAG = re.compile(rb"<[/!]?[A-Za-z-][^<>\r\n]*>")
_HEAD_BYTES = 1 << 12
_BLOCK_BYTES = 1 << 18
"""Small enough for the processor's cache: what is copied is there."""


def is_marked_up(content: Content) -> bool:
    """Whether a log is HTML."""
    return _HTML.match(ansi.strip(content[:_HEAD_BYTES])) is not None


@contextlib.contextmanager
def plain_text(content: Content) -> Iterator[tuple[Content, bool]]:
    """The text to judge, and whether it was HTML."""
    marked_up = is_marked_up(content)
    if isinstance(content, bytes):
        yield _plain(content, marked_up), marked_up
    elif not marked_up and not _has_escapes(content):
        yield content, False
    else:
        with tempfile.TemporaryFile() as file:
            for start, stop in block_borders(content, _BLOCK_BYTES):
                file.write(_plain(content[start:stop], marked_up))
                release(content, start, stop)
            file.flush()
            if not file.tell():
                yield b"", marked_up
                return
            with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as text:
                yield text, marked_up


def _plain(text: bytes, marked_up: bool) -> bytes:
    text = ansi.strip(text)
    return _TAG.sub(b"", text) if marked_up else text


def _has_escapes(content: mmap.mmap) -> bool:
    for start, stop in block_borders(content):
        found = content.find(b"\x1b", start, stop) >= 0
        release(content, start, stop)
        if found:
            return True
    return False
