"""Targets, key levels and areas as one row each: what is below them, added up.

A target's own summary is made when one of its runs moves and is kept in the manifest; all above
is the sum of targets, so the sum of the children is the parent at every node.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from msgspec import Struct
from msgspec.structs import astuple, replace

from mtsite import record, rollup
from mtsite.build import cadence
from mtsite.build.cadence import UNTOLD, Cadence
from mtsite.model import RunSummary
from mtsite.pages.dates import day_of
from mtsite.pages.page import NodeSummary
from mtsite.stability import Stability, Unsteady

TREND_DAYS = 14
DAY = 86_400
LISTED = 20
"""So many tests of each kind of unsteadiness are remembered of a target."""

STEADY = Stability()

Target = tuple[str, tuple[str, ...]]
"""(area, key values)."""

_GOOD = frozenset(verdict.value for verdict in rollup.GOOD)
_BAD = frozenset(verdict.value for verdict in rollup.BAD)


class AreaWords(Struct, frozen=True):
    """What is said of an area as a whole. `expected` None: as the runs came so far."""

    keys: tuple[str, ...] = ()
    title: str = ""
    problems: tuple[str, ...] = ()
    expected: int | None = None
    intro: str = ""
    contact: str = ""


class TargetNode(Struct, frozen=True):
    """The summary of one target: its newest run, how many there are, and its last days.

    `coming` counts the runs whose pages no build has made yet, `log_bytes` what the logs of all
    its runs take in the store. `pointers` are the redirects that have somewhere to lead.
    `stability` has the first `LISTED` tests of each kind. `months` are (month, runs, tests, bytes
    of logs), oldest first.
    """

    keys: tuple[str, ...]
    runs: int
    newest: RunSummary | None
    days: tuple[tuple[str, int, int], ...] = ()
    coming: int = 0
    cadence: Cadence = UNTOLD
    log_bytes: int = 0
    pointers: tuple[str, ...] = ()
    stability: Stability = STEADY
    months: tuple[tuple[str, int, int, int], ...] = ()

    def encode(self) -> str:
        """One line of JSON; `decode` gives the node back."""
        newest = "null" if self.newest is None else record.summary_json(self.newest)
        parts = {
            "keys": self.keys,
            "runs": self.runs,
            "days": self.days,
            "coming": self.coming,
            "cadence": self.cadence,
            "log_bytes": self.log_bytes,
            "pointers": self.pointers,
            "months": self.months,
            "stability": [self.stability.totals, [astuple(one) for one in self.stability.tests]],
        }
        head = json.dumps(parts)
        return f'{head[:-1]}, "newest": {newest}}}'

    @classmethod
    def decode(cls, line: str) -> "TargetNode":
        """The node behind a line that `encode` wrote."""
        found = json.loads(line)
        return cls(
            tuple(found["keys"]),
            found["runs"],
            record.read_summary(found["newest"]),
            tuple((day, good, total) for day, good, total in found["days"]),
            found["coming"],
            Cadence(*found.get("cadence", UNTOLD)),
            found.get("log_bytes", 0),
            tuple(found.get("pointers", ())),
            _stability(*found["stability"]) if "stability" in found else STEADY,
            tuple((m, runs, tests, logs) for m, runs, tests, logs in found.get("months", ())),
        )


def _stability(totals: Sequence[int], tests: Sequence[Sequence[Any]]) -> Stability:
    broken, flaky, fixed = totals
    return Stability(tuple(Unsteady(*one) for one in tests), (broken, flaky, fixed))


def target_node(
    keys: Sequence[str], runs: int, newest_first: Sequence[RunSummary], zone: ZoneInfo
) -> TargetNode:
    """The summary of a target from its newest runs (at least those of its last 14 days)."""
    newest = newest_first[0] if newest_first else None
    days: dict[str, list[int]] = {}
    for one in newest_first:
        tally = days.setdefault(day_of(one.event_time, zone), [0, 0])
        tally[0] += sum(n for letter, n in one.counts.items() if letter in _GOOD)
        tally[1] += sum(one.counts.values())
    return TargetNode(
        keys=tuple(keys),
        runs=runs,
        newest=newest,
        days=_window(days, day_of(newest.event_time, zone) if newest else ""),
        cadence=cadence.of_runs([one.event_time for one in newest_first]),
    )


@dataclass(slots=True)
class Tree:
    """All targets of the site, to be added up at any level.

    `ends`: the site has a page about what leaves next.
    """

    targets: Mapping[Target, TargetNode]
    areas: Mapping[str, AreaWords]
    zone: ZoneInfo
    satellites: Mapping[str, str] = field(default_factory=dict)
    held: Mapping[str, int] = field(default_factory=dict)
    ends: bool = False
    _below: dict[Target, list[Target]] = field(init=False, default_factory=dict)
    _names: dict[Target, dict[tuple[str, ...], None]] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        """What lies below a node is asked for at every level: found once."""
        for target in sorted(self.targets):
            area, values = target
            for depth in range(len(values) + 1):
                node = (area, values[:depth])
                self._below.setdefault(node, []).append(target)
                if depth < len(values):
                    self._names.setdefault(node, {})[values[: depth + 1]] = None

    def below(self, area: str, values: Sequence[str] = ()) -> list[Target]:
        """The targets of an area that begin with these key values."""
        return self._below.get((area, tuple(values)), [])

    def node(self, area: str, values: Sequence[str] = ()) -> NodeSummary:
        """One row for an area (no values), a key level or a target."""
        values = tuple(values)
        targets = self.below(area, values)
        below = [self.targets[target] for target in targets]
        newest_runs = [one.newest for one in below if one.newest is not None]
        newest = max(newest_runs, key=_age_order, default=None)
        counts = rollup.add_counts(run.counts for run in newest_runs)
        words = self.areas.get(area, AreaWords())
        rhythm = self._cadence(area, below, newest)
        node = NodeSummary(
            area=area,
            values=values,
            keys=words.keys or next((one.keys for one in below), ()),
            runs=sum(one.runs for one in below),
            counts=counts,
            verdict=rollup.run_verdict(counts).value,
            newest=newest,
            trend=self._trend(below, newest),
            targets=len(below),
            coming=sum(one.coming for one in below),
            expected_seconds=rhythm.expected,
            late_seconds=rhythm.late,
            new=sum(run.new for run in newest_runs),
            still=sum(run.still for run in newest_runs),
            fixed=sum(run.fixed for run in newest_runs),
            known=sum(run.known for run in newest_runs),
            bad_targets=sum(not _BAD.isdisjoint(run.counts) for run in newest_runs),
            log_bytes=sum(one.log_bytes for one in below),
            pointers=below[0].pointers if targets == [(area, values)] else (),
        )
        return node if values else self._with_words(node, words)

    def _with_words(self, node: NodeSummary, words: AreaWords) -> NodeSummary:
        return replace(
            node,
            problems=words.problems,
            satellite_of=self.satellites.get(node.area, ""),
            held=self.held.get(node.area, 0),
            title=words.title,
            intro=words.intro,
            contact=words.contact,
        )

    def _cadence(
        self, area: str, below: Sequence[TargetNode], newest: RunSummary | None
    ) -> Cadence:
        """How often a run is expected below: as often as in the busiest target that still lives."""
        said = self.areas.get(area, AreaWords()).expected
        if said is not None:
            return cadence.as_said(said)
        if newest is None or area in self.held:
            return UNTOLD
        alive = (newest.event_time or 0) - TREND_DAYS * DAY
        rhythms = [
            one.cadence
            for one in below
            if one.cadence.expected and one.newest and (one.newest.event_time or 0) >= alive
        ]
        return min(rhythms, default=UNTOLD)

    def _trend(
        self, below: Sequence[TargetNode], newest: RunSummary | None
    ) -> tuple[tuple[str, int, int], ...]:
        days: dict[str, list[int]] = {}
        for one in below:
            for day, good, total in one.days:
                tally = days.setdefault(day, [0, 0])
                tally[0] += good
                tally[1] += total
        return _window(days, day_of(newest.event_time, self.zone) if newest else "")

    def growth(self, area: str, values: Sequence[str] = ()) -> list[tuple[str, int, int, int]]:
        """Runs, tests and bytes of logs of each month in all targets below, oldest first."""
        months: dict[str, list[int]] = {}
        for target in self.below(area, values):
            for month, *numbers in self.targets[target].months:
                tally = months.setdefault(month, [0, 0, 0])
                for i, number in enumerate(numbers):
                    tally[i] += number
        return [(name, runs, tests, logs) for name, (runs, tests, logs) in sorted(months.items())]

    def unsteady(self, area: str, values: Sequence[str]) -> list[tuple[Target, Stability]]:
        """What is unsteady in each target below, those that have something."""
        return [
            (target, found)
            for target in self.below(area, values)
            if any((found := self.targets[target].stability).totals)
        ]

    def children(self, area: str, values: Sequence[str] = ()) -> list[NodeSummary]:
        """The rows of the next level, in byte order of their names."""
        names = self._names.get((area, tuple(values)), {})
        return [self.node(area, name) for name in sorted(names)]


def _window(days: Mapping[str, Sequence[int]], last: str) -> tuple[tuple[str, int, int], ...]:
    if not last:
        return ()
    first = (date.fromisoformat(last) - timedelta(days=TREND_DAYS - 1)).isoformat()
    return tuple((day, t[0], t[1]) for day, t in sorted(days.items()) if first <= day <= last)


def _age_order(summary: RunSummary) -> tuple[int, tuple[str, ...], str]:
    return (summary.event_time or 0, summary.key.target, summary.key.runname)
