"""Large logs in members: what `zcat` reads, and what a reader of single members sees."""

import gzip
import io
import subprocess
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mtsite.errors import DamagedLogError
from mtsite.logs.blocks import (
    KEPT_OF_LINE,
    BlockedText,
    BlockWriter,
    open_text,
    read_blocks,
    text_digest,
)
from mtsite.logs.levels import count_levels, level_before, runs
from mtsite.logs.source import count_lines, split_lines_keeping_ends
from mtsite.logs.take import stored_text

SERVICE = b"".join(
    b"2026-11-01 02:%02d:%02d %s start\n  and more\n" % (i // 60 % 60, i % 60, level)
    for i in range(900)
    for level in (b"INFO", b"ERROR" if i % 7 == 0 else b"DEBUG")
)


def packed(text: bytes, block_bytes: int = 1000, pieces: int = 1 << 20) -> bytes:
    file = io.BytesIO()
    writer = BlockWriter(file, block_bytes)
    for start in range(0, len(text), pieces):
        writer.write(text[start : start + pieces])
    writer.close()
    return file.getvalue()


def stored(directory: Path, text: bytes, block_bytes: int = 1000) -> Path:
    path = directory / "x.logz"
    path.write_bytes(packed(text, block_bytes))
    return path


texts = st.lists(
    st.sampled_from(
        [b"\n", b"\r\n", b"\r", b"word ", "é€𝄞".encode(), b"\xff", b"2026 x", b"a" * 90]
    )
).map(b"".join)


@given(text=texts, block_bytes=st.integers(8, 200), pieces=st.integers(1, 300))
def test_gzip_reads_what_was_written_whatever_the_pieces(
    text: bytes, block_bytes: int, pieces: int
) -> None:
    content = packed(text, block_bytes, pieces)
    assert gzip.decompress(content) == text
    assert content == packed(text, block_bytes)


@given(text=texts, block_bytes=st.integers(8, 200))
def test_lines_are_numbered_as_the_splitter_numbers_them(text: bytes, block_bytes: int) -> None:
    number, at = 1, 0
    for block, piece in _members(packed(text, block_bytes)):
        assert block.first == number
        assert block.lines == count_lines(piece) - block.goes_on
        assert len(piece) <= block_bytes + 1
        assert text[at - 1 : at + 1] != b"\r\n"
        number += block.lines
        at += len(piece)
    assert number - 1 == count_lines(text)


@given(data=st.data(), text=texts, block_bytes=st.integers(8, 200))
def test_any_lines_can_be_cut_out(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject, text: bytes, block_bytes: int
) -> None:
    path = stored(tmp_path_factory.mktemp("cut"), text, block_bytes)
    found = BlockedText(path)
    first = data.draw(st.integers(1, found.lines + 1))
    last = data.draw(st.integers(first, found.lines + 3))
    assert found.cut(first, last) == (
        b"".join(split_lines_keeping_ends(text)[first - 1 : last]),
        {},
    )


def test_members_end_at_line_ends_and_never_inside_a_character() -> None:
    text = "é€𝄞".encode() * 100 + b"\nshort\r\n" * 40
    pieces = [piece for _, piece in _members(packed(text, 64))]
    assert "".join(piece.decode() for piece in pieces) == text.decode()
    assert sum(piece.endswith(b"\n") for piece in pieces) > 5


def test_levels_of_members_are_those_of_the_whole(tmp_path: Path) -> None:
    found = BlockedText(stored(tmp_path, SERVICE))
    assert len(found.blocks) > 50
    assert found.levels == count_levels(SERVICE)
    lines = split_lines_keeping_ends(SERVICE)
    for line in range(1, found.lines, 37):
        at = len(b"".join(lines[: line - 1]))
        assert found.level_before(line) == level_before(SERVICE, at)
    for block, piece in _members(stored(tmp_path, SERVICE).read_bytes()):
        levels = [level for level, number in runs(piece, block.level) for _ in range(number)]
        assert len(levels) == block.lines


def test_a_log_without_levels_has_none(tmp_path: Path) -> None:
    found = BlockedText(stored(tmp_path, b"2026-11-01 02:00:00 ERROR x\n" + b"plain\n" * 9000))
    assert found.levels == {}
    assert found.level_before(5000) == "NONE"


def test_a_line_that_goes_on_is_no_head_of_a_message(tmp_path: Path) -> None:
    head = b"2026-11-01 02:00:00 INFO " + b"x" * 175
    text = head + b"2026-11-01 02:00:00 ERROR no\n" + b"2026-11-01 02:00:00 INFO y\n" * 3000
    found = BlockedText(stored(tmp_path, text, 200))
    assert found.blocks[1].goes_on
    assert found.levels == {"INFO": 3001}


@pytest.mark.parametrize("block_bytes", [1000, 10_000, 1 << 20])
def test_of_a_very_long_line_the_beginning_is_given_and_the_rest_counted(
    tmp_path: Path, block_bytes: int
) -> None:
    long = b"y" * (KEPT_OF_LINE * 5)
    found = BlockedText(stored(tmp_path, b"a\n" + long + b"\nb\n", block_bytes))
    text, hidden = found.cut(1, 3)
    assert text == b"a\n" + long[:KEPT_OF_LINE] + b"\nb\n"
    assert hidden == {2: len(long) - KEPT_OF_LINE}
    assert found.cut(3, 3) == (b"b\n", {})


@given(
    text=texts, block_bytes=st.integers(8, 200), first=st.integers(1, 30), more=st.integers(0, 9)
)
def test_lines_are_in_the_members_around_them(
    tmp_path_factory: pytest.TempPathFactory, text: bytes, block_bytes: int, first: int, more: int
) -> None:
    found = BlockedText(stored(tmp_path_factory.mktemp("x"), text, block_bytes))
    number, pieces = found.around(first, first + more)
    lines = split_lines_keeping_ends(b"".join(pieces))
    wanted = split_lines_keeping_ends(text)[first - 1 : first + more]
    assert lines[first - number :][: len(wanted)] == wanted


def test_few_lines_take_few_members(tmp_path: Path) -> None:
    found = BlockedText(stored(tmp_path, SERVICE))
    _, pieces = found.around(2000, 2003)
    assert len(list(pieces)) <= 2 < len(found.blocks)


def test_a_member_that_unpacks_to_more_than_it_says_is_not_unpacked(tmp_path: Path) -> None:
    path = stored(tmp_path, b"a" * 50_000_000, 1 << 26)
    raw = bytearray(path.read_bytes())
    raw[20:24] = (1000).to_bytes(4, "little")
    path.write_bytes(raw)
    tracemalloc.start()
    with pytest.raises(DamagedLogError):
        list(BlockedText(path).texts())
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 1_000_000


def test_a_member_that_says_it_has_more_than_it_can_is_refused(tmp_path: Path) -> None:
    path = stored(tmp_path, SERVICE)
    raw = bytearray(path.read_bytes())
    raw[20:24] = b"\xff" * 4
    path.write_bytes(raw)
    with pytest.raises(DamagedLogError, match="breaks off"):
        BlockedText(path)


def test_zcat_reads_it(tmp_path: Path) -> None:
    path = stored(tmp_path, SERVICE)
    done = subprocess.run(["gzip", "-dc"], input=path.read_bytes(), capture_output=True, check=True)
    assert done.stdout == SERVICE


def test_the_text_comes_back_for_those_who_need_all_of_it(tmp_path: Path) -> None:
    path = stored(tmp_path, SERVICE)
    assert stored_text(path)[:] == SERVICE
    with open_text(path) as read:
        assert b"".join(iter(lambda: read(777), b"")) == SERVICE


@pytest.mark.parametrize("at", [0, 3, 12, 70, 900, -3])
def test_damage_is_told(tmp_path: Path, at: int) -> None:
    path = stored(tmp_path, SERVICE)
    raw = bytearray(path.read_bytes())
    raw[at] ^= 0x55
    path.write_bytes(raw)
    with pytest.raises(DamagedLogError):
        for _ in BlockedText(path).texts():
            pass
    with path.open("rb") as file:
        assert text_digest(file) == ""


def test_what_breaks_off_is_told(tmp_path: Path) -> None:
    content = packed(SERVICE)
    with pytest.raises(DamagedLogError):
        read_blocks(io.BytesIO(content[:-1]))
    with pytest.raises(DamagedLogError):
        read_blocks(io.BytesIO(b"no gzip at all"))


def _members(content: bytes) -> Iterator[tuple[object, bytes]]:
    for block in read_blocks(io.BytesIO(content)):
        yield block, gzip.decompress(content[block.offset : block.offset + block.packed])
