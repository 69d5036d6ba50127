"""Each family with all others around it: a log, and what is found in it.

`families/NAME.txt` has blocks between lines of four dashes: "first-last LEVEL rule excerpt" of each
finding, an empty line, the log.
"""

import time
from pathlib import Path

import pytest
from scanning import judged, shown

from mtsite.logs.families import built_in

FILES = sorted((Path(__file__).parent / "families").glob("*.txt"))


def blocks(path: Path) -> list[tuple[str, str]]:
    found = []
    for block in path.read_text(encoding="utf-8").rstrip("\n").split("\n----\n"):
        want, _, log = ("\n" + block).partition("\n\n")
        found.append((want.strip("\n"), log + "\n"))
    return found


PAIRS = [
    pytest.param(want, log, id=f"{path.stem}-{number}")
    for path in FILES
    for number, (want, log) in enumerate(blocks(path), start=1)
]


@pytest.mark.parametrize(("want", "log"), PAIRS)
def test_what_a_tool_writes_is_found_for_what_it_is(want: str, log: str) -> None:
    assert shown(log) == want.splitlines()


@pytest.mark.parametrize("end", ["\r\n", "\r"])
@pytest.mark.parametrize(("want", "log"), PAIRS)
def test_any_line_end_gives_the_same(want: str, log: str, end: str) -> None:
    assert shown(log.replace("\n", end)) == want.splitlines()


@pytest.mark.parametrize(("want", "log"), PAIRS)
def test_colours_hide_nothing(want: str, log: str) -> None:
    coloured = "".join(f"\x1b[31m{line}\x1b[m\n" for line in log.splitlines())
    assert shown(coloured) == want.splitlines()


def test_every_rule_of_every_generic_family_has_a_log_that_it_finds() -> None:
    found = {
        one.split()[2]
        for path in FILES
        for want, _ in blocks(path)
        for one in want.split("\n")
        if one
    }
    tested = {path.stem for path in FILES}
    told = {meaning.code for family, meaning in built_in().catalogue if family in tested}
    assert sorted(told - found) == []


def test_every_rule_says_what_it_means_and_what_to_do() -> None:
    for _, meaning in built_in().catalogue:
        assert meaning.title and meaning.help


@pytest.mark.parametrize(
    "text",
    [
        "FAILED: x",
        "Traceback (most recent call last):",
        "E   x",
        "==1==ERROR: AddressSanitizer: x",
        "panic: x",
        "CMake Error at x:1 (y):",
        "a.c:1:1: error: x",
        "INTERNALERROR> x",
    ],
)
def test_a_log_of_nothing_but_headings_takes_time_in_proportion_to_it(text: str) -> None:
    content = (text + "\n").encode() * 5_000
    judged(b"")
    started = time.process_time()
    judged(content)
    assert time.process_time() - started < 3
