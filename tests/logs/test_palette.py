import re
from pathlib import Path

from mtsite.logs import palette
from mtsite.logs.ansi import SHOWN, palette_rgb, shown

STYLE = Path(__file__).parents[2] / "static" / "css" / "ansi.css"


def rgb(text: str) -> tuple[int, int, int]:
    return int(text[0:2], 16), int(text[2:4], 16), int(text[4:6], 16)


def test_the_style_sheet_is_what_the_palette_writes() -> None:
    # To write it anew: STYLE.write_text(palette.style_sheet())
    assert STYLE.read_text() == palette.style_sheet()


def test_every_colour_reads_on_both_sheets() -> None:
    rules = re.findall(r"\.a-f(\d+)\{color:light-dark\(#(\w+),#(\w+)\)\}", palette.style_sheet())
    assert len(rules) == len(SHOWN)
    for _, light, dark in rules:
        assert palette.contrast(rgb(light), palette.LIGHT) >= 4.4
        assert palette.contrast(rgb(dark), palette.DARK) >= 4.4


def test_plain_text_reads_on_every_background() -> None:
    rules = re.findall(
        r"\.a-g(\d+)\{background:light-dark\(#(\w+),#(\w+)\)\}", palette.style_sheet()
    )
    assert len(rules) == len(SHOWN)
    for _, light, dark in rules:
        assert palette.contrast((29, 27, 22), rgb(light)) >= 6
        assert palette.contrast((232, 229, 220), rgb(dark)) >= 6


def test_a_colour_is_shown_as_one_that_is_much_like_it() -> None:
    assert len(SHOWN) == 16 + 64 + 6
    for index in range(16, 256):
        there, here = palette_rgb(index), palette_rgb(shown(index))
        assert shown(shown(index)) == shown(index)
        assert max(abs(a - b) for a, b in zip(there, here, strict=True)) <= 40
