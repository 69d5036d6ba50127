"""What of each run ends when, and the rule that decides it. Pure: runs + rules + holds + now.

Three clocks start when a run ends: its logs, its pages, its rows. Some runs are kept from all of
them: those that are held, locked or in flight, the last and the last good run of each target, and
what `keep_last` and `keep_within` name (their meaning is restic's, per target).
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime

from msgspec import Struct

from mtsite import rollup
from mtsite.amounts import plural
from mtsite.config import RetainConfig
from mtsite.holds import Holds
from mtsite.manifest import KnownRun
from mtsite.model import RunKey, RunSummary
from mtsite.options import show_age

LOGS, PAGES, ROWS = CLOCKS = ("logs", "pages", "rows")
PURGE = "purge"
DAY = 86_400
LARGEST_DROP = 0.2
"""Of the runs that still have something; more is let go only when that is said."""


class Standing(Struct, frozen=True):
    """One run as retention sees it. Times are Unix seconds.

    `place` orders the runs of a target (event_time), `ended` is the newest time that it knows
    (0: none). `spent` are the clocks that need not end any more: what they end is gone already.
    """

    key: RunKey
    place: int
    ended: int
    good: bool = False
    in_flight: bool = False
    locked: bool = False
    spent: frozenset[str] = frozenset()


class PlannedRun(Struct, frozen=True):
    """The decision on one run: the clocks in `ends` are over, and nothing keeps it.

    `rule` is a word for programs, `reason` one for people. `due` is when the next clock will be
    over for it if nothing keeps it then; None: never.
    """

    run: Standing
    ends: tuple[str, ...]
    rule: str
    reason: str
    due: int | None = None


class RetainPlan(Struct, frozen=True):
    """Every run, in the order of its name, and what of it ends."""

    runs: tuple[PlannedRun, ...] = ()

    @property
    def leaving(self) -> tuple[PlannedRun, ...]:
        """Those of which something ends."""
        return tuple(one for one in self.runs if one.ends)

    def too_much(self) -> str:
        """'' or what is more than a fifth of all that is there, in words."""
        for clock in CLOCKS:
            there = sum(clock not in one.run.spent for one in self.runs)
            ends = sum(clock in one.ends for one in self.runs)
            if ends > there * LARGEST_DROP:
                return f"the {clock} of {ends} of {plural(there, 'run')} would end"
        return ""


class Leaving(Struct, frozen=True):
    """Something of a run that will end: `clocks` of it, at `when` (Unix seconds)."""

    run: Standing
    clocks: tuple[str, ...]
    reason: str
    when: int


def plan_retention(
    runs: Iterable[Standing], rules: RetainConfig, holds: Holds, now: int
) -> RetainPlan:
    """Decide on every run; `now` is in Unix seconds. Later, and with fewer holds, more ends."""
    ordered = sorted(runs, key=lambda run: (run.key.area, run.key.target, run.key.runname))
    kept = _kept_by_target(ordered, rules)
    return RetainPlan(tuple(_decide(run, rules, holds, kept, now) for run in ordered))


def leaving_soon(
    runs: Sequence[Standing], rules: RetainConfig, holds: Holds, now: int, *, days: int = 14
) -> list[Leaving]:
    """What ends within so many days from now if no new run comes, the first to go first."""
    found = []
    for one in plan_retention(runs, rules, holds, now + days * DAY).leaving:
        hold = holds.of(one.run.key, now)
        over = min(one.run.ended + _span(rules, clock) for clock in one.ends)
        when = max(now, over, hold.ends or 0 if hold else 0)
        found.append(Leaving(one.run, one.ends, one.reason, when))
    return sorted(found, key=lambda one: (one.when, one.run.key))


def standing_of(known: KnownRun, summary: RunSummary) -> Standing:
    """A run as the last build saw it."""
    spent = {one.what for one in summary.let_go}
    if PURGE in spent:
        spent |= {LOGS, PAGES}
    if known.gone and PAGES not in spent and PURGE not in spent:
        # Its rows went without mtsite: nothing is left for that clock, logs and pages still are.
        spent |= {ROWS}
    return Standing(
        key=known.key,
        place=known.place,
        ended=max(summary.event_time or 0, summary.end_time or 0),
        good=rollup.is_good(summary.counts),
        in_flight=rollup.Verdict.RUNNING.value in summary.counts,
        locked=summary.state.lower() == "locked",
        spent=frozenset(spent & set(CLOCKS)),
    )


def _kept_by_target(
    runs: Iterable[Standing], rules: RetainConfig
) -> Mapping[RunKey, tuple[str, str]]:
    """Run → the rule that keeps it among those of its target, and why."""
    targets: dict[tuple[str, tuple[str, ...]], list[Standing]] = {}
    for run in runs:
        if not run.in_flight:
            targets.setdefault((run.key.area, run.key.target), []).append(run)
    kept: dict[RunKey, tuple[str, str]] = {}
    for some in targets.values():
        whole = [run for run in some if not run.spent & {PAGES, ROWS}] or some
        newest_first = sorted(whole, key=lambda run: (run.place, run.key.runname), reverse=True)
        kept.update(_kept(newest_first, rules))
    return kept


def _kept(newest_first: Sequence[Standing], rules: RetainConfig) -> dict[RunKey, tuple[str, str]]:
    newest = newest_first[0]
    kept: dict[RunKey, tuple[str, str]] = {}
    for run in newest_first:
        if rules.keep_within and newest.ended - run.ended < rules.keep_within:
            span = show_age(rules.keep_within)
            reason = f"ended within {span} of its target's newest run: keep_within"
            kept[run.key] = ("keep_within", reason)
    for run in newest_first[: rules.keep_last]:
        reason = f"among the newest {rules.keep_last} of its target: keep_last"
        kept[run.key] = ("keep_last", reason)
    good = next((run for run in newest_first if run.good), None)
    if good is not None:
        kept[good.key] = ("last good", "the last good run of its target")
    kept[newest.key] = ("last", "the last run of its target")
    return kept


def _decide(
    run: Standing,
    rules: RetainConfig,
    holds: Holds,
    kept: Mapping[RunKey, tuple[str, str]],
    now: int,
) -> PlannedRun:
    open_clocks = [clock for clock in CLOCKS if clock not in run.spent]
    spans = {c: span for c, span in _clocks(rules).items() if c in open_clocks and span is not None}
    due = min((run.ended + span for span in spans.values()), default=None) if run.ended else None
    why = _why_kept(run, holds, kept, now)
    if why:
        return PlannedRun(run, (), *why, due)
    if not open_clocks:
        return PlannedRun(run, (), "gone", "nothing of it is left to end")
    if due is None:
        return PlannedRun(run, (), "forever", "no clock of [retain] ends what is left of it")
    ends = tuple(clock for clock, span in spans.items() if now - run.ended >= span)
    if not ends:
        return PlannedRun(run, (), "young", f"not before {day_of(due)}", due)
    last = ends[-1]
    return PlannedRun(run, ends, last, f"ended {day_of(run.ended)}: {setting(rules, last)}", due)


def _why_kept(
    run: Standing, holds: Holds, kept: Mapping[RunKey, tuple[str, str]], now: int
) -> tuple[str, str] | None:
    hold = holds.of(run.key, now)
    if hold is not None:
        return ("held", hold.told())
    if run.locked:
        return ("locked", "locked in Megatest")
    if run.in_flight:
        return ("in flight", "its tests have not ended")
    if not run.ended:
        return ("no time", "no row of it says when it ran")
    return kept.get(run.key)


def setting(rules: RetainConfig, clock: str) -> str:
    """A clock as it stands in mtsite.toml: '[retain] logs = 180d'."""
    return f"[retain] {clock} = {show_age(_clocks(rules)[clock])}"


def day_of(when: int) -> str:
    """A day in UTC, as '2026-11-22'; a time that no calendar has is '?'."""
    try:
        return datetime.fromtimestamp(when, UTC).strftime("%Y-%m-%d")
    except (OverflowError, ValueError, OSError):
        return "?"


def _clocks(rules: RetainConfig) -> Mapping[str, int | None]:
    return {LOGS: rules.logs, PAGES: rules.pages, ROWS: rules.rows}


def _span(rules: RetainConfig, clock: str) -> int:
    span = _clocks(rules)[clock]
    assert span is not None, "a clock that is over runs"
    return span
