import hashlib
import json
import random
import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mtsite.publish.encode import gzip_bytes
from mtsite.publish.shards import (
    SCHEMA,
    Line,
    Root,
    ShardRef,
    decode_root,
    decode_shard,
    encode_root,
    encode_shard,
    kept_shards,
    split,
)

DIGESTS = st.binary(min_size=32, max_size=32).map(bytes.hex)
LIVE = st.builds(Line, st.text(), DIGESTS, st.integers(0, 2**50), st.just(0))
NOT_LIVE = st.builds(Line, st.text(), st.just(""), st.just(0), st.integers(0, 2**40))
LINES = st.lists(LIVE | NOT_LIVE, unique_by=lambda line: line.path)
REFS = st.builds(ShardRef, DIGESTS, *[st.integers(0, 2**50)] * 3)
ROOTS = st.builds(
    Root,
    st.integers(0, 2**50),
    st.lists(st.text()).map(tuple),
    st.lists(REFS, max_size=20).map(tuple),
)


@given(LINES, st.integers(0, 10**6))
@settings(max_examples=100)
def test_a_shard_comes_back_as_it_was(lines: list[Line], generation: int) -> None:
    ref, packed = encode_shard(lines, generation)
    assert decode_shard(ref, packed) == lines
    assert (ref.lines, ref.size_bytes, ref.generation) == (len(lines), len(packed), generation)


@given(LINES)
@settings(max_examples=30)
def test_the_same_lines_are_the_same_file(lines: list[Line]) -> None:
    assert encode_shard(lines, 1)[1] == encode_shard(lines, 1)[1]


@given(ROOTS)
@settings(max_examples=100)
def test_a_root_comes_back_as_it_was(root: Root) -> None:
    assert decode_root(encode_root(root)) == root


@given(st.binary() | st.text().map(str.encode))
@settings(max_examples=100)
def test_any_bytes_as_root_are_refused_not_raised(content: bytes) -> None:
    with pytest.raises(ValueError):
        decode_root(content)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
        max_leaves=8,
    ),
    st.sampled_from(["generation", "areas", "shards"]),
)
@settings(max_examples=100)
def test_a_root_with_something_else_in_it_is_refused_or_sound(told: object, key: str) -> None:
    root = {"schema": SCHEMA, "generation": 1, "areas": [], "shards": [], key: told}
    try:
        decoded = decode_root(json.dumps(root).encode())
    except ValueError:
        return
    assert decode_root(encode_root(decoded)) == decoded


def test_another_schema_is_named() -> None:
    with pytest.raises(ValueError, match="mtsite/manifest/2"):
        decode_root(b'{"schema": "mtsite/manifest/2"}')


@pytest.mark.parametrize(
    "content",
    [
        b"[1]\n",
        b'["a",null]\n',
        b'["a","xy",1]\n',
        b'["a",null,-1]\n',
        b'["a",null,true]\n',
        b'{"a":1}\n',
        b"[\n",
        b"\xff\n",
    ],
)
def test_a_line_that_is_none_is_refused(content: bytes) -> None:
    name = hashlib.sha256(content).hexdigest()
    with pytest.raises(ValueError):
        decode_shard(ShardRef(name, 1, 1, 1), gzip_bytes(content))


def test_a_shard_under_a_wrong_name_is_refused() -> None:
    _, packed = encode_shard([Line("a", "0" * 64, 1)], 1)
    with pytest.raises(ValueError, match="not what its name promises"):
        decode_shard(ShardRef("0" * 64, 1, 1, 1), packed)


@pytest.mark.parametrize("damage", [b"", b"no gzip", b"\x1f\x8b"])
def test_a_damaged_shard_is_refused(damage: bytes) -> None:
    ref, _ = encode_shard([Line("a", "0" * 64, 1)], 1)
    with pytest.raises(ValueError):
        decode_shard(ref, damage)


def test_a_shard_that_was_cut_is_refused() -> None:
    ref, packed = encode_shard([Line(f"a{n}", "0" * 64, 1) for n in range(100)], 1)
    with pytest.raises(ValueError, match="cut off"):
        decode_shard(ref, packed[:-9])


def test_a_bomb_is_refused() -> None:
    packer = zlib.compressobj(1, zlib.DEFLATED, 31)
    bomb = b"".join(packer.compress(bytes(1 << 20)) for _ in range(130)) + packer.flush()
    with pytest.raises(ValueError, match="too large"):
        decode_shard(ShardRef("0" * 64, 1, 1, 1), bomb)


def test_lines_are_split_into_pieces_of_bounded_size() -> None:
    lines = [Line(f"{n:03}", "0" * 64, 1) for n in range(25)]
    assert [len(part) for part in split(lines, 10)] == [10, 10, 5]


@given(st.lists(st.integers(1, 1000), min_size=1, max_size=400))
@settings(max_examples=50)
def test_the_root_stays_short_and_big_shards_stay(batches: list[int]) -> None:
    shards: list[ShardRef] = []
    written = 0
    for generation, added in enumerate(batches):
        kept = kept_shards(shards, added)
        merged = sum(shard.lines for shard in shards[kept:]) + added
        written += merged
        shards = [*shards[:kept], ShardRef("", merged, 0, generation)]
    total = sum(batches)
    assert len(shards) <= total.bit_length() + 1
    assert written <= total * (2 * total.bit_length() + 2)


def test_a_batch_that_was_split_is_swallowed_whole_or_not_at_all() -> None:
    refs = [ShardRef("", 50_000, 0, 1)] * 20 + [ShardRef("", 100, 0, 2)]
    assert kept_shards(refs, 1) == 21
    assert kept_shards(refs, 60) == 20
    assert kept_shards(refs, 400_000) == 20
    assert kept_shards(refs, 600_000) == 0


def test_publishing_one_line_a_time_writes_little() -> None:
    shards: list[ShardRef] = [ShardRef("", 1_000_000, 0, 0)]
    generator = random.Random(1)
    worst = 0
    for generation in range(1, 400):
        added = generator.randint(5, 30)
        kept = kept_shards(shards, added)
        merged = sum(shard.lines for shard in shards[kept:]) + added
        worst = max(worst, merged)
        shards = [*shards[:kept], ShardRef("", merged, 0, generation)]
    assert worst < 15_000
    assert len(shards) < 15
