"""The dialect of Megatest's logpro: its annotated page, its summary, and what it prints.

logpro judges a step's log by rules of its author and ends with one row per rule, in three forms:
`<step>.html` (two editions), `<step>.dat`, and lines on standard output. A rule that failed is what
counts; in the page the lines that it took are the findings, elsewhere its row is. Formats as
kiatoa/logpro writes them (logprocessor.scm), exit codes as Megatest reads them.
"""

from collections.abc import Iterator
from typing import Any

from mtsite.logs.chosen import chosen_lines
from mtsite.logs.family import Analysis, Family, Log, Meaning
from mtsite.logs.logpro_summary import (
    FLAGGED_HINT,
    MOST_ROWS,
    Row,
    Summary,
    flagged,
    read_summary,
)
from mtsite.logs.rule import CRITICAL, ERROR, WARNING, Sighting
from mtsite.regex import compile_bytes

NAME = "logpro"

STATUSES = {0: "PASS", 1: "FAIL", 2: "WARN", 3: "CHECK", 4: "WAIVED", 5: "ABORT", 6: "SKIP"}
"""What Megatest makes of logpro's exit code; of any other FAIL."""

_OURS = (
    rb"<header>LOGPRO RESULTS</header>|\(processed by logpro version"
    rb"|(?:\A|[\r\n])LOGPRO: hit trigger \S+ on line \d"
    rb"|(?:\A|[\r\n])\[rule-\d+\][ \t]*\r?[\r\n](?:operator|type)\b"
    rb"|(?:\A|[\r\n])\[final\][ \t]*\r?[\r\n]exit-code \d"
)

# type of the rule as logpro writes it (lower case), level, title, help
_MEANINGS = (
    (
        "error",
        ERROR,
        "A line that must not occur did",
        "The log has more lines of this error rule than it allows. The rule's description says "
        "what was looked for; the rules stand in the step's .logpro file.",
    ),
    (
        "required",
        ERROR,
        "Something required is missing",
        "A line that a good log of this step always has did not occur, or not often enough: the "
        "step did not get as far, or its output changed.",
    ),
    (
        "required-warn",
        WARNING,
        "Something expected is missing",
        "A line that a good log usually has did not occur; the rule asks for a warning only.",
    ),
    (
        "value",
        ERROR,
        "A value is out of its limits",
        "A number in the log is not within the tolerance of the expected one, or was never found.",
    ),
    (
        "abort",
        CRITICAL,
        "The step is to be aborted",
        "A line says that going on makes no sense; Megatest stops the test with status ABORT.",
    ),
    (
        "warning",
        WARNING,
        "A warning",
        "The log has more lines of this warning rule than it allows; the step has status WARN.",
    ),
    (
        "check",
        WARNING,
        "Somebody should look",
        "The rule asks for a person's judgement; the step has status CHECK.",
    ),
    (
        "waive",
        WARNING,
        "A known error, waived",
        "An error that somebody has allowed for the moment; the step has status WAIVED.",
    ),
    (
        "skip",
        WARNING,
        "The step was skipped",
        "A line says that there was nothing to do here; the step has status SKIP.",
    ),
    (
        "trigger",
        ERROR,
        "A section never began",
        "A trigger that the rules need was never hit, so the rules of its section saw nothing.",
    ),
    (
        "exit",
        ERROR,
        "logpro ended with an error of its own",
        "No rule failed, and yet logpro's exit code is not 0: mostly a mistake in the rules.",
    ),
)
_LEVELS = {code: level for code, level, _, _ in _MEANINGS}
_BY_ROW = frozenset({"required", "required-warn", "value", "trigger"})


def status_of_exit(code: int, *, by_logpro: bool) -> str:
    """Megatest's status for the exit code of a step; only logpro's have more than two meanings."""
    if by_logpro:
        return STATUSES.get(code, "FAIL")
    return "PASS" if code == 0 else "FAIL"


def claims(name: str, head: bytes) -> bool:
    """Whether logpro wrote this file."""
    return compile_bytes(_OURS).search(head) is not None


def analyse(log: Log) -> Analysis:
    """Failed rules as findings, the whole summary as facts."""
    summary = read_summary(log.content)
    return Analysis(_sightings(log, summary), facts_of(summary))


def _sightings(log: Log, summary: Summary) -> Iterator[tuple[int, Sighting]]:
    by_row = [row for row in summary.rows if row.failed and _found_at_row(row)]
    by_line = {row.key: row for row in summary.rows if row.failed and not _found_at_row(row)}
    if by_line:
        for number, line in chosen_lines(log.content, FLAGGED_HINT):
            took = flagged(line)
            if took is not None and (row := by_line.get(took[0])) is not None:
                yield number, _sighting(row, took[1])
    for row in by_row:
        yield row.line, _sighting(row, row.text().encode("utf-8", "replace"))
    if summary.exit_code and not by_row and not by_line:
        text = f"exit code {summary.exit_code} ({summary.status}) {summary.message}".strip()
        yield summary.exit_line, Sighting(ERROR, text.encode(), code=f"{NAME}/exit")


def _found_at_row(row: Row) -> bool:
    """Whether the row says more than the lines that the rule took, or there are none."""
    return row.kind in _BY_ROW or not row.takes_lines


def _sighting(row: Row, text: bytes) -> Sighting:
    code = row.kind if row.kind in _LEVELS else "error"
    return Sighting(_LEVELS[code], text, code=f"{NAME}/{code}", title=row.description[:200])


def facts_of(summary: Summary) -> dict[str, Any]:
    """A summary as plain JSON; failed rules first, `rule_count` tells where the list was cut."""
    rows = sorted(summary.rows, key=lambda row: not row.failed)
    return {
        "exit_code": summary.exit_code,
        "status": summary.status,
        "message": summary.message,
        "rules": [_fact(row) for row in rows[:MOST_ROWS]],
        "rule_count": summary.row_count,
        "failed_count": sum(row.failed for row in summary.rows),
    }


def _fact(row: Row) -> dict[str, Any]:
    return {
        "rule": row.name,
        "type": row.kind,
        "section": row.section,
        "description": row.description[:200],
        "expected": row.expected,
        "measured": row.measured,
        "status": "FAIL" if row.failed else "OK",
        "line": row.line,
    }


FAMILY = Family(
    NAME,
    1,
    catalogue=tuple(
        Meaning(f"{NAME}/{code}", level, title, told) for code, level, title, told in _MEANINGS
    ),
    claims=claims,
    analyse=analyse,
    exclusive=True,
)
