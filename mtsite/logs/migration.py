"""The dialect of Turbo-hipster's database migrations: one log is one dataset's job.

Its wrapper writes a time and a tag on every line. `migration_steps` reads the landmarks,
`migration_verdict` says what is wrong, `limits` holds what a dataset allows; here is what mtsite
makes of it: findings, the facts of `migration.json`, and what each message means.
"""

import fnmatch
import time
from collections.abc import Iterator, Mapping
from typing import Any

from mtsite.limits import TABLES, Limits
from mtsite.logs.chosen import chosen_lines
from mtsite.logs.family import Analysis, Family, Log, Meaning
from mtsite.logs.migration_steps import (
    ACCESS_DENIED,
    END_NOT_FOUND,
    HINT,
    NO_DATABASE,
    NO_MODULE,
    NOT_ENDED,
    SCRIPT_EXIT,
    WRONG_SCHEMA,
    Section,
)
from mtsite.logs.migration_verdict import (
    INCOMPLETE,
    NOTHING_RUN,
    TOO_LONG,
    TOO_MANY_CHANGED,
    TOO_MANY_READ,
    JudgedStep,
    Verdict,
    judge,
)
from mtsite.logs.rule import CRITICAL, ERROR, Rule, Sighting, Window
from mtsite.regex import compile_bytes

NAME = "migration"
MOST = 1000
"""So many steps, sections and messages of each kind are kept as facts; the rest is counted."""

_WRAPPED = (
    rb"(?:\A|[\r\n])\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} \[(?:output|syslog|sqlslo|sqlerr|heartbeat"
    rb"|timeout|running |script exit code)"
)
_LANDMARK = (
    rb"\*{5} (?:Start|Finished) DB |chema version is| [0-9]+ -> [0-9]+\.\.\.| Innodb_"
    rb"|\] ERROR 10(?:45|49)|\] ImportError|nova-manage returned exit code"
)
_BESIDE = frozenset({"git_prep.log", "shell_output.log", "task_output.log"})

# code, level, title, help
_MEANINGS = (
    (
        ACCESS_DENIED,
        CRITICAL,
        "Could not setup seed database",
        "The database refused the user (ERROR 1045, access denied), so the seed data was never "
        "loaded and the log was not read further. The change is not at fault: look at user, "
        "password and grants of the worker's database, then run the test again.",
    ),
    (
        NO_DATABASE,
        CRITICAL,
        "Could not find seed database",
        "The seed database is unknown to the server (ERROR 1049). Creating it failed, or the "
        "dataset's configuration names another one. The change is not at fault.",
    ),
    (
        NO_MODULE,
        CRITICAL,
        "Could not import required module",
        "The migration script ended with an ImportError: a requirement is not installed on the "
        "worker, or the change needs a new one that its requirements don't list.",
    ),
    (
        NOTHING_RUN,
        ERROR,
        "No migrations run",
        "The log ends without the start of any migration. Something before them failed: "
        "read the log from its first lines on.",
    ),
    (
        NOT_ENDED,
        ERROR,
        "Migration started but did not end",
        "Another migration began before this one was done, so this one failed on the way. The "
        "lines after its start say why.",
    ),
    (
        END_NOT_FOUND,
        ERROR,
        "Did not find the end of a migration after a start",
        "The log ends inside this migration: it failed, hung until the time-out, or the worker "
        "died.",
    ),
    (
        WRONG_SCHEMA,
        ERROR,
        "Final schema version does not match expectation",
        "The database ended at another schema than the newest migration of the source tree. A "
        "migration was skipped or failed, or the expected number in mtsite.toml is out of date.",
    ),
    (
        INCOMPLETE,
        ERROR,
        "Migration failed to complete",
        "There is no `done` for this step; the lines after its start say why.",
    ),
    (
        TOO_LONG,
        ERROR,
        "Migration took too long",
        "The step took longer than the dataset's limit (maximum_migration_times) allows. On a "
        "real site it would hold the database up as long. Compare with earlier runs: a step that "
        "is slow everywhere needs a better migration, one that is slow here a quiet worker.",
    ),
    (
        TOO_MANY_CHANGED,
        ERROR,
        "Migration changed too many rows",
        "Rows updated, inserted and deleted during the step are more than the dataset's limit "
        "(XInnodb_rows_changed). A schema change should not rewrite the data; if it must, raise "
        "the limit of this step.",
    ),
    (
        TOO_MANY_READ,
        ERROR,
        "Migration read too many rows",
        "Rows that the database read during the step are more than the dataset's limit "
        "(Innodb_rows_read): the migration scans whole tables, mostly for want of an index.",
    ),
    (
        SCRIPT_EXIT,
        ERROR,
        "Return code from test script was non-zero",
        "The script that runs the migrations failed, whatever the steps say. −9: it was killed, "
        "mostly by the time-out.",
    ),
)
# Said by the worker about the job, not by the log of a dataset: found in any log.
_JOB = (
    (
        "job-setup",
        CRITICAL,
        "FAILURE during the job setup",
        "The worker failed before the test began (checkout, directories, virtualenv); the "
        "exception follows. The change is not at fault.",
    ),
    (
        "job-run",
        CRITICAL,
        "FAILURE running the job",
        "The worker itself failed while the test ran; the exception follows. Nothing is known of "
        "the change.",
    ),
    (
        "job-upload",
        ERROR,
        "FAILURE during cleanup and log upload",
        "The test ended, but its logs could not be uploaded or its traces not removed; the "
        "exception follows. Logs may be missing.",
    ),
    (
        "job-cancelled",
        ERROR,
        "Failed: Job cancelled",
        "The scheduler took the job back, mostly because a newer patch set came in. There is no "
        "verdict.",
    ),
)
_LEVELS = {code: level for code, level, _, _ in _MEANINGS}


def claims(name: str, head: bytes) -> bool:
    """Whether the wrapper wrote this log, and a migration's landmark is in sight."""
    if name.rpartition("/")[2] in _BESIDE:
        return False
    if compile_bytes(_WRAPPED).search(head) is None:
        return False
    return compile_bytes(_LANDMARK).search(head) is not None


def analyse(log: Log) -> Analysis:
    """The verdict on one log by the limits of its dataset, and its steps as facts."""
    facts: dict[str, Any] = {}
    return Analysis(_sightings(log, facts), facts)


def _sightings(log: Log, facts: dict[str, Any]) -> Iterator[tuple[int, Sighting]]:
    dataset = dataset_of(log)
    tables = dataset.get("limits", {})
    limits = Limits(*(tables.get(table, {}) for table in TABLES))
    verdict = Verdict(MOST)
    lines = chosen_lines(log.content, HINT)
    for line, code, text in judge(lines, verdict, limits, dataset.get("expected_schema")):
        yield line, Sighting(_LEVELS[code], text.encode(), code=f"{NAME}/{code}")
    facts.update(facts_of(verdict, dataset))


def dataset_of(log: Log) -> Mapping[str, Any]:
    """The first dataset of the settings that has this log; an empty one where none has."""
    where = f"{log.place}/{log.name}" if log.place else log.name
    for name, dataset in log.settings.items():
        if any(fnmatch.fnmatchcase(where, pattern) for pattern in dataset["logs"]):
            return {"name": name, **dataset}
    return {}


def facts_of(verdict: Verdict, dataset: Mapping[str, Any]) -> dict[str, Any]:
    """A verdict as plain JSON; `…_count` tells where a list was cut."""
    marks = verdict.marks
    return {
        "dataset": dataset.get("name", ""),
        "success": verdict.success,
        "messages": verdict.messages[:MOST],
        "message_count": verdict.message_count,
        "limits_source": dataset.get("limits_source", ""),
        "steps": [_step(judged) for judged in verdict.steps],
        "step_count": verdict.step_count,
        "sections": [_section(section) for section in marks.sections],
        "section_count": marks.section_count,
        "final_schema": marks.final_schema,
        "expected_schema": dataset.get("expected_schema"),
        "script_exit": marks.script_exit,
    }


def _step(judged: JudgedStep) -> dict[str, Any]:
    step = judged.step
    return {
        "from": step.source,
        "to": step.target,
        "start": _clock(step.start),
        "end": _clock(step.end),
        "duration_s": step.seconds,
        "limit_s": judged.limit,
        "rows_read": step.rows_read,
        "rows_changed": step.rows_changed,
        "line_start": step.first_line,
        "line_end": step.last_line or None,
        "verdict": ", ".join(judged.wrong) or "ok",
    }


def _section(section: Section) -> dict[str, Any]:
    return {
        "title": section.title[:200],
        "line_start": section.first_line,
        "line_end": section.last_line or None,
        "duration_s": section.seconds,
    }


def _clock(seconds: int | None) -> str | None:
    """As the log writes it: the worker's own clock, no zone."""
    return None if seconds is None else time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(seconds))


def _job_rule(code: str, level: str, text: str) -> Rule:
    hint = text.encode()

    def read(window: Window) -> Sighting | None:
        line = window.line()
        return Sighting(level, line) if hint in line else None

    return Rule(f"{NAME}/{code}", hint, read, title=text)


FAMILY = Family(
    NAME,
    1,
    rules=tuple(_job_rule(code, level, title) for code, level, title, _ in _JOB),
    catalogue=tuple(
        Meaning(f"{NAME}/{code}", level, title, told)
        for code, level, title, told in (*_MEANINGS, *_JOB)
    ),
    claims=claims,
    analyse=analyse,
    exclusive=True,
)
