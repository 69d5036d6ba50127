"""The verb `reduce`: finished runs out of megatest.db into completed-runs.db."""

import hashlib
import os
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from mtsite import lock, notes
from mtsite.archive.execute import Outcome, Report, execute, say_nothing, unfinished
from mtsite.archive.plan import MovePlan, plan_moves
from mtsite.archive.route import (
    Checkpoint,
    Route,
    Watch,
    archive_errors,
    attach_archive,
    host_name,
    ignore,
    open_cache,
    open_store,
    user_name,
)
from mtsite.config import AreaConfig, ReduceConfig
from mtsite.errors import BusyError, MtsiteError
from mtsite.megatest.activity import combine, key_names, read_activity
from mtsite.megatest.area import COMPLETED_NAME, TMP, Area, open_area
from mtsite.megatest.caches import cache_databases, is_this_host
from mtsite.megatest.completed import catch_up, make_completed, open_completed
from mtsite.megatest.database import reading
from mtsite.megatest.movable import check_movable
from mtsite.megatest.shape import read_shapes
from mtsite.megatest.transfer import Store

COMMAND = "mtsite reduce"
AREA_LOCK = ".mtsite-move"
"""The lock of all movers of an area, in the area itself: .mtsite-move.lock."""


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
        _check_homehost(area)
        with _open_route(area, now, tmp) as route:
            leaving = [one.run for one in plan.leaving]
            outcomes, error = execute(route, leaving, report, checkpoint)
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
        return bool(unfinished(notes.read(connection), area.live))


def _check_homehost(area: Area) -> None:
    if not is_this_host(area.homehost):
        raise BusyError(
            f"area {area.name}: its homehost is {area.homehost}, this is {host_name()}:"
            " the live database in /tmp there would bring the rows back",
            f"run mtsite reduce on {area.homehost}",
        )


@contextmanager
def _open_route(area: Area, now: int, tmp: Path) -> Iterator[Route]:
    path, completed = area.live, area.path / COMPLETED_NAME
    with ExitStack() as opened:
        source = opened.enter_context(open_store(path))
        found = [opened.enter_context(open_cache(one)) for one in cache_databases(area.path, tmp)]
        caches = tuple(cache for cache in found if "runs" in cache.shapes)
        with archive_errors(completed):
            make_completed(source.connection, completed)
            archive = open_completed(completed)
            opened.callback(archive.close)
            for store in (source, *caches):
                catch_up(store.connection, archive)
            shapes = read_shapes(archive)
        attach_archive((source, *caches), completed)
        yield Route(
            area=area.name,
            keys=key_names(source.connection),
            source=source,
            caches=caches,
            archive=Store(completed, archive, shapes),
            who=user_name(),
            host=host_name(),
            now=now,
            watch=Watch(area.path, now),
        )
