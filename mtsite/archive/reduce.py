"""The verb `reduce`: finished runs out of megatest.db into completed-runs.db."""

from collections.abc import Sequence

from msgspec import field

from mtsite import notes
from mtsite.archive import begun
from mtsite.archive.below import with_rows_below_marks
from mtsite.archive.execute import Outcome, damaged, execute, unfinished
from mtsite.archive.job import Job, MoveSummary, held_by
from mtsite.archive.opening import Way, caches_of, check_at_rest, check_homehost, open_route
from mtsite.archive.plan import MovePlan, Terms, plan_moves, to_look_at
from mtsite.archive.survey import survey
from mtsite.archive.vacuum import Vacuumed, vacuum
from mtsite.arealock import hold_areas
from mtsite.config import AreaConfig
from mtsite.errors import MtsiteError
from mtsite.megatest.activity import RunActivity
from mtsite.megatest.area import COMPLETED_NAME, open_area
from mtsite.megatest.database import reading
from mtsite.megatest.movable import check_movable
from mtsite.megatest.room import bytes_of_tests, check_room

COMMAND = "mtsite reduce"


class ReduceSummary(MoveSummary, frozen=True):
    """What `reduce_area` did."""

    plan: MovePlan = field(default_factory=MovePlan)
    vacuumed: Vacuumed | None = None


def reduce_area(settings: AreaConfig, job: Job) -> ReduceSummary:
    """Move the finished runs of an area into its completed-runs.db, about twenty at a time.

    First finishes what an earlier call began. A run that can't move is an outcome with a reason,
    the others go on; what stops all of them once some have moved is `error`.

    Raises:
        BusyError: the homehost is another host, a cache can't be written, or another mtsite holds
            the area.
        DestinationError: there is no room for what would move.
        UnmovableError: its databases are only read.
        MissingError, ConfigError: as `open_area`.
    """
    if not settings.reduce:
        return ReduceSummary(settings.name, "reduce = false in mtsite.toml")
    area = open_area(settings, job.environ, tmp=job.tmp)
    if not area.allow_runs:
        return ReduceSummary(area.name, "allow-runs no in megatest.config")
    check_movable(area)
    caches = caches_of(area, area.live, job.tmp)
    way = Way(area, area.live, caches, area.path / COMPLETED_NAME, job.now)
    wishes = job.wishes
    terms = Terms(job.rules, held_by(wishes.holds, area.name, job.now), wishes.chosen)
    if job.dry_run:
        return ReduceSummary(area.name, plan=_plan(way, terms)[1])
    with hold_areas([area.path], job.state_dir, COMMAND):
        runs, plan = _plan(way, terms)
        outcomes, error = _carry_out(way, runs, plan, job)
        vacuumed = vacuum(area, job.now) if wishes.vacuum and error is None else None
        return ReduceSummary(
            area.name, "", (*outcomes, *damaged(plan)), error, plan=plan, vacuumed=vacuumed
        )


def _carry_out(
    way: Way, runs: Sequence[RunActivity], plan: MovePlan, job: Job
) -> tuple[tuple[Outcome, ...], MtsiteError | None]:
    """Finish what was begun, and move what the plan says; nothing is opened for nothing."""
    if not plan.leaving and not _unfinished(way):
        return (), None
    check_homehost(way.area, COMMAND, area_db_only=job.wishes.area_db_only)
    check_at_rest(way.area, runs, job.now)
    _check_room(way, plan)
    with open_route(way) as route:
        leaving = [one.run for one in plan.leaving]
        return execute(route, leaving, job.report, job.checkpoint)


def _plan(way: Way, terms: Terms) -> tuple[list[RunActivity], MovePlan]:
    def needed(runs: object) -> frozenset[int]:
        return to_look_at(runs, way.now, terms)  # type: ignore[arg-type] # a survey's own runs

    settled_before = way.now - terms.rules.older_than
    runs = survey((way.source, *way.caches), needed, settled_before=settled_before)
    plan = plan_moves(runs, terms.rules, way.now, terms)
    plan = begun.without_begun(plan, way.area, way.archive)
    return runs, with_rows_below_marks(plan, way.source, way.archive)


def _unfinished(way: Way) -> bool:
    if not way.archive.exists():
        return False
    with reading(way.archive) as connection:
        return bool(unfinished(notes.read(connection), way.source))


def _check_room(way: Way, plan: MovePlan) -> None:
    with reading(way.source) as connection:
        needed = bytes_of_tests(connection, sum(one.run.tests for one in plan.leaving))
    check_room(way.archive, needed)
