"""Unusual lines of a log, as the pages of the test and of the log show them. Pure."""

from collections.abc import Collection, Sequence

from msgspec import Struct
from msgspec.structs import replace

from mtsite import urls
from mtsite.facts import Unusual
from mtsite.model import LogRecord, RunKey, Test, TestFacts, TestName
from mtsite.pages import words

TEST_LINES = 8
"""So many stand on the page of the test; the page of the log has all that are kept."""


class Shown(Struct, frozen=True):
    """`lines` are (number, text, link to it, how many are like it or ''); `all` leads to the rest.

    `there` is the page of the good log's run.
    """

    run: str
    there: str
    total: int
    lines: tuple[tuple[int, str, str, str], ...]
    note: str
    all: str


LEFT_OUT = (
    "not compared with its log in {}: in each run 20 tests are, new failures first, at most three"
    " with one error"
)


def left_out(
    test: Test, past: TestFacts | None, logs: Sequence[LogRecord], compared: Collection[TestName]
) -> str:
    """Why the log of a test that went wrong was not compared, '' where nothing is to be said.

    `compared` are the tests of its run that were; where there are none, nobody looked.
    """
    if not compared or test.name in compared or test.toplevel or past is None:
        return ""
    stored = any(log.blob for log in logs)
    return LEFT_OUT.format(past.last_good) if past.last_good and stored else ""


def shown(
    key: RunKey, found: Unusual | None, path: str, name: TestName | None = None
) -> Shown | None:
    """What a page at `path` shows; with a test's `name` it is that of the test."""
    if found is None:
        return None
    page = ""
    lines = found.lines
    if name is not None:
        page = urls.relative(path, urls.log_page(key, name, found.log))
        lines = lines[:TEST_LINES]
    there = urls.relative(path, urls.run_page(replace(key, runname=found.run)))
    return Shown(
        run=found.run,
        there=there,
        total=found.total,
        lines=tuple(
            (number, text, f"{page}#L{number}", words.number(like) if like > 1 else "")
            for number, text, like in lines
        ),
        note=words.upper_first(words.threes(found.note)),
        all=f"{page}?view=unusual#unusual" if len(lines) < len(found.lines) else "",
    )
