"""A shard: data of a page as a script of one call, for `mtLoad` (static/js/shard.js). Pure.

A page opened from a file can fetch nothing, but it can load a script that lies beside it. Every
document names its form as `schema`, for `mtsite check` and for readers of an older page.
"""

import hashlib
import json
from collections.abc import Mapping


def shard_bytes(key: str, document: Mapping[str, object]) -> bytes:
    """`mtShard("key", "JSON")`: ASCII; a page asks for it by `key`.

    The JSON is a string that the browser parses, which is faster than a literal; no `<` in it can
    end a script element that somebody writes around it.
    """
    return _call(key, _json(document))


def named_shard(document: Mapping[str, object]) -> tuple[str, bytes]:
    """(32 hex of the document's digest, the shard of that key): other content, another name.

    A reader whose page is a moment old still finds the data that belongs to it.
    """
    text = _json(document)
    key = hashlib.sha256(text.encode()).hexdigest()[:32]
    return key, _call(key, text)


def _json(document: Mapping[str, object]) -> str:
    return json.dumps(document, ensure_ascii=True, separators=(",", ":"))


def _call(key: str, text: str) -> bytes:
    return f"mtShard({json.dumps(key)},{json.dumps(text)})\n".replace("<", "\\u003c").encode()
