import os
import socket
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mtsite.logs import source
from mtsite.logs.source import (
    LineIndex,
    count_broken,
    count_lines,
    decode_line,
    next_line,
    read_log,
    split_lines,
    split_lines_keeping_ends,
)

CAP = 1 << 20
LOGS = st.lists(
    st.sampled_from(
        [b"\n", b"\r", b"\r\n", b"a", b"\xe2\x80\xa8", b"\xc2\x85", b"\x0b", b"\x1c", b"\xff"]
    )
).map(b"".join)


def naive_split(content: bytes) -> list[bytes]:
    lines, line, at = [], b"", 0
    while at < len(content):
        if content[at : at + 2] == b"\r\n":
            lines.append(line)
            line, at = b"", at + 2
        elif content[at] in b"\r\n":
            lines.append(line)
            line, at = b"", at + 1
        else:
            line, at = line + content[at : at + 1], at + 1
    return [*lines, line] if line else lines


@given(LOGS)
def test_lines_end_at_lf_cr_and_crlf_only(content: bytes) -> None:
    assert split_lines(content) == naive_split(content)
    assert b"".join(split_lines_keeping_ends(content)) == content
    assert count_lines(content) == len(naive_split(content))


@given(LOGS, st.integers(1, 7))
def test_the_index_numbers_lines_wherever_its_blocks_end(content: bytes, block: int) -> None:
    lines = split_lines_keeping_ends(content)
    patch = pytest.MonkeyPatch()
    with patch.context() as patched:
        patched.setattr(source, "_BLOCK_BYTES", block)
        index = LineIndex(content)
    assert index.lines == len(lines)
    for first in range(1, len(lines) + 2):
        for last in range(first, len(lines) + 2):
            assert index.cut(first, last) == b"".join(lines[first - 1 : last])


@given(LOGS.filter(bool))
def test_walking_by_next_line_gives_the_same_lines(content: bytes) -> None:
    at, lines = 0, []
    while at < len(content):
        end, after = next_line(content, at)
        lines.append(content[at:end])
        at = after
    assert lines == split_lines(content)


@pytest.mark.parametrize(
    ("raw", "text", "broken"),
    [
        (b"plain\ttext", "plain\ttext", 0),
        ("é – 🙂".encode(), "é – 🙂", 0),
        (b"a\xffb\xfe", "a�b�", 2),
        (b"\xe2\x96", "��", 2),
        (b"\xed\xa0\x80", "���", 3),
        (b"nul\x00 bell\x07 del\x7f", "nul␀ bell␇ del␡", 0),
        (b"\x1b[1m", "\x1b[1m", 0),
        ("c1\x9b31m".encode(), "c1�31m", 0),
    ],
)
def test_a_line_becomes_text_that_can_be_shown(raw: bytes, text: str, broken: int) -> None:
    assert decode_line(raw) == (text, broken)


@given(st.binary())
def test_broken_bytes_of_a_log_are_the_sum_over_its_lines(content: bytes) -> None:
    assert count_broken(content) == sum(decode_line(line)[1] for line in split_lines(content))


@given(st.binary())
def test_no_line_shows_a_control_character(raw: bytes) -> None:
    text, _ = decode_line(raw)
    assert not [c for c in text if (c < " " and c not in "\t\x1b") or "\x7f" <= c < "\xa0"]


def test_a_regular_file_is_read_whole(tmp_path: Path) -> None:
    log = tmp_path / "a.log"
    log.write_bytes(b"one\ntwo\n")
    found = read_log(log, CAP)
    assert (found.content, found.size, found.cut, found.note) == (b"one\ntwo\n", 8, False, "")
    assert found.mtime_ns == log.stat().st_mtime_ns


@pytest.mark.parametrize("content", [b"", b"\n", b"no end"])
def test_small_files_come_as_they_are(tmp_path: Path, content: bytes) -> None:
    log = tmp_path / "a.log"
    log.write_bytes(content)
    assert read_log(log, CAP) == source.Source(content, len(content), log.stat().st_mtime_ns)


def test_a_file_over_the_cap_is_cut_after_a_whole_line(tmp_path: Path) -> None:
    log = tmp_path / "a.log"
    log.write_bytes(b"password=hunter2\n" * 10)
    found = read_log(log, 40)
    assert found.content == b"password=hunter2\n" * 2
    assert found.cut
    assert found.note == "cut: the first 34 of 170 bytes are kept"


def test_a_single_line_over_the_cap_is_cut_at_a_blank(tmp_path: Path) -> None:
    log = tmp_path / "a.log"
    log.write_bytes(b"token ghp_" + b"a" * 100)
    assert read_log(log, 40).content == b"token "


def test_a_file_of_exactly_the_cap_is_not_cut(tmp_path: Path) -> None:
    log = tmp_path / "a.log"
    log.write_bytes(b"x" * 40)
    assert not read_log(log, 40).cut


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


def test_packed_data_is_named_and_not_taken(tmp_path: Path) -> None:
    log = tmp_path / "a.log.gz"
    log.write_bytes(b"\x1f\x8b\x08rest")
    found = read_log(log, CAP)
    assert found.content == b""
    assert "gzip" in found.note


def test_a_file_that_lies_about_its_size_is_read_to_its_end() -> None:
    found = read_log(Path("/proc/self/status"), CAP)
    assert found.content.startswith(b"Name:")
