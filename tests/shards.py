"""Shards of a site as tests read them: each keeps the schema that it names."""

import gzip
import json
import re
from pathlib import Path
from typing import Any

from mtsite.check.schema import Schemas

SCHEMAS = Schemas(Path(__file__).parents[1] / "docs/schemas")
_CALL = re.compile(rb'mtShard\("[^"\\<]*",("(?:[^"\\<]|\\.)*")\)\n')


def read_shard(content: bytes) -> dict[str, Any]:
    """The document of a shard, plain or as it is published."""
    plain = gzip.decompress(content) if content.startswith(b"\x1f\x8b") else content
    matched = _CALL.fullmatch(plain)
    assert matched is not None
    told: dict[str, Any] = json.loads(json.loads(matched[1]))
    assert SCHEMAS.judge(told) == ""
    return told
