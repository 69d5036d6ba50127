"""The summary at the end of what logpro writes, in whichever of its forms.

A page of version 1.15 has a table, an older one lines of text, standard output the same lines
without tags; a `.dat` file has a section per rule in Megatest's config grammar.
"""

import html
import re
from collections.abc import Iterator
from typing import NamedTuple

from msgspec import Struct, field

from mtsite.logs.chosen import BEGINS, filled_lines
from mtsite.logs.source import Content, count_ends

MOST_ROWS = 500
"""So many rules are kept; the rest is counted."""

FLAGGED_HINT = BEGINS + rb"<a name=\"key_\d"
"""RE2: chooses the lines of a page that a rule took."""

_SUMMARY = b"==========================LOGPRO SUMMARY=========================="
_MOST_LINES = 20_000
_TEXT_LENGTH = 200
_FLAGGED = re.compile(rb'<a name="key_(\d+)_\d+"></a><a href="#key_\d+_\d+"[^>]*>(.*?)(?:</a>)?$')
_KEY = re.compile(r'name="key_(\d+)_(\d+)"')
_TAG = re.compile(r"<[^<>]*>")
_CELL = re.compile(r"<td[^>]*>(.*?)(?=</td>|$)")
_EXPECT = re.compile(r"Expect: (?:rule-(\d+) )?(\S+) (?:not-)?in (.+?) (OK|FAIL), expected (.*)$")
_COUNT = re.compile(r"(\S+) (\S+) of (.*), got (\S+)$")
_VALUE = re.compile(r"(.*?) got (.*), \d+ pass, \d+ fail$")
_TRIGGER = re.compile(r"Trigger: (.*) (OK|FAIL|OPTIONAL), count=(\d+)")
_EXIT = re.compile(r"EXIT CODE: (\d+) \((\w+)")
_DAT_SECTION = re.compile(r"\[(rule-\d+|final)\]\s*$")
_DAT_VALUE = re.compile(r"([\w-]+)(?:\s+(.*))?$")


class Row(NamedTuple):
    """One rule as the summary says how it went. `key` is its number, −1 where it has none.

    `takes_lines` says that the lines which the rule took are marked in the same file.
    """

    line: int
    key: int
    name: str
    kind: str
    section: str
    failed: bool
    expected: str
    measured: str
    description: str
    takes_lines: bool = False

    def text(self) -> str:
        """The row as a sentence."""
        said = f"{self.description}: " if self.description else ""
        where = f" in {self.section}" if self.section else ""
        return f"{said}{self.kind}{where}: expected {self.expected}, got {self.measured}"


class Summary(Struct):
    """All rows of a file, and how logpro ended; `exit_code` None: the file doesn't say."""

    rows: list[Row] = field(default_factory=list)
    row_count: int = 0
    exit_code: int | None = None
    exit_line: int = 1
    status: str = ""
    message: str = ""

    def add(self, row: Row) -> None:
        """Keep a row if there is room."""
        self.row_count += 1
        if len(self.rows) < MOST_ROWS:
            self.rows.append(row)


def read_summary(content: Content) -> Summary:
    """The summary of a file of any of the forms; an empty one where it has none."""
    summary = Summary()
    # The log that logpro read may hold the heading, too: its own is the last.
    at = content.rfind(_SUMMARY)
    if at < 0:
        _read_dat(content, summary)
        return summary
    for number, text in _lines(content, at, 1 + count_ends(content, 0, at)):
        if row := _table_row(number, text) or _text_row(number, text) or _trigger(number, text):
            summary.add(row)
        elif found := _EXIT.search(text):
            summary.exit_code, summary.status = int(found[1][:9]), found[2]
            summary.exit_line = number
    return summary


def flagged(line: bytes) -> tuple[int, bytes] | None:
    """The number of the rule that took a line of a page, and the line as it was in the log."""
    found = _FLAGGED.match(line)
    return (int(found[1][:9]), found[2]) if found else None


def _lines(content: Content, at: int, number: int) -> Iterator[tuple[int, str]]:
    for count, (found, line) in enumerate(filled_lines(content, at, number)):
        if count >= _MOST_LINES:
            return
        yield found, line[:4096].decode("utf-8", "replace")


def _table_row(number: int, text: str) -> Row | None:
    """A row of the table of version 1.15."""
    if not text.startswith("<tr><td"):
        return None
    cells = [_plain(cell) for cell in _CELL.findall(text)]
    key = _KEY.search(text)
    if len(cells) < 9 or not cells[0].startswith("rule-"):
        return None
    name, kind, _, section, status, first, second, third, last = cells[:9]
    is_value = kind.lower() == "value"
    return Row(
        number,
        int(key[1][:9]) if key else -1,
        name,
        kind.lower(),
        section,
        status == "FAIL",
        " ".join(f"{first} {second} {third}".split()) if is_value else f"{first} {second}",
        last,
        "" if is_value else third,
        takes_lines=key is not None and int(key[2][:9]) > 1,
    )


def _text_row(number: int, text: str) -> Row | None:
    """A line of an older page, or of what logpro prints."""
    key = _KEY.search(text)
    found = _EXPECT.search(_plain(text))
    if found is None:
        return None
    rule, kind, section, status, rest = found.groups()
    given = key[1] if key else rule
    count, value = _COUNT.match(rest), _VALUE.match(rest)
    expected, measured, told = rest, "", ""
    if kind == "Value" and value:
        expected, measured = " ".join(value[1].split()), value[2]
    elif count:
        expected, told, measured = f"{count[1]} {count[2]}", count[3], count[4]
    return Row(
        number,
        int(given[:9]) if given else -1,
        f"rule-{given[:9]}" if given else "",
        kind.lower(),
        section,
        status == "FAIL",
        expected,
        measured,
        told,
        takes_lines=key is not None and int(key[2][:9]) > 1,
    )


def _trigger(number: int, text: str) -> Row | None:
    found = _TRIGGER.search(_plain(text))
    if found is None:
        return None
    name, status, count = found.groups()
    failed = status == "FAIL"
    return Row(number, -1, name, "trigger", "", failed, "> 0", count[:9], name) if failed else None


def _read_dat(content: Content, summary: Summary) -> None:
    """A `.dat` file: what stands in one section belongs to one rule."""
    name, line = "", 0
    given: dict[str, str] = {}
    for number, text in _lines(content, 0, 1):
        section = _DAT_SECTION.match(text)
        if section is None:
            value = _DAT_VALUE.match(text)
            if value and name:
                given.setdefault(value[1], (value[2] or "").strip()[:_TEXT_LENGTH])
            continue
        _add_section(summary, name, line, given)
        name, line, given = section[1], number, {}
    _add_section(summary, name, line, given)


def _add_section(summary: Summary, name: str, line: int, given: dict[str, str]) -> None:
    if name == "final":
        code = given.get("exit-code", "")
        summary.exit_code = int(code[:9]) if code.isdecimal() and code.isascii() else None
        summary.exit_line = line
        summary.status, summary.message = given.get("exit-status", ""), given.get("message", "")
    elif name:
        summary.add(_section_row(name, line, given))


def _section_row(name: str, line: int, given: dict[str, str]) -> Row:
    is_value = "measured" in given
    kind = "value" if is_value else given.get("type", "error").lower().removeprefix("expect:")
    if is_value:
        tolerance = given.get("tolerance", "")
        sign = given.get("type", "")
        expected = given.get("expected", "")
        shown = f"{expected} +/- {tolerance}" if tolerance else f"{sign} {expected}".strip()
    else:
        shown = f"{given.get('compsym', '=')} {given.get('value', '')}".strip()
    return Row(
        line,
        int(name[5:14]),
        name,
        kind,
        given.get("section", ""),
        given.get("status", "") == "FAIL",
        shown,
        given.get("measured" if is_value else "count", ""),
        given.get("desc", ""),
    )


def _plain(text: str) -> str:
    """The text of some HTML, with single blanks: the expressions above go through it once."""
    return " ".join(html.unescape(_TAG.sub("", text)).split())[:1000]
