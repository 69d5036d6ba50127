"""What publish needs of a place: get, put under a condition, delete, list. Few words, on purpose.

Paths are those of the tree, relative to the destination, with '/' between segments.
"""

import os
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import BinaryIO, Protocol, runtime_checkable

from msgspec import Struct

from mtsite import plugins
from mtsite.config import PublishConfig
from mtsite.errors import UsageError
from mtsite.publish.headers import Headers

GROUP = "mtsite.destinations"
BUILTIN = {"s3": "mtsite.publish.s3:S3", "file": "mtsite.publish.localdir:LocalDir"}

Tag = str
"""What tells one content of an object from the next; opaque, given by the destination."""

_BLOCK = 1 << 20

ABSENT: Tag = "*"
"""As `only_if`: put only where nothing lies."""

Source = bytes | BinaryIO
"""What is put: bytes, or an open file that can seek, read from its start."""


def size_of(source: Source) -> int:
    """How many bytes it has from its start."""
    if isinstance(source, bytes):
        return len(source)
    at = source.tell()
    size = source.seek(0, os.SEEK_END)
    source.seek(at)
    return size


class UnwritableError(Exception):
    """The file that an object is fetched into can't be written: no trouble of the destination."""

    def __init__(self, error: OSError) -> None:
        self.error = error
        super().__init__(str(error))


def copy_into(read: Callable[[int], bytes], into: BinaryIO) -> None:
    """Put all that can be read in the place of what a file held; it is at its start then.

    Raises:
        UnwritableError: the file can't be written; what `read` raises is passed on.
    """
    with _of_the_file():
        into.seek(0)
        into.truncate()
    while block := read(_BLOCK):
        with _of_the_file():
            into.write(block)
    with _of_the_file():
        into.seek(0)


@contextmanager
def _of_the_file() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise UnwritableError(error) from error


class PreconditionFailed(Exception):
    """Somebody else wrote the object since its tag was read; nothing was changed."""


class Found(Struct, frozen=True):
    """An object as stored. `unchanged`: it has the tag that was asked about; content is empty."""

    content: bytes
    tag: Tag
    unchanged: bool = False


class Stored(Struct, frozen=True):
    """A line of a listing: size in bytes as stored; the tag is '' where a listing has none."""

    path: str
    size: int
    tag: Tag = ""


class Destination(Protocol):
    """A place that holds a site. All methods but `list` may be called from several threads.

    `keeps_headers`: it stores Content-Encoding and serves it, so text may be sent compressed.
    `deletes_at_once`: how many objects one request of `delete` removes.
    `keeps_conditions`: a put with `only_if` is refused when it should be; None: not known, ask.
    `epoch`: when it is another one than before, what was put since the last `flush` may be lost.
    `requests` counts what was really asked of it, by kind: GET, PUT, POST, DELETE, LIST; `sent` the
    bytes of what was put, each time it was sent. Trouble is a DestinationError that says what to
    do.
    """

    name: str
    keeps_headers: bool
    deletes_at_once: int
    keeps_conditions: bool | None
    epoch: str
    requests: Counter[str]
    sent: Counter[str]

    def get(self, path: str, *, unless: Tag = "") -> Found | None:
        """The object, or None; `unless` is a tag whose content is known already."""
        ...

    def fetch(self, path: str, into: BinaryIO) -> bool:
        """Write the object into an open file, block after block; False when it isn't there.

        Whatever the file held is gone then, and it is at its start.

        Raises:
            OSError: the file can't be written.
        """
        ...

    def put(
        self, path: str, source: Source, headers: Headers, *, only_if: Tag | None = None
    ) -> Tag:
        """Store an object whole or not at all; `only_if` is its present tag, or ABSENT.

        With `only_if` it is safe from a crash when this returns, otherwise after the next `flush`.

        Raises:
            PreconditionFailed: the object has another tag.
        """
        ...

    def requests_of_put(self, size: int) -> Mapping[str, int]:
        """What a put of so many bytes asks for, by kind, when nothing fails."""
        ...

    def rest_of_put(self, path: str, source: Source) -> tuple[Mapping[str, int], int]:
        """Requests and bytes of a put of this very object, whose parts may lie there already."""
        ...

    def tag_of(self, source: Source) -> Tag:
        """The tag that these bytes would have, if the server's tags are of the usual kind."""
        ...

    def flush(self) -> None:
        """What was put and deleted is safe from a crash when this returns."""
        ...

    def delete(self, paths: Sequence[str]) -> None:
        """Remove objects; those that aren't there are no trouble."""
        ...

    def list(self, prefix: str = "") -> Iterator[Stored]:
        """Everything that lies there, in no promised order."""
        ...

    def address_of(self, path: str) -> str:
        """Where a browser finds an object, if whoever asks may read it."""
        ...

    def close(self) -> None:
        """Let go of connections."""
        ...


@runtime_checkable
class TakesParts(Protocol):
    """A destination that takes a large object in parts, which needs rights of its own."""

    def try_parts(self, path: str) -> None:
        """Begin an object in parts, look at it as a publish does, and take it back."""
        ...


def open_destination(url: str, settings: PublishConfig) -> Destination:
    """The destination of an address: `s3://bucket/prefix`, or a directory.

    Raises:
        UsageError: the scheme is unknown.
        DestinationError: it can't be used.
    """
    if not url:
        raise UsageError(
            "no destination to publish to",
            'set [publish] destination = "s3://bucket/prefix" or a directory, or name it: '
            "mtsite publish DESTINATION",
        )
    scheme, separator, _ = url.partition("://")
    opened = plugins.load(GROUP, scheme if separator else "file", BUILTIN)(url, settings)
    destination: Destination = opened
    return destination
