"""The verb `reduce`: finished runs out of megatest.db into completed-runs.db."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from mtsite import notes
from mtsite.archive import begun
from mtsite.archive.execute import Outcome, Report, damaged, execute, say_nothing, unfinished
from mtsite.archive.locking import hold_areas
from mtsite.archive.opening import Way, caches_of, check_at_rest, check_homehost, open_route
from mtsite.archive.plan import MovePlan, Terms, plan_moves, to_look_at
from mtsite.archive.route import Checkpoint, ignore
from mtsite.archive.survey import survey
from mtsite.archive.vacuum import Vacuumed, vacuum
from mtsite.config import AreaConfig, ReduceConfig
from mtsite.errors import MtsiteError
from mtsite.holds import Holds
from mtsite.megatest.activity import RunActivity
from mtsite.megatest.area import COMPLETED_NAME, TMP, open_area
from mtsite.megatest.database import reading
from mtsite.megatest.movable import check_movable
from mtsite.megatest.room import bytes_of_tests, check_room
from mtsite.megatest.selection import Selection
from mtsite.model import RunKey
from mtsite.urls import EMPTY_KEY_VALUE

COMMAND = "mtsite reduce"


@dataclass(frozen=True, slots=True)
class ReduceSummary:
    """What `reduce_area` did: `skipped` says why it did nothing at all, `error` what stopped it."""

    area: str
    skipped: str = ""
    plan: MovePlan = field(default_factory=MovePlan)
    outcomes: tuple[Outcome, ...] = ()
    error: MtsiteError | None = None
    vacuumed: Vacuumed | None = None

    @property
    def moved(self) -> tuple[Outcome, ...]:
        """Runs that are in completed-runs.db now, and were not before."""
        return tuple(one for one in self.outcomes if not one.reason)

    @property
    def stayed(self) -> tuple[Outcome, ...]:
        """Runs that were to move and did not."""
        return tuple(one for one in self.outcomes if one.reason)


@dataclass(frozen=True)
class Wishes:
    """What a caller may ask for beside the rules; all of it has a harmless default.

    `chosen` narrows what may move, `holds` keeps runs whatever the rules say. `area_db_only` moves
    although the homehost is another host, if the area rests. `vacuum` shrinks megatest.db after.
    """

    chosen: Selection = field(default_factory=Selection)
    holds: Holds = field(default_factory=Holds)
    area_db_only: bool = False
    vacuum: bool = False


def reduce_area(
    settings: AreaConfig,
    rules: ReduceConfig,
    *,
    now: int,
    state_dir: Path,
    wishes: Wishes | None = None,
    dry_run: bool = False,
    report: Report = say_nothing,
    checkpoint: Checkpoint = ignore,
    environ: Mapping[str, str] = os.environ,
    tmp: Path = TMP,
) -> ReduceSummary:
    """Move the finished runs of an area into its completed-runs.db, about twenty at a time.

    First finishes what an earlier call began. A run that can't move is an outcome with a reason,
    the others go on; what stops all of them once some have moved is `ReduceSummary.error`. `now`
    is in Unix seconds, `state_dir` where the lock lies, `tmp` where Megatest has its caches.

    Raises:
        BusyError: the homehost is another host, a cache can't be written, or another mtsite holds
            the area.
        DestinationError: there is no room for what would move.
        UnmovableError: its databases are only read.
        MissingError, ConfigError: as `open_area`.
    """
    wishes = wishes or Wishes()
    if not settings.reduce:
        return ReduceSummary(settings.name, skipped="reduce = false in mtsite.toml")
    area = open_area(settings, environ, tmp=tmp)
    if not area.allow_runs:
        return ReduceSummary(area.name, skipped="allow-runs no in megatest.config")
    check_movable(area)
    way = Way(area, area.live, caches_of(area, area.live, tmp), area.path / COMPLETED_NAME, now)
    terms = Terms(rules, held_by(wishes.holds, area.name, now), wishes.chosen)
    if dry_run:
        return ReduceSummary(area.name, plan=_plan(way, terms)[1])
    with hold_areas([area.path], state_dir, COMMAND):
        runs, plan = _plan(way, terms)
        if plan.leaving or _unfinished(way):
            check_homehost(area, COMMAND, area_db_only=wishes.area_db_only)
            check_at_rest(area, runs, now)
            _check_room(way, plan)
            with open_route(way) as route:
                leaving = [one.run for one in plan.leaving]
                outcomes, error = execute(route, leaving, report, checkpoint)
        else:
            outcomes, error = (), None
        vacuumed = vacuum(area, now) if wishes.vacuum and error is None else None
        outcomes += damaged(plan)
        return ReduceSummary(area.name, "", plan, outcomes, error, vacuumed)


def held_by(holds: Holds, area: str, now: int) -> "partial[str]":
    """Why a run of an area is held at `now`, as plans ask for it."""
    return partial(_held, holds, area, now)


def _held(holds: Holds, area: str, now: int, run: RunActivity) -> str:
    if not holds.holds:
        return ""
    target = tuple(value or EMPTY_KEY_VALUE for value in run.target)
    hold = holds.of(RunKey(area, target, run.runname), now)
    return hold.told() if hold else ""


def _plan(way: Way, terms: Terms) -> tuple[list[RunActivity], MovePlan]:
    def needed(runs: object) -> frozenset[int]:
        return to_look_at(runs, way.now, terms)  # type: ignore[arg-type] # a survey's own runs

    settled_before = way.now - terms.rules.older_than
    runs = survey((way.source, *way.caches), needed, settled_before=settled_before)
    plan = plan_moves(runs, terms.rules, way.now, terms)
    return runs, begun.without_begun(plan, way.area, way.archive)


def _unfinished(way: Way) -> bool:
    if not way.archive.exists():
        return False
    with reading(way.archive) as connection:
        return bool(unfinished(notes.read(connection), way.source))


def _check_room(way: Way, plan: MovePlan) -> None:
    with reading(way.source) as connection:
        needed = bytes_of_tests(connection, sum(one.run.tests for one in plan.leaving))
    check_room(way.archive, needed)
