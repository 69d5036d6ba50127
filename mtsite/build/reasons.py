"""Why tests of a run went wrong, in a line each: what the grid of the target tells on a cell."""

from mtsite import rollup
from mtsite.known import Reason, Reasons
from mtsite.model import LogRecord, Run, RunRecord, Test
from mtsite.pages import words
from mtsite.rollup import BAD, Verdict

MOST = 1000
"""Of a run in which more went wrong the others are explained by their own pages only."""

LINE_CHARS = 160


def reasons_of(run: Run, verdicts: list[Verdict], record: RunRecord) -> Reasons:
    """State, log, line and first failing line of those tests of a run that went wrong."""
    found: Reasons = {}
    for test, verdict in zip(run.tests, verdicts, strict=True):
        if verdict in BAD and not test.toplevel:
            kept = record.tests.get(test.name)
            found[test.name] = _reason(test, kept.logs if kept else ())
            if len(found) == MOST:
                break
    return found


def _reason(test: Test, logs: tuple[LogRecord, ...]) -> Reason:
    state = f"{test.state}/{test.status}"[:LINE_CHARS]
    first = rollup.first_finding(logs, test.steps)
    if first is None:
        return state, "", 0, _cut(test.comment)
    log, finding = first
    return state, log.name if log.blob else "", finding.first_line, _cut(finding.excerpt)


def _cut(text: str) -> str:
    line = words.first_line(text)
    return line if len(line) <= LINE_CHARS else line[: LINE_CHARS - 1] + "…"
