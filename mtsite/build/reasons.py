"""Why tests of a run went wrong, in a line each: what the grid of the target tells on a cell."""

from collections.abc import Mapping, Sequence
from itertools import islice

from msgspec.structs import replace

from mtsite import rollup
from mtsite.failing import FailingLine
from mtsite.known import Reason, Reasons
from mtsite.logs.likeness import Alike
from mtsite.model import LogRecord, Run, RunRecord, Test, TestName, TestRecord
from mtsite.pages import words
from mtsite.rollup import BAD, Verdict

MOST = 1000
"""Of a run in which more went wrong the others are explained by their own pages only."""

MOST_HOSTS = 8
MOST_KINDS = 2000
"""So many kinds of failing lines of one run are brought together with those of others."""
BY_WORDS = Alike()


def noted(
    shown: Run, verdicts: Sequence[Verdict], tests: Mapping[TestName, TestRecord]
) -> dict[TestName, TestRecord]:
    """The records of tests with how long they took and what `reasons_of` has to know."""
    found = dict(tests)
    for test, verdict in zip(shown.tests, verdicts, strict=True):
        kept = tests[test.name]
        why = _why(test, kept.logs) if verdict in BAD and not test.toplevel else ()
        found[test.name] = replace(kept, duration=test.run_duration, why=why)
    return found


def _why(test: Test, logs: tuple[LogRecord, ...]) -> tuple[str, str, str]:
    state = f"{test.state}/{test.status}"[: words.LINE_CHARACTERS]
    first = rollup.first_finding(logs, test.steps)
    return (
        (state, "", words.failing_line(test.comment))
        if first is None
        else (state, first[0].name, "")
    )


def reasons_of(record: RunRecord) -> Reasons:
    """State, log, line and first failing line of those tests of a run that went wrong.

    From the record alone: rows may go, or can't be read for a while.
    """
    wrong = (one for _, one in sorted(record.tests.items()) if one.why and not one.gone)
    return {(one.testname, one.item_path): reason_of(one) for one in islice(wrong, MOST)}


def reason_of(test: TestRecord) -> Reason:
    """Of a test that went wrong (its `why` is given): what lists say of it."""
    state, speaks, comment = test.why
    first = rollup.first_finding([log for log in test.logs if log.name == speaks])
    if first is None:
        return state, "", 0, comment
    log, finding = first
    return (
        state,
        log.name if log.blob else "",
        finding.first_line,
        words.failing_line(finding.excerpt),
    )


def failing_lines(run: Run, record: RunRecord, alike: Alike = BY_WORDS) -> tuple[FailingLine, ...]:
    """The kinds of lines that tests of a run went wrong with, in the order of their tests."""
    hosts = {test.name: test.host for test in run.tests}
    found: dict[tuple[str, str], FailingLine] = {}
    for name, one in sorted(record.tests.items()):
        if not one.why or one.gone:
            continue
        _, log, line, text = reason_of(one)
        if not text:
            continue
        cluster, exact, rule = alike.of(text)
        host = hosts.get(name, "")
        ran_on = (host,) if host not in {"", "n/a"} else ()
        before = found.get((cluster, exact))
        if before is None:
            made = FailingLine(cluster, exact, text, 1, name, log, line, ran_on, rule)
            found[cluster, exact] = made
            continue
        more = ran_on if len(before.hosts) < MOST_HOSTS and host not in before.hosts else ()
        found[cluster, exact] = replace(before, tests=before.tests + 1, hosts=before.hosts + more)
    return _most_frequent(tuple(found.values()))


def _most_frequent(found: tuple[FailingLine, ...]) -> tuple[FailingLine, ...]:
    """Those kinds that most tests have; the rest is counted as one without a cluster."""
    if len(found) <= MOST_KINDS:
        return found
    order = sorted(range(len(found)), key=lambda i: (-found[i].tests, i))
    kept = sorted(order[:MOST_KINDS])
    left = order[MOST_KINDS:]
    rest = FailingLine("", "", "", len(left), found[left[0]].first, "", 0)
    return (*(found[i] for i in kept), rest)
