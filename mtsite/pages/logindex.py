"""The index of a large log for the browser: which lines lie in which bytes, and how bad they are.

Made from the headers of the log's members. Numbers are written in base 36, one per member:

    bytes, size, lines   of the file, of its text, and how many lines
    p   bytes of the member        n   lines that begin in it
    g   members that go on with a line of the one before
    l   the level that its first line inherits, as a rank: one character per member
    c   rank → lines of that level ('' is 0) for each level the log has
"""

import hashlib
import json
from collections.abc import Iterable, Mapping

from mtsite.logs.blocks import Block, BlockedText
from mtsite.logs.levels import RANKS

_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"
_RANK = {level: str(rank) for rank, level in enumerate(RANKS)}


def index_document(text: BlockedText) -> dict[str, object]:
    """What the shard of a log holds."""
    blocks = text.blocks
    found: dict[str, object] = {
        "schema": "mtsite/shard-log/1",
        "bytes": sum(block.packed for block in blocks),
        "size": text.size,
        "lines": text.lines,
        "p": _joined(block.packed for block in blocks),
        "n": _joined(block.lines for block in blocks),
        "g": _joined(number for number, block in enumerate(blocks) if block.goes_on),
    }
    if text.levels:
        found["l"] = "".join(_RANK[block.level] for block in blocks)
        found["c"] = {_RANK[level]: _counts(blocks, level) for level in text.levels}
    return found


def index_key(document: Mapping[str, object]) -> str:
    """The name of a log's index: a digest, so that no page takes another log's."""
    content = json.dumps(document, ensure_ascii=True, separators=(",", ":"))
    return hashlib.sha256(content.encode()).hexdigest()


def _counts(blocks: Iterable[Block], level: str) -> str:
    rank = RANKS.index(level)
    return ",".join(_base36(block.counts[rank]) if block.counts[rank] else "" for block in blocks)


def _joined(numbers: Iterable[int]) -> str:
    return ",".join(map(_base36, numbers))


def _base36(number: int) -> str:
    digits = ""
    while number >= 36:
        number, rest = divmod(number, 36)
        digits = _DIGITS[rest] + digits
    return _DIGITS[number] + digits
