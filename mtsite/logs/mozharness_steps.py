"""Steps and job details of Mozilla's logs of 2013 to 2020, as Treeherder read them.

Rules of mozilla/treeherder 10ccd44. A step lies between a line that says Started and one that says
Finished; what stands outside makes an unnamed step of its own. Error lines belong to their step.
"""

import re
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from typing import Any, NamedTuple

from msgspec import Struct, field

from mtsite.logs import mozharness_errors
from mtsite.logs.chosen import BEGINS, chosen_lines, filled_lines, placed_lines
from mtsite.logs.mozharness_errors import (
    MOST_CHARACTERS,
    UNTIL_2020,
    ErrorLine,
    ErrorReader,
    shown_text,
)
from mtsite.logs.source import Content, count_lines

MOST_ERRORS = 100
"""So many error lines of a step Treeherder stores."""

UNNAMED = "Unnamed step"
UNKNOWN = "unknown"
RESULTS = (
    *("success", "testfailed", "busted", "skipped", "exception", "retry", "usercancel"),
    "superseded",
)
MARKER_HINT = BEGINS + rb"={9} (?:Started|Finished) "
DETAIL_HINT = rb"TinderboxPrint:"
HINT = mozharness_errors.HINT + rb"|" + MARKER_HINT + rb"|" + DETAIL_HINT

_MARKER = re.compile(r"={9} (Started|Finished) (.*?) \(results: (\d+), elapsed: .*?\) \(at (.*?)\)")
_HEADER = re.compile(r"(?:builder|slave|starttime|results|buildid|builduid|revision): ")

_DETAIL = re.compile(r".*TinderboxPrint: ?(.*)$")
_UPLOADED = re.compile(r"<a href=['\"](https?://.*)['\"]>(.+)</a>: uploaded")
_TITLE = r"(?:([A-Za-z/.0-9\-_ ]+): )?"
_LINK = re.compile(_TITLE + r"<a .*href=['\"](https?://.+)['\"].*>(.+)</a>")
_URL = re.compile(_TITLE + r"(https?://.*)")


class LogStep(Struct):
    """One step; times as the log writes them, lines from 1. `error_count` counts all errors."""

    name: str
    started: str | None
    first_line: int
    finished: str | None = None
    last_line: int = 0
    result: str = UNKNOWN
    errors: list[ErrorLine] = field(default_factory=list)
    error_count: int = 0


class Detail(NamedTuple):
    """What a job says of itself in one line: a link, or a title with a value in HTML."""

    content_type: str
    title: str | None = None
    value: str | None = None
    url: str | None = None


def has_steps(content: Content) -> bool:
    """Whether any line of a log is a marker of a step."""
    marked = chosen_lines(content, MARKER_HINT)
    return any(_MARKER.match(shown_text(line)) for _, line in marked)


class StepReader:
    """Reads the steps of a log; `details` and `steps` fill as its errors are asked for."""

    def __init__(
        self, content: Content, most_steps: int = sys.maxsize, most_details: int = sys.maxsize
    ) -> None:
        self.steps: list[LogStep] = []
        self.step_count = 0
        self.details: list[Detail] = []
        self._content = content
        self._most_steps, self._most_details = most_steps, most_details
        self._errors = ErrorReader(UNTIL_2020)
        self._open: LogStep | None = None
        self._outside_at, self._outside_line = 0, 1

    def errors(self) -> Iterator[ErrorLine]:
        """The error lines of all steps, in order."""
        for number, line, after in placed_lines(self._content, HINT):
            text = shown_text(line)
            self._fill_outside(number)
            if self._open is None:
                self._outside_at, self._outside_line = after, number + 1
            if marker := _MARKER.match(text):
                self._mark(marker, number, after)
                continue
            if len(self.details) < self._most_details and (detail := detail_of(text)) is not None:
                self.details.append(detail)
            found = self._errors.read(number, line) if self._open is not None else None
            if found is not None and self._open is not None:
                self._open.error_count += 1
                if self._open.error_count <= MOST_ERRORS:
                    self._open.errors.append(found)
                yield found
        self._fill_outside(sys.maxsize)
        self._close(count_lines(self._content))

    def _fill_outside(self, until: int) -> None:
        """Open an unnamed step where something stands outside all steps, up to a line."""
        if self._open is not None:
            return
        for number, line in filled_lines(self._content, self._outside_at, self._outside_line):
            text = shown_text(line)
            if number > until or _MARKER.match(text):
                return
            if self.step_count or not _HEADER.match(text):
                self._begin(LogStep(UNNAMED, None, number))
                return

    def _mark(self, marker: re.Match[str], number: int, after: int) -> None:
        kind, name, result, time = marker.groups()
        if kind == "Started":
            self._close(number)
            self._begin(LogStep(name, time, number))
            return
        if self._open is not None:
            code = int(result)
            self._open.finished = time
            self._open.result = RESULTS[code] if code < len(RESULTS) else UNKNOWN
            self._close(number)
        self._outside_at, self._outside_line = after, number + 1

    def _begin(self, step: LogStep) -> None:
        self._open = step
        self.step_count += 1
        if len(self.steps) < self._most_steps:
            self.steps.append(step)

    def _close(self, number: int) -> None:
        if self._open is not None:
            self._open.last_line = number
            self._open = None


def step_artifact(content: Content) -> dict[str, Any]:
    """The steps as Treeherder's artifact has them, with line numbers from 0."""
    reader = StepReader(content)
    for _ in reader.errors():
        pass
    steps = [
        {
            "name": step.name,
            "started": step.started,
            "started_linenumber": step.first_line - 1,
            "finished": step.finished,
            "finished_linenumber": step.last_line - 1,
            "result": step.result,
            "errors": [{"linenumber": e.number - 1, "line": e.text} for e in step.errors],
        }
        for step in reader.steps
    ]
    truncated = any(step.error_count > MOST_ERRORS for step in reader.steps)
    return {"step_data": {"steps": steps, "errors_truncated": truncated}}


def job_details(content: Content) -> list[Detail]:
    """All lines that a log says of its job."""
    found = (detail_of(shown_text(line)) for _, line in chosen_lines(content, DETAIL_HINT))
    return [detail for detail in found if detail is not None]


def detail_of(text: str) -> Detail | None:
    """What a line says of its job, in the first of six forms that fits; None where it does not."""
    told = _DETAIL.match(text[:MOST_CHARACTERS])
    if told is None:
        return None
    rest = told[1]
    if uploaded := _UPLOADED.match(rest):
        return Detail("link", "artifact uploaded", uploaded[2], uploaded[1])
    if link := _LINK.match(rest):
        return Detail("link", link[1], link[3], link[2])
    if url := _URL.match(rest):
        return Detail("link", url[1], url[2], url[2])
    if "<br/>" in rest:
        title, _, value = rest.partition("<br/>")
        return Detail("raw_html", title, value)
    if "href" in rest and "title" in rest:
        anchor = _Anchor()
        anchor.feed(rest)
        anchor.close()
        if anchor.url and anchor.title:
            return Detail("raw_html", anchor.title, anchor.value, anchor.url)
    return Detail("raw_html", None, rest)


class _Anchor(HTMLParser):
    """The last anchor of a line: its address, title and text."""

    url: str | None = None
    title: str | None = None
    value: str | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Take the attributes of a tag."""
        given = dict(attrs)
        self.url, self.title = given.get("href"), given.get("title")

    def handle_data(self, data: str) -> None:
        """Take the text of a tag."""
        self.value = data
