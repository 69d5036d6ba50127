"""The cross-run facts of a run, over earlier runs of its target only; pure.

Earlier means: before it in the order of event_time, then runname. A fact looks back at most 100
runs and says so where that was the end of it. Once a run is sealed its facts stand in its record
and are never computed again (`mtsite build --refreeze RUN` would).
"""

from collections.abc import Callable, Mapping, Sequence
from statistics import median_low

from msgspec import Struct
from msgspec.structs import replace

from mtsite import comparison
from mtsite.facts import Compared
from mtsite.measured import Measured, histories
from mtsite.model import RunFacts, TestFacts, TestName
from mtsite.rollup import ABSENT, BAD, FLAKY_SWITCHES, GOOD, Verdict, switches

LOOK_BACK = 100
STRIP = 30
USUAL_SAMPLES = 3

VALUES = 20
"""So many runs make the curve of a measured value."""

COMPARED_ROWS = 200
COMPARED_VALUES = 40
"""What is kept of a comparison with an earlier run; all of it is counted."""

_TOLD = frozenset({comparison.CLEAN, comparison.BOTH_BAD})
"""Equal in both runs: what failed in both is among what went wrong already."""

Outcomes = Mapping[TestName, tuple[str, int | None]]
Earlier = Sequence[tuple[str, Outcomes]]
"""(runname, outcomes) of earlier runs, oldest first, at most `LOOK_BACK`."""

_BAD = frozenset(verdict.value for verdict in BAD)
_GOOD = frozenset(verdict.value for verdict in GOOD)
_RAN_WELL = _GOOD - {Verdict.SKIP.value}
_NOTHING: tuple[str, int | None] = (ABSENT, None)


class _Past(Struct, frozen=True):
    runname: str
    earlier: Earlier
    more: bool
    previous: Outcomes


def run_facts(runname: str, outcomes: Outcomes, earlier: Earlier, *, more: bool) -> RunFacts:
    """What earlier runs say about this one; `more`: `earlier` does not reach the first."""
    previous_name, previous = _previous(earlier)
    window = earlier[-(STRIP - 1) :]
    past = _Past(runname, earlier, more, previous)
    tests = {name: _test_facts(name, outcome, past) for name, outcome in outcomes.items()}
    return RunFacts(
        window=(*(name for name, _ in window), runname),
        previous=previous_name,
        last_good=next((name for name, had in reversed(earlier) if _all_good(had)), ""),
        tests=tests,
        fixed=tuple(name for name, facts in tests.items() if facts.change == "fixed"),
        vanished=tuple(name for name in previous if name not in outcomes),
    )


def with_values(facts: RunFacts, now: Measured, earlier: Sequence[Measured]) -> RunFacts:
    """The facts with the past of what the tests of the run measured; `earlier` oldest first."""
    tests = dict(facts.tests)
    for name, values in now.items():
        if name in tests:
            past = [dict(had.get(name, ())) for had in earlier[-(VALUES - 1) :]]
            tests[name] = replace(tests[name], values=histories(values, past))
    return replace(facts, tests=tests)


def with_comparisons(
    facts: RunFacts,
    now: tuple[Outcomes, Measured],
    earlier: Callable[[str], tuple[Outcomes, Measured]],
) -> RunFacts:
    """The facts with the run beside the previous one and the last good one.

    `earlier` gives what a run of the target came to, by its name.
    """
    names = dict.fromkeys(filter(None, (facts.previous, facts.last_good)))
    return replace(facts, compared=tuple(_compared(name, earlier(name), now) for name in names))


def _compared(
    name: str, there: tuple[Outcomes, Measured], here: tuple[Outcomes, Measured]
) -> Compared:
    rows = comparison.compare(_letters(there[0]), _letters(here[0]))
    told = [row for row in rows if row.kind not in _TOLD]
    values = _moved(there[1], here[1])
    return Compared(
        runname=name,
        counts=comparison.counts_of(rows),
        rows=tuple((r.testname, r.item_path, r.there, r.here) for r in told[:COMPARED_ROWS]),
        values=tuple(values[:COMPARED_VALUES]),
        values_total=len(values),
    )


def _letters(outcomes: Outcomes) -> dict[TestName, str]:
    return comparison.counted({name: letter for name, (letter, _) in outcomes.items()})


def _moved(there: Measured, here: Measured) -> list[tuple[str, str, int, float, float]]:
    """The values that both runs have and differ in, furthest first."""
    found = []
    for name, values in here.items():
        before = dict(there.get(name, ()))
        for place, (key, value) in enumerate(values):
            old = before.get(key)
            if value is not None and old is not None and (by := comparison.moved_by(old, value)):
                found.append((-by, (*name, place, old, value)))
    return [row for _, row in sorted(found)]


def _previous(earlier: Earlier) -> tuple[str, Outcomes]:
    """The newest earlier run that has ended and has tests; else the newest that has tests."""
    with_tests = [(name, had) for name, had in earlier if had]
    for name, had in reversed(with_tests):
        if all(verdict != Verdict.RUNNING for verdict, _ in had.values()):
            return name, had
    return with_tests[-1] if with_tests else ("", {})


def _all_good(had: Outcomes) -> bool:
    letters = {verdict for verdict, _ in had.values()}
    return bool(letters & _RAN_WELL) and letters <= _GOOD


def _test_facts(name: TestName, outcome: tuple[str, int | None], past: _Past) -> TestFacts:
    verdict = outcome[0]
    had = [outcomes.get(name, _NOTHING) for _, outcomes in past.earlier]
    strip = "".join([letter for letter, _ in had[-(STRIP - 1) :]]) + verdict
    good = [taken for letter, taken in had[-STRIP:] if letter in _RAN_WELL and taken is not None]
    since, since_runs, capped, last_good = "", 0, False, ""
    if verdict in _BAD:
        since, since_runs, capped, last_good = _bad_stretch([letter for letter, _ in had], past)
    return TestFacts(
        strip=strip,
        change=_change(verdict, past.previous.get(name, _NOTHING)[0], bool(past.previous)),
        flaky=switches(strip) >= FLAKY_SWITCHES,
        usual=median_low(good) if len(good) >= USUAL_SAMPLES else None,
        since=since,
        since_runs=since_runs,
        capped=capped,
        last_good=last_good,
        took=_took([*(taken for _, taken in had[-(STRIP - 1) :]), outcome[1]]),
    )


def _took(durations: list[int | None]) -> tuple[int | None, ...]:
    """Durations of the strip's runs; nothing where none is known, as in most iterated tests."""
    return tuple(durations) if any(durations) else ()


def _bad_stretch(had: Sequence[str], past: _Past) -> tuple[str, int, bool, str]:
    """(first run of the stretch that ends here, its length, look back ended, last good run)."""
    since, bad = past.runname, 1
    for letter, (runname, _) in zip(reversed(had), reversed(past.earlier), strict=True):
        if letter in _BAD:
            since, bad = runname, bad + 1
        elif letter in _RAN_WELL:
            return since, bad, False, runname
    return since, bad, past.more, ""


def _change(now: str, before: str, compared: bool) -> str:
    if not compared:
        return ""
    if now in _BAD:
        return "still" if before in _BAD else "new"
    return "fixed" if now in _RAN_WELL and before in _BAD else ""
