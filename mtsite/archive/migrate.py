"""The verbs `migrate` and `automigrate`: chosen runs of an area into others with the same keys.

A run goes from megatest.db or from completed-runs.db, wherever it lies, into the megatest.db of
its destination. Its row stays where it lay, MOVED, and says where its rows went.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from mtsite import notes
from mtsite.archive import begun
from mtsite.archive.birth import MOVED, moved_mark
from mtsite.archive.destination import find_destination, open_destination_area
from mtsite.archive.execute import Outcome, damaged, execute, unfinished
from mtsite.archive.job import Job, MoveSummary, held_by
from mtsite.archive.locking import hold_areas
from mtsite.archive.opening import Way, caches_of, check_at_rest, check_homehost, open_route
from mtsite.archive.plan import MovePlan, PlannedMove, Terms, plan_migration, to_look_at
from mtsite.archive.rules import Migration, read_rules
from mtsite.archive.survey import survey
from mtsite.config import AreaConfig
from mtsite.errors import MtsiteError
from mtsite.megatest.activity import RunActivity
from mtsite.megatest.area import COMPLETED_NAME, Area, open_area
from mtsite.megatest.database import reading
from mtsite.megatest.movable import check_movable
from mtsite.megatest.room import bytes_of_tests, check_room

COMMAND = "mtsite migrate"


@dataclass(frozen=True, slots=True)
class MigrateSummary(MoveSummary):
    """What became of one area's runs: `plans` by the name of the database in which they lie."""

    plans: Mapping[str, MovePlan] = field(default_factory=dict)

    @property
    def moves(self) -> tuple[PlannedMove, ...]:
        """Every run of all databases with the decision on it."""
        return tuple(one for plan in self.plans.values() for one in plan.moves)


def automigrate_area(settings: AreaConfig, job: Job) -> MigrateSummary:
    """Move the runs of an area by the `[automigrate]` rules of its megatest.config.

    Raises:
        ConfigError: every mistake in the rules; nothing was moved.
        As `migrate_area`.
    """
    area = open_area(settings, job.environ, tmp=job.tmp)
    rules = read_rules(area.config)
    if not rules:
        return MigrateSummary(area.name, "no [automigrate] in megatest.config")
    return migrate_area(settings, rules, job)


def migrate_area(settings: AreaConfig, migrations: Sequence[Migration], job: Job) -> MigrateSummary:
    """Move the runs that a migration matches, and finish what an earlier call began.

    The first migration that matches a run decides where it goes. A run that can't move is an
    outcome with a reason; what stops all of them once some have moved is `error`.

    Raises:
        BusyError: the homehost is another host, a cache can't be written, or another mtsite holds
            one of the areas.
        DestinationError: a destination refuses: other keys, runs of its own, no room.
        UnmovableError: an area whose databases are only read.
        MissingError, ConfigError: as `open_area`.
    """
    area = open_area(settings, job.environ, tmp=job.tmp)
    check_movable(area)
    destinations = _destinations(area, migrations, job)
    if job.dry_run:
        plans = _without_begun(_plans(area, migrations, job)[1], area, destinations)
        return MigrateSummary(area.name, plans=plans)
    paths = [area.path, *(one.path for one in destinations.values())]
    command = "mtsite automigrate" if any(one.where for one in migrations) else COMMAND
    with hold_areas(paths, job.state_dir, command):
        runs, plans = _plans(area, migrations, job)
        plans = _without_begun(plans, area, destinations)
        work = list(_work(area, plans, destinations))
        if work:
            check_homehost(area, command, area_db_only=job.wishes.area_db_only)
            check_at_rest(area, runs, job.now)
            _check_room(work)
            begun.begin(area, (one.destination.live for one in work))
        try:
            outcomes, error = _carry_out(area, work, job)
        finally:
            begun.end(area)
    unread = (one for plan in plans.values() for one in damaged(plan))
    return MigrateSummary(area.name, "", (*outcomes, *unread), error, plans=plans)


def _destinations(area: Area, migrations: Sequence[Migration], job: Job) -> dict[str, Area]:
    """The area of each destination as it is told, when runs of this area may go there."""
    return {
        one.destination: open_destination_area(
            find_destination(one.destination, area, job.areas),
            area,
            job.now,
            job.environ,
            tmp=job.tmp,
        )
        for one in migrations
    }


@dataclass(frozen=True, slots=True)
class _Work:
    """Runs of one database that go to one destination."""

    source: Path
    destination: Area
    runs: tuple[RunActivity, ...]


def _plans(
    area: Area, migrations: Sequence[Migration], job: Job
) -> tuple[list[RunActivity], dict[str, MovePlan]]:
    """The runs of the live database, and the plan for each database of the area."""
    plans: dict[str, MovePlan] = {}
    live: list[RunActivity] = []
    ages = [one.selection.older_than or 0 for one in migrations]
    for path in (area.live, area.path / COMPLETED_NAME):
        if not path.exists():
            continue
        terms = Terms(
            job.rules, held_by(job.wishes.holds, area.name, job.now), is_live=path == area.live
        )
        if not any(one.where for one in migrations):
            # Runs that somebody names may be the newest of their target.
            terms = replace(terms, rules=replace(job.rules, keep_live=0))

        def needed(runs: Sequence[RunActivity], terms: Terms = terms) -> frozenset[int]:
            return to_look_at(runs, job.now, terms, migrations)

        caches = caches_of(area, path, job.tmp)
        runs = survey((path, *caches), needed, settled_before=job.now - min(ages, default=0))
        live = live or runs
        plans[path.name] = plan_migration(runs, migrations, job.now, terms)
    return live, _without_doubles(plans, area)


def _without_doubles(plans: dict[str, MovePlan], area: Area) -> dict[str, MovePlan]:
    """A run whose rows a sync brought back lies twice: only `reduce` can tell which counts."""
    completed = plans.get(COMPLETED_NAME)
    if completed is None:
        return plans
    live, old = (
        {one.run.name for one in plan.moves if one.run.state.upper() != MOVED}
        for plan in (plans[area.live.name], completed)
    )
    twice = live & old
    reason = "lies in two databases: mtsite reduce tells which counts"

    def judged(one: PlannedMove) -> PlannedMove:
        if not one.moves or one.run.name not in twice:
            return one
        return replace(one, moves=False, rule="twice", reason=reason)

    return {name: MovePlan(tuple(map(judged, plan.moves))) for name, plan in plans.items()}


def _without_begun(
    plans: Mapping[str, MovePlan], area: Area, destinations: Mapping[str, Area]
) -> dict[str, MovePlan]:
    """A run that is on its way to another archive already stays until it has arrived."""
    found = dict(plans)
    for told, destination in destinations.items():
        for name, plan in found.items():
            found[name] = begun.without_begun(plan, area, destination.live, told)
    return found


def _work(
    area: Area, plans: Mapping[str, MovePlan], destinations: Mapping[str, Area]
) -> Iterable[_Work]:
    """What is to be done, moves that were begun and not finished included."""
    for path in (area.live, area.path / COMPLETED_NAME):
        plan = plans.get(path.name)
        if plan is None:
            continue
        for told, destination in destinations.items():
            runs = tuple(one.run for one in plan.leaving if one.destination == told)
            with reading(destination.live) as connection:
                begun = unfinished(notes.read(connection), path)
            if runs or begun:
                yield _Work(path, destination, runs)


def _check_room(work: Iterable[_Work]) -> None:
    needed: dict[Path, int] = {}
    for one in work:
        with reading(one.source) as connection:
            size = bytes_of_tests(connection, sum(run.tests for run in one.runs))
        needed[one.destination.live] = needed.get(one.destination.live, 0) + size
    for path, size in needed.items():
        check_room(path, size)


def _carry_out(
    area: Area, work: Iterable[_Work], job: Job
) -> tuple[tuple[Outcome, ...], MtsiteError | None]:
    outcomes: list[Outcome] = []
    for one in work:
        caches = caches_of(area, one.source, job.tmp)
        leave = moved_mark(one.destination.name, job.now)
        way = Way(area, one.source, caches, one.destination.live, job.now, leave)
        with open_route(way) as route:
            done, error = execute(route, one.runs, job.report, job.checkpoint)
        outcomes += done
        if error is not None:
            return tuple(outcomes), error
    return tuple(outcomes), None
