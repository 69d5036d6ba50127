"""Turbo-hipster's verdict on the steps of a migration, in its own words.

Rules and texts of openstack/turbo-hipster aa71066 (2015), `check_log_file`: any message fails the
dataset, those that begin with WARNING too. What only its job says (the script's return code, faults
of the worker) is no message of a dataset.
"""

import sys
from collections.abc import Iterable, Iterator
from operator import itemgetter

from msgspec import Struct, field

from mtsite.limits import Limits, Table, allowed
from mtsite.logs.migration_steps import (
    ACCESS_DENIED,
    END_NOT_FOUND,
    NO_DATABASE,
    NO_MODULE,
    NOT_ENDED,
    SCRIPT_EXIT,
    WRONG_SCHEMA,
    Landmarks,
    Step,
    read_steps,
)

NOTHING_RUN, INCOMPLETE, TOO_LONG = "nothing-run", "incomplete", "too-long"
TOO_MANY_CHANGED, TOO_MANY_READ = "too-many-rows-changed", "too-many-rows-read"

_TEXTS = {
    ACCESS_DENIED: "FAILURE - Could not setup seed database.",
    NO_DATABASE: "FAILURE - Could not find seed database.",
    NO_MODULE: "FAILURE - Could not import required module.",
    NOTHING_RUN: "No migrations run",
    NOT_ENDED: "FAILURE - Migration started but did not end",
    WRONG_SCHEMA: "FAILURE - Final schema version does not match expectation",
    END_NOT_FOUND: "FAILURE - Did not find the end of a migration after a start",
}

Message = tuple[int, str, str]
"""(line, code, text as the source says it)."""


class JudgedStep(Struct, frozen=True):
    """A step, the seconds that it may take (None: any), and the codes of what is wrong with it."""

    step: Step
    limit: float | None
    wrong: tuple[str, ...]


class Verdict(Struct):
    """What the source says of one log; each list holds the first `most`, counts are true."""

    most: int = sys.maxsize
    first: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    message_count: int = 0
    steps: list[JudgedStep] = field(default_factory=list)
    step_count: int = 0
    marks: Landmarks = field(default_factory=Landmarks)

    @property
    def success(self) -> bool:
        """Any message means that the dataset failed."""
        return self.message_count == 0

    @property
    def messages(self) -> list[str]:
        """In the source's order: what is fatal, errors as they occurred, then step by step."""
        return [*self.first, *self.errors, *self.warnings]

    def keep(self, texts: list[str], said: Iterable[Message]) -> None:
        """Count messages, and keep those that there is room for."""
        for _, code, text in said:
            if code != SCRIPT_EXIT:
                self.message_count += 1
                if len(texts) < self.most:
                    texts.append(text)

    def file(self, judged: JudgedStep) -> None:
        """Count a step, and keep it if there is room."""
        self.step_count += 1
        if len(self.steps) < self.most:
            self.steps.append(judged)


NO_LIMITS = Limits()


def verdict_on(
    lines: Iterable[tuple[int, bytes]],
    limits: Limits = NO_LIMITS,
    expected_schema: int | None = None,
) -> Verdict:
    """The source's verdict on a log, in full; `lines` are its numbered lines without ends."""
    verdict = Verdict()
    for _ in judge(lines, verdict, limits, expected_schema):
        pass
    return verdict


def judge(
    lines: Iterable[tuple[int, bytes]],
    verdict: Verdict,
    limits: Limits,
    expected_schema: int | None,
) -> Iterator[Message]:
    """The messages in the order of lines, those of the job among them; fills `verdict`."""
    marks = verdict.marks
    for step in read_steps(lines, marks, expected_schema, verdict.most):
        found = [(line, code, _text(code, exit_code)) for code, line, exit_code in marks.said]
        marks.said.clear()
        verdict.keep(verdict.errors, found)
        if step is not None:
            wrong = [(step.first_line, code, text) for code, text in _wrong(step, limits)]
            verdict.keep(verdict.warnings, wrong)
            limit = allowed(limits.time, step.source, step.target)
            verdict.file(JudgedStep(step, limit, tuple(code for _, code, _ in wrong)))
            found += wrong
        yield from sorted(found, key=itemgetter(0))
    last = _last(verdict)
    verdict.keep(verdict.first, last)
    yield from last


def _text(code: str, exit_code: int) -> str:
    if code == SCRIPT_EXIT:
        return f"Return code from test script was non-zero ({exit_code})"
    return _TEXTS[code]


def _last(verdict: Verdict) -> list[Message]:
    """What only the whole log shows, and the source says first."""
    marks = verdict.marks
    code, line = marks.fatal or (NOTHING_RUN, marks.last_line)
    said = marks.fatal is not None or not verdict.step_count
    return [(line, code, _TEXTS[code])] if said else []


def _wrong(step: Step, limits: Limits) -> Iterator[tuple[str, str]]:
    """Code and text of what is wrong with a step."""
    name = f"WARNING - Migration {step.name}"
    if not step.last_line:
        yield INCOMPLETE, f"{name} failed to complete"
        return
    if step.seconds is not None and _over(limits.time, step, step.seconds):
        yield TOO_LONG, f"{name} took too long"
    if _over(limits.changed, step, step.rows_changed):
        yield TOO_MANY_CHANGED, f"{name} changed too many rows ({step.rows_changed})"
    read = step.rows_read or 0
    if _over(limits.read, step, read):
        yield TOO_MANY_READ, f"{name} read too many rows ({read})"


def _over(table: Table, step: Step, value: int) -> bool:
    limit = allowed(table, step.source, step.target)
    return limit is not None and value > limit
