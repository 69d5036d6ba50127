"""A file of a run directory that the settings chose, as it was taken, and its line in a record."""

from collections.abc import Mapping
from typing import Any

from msgspec import Struct, field
from msgspec.structs import fields

IMAGE, TEXT, JSON, CSV, PAGE, FILE = "image", "text", "json", "csv", "page", "file"
"""What it is by its content: a page is HTML or SVG, a file anything that is only downloaded."""

LEFT_OUT = "left out"
"""The kind of one that was not stored, `note` says why; without a name it speaks for several."""

READABLE = frozenset({TEXT, JSON, CSV, PAGE})
"""The kinds that are stored as text, with their secrets masked."""


class Attachment(Struct, frozen=True):
    """One attachment of a test; `name` is relative to the run directory.

    `form` is what its content says it is (PNG, PDF, gzip; '' for plain text). `blob` is the path
    below the site, '' when nothing is stored: then `note` or `ended` says why. `size` is bytes of
    what is stored, `source_size` of the file. `width` and `height` are pixels of an image as it is
    shown, 0 where it is none; `huge`: a browser should not be made to unpack it.
    `redacted` and `reported` are those of a log.
    """

    name: str
    kind: str
    form: str = ""
    blob: str = ""
    size: int = 0
    source_size: int = 0
    source_mtime_ns: int = 0
    width: int = 0
    height: int = 0
    huge: bool = False
    lines: int = 0
    redacted: Mapping[str, int] = field(default_factory=dict)
    reported: bool = False
    note: str = ""
    ended: str = ""


_FIELDS = tuple(
    (one.name, one.default)
    for one in fields(Attachment)
    if one.name not in {"name", "kind", "redacted"}
)


def to_row(one: Attachment) -> dict[str, object]:
    """Plain values for JSON; what is as usual is left out."""
    row: dict[str, object] = {"name": one.name, "kind": one.kind}
    row |= {key: getattr(one, key) for key, usual in _FIELDS if getattr(one, key) != usual}
    if one.redacted:
        row["redacted"] = dict(sorted(one.redacted.items()))
    return row


def of_row(row: Mapping[str, Any]) -> Attachment:
    """The attachment behind its JSON form.

    Raises:
        TypeError: the row is none.
    """
    return Attachment(**row)
