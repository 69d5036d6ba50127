"""What a rule is, and what it sees of a log.

A rule is data plus a small function. Its hint is RE2 over bytes, loose and cheap: it chooses lines;
`read` looks at a chosen line, and as far beyond as it wants, and says what it found or declines.
"""

import hashlib
import re
from collections.abc import Callable, Iterator
from typing import NamedTuple

from mtsite.logs.source import Content, next_line

CRITICAL = "CRITICAL"
ERROR = "ERROR"
WARNING = "WARNING"
LEVELS = (CRITICAL, ERROR, WARNING)
"""What a finding may be, worst first. A warning never makes a test bad and is counted apart."""

EXCERPT_CHARACTERS = 500
LINE_BYTES = 4096
"""No more than this of a line is looked at, from a little before its hint on."""

_LEAD_BYTES = 100
_NEAR_BYTES = 500


class Window(NamedTuple):
    """A line that a hint chose, in a log without escapes. Numbers are offsets into `content`."""

    content: Content
    start: int
    end: int
    after: int
    """Where the next line begins."""
    hint: int
    """Where on the line the hint matched; on one below another chosen line, where it begins."""

    def line(self) -> bytes:
        """The line; of a very long one the part around the hint."""
        if self.end - self.start <= LINE_BYTES:
            return self.content[self.start : self.end]
        start = max(self.start, self.hint - _LEAD_BYTES)
        return self.content[start : min(self.end, start + LINE_BYTES)]

    def following(self, limit: int) -> Iterator[bytes]:
        """The lines after this one, at most `limit`, each cut at LINE_BYTES."""
        at = self.after
        # To split a little at once is faster; the last of it may go on.
        near = self.content[at : at + _NEAR_BYTES]
        lines = near.splitlines()[:-1][:limit]
        yield from lines
        if len(lines) < limit:
            at += sum(map(len, near.splitlines(keepends=True)[:-1]))
        for _ in range(limit - len(lines)):
            if at >= len(self.content):
                return
            end, after = next_line(self.content, at)
            yield self.content[at : min(end, at + LINE_BYTES)]
            at = after


class Sighting(NamedTuple):
    """What a rule saw at a window: how bad, the bytes to show, and how many lines more it takes.

    Level '' takes the lines so that no other rule does: they are no finding.

    `code` is the meaning of the family that it is, where that is not the rule's own name; `title`
    and `link` stand in for the rule's.
    """

    level: str
    excerpt: bytes
    more_lines: int = 0
    code: str = ""
    title: str = ""
    link: str = ""


class Rule(NamedTuple):
    """One way to find something. `hint` must choose every line that `read` would take.

    `name` is "family/what". A hint looks at one line: it must not match a line end, but as the
    one character before a line's first.
    """

    name: str
    hint: bytes
    read: Callable[[Window], Sighting | None]
    title: str = ""
    help: str = ""
    link: str = ""


MASKS = 2
"""The edition of the masks: it rises when another text is left of a line."""

_HEX4 = r"[0-9a-fA-F]{1,4}"
_SHORT_IPV6 = re.compile(
    rf"(?<![\w:])(?=[0-9a-fA-F:]*\d)(?:{_HEX4}(?::{_HEX4})*)?::(?:{_HEX4}(?::{_HEX4})*)?(?![\w:])"
)
_MONTH = "[ADFJMNOS](?:an|eb|ar|pr|ay|un|ul|ug|ep|ct|ov|ec)"
_TIME = r"\d{1,2}:\d\d(?::\d\d)?(?:[.,]\d+)?(?!\d)"
_UNIT = r"(?:(?:[num\u00b5\u03bc]?s|secs?|seconds?|mins?|minutes?|hours?|days?|[mhd])\b)"
_MASKS = (
    # Before times: the middle of an address may look like one.
    (re.compile(rf"{_HEX4}(?::{_HEX4}){{5,7}}(?![\w:])"), "X"),
    (re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\b"), "X"),
    (re.compile(rf"\d{{1,2}}([ /-]){_MONTH}\1\d{{4}}[ :]{_TIME}(?: [+-]\d{{4}}\b)?"), "T"),
    (
        re.compile(
            r"\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d)?(?:[.,]\d+)?(?:Z|[+-]\d\d:?\d\d)?)?"
            # Neither the port of an address nor line and column of a file.
            rf"|(?<![\w.:]){_TIME}"
        ),
        "T",
    ),
    # What stands around a time of day: of syslog, of ctime.
    (
        re.compile(rf"{_MONTH} +\d{{1,2}},? (?:\d{{4}},? )?T(?: [A-Z]{{2,5}}\b)?(?: \d{{4}}\b)?"),
        "T",
    ),
    (re.compile(r"[FMSTW](?:on|ue|ed|hu|ri|at|un),? +T\b"), "T"),
    (re.compile(r"T ?[AaPp]\.?[Mm]\b"), "T"),
    (re.compile(r"(?<![\w/])(?:file://|~|\.{1,2})?(?:/[\w.+@%=,~-]+)+/?"), "P"),
    (re.compile(r"0[xX][0-9a-fA-F]+|\b(?=[a-fA-F]*\d)[0-9a-fA-F]{7,}\b"), "X"),
    (re.compile(r"\d+(?:[.,]\d+)*(?:[eE][+-]?\d+)?"), "#"),
    # Of "1h 2m 3s" and "150 ms" the same is left.
    (re.compile(rf"#(?<!\w#) ?{_UNIT}(?: ?# ?{_UNIT})*"), "# s"),
    # Of "[  12.5]" and "[1234.5]", too.
    (re.compile(r"([\[(])[ \t]+(?=[#TPX])"), r"\1"),
    (re.compile(r"\s+"), " "),
)


def masked_line(text: str) -> str:
    """The text without what differs from run to run: times, paths, hex, numbers, blanks."""
    if "::" in text:
        text = _SHORT_IPV6.sub("X", text)
    for pattern, constant in _MASKS:
        text = pattern.sub(constant, text)
    return text.strip()


def masked_lines(text: str) -> list[str]:
    """`masked_line` of each line of a text, many times faster than one by one."""
    if "::" in text:
        text = _SHORT_IPV6.sub("X", text)
    for pattern, constant in _MASKS[:-1]:
        text = pattern.sub(constant, text)
    return [" ".join(line.split()) for line in text.split("\n")]


def masked_hash(text: str) -> str:
    """16 hex digits that are equal for the same failure at another time, place or pid."""
    return hash_of_masked(masked_line(text))


def hash_of_masked(masked: str) -> str:
    """The same of a line that is masked already."""
    return hashlib.sha256(masked.encode("utf-8", "replace")).hexdigest()[:16]


def finding_id(rule: str, masked: str, ordinal: int) -> str:
    """12 hex digits: the same finding of the same log in every build, wherever lines move to.

    `ordinal` counts from 1 the findings of the log that have this rule and this masked hash.
    """
    return hashlib.sha256(f"{rule}\n{masked}\n{ordinal}".encode()).hexdigest()[:12]
