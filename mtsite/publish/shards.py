"""The manifest's files: what lies at a destination, as a root and immutable shards.

    _manifest/root.json                 {"schema": "mtsite/manifest/1", "generation": 12,
                                         "areas": ["fullrun"], "shards": [{"name": DIGEST, ...}]}
    _manifest/ab/DIGEST.jsonl.gz        one line per path, sorted; later shards of the root win
        ["a/index.html","DIGEST",123]   lies there: SHA-256 and size of its unpacked content
        ["a/old.html",null,1795140840]  nothing refers to it since then (Unix time); still there
        ["a/gone.html",null,0]          deleted; the line stands only to hide an older one

Each generation adds a batch of shards with its changes. A batch swallows the batches before it that
are smaller than twice its size, so the root lists few shards, and a path is rewritten rarely.
Everything here is pure; what it reads may be damaged or hostile, and is refused by ValueError.
"""

import hashlib
import json
import re
import zlib
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from msgspec import Struct

from mtsite.publish.encode import gzip_bytes

SCHEMA = "mtsite/manifest/1"
ROOT = "_manifest/root.json"
LINES_PER_SHARD = 50_000
_GROWTH = 2
_MOST_BYTES = 128 << 20
_DIGEST = re.compile(r"[0-9a-f]{64}")
_GZIP_WINDOW = 31


class Line(NamedTuple):
    """What is known of one path. `digest` '': nothing refers to it, `since` when (0: gone)."""

    path: str
    digest: str
    size: int = 0
    since: int = 0


class ShardRef(Struct, frozen=True):
    """A shard as the root lists it; shards of one `generation` are one batch."""

    name: str
    lines: int
    size_bytes: int
    generation: int

    @property
    def path(self) -> str:
        """Where it lies."""
        return f"_manifest/{self.name[:2]}/{self.name}.jsonl.gz"


class Root(Struct, frozen=True):
    """The manifest's root; an unpublished site has generation 0."""

    generation: int = 0
    areas: tuple[str, ...] = ()
    shards: tuple[ShardRef, ...] = ()


def encode_root(root: Root) -> bytes:
    """The root as its file."""
    shards = [
        {"name": s.name, "entries": s.lines, "bytes": s.size_bytes, "generation": s.generation}
        for s in root.shards
    ]
    told = {
        "schema": SCHEMA,
        "generation": root.generation,
        "areas": list(root.areas),
        "shards": shards,
    }
    return json.dumps(told, indent=1).encode() + b"\n"


def decode_root(content: bytes) -> Root:
    """The file as a root.

    Raises:
        ValueError: it is damaged, or of another schema; the message says which.
    """
    told = json.loads(content)
    if not isinstance(told, dict) or told.get("schema") != SCHEMA:
        found = str(told.get("schema"))[:80] if isinstance(told, dict) else "no object"
        raise ValueError(f"its schema is {found!r}, not {SCHEMA!r}")
    areas = told.get("areas")
    shards = told.get("shards")
    if not isinstance(areas, list) or not all(isinstance(area, str) for area in areas):
        raise ValueError("its areas are no list of names")
    if not isinstance(shards, list):
        raise ValueError("its shards are no list")
    return Root(_whole(told, "generation"), tuple(areas), tuple(_ref(each) for each in shards))


def encode_shard(lines: Iterable[Line], generation: int) -> tuple[ShardRef, bytes]:
    """Lines in order of their paths → the shard's reference and its file.

    The name is the digest of the unpacked lines, so it does not depend on who packed them.
    """
    texts = [_text(line) for line in lines]
    content = "".join(texts).encode()
    packed = gzip_bytes(content)
    name = hashlib.sha256(content).hexdigest()
    return ShardRef(name, len(texts), len(packed), generation), packed


def decode_shard(ref: ShardRef, packed: bytes) -> list[Line]:
    """The file as lines.

    Raises:
        ValueError: it is not what its name promises.
    """
    content = _unpack(packed)
    if hashlib.sha256(content).hexdigest() != ref.name:
        raise ValueError("its content is not what its name promises")
    return [_line(text) for text in content.splitlines()]


def split(lines: Sequence[Line], most: int = LINES_PER_SHARD) -> Iterator[Sequence[Line]]:
    """Lines in pieces that each make one shard."""
    for start in range(0, len(lines), most):
        yield lines[start : start + most]


def kept_shards(shards: Sequence[ShardRef], added: int) -> int:
    """How many of the root's first shards stay when a batch of `added` lines swallows the rest.

    Batches are swallowed from the newest on while they are smaller than twice what has gathered.
    """
    kept = len(shards)
    while kept:
        start = kept
        while start and shards[start - 1].generation == shards[kept - 1].generation:
            start -= 1
        batch = sum(shard.lines for shard in shards[start:kept])
        if batch >= _GROWTH * added:
            break
        added += batch
        kept = start
    return kept


def overlay(older: Iterable[Line], newer: Iterable[Line]) -> dict[str, Line]:
    """Path → its newest line."""
    lines = {line.path: line for line in older}
    lines.update((line.path, line) for line in newer)
    return lines


def _text(line: Line) -> str:
    if line.digest:
        return f'[{json.dumps(line.path)},"{line.digest}",{line.size}]\n'
    return f"[{json.dumps(line.path)},null,{line.since}]\n"


def _line(text: bytes) -> Line:
    told = json.loads(text)
    if not isinstance(told, list) or len(told) != 3 or not isinstance(told[0], str):
        raise ValueError("a line is not [path, digest, size]")
    path, digest, number = told
    if not isinstance(number, int) or isinstance(number, bool) or number < 0:
        raise ValueError("a size is no number")
    if digest is None:
        return Line(path, "", 0, number)
    if not isinstance(digest, str) or not _DIGEST.fullmatch(digest):
        raise ValueError("a digest is no SHA-256")
    return Line(path, digest, number)


def _ref(told: object) -> ShardRef:
    if not isinstance(told, dict):
        raise ValueError("a shard is no object")
    name = told.get("name")
    if not isinstance(name, str) or not _DIGEST.fullmatch(name):
        raise ValueError("a shard's name is no digest")
    return ShardRef(
        name, _whole(told, "entries"), _whole(told, "bytes"), _whole(told, "generation")
    )


def _whole(told: dict[str, object], key: str) -> int:
    number = told.get(key)
    if not isinstance(number, int) or isinstance(number, bool) or not 0 <= number < 2**53:
        raise ValueError(f"its {key} is no number")
    return number


def _unpack(packed: bytes) -> bytes:
    unpacker = zlib.decompressobj(_GZIP_WINDOW)
    try:
        content = unpacker.decompress(packed, _MOST_BYTES)
    except zlib.error as error:
        raise ValueError(f"it can't be unpacked: {error}") from error
    if not unpacker.eof:
        raise ValueError("it is cut off, or too large")
    return content
