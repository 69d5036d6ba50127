"""The verb `reduce`: finished runs out of megatest.db into completed-runs.db."""

import hashlib
import os
import pwd
import socket
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from mtsite import lock, notes
from mtsite.archive.move import (
    Checkpoint,
    Route,
    archive_errors,
    finish_move,
    ignore,
    move_run,
    source_run_id,
    take_back,
)
from mtsite.archive.plan import MovePlan, plan_moves
from mtsite.config import AreaConfig, ReduceConfig
from mtsite.errors import (
    AreaUnreadableError,
    BusyError,
    DestinationError,
    MtsiteError,
    VerificationError,
)
from mtsite.megatest import transfer
from mtsite.megatest.activity import combine, key_names, read_activity
from mtsite.megatest.area import COMPLETED_NAME, TMP, Area, open_area
from mtsite.megatest.caches import cache_databases, is_this_host, living_server, owner_of
from mtsite.megatest.completed import catch_up, make_completed, open_completed
from mtsite.megatest.database import area_errors, open_for_writing, reading
from mtsite.megatest.movable import check_movable
from mtsite.megatest.shape import read_shapes
from mtsite.megatest.transfer import Store
from mtsite.notes import Note

COMMAND = "mtsite reduce"
AREA_LOCK = ".mtsite-move"
"""The lock of all movers of an area, in the area itself: .mtsite-move.lock."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one run: `reason` is '' when it moved, else why it stays."""

    target: tuple[str, ...]
    runname: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class ReduceSummary:
    """What `reduce_area` did: `skipped` says why it did nothing at all, `error` what stopped it."""

    area: str
    skipped: str = ""
    plan: MovePlan = field(default_factory=MovePlan)
    outcomes: tuple[Outcome, ...] = ()
    error: MtsiteError | None = None

    @property
    def moved(self) -> tuple[Outcome, ...]:
        """Runs that are in completed-runs.db now, and were not before."""
        return tuple(one for one in self.outcomes if not one.reason)

    @property
    def stayed(self) -> tuple[Outcome, ...]:
        """Runs that were to move and did not."""
        return tuple(one for one in self.outcomes if one.reason)


Report = Callable[[Outcome], None]


def say_nothing(outcome: Outcome) -> None:
    """The report of those who only want the summary."""


def reduce_area(
    settings: AreaConfig,
    rules: ReduceConfig,
    *,
    now: int,
    state_dir: Path,
    dry_run: bool = False,
    report: Report = say_nothing,
    checkpoint: Checkpoint = ignore,
    environ: Mapping[str, str] = os.environ,
    tmp: Path = TMP,
) -> ReduceSummary:
    """Move the finished runs of an area into its completed-runs.db, one at a time.

    First finishes what an earlier call began. A run that can't move is an outcome with a reason,
    the others go on; what stops all of them once some have moved is `ReduceSummary.error`. `now`
    is in Unix seconds, `state_dir` where the lock lies, `tmp` where Megatest has its caches.

    Raises:
        BusyError: Megatest is at work there, the homehost is another host, a cache can't be
            written, or another mtsite holds the area.
        UnmovableError: its databases are only read.
        MissingError, ConfigError: as `open_area`.
    """
    if not settings.reduce:
        return ReduceSummary(settings.name, skipped="reduce = false in mtsite.toml")
    area = open_area(settings, environ, tmp=tmp)
    if not area.allow_runs:
        return ReduceSummary(area.name, skipped="allow-runs no in megatest.config")
    check_movable(area)
    if dry_run:
        return ReduceSummary(area.name, plan=_plan(area, rules, now, tmp))
    with (
        lock.hold(state_dir, lock_name(area.path), COMMAND),
        # Another site may have the same area: its state lies elsewhere, the area does not.
        lock.hold(area.path, AREA_LOCK, COMMAND),
    ):
        plan = _plan(area, rules, now, tmp)
        if not plan.leaving and not _unfinished(area):
            return ReduceSummary(area.name, plan=plan)
        _ready(area, now)
        with _open_route(area, now, tmp) as route:
            outcomes, error = _carry_out(route, plan, report, checkpoint)
        return ReduceSummary(area.name, plan=plan, outcomes=outcomes, error=error)


def lock_name(area_path: Path) -> str:
    """The lock of an area: one, by whatever path it is reached."""
    real = os.path.realpath(area_path)
    digest = hashlib.sha256(os.fsencode(real)).hexdigest()[:12]
    return f"area-{Path(real).name}-{digest}"


def _plan(area: Area, rules: ReduceConfig, now: int, tmp: Path) -> MovePlan:
    settled_before = now - rules.older_than
    with reading(area.live) as connection:
        runs = read_activity(connection, settled_before=settled_before)
    for cache in cache_databases(area.path, tmp):
        with reading(cache) as connection:
            if "runs" in read_shapes(connection):
                runs = combine(runs, read_activity(connection, settled_before=settled_before))
    return plan_moves(runs, rules, now)


def _unfinished(area: Area) -> bool:
    completed = area.path / COMPLETED_NAME
    if not completed.exists():
        return False
    with reading(completed) as connection:
        return any(note.state != notes.SETTLED for note in notes.read(connection))


def _ready(area: Area, now: int) -> None:
    """Raise BusyError while Megatest may write rows back that were let go."""
    if not is_this_host(area.homehost):
        raise BusyError(
            f"area {area.name}: its homehost is {area.homehost}, this is {socket.gethostname()}:"
            " the live database in /tmp there would bring the rows back",
            f"run mtsite reduce on {area.homehost}",
        )
    if log := living_server(area.path, now):
        raise BusyError(
            f"area {area.name}: a Megatest server is alive ({log} was just touched)",
            "run again when no runs are going on, or stop it with megatest -kill-servers",
        )


@contextmanager
def _open_route(area: Area, now: int, tmp: Path) -> Iterator[Route]:
    path, completed = area.live, area.path / COMPLETED_NAME
    with ExitStack() as opened:
        source = opened.enter_context(_store(path))
        caches = [opened.enter_context(_cache(cache)) for cache in cache_databases(area.path, tmp)]
        caches = [cache for cache in caches if "runs" in cache.shapes]
        with archive_errors(completed):
            make_completed(source.connection, completed)
            archive = open_completed(completed)
            opened.callback(archive.close)
            for store in (source, *caches):
                catch_up(store.connection, archive)
            shapes = read_shapes(archive)
        yield Route(
            area=area.name,
            keys=key_names(source.connection),
            source=source,
            caches=tuple(caches),
            archive=Store(completed, archive, shapes),
            who=pwd.getpwuid(os.getuid()).pw_name,
            host=socket.gethostname(),
            now=now,
            ready=partial(_ready, area, now),
        )


@contextmanager
def _store(path: Path) -> Iterator[Store]:
    connection = open_for_writing(path)
    try:
        with area_errors(path):
            shapes = read_shapes(connection)
        yield Store(path, connection, shapes)
    finally:
        connection.close()


@contextmanager
def _cache(path: Path) -> Iterator[Store]:
    if not all(os.access(one, os.W_OK) for one in (path, path.parent)):
        owner = owner_of(path)
        raise BusyError(
            f"{path} belongs to {owner} and can't be written:"
            " what it holds would come back into megatest.db",
            f"ask {owner} to remove {path.parent} when no runs are going on, or to run this",
        )
    with _store(path) as store:
        yield store


def _carry_out(
    route: Route, plan: MovePlan, report: Report, checkpoint: Checkpoint
) -> tuple[tuple[Outcome, ...], MtsiteError | None]:
    """Finish what was begun, then move what the plan says; the error is what ended it early."""
    outcomes: list[Outcome] = []
    for target, runname, step in _work(route, plan, checkpoint):
        try:
            outcome = Outcome(target, runname, step())
        except (VerificationError, AreaUnreadableError) as refusal:
            outcome = Outcome(target, runname, refusal.message)
        except (BusyError, DestinationError) as error:
            return tuple(outcomes), error
        outcomes.append(outcome)
        report(outcome)
    return tuple(outcomes), None


def _work(
    route: Route, plan: MovePlan, checkpoint: Checkpoint
) -> Iterator[tuple[tuple[str, ...], str, Callable[[], str]]]:
    """Target, runname and what to do: begun moves first, each run once."""
    leaving = {one.run.run_id: one.run for one in plan.leaving}
    for note in notes.read(route.archive.connection):
        here = source_run_id(note)
        if note.state == notes.LETTING_GO:
            leaving.pop(here, None)
        elif note.state == notes.SETTLED or here in leaving:
            continue
        yield note.birth_target, note.birth_runname, partial(_resume, route, note, checkpoint)
    for run in leaving.values():
        yield run.target, run.runname, partial(move_run, route, run.run_id, checkpoint)


def _resume(route: Route, note: Note, checkpoint: Checkpoint) -> str:
    """Finish a move, or take its copy back when the run may not leave any more."""
    with area_errors(route.source.path):
        there = transfer.read_run_row(route.source, route.archive.shapes, source_run_id(note))
    if note.state == notes.LETTING_GO or not there:
        return finish_move(route, note, checkpoint)
    take_back(route, note)
    return "its move was taken back: it may not leave any more"
