"""The pages of one target: grid, months, histories, pointers. A worker's task.

What a page shows comes from the manifest alone, where the runs of the target are by now.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from pathlib import Path
from zoneinfo import ZoneInfo

from mtsite import urls
from mtsite.build import former
from mtsite.build.nodes import AreaWords, TargetNode, Tree, month_of, target_node
from mtsite.build.render import Look, Pen
from mtsite.build.twins import store_twin
from mtsite.manifest import Manifest, Page
from mtsite.model import RunKey, RunSummary, TestName
from mtsite.pages import history, month, redirect, target
from mtsite.pages.page import Grid, GridRow, NodeSummary, Stretch
from mtsite.rollup import ABSENT, BAD, GOOD, Verdict, is_good

GRID_RUNS = 30
GRID_ROWS = 100

_BAD = frozenset(verdict.value for verdict in BAD)
_GOOD = frozenset(verdict.value for verdict in GOOD)


@dataclass(frozen=True, slots=True)
class TargetTask:
    """One target whose runs have moved; `known` are the fingerprints to rely on.

    `expected` is what the settings say of how often a run comes, in seconds; None: nothing.
    `name_now` is the name of the area where this is a former one.
    """

    area: str
    values: tuple[str, ...]
    keys: tuple[str, ...]
    known: Mapping[str, Page] = field(default_factory=dict)
    expected: int | None = None
    name_now: str = ""


@dataclass(frozen=True, slots=True)
class TargetWritten:
    """What a worker did; `node` is the target's summary for the levels above."""

    area: str
    values: tuple[str, ...]
    node: str
    pages: list[Page]
    removed: list[str]
    rendered: int


@dataclass(frozen=True, slots=True)
class TargetWriter:
    """The work on a `TargetTask`."""

    site: Path
    state_dir: Path
    look: Look

    def __call__(self, task: TargetTask) -> TargetWritten:
        """Write every page of the target whose input moved."""
        owner = target_owner(task.area, task.values)
        pen = Pen(self.site, self.look, owner, task.known)
        with Manifest.open(self.state_dir) as manifest:
            node = _TargetPages(pen, manifest, task).write()
        removed = pen.remove_rest()
        return TargetWritten(
            task.area, task.values, node.encode(), pen.changed, removed, pen.rendered
        )


def target_owner(area: str, values: Sequence[str]) -> str:
    """Who owns the shared pages of a target in the manifest."""
    return f"target:{urls.area_dir(area, values)}"


class _TargetPages:
    def __init__(self, pen: Pen, manifest: Manifest, task: TargetTask) -> None:
        self.pen = pen
        self.manifest = manifest
        self.area = task.area
        self.values = task.values
        self.keys = task.keys
        self.name_now = task.name_now
        self.words = AreaWords(expected=task.expected)
        self.zone = ZoneInfo(pen.frame.timezone)
        self.runs = manifest.target_runs(task.area, task.values)
        self.summaries = manifest.summaries(task.area, [task.values])
        self.coming = manifest.coming_places(task.area, task.values)
        self.all_runs = manifest.target_runs(task.area, task.values, gone=True)

    def write(self) -> TargetNode:
        own = target_node(self.keys, len(self.runs), self.summaries, self.zone)
        own = replace(own, coming=len(self.coming))
        here = (self.area, self.values)
        if self.name_now and former.write_target(
            self.pen, self.manifest, here, self.name_now, self.zone
        ):
            return own
        # A month or history must not change with the newest run: it gets a bare node.
        own = replace(own, pointers=tuple(self._pointers()))
        tree = Tree({(self.area, self.values): own}, {self.area: self.words}, self.zone)
        bare = NodeSummary(self.area, self.values, self.keys, 0, {}, Verdict.NOT_RUN, None)
        self._histories(bare)
        self._months(bare)
        self._target_page(tree.node(self.area, self.values))
        return own

    def _target_page(self, node: NodeSummary) -> None:
        path = urls.area_page(self.area, self.values)
        latest = self.summaries[:GRID_RUNS]
        rows, hidden = self._grid_rows(latest)
        months: dict[str, int] = {}
        for place, _, _ in reversed(self.runs):
            name = month_of(place, self.zone)
            months[name] = months.get(name, 0) + 1
        values = (repr(node), repr(latest), [(row.name, row.strip) for row in rows], hidden, months)
        listed = sorted(months.items(), reverse=True)
        fingerprint = self.pen.fresh(target, path, values)
        if fingerprint:
            grid = Grid(tuple(latest), tuple(rows), hidden)
            context = target.context(self.pen.frame, node, latest, grid, listed)
            self.pen.page(target, path, fingerprint, context)
        store_twin(self.pen, node, (), latest, listed)

    def _grid_rows(self, latest: Sequence[RunSummary]) -> tuple[list[GridRow], int]:
        columns = [self.manifest.outcomes(urls.run_dir(run.key)) for run in latest]
        names = {name for column in columns for name in column}
        iterated = {testname for testname, item_path in names if item_path}
        rows = [
            GridRow(name, "".join([column.get(name, (ABSENT, 0))[0] for column in columns]))
            for name in sorted(names)
            if name[1] or name[0] not in iterated
        ]
        rows.sort(key=lambda row: _interest(row.strip))
        return rows[:GRID_ROWS], max(0, len(rows) - GRID_ROWS)

    def _months(self, node: NodeSummary) -> None:
        names = {month_of(place, self.zone) for place, _, _ in self.all_runs}
        coming = Counter(month_of(place, self.zone) for place in self.coming)
        by_month: dict[str, list[RunSummary]] = {name: [] for name in names}
        for summary in self.summaries:
            by_month[month_of(summary.event_time, self.zone)].append(summary)
        for name, runs in sorted(by_month.items()):
            here = replace(node, coming=coming[name])
            *parts, whole = month.cut(runs)
            for number, some in parts:
                self._month(replace(node, coming=0), name, some, (number, 0))
            self._month(here, name, whole[1], (0, len(parts)))

    def _month(
        self, node: NodeSummary, name: str, runs: Sequence[RunSummary], part: tuple[int, int]
    ) -> None:
        """One page; `part` is its number and how many parts it links to."""
        number, parts = part
        path = urls.month_page(self.area, self.values, name, number)
        fingerprint = self.pen.fresh(month, path, self.keys, repr(runs), node.coming, parts)
        if fingerprint:
            frame = self.pen.frame
            context = month.context(frame, node, name, runs, part=number, parts=parts)
            self.pen.page(month, path, fingerprint, context)

    def _pointers(self) -> list[str]:
        """Write those redirects that have somewhere to lead, and name them."""
        chosen = {
            "latest": self.summaries,
            "last-good": [run for run in self.summaries if is_good(run.counts)],
            "last-failed": [run for run in self.summaries if set(run.counts) & _BAD],
        }
        for which, runs in chosen.items():
            found = runs[0] if runs else None
            if found is not None:
                path = urls.pointer_page(self.area, self.values, which)
                there = urls.run_page(found.key)
                fingerprint = self.pen.fresh(redirect, path, there)
                if fingerprint:
                    context = redirect.context(self.pen.frame, path, there, found.key.runname)
                    self.pen.page(redirect, path, fingerprint, context)
        return [which for which, runs in chosen.items() if runs]

    def _histories(self, node: NodeSummary) -> None:
        for name, stretches in _stretches(self._outcomes_in_order()):
            path = urls.history_page(self.area, self.values, name)
            values = repr(stretches)
            fingerprint = self.pen.fresh(history, path, self.keys, values)
            if fingerprint:
                context = history.context(self.pen.frame, node, name, stretches[::-1])
                self.pen.page(history, path, fingerprint, context)

    def _outcomes_in_order(
        self,
    ) -> Iterator[tuple[str, int, Mapping[TestName, tuple[str, object]]]]:
        for place, runname, _ in self.all_runs:
            key = RunKey(self.area, self.values, runname)
            yield runname, place, self.manifest.outcomes(urls.run_dir(key))


@dataclass(slots=True)
class _Open:
    verdict: str
    first_run: str
    first_time: int
    last_run: str
    last_time: int
    runs: int


def _stretches(
    runs: Iterator[tuple[str, int, Mapping[TestName, tuple[str, object]]]],
) -> list[tuple[TestName, list[Stretch]]]:
    """Test → its verdicts over all runs, equal neighbours joined, oldest first.

    Runs still in flight are left out; a run without the test is a stretch of its own, so that a
    test that was dropped does not look as if it still passed.
    """
    closed: dict[TestName, list[Stretch]] = {}
    current: dict[TestName, _Open] = {}
    for runname, place, outcomes in runs:
        if not outcomes:
            continue
        for name in current.keys() - outcomes.keys():
            _extend(current, closed, name, ABSENT, runname, place)
        for name, (verdict, _) in outcomes.items():
            if verdict != Verdict.RUNNING:
                _extend(current, closed, name, verdict, runname, place)
    for name, last in current.items():
        closed.setdefault(name, []).append(Stretch(last.verdict, last.first_run, last.first_time))
    return sorted(closed.items())


def _extend(
    current: dict[TestName, _Open],
    closed: dict[TestName, list[Stretch]],
    name: TestName,
    verdict: str,
    runname: str,
    place: int,
) -> None:
    last = current.get(name)
    if last is not None and last.verdict == verdict:
        last.last_run, last.last_time, last.runs = runname, place, last.runs + 1
        return
    if last is not None:
        closed.setdefault(name, []).append(
            Stretch(
                last.verdict,
                last.first_run,
                last.first_time,
                last.last_run,
                last.last_time,
                last.runs,
            )
        )
    current[name] = _Open(verdict, runname, place, runname, place, 1)


def _interest(strip: str) -> tuple[int, int]:
    """Failing now first, newest broken first; then what changed lately; then the rest."""
    judged = [letter in _BAD for letter in strip if letter in _BAD or letter in _GOOD]
    bad_now = 0
    for bad in judged:
        if not bad:
            break
        bad_now += 1
    if bad_now:
        return (0, bad_now)
    switches = sum(a != b for a, b in pairwise(judged))
    return (1, -switches) if switches else (2, 0)
