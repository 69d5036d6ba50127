"""A shard: data of a page as a script of one call, for `mtLoad` (static/js/shard.js).

A page opened from a file can fetch nothing, but it can load a script that lies beside it.
"""

import json
from collections.abc import Mapping


def shard_bytes(key: str, document: Mapping[str, object]) -> bytes:
    """`mtShard("key", "JSON")`: ASCII, stable order; a page asks for it by `key`.

    The JSON is a string that the browser parses, which is faster than a literal; no `<` in it can
    end a script element that somebody writes around it.
    """
    text = json.dumps(document, ensure_ascii=True, separators=(",", ":"))
    call = f"mtShard({json.dumps(key)},{json.dumps(text)})\n"
    return call.replace("<", "\\u003c").encode()
