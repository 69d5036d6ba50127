"""The grids of one target: windows of newest runs, months, shards, and the same for programs.

Pages of months are for all older runs: blocks of 100, counted from the oldest of the month, so a
later run changes none but the last block of its own month: each names those beside it alone.
"""

from collections.abc import Mapping, Sequence
from functools import cached_property
from zoneinfo import ZoneInfo

from msgspec import Struct

from mtsite import urls
from mtsite.build.issues import Judge
from mtsite.build.pen import Pen, json_bytes
from mtsite.known import Outcomes, TargetRun, summary_of
from mtsite.manifest import Manifest
from mtsite.measured import key_of
from mtsite.model import RunSummary, TestName
from mtsite.pages import grid, griddata
from mtsite.pages.dates import month_of
from mtsite.pages.metric import DURATION
from mtsite.pages.page import Grid, GridRow, NodeSummary
from mtsite.pages.shard import shard_bytes
from mtsite.rollup import ABSENT

BLOCK_RUNS = 100
LISTED_MONTHS = 12
CELLS = 60_000
"""So many durations go into the second shard: 30 runs of 2,000 tests, fewer runs of more."""


class TargetRuns:
    """The runs of a target, oldest first, those that are gone too; unpacked where they are asked
    for: a target has thousands, and most nights look at the newest."""

    def __init__(self, manifest: Manifest, area: str, values: Sequence[str]) -> None:
        self.manifest = manifest
        self.everything = manifest.runs_of(area, values)
        self.newest = [run for run in reversed(self.everything) if not run.gone]
        self._summaries: dict[str, RunSummary] = {}
        self._outcomes: dict[str, Outcomes] = {}

    def summary(self, run: TargetRun) -> RunSummary:
        """A run as a row of listings."""
        found = self._summaries.get(run.dir)
        if found is None:
            found = self._summaries[run.dir] = summary_of(run.summary)
        return found

    def summaries(self, limit: int) -> list[RunSummary]:
        """The newest runs that have rows, newest first."""
        return [self.summary(run) for run in self.newest[:limit]]

    def since(self, seconds: int) -> list[RunSummary]:
        """Those of the last so many seconds before the newest, newest first."""
        start = self.newest[0].place - seconds if self.newest else 0
        return [self.summary(run) for run in self.newest if run.place >= start]

    def outcomes(self, run: TargetRun) -> Outcomes:
        """Verdict and duration of every test of a run; the newest are kept at hand."""
        found = self._outcomes.get(run.dir)
        if found is None:
            found = self.manifest.outcomes(run.dir)
            if len(self._outcomes) < grid.WINDOWS[-1]:
                self._outcomes[run.dir] = found
        return found


class GridSettings(Struct, frozen=True):
    """What an area says of its grids: rows above them, and what their cells show."""

    heads: tuple[str, ...] = ()
    metric: str = ""


PLAIN = GridSettings()


def grid_of(runs: TargetRuns, columns: Sequence[TargetRun], settings: GridSettings = PLAIN) -> Grid:
    """All tests of these runs (newest first); a test is not there where its items are."""
    found = [runs.outcomes(run) for run in columns]
    names = {name for outcomes in found for name in outcomes}
    iterated = {testname for testname, item_path in names if item_path}
    shown = sorted(name for name in names if name[1] or name[0] not in iterated)
    values = _values_of(runs, columns, found, settings.metric)
    rows = tuple(
        GridRow(name, strip_of(found, name), tuple(column.get(name) for column in values))
        for name in shown
    )
    summaries = tuple(runs.summary(run) for run in columns)
    owners = runs.manifest.owners.of_run(newest) if (newest := _newest_dir(columns)) else {}
    return Grid(summaries, rows, settings.heads, settings.metric, owners)


def _values_of(
    runs: TargetRuns, columns: Sequence[TargetRun], outcomes: Sequence[Outcomes], metric: str
) -> list[dict[TestName, float]]:
    """What the metric was in each column, by test; of a run that is gone nothing is known."""
    if metric == DURATION:
        return [
            {name: took for name, (_, took) in each.items() if took is not None and not run.gone}
            for run, each in zip(columns, outcomes, strict=True)
        ]
    if not metric:
        return []
    category, _, variable = metric.rpartition("/")
    wanted = key_of(category, variable)
    return [
        {
            name: value
            for name, values in runs.manifest.measured.of_run(run.dir).items()
            for key, value in values
            if key == wanted and value is not None and not run.gone
        }
        for run in columns
    ]


def seen_of(
    runs: TargetRuns, columns: Sequence[TargetRun], settings: GridSettings
) -> tuple[object, ...]:
    """All that a grid of these runs rests on, as a fingerprint takes it."""
    mark = runs.manifest.measured.mark
    if settings.metric == DURATION:
        mark = runs.manifest.outcomes_mark
    shown = [
        (run.dir, run.mark, run.summary, mark(run.dir) if settings.metric and not run.gone else "")
        for run in columns
    ]
    owners = runs.manifest.owners.mark(newest) if (newest := _newest_dir(columns)) else ""
    return repr(settings), shown, owners


def _newest_dir(columns: Sequence[TargetRun]) -> str:
    return next((run.dir for run in columns if not run.gone), "")


def strip_of(columns: Sequence[Outcomes], name: TestName) -> str:
    """The letters of a test in these runs."""
    nothing = (ABSENT, None)
    return "".join([column.get(name, nothing)[0] for column in columns])


class GridPages:
    """Writes them; `node` is bare: a page must not change with what it doesn't show."""

    def __init__(
        self,
        pen: Pen,
        runs: TargetRuns,
        node: NodeSummary,
        settings: GridSettings,
        judge: Judge,
    ) -> None:
        self.pen = pen
        self.judge = judge
        self.runs = runs
        self.node = node
        self.settings = settings
        self.zone = ZoneInfo(pen.frame.timezone)

    def write(self) -> None:
        """Every page and file whose input moved."""
        months = self._months()
        for window in grid.WINDOWS:
            newest = list(months)[: -LISTED_MONTHS - 1 : -1]
            self._window(str(window), self.runs.newest[:window], newest)
        for month, columns in months.items():
            blocks = [columns[i : i + BLOCK_RUNS] for i in range(0, len(columns), BLOCK_RUNS)]
            names = [month, *(f"{month}-b{n}" for n in range(2, len(blocks) + 1))]
            for n, (name, block) in enumerate(zip(names, blocks, strict=True)):
                beside = names[max(0, n - 1) : n + 2]
                self._window(name, block[::-1], beside if len(names) > 1 else ())
        self._files()

    def _months(self) -> Mapping[str, list[TargetRun]]:
        """Month → its runs, both oldest first; of runs that are gone those that left verdicts."""
        found: dict[str, list[TargetRun]] = {}
        for run in self.runs.everything:
            if run.mark or not run.gone:
                found.setdefault(month_of(run.place, self.zone), []).append(run)
        return found

    def _window(self, name: str, columns: Sequence[TargetRun], months: Sequence[str]) -> None:
        """The parts of a window. The first has a fingerprint over all, so it tells how many."""
        seen = seen_of(self.runs, columns, self.settings)
        values = (self.node.keys, *seen, tuple(months))
        first = self._path(name, 1)
        fingerprint = self.pen.fresh(grid, first, values)
        if not fingerprint:
            self._keep_parts(name)
            return
        shown = grid_of(self.runs, columns, self.settings)
        parts = grid.parts_of(grid.ranked(shown.rows), shown)
        for part, rows in enumerate(parts, start=1):
            window = grid.Window(name, part, len(parts), tuple(months))
            context = grid.context(self.pen.frame, self.node, shown, rows, window)
            path = self._path(name, part)
            self.pen.fresh(grid, path, values)
            self.pen.page(grid, path, fingerprint, context)

    def _keep_parts(self, name: str) -> None:
        part = 2
        while self.pen.keep_file(self._path(name, part)):
            part += 1

    def _path(self, name: str, part: int) -> str:
        return urls.grid_page(self.node.area, self.node.values, name, part)

    def _files(self) -> None:
        shown = self._newest
        area, values = self.node.area, self.node.values
        key = (area, values)
        self.pen.store(
            urls.grid_file(*key, "grid.json"), json_bytes(griddata.twin(self.node, shown))
        )
        self.pen.store(urls.grid_file(*key, "grid.csv"), griddata.table(shown).encode())
        self.pen.store(urls.grid_file(*key, "grid.js"), shard_bytes("grid", self._strips()))
        self.pen.store(urls.grid_file(*key, "cells.js"), shard_bytes("cells", self._cells()))

    @cached_property
    def _newest(self) -> Grid:
        return grid_of(self.runs, self.runs.newest[: grid.WINDOWS[-1]], self.settings)

    def _strips(self) -> dict[str, object]:
        """Every test of the newest runs, those with items too: the strip of its history."""
        columns = [self.runs.outcomes(run) for run in self.runs.newest[: grid.WINDOWS[-1]]]
        names = sorted({name for column in columns for name in column})
        strips = ((name, strip_of(columns, name)) for name in names)
        return griddata.strips(self._newest.runs, strips)

    def _cells(self) -> dict[str, object]:
        room = max(1, CELLS // max(1, len(self._newest.rows)))
        columns = self.runs.newest[: min(grid.WINDOWS[0], room)]
        outcomes = [self.runs.outcomes(run) for run in columns]
        reasons = [self.runs.manifest.reasons(run.dir) for run in columns]
        # A run that is gone is judged no more: what its pages said of it stays.
        judged = [
            (run.place or None, {} if run.gone else why)
            for run, why in zip(columns, reasons, strict=True)
        ]
        known = self.judge.titles(judged)
        return griddata.cells([run.runname for run in columns], outcomes, reasons, known)
