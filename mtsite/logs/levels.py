"""The level of each line, as os-loganalyze (the log server of OpenStack) gives it.

A line is tried against four shapes: oslo (date, process, level), systemd (date, host, unit[pid]:,
perhaps a level), console (date alone), syslog (date, host, service:). A line without a level of its
own has that of the line before, so that tracebacks and wrapped lines belong to their message.
RE2 looks for the next line that has another level; lines between are counted, not looked at.
"""

import functools
import itertools
import re
from collections.abc import Iterator, Mapping

from mtsite.logs.source import Content, block_borders, count_ends, next_line, release
from mtsite.regex import Pattern, compile_bytes

NONE = "NONE"
RANKS = (NONE, "DEBUG", "INFO", "AUDIT", "TRACE", "WARNING", "ERROR", "CRITICAL")
"""From what matters least to what matters most; NONE is before the first level."""

_NAMES = {name.encode(): name for name in RANKS[1:]}
_FRACTION = rb"(?:[.,]\d{3,6})?"
_DATE = rb"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d" + _FRACTION
_BLANKS = rb"[ \t\f\v]+"
_SYSLOG_DATE = rb"\w+" + _BLANKS + rb"\d+" + _BLANKS + rb"\d\d:\d\d:\d\d" + _FRACTION
_ANY_LEVEL = b"|".join(_NAMES)
_QUIET_SERVICES = (b"tgtd", b"proxy-server")

_OSLO = re.compile(_DATE + rb"(?: \d+)? (" + _ANY_LEVEL + rb")")
_SYSTEMD = re.compile(_SYSLOG_DATE + rb" \S+ \S+\[\d+\]: (" + _ANY_LEVEL + rb")?")
_SYSLOG = re.compile(_SYSLOG_DATE + rb" [\w-]+ ([^\[\s]+):")
_HEAD_BYTES = 400
_BLOCK_BYTES = 1 << 18
_SAMPLE_BYTES = 1 << 16
_LEAST_SHARE = 10


def level_of(line: bytes) -> str:
    """The level that a line carries itself; '' when it has that of the line before."""
    return _level_at(line, 0)


def _level_at(text: bytes, at: int) -> str:
    # None of these goes beyond a line end.
    stop = at + _HEAD_BYTES
    if oslo := _OSLO.match(text, at, stop):
        return _NAMES[oslo[1]]
    if systemd := _SYSTEMD.match(text, at, stop):
        return _NAMES[systemd[1]] if systemd[1] else ""
    if syslog := _SYSLOG.match(text, at, stop):
        return "DEBUG" if syslog[1] in _QUIET_SERVICES else "INFO"
    return ""


def carries_levels(content: Content) -> bool:
    """Whether a log shows levels: one line in ten at its beginning carries one itself.

    os-loganalyze tells by the file's name; a name says nothing of another site's logs, and a log
    in which one line by chance looks like a message must not be coloured by it to its end.
    """
    lines = content[:_SAMPLE_BYTES].splitlines()
    carrying = (line for line in lines if level_of(line[:_HEAD_BYTES]))
    wanted = -(-len(lines) // _LEAST_SHARE)
    return sum(1 for _ in itertools.islice(carrying, wanted)) == wanted > 0


def count_levels(content: Content) -> dict[str, int]:
    """How many lines have each level, those that inherit it included; levels in their order."""
    counts = dict.fromkeys(RANKS, 0)
    for level, lines in runs(content):
        counts[level] += lines
    return {level: lines for level, lines in counts.items() if lines}


def shown_levels(content: Content) -> Mapping[str, int]:
    """The counts of a log that carries levels; nothing of another."""
    return count_levels(content) if carries_levels(content) else {}


def runs(content: Content, level: str = NONE) -> Iterator[tuple[str, int]]:
    """Level and number of lines of each stretch; `level` is that before the first line."""
    for start, stop in block_borders(content, _BLOCK_BYTES):
        lead = min(start, 1)
        block = content[start - lead : stop]
        since = lead
        for head, seen in _heads(content, start - lead, stop, level):
            if seen != level:
                if lines := count_ends(block, since, head):
                    yield level, lines
                level, since = seen, head
        if lines := count_ends(block, since, len(block)):
            yield level, lines
        release(content, start, stop)
    if len(content) and content[-1] not in b"\r\n":
        yield level, 1


def level_before(content: Content, at: int) -> str:
    """The level that the line at an offset inherits: that of the last line before that has one."""
    while at > 0:
        start = max(at - _SAMPLE_BYTES, 0)
        if start:
            start = next_line(content, start)[1]
        level = [NONE, *(level for level, _ in runs(content[start:at]))][-1]
        if level != NONE or start == 0:
            return level
        at = max(at - _SAMPLE_BYTES, 0)
    return NONE


def _heads(content: Content, start: int, stop: int, level: str) -> Iterator[tuple[int, str]]:
    """Where lines that may have another level begin, counted from `start`, and the level of each.

    `start` is the end of a line, or the beginning of the log.
    """
    # A head may go on behind a block that ends in a very long line.
    text = content[start : stop + _HEAD_BYTES]
    if text.find(b"\r") >= 0:
        # A pattern that begins with one character is found faster.
        text = text.replace(b"\r", b"\n")
    size = stop - start
    if start == 0 and (seen := level_of(text[:_HEAD_BYTES].split(b"\n", 1)[0])):
        yield 0, seen
        level = seen
    at = 0
    while (match := _other_than(level).search(text, at)) is not None:
        head = match.start() + 1
        if head >= size:
            return
        if seen := _level_at(text, head):
            yield head, seen
            level = seen
        at = head


@functools.cache
def _other_than(level: str) -> Pattern:
    """What begins a line that may have a level other than this, with the line end before it."""
    others = b"|".join(name for name, known in _NAMES.items() if known != level)
    services = b"|".join(_QUIET_SERVICES) if level == "INFO" else rb"[^\[\s]+"
    oslo = _DATE + rb"(?: \d+)? (?:" + others + rb")"
    systemd = _SYSLOG_DATE + rb" \S+ \S+\[\d+\]: (?:" + others + rb")"
    syslog = _SYSLOG_DATE + rb" [\w-]+ (?:" + services + rb"):"
    return compile_bytes(rb"\n(?:" + b"|".join((oslo, systemd, syslog)) + b")")
