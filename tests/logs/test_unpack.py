"""Packed logs: whole, in several members, cut, damaged, and bombs."""

import gzip
import lzma
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mtsite.logs.opened import open_log

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

CAP = 1 << 20
TEXT = b"".join(b"line %d of a log\n" % number for number in range(5000))
Pack = Callable[[bytes], bytes]
PACKERS = pytest.mark.parametrize("pack", [gzip.compress, lzma.compress, zstd.compress])


def unpacked(path: Path, packed: bytes, cap: int = CAP, step: int = 1 << 16) -> tuple[bytes, str]:
    path.write_bytes(packed)
    with open_log(path, cap) as log:
        return b"".join(iter(lambda: log.read(step), b"")), log.note


@PACKERS
def test_a_packed_log_is_its_text(pack: Pack, tmp_path: Path) -> None:
    assert unpacked(tmp_path / "a", pack(TEXT)) == (TEXT, "")


@PACKERS
@pytest.mark.parametrize("step", [1, 100, 1 << 20])
def test_several_members_are_one_text(pack: Pack, step: int, tmp_path: Path) -> None:
    packed = pack(b"one\n") + pack(b"") + pack(b"two\n")
    assert unpacked(tmp_path / "a", packed, step=step) == (b"one\ntwo\n", "")


@PACKERS
def test_the_size_of_the_file_is_that_of_the_packed_one(pack: Pack, tmp_path: Path) -> None:
    packed = pack(TEXT)
    (tmp_path / "a").write_bytes(packed)
    with open_log(tmp_path / "a", CAP) as log:
        assert log.size == len(packed)


@PACKERS
def test_of_a_log_that_breaks_off_the_beginning_is_kept(pack: Pack, tmp_path: Path) -> None:
    packed = pack(b"whole member\n") + pack(TEXT * 5)[:-300]
    text, note = unpacked(tmp_path / "a", packed)
    assert (b"whole member\n" + TEXT * 5).startswith(text)
    assert len(text) > 10
    assert note.startswith(f"cut: {len(text):,} bytes of text are kept; the ")
    assert note.endswith(" data breaks off")


@PACKERS
def test_of_a_damaged_log_the_beginning_is_kept(pack: Pack, tmp_path: Path) -> None:
    text, note = unpacked(tmp_path / "a", pack(b"fine\n") + pack(TEXT)[:20] + b"\xff" * 400)
    assert text.startswith(b"fine\n")
    assert "data is damaged after that" in note or "data breaks off" in note


@PACKERS
def test_what_follows_the_packed_data_is_told(pack: Pack, tmp_path: Path) -> None:
    text, note = unpacked(tmp_path / "a", pack(b"fine\n") + b"something else")
    assert text == b"fine\n"
    assert note.startswith("cut: 5 bytes of text are kept; what follows the ")


@PACKERS
def test_zeros_that_fill_the_end_are_no_loss(pack: Pack, tmp_path: Path) -> None:
    assert unpacked(tmp_path / "a", pack(b"fine\n") + bytes(512)) == (b"fine\n", "")


@PACKERS
def test_a_bomb_is_read_up_to_the_cap(pack: Pack, tmp_path: Path) -> None:
    packed = pack(bytes(64 << 20)) + pack(bytes(64 << 20))
    text, note = unpacked(tmp_path / "a", packed)
    assert text == bytes(CAP)
    told = f"cut: the first {CAP:,} bytes are kept of what {len(packed):,} bytes of"
    assert note.startswith(told)


def test_a_window_too_large_for_memory_is_refused(tmp_path: Path) -> None:
    options = {zstd.CompressionParameter.window_log: 27, zstd.CompressionParameter.strategy: 1}
    compressor = zstd.ZstdCompressor(options=options)
    packed = compressor.compress(TEXT) + compressor.flush()
    text, note = unpacked(tmp_path / "a", packed)
    assert text == b""
    assert "damaged" in note


@given(st.binary(max_size=60), st.sampled_from([b"\x1f\x8b", b"\xfd7zXZ\x00", b"\x28\xb5\x2f\xfd"]))
def test_any_bytes_behind_the_magic_are_survived(
    tmp_path_factory: pytest.TempPathFactory, rest: bytes, magic: bytes
) -> None:
    text, note = unpacked(tmp_path_factory.getbasetemp() / "any", magic + rest)
    assert len(text) <= CAP
    assert note or not rest or rest.count(0)
