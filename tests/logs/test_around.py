"""The lines that are kept around the first finding of a log."""

from hypothesis import given
from hypothesis import strategies as st

from mtsite.logs.around import MOST, lines_around
from mtsite.logs.source import split_lines
from mtsite.model import Finding

TEN = b"".join(b"line %d\n" % n for n in range(1, 11))


def found(first: int, last: int = 0) -> Finding:
    return Finding("severity/error", "ERROR", first, last or first, "x", "")


def numbers(content: bytes, first: int, last: int = 0) -> list[int]:
    return [number for number, _ in lines_around(content, found(first, last))]


def test_three_lines_before_and_two_after_are_kept() -> None:
    assert lines_around(TEN, found(5)) == tuple((n, f"line {n}") for n in range(2, 8))


def test_at_the_ends_of_a_log_there_are_fewer() -> None:
    assert numbers(TEN, 1) == [1, 2, 3]
    assert numbers(TEN, 10) == [7, 8, 9, 10]


def test_of_a_long_traceback_its_beginning_and_its_end_are_kept() -> None:
    text = b"".join(b"%d\n" % n for n in range(1, 101))
    assert numbers(text, 20, 60) == [19, 20, 21, 22, 56, 57, 58, 59, 60, 61]


def test_where_beginning_and_end_meet_no_line_stands_twice() -> None:
    assert numbers(TEN, 3, 8) == [2, 3, 4, 5, 6, 7, 8, 9]


def test_an_html_log_is_not_quoted_with_its_tags() -> None:
    assert lines_around(b"<html><body>\nERROR\n</body>", found(2)) == ()


def test_escapes_are_left_out_and_long_lines_cut() -> None:
    ((_, text),) = lines_around(b"\x1b[31m" + b"x" * 5000 + b"\x1b[0m", found(1))
    assert text == "x" * 300


@given(
    st.lists(st.sampled_from([b"a\n", b"b\r\n", b"c\r", b"\n", b"d"]), max_size=40),
    st.integers(1, 45),
    st.integers(0, 30),
)
def test_lines_are_those_of_the_log_and_at_most_ten(
    parts: list[bytes], first: int, more: int
) -> None:
    content = b"".join(parts)
    lines = split_lines(content)
    kept = lines_around(content, found(first, first + more))
    assert len(kept) <= MOST
    assert [number for number, _ in kept] == sorted({number for number, _ in kept})
    assert all(lines[number - 1].decode() == text for number, text in kept)
