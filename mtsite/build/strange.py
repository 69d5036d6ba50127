"""Unusual lines of tests that went wrong, against the last good run of each: a worker's task.

What passed costs nothing. Of a night in which everything fails so much is compared that it stays
a small part of the build: new failures first, few of the same error.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from msgspec.structs import replace

from mtsite.errors import DamagedLogError
from mtsite.facts import Unusual
from mtsite.logs.unusual import HEAD_BYTES, TAIL_BYTES, unusual_lines
from mtsite.model import (
    LogRecord,
    Run,
    RunFacts,
    RunKey,
    RunRecord,
    Test,
    TestFacts,
    TestName,
)
from mtsite.rollup import first_finding

MOST_TESTS = 20
MOST_ALIKE = 3
"""So many tests of one run are compared, and so many of them with one error."""

MOST_BYTES = 32 << 20
"""So much text is read for one run; the first pair of logs may be larger."""


def good_runs(facts: RunFacts, key: RunKey) -> set[RunKey]:
    """The runs whose logs `unusual_of` may ask for."""
    names = {past.last_good for past in facts.tests.values() if past.last_good}
    return {replace(key, runname=name) for name in names}


def unusual_of(
    site: Path,
    run: Run,
    kept: RunRecord,
    facts: RunFacts,
    record_of: Callable[[RunKey], RunRecord | None],
) -> Mapping[TestName, Unusual]:
    """What of the failing logs is new, for the first of the tests that went wrong."""
    goods: dict[str, RunRecord | None] = {}
    room = MOST_BYTES
    found: dict[TestName, Unusual] = {}
    for test, past, log in _chosen(run, kept, facts):
        there = goods.get(past.last_good)
        if past.last_good not in goods:
            there = goods[past.last_good] = record_of(replace(run.key, runname=past.last_good))
        good = _same_log(there, test.name, log.name)
        if good is None:
            note = f"the log of {past.last_good} is not stored (any more)"
            found[test.name] = Unusual(log.name, past.last_good, note=note)
            continue
        cost = _cost(log) + _cost(good)
        if found and cost > room:
            continue
        room -= cost
        try:
            told = unusual_lines(site / log.blob, site / good.blob, log.name, past.last_good)
        except (FileNotFoundError, DamagedLogError):
            told = Unusual(log.name, past.last_good, note="a stored log can't be read")
        found[test.name] = told
        if len(found) >= MOST_TESTS:
            break
    return found


def _chosen(
    run: Run, kept: RunRecord, facts: RunFacts
) -> Iterator[tuple[Test, TestFacts, LogRecord]]:
    """Tests that went wrong and were good once, each with the log that speaks for it."""
    alike: Counter[str] = Counter()
    wrong = [(facts.tests[t.name], t) for t in run.tests if _was_good(t, facts)]
    for past, test in sorted(wrong, key=lambda pair: pair[0].change != "new"):
        log, error = _speaking(test, kept.tests[test.name].logs)
        if log is None or (error and alike[error] >= MOST_ALIKE):
            continue
        alike[error] += 1
        yield test, past, log


def _was_good(test: Test, facts: RunFacts) -> bool:
    past = facts.tests.get(test.name)
    return past is not None and bool(past.last_good) and not test.toplevel


def _speaking(test: Test, logs: tuple[LogRecord, ...]) -> tuple[LogRecord | None, str]:
    """The log to compare, and what is equal for equal errors."""
    first = first_finding(logs, test.steps)
    if first is not None and first[0].blob:
        return first[0], first[1].masked
    final = [log for log in logs if log.blob and log.kind == "final"]
    stored = [log for log in logs if log.blob]
    return next(iter([*final, *stored]), None), ""


def _same_log(there: RunRecord | None, name: TestName, log: str) -> LogRecord | None:
    test = there.tests.get(name) if there is not None else None
    logs = test.logs if test is not None else ()
    return next((one for one in logs if one.name == log and one.blob), None)


def _cost(log: LogRecord) -> int:
    return min(log.size, HEAD_BYTES + TAIL_BYTES)
