"""Many into one: verdicts of a test, of items, of a run; findings of many logs. Pure.

The rules are Megatest's (v1.64/1.65): `../docs/model.md` says which, and where a report must
differ because Megatest's own totals are not kept up.
"""

import enum
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise

from mtsite.model import (
    Finding,
    FirstFailure,
    LogRecord,
    Run,
    RunSummary,
    State,
    Status,
    Step,
    Test,
)


class Verdict(enum.StrEnum):
    """What a reader is told of a test; the value is the letter used in strips, shards and JSON.

    Ordered from best to worst by `RANK`; `NOT_RUN` and `RUNNING` are states of their own,
    never folded into good or bad.
    """

    PASS = "P"
    SKIP = "S"
    WARN = "W"
    WAIVED = "V"
    CHECK = "C"
    DEAD = "D"
    FAIL = "F"
    KILLED = "K"
    BLOCKED = "B"
    ABORT = "A"
    RUNNING = "R"
    NOT_RUN = "N"


RANK: Mapping[Verdict, int] = {
    verdict: rank
    for rank, verdict in enumerate(
        (
            Verdict.NOT_RUN,
            Verdict.PASS,
            Verdict.SKIP,
            Verdict.WARN,
            Verdict.WAIVED,
            Verdict.CHECK,
            Verdict.RUNNING,
            Verdict.DEAD,
            Verdict.FAIL,
            Verdict.KILLED,
            Verdict.BLOCKED,
            Verdict.ABORT,
        )
    )
}

GOOD = frozenset({Verdict.PASS, Verdict.WARN, Verdict.WAIVED, Verdict.SKIP, Verdict.CHECK})
"""What Megatest lets a dependant start on."""

BAD = frozenset({Verdict.DEAD, Verdict.FAIL, Verdict.KILLED, Verdict.BLOCKED, Verdict.ABORT})

_GOOD_LETTERS = frozenset(verdict.value for verdict in GOOD)

ABSENT = "."
"""In a strip: the run did not have the test."""

RUNNING_STATES = frozenset({"LAUNCHED", "REMOTEHOSTSTART", "RUNNING", "STARTED"})
BUSY_STATES = RUNNING_STATES | {"KILLREQ", "REMOVING", "CLEANING", "ARCHIVE_REMOVING"}
TERMINAL_STATES = frozenset(
    {"COMPLETED", "ARCHIVED", "KILLED", "INCOMPLETE", "STUCK", "UNKNOWN", "DEAD", "FAILEDKILL"}
)
_NO_ROLL_UP = frozenset({"DELETED", "REMOVING", "CLEANING", "ARCHIVE_REMOVING"})
_NOT_STARTED_OK = frozenset(
    {"n/a", "na", "", "PASS", "FAIL", "WARN", "CHECK", "WAIVED", "DEAD", "SKIP"}
)

_BY_STATUS = {
    "PASS": Verdict.PASS,
    "SKIP": Verdict.SKIP,
    "WARN": Verdict.WARN,
    "WAIVED": Verdict.WAIVED,
    "CHECK": Verdict.CHECK,
    "DEAD": Verdict.DEAD,
    "STUCK/DEAD": Verdict.DEAD,
    "FAIL": Verdict.FAIL,
    "PREQ_FAIL": Verdict.BLOCKED,
    "PREQ_DISCARDED": Verdict.BLOCKED,
    "ABORT": Verdict.ABORT,
    # Companions of a bad end or of a test that could not start, seen on ended rows too.
    "KILLED": Verdict.KILLED,
    "FAILED TO KILL": Verdict.KILLED,
    "INCOMPLETE": Verdict.KILLED,
    "UNKNOWN": Verdict.KILLED,
    "BLOCKED": Verdict.BLOCKED,
    "ZERO_ITEMS": Verdict.BLOCKED,
    "TIMED_OUT": Verdict.BLOCKED,
    "TEN_STRIKES": Verdict.BLOCKED,
    "KEEP_TRYING": Verdict.BLOCKED,
    # No verdict yet.
    **dict.fromkeys(
        ("n/a", "na", "", "AUTO", "AUTO-WARN", "STARTED", "LAUNCHED", "LOCKED"), Verdict.NOT_RUN
    ),
}

_STATE_RANK = {
    "ARCHIVED": 0,
    "STUCK": 1,
    "KILLREQ": 2,
    "KILLED": 3,
    "NOT_STARTED": 4,
    "COMPLETED": 5,
    "LAUNCHED": 6,
    "REMOTEHOSTSTART": 7,
    "RUNNING": 8,
}
_STATUS_ORDER = (
    "n/a PASS SKIP WARN WAIVED CHECK STUCK/DEAD DEAD FAIL PREQ_FAIL PREQ_DISCARDED ABORT"
)
_STATUS_RANK = {status: rank for rank, status in enumerate(_STATUS_ORDER.split(), start=1)}


def verdict_of(state: str, status: str, *, dead: bool = False) -> Verdict:
    """The verdict of one row. `dead`: it claims to run, but its process is known to be gone.

    A status or state that Megatest does not know is bad: a word of somebody's own must not hide
    a failure.
    """
    if state in {"COMPLETED", "ARCHIVED"}:
        return _BY_STATUS.get(status, Verdict.FAIL)
    if state in BUSY_STATES:
        return Verdict.DEAD if dead else Verdict.RUNNING
    if state == "DEAD":
        return Verdict.DEAD
    if state in {"NOT_STARTED", "BLOCKED", ""}:
        return Verdict.NOT_RUN if status in _NOT_STARTED_OK else Verdict.BLOCKED
    return Verdict.KILLED


def is_dead(test: Test, now: int, dead_after: int) -> bool:
    """Whether a row claims to run and was not heard of for `dead_after` seconds before `now`."""
    if test.state not in BUSY_STATES or test.event_time is None:
        return False
    return now - (test.event_time + (test.run_duration or 0)) > dead_after


def test_verdicts(run: Run, now: int, dead_after: int) -> list[Verdict]:
    """The verdict of each test of the run, in its order; a toplevel row has that of its items."""
    found = [
        verdict_of(test.state, test.status, dead=is_dead(test, now, dead_after))
        for test in run.tests
    ]
    toplevels = [i for i, test in enumerate(run.tests) if test.toplevel]
    if toplevels:
        items: dict[str, list[Verdict]] = {}
        for test, verdict in zip(run.tests, found, strict=True):
            if test.item_path:
                items.setdefault(test.testname, []).append(verdict)
        for i in toplevels:
            found[i] = worst(items.get(run.tests[i].testname, [found[i]]))
    return found


def worst(verdicts: Iterable[Verdict]) -> Verdict:
    """The worst of them; NOT_RUN when there are none or when nothing ran."""
    return max(verdicts, key=RANK.__getitem__, default=Verdict.NOT_RUN)


FLAKY_SWITCHES = 3
_RAN_WELL = _GOOD_LETTERS - {Verdict.SKIP.value}
_BAD_LETTERS = frozenset(verdict.value for verdict in BAD)
_WENT_WRONG = {**dict.fromkeys(_RAN_WELL, False), **dict.fromkeys(_BAD_LETTERS, True)}


def judged(strip: str) -> list[bool]:
    """Whether it went wrong, for each of those letters of a strip that say so or not."""
    return [_WENT_WRONG[letter] for letter in strip if letter in _WENT_WRONG]


def switches(strip: str) -> int:
    """How often a test went from good to bad or back; `FLAKY_SWITCHES` of 30 runs: flaky."""
    return sum(a != b for a, b in pairwise(judged(strip)))


def count(run: Run, verdicts: Sequence[Verdict]) -> dict[str, int]:
    """Verdict letter → number of counted tests (toplevel rows are left out), in rank order."""
    counted = Counter(
        verdict for test, verdict in zip(run.tests, verdicts, strict=True) if not test.toplevel
    )
    return {verdict.value: counted[verdict] for verdict in RANK if counted[verdict]}


def run_verdict(counts: Mapping[str, int]) -> Verdict:
    """The verdict of a run from its counts: the worst that occurs."""
    return worst(Verdict(letter) for letter, number in counts.items() if number)


def summary_of(
    run: Run, counts: Mapping[str, int], failures: tuple[FirstFailure, ...] = ()
) -> RunSummary:
    """A run as one row of a listing, as far as its own rows tell it."""
    return RunSummary(
        key=run.key,
        event_time=run.event_time,
        end_time=None,
        owner=run.owner,
        comment=run.comment,
        contour=run.contour,
        state=run.state,
        status=run.status,
        counts=counts,
        verdict=run_verdict(counts).value,
        failures=failures,
    )


def is_good(counts: Mapping[str, int]) -> bool:
    """Whether a run with these counts is a good one: some passed, none is bad or open."""
    return Verdict.PASS.value in counts and counts.keys() <= _GOOD_LETTERS


def add_counts(many: Iterable[Mapping[str, int]]) -> dict[str, int]:
    """The sum of several counts, in rank order."""
    total: Counter[str] = Counter()
    for counts in many:
        total.update(counts)
    return {verdict.value: total[verdict.value] for verdict in RANK if total[verdict.value]}


_FAILING_LEVELS = frozenset({"CRITICAL", "ERROR"})
_KIND_ORDER = {"final": 0, "step": 1}


def first_finding(
    logs: Sequence[LogRecord], steps: Sequence[Step] = ()
) -> tuple[LogRecord, Finding] | None:
    """The finding that speaks for a test, with its log; None when its logs have none.

    Text comes before HTML (an annotated copy of it), the final log before those of `steps` in the
    order they ran, these before other files; what failed before what only warns.
    """
    if not any(log.findings for log in logs):
        return None
    places = {name: i for i, step in reversed(list(enumerate(steps))) for name in _log_names(step)}

    def order(log: LogRecord) -> tuple[bool, int, int]:
        html = log.name.lower().endswith((".html", ".htm", ".xhtml"))
        return html, _KIND_ORDER.get(log.kind, 2), places.get(log.name, len(steps))

    found = [(log, finding) for log in sorted(logs, key=order) for finding in log.findings]
    return next((pair for pair in found if pair[1].level in _FAILING_LEVELS), found[0])


def _log_names(step: Step) -> tuple[str, ...]:
    """Where the output of a step lies: with its own name beside the log that its row names."""
    return (step.logfile, f"{step.name}.log", f"{step.name}.html")


def roll_up_items(items: Sequence[tuple[str, str]]) -> tuple[State, Status]:
    """State and status of an iterated test from those of its items (Megatest 1.63 and later).

    First match wins (docs/model.md); the order of `items`, (state, status), at least one, has no
    part in it.
    """
    states = [state for state, _ in items]
    statuses = [status for _, status in items]
    stuck_before_start = any(
        state == "NOT_STARTED" and status not in _NOT_STARTED_OK for state, status in items
    )
    unfinished = [s for s in states if s != "COMPLETED" and s not in _NO_ROLL_UP]
    if RUNNING_STATES & set(states):
        state = "RUNNING"
    elif "PREQ_FAIL" in statuses:
        state = "NOT_STARTED"
    elif stuck_before_start:
        state = "COMPLETED"
    else:
        state = max(unfinished or states, key=lambda s: (_STATE_RANK.get(s, 0), s))
    if "PREQ_FAIL" in statuses:
        status = "PREQ_FAIL"
    elif stuck_before_start or (state == "NOT_STARTED" and unfinished):
        status = "STARTED"
    else:
        status = max(statuses, key=lambda s: (_STATUS_RANK.get(s, 0), s))
    return State(state), Status(status)
