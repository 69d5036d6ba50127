"""What a browser is told of each file: its type, whether it may keep it, whether it is packed.

A type is always sent: some servers guess text/html for what has none, and would run a log. What
lies in `_blobs/` comes from anyone who can run a test, so it is text, or a picture from a list.
"""

import re

from msgspec import Struct

IMMUTABLE = "max-age=31536000, immutable"
# Not "public": a proxy with a login must not hand what one reader fetched to another.
REVALIDATED = "no-cache"
TEXT = "text/plain; charset=utf-8"
_BINARY = "application/octet-stream"
_GZIP = "application/gzip"
_PICTURES = {
    "avif": "image/avif",
    "gif": "image/gif",
    "jpeg": "image/jpeg",
    "jpg": "image/jpeg",
    "png": "image/png",
    "webp": "image/webp",
}
_PACKED = {"gz": _GZIP, "logz": _GZIP, "bin": _BINARY, "zip": "application/zip"}
_PAGES = {
    "css": "text/css; charset=utf-8",
    "csv": "text/csv; charset=utf-8",
    "db": "application/vnd.sqlite3",
    "html": "text/html; charset=utf-8",
    "ico": "image/x-icon",
    "js": "text/javascript; charset=utf-8",
    "json": "application/json",
    "jsonl": "application/jsonl; charset=utf-8",
    "svg": "image/svg+xml",
    "wasm": "application/wasm",
    "webmanifest": "application/manifest+json",
    "woff2": "font/woff2",
    "xml": "application/xml",
}
_BY_NAME = {"feed.xml": "application/atom+xml; charset=utf-8"}
_TEXTUAL = ("text/", "application/json", "application/xml", "application/atom", "image/svg")
_NAMED_BY_DIGEST = re.compile(
    r"_(?!record/|assets/)[a-z]+/(?:.*/)?[0-9a-f]{64}(?:\.[A-Za-z0-9.]+)?"
    r"|.*/_log/_part/[^/]+/[0-9a-f]{64}\.js"
)


class Headers(Struct, frozen=True):
    """What is sent with an object; `compress`: its text is worth packing where that is kept."""

    content_type: str
    cache_control: str
    compress: bool = False
    content_encoding: str = ""


def headers_for(path: str) -> Headers:
    """The headers of a file of the tree, told from its path alone."""
    content_type = _type(path)
    immutable = path.startswith("_blobs/") or _NAMED_BY_DIGEST.fullmatch(path)
    return Headers(
        content_type,
        IMMUTABLE if immutable else REVALIDATED,
        compress=content_type.startswith(_TEXTUAL),
    )


def _type(path: str) -> str:
    name = path.rpartition("/")[2]
    extension = name.rpartition(".")[2].lower() if "." in name else ""
    from_outside = path.startswith("_blobs/")
    known = _PICTURES | _PACKED if from_outside else _PICTURES | _PACKED | _PAGES
    if not from_outside and name in _BY_NAME:
        return _BY_NAME[name]
    return known.get(extension, TEXT)
