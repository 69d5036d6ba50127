import io
import os
import stat
from pathlib import Path

import pytest

from mtsite import atomicfile


def test_new_file_is_written_with_its_directories(tmp_path: Path) -> None:
    path = tmp_path / "a" / "b" / "page.html"
    assert atomicfile.write(path, b"one") is True
    assert path.read_bytes() == b"one"


def test_a_file_taken_for_new_is_left_alone_when_it_is_there(tmp_path: Path) -> None:
    path = tmp_path / "a" / "page.html"
    assert atomicfile.write(path, b"one", new=True) is True
    before = path.stat()
    assert atomicfile.write(path, b"one", new=True) is False
    assert (path.stat().st_ino, path.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


def test_same_bytes_leave_the_file_untouched(tmp_path: Path) -> None:
    path = tmp_path / "page.html"
    atomicfile.write(path, b"one")
    before = path.stat()
    assert atomicfile.write(path, b"one") is False
    assert (path.stat().st_ino, path.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


def test_other_bytes_of_the_same_length_replace_it(tmp_path: Path) -> None:
    path = tmp_path / "page.html"
    atomicfile.write(path, b"one")
    assert atomicfile.write(path, b"two") is True
    assert path.read_bytes() == b"two"


def test_a_reader_of_the_old_file_keeps_its_bytes(tmp_path: Path) -> None:
    path = tmp_path / "page.html"
    atomicfile.write(path, b"old")
    with path.open("rb") as reader:
        atomicfile.write(path, b"new and longer")
        assert reader.read() == b"old"


def test_mode_follows_the_umask(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        atomicfile.write(tmp_path / "page.html", b"one")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "page.html").stat().st_mode) == 0o640


def test_a_symbolic_link_is_replaced_not_followed(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.write_bytes(b"kept")
    (tmp_path / "page.html").symlink_to(outside)
    assert atomicfile.write(tmp_path / "page.html", b"kept") is True
    assert not (tmp_path / "page.html").is_symlink()
    assert outside.read_bytes() == b"kept"


def test_a_fifo_does_not_block(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "page.html")
    assert atomicfile.write(tmp_path / "page.html", b"") is True


def test_a_failure_leaves_old_file_and_no_rubbish(tmp_path: Path) -> None:
    path = tmp_path / "big"
    atomicfile.write(path, b"old")

    class Broken(io.RawIOBase):
        def read(self, size: int = -1) -> bytes:
            raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space"):
        atomicfile.copy_durable(path, Broken())  # type: ignore[arg-type]
    assert path.read_bytes() == b"old"
    assert [path.name for path in tmp_path.iterdir()] == ["big"]


def test_a_directory_in_place_of_the_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "page.html").mkdir()
    with pytest.raises(OSError, match=r"page\.html"):
        atomicfile.write(tmp_path / "page.html", b"one")
    assert [path.name for path in tmp_path.iterdir()] == ["page.html"]


def test_durable_write_keeps_the_promise_of_write(tmp_path: Path) -> None:
    path = tmp_path / "a" / "record"
    assert atomicfile.write_durable(path, b"one") is True
    assert atomicfile.write_durable(path, b"one") is False
    assert atomicfile.write_durable(path, b"two") is True
    assert path.read_bytes() == b"two"


def test_a_large_stream_arrives_whole(tmp_path: Path) -> None:
    content = os.urandom(3 << 20)
    atomicfile.copy_durable(tmp_path / "d" / "big", io.BytesIO(content))
    assert (tmp_path / "d" / "big").read_bytes() == content
