"""The dialect of Mozilla's test jobs: logs of Taskcluster, Buildbot and the mozharness script.

Their error lines are what Treeherder takes for such (`mozharness_errors`); a log of Buildbot has
steps, too (`mozharness_steps`) and is judged by the rules of its time. Nothing else of the log
counts: what is an error elsewhere is often said here by a test that passes.
"""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from mtsite.logs.chosen import BEGINS, chosen_lines
from mtsite.logs.family import Analysis, Family, Log, Meaning
from mtsite.logs.mozharness_errors import (
    BUILD,
    CRASH,
    EXCEPTION,
    HINT,
    LEAK,
    LEVEL,
    NETWORK,
    RUNNER,
    SANITIZER,
    TEST,
    TODAY,
    ErrorLine,
    ErrorReader,
    shown_text,
)
from mtsite.logs.mozharness_steps import (
    DETAIL_HINT,
    MOST_ERRORS,
    Detail,
    LogStep,
    StepReader,
    detail_of,
    has_steps,
)
from mtsite.logs.rule import CRITICAL, ERROR, Sighting
from mtsite.regex import compile_bytes

NAME = "mozharness"
MOST_STEPS = 1000
MOST_DETAILS = 200
"""So many are kept as facts; the rest is counted, or for details left out."""

# The harness pads its levels to eight characters.
_LEVEL_NAMES = rb"    INFO| WARNING|   ERROR|CRITICAL|   FATAL|   DEBUG"
_OURS = (
    BEGINS
    + rb"(?:\[taskcluster(?::\w+)? |={9} (?:Started|Finished) .* \(results: \d"
    + rb"|(?:\[[^\]\r\n]*\] )?\d\d:\d\d:\d\d (?:"
    + _LEVEL_NAMES
    + rb") - )"
)

# kind, level, title, help
_MEANINGS = (
    (
        TEST,
        ERROR,
        "A test had an unexpected outcome",
        "A test failed, timed out or passed against expectation (TEST-UNEXPECTED-…, REFTEST "
        "ERROR, a failed gtest). The line names the test and what it said.",
    ),
    (
        CRASH,
        CRITICAL,
        "A process crashed or an assertion failed",
        "The program under test ended by a crash, an abort or a failed assertion. The stack "
        "follows the line; the signature after `application crashed` finds its like.",
    ),
    (
        SANITIZER,
        CRITICAL,
        "A sanitizer found an error",
        "The summary of Address-, Thread- or UndefinedBehaviorSanitizer; the report with the "
        "stacks stands above it.",
    ),
    (
        LEAK,
        ERROR,
        "The program leaks",
        "Windows or documents were still alive at shutdown (YOU ARE LEAKING THE WORLD).",
    ),
    (
        BUILD,
        ERROR,
        "A build step failed",
        "A compiler, linker or make said an error. Where make says it, the cause stands above.",
    ),
    (
        EXCEPTION,
        ERROR,
        "An exception ended a script",
        "The line begins with the name of an exception; its traceback stands above.",
    ),
    (
        NETWORK,
        ERROR,
        "A download failed",
        "wget or the harness got no answer, or a status of 400 or more. Mostly the "
        "infrastructure's fault: run the job again.",
    ),
    (
        RUNNER,
        ERROR,
        "The task runner failed",
        "The runner of the task, its shell or its time-out ended the job, not the test itself. "
        "Exit code 137: it was killed, mostly for want of memory.",
    ),
    (
        LEVEL,
        ERROR,
        "The harness logged an error",
        "mozharness itself logged the line with level ERROR, CRITICAL or FATAL.",
    ),
)
_LEVELS = {kind: level for kind, level, _, _ in _MEANINGS}


def claims(name: str, head: bytes) -> bool:
    """Whether a log begins as those of Mozilla's jobs do."""
    return compile_bytes(_OURS).search(head) is not None


def analyse(log: Log) -> Analysis:
    """Treeherder's error lines as findings; steps and job details as facts."""
    facts: dict[str, Any] = {}
    found = _with_steps(log, facts) if has_steps(log.content) else _without_steps(log, facts)
    return Analysis(((line.number, _sighting(line)) for line in found), facts)


def _with_steps(log: Log, facts: dict[str, Any]) -> Iterator[ErrorLine]:
    reader = StepReader(log.content, MOST_STEPS, MOST_DETAILS)
    yield from reader.errors()
    facts["steps"] = [_step(step) for step in reader.steps]
    facts["step_count"] = reader.step_count
    facts["errors_truncated"] = any(step.error_count > MOST_ERRORS for step in reader.steps)
    facts["job_details"] = [_detail(detail) for detail in reader.details]


def _without_steps(log: Log, facts: dict[str, Any]) -> Iterator[ErrorLine]:
    reader = ErrorReader(TODAY)
    details: list[dict[str, Any]] = []
    for number, line in chosen_lines(log.content, HINT + rb"|" + DETAIL_HINT):
        if len(details) < MOST_DETAILS and (detail := detail_of(shown_text(line))) is not None:
            details.append(_detail(detail))
        if (found := reader.read(number, line)) is not None:
            yield found
    facts["job_details"] = details


def _sighting(line: ErrorLine) -> Sighting:
    level = CRITICAL if line.grave else _LEVELS[line.kind]
    return Sighting(level, line.text.encode(), code=f"{NAME}/{line.kind}")


def _step(step: LogStep) -> dict[str, Any]:
    return {
        "name": step.name[:200],
        "started": step.started,
        "finished": step.finished,
        "duration_s": _seconds(step.started, step.finished),
        "line_start": step.first_line,
        "line_end": step.last_line,
        "result": step.result,
        "error_count": step.error_count,
    }


def _seconds(started: str | None, finished: str | None) -> int | None:
    """Whole seconds between two times as the log writes them; None where one is none."""
    try:
        span = datetime.fromisoformat(finished or "") - datetime.fromisoformat(started or "")
    except (ValueError, TypeError):
        return None
    return round(span.total_seconds())


def _detail(detail: Detail) -> dict[str, Any]:
    """A line on the job, cut as Treeherder stores it."""
    return {
        "content_type": detail.content_type,
        "title": (detail.title or "")[:70],
        "value": (detail.value or "")[:125],
        "url": (detail.url or "")[:512],
    }


FAMILY = Family(
    NAME,
    1,
    catalogue=tuple(
        Meaning(f"{NAME}/{kind}", level, title, told) for kind, level, title, told in _MEANINGS
    ),
    claims=claims,
    analyse=analyse,
    exclusive=True,
)
