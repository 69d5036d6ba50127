"""Targets, key levels and areas as one row each: what is below them, added up.

A target's own summary is made when one of its runs moves and is kept in the manifest; all above
is the sum of targets, so the sum of the children is the parent at every node.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from mtsite import record, rollup
from mtsite.model import RunSummary
from mtsite.pages.page import NodeSummary

TREND_DAYS = 14

Target = tuple[str, tuple[str, ...]]
"""(area, key values)."""

_GOOD = frozenset(verdict.value for verdict in rollup.GOOD)


@dataclass(frozen=True, slots=True)
class AreaWords:
    """What is said of an area as a whole."""

    keys: tuple[str, ...] = ()
    title: str = ""
    problems: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class TargetNode:
    """The summary of one target: its newest run, how many there are, and its last days.

    `coming` counts the runs whose pages no build has made yet.
    """

    keys: tuple[str, ...]
    runs: int
    newest: RunSummary | None
    days: tuple[tuple[str, int, int], ...] = ()
    coming: int = 0

    def encode(self) -> str:
        """One line of JSON; `decode` gives the node back."""
        newest = "null" if self.newest is None else record.summary_json(self.newest)
        parts = {"keys": self.keys, "runs": self.runs, "days": self.days, "coming": self.coming}
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
        )


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
    last = day_of(newest.event_time, zone) if newest else ""
    return TargetNode(tuple(keys), runs, newest, _window(days, last))


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
    _of_area: dict[str, list[Target]] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        """The targets of an area are asked for at every level: found once."""
        for target in sorted(self.targets):
            self._of_area.setdefault(target[0], []).append(target)

    def below(self, area: str, values: Sequence[str] = ()) -> list[Target]:
        """The targets of an area that begin with these key values."""
        start = tuple(values)
        return [one for one in self._of_area.get(area, ()) if one[1][: len(start)] == start]

    def node(self, area: str, values: Sequence[str] = ()) -> NodeSummary:
        """One row for an area (no values), a key level or a target."""
        below = [self.targets[target] for target in self.below(area, values)]
        newest = max(
            (one.newest for one in below if one.newest is not None), key=_age_order, default=None
        )
        counts = rollup.add_counts(one.newest.counts for one in below if one.newest is not None)
        days: dict[str, list[int]] = {}
        for one in below:
            for day, good, total in one.days:
                tally = days.setdefault(day, [0, 0])
                tally[0] += good
                tally[1] += total
        words = self.areas.get(area, AreaWords())
        return NodeSummary(
            area=area,
            values=tuple(values),
            keys=words.keys or next((one.keys for one in below), ()),
            runs=sum(one.runs for one in below),
            counts=counts,
            verdict=rollup.run_verdict(counts).value,
            newest=newest,
            trend=_window(days, day_of(newest.event_time, self.zone) if newest else ""),
            targets=len(below),
            problems=words.problems if not values else (),
            satellite_of=self.satellites.get(area, "") if not values else "",
            held=self.held.get(area, 0) if not values else 0,
            title=words.title if not values else "",
            coming=sum(one.coming for one in below),
        )

    def children(self, area: str, values: Sequence[str] = ()) -> list[NodeSummary]:
        """The rows of the next level, in byte order of their names."""
        depth = len(values) + 1
        names = {target[1][:depth] for target in self.below(area, values)}
        return [self.node(area, name) for name in sorted(names) if len(name) == depth]


def day_of(when: int | None, zone: ZoneInfo) -> str:
    """'2026-11-22' in the site's zone; a time that no calendar has counts as 1970-01-01."""
    return _moment(when, zone).strftime("%Y-%m-%d")


def month_of(when: int | None, zone: ZoneInfo) -> str:
    """'2026-11' in the site's zone."""
    return _moment(when, zone).strftime("%Y-%m")


def _moment(when: int | None, zone: ZoneInfo) -> datetime:
    try:
        return datetime.fromtimestamp(when or 0, zone)
    except (OverflowError, ValueError, OSError):
        return datetime.fromtimestamp(0, zone)


def _window(days: Mapping[str, Sequence[int]], last: str) -> tuple[tuple[str, int, int], ...]:
    if not last:
        return ()
    end = datetime.strptime(last, "%Y-%m-%d")
    first = (end - timedelta(days=TREND_DAYS - 1)).strftime("%Y-%m-%d")
    return tuple((day, t[0], t[1]) for day, t in sorted(days.items()) if first <= day <= last)


def _age_order(summary: RunSummary) -> tuple[int, tuple[str, ...], str]:
    return (summary.event_time or 0, summary.key.target, summary.key.runname)
