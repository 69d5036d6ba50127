"""The landmarks of a database migration's log, line by line, as Turbo-hipster reads them.

Rules of the 2015 generation (openstack/turbo-hipster aa71066, real_db_upgrade/handle_results.py)
in its order: the first that a line meets takes it. What differs is what was wrong there: a fatal
line is not forgotten, and counters that grew before the first step are nobody's.
"""

import calendar
import datetime
import re
import sys
from collections.abc import Iterable, Iterator

from msgspec import Struct, field

from mtsite.logs.chosen import ENDS

HINT = (
    rb"ERROR 10(?:45|49)|ImportError| [0-9]+ -> [0-9]+\.\.\.|chema version is"
    rb"| Innodb_rows_(?:read|updated|inserted|deleted)\t|\*{5} |\[script exit code = |done" + ENDS
)
"""RE2: chooses every line that `read_steps` looks at."""

ACCESS_DENIED, NO_DATABASE, NO_MODULE = "access-denied", "no-database", "no-module"
NOT_ENDED, END_NOT_FOUND, WRONG_SCHEMA = "not-ended", "end-not-found", "wrong-schema"
SCRIPT_EXIT = "script-exit"

_FATAL = ((b"ERROR 1045", ACCESS_DENIED), (b"ERROR 1049", NO_DATABASE), (b"ImportError", NO_MODULE))
_START = re.compile(rb".* ([0-9]{1,18}) -> ([0-9]{1,18})\.\.\.")
_COUNTER = re.compile(rb".* (Innodb_.*)\t([0-9]{1,18})")
_FINAL = re.compile(rb"Final schema version is ([0-9]{1,18})")
_STARS = re.compile(rb"\*{5} (.+) \*{5}")
_EXIT = re.compile(rb"\[script exit code = (-?[0-9]{1,9})\]")
_STAMP = re.compile(rb"(\d{4})-(\d\d)-(\d\d) (\d\d):(\d\d):(\d\d),\d{3}")
_CHANGES = ("Innodb_rows_updated", "Innodb_rows_inserted", "Innodb_rows_deleted")
_MOST_COUNTERS = 4096
_MOST_SAID = 1000
_LONG_BYTES = 1 << 16


class Step(Struct):
    """One step between two schemas. Times are seconds as if the log's clock were UTC.

    `last_line` is 0 while nobody said that it is over; a time that can't be read is None.
    """

    source: int
    target: int
    first_line: int
    start: int | None
    last_line: int = 0
    end: int | None = None
    grown: dict[str, int] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """As messages and limits call it."""
        return f"{self.source}->{self.target}"

    @property
    def seconds(self) -> int | None:
        """Whole seconds between the seconds of start and end, as the source counts."""
        if self.start is None or self.end is None:
            return None
        return self.end - self.start

    @property
    def rows_read(self) -> int | None:
        """Rows that the database read meanwhile; None without a counter of it."""
        return self.grown.get("Innodb_rows_read")

    @property
    def rows_changed(self) -> int:
        """Rows updated, inserted and deleted meanwhile."""
        return sum(self.grown.get(name, 0) for name in _CHANGES)


class Section(Struct, frozen=True):
    """What lies between two lines of stars; `last_line` 0: the second one is missing."""

    title: str
    first_line: int
    last_line: int = 0
    seconds: int | None = None


class Landmarks(Struct):
    """What a log says beside its steps.

    `said` are errors that nobody has taken out yet: (code, line, the script's return code or 0).
    `last_line` is that of the last line that was looked at.
    """

    fatal: tuple[str, int] | None = None
    said: list[tuple[str, int, int]] = field(default_factory=list)
    sections: list[Section] = field(default_factory=list)
    section_count: int = 0
    final_schema: int | None = None
    script_exit: int | None = None
    last_line: int = 1
    seen: bool = False
    """Whether any line was a landmark of a migration."""


def read_steps(
    lines: Iterable[tuple[int, bytes]],
    marks: Landmarks,
    expected_schema: int | None = None,
    most_sections: int = sys.maxsize,
) -> Iterator[Step | None]:
    """The steps of a log in its order, each when it is known in full; fills `marks` on the way.

    `lines` are (number, line without its end), all or those that `HINT` chooses. Without an
    `expected_schema` the final one is not compared. After a fatal line nothing more is read.
    With each step, and with None between, the errors in `marks.said` are to be taken out.
    """
    reader = _Reader(marks, expected_schema, most_sections)
    for number, line in lines:
        if len(line) > _LONG_BYTES:
            line = line[: _LONG_BYTES // 2] + line[-_LONG_BYTES // 2 :]
        if (filed := reader.take(number, line)) is not None or len(marks.said) >= _MOST_SAID:
            yield filed
        if marks.fatal:
            break
    reader.close()
    yield reader.step


def seconds_of(line: bytes) -> int | None:
    """The time that a line begins with, in whole seconds; None when it is no time."""
    stamp = _STAMP.match(line[:23])
    if stamp is None:
        return None
    year, month, day, hour, minute, second = (int(part) for part in stamp.groups())
    try:
        datetime.date(year, month, day)
    except ValueError:
        return None
    if hour > 23 or minute > 59 or second > 61:
        return None
    return calendar.timegm((year, month, day, hour, minute, second))


class _Reader:
    """The state between lines: the step in progress, whether it is open, the last counters."""

    def __init__(self, marks: Landmarks, expected_schema: int | None, most_sections: int) -> None:
        self.marks = marks
        self.expected = expected_schema
        self.most_sections = most_sections
        self.step: Step | None = None
        self.open = False
        self.counters: dict[str, int] = {}
        self.stars: tuple[str, int, int | None] | None = None

    def take(self, number: int, line: bytes) -> Step | None:
        """Take a line; the step before, when the line begins another."""
        self.marks.last_line = number
        for words, code in _FATAL:
            if words in line:
                self.marks.fatal, self.marks.seen = (code, number), True
                return None
        if start := _START.match(line):
            return self._begin(number, line, int(start[1]), int(start[2]))
        if line.endswith(b"done"):
            self._end(number, line)
        elif counter := _COUNTER.match(line):
            self._count(counter[1].decode("utf-8", "replace"), int(counter[2]))
        elif b"Final schema version is" in line:
            self._finish(number, line)
        else:
            self._note(number, line)
        return None

    def close(self) -> None:
        """The log is over."""
        if self.open and self.step is not None and not self.marks.fatal:
            self.marks.said.append((END_NOT_FOUND, self.step.first_line, 0))
        if self.stars is not None:
            self._keep(Section(*self.stars[:2]))

    def _begin(self, number: int, line: bytes, source: int, target: int) -> Step | None:
        self.marks.seen = True
        before = self.step
        if self.open and before is not None:
            self.marks.said.append((NOT_ENDED, before.first_line, 0))
        self.step, self.open = Step(source, target, number, seconds_of(line)), True
        return before

    def _end(self, number: int, line: bytes) -> None:
        if self.open and self.step is not None:
            self.step.last_line, self.step.end = number, seconds_of(line)
            self.open = False

    def _count(self, name: str, value: int) -> None:
        self.marks.seen = True
        before = self.counters.get(name)
        if before is None and len(self.counters) >= _MOST_COUNTERS:
            return
        if before is not None and self.step is not None and value > before:
            self.step.grown.setdefault(name, value - before)
        self.counters[name] = value

    def _finish(self, number: int, line: bytes) -> None:
        self.marks.seen = True
        final = _FINAL.search(line)
        if final is None:
            return
        self.marks.final_schema = int(final[1])
        if self.expected is not None and self.marks.final_schema != self.expected:
            self.marks.said.append((WRONG_SCHEMA, number, 0))

    def _note(self, number: int, line: bytes) -> None:
        if stars := _STARS.search(line):
            self.marks.seen = True
            self._star(stars[1].decode("utf-8", "replace"), number, seconds_of(line))
        elif told := _EXIT.search(line):
            self.marks.script_exit = int(told[1])
            if self.marks.script_exit:
                self.marks.said.append((SCRIPT_EXIT, number, self.marks.script_exit))
        elif b"Schema version is" in line:
            self.marks.seen = True

    def _star(self, title: str, number: int, time: int | None) -> None:
        if self.stars is None:
            self.stars = (title, number, time)
            return
        title, first, began = self.stars
        seconds = None if began is None or time is None else time - began
        self._keep(Section(title, first, number, seconds))
        self.stars = None

    def _keep(self, section: Section) -> None:
        self.marks.section_count += 1
        if len(self.marks.sections) < self.most_sections:
            self.marks.sections.append(section)
