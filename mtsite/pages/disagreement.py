"""Where the sources of a verdict differ: the database's status, its steps, the logs. Pure.

A verdict is never changed by this: both sources are shown, and a person decides. What counts as a
fatal error in the log of a test that passed is kept narrow, or nobody would look: see `is_fatal`.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from mtsite import urls
from mtsite.model import Finding, LogRecord, Run, RunKey, RunRecord, Test
from mtsite.pages import words
from mtsite.pages.place import test_label
from mtsite.pages.steps import step_mark
from mtsite.pages.weight import weight, within

LAST_LINES = 3
"""A program's own error within so many lines of the end of its log is what it ended with."""

_GOOD_LETTERS = frozenset("PW")
_RUNDIR = "rundir"
_PLAIN_WORDS = "severity/"
_RUNNERS_VERDICTS = frozenset(
    "pytest/summary unittest/summary go/package cmake/summary uvm/error sanitizer/valgrind".split()
)
"""Counts and verdicts that a runner itself gives at its end."""

_OUT = frozenset({"fail", "error"})


class Disagreement(NamedTuple):
    """Two sources, what each says, and where the second stands ('' where it has no page).

    `kind` is log (a fatal error in the log of a good test), step (a step failed, the test is good),
    logpro (its summary fails, the database's status is good) or silent (the test failed, and no
    stored log says why).
    """

    kind: str
    source: str
    says: str
    other: str
    other_says: str
    href: str = ""

    @property
    def sentence(self) -> str:
        """What differs, in a few words."""
        said = _SAID.get(self.kind)
        return f"This test {said[0]}" if said else "This test failed, and no stored log says why"


Differences = Mapping[int, Sequence[Disagreement]]
"""What differs about tests of a run, by their index; where nothing does, there is none."""


def of_test(key: RunKey, test: Test, letter: str, logs: Sequence[LogRecord]) -> list[Disagreement]:
    """All that differs about one test; links are relative to its page."""
    if test.toplevel:
        return []
    if letter == "F":
        return _silent(test, logs)
    if letter not in _GOOD_LETTERS:
        return []
    status = f"{test.state} {test.status}".strip()
    found = [
        Disagreement("step", "the database", status, f"step {step.name}", word)
        for step in test.steps
        for style, _, word in [step_mark(step)]
        if style in words.BAD_LETTERS
    ]
    for log in logs:
        said = _logpro_says(log)
        if said in {"FAIL", "ABORT"}:
            page = _log_link(key, test, log)
            found.append(
                Disagreement("logpro", "the database", status, f"logpro in {log.name}", said, page)
            )
    fatal = fatal_finding(logs)
    if fatal is not None:
        log, one = fatal
        page = _log_link(key, test, log)
        link = f"{page}#L{one.first_line}" if page else ""
        other = f"{log.name}, line {one.first_line}"
        line = words.first_line(one.excerpt)
        found.append(Disagreement("log", "the database", status, other, line, link))
    return found


def fatal_finding(logs: Sequence[LogRecord]) -> tuple[LogRecord, Finding] | None:
    """The first fatal error that the logs show, text before HTML; None where there is none."""
    order = sorted(logs, key=lambda log: log.name.lower().endswith((".html", ".htm")))
    return next(((log, one) for log in order for one in log.findings if is_fatal(log, one)), None)


def is_fatal(log: LogRecord, found: Finding) -> bool:
    """Whether a finding and a good verdict can hardly both be true.

    So are what a family knows as critical (a crash, a sanitizer's report, a full disk), a runner's
    own verdict, and an error that the log ends with. Plain words (FATAL in a text that no family
    knows) and logpro, which has a verdict of its own, are not.
    """
    if found.rule.startswith((_PLAIN_WORDS, "logpro/")):
        return False
    if found.level == "CRITICAL" or found.rule in _RUNNERS_VERDICTS:
        return True
    return found.level == "ERROR" and found.last_line > log.lines - LAST_LINES


def of_all(run: Run, letters: Sequence[str], record: RunRecord) -> dict[int, list[Disagreement]]:
    """What differs about each test of a run: its page, the run's page and the twin all tell it."""
    found = {}
    for i, test in enumerate(run.tests):
        kept = record.tests.get(test.name)
        if kept is not None or test.steps:
            told = of_test(run.key, test, letters[i], kept.logs if kept else ())
            if told:
                found[i] = told
    return found


def of_run(run: Run, found: Differences, room: int) -> tuple[dict[str, object], ...]:
    """Per kind, worst first: how many tests, in words, and the first of them with their links.

    Tests that failed silently are left out: their row among the failures says so. `room` is the
    bytes that there are for each kind.
    """
    path = urls.run_page(run.key)
    tests: dict[str, dict[str, tuple[str, str, str]]] = {}
    for i, told in sorted(found.items()):
        name = run.tests[i].name
        for one in told:
            page = urls.relative(path, urls.test_page(run.key, name))
            row = (test_label(name), page, f"{one.other}: {one.other_says}")
            tests.setdefault(one.kind, {}).setdefault(row[0], row)
    made = []
    for kind, said in _SAID.items():
        rows = tuple(tests.get(kind, {}).values())
        if rows:
            shown = within(rows, (60 + weight(*row) for row in rows), room)
            text = f"{words.plural(len(rows), 'test')} {said[len(rows) > 1]}"
            made.append({"kind": kind, "says": text, "tests": shown, "total": len(rows)})
    return tuple(made)


_SAID = {
    "log": ("passes, but its log shows a fatal error", "pass, but their logs show fatal errors"),
    "logpro": ("passes, but logpro says otherwise", "pass, but logpro says otherwise"),
    "step": ("passes, but a step of it failed", "pass, but a step of each failed"),
}


def document(found: Sequence[Disagreement]) -> list[dict[str, str]]:
    """As the JSON twin has them."""
    names = ("kind", "source", "says", "other", "other_says")
    return [{name: getattr(one, name) for name in names} for one in found]


def _silent(test: Test, logs: Sequence[LogRecord]) -> list[Disagreement]:
    stored = [log for log in logs if log.blob and log.kind != _RUNDIR]
    told = any(log.finding_count for log in logs)
    measured = any((datum.status or "").strip().lower() in _OUT for datum in test.data)
    if not stored or told or measured:
        return []
    status = f"{test.state} {test.status}".strip()
    where = words.plural(len(stored), "log")
    return [Disagreement("silent", "the database", status, where, "no failure line found")]


def _logpro_says(log: LogRecord) -> str:
    facts: Mapping[str, Any] = log.facts if log.dialect == "logpro" else {}
    return str(facts.get("status", ""))


def _log_link(key: RunKey, test: Test, log: LogRecord) -> str:
    if not log.blob:
        return ""
    path = urls.test_page(key, test.name)
    return urls.relative(path, urls.log_page(key, test.name, log.name))
