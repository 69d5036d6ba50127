import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mtsite.logs import ansi
from mtsite.logs.source import decode_line, split_lines

ATOMS = [
    *["\x1b", "\x1b[", "\x1b[1m", "\x1b]0;t", "\x07", "\\", "[", "]", "P", "m", "K", "?25l"],
    *["0", "1", "31", "38", "48", "5", "2", "255", ";", ":", "x", "é", " ", "\t"],
]
PIECES = st.lists(st.sampled_from(ATOMS)).map("".join)


@pytest.mark.parametrize(
    ("line", "spans"),
    [
        ("plain", [("", "plain")]),
        ("", []),
        ("\x1b[m", []),
        ("\x1b[31mred\x1b[0m not", [("a-f1", "red"), ("", " not")]),
        ("\x1b[1;97;44mx", [("a-b a-f15 a-g4", "x")]),
        (
            "\x1b[1mb\x1b[22;3mi\x1b[23;4mu\x1b[24md",
            [("a-b", "b"), ("a-i", "i"), ("a-u", "u"), ("", "d")],
        ),
        ("\x1b[38;5;208mx\x1b[39my", [("a-f208", "x"), ("", "y")]),
        ("\x1b[38;2;255;0;0mx", [("a-f196", "x")]),
        ("\x1b[38:2::255:0:0mx", [("a-f196", "x")]),
        ("\x1b[48:5:22;1mx", [("a-b a-g28", "x")]),
        ("\x1b[38;2;119;119;119mx", [("a-f242", "x")]),
        ("\x1b[7mx", [("a-v", "x")]),
        ("\x1b[7;31mx", [("a-g1", "x")]),
        ("\x1b[38;5mx", [("", "x")]),
        ("\x1b[38;5;999mx", [("", "x")]),
        ("\x1b[99999999999999999999mx", [("", "x")]),
        ("\x1b[31m\x1b[Kx\x1b[2Jy", [("a-f1", "xy")]),
        ("\x1b]0;title\x07x\x1b]8;;http://a\x1b\\link", [("", "xlink")]),
        ("\x1b]not closed", [("", "not closed")]),
        ("end\x1b", [("", "end")]),
        ("\x1b(Bx", [("", "x")]),
    ],
)
def test_colours_become_classes_and_the_rest_is_dropped(
    line: str, spans: list[tuple[str, str]]
) -> None:
    assert ansi.to_spans(line) == spans


@given(PIECES)
def test_the_spans_are_the_line_without_its_escapes(line: str) -> None:
    spans = ansi.to_spans(line)
    text = "".join(piece for _, piece in spans)
    assert text == ansi.strip(line.encode()).decode()
    assert "\x1b" not in text
    assert all(piece for _, piece in spans)
    assert all(re.fullmatch(r"(a-([bdiuv]|[fg]\d{1,3})( |$))*", classes) for classes, _ in spans)


@given(PIECES)
def test_a_decoded_line_strips_to_the_same_text(line: str) -> None:
    shown = "".join(piece for _, piece in ansi.to_spans(decode_line(line.encode())[0]))
    assert shown == decode_line(ansi.strip(line.encode()))[0]


@given(st.binary())
def test_stripping_keeps_the_number_of_lines(content: bytes) -> None:
    stripped = ansi.strip(content)
    assert len(split_lines(stripped + b"x")) == len(split_lines(content + b"x"))
    assert b"\x1b" not in stripped


@given(st.integers(16, 255))
def test_a_palette_colour_is_nearest_to_itself(index: int) -> None:
    colour = ansi.palette_rgb(index)
    assert ansi.palette_rgb(ansi.nearest(*colour)) == colour
