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
