"""A page of 5,000 lines of a long log: for readers without script, and from a file.

Every part of a log up to 100,000 lines has one; of a longer log the first, the last, and those in
which listed findings are: their number is bounded, whatever anybody logs.
"""

from collections.abc import Sequence
from typing import NamedTuple

from mtsite import urls
from mtsite.logs.lines import Lines
from mtsite.model import LogRecord, RunKey, TestName
from mtsite.pages import words
from mtsite.pages.loglines import DEFAULT, some_lines
from mtsite.pages.page import SiteFrame, crumbs_to, frame_context
from mtsite.pages.place import run_label, test_label

EDITION = 3
TEMPLATE = "part.html"
PART_LINES = 5000
MOST_WHOLE = 20
"""A log of up to so many parts has all of them."""


class Whose(NamedTuple):
    """The test that a log belongs to; `keys` are the area's key names, `letter` its verdict."""

    key: RunKey
    name: TestName
    keys: Sequence[str]
    letter: str


def part_of(line: int) -> int:
    """The number of the part that a line is in, from 1."""
    return (line - 1) // PART_LINES + 1


def parts_of(log: LogRecord, lines: int) -> tuple[int, ...]:
    """The parts of a log of so many lines that have a page, in order."""
    if lines < DEFAULT.whole_below:
        return ()
    last = part_of(lines)
    if last <= MOST_WHOLE:
        return tuple(range(1, last + 1))
    found = (part_of(one.first_line) for one in (*log.findings, *log.warnings))
    return tuple(sorted({1, last, *(part for part in found if part <= last)}))


def context(
    frame: SiteFrame, whose: Whose, log: LogRecord, text: Lines, number: int
) -> dict[str, object]:
    """One part of a log; `text` are the lines of its blob."""
    key, name, _, letter = whose
    path = urls.log_part(key, name, log.name, number)
    first = (number - 1) * PART_LINES + 1
    last = min(number * PART_LINES, text.lines)
    parts = parts_of(log, text.lines)
    at = parts.index(number)
    extent = f"lines {words.number(first)}–{words.number(last)}"
    title = f"{log.name} · {extent} · {test_label(name)} · {run_label(key)}"
    page = urls.relative(path, urls.log_page(key, name, log.name))
    raw = urls.relative(path, log.blob)
    marked = (*log.warnings, *log.findings)
    return {
        **frame_context(frame, path, _crumbs(path, whose, log), title=title, description=title),
        "name": log.name,
        "page": page,
        "raw": raw,
        "letter": words.mark(letter)[0],
        "extent": f"{extent} of {words.number(text.lines)}",
        "before": _link(parts[at - 1]) if at else None,
        "after": _link(parts[at + 1]) if at + 1 < len(parts) else None,
        "view": {"lines": text.lines, "bytes": 0, "index": "", "key": "", "levels": False},
        "missing": len(parts) < part_of(text.lines),
        "lines": some_lines(text, (first, last), marked, raw, levels=bool(log.levels)),
    }


def file_of(number: int) -> str:
    """The name of a part's page, beside those of the other parts."""
    return f"{number:04}.html"


def _crumbs(path: str, whose: Whose, log: LogRecord) -> list[tuple[str, str, str]]:
    key, name, keys, _ = whose
    crumbs = crumbs_to(path, key.area, key.target, keys)
    crumbs.append((key.runname, urls.relative(path, urls.run_page(key)), "run"))
    crumbs.append((test_label(name), urls.relative(path, urls.test_page(key, name)), "test"))
    crumbs.append((log.name, urls.relative(path, urls.log_page(key, name, log.name)), "log"))
    return crumbs


def _link(number: int) -> tuple[str, str]:
    """(what lies there, link)."""
    return f"from line {words.number((number - 1) * PART_LINES + 1)}", file_of(number)
