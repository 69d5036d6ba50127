"""Terminal colours as classes of `static/css/ansi.css`; every other escape is dropped.

    a-b bold   a-d dim   a-i italic   a-u underline   a-v inverse of the default colours
    a-f0 … a-f255   foreground, a-g0 … a-g255 background: the 256 palette (0–15 are the classic 16)

Of the other 240 colours 70 are shown (`SHOWN`): the rest differ from one of them less than what a
colour is moved to be read on paper. True colour is rounded to these. A line starts plain: colours
don't run on into the next one.
"""

import functools
import re
from collections.abc import Iterator
from typing import NamedTuple

ESC = "\x1b"
# CSI; OSC, DCS, SOS, PM and APC strings that end on their line; what else follows an ESC.
# Colours come first, for speed. The bounds keep hostile lines linear; nobody's escape is that long.
_BODY = (
    r"\[[0-9;:]{0,256}[mK]"
    r"|\[[0-?]{0,256}[ -/]{0,8}[@-~]?"
    r"|[\]PX^_](?:[^BELL\x1b\r\n]{0,4096}(?:[BELL]|\x1b\\))?"
    r"|[ -/]{0,8}[0-~]?"
)
_ESCAPE_BYTES = re.compile(f"{ESC}(?:{_BODY.replace('BELL', chr(92) + 'x07')})".encode())
# A decoded line shows BEL by its picture.
_ESCAPE = re.compile(f"{ESC}(?:{_BODY.replace('BELL', chr(0x07) + chr(0x2407))})")
_PARAMETERS = re.compile(r"\x1b\[([0-9;:]*)m")
_SPARSE_BYTES = 1000
_LEVELS = (0, 95, 135, 175, 215, 255)
_SHOWN_LEVEL = (0, 2, 2, 4, 4, 5)
_SWITCHES = {
    1: ("bold", True),
    2: ("dim", True),
    3: ("italic", True),
    4: ("underline", True),
    7: ("inverse", True),
    21: ("underline", True),
    23: ("italic", False),
    24: ("underline", False),
    27: ("inverse", False),
}


def strip(content: bytes) -> bytes:
    """The content without escapes; the number of lines stays."""
    if content.find(b"\x1b") < 0:
        return content
    if content.count(b"\x1b") * _SPARSE_BYTES > len(content):
        return _ESCAPE_BYTES.sub(b"", content)
    return b"".join(_between_escapes(content))


def _between_escapes(content: bytes) -> Iterator[bytes]:
    """The text between escapes; where there are few, looking for the next is faster."""
    at = 0
    while (start := content.find(b"\x1b", at)) >= 0:
        yield content[at:start]
        escape = _ESCAPE_BYTES.match(content, start)
        at = escape.end() if escape else start + 1
    yield content[at:]


def to_spans(line: str) -> list[tuple[str, str]]:
    """The line as (classes, text) pieces, classes '' where it is plain; no piece is empty.

    The texts joined are the line without its escapes.
    """
    if ESC not in line:
        return [("", line)] if line else []
    spans: list[tuple[str, str]] = []
    pen = _PLAIN
    at = 0
    for escape in _ESCAPE.finditer(line):
        start, end = escape.span()
        if start > at:
            _append(spans, _classes(pen), line[at:start])
        at = end
        if colours := _PARAMETERS.fullmatch(line, start, end):
            pen = _select(pen, colours[1])
    if at < len(line):
        _append(spans, _classes(pen), line[at:])
    return spans


def _append(spans: list[tuple[str, str]], classes: str, text: str) -> None:
    if spans and spans[-1][0] == classes:
        text = spans.pop()[1] + text
    spans.append((classes, text))


class _Pen(NamedTuple):
    """What the escapes so far have switched on; colours are indexes of the palette, -1 default."""

    bold: bool = False
    dim: bool = False
    italic: bool = False
    underline: bool = False
    inverse: bool = False
    foreground: int = -1
    background: int = -1


_PLAIN = _Pen()


@functools.lru_cache(4096)
def _select(pen: _Pen, parameters: str) -> _Pen:
    """Obey one SGR sequence; what it doesn't know it leaves alone."""
    codes = _codes(parameters)
    for code in codes:
        if code == 0:
            pen = _PLAIN
        elif code == 22:
            pen = pen._replace(bold=False, dim=False)
        elif code in _SWITCHES:
            name, on = _SWITCHES[code]
            pen = pen._replace(**{name: on})
        elif code in (38, 48):
            if (colour := _extended(codes)) is not None:
                front = code == 38
                pen = pen._replace(foreground=colour) if front else pen._replace(background=colour)
        elif 30 <= code <= 37 or 90 <= code <= 97:
            pen = pen._replace(foreground=code - 30 if code < 90 else code - 82)
        elif 40 <= code <= 47 or 100 <= code <= 107:
            pen = pen._replace(background=code - 40 if code < 100 else code - 92)
        elif code == 39:
            pen = pen._replace(foreground=-1)
        elif code == 49:
            pen = pen._replace(background=-1)
    return pen


@functools.lru_cache(4096)
def _classes(pen: _Pen) -> str:
    """The class attribute for text of this pen."""
    front, back = pen.foreground, pen.background
    if pen.inverse:
        front, back = back, front
    names = (
        "a-b" if pen.bold else "",
        "a-d" if pen.dim else "",
        "a-i" if pen.italic else "",
        "a-u" if pen.underline else "",
        "a-v" if pen.inverse and front == back == -1 else "",
        f"a-f{front}" if front >= 0 else "",
        f"a-g{back}" if back >= 0 else "",
    )
    return " ".join(filter(None, names))


def _codes(parameters: str) -> Iterator[int]:
    """The numbers of a sequence, one after the other; an empty one is 0.

    A group with colons (`38:2::255:0:0`, `4:3`) is read as its own sequence.
    """
    for group in parameters.split(";"):
        if ":" not in group:
            yield _number(group)
            continue
        parts = group.split(":")
        if parts[0] in ("38", "48"):
            # 38:2:<colour space>:r:g:b has one more part than 38:2:r:g:b.
            if len(parts) > 5 and parts[1] == "2":
                del parts[2]
            yield from (
                _number(part) for part in (*parts, *["0"] * 5)[: 5 if parts[1] == "2" else 3]
            )
        else:
            yield 24 if parts[:2] == ["4", "0"] else _number(parts[0])


def _number(text: str) -> int:
    if len(text) > 4:
        return 9999
    return int(text or "0")


def _extended(codes: Iterator[int]) -> int | None:
    """The colour after a 38 or 48, from the codes that follow; None when it makes no sense."""
    kind = next(codes, None)
    if kind == 5:
        index = next(codes, None)
        return shown(index) if index is not None and index < 256 else None
    if kind != 2:
        return None
    channels = [next(codes, None) for _ in range(3)]
    if any(channel is None or channel > 255 for channel in channels):
        return None
    red, green, blue = (channel or 0 for channel in channels)
    return shown(nearest(red, green, blue))


def shown(index: int) -> int:
    """The colour that a colour of the palette is shown as: itself, or one like it."""
    if index < 16:
        return index
    if index >= 232:
        return 234 + (index - 232) // 4 * 4
    red, green, blue = ((index - 16) // size % 6 for size in (36, 6, 1))
    return 16 + 36 * _SHOWN_LEVEL[red] + 6 * _SHOWN_LEVEL[green] + _SHOWN_LEVEL[blue]


@functools.lru_cache(4096)
def nearest(red: int, green: int, blue: int) -> int:
    """The index of the palette colour (16–255) nearest to a true colour."""
    in_cube = 16 + 36 * _level(red) + 6 * _level(green) + _level(blue)
    grey = 232 + min(max(round(((red + green + blue) / 3 - 8) / 10), 0), 23)
    wanted = (red, green, blue)
    return min(in_cube, grey, key=lambda index: _distance(palette_rgb(index), wanted))


def _level(channel: int) -> int:
    return min(range(6), key=lambda index: abs(_LEVELS[index] - channel))


def palette_rgb(index: int) -> tuple[int, int, int]:
    """Red, green, blue of a palette colour from 16 up (xterm's cube and greys)."""
    if index >= 232:
        grey = 8 + 10 * (index - 232)
        return grey, grey, grey
    index -= 16
    return _LEVELS[index // 36], _LEVELS[index // 6 % 6], _LEVELS[index % 6]


SHOWN = tuple(sorted({shown(index) for index in range(256)}))
"""All colours that classes name."""


def _distance(one: tuple[int, int, int], other: tuple[int, int, int]) -> int:
    return sum((a - b) ** 2 for a, b in zip(one, other, strict=True))
