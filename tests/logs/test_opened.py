"""What is read of a log, and of what only looks like one."""

import os
import socket
from pathlib import Path
from typing import NamedTuple

import pytest

from mtsite.logs.opened import open_log

CAP = 1 << 20


class Read(NamedTuple):
    content: bytes
    size: int
    mtime_ns: int
    note: str


def read_log(path: Path, cap_bytes: int) -> Read:
    with open_log(path, cap_bytes) as log:
        content = b"".join(iter(lambda: log.read(1 << 16), b""))
        return Read(content, log.size, log.mtime_ns, log.note)


def test_a_regular_file_is_read_whole(tmp_path: Path) -> None:
    log = tmp_path / "a.log"
    log.write_bytes(b"one\ntwo\n")
    found = read_log(log, CAP)
    assert (found.content, found.size, found.note) == (b"one\ntwo\n", 8, "")
    assert found.mtime_ns == log.stat().st_mtime_ns


@pytest.mark.parametrize("content", [b"", b"\n", b"no end"])
def test_small_files_come_as_they_are(tmp_path: Path, content: bytes) -> None:
    log = tmp_path / "a.log"
    log.write_bytes(content)
    assert read_log(log, CAP) == (content, len(content), log.stat().st_mtime_ns, "")


def test_a_file_over_the_cap_is_cut_after_a_whole_line(tmp_path: Path) -> None:
    log = tmp_path / "a.log"
    log.write_bytes(b"password=hunter2\n" * 10)
    found = read_log(log, 40)
    assert found.content == b"password=hunter2\n" * 2
    assert found.note == "cut: the first 34 of 170 bytes are kept"


def test_a_single_line_over_the_cap_is_cut_at_a_blank(tmp_path: Path) -> None:
    log = tmp_path / "a.log"
    log.write_bytes(b"token ghp_" + b"a" * 100)
    assert read_log(log, 40).content == b"token "


def test_a_file_of_exactly_the_cap_is_not_cut(tmp_path: Path) -> None:
    log = tmp_path / "a.log"
    log.write_bytes(b"x" * 40)
    assert read_log(log, 40).note == ""


def make_fifo(path: Path) -> None:
    os.mkfifo(path)


def make_socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))


def make_link(path: Path) -> None:
    target = path.with_name("target")
    target.write_text("secret")
    path.symlink_to(target)


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (make_fifo, "a named pipe"),
        (make_socket, "a socket"),
        (make_link, "a symbolic link"),
        (Path.mkdir, "a directory"),
        (lambda path: None, "it is gone"),
    ],
)
def test_what_is_no_regular_file_is_a_note(tmp_path: Path, make, says: str) -> None:  # type: ignore[no-untyped-def]
    log = tmp_path / "a.log"
    make(log)
    found = read_log(log, CAP)
    assert found.content == b""
    assert says in found.note


def test_a_device_is_a_note() -> None:
    assert "a device" in read_log(Path("/dev/zero"), CAP).note


def test_a_name_with_a_nul_is_a_note() -> None:
    assert read_log(Path("a\0b"), CAP).note.startswith("not read:")


@pytest.mark.skipif(os.geteuid() == 0, reason="not applicable: root reads everything")
def test_an_unreadable_file_is_a_note(tmp_path: Path) -> None:
    log = tmp_path / "a.log"
    log.write_text("x")
    log.chmod(0)
    assert "permission denied" in read_log(log, CAP).note


def test_a_file_that_lies_about_its_size_is_read_to_its_end() -> None:
    found = read_log(Path("/proc/self/status"), CAP)
    assert found.content.startswith(b"Name:")
