"""Why tests of a run went wrong, in a line each: what the grid of the target tells on a cell."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import islice

from mtsite import rollup
from mtsite.known import Reason, Reasons
from mtsite.model import LogRecord, Run, RunRecord, Test, TestName, TestRecord
from mtsite.pages import words
from mtsite.rollup import BAD, Verdict

MOST = 1000
"""Of a run in which more went wrong the others are explained by their own pages only."""

LINE_CHARS = 160


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
    state = f"{test.state}/{test.status}"[:LINE_CHARS]
    first = rollup.first_finding(logs, test.steps)
    return (state, "", _cut(test.comment)) if first is None else (state, first[0].name, "")


def reasons_of(record: RunRecord) -> Reasons:
    """State, log, line and first failing line of those tests of a run that went wrong.

    From the record alone: rows may go, or can't be read for a while.
    """
    wrong = (one for _, one in sorted(record.tests.items()) if one.why and not one.gone)
    return {(one.testname, one.item_path): _reason(one) for one in islice(wrong, MOST)}


def _reason(test: TestRecord) -> Reason:
    state, speaks, comment = test.why
    first = rollup.first_finding([log for log in test.logs if log.name == speaks])
    if first is None:
        return state, "", 0, comment
    log, finding = first
    return state, log.name if log.blob else "", finding.first_line, _cut(finding.excerpt)


def _cut(text: str) -> str:
    line = words.first_line(text)
    return line if len(line) <= LINE_CHARS else line[: LINE_CHARS - 1] + "…"
