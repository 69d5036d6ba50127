"""What the script works out about lines is what the build does: colours, levels, line ends."""

import gzip
from pathlib import Path
from typing import Any

import pytest
from browser.log_site import PAGE, served, write_log_site

from mtsite.logs.ansi import to_spans
from mtsite.logs.levels import RANKS, runs
from mtsite.logs.source import decode_line, split_lines

pytestmark = pytest.mark.browser
DATA = Path(__file__).parents[1] / "data"
LOGS = (
    "loganalyze/screen-neutron-l3.txt.gz",
    "logs/screen-c-api.txt.gz",
    "logs/devstack@c-api.service.log.txt",
)
MIXED = ((1, 2, 3), (95, 135, 175), (8, 8, 8), (238, 238, 238), (250, 10, 130))
COLOURS = [
    "plain",
    "\x1b[1;31mred\x1b[0m and \x1b[4munder\x1b[24m not",
    "\x1b[38;5;208morange\x1b[48;5;17mon blue\x1b[39m no front\x1b[49m",
    "\x1b[38;2;12;200;99mtrue\x1b[48;2;128;128;128mgrey\x1b[m",
    "\x1b[38;2;255;0;300mwrong\x1b[38;9mwhat\x1b[38mcut",
    "\x1b[38:2::255:0:0mcolons\x1b[4:3mcurly\x1b[4:0m\x1b[38:5:99mindexed",
    "\x1b[7minverse\x1b[31mred\x1b[27m\x1b[97;104mbright\x1b[22;2;3mdim",
    "\x1b[2Jcleared\x1b]0;title\x07gone\x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\",
    "\x1b[;1mempty\x1b[99999mlarge\x1b(Bset\x1b",
    "tab\there nul\x00 bell\x07 del\x7f c1\x85",
    *(
        f"\x1b[38;2;{r};{g};{b}m{r}"
        for r, g, b in ((1, 2, 3), (95, 135, 175), (8, 8, 8), (238,) * 3)
    ),
]


def text_of(name: str) -> bytes:
    raw = (DATA / name).read_bytes()
    return gzip.decompress(raw) if name.endswith(".gz") else raw


def test_colours_are_those_of_the_build(chromium: Any, tmp_path: Path) -> None:
    (tmp_path / "sim.log").write_bytes(b"x\n")
    write_log_site(tmp_path / "site", tmp_path / "sim.log")
    page = chromium.new_page()
    page.goto((tmp_path / "site" / PAGE).as_uri())
    for line in COLOURS:
        shown = page.evaluate(
            """(text) => {
              const element = document.createElement("div");
              window.mtLog.fill(element, text);
              const pieces = [...element.childNodes];
              return pieces.map((node) => [node.className || "", node.textContent]);
            }""",
            line,
        )
        assert merged(shown) == to_spans(decode_line(line.encode())[0]), line
    page.close()


def merged(pieces: list[list[str]]) -> list[tuple[str, str]]:
    """Neighbours with the same classes as one piece: how the build writes them."""
    found: list[tuple[str, str]] = []
    for classes, text in pieces:
        if found and found[-1][0] == classes:
            text = found.pop()[1] + text
        found.append((classes, text))
    return found


@pytest.mark.parametrize("name", LOGS)
def test_levels_and_lines_are_those_of_the_build(chromium: Any, tmp_path: Path, name: str) -> None:
    text = text_of(name)
    (tmp_path / "sim.log").write_bytes(text)
    entry = write_log_site(tmp_path / "site", tmp_path / "sim.log", small_bytes=0)
    assert entry.levels
    with served(tmp_path / "site") as address:
        page = chromium.new_page()
        page.goto(address + PAGE)
        ranks, lines = page.evaluate(
            """async () => {
              const { members } = await mtLog.ready();
              const all = await Promise.all(members.map((_, i) => mtLog.member(i)));
              const ranks = all.flatMap((m, i) => mtLog.ranksOf(i, m.lines));
              return [ranks, all.flatMap((m) => m.lines)];
            }"""
        )
        page.close()
    assert ranks == [RANKS.index(level) for level, n in runs(text) for _ in range(n)]
    stored = gzip.decompress((tmp_path / "site" / entry.blob).read_bytes())
    assert lines == [line.decode() for line in split_lines(stored)]
