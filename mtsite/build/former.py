"""Areas that were called otherwise before: what was published under an old name leads to the new.

The records below `_record/OLD NAME/` say what was published. A run's own record goes on under the
new name (`read.py`), so it loses no log and no frozen fact; under the old name only redirects
stay, one for each page, made once.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from zoneinfo import ZoneInfo

from msgspec import Struct, field
from msgspec.structs import replace

from mtsite import record, urls
from mtsite.build.nodes import Tree
from mtsite.build.pen import Look, Pen, json_bytes
from mtsite.build.plan import BuildPlan, renamed_reason
from mtsite.build.state import BuildState
from mtsite.build.unreadable import keep_files
from mtsite.build.vanished import known_from, remaining_outcomes
from mtsite.manifest import Manifest, Page
from mtsite.model import RunKey, RunRecord, TestName
from mtsite.pages import comparing, gone, grid, redirect
from mtsite.pages.dates import month_of, night_of
from mtsite.pages.place import run_label
from mtsite.rollup import BAD, is_good

_POINTERS = ("latest", "last-good", "last-failed")
_BAD = frozenset(verdict.value for verdict in BAD)


class FormerRun(Struct, frozen=True):
    """A run under its former name; `there` are the pages that it has under the new one."""

    kept: RunRecord
    key: RunKey
    there: frozenset[str]
    known: Mapping[str, Page] = field(default_factory=dict)


class FormerWriter(Struct, frozen=True):
    """The work on a `FormerRun`."""

    site: Path
    look: Look

    def __call__(self, task: FormerRun) -> tuple[list[Page], list[str], int]:
        """Write its redirects; files that changed, files that went, how many were rendered."""
        kept = task.kept
        pen = Pen(self.site, self.look, urls.run_dir(kept.key), task.known)
        pen.store(urls.record_file(kept.key), record.encode(kept))
        pen.store(urls.run_twin(kept.key), json_bytes(gone.twin(kept)))
        began = kept.summary.event_time if kept.summary else None
        pen.store(urls.run_values(kept.key), comparing.moved_shard(kept.key, began, task.key))
        for old, new in _addresses(kept, task.key):
            lead(pen, old, new if new in task.there else urls.run_page(task.key), task.key)
        return pen.changed, pen.remove_rest(), pen.rendered


def _addresses(kept: RunRecord, key: RunKey) -> Iterator[tuple[str, str]]:
    for name, one in sorted(kept.tests.items()):
        for log in one.logs:
            if log.blob or log.ended:
                yield urls.log_page(kept.key, name, log.name), urls.log_page(key, name, log.name)
        yield urls.test_page(kept.key, name), urls.test_page(key, name)
    yield urls.run_page(kept.key), urls.run_page(key)


def lead(pen: Pen, old: str, new: str, to: RunKey | str) -> None:
    """A redirect from one address to another, written if it is not there yet."""
    label = to if isinstance(to, str) else f"{run_label(to)} in {to.area}"
    fingerprint = pen.fresh(redirect, old, new, label)
    if fingerprint:
        pen.page(redirect, old, fingerprint, redirect.context(pen.frame, old, new, label))


def write_former(state: BuildState, plan: BuildPlan) -> None:
    """Redirects for every planned run that has its pages under the new name by now."""
    writer = FormerWriter(state.site, state.look)
    for outcome in state.engine.map(writer, _tasks(state, plan.renamed)):
        kept = outcome.task.kept
        if outcome.returned is None:
            state.failed(f"run {urls.run_dir(kept.key)}", outcome.error)
            keep_files(state, urls.run_dir(kept.key))
            continue
        assert kept.summary is not None
        known = known_from(kept, kept.summary, "gone")
        state.manifest.note_run(known, kept.summary, remaining_outcomes(kept))
        state.note_files(*outcome.returned)
    state.commit()


def _tasks(state: BuildState, renamed: Mapping[str, str]) -> Iterator[FormerRun]:
    for run_dir, name in sorted(renamed.items()):
        old = state.known[run_dir]
        key = replace(old.key, area=name)
        there = frozenset(state.manifest.owned(urls.run_dir(key)))
        try:
            kept = record.load(state.site, old.key)
        except ValueError:
            kept = None
        # A first build that ran out of time: until the run has its turn, the old pages stay.
        if kept is None or urls.run_page(key) not in there:
            continue
        reason = renamed_reason(old.key.area, name)
        summary = replace(kept.summary or state.manifest.summary(run_dir), gone=reason)
        known = state.pages_of(run_dir, trusted=bool(old.fingerprint))
        yield FormerRun(replace(kept, gone=reason, summary=summary), key, there, known)


def write_target(
    pen: Pen, manifest: Manifest, here: tuple[str, Sequence[str]], name: str, zone: ZoneInfo
) -> bool:
    """The redirects of a target; False where it has runs, or none under the new name."""
    area, values = here
    runs = manifest.target_runs(name, values, gone=True)
    if manifest.target_runs(area, values) or not runs:
        return False
    target = urls.area_page(name, values)
    label = "/".join((name, *values))
    lead(pen, urls.area_page(area, values), target, label)
    months = {month_of(place, zone) for place, _, _ in runs}
    tests = _tests(manifest, runs)
    former = manifest.target_runs(area, values, gone=True)
    for month in sorted({month_of(place, zone) for place, _, _ in former}):
        there = urls.month_page(name, values, month) if month in months else target
        lead(pen, urls.month_page(area, values, month), there, label)
        there = urls.grid_page(name, values, month) if month in months else target
        lead(pen, urls.grid_page(area, values, month), there, label)
    for window in map(str, grid.WINDOWS):
        there = urls.grid_page(name, values, window)
        lead(pen, urls.grid_page(area, values, window), there, label)
    for test in sorted(_tests(manifest, former)):
        there = urls.history_page(name, values, test) if test in tests else target
        lead(pen, urls.history_page(area, values, test), there, label)
    pointers = _pointers(manifest, name, values)
    for which in _POINTERS:
        there = urls.pointer_page(name, values, which) if which in pointers else target
        lead(pen, urls.pointer_page(area, values, which), there, label)
    return True


def write_nights(pen: Pen, manifest: Manifest, area: str, name: str) -> None:
    """The redirects of the nights of an area that have no page of their own any more."""
    zone = ZoneInfo(pen.frame.timezone)
    now = {night_of(run.place, zone) for run in manifest.runs_of(name) if not run.gone}
    for night in sorted({night_of(run.place, zone) for run in manifest.runs_of(area) if run.place}):
        old = urls.night_page(area, night)
        if old not in pen.seen:
            there = urls.night_page(name, night) if night in now else urls.area_page(name)
            lead(pen, old, there, name)


def _tests(manifest: Manifest, runs: Iterable[tuple[int, str, str]]) -> set[TestName]:
    return {name for _, _, run_dir in runs for name in manifest.outcomes(run_dir)}


def _pointers(manifest: Manifest, name: str, values: Sequence[str]) -> set[str]:
    found: set[str] = set()
    for run in manifest.summaries(name, [values]):
        found.add("latest")
        found.update(["last-good"] if is_good(run.counts) else ())
        found.update(["last-failed"] if not _BAD.isdisjoint(run.counts) else ())
    return found


def write_levels(pen: Pen, tree: Tree, area: str, name: str) -> None:
    """The redirects of an area and of the key levels above its targets."""
    for values in sorted({t[1][:n] for t in tree.below(area) for n in range(len(t[1]))} | {()}):
        new = values if tree.below(name, values) else ()
        there = urls.area_page(name, new)
        lead(pen, urls.area_page(area, values), there, "/".join((name, *new)))
