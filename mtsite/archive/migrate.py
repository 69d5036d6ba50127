"""The verbs `migrate` and `automigrate`: chosen runs of an area into others with the same keys.

A run goes from megatest.db or from completed-runs.db, wherever it lies, into the megatest.db of
its destination. Its row stays where it lay, MOVED, and says where its rows went.
"""

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from msgspec import Struct, field
from msgspec.structs import replace

from mtsite import notes
from mtsite.archive import begun
from mtsite.archive.below import with_rows_below_marks
from mtsite.archive.birth import moved_mark
from mtsite.archive.destination import find_destination, open_destination_area
from mtsite.archive.execute import Outcome, damaged, execute, unfinished
from mtsite.archive.job import Job, MoveSummary, held_by
from mtsite.archive.opening import Way, caches_of, check_at_rest, check_homehost, open_route
from mtsite.archive.plan import MovePlan, PlannedMove, Terms, plan_migration, to_look_at
from mtsite.archive.rules import Migration, read_rules
from mtsite.archive.survey import survey
from mtsite.arealock import hold_areas
from mtsite.config import AreaConfig
from mtsite.errors import BusyError, DestinationError, MtsiteError, PartlyDoneError
from mtsite.megatest.activity import RunActivity
from mtsite.megatest.area import COMPLETED_NAME, Area, open_area
from mtsite.megatest.database import reading
from mtsite.megatest.letgo import MOVED
from mtsite.megatest.movable import check_movable
from mtsite.megatest.room import bytes_of_tests, check_room

COMMAND = "mtsite migrate"


class MigrateSummary(MoveSummary, frozen=True):
    """What became of one area's runs: `plans` by the name of the database in which they lie.

    `error` may be that of one destination: the runs of others went their way.
    """

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
    outcome with a reason. A destination that refuses keeps its runs, and no others: `error` says
    so, as it says what stopped all of them once some had moved.

    Raises:
        BusyError: the homehost is another host, a cache can't be written, or another mtsite holds
            one of the areas.
        DestinationError: every destination refuses: other keys, runs of its own, no room.
        UnmovableError: an area whose databases are only read.
        MissingError, ConfigError: as `open_area`.
    """
    area = open_area(settings, job.environ, tmp=job.tmp)
    check_movable(area)
    destinations, refused = _destinations(area, migrations, job)
    if job.dry_run:
        plans = _possible(_plans(area, migrations, job)[1], area, destinations, refused)
        return MigrateSummary(area.name, error=_all_of(refused.values()), plans=plans)
    paths = [area.path, *(one.path for one in destinations.values())]
    command = "mtsite automigrate" if any(one.where for one in migrations) else COMMAND
    with hold_areas(paths, job.state_dir, command):
        runs, plans = _plans(area, migrations, job)
        plans = _possible(plans, area, destinations, refused)
        work = list(_work(area, plans, destinations))
        if work:
            check_homehost(area, command, area_db_only=job.wishes.area_db_only)
            check_at_rest(area, runs, job.now)
            no_room = _without_room(work)
            work = [one for one in work if one.destination.live not in no_room]
            if no_room and not work:
                raise next(iter(no_room.values()))
            begun.begin(area, (one.destination.live for one in work))
            refused |= {str(path): error for path, error in no_room.items()}
        try:
            outcomes, errors = _carry_out(area, work, job)
        finally:
            begun.end(area)
    unread = (one for plan in plans.values() for one in damaged(plan))
    error = _all_of([*refused.values(), *errors])
    return MigrateSummary(area.name, "", (*outcomes, *unread), error, plans=plans)


Refused = dict[str, MtsiteError]
"""Why runs can't go to a destination, by its name or path."""


def _destinations(
    area: Area, migrations: Sequence[Migration], job: Job
) -> tuple[dict[str, Area], Refused]:
    """The area of each destination as it is told, and those to which no run of this area may go.

    Raises:
        MtsiteError: none of them takes runs.
    """
    found: dict[str, Area] = {}
    refused: Refused = {}
    for told in dict.fromkeys(one.destination for one in migrations):
        try:
            settings = find_destination(told, area, job.areas)
            found[told] = open_destination_area(settings, area, job.now, job.environ, tmp=job.tmp)
        except MtsiteError as refusal:
            refused[told] = refusal
    if not found and (error := _all_of(refused.values())):
        raise error
    return found, refused


def _all_of(errors: Iterable[MtsiteError]) -> MtsiteError | None:
    """One error that tells all of these."""
    each = {error.message: error for error in errors}
    if len(each) <= 1:
        return next(iter(each.values()), None)
    hints = dict.fromkeys(error.hint for error in each.values() if error.hint)
    return PartlyDoneError("\n".join(each), "; ".join(hints))


class _Work(Struct, frozen=True):
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
            terms = replace(terms, rules=dataclasses.replace(job.rules, keep_live=0))

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


def _possible(
    plans: Mapping[str, MovePlan],
    area: Area,
    destinations: Mapping[str, Area],
    refused: Mapping[str, MtsiteError],
) -> dict[str, MovePlan]:
    """The plans as far as they can be carried out, and what came back of runs that had moved.

    A run that is on its way to another archive already stays until it has arrived.
    """

    def judged(one: PlannedMove) -> PlannedMove:
        if not one.moves or one.destination not in refused:
            return one
        reason = f"{one.reason}: {refused[one.destination].message}"
        return replace(one, moves=False, rule="refused", reason=reason)

    found = {name: MovePlan(tuple(map(judged, plan.moves))) for name, plan in plans.items()}
    for told, destination in destinations.items():
        for name, plan in found.items():
            plan = begun.without_begun(plan, area, destination.live, told)
            found[name] = with_rows_below_marks(plan, area.path / name, destination.live, told)
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


def _without_room(work: Iterable[_Work]) -> dict[Path, MtsiteError]:
    """The databases that have no room for what would come, and what to say of each."""
    needed: dict[Path, int] = {}
    for one in work:
        with reading(one.source) as connection:
            size = bytes_of_tests(connection, sum(run.tests for run in one.runs))
        needed[one.destination.live] = needed.get(one.destination.live, 0) + size
    found: dict[Path, MtsiteError] = {}
    for path, size in needed.items():
        try:
            check_room(path, size)
        except DestinationError as error:
            found[path] = error
    return found


def _carry_out(
    area: Area, work: Sequence[_Work], job: Job
) -> tuple[tuple[Outcome, ...], list[MtsiteError]]:
    """Move what there is to move; a destination that fails is not tried again, others are."""
    outcomes: list[Outcome] = []
    failed: dict[Path, MtsiteError] = {}
    for one in work:
        path = one.destination.live
        if path in failed:
            continue
        way = Way(
            area,
            one.source,
            caches_of(area, one.source, job.tmp),
            path,
            job.now,
            moved_mark(one.destination.name, job.now),
        )
        try:
            with open_route(way) as route:
                done, error = execute(route, one.runs, job.report, job.checkpoint)
            outcomes += done
        except (BusyError, DestinationError) as refusal:
            error = refusal
        if error is not None:
            failed[path] = error
    if failed and not outcomes and len(failed) == len({one.destination.live for one in work}):
        raise next(iter(failed.values()))
    return tuple(outcomes), list(failed.values())
