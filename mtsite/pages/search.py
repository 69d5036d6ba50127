"""The search over the whole site: its page, and the shards that it looks through. Pure.

A shard has the runs of a month, or of a part of one, each with the letters of its tests over one
table of names; so a name costs its text once, and a run of 4,000 tests a few bytes.
"""

import json
import re
import string
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from msgspec import Struct, field

from mtsite import urls
from mtsite.failing import FailingLine
from mtsite.model import RunSummary, TestName
from mtsite.onhosts import HostRun
from mtsite.pages import words
from mtsite.pages.griddata import joined
from mtsite.pages.page import SiteFrame, frame_context
from mtsite.pages.shard import shard_bytes
from mtsite.query import CHANGES
from mtsite.rollup import BAD

EDITION = 2
TEMPLATE = "search.html"
USUAL_BYTES = 300_000
"""A shard takes no further run beyond this: what a reader waits for, and what one new run costs."""

MOST_BYTES = 950_000
"""One run alone has no more than that: of its tests those that went wrong come first."""

MOST_LINES = 300
"""So many kinds of failing lines of one run are searched: those that the most tests have."""

DIGITS = string.digits + string.ascii_uppercase + string.ascii_lowercase
_BAD = frozenset(verdict.value for verdict in BAD)
_LONE = re.compile("[\ud800-\udfff]")
_RUN_BYTES = 60
_CHARACTER_BYTES = 26
"""A character beyond the plane of all others, in a name and in its path."""
_LINE_BYTES = 60
_COMMENT = 120

Outcomes = Mapping[TestName, tuple[str, int | None]]


class FoundRun(Struct, frozen=True):
    """A run as it is searched: `lines` are the most frequent of `line_total`. Gone: its row alone.

    `place` is when it began.
    """

    summary: RunSummary
    place: int
    outcomes: Outcomes = field(default_factory=dict)
    hosts: Sequence[HostRun] = ()
    lines: Sequence[FailingLine] = ()
    line_total: int = 0


class Draft(Struct):
    """A shard while it is written, one run after the other, the oldest first."""

    size: int = 240
    runs: list[list[object]] = field(default_factory=list)
    _names: dict[TestName, int] = field(default_factory=dict)
    _spelled: list[str] = field(default_factory=list)
    _last: str = ""
    _paths: dict[str, str] = field(default_factory=dict)
    _targets: dict[tuple[str, tuple[str, ...]], int] = field(default_factory=dict)
    _hosts: dict[str, int] = field(default_factory=dict)
    _lines: dict[tuple[str, str], list[object]] = field(default_factory=dict)

    def take(self, run: FoundRun) -> bool:
        """Have a run, too; False where there is no room for it. An empty shard takes any."""
        tests, cut = self._chosen(run)
        cost = self._cost(run, tests)
        if self.runs and (cut or self.size + cost > USUAL_BYTES):
            return False
        self.size += cost
        self._add(run, tests, cut)
        return True

    def content(self, key: str) -> bytes:
        """The shard of this key."""
        document = {
            "schema": "mtsite/shard-search/1",
            "names": self._spelled,
            "paths": self._paths,
            "targets": [
                [urls.area_dir(area, values), _readable(area), *map(_readable, values)]
                for area, values in self._targets
            ],
            "hosts": [[_readable(host), _escaped(host)] for host in self._hosts],
            "runs": self.runs,
            "lines": list(self._lines.values()),
        }
        return shard_bytes(key, document)

    def _chosen(self, run: FoundRun) -> tuple[list[TestName], int]:
        """The tests that are searched, by name, and how many there is no room for."""
        room = MOST_BYTES - _lines_cost(run.lines) - _RUN_BYTES * 20
        tests = sorted(run.outcomes)
        # Most runs are far from it: then nothing has to be spelled to be sure.
        at_most = sum(len(name) + len(item) + 2 for name, item in tests) * _CHARACTER_BYTES
        if at_most <= room or _names_cost(tests, "") <= room:
            return tests, 0
        named = {line.first for line in run.lines}
        worst_first = sorted(
            tests, key=lambda one: (one not in named, run.outcomes[one][0] not in _BAD, one)
        )
        while _names_cost(tests, "") > room:
            tests = sorted(worst_first[: int(0.9 * len(tests))])
        return tests, len(run.outcomes) - len(tests)

    def _cost(self, run: FoundRun, tests: Iterable[TestName]) -> int:
        """Bytes that a run adds at the most."""
        names = _names_cost((one for one in tests if one not in self._names), self._last)
        bad = sum(letter in _BAD for letter, _ in run.outcomes.values())
        texts = (run.summary.key.runname * 2, run.summary.owner, run.summary.comment[:_COMMENT])
        row = sum(map(_weight, texts)) + _RUN_BYTES + 4 * len(run.hosts) + 8 * bad
        hosts = sum(_weight(one.host) * 2 + 9 for one in run.hosts if one.host not in self._hosts)
        target = run.summary.key.area, run.summary.key.target
        where = 0 if target in self._targets else 2 * _weight([target[0], *target[1]]) + 20
        return names + row + hosts + where + _lines_cost(run.lines)

    def _add(self, run: FoundRun, tests: Sequence[TestName], cut: int) -> None:
        hosts = {one.host: _number(self._hosts, one.host) for one in run.hosts}
        number = len(self.runs)
        found = sorted((self._name(name), run.outcomes[name][0], name) for name in tests)
        ran_on = {test[:2]: hosts[one.host] for one in run.hosts for test in one.tests}
        summary = run.summary
        here = {name for _, _, name in found}
        lines = [line for line in run.lines if line.first in here] if cut else run.lines
        dropped = run.line_total - len(lines)
        letters = joined(_letters(found))
        self.size += len(letters)
        row: list[object] = [
            _number(self._targets, (summary.key.area, summary.key.target)),
            _readable(summary.key.runname),
            _escaped(summary.key.runname),
            run.place,
            "x" if summary.gone else summary.verdict,
            _readable(words.first_line(summary.owner)),
            _readable(words.first_line(summary.contour)),
            _readable(words.first_line(summary.comment)[:_COMMENT]),
            sum(1 << bit for bit, kind in enumerate(CHANGES) if getattr(summary, kind)),
            letters,
            sorted(hosts.values()),
            [ran_on.get(name, -1) for _, letter, name in found if letter in _BAD],
        ]
        self.runs.append([*row, cut, dropped] if cut or dropped else row)
        for line in lines:
            self._line(number, line, hosts)

    def _line(self, run: int, line: FailingLine, hosts: Mapping[str, int]) -> None:
        """A kind of line stands once, as the newest run has it."""
        tests = runs = 0
        before = self._lines.pop((line.cluster, line.exact), None)
        if before is not None:
            tests, runs = int(str(before[3])), int(str(before[4]))
        self._lines[line.cluster, line.exact] = [
            _readable(line.text),
            run,
            self._name(line.first),
            tests + line.tests,
            runs + 1,
            urls.segment(line.log) if line.log else "",
            line.line,
            [hosts[host] for host in line.hosts if host in hosts],
            line.cluster,
        ]

    def _name(self, name: TestName) -> int:
        number = self._names.get(name)
        if number is not None:
            return number
        number = self._names[name] = len(self._names)
        label = _label(name)
        self._spelled.append(_spelled(label, self._last))
        self._last = label
        path = _odd_path(name)
        if path:
            self._paths[str(number)] = path
        return number


def context(frame: SiteFrame, months: Mapping[str, int]) -> dict[str, object]:
    """The page: month ('2026-11') → how many shards it has, the oldest first."""
    path = urls.search_page()
    said = "Tests, runs, owners, hosts, targets and failing lines of this site."
    newest = reversed(list(months.items()))
    return frame_context(frame, path, [], title="Search", description=said) | {
        "lead": said,
        "shards": " ".join(f"{month}:{number}" for month, number in newest),
        "elsewhere": tuple(
            (label, urls.relative(path, page))
            for label, page in (
                ("all areas with their targets and runs", urls.index_page()),
                ("all hosts", urls.hosts_page()),
                ("failures that are alike", urls.clusters_page()),
            )
        ),
    }


def _letters(found: Iterable[tuple[int, str, TestName]]) -> str:
    """The letter of each name of the table, '.' for those that the run has not."""
    letters: list[str] = []
    for number, letter, _ in found:
        letters.extend("." * (number - len(letters)))
        letters.append(letter)
    return "".join(letters)


def _lines_cost(lines: Iterable[FailingLine]) -> int:
    return sum(_weight(one.text) + _weight(one.log) + _LINE_BYTES for one in lines)


def _names_cost(names: Iterable[TestName], before: str) -> int:
    """Bytes of names in this order at the most, with their letters and, where needed, paths."""
    cost = 0
    for name in names:
        label, path = _label(name), _odd_path(name)
        cost += _weight(_spelled(label, before)) + 4 + (_weight(path) + 12 if path else 0)
        before = label
    return cost


def _label(name: TestName) -> str:
    """A test with its item behind a NUL, in which a script can count characters."""
    testname, item = (_readable(part).replace("\0", "\ufffd") for part in name)
    return f"{testname}\0{item}" if item else testname


def _spelled(label: str, before: str) -> str:
    """How many characters are those of the name before, as one digit of 62, and the rest."""
    shared = 0
    # Beyond these a character is two in a script.
    if max(label, default="") <= "\uffff" and max(before, default="") <= "\uffff":
        most = min(len(label), len(before), len(DIGITS) - 1)
        while shared < most and label[shared] == before[shared]:
            shared += 1
    return DIGITS[shared] + label[shared:]


def _odd_path(name: TestName) -> str:
    """Its path below a run's directory; '' where that is the name itself."""
    path = urls.test_path(name)
    return "" if path == "/".join(filter(None, name)) else path


def _number(known: dict[Any, int], one: object) -> int:
    return known.setdefault(one, len(known))


def _weight(value: object) -> int:
    """Bytes of a value in a shard: JSON in a string of JSON."""
    told = json.dumps(json.dumps(value))
    return len(told) + 5 * told.count("<")


def _escaped(name: str) -> str:
    """The path segment of a name, '' where it is the name itself."""
    found = urls.segment(name)
    return "" if found == name else found


def _readable(text: str) -> str:
    return _LONE.sub("\ufffd", text)
