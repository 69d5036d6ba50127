"""The two documents of S3 that publishing needs: what to delete, and what lies there.

Keys of others may hold anything, so listings are asked for with their keys in quotes; what a server
says is read with suspicion, and is refused by ValueError.
"""

from collections.abc import Iterable, Iterator
from urllib.parse import quote, unquote_plus
from xml.etree import ElementTree
from xml.sax.saxutils import escape

from msgspec import Struct

from mtsite.publish.destination import Stored

_MOST_BYTES = 16 << 20


class Listing(Struct, frozen=True):
    """One answer: objects by their whole keys, and how to ask for the next ('': that was all)."""

    objects: tuple[Stored, ...]
    next_token: str


def listing_query(prefix: str, token: str) -> str:
    """What follows '?', its parameters in the order in which they are signed."""
    wanted = {"encoding-type": "url", "list-type": "2", "max-keys": "1000", "prefix": prefix}
    if token:
        wanted["continuation-token"] = token
    return "&".join(f"{name}={quote(wanted[name], safe='-_.~')}" for name in sorted(wanted))


def read_listing(content: bytes) -> Listing:
    """The answer to `listing_query`.

    Raises:
        ValueError: it is none.
    """
    root = _parsed(content, "ListBucketResult")
    try:
        objects = tuple(
            Stored(
                unquote_plus(_text(each, "Key")),
                int(_text(each, "Size") or 0),
                _text(each, "ETag"),
            )
            for each in _children(root, "Contents")
        )
    except ValueError as error:
        raise ValueError(f"a listing has a size that is no number: {error}") from error
    more = _text(root, "IsTruncated").lower() == "true"
    return Listing(objects, _text(root, "NextContinuationToken") if more else "")


def delete_body(keys: Iterable[str]) -> bytes:
    """The document that deletes these objects, and asks only for those that can't be."""
    listed = "".join(f"<Object><Key>{escape(key)}</Key></Object>" for key in keys)
    namespace = "http://s3.amazonaws.com/doc/2006-03-01/"
    return f'<Delete xmlns="{namespace}">{listed}<Quiet>true</Quiet></Delete>'.encode()


def read_not_deleted(content: bytes) -> list[tuple[str, str]]:
    """(key, why) of what was not deleted.

    Raises:
        ValueError: it is no answer to a deletion.
    """
    root = _parsed(content, "DeleteResult")
    return [(_text(e, "Key"), _text(e, "Message") or _text(e, "Code")) for e in _errors(root)]


def _errors(root: ElementTree.Element) -> Iterator[ElementTree.Element]:
    return _children(root, "Error")


def _parsed(content: bytes, name: str) -> ElementTree.Element:
    # No document type: it could define what swells to gigabytes.
    if len(content) > _MOST_BYTES or b"<!DOCTYPE" in content[:1000]:
        raise ValueError("an answer is no S3 document")
    try:
        root = ElementTree.fromstring(content)
    except ElementTree.ParseError as error:
        raise ValueError(f"an answer is no XML: {error}") from error
    if _name(root) != name:
        raise ValueError(f"an answer is {_name(root)[:40]!r}, not {name!r}")
    return root


def _children(element: ElementTree.Element, name: str) -> Iterator[ElementTree.Element]:
    return (child for child in element if _name(child) == name)


def _text(element: ElementTree.Element, name: str) -> str:
    return next((child.text or "" for child in _children(element, name)), "")


def _name(element: ElementTree.Element) -> str:
    return str(element.tag).rpartition("}")[2]
