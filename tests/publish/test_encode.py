import gzip
import hashlib
import os
import random
from pathlib import Path

import pytest

from mtsite.publish.destination import Source
from mtsite.publish.encode import Encoded, encode_bytes, encode_file
from mtsite.publish.headers import headers_for

PAGE = headers_for("index.html")
PICTURE = headers_for("x.png")


def content_of(source: Source) -> bytes:
    return source if isinstance(source, bytes) else source.read()


def encode(tmp_path: Path, content: bytes, *, pack: bool = True) -> Encoded:
    (tmp_path / "file").write_bytes(content)
    return encode_file(tmp_path / "file", PAGE, pack=pack)


@pytest.mark.parametrize("size", [200, 4096, 65_537, (1 << 20) + 1, 12 << 20])
def test_a_page_is_one_gzip_member_without_time_or_name(tmp_path: Path, size: int) -> None:
    content = (b"a line of a log, again and again\n" * (size // 33 + 1))[:size]
    encoded = encode(tmp_path, content)
    sent = content_of(encoded.source)
    assert gzip.decompress(sent) == content
    assert sent.count(b"\x1f\x8b\x08") == 1
    assert (sent[3], sent[4:8]) == (0, bytes(4))
    assert encoded.headers.content_encoding == "gzip"
    assert (encoded.sent_bytes, encoded.size) == (len(sent), size)
    assert encoded.digest == hashlib.sha256(content).hexdigest()
    encoded.close()


@pytest.mark.parametrize("size", [4096, 1 << 20, 3 << 20])
def test_the_same_content_is_the_same_bytes(tmp_path: Path, size: int) -> None:
    content = random.Random(size).randbytes(size)
    first, second = encode(tmp_path, content), encode(tmp_path, content)
    assert content_of(first.source) == content_of(second.source)
    first.close()
    second.close()


def test_a_tiny_file_is_sent_as_it_is(tmp_path: Path) -> None:
    encoded = encode(tmp_path, b"tiny")
    assert (encoded.source, encoded.headers.content_encoding) == (b"tiny", "")


def test_nothing_is_packed_for_a_place_that_keeps_no_headers(tmp_path: Path) -> None:
    for size in (5000, 2 << 20):
        encoded = encode(tmp_path, b"x" * size, pack=False)
        assert content_of(encoded.source) == b"x" * size
        assert encoded.headers.content_encoding == ""
        encoded.close()


def test_a_picture_is_not_packed() -> None:
    encoded = encode_bytes(b"x" * 5000, PICTURE, pack=True)
    assert (encoded.source, encoded.headers.content_encoding) == (b"x" * 5000, "")


def test_a_symbolic_link_a_fifo_and_a_directory_are_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"x")
    (tmp_path / "link").symlink_to("file")
    os.mkfifo(tmp_path / "fifo")
    for name in ("link", "fifo", ".", "missing"):
        with pytest.raises(OSError):
            encode_file(tmp_path / name, PAGE, pack=True)
