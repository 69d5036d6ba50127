"""A destination that is read as it is and never written: what --dry-run is given."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import BinaryIO

from mtsite.publish.destination import Destination, Found, Source, Stored, Tag
from mtsite.publish.headers import Headers


class DryRun:
    """Wraps any destination; puts and deletes do nothing."""

    def __init__(self, wrapped: Destination) -> None:
        self._wrapped = wrapped
        self.name = wrapped.name
        self.keeps_headers = wrapped.keeps_headers
        self.deletes_at_once = wrapped.deletes_at_once
        self.keeps_conditions = wrapped.keeps_conditions
        self.epoch = wrapped.epoch
        self.requests: Counter[str] = wrapped.requests
        self.sent: Counter[str] = wrapped.sent

    def get(self, path: str, *, unless: Tag = "") -> Found | None:
        """The wrapped destination's answer."""
        return self._wrapped.get(path, unless=unless)

    def fetch(self, path: str, into: BinaryIO) -> bool:
        """The wrapped destination's answer."""
        return self._wrapped.fetch(path, into)

    def put(
        self, path: str, source: Source, headers: Headers, *, only_if: Tag | None = None
    ) -> Tag:
        """Store nothing; the tag is no tag of any object."""
        del path, source, headers, only_if
        return "dry-run"

    def requests_of_put(self, size: int) -> Mapping[str, int]:
        """The wrapped destination's answer."""
        return self._wrapped.requests_of_put(size)

    def rest_of_put(self, path: str, source: Source) -> tuple[Mapping[str, int], int]:
        """The wrapped destination's answer."""
        return self._wrapped.rest_of_put(path, source)

    def tag_of(self, source: Source) -> Tag:
        """The wrapped destination's answer."""
        return self._wrapped.tag_of(source)

    def flush(self) -> None:
        """Nothing was put."""

    def delete(self, paths: Sequence[str]) -> None:
        """Remove nothing."""
        del paths

    def list(self, prefix: str = "") -> Iterator[Stored]:
        """The wrapped destination's answer."""
        return self._wrapped.list(prefix)

    def address_of(self, path: str) -> str:
        """The wrapped destination's answer."""
        return self._wrapped.address_of(path)

    def close(self) -> None:
        """Close the wrapped destination."""
        self._wrapped.close()
