"""Which runs leave the live database, and the rule that moves or keeps each one. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from mtsite.config import ReduceConfig
from mtsite.megatest.activity import RunActivity


@dataclass(frozen=True, slots=True)
class PlannedMove:
    """One run with the decision on it: `rule` is a word for programs, `reason` one for people."""

    run: RunActivity
    moves: bool
    rule: str
    reason: str


@dataclass(frozen=True, slots=True)
class MovePlan:
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


def plan_moves(runs: Iterable[RunActivity], rules: ReduceConfig, now: int) -> MovePlan:
    """Decide on every run; `now` is in Unix seconds.

    A run moves when it has ended, was silent for `rules.older_than`, is not locked, deleted or
    MOVED, is not among the newest `rules.keep_live` finished runs of its target and holds no
    highest rowid.
    """
    ordered = sorted(runs, key=lambda run: run.run_id)
    newest = _newest_finished(ordered, rules, now)
    return MovePlan(tuple(_decide(run, rules, now, newest) for run in ordered))


def _decide(run: RunActivity, rules: ReduceConfig, now: int, newest: frozenset[int]) -> PlannedMove:
    kept = _why_never(run) or _why_not_ended(run, rules, now)
    if not kept and _age(run, now) < rules.older_than:
        kept = ("young", f"last changed {_span(_age(run, now))} ago, {_than(rules)}")
    if not kept and run.run_id in newest:
        what = "newest finished run" if rules.keep_live == 1 else "newest finished runs"
        kept = ("keep_live", f"among the {rules.keep_live} {what} of its target")
    if not kept and run.holds_highest:
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
    if state == "moved":
        return ("moved", "its rows went to another area")
    if state == "locked":
        return ("locked", "locked in Megatest")
    return None


def _why_not_ended(run: RunActivity, rules: ReduceConfig, now: int) -> tuple[str, str] | None:
    if run.activity is None:
        return ("no time", "no row of it says when it ran")
    if run.unknown:
        return ("unknown state", f"tests in unknown states: {', '.join(run.unknown)}")
    if run.busy and (run.heard is None or now - run.heard <= rules.dead_after):
        return ("in flight", f"{_tests(run.busy)} in flight")
    if run.waiting and _age(run, now) < rules.older_than:
        return ("waiting", f"{_tests(run.waiting)} not started, {_than(rules)}")
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


def _than(rules: ReduceConfig) -> str:
    return f"younger than {_span(rules.older_than)}"


def _tests(number: int) -> str:
    return f"{number} test" if number == 1 else f"{number} tests"


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
