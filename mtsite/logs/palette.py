"""Writes the style sheet of the terminal colours: `static/css/ansi.css` is its output.

Terminal colours are made for one background; a page has two. Each colour that is shown is moved
towards ink until it reads (contrast 4.5) on paper, on light and on dark; backgrounds are tinted
so lightly that the text on them still reads.
"""

from mtsite.logs.ansi import SHOWN, palette_rgb

Rgb = tuple[int, int, int]

LIGHT: Rgb = (245, 243, 236)
DARK: Rgb = (27, 30, 35)
"""The sheets that logs lie on (`--sheet` in tokens.css): the colours must read on them."""

CONTRAST = 4.5
TINT = 0.22
_CLASSIC: tuple[Rgb, ...] = (
    *((40, 44, 52), (205, 49, 49), (13, 140, 84), (148, 120, 0)),
    *((36, 114, 200), (170, 60, 180), (17, 140, 170), (110, 118, 129)),
    *((102, 102, 102), (241, 76, 76), (35, 180, 110), (190, 150, 0)),
    *((59, 142, 234), (214, 112, 214), (41, 170, 200), (200, 205, 212)),
)
_HEAD = """\
/* Terminal colours in logs. Written by mtsite/logs/palette.py, checked by a test: edit that. */
.a-b { font-weight: 700; }
.a-d { color: var(--mt-muted); }
.a-i { font-style: italic; }
.a-u { text-decoration: underline; }
.a-v { color: var(--mt-paper); background: var(--mt-ink); }
"""


def style_sheet() -> str:
    """The whole of `ansi.css`."""
    lines = [_HEAD]
    for index in SHOWN:
        colour = _CLASSIC[index] if index < 16 else palette_rgb(index)
        front = _light_dark(_readable(colour, LIGHT), _readable(colour, DARK))
        back = _light_dark(_mixed(LIGHT, colour, TINT), _mixed(DARK, colour, TINT))
        lines.append(f".a-f{index}{{color:{front}}}.a-g{index}{{background:{back}}}\n")
    return "".join(lines)


def contrast(one: Rgb, other: Rgb) -> float:
    """The contrast of two colours as WCAG defines it, 1 to 21."""
    darker, lighter = sorted((_luminance(one), _luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def _readable(colour: Rgb, paper: Rgb) -> Rgb:
    ink = (0, 0, 0) if paper == LIGHT else (255, 255, 255)
    share = 0.0
    while contrast(_mixed(colour, ink, share), paper) < CONTRAST and share < 1:
        share += 0.04
    return _mixed(colour, ink, share)


def _mixed(one: Rgb, other: Rgb, share: float) -> Rgb:
    red, green, blue = (round(a + (b - a) * min(share, 1)) for a, b in zip(one, other, strict=True))
    return red, green, blue


def _light_dark(light: Rgb, dark: Rgb) -> str:
    return f"light-dark({_hex(light)},{_hex(dark)})"


def _hex(colour: Rgb) -> str:
    return "#" + "".join(f"{channel:02x}" for channel in colour)


def _luminance(colour: Rgb) -> float:
    red, green, blue = (
        c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4
        for c in (channel / 255 for channel in colour)
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
