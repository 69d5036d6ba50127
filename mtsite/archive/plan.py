"""Which runs leave the live database, and the rule that moves or keeps each one. Pure."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from functools import partial

from msgspec import Struct, field

from mtsite.amounts import plural
from mtsite.archive.rules import Migration
from mtsite.config import ReduceConfig
from mtsite.megatest.activity import RunActivity
from mtsite.megatest.selection import Selection

Held = Callable[[RunActivity], str]
"""Why a run is held, in words; '' when it is not."""


def nothing_is_held(run: RunActivity) -> str:
    """For those who know of no holds."""
    return ""


DAMAGED = "damaged"
"""The rule that keeps a run whose rows can't be read."""


class PlannedMove(Struct, frozen=True):
    """One run with the decision on it: `rule` is a word for programs, `reason` one for people.

    `destination` is the area that it goes to, '' for the archive of its own area.
    """

    run: RunActivity
    moves: bool
    rule: str
    reason: str
    destination: str = ""


class MovePlan(Struct, frozen=True):
    """Every run of a database, in the order of its rowid, and what happens to it."""

    moves: tuple[PlannedMove, ...] = ()

    @property
    def leaving(self) -> tuple[PlannedMove, ...]:
        """Those that move."""
        return tuple(one for one in self.moves if one.moves)

    @property
    def kept(self) -> tuple[PlannedMove, ...]:
        """Those that stay."""
        return tuple(one for one in self.moves if not one.moves)


class Terms(Struct, frozen=True):
    """On which terms runs leave a database, beside the rules that choose them.

    `is_live` says that Megatest works on the database: there the newest runs and the highest
    rowids stay.
    """

    rules: ReduceConfig
    held: Held = nothing_is_held
    chosen: Selection = field(default_factory=Selection)
    is_live: bool = True


def plan_moves(
    runs: Iterable[RunActivity], rules: ReduceConfig, now: int, terms: Terms | None = None
) -> MovePlan:
    """Decide on every run which goes into the archive of its area; `now` is in Unix seconds.

    A run moves when it has ended, was silent for `rules.older_than`, is not held, locked, deleted
    or MOVED, is not among the newest `rules.keep_live` finished runs of its target and holds no
    highest rowid.
    """
    terms = terms or Terms(rules)
    ordered = sorted(runs, key=lambda run: run.run_id)
    newest = _newest_finished(ordered, rules, now)
    decide = partial(_decide, rules=rules, now=now, newest=newest)
    return MovePlan(tuple(_chosen(run, terms, now) or decide(run, terms=terms) for run in ordered))


def plan_migration(
    runs: Iterable[RunActivity], migrations: Sequence[Migration], now: int, terms: Terms
) -> MovePlan:
    """Decide on every run which goes to another area: by the first rule that matches it."""
    ordered = sorted(runs, key=lambda run: run.run_id)
    rules = replace(terms.rules, keep_live=terms.rules.keep_live if terms.is_live else 0)
    newest = _newest_finished(ordered, rules, now)
    moves = []
    for run in ordered:
        found = next((one for one in migrations if one.selection.matches(run, now)), None)
        if found is None:
            moves.append(PlannedMove(run, False, *_why_no_rule(run, migrations, now)))
            continue
        own = replace(rules, older_than=found.selection.older_than or 0)
        decided = _decide(run, own, now, newest, terms)
        if decided.moves:
            reason = f"{found.where}: {found.text}" if found.where else found.text
            decided = PlannedMove(run, True, "automigrate" if found.where else "chosen", reason,
                                  found.destination)  # fmt: skip
        moves.append(decided)
    return MovePlan(tuple(moves))


def to_look_at(
    runs: Sequence[RunActivity], now: int, terms: Terms, migrations: Sequence[Migration] = ()
) -> frozenset[int]:
    """Rowids of runs whose row alone does not decide, and whose tests must be looked at.

    Ask again after having looked: which are the newest finished runs shows only then.
    """
    may_leave = [
        run
        for run in runs
        if not _why_never(run) and not terms.held(run) and _may_be_due(run, now, terms, migrations)
    ]
    targets = {run.target for run in may_leave}
    needed = {run.run_id for run in may_leave if not run.looked_at}
    if terms.is_live and terms.rules.keep_live:
        needed |= _newest_unknown([r for r in runs if r.target in targets], terms.rules, now)
    return frozenset(needed)


def _may_be_due(run: RunActivity, now: int, terms: Terms, migrations: Sequence[Migration]) -> bool:
    if not migrations:
        return terms.chosen.matches(run, now) and _age(run, now) >= terms.rules.older_than
    return any(one.selection.matches(run, now) for one in migrations)


def _newest_unknown(runs: Sequence[RunActivity], rules: ReduceConfig, now: int) -> set[int]:
    """Of each target the runs that may be its newest finished ones, as far as not looked at."""
    found: dict[tuple[str, ...], int] = {}
    needed: set[int] = set()
    for run in sorted(runs, key=_birth, reverse=True):
        if run.state.lower() in {"deleted", "moved"} or found.get(run.target, 0) >= rules.keep_live:
            continue
        if not run.looked_at:
            needed.add(run.run_id)
        if not run.looked_at or (run.tests and not _why_not_ended(run, rules, now)):
            found[run.target] = found.get(run.target, 0) + 1
    return needed


def _chosen(run: RunActivity, terms: Terms, now: int) -> PlannedMove | None:
    if terms.chosen.matches(run, now):
        return None
    return PlannedMove(run, False, "not chosen", "not among the chosen runs")


def _why_no_rule(run: RunActivity, migrations: Sequence[Migration], now: int) -> tuple[str, str]:
    if never := _why_never(run):
        return never
    named = [one for one in migrations if one.selection.matches_name(run.target, run.runname)]
    ages = [one.selection.older_than for one in named if one.selection.older_than]
    if ages and run.activity is not None and _age(run, now) < min(ages):
        return ("young", f"last changed {_span(_age(run, now))} ago, {_than(min(ages))}")
    if any(one.where for one in migrations):
        return ("no rule", "no rule matches it")
    return ("not chosen", "not among the chosen runs")


def _decide(
    run: RunActivity, rules: ReduceConfig, now: int, newest: frozenset[int], terms: Terms
) -> PlannedMove:
    kept = _why_never(run)
    if not kept and (held := terms.held(run)):
        kept = ("held", held)
    young = run.activity is not None and _age(run, now) < rules.older_than
    # What its tests would say can only make it younger: they need not have been looked at.
    kept = kept or (None if young and not run.looked_at else _why_not_ended(run, terms.rules, now))
    if not kept and young:
        kept = ("young", f"last changed {_span(_age(run, now))} ago, {_than(rules.older_than)}")
    if not kept and run.run_id in newest and terms.is_live:
        number = rules.keep_live
        what = "the newest" if number == 1 else f"among the {number} newest"
        runs = "run" if number == 1 else "runs"
        kept = ("keep_live", f"{what} finished {runs} of its target")
    if not kept and run.holds_highest and terms.is_live:
        held = " and ".join(run.holds_highest)
        kept = ("highest id", f"holds the highest {held}: SQLite would hand it out again")
    if kept:
        return PlannedMove(run, False, *kept)
    reason = f"ended, unchanged for {_span(_age(run, now))}"
    return PlannedMove(run, True, "finished", reason)


def _why_never(run: RunActivity) -> tuple[str, str] | None:
    state = run.state.lower()
    if state == "deleted":
        return ("deleted", "deleted in Megatest")
    if state == "moved" and run.tests:
        return ("moved", "a new run under the name of one that moved; rename it to let it go")
    if state == "moved":
        return ("moved", "its rows went to another area")
    if state == "locked":
        return ("locked", "locked in Megatest")
    return None


def _why_not_ended(run: RunActivity, rules: ReduceConfig, now: int) -> tuple[str, str] | None:
    if not run.looked_at:
        return ("not looked at", "its tests were not looked at")
    if run.damage:
        return (DAMAGED, f"its rows can't be read: {run.damage}")
    if run.activity is None:
        return ("no time", "no row of it says when it ran")
    if run.unknown:
        return ("unknown state", f"tests in unknown states: {', '.join(run.unknown)}")
    if run.busy and (run.heard is None or now - run.heard <= rules.dead_after):
        return ("in flight", f"{_tests(run.busy)} in flight")
    if run.waiting and _age(run, now) < rules.older_than:
        return ("waiting", f"{_tests(run.waiting)} not started, {_than(rules.older_than)}")
    return None


def _newest_finished(runs: Sequence[RunActivity], rules: ReduceConfig, now: int) -> frozenset[int]:
    """The runs of each target that waivers look at: by event_time, then runname."""
    found: dict[tuple[str, ...], list[RunActivity]] = {}
    for run in sorted(runs, key=_birth, reverse=True):
        finished = not _why_not_ended(run, rules, now)
        if finished and run.tests and run.state.lower() not in {"deleted", "moved"}:
            found.setdefault(run.target, []).append(run)
    return frozenset(run.run_id for some in found.values() for run in some[: rules.keep_live])


def _birth(run: RunActivity) -> tuple[int, str, int]:
    return (run.event_time or 0, run.runname, run.run_id)


def _age(run: RunActivity, now: int) -> int:
    return now - (run.activity or 0)


def _than(older_than: int) -> str:
    return f"younger than {_span(older_than)}"


def _tests(number: int) -> str:
    return plural(number, "test")


def _span(seconds: int) -> str:
    """A time span in its largest two units: '3d 4h'."""
    if seconds < 0:
        return f"-{_span(-seconds)}"
    parts = []
    for unit, size in (("d", 86_400), ("h", 3_600), ("m", 60), ("s", 1)):
        number, seconds = divmod(seconds, size)
        if number:
            parts.append(f"{number}{unit}")
    return " ".join(parts[:2]) or "0s"
