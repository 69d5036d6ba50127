"""Every right that publishing needs, tried on an object of its own that is taken away again."""

import secrets
from collections.abc import Callable
from typing import NamedTuple

from msgspec import Struct

from mtsite.errors import DestinationError
from mtsite.publish.destination import ABSENT, Destination, PreconditionFailed, TakesParts
from mtsite.publish.encode import gzip_bytes
from mtsite.publish.headers import Headers

_HEADERS = Headers("text/plain; charset=utf-8", "no-cache", content_encoding="gzip")
_CONTENT = gzip_bytes(b"mtsite tries whether it may publish here; this object can go\n")


class Tried(NamedTuple):
    """One right: `told` and `hint` are '' when it is there."""

    what: str
    told: str = ""
    hint: str = ""


class _Amiss(Exception):
    """What is wrong, and what to do."""


class Probe(Struct):
    """Tries a destination; call `rights` once."""

    destination: Destination
    path: str = ""

    def rights(self) -> list[Tried]:
        """One line per right, in the order in which publishing needs them.

        What was put is deleted whatever happens. When nothing answers, the first line says so and
        the rest is left out.
        """
        self.path = f"_manifest/probe-{secrets.token_hex(8)}.txt"
        steps: list[tuple[str, Callable[[], None]]] = [
            ("ask for an object that is not there", self._absent),
            ("put an object", self._put),
            ("get it back as it was sent", self._same),
            ("put over it", self._put),
            ("put under a condition", self._condition),
            ("list", self._listed),
            ("send a large file in parts", self._parts),
            ("delete", self._delete),
        ]
        if not isinstance(self.destination, TakesParts):
            steps = [(what, step) for what, step in steps if step != self._parts]
        tried = []
        for what, step in steps:
            found = _try(what, step)
            tried.append(found)
            if found.told and step in (self._absent, self._put):
                break
        if tried[-1].what != "delete":
            _try("delete", self._delete)
        return tried

    def _absent(self) -> None:
        if self.destination.get(self.path) is not None:
            raise _Amiss("something answers for an object that nobody put", "look at proxies")

    def _put(self) -> None:
        self.destination.put(self.path, _CONTENT, _HEADERS)

    def _same(self) -> None:
        found = self.destination.get(self.path)
        if found is None or found.content != _CONTENT:
            raise _Amiss(
                "it comes back changed", "a proxy or cache in between unpacks or changes content"
            )

    def _condition(self) -> None:
        try:
            self.destination.put(self.path, _CONTENT, _HEADERS, only_if=ABSENT)
        except PreconditionFailed:
            return
        raise _Amiss(
            "the condition is ignored", "only one publisher at a time is safe at this destination"
        )

    def _listed(self) -> None:
        if self.path not in {stored.path for stored in self.destination.list(self.path)}:
            raise _Amiss("the object is not listed", "allow s3:ListBucket on the bucket")

    def _parts(self) -> None:
        assert isinstance(self.destination, TakesParts)
        self.destination.try_parts(self.path)

    def _delete(self) -> None:
        self.destination.delete([self.path])
        if self.destination.get(self.path) is not None:
            raise _Amiss("it is still there", f"remove {self.path}; is the bucket versioned?")


def _try(what: str, step: Callable[[], None]) -> Tried:
    try:
        step()
    except DestinationError as error:
        return Tried(what, error.message, error.hint)
    except _Amiss as error:
        return Tried(what, *error.args)
    return Tried(what)
