"""The pages of nights: all tests × all runs of an area that began between two noons.

One new run changes the page of its own night. Which nights have moved is told by the marks of
their runs, without unpacking any.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from zoneinfo import ZoneInfo

from msgspec import Struct

from mtsite import urls
from mtsite.build import former
from mtsite.build.areawords import names_now
from mtsite.build.nodes import TargetNode
from mtsite.build.pen import Look, Pen
from mtsite.build.state import BuildState
from mtsite.known import Outcomes, TargetRun, summary_of
from mtsite.manifest import Manifest, Page
from mtsite.model import RunSummary
from mtsite.pages import gridparts, night
from mtsite.pages.dates import night_of
from mtsite.pages.page import GridRow
from mtsite.rollup import ABSENT


class NightTask(Struct, frozen=True):
    """One night of an area that has moved; its runs are in the order of columns.

    `before` is the night before it that has runs, '' for none.
    """

    area: str
    night: str
    keys: tuple[str, ...]
    runs: tuple[TargetRun, ...]
    before: str
    fingerprint: str


class NightWriter(Struct, frozen=True):
    """The work on a `NightTask`."""

    site: Path
    state_dir: Path
    look: Look

    def __call__(self, task: NightTask) -> list[Page]:
        """Write the pages of the night."""
        pen = Pen(self.site, self.look, owner_of(task.area), {})
        with Manifest.open(self.state_dir) as manifest:
            found = [(run, manifest.outcomes(run.dir)) for run in task.runs]
        parts = list(_parts(found))
        for number, (runs, rows) in enumerate(parts, start=1):
            place = (number, len(parts), task.before)
            shown = night.Shown(task.night, tuple(runs), tuple(rows), *place)
            path = urls.night_page(task.area, task.night, number)
            context = night.context(pen.frame, task.area, task.keys, shown)
            pen.page(night, path, task.fingerprint, context)
        return pen.changed


def owner_of(area: str) -> str:
    """Who owns the pages of the nights of an area in the manifest."""
    return f"nights:{urls.segment(area)}"


def write_nights(state: BuildState) -> None:
    """Bring the nights of all areas that have moved in line with their runs."""
    everything = state.all_pages or state.interrupted or state.areas_moved
    targets = state.manifest.targets()
    moved = {area for area, _ in (targets if everything else state.touched)}
    now_called = names_now(state.config.areas)
    for area in sorted(moved):
        keys = next(
            (TargetNode.decode(line).keys for (a, _), line in targets.items() if a == area), ()
        )
        _write_area(state, area, keys, now_called.get(area, ""))
    state.commit()


def _write_area(state: BuildState, area: str, keys: tuple[str, ...], name_now: str) -> None:
    pen = Pen(
        state.site,
        state.look,
        owner_of(area),
        state.pages_of(owner_of(area), trusted=not state.interrupted),
    )
    tasks = _tasks(pen, area, keys, state.manifest)
    writer = NightWriter(state.site, state.config.state_dir, state.look)
    for outcome in state.engine.map(writer, tasks):
        task = outcome.task
        if outcome.returned is None:
            state.failed(f"night {task.night} of area {area}", outcome.error)
            state.unfinished.add((area, task.runs[0].target))
            _keep(pen, area, task.night)
            continue
        pen.seen.update(page.path for page in outcome.returned)
        state.note_files(outcome.returned, [], len(outcome.returned))
    if name_now:
        former.write_nights(pen, state.manifest, area, name_now)
    state.note_files(pen.changed, pen.remove_rest(), pen.rendered)


def _tasks(pen: Pen, area: str, keys: tuple[str, ...], manifest: Manifest) -> Iterator[NightTask]:
    zone = ZoneInfo(pen.frame.timezone)
    nights: dict[str, list[TargetRun]] = {}
    for run in reversed(manifest.runs_of(area)):
        if run.place and not run.gone:
            nights.setdefault(night_of(run.place, zone), []).append(run)
    before = ""
    for name, runs in sorted(nights.items()):
        runs.sort(key=lambda run: run.target)
        seen = [(run.dir, run.mark, run.summary) for run in runs]
        fingerprint = pen.fresh(night, urls.night_page(area, name), keys, seen, before)
        if fingerprint:
            yield NightTask(area, name, keys, tuple(runs), before, fingerprint)
        else:
            _keep(pen, area, name)
        before = name


def _keep(pen: Pen, area: str, name: str) -> None:
    part = 1
    while pen.keep_file(urls.night_page(area, name, part)):
        part += 1


def _parts(
    found: Sequence[tuple[TargetRun, Outcomes]],
) -> Iterator[tuple[list[RunSummary], list[GridRow]]]:
    """Runs and rows of each part: at most 100 runs, and rows of 600 kB."""
    for start in range(0, len(found), night.MOST_RUNS):
        block = found[start : start + night.MOST_RUNS]
        names = {name for _, outcomes in block for name in outcomes}
        iterated = {testname for testname, item_path in names if item_path}
        nothing = (ABSENT, None)
        rows = [
            GridRow(name, "".join([had.get(name, nothing)[0] for _, had in block]))
            for name in sorted(names)
            if name[1] or name[0] not in iterated
        ]
        ordered = [(kind, row) for kind, same in night.in_order(rows) for row in same]
        shown = [summary_of(run.summary) for run, _ in block]
        for part in _divided(ordered, gridparts.Weights(shown, joined=False)):
            yield shown, [row for _, row in part]


def _divided(
    ordered: Sequence[tuple[str, GridRow]], weights: gridparts.Weights
) -> list[Sequence[tuple[str, GridRow]]]:
    return gridparts.divide(ordered, lambda one: weights.row(one[1]), weights.room, _alike)


def _alike(one: tuple[str, GridRow], other: tuple[str, GridRow]) -> bool:
    return (one[0] == "always") == (other[0] == "always")
