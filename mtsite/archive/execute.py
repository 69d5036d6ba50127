"""Carrying out a plan along one route: what was begun first, then about twenty runs at a time."""

import os
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from mtsite import notes
from mtsite.archive.batch import Batch
from mtsite.archive.birth import source_run_id
from mtsite.archive.move import (
    RUNS_AT_ONCE,
    finish_moves,
    look_again,
    move_runs,
)
from mtsite.archive.plan import DAMAGED, MovePlan
from mtsite.archive.returned import take_back
from mtsite.archive.route import Checkpoint, Route
from mtsite.errors import BusyError, DestinationError, MtsiteError
from mtsite.megatest import transfer
from mtsite.megatest.activity import RunActivity
from mtsite.megatest.caches import has_synced
from mtsite.megatest.compare import version
from mtsite.megatest.database import area_errors
from mtsite.notes import Note

SYNC_SECONDS = 60.0
"""How long at most one whole sync of a living server is waited for."""

RUNS_BESIDE_A_WRITER = 2
"""Runs of a batch while another connection writes to the source: he waits for its copy."""

TESTS_AT_ONCE = 20_000
"""Runs of a batch together have about so many tests at most: their rows are in memory."""

_POLL_SECONDS = 0.2


class Outcome(Struct, frozen=True):
    """What became of one run: `reason` is '' when it moved, else why it stays."""

    target: tuple[str, ...]
    runname: str
    reason: str = ""


def damaged(plan: MovePlan) -> tuple[Outcome, ...]:
    """The runs of a plan that stay because their rows can't be read."""
    found = [one for one in plan.kept if one.rule == DAMAGED]
    return tuple(Outcome(one.run.target, one.run.runname, one.reason) for one in found)


Report = Callable[[Outcome], None]


def say_nothing(outcome: Outcome) -> None:
    """The report of those who only want the summary."""


def unfinished(route_notes: Sequence[Note], source: Path) -> list[Note]:
    """The notes of moves from this database that have not come to their end."""
    place = os.path.realpath(source)
    early = {notes.COPIED, notes.VERIFIED, notes.LETTING_GO}
    return [n for n in route_notes if n.state in early and os.path.realpath(n.source) == place]


def execute(
    route: Route, leaving: Sequence[RunActivity], report: Report, checkpoint: Checkpoint
) -> tuple[tuple[Outcome, ...], MtsiteError | None]:
    """Finish what was begun, then move these runs; the error is what ended it early."""
    outcomes: list[Outcome] = []
    batches: list[tuple[Batch, dict[int, Outcome]]] = []
    route.watch.look()
    try:
        for batch, names in _batches(route, leaving, checkpoint):
            batches.append((batch, names))
            if route.watch.server is None:
                _tell(batch, names, outcomes, report)
        if route.watch.server is not None and batches:
            _wait_for_sync(route)
            outcomes.clear()
            for batch, names in batches:
                look_again(route, batch, checkpoint)
                _tell(batch, names, outcomes, report)
    except (BusyError, DestinationError) as error:
        return tuple(outcomes), error
    return tuple(outcomes), None


def _batches(
    route: Route, leaving: Sequence[RunActivity], checkpoint: Checkpoint
) -> Iterator[tuple[Batch, dict[int, Outcome]]]:
    wanted = {run.run_id: run for run in leaving}
    begun = unfinished(notes.read(route.archive.connection), route.source.path)
    resumed: list[Note] = []
    names: dict[int, Outcome] = {}
    batch = Batch()
    for note in begun:
        here = source_run_id(route, note)
        if note.state != notes.LETTING_GO and here in wanted:
            continue
        wanted.pop(here, None)
        names[here] = Outcome(note.birth_target, note.birth_runname)
        if note.state == notes.LETTING_GO or not _is_at_source(route, note):
            resumed.append(note)
        else:
            take_back(route, note)
            batch.keep(here, "its move was taken back: it may not leave any more")
    if names:
        yield finish_moves(route, resumed, checkpoint, batch), names
    for some in _in_groups(route, list(wanted.values())):
        names = {run.run_id: Outcome(run.target, run.runname) for run in some}
        yield move_runs(route, list(names), checkpoint), names


def _in_groups(route: Route, runs: Sequence[RunActivity]) -> Iterator[Sequence[RunActivity]]:
    """The next runs that move together: few at first, and few while somebody else writes.

    While runs are copied the source can be read and not written.
    """
    seen, size, start = version(route.source), RUNS_BESIDE_A_WRITER, 0
    while start < len(runs):
        group = [runs[start]]
        for run in runs[start + 1 : start + size]:
            if sum(one.tests for one in group) + run.tests > TESTS_AT_ONCE:
                break
            group.append(run)
        yield group
        start += len(group)
        now = version(route.source)
        size = RUNS_AT_ONCE if now == seen else RUNS_BESIDE_A_WRITER
        seen = now


def _is_at_source(route: Route, note: Note) -> bool:
    with area_errors(route.source.path):
        shapes = route.archive.shapes
        return bool(transfer.read_run_row(route.source, shapes, source_run_id(route, note)))


def _tell(batch: Batch, names: dict[int, Outcome], outcomes: list[Outcome], report: Report) -> None:
    for run_id, name in names.items():
        outcomes.append(replace(name, reason=batch.reasons.get(run_id, "")))
        report(outcomes[-1])


def _wait_for_sync(route: Route) -> None:
    """Wait until a cache was synced as a whole since now, `SYNC_SECONDS` at most."""
    began = time.time()
    directories = {cache.path.parent for cache in route.caches}
    until = time.monotonic() + SYNC_SECONDS
    while time.monotonic() < until:
        if any(has_synced(directory, began) for directory in directories):
            return
        time.sleep(_POLL_SECONDS)
