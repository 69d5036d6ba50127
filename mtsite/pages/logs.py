"""The logs and files of a test as rows: the final one first, with what was found in each."""

from collections.abc import Mapping, Sequence

from mtsite import urls
from mtsite.model import LogRecord, Run, Test
from mtsite.pages import words
from mtsite.pages.facts import shown_facts
from mtsite.pages.place import Depth

MAX_LOGS = 200
RUN_DIRECTORY = "rundir"
"""The kind of a record that speaks of the run directory itself."""

_ORDER = {"final": 0, "step": 1}

LogRow = tuple[object, ...]
"""(name, link, raw link, kind, size, lines, marks of what was found, notes)."""


def shown(
    logs: Sequence[LogRecord], run: Run, test: Test, path: str, depth: Depth
) -> dict[str, object]:
    """The rows, how many there are, the tables that dialects make, and what else is to be said."""
    files = [log for log in logs if log.kind != RUN_DIRECTORY]
    files.sort(key=lambda log: _ORDER.get(log.kind, 2))
    links = {log.name: page_of(log, run, test, path) for log in files}
    return {
        "logs": tuple(_row(log, links[log.name], depth) for log in files[:MAX_LOGS]),
        "logs_total": len(files),
        "facts": tuple((log.name, shown_facts(log, links[log.name])) for log in files if log.facts),
        "logs_note": _note(test, logs),
    }


def page_of(log: LogRecord, run: Run, test: Test, path: str) -> str:
    """The link to a log's own page; '' where there is none."""
    return urls.relative(path, urls.log_page(run.key, test.name, log.name)) if log.blob else ""


def masked_note(redacted: Mapping[str, int], *, reported: bool) -> str:
    """How many secrets were masked by which rules; '' when none was."""
    if not (masked := sum(redacted.values())):
        return ""
    rules = ", ".join(f"{name} {redacted[name]}" for name in sorted(redacted))
    done = "seen, not masked" if reported else "masked"
    return f"{words.plural(masked, 'secret')} {done} ({rules})"


def _row(log: LogRecord, page: str, depth: Depth) -> LogRow:
    notes = [words.threes(note) for note in (log.note, log.ended) if note]
    if told := masked_note(log.redacted, reported=log.reported):
        notes.append(told)
    if log.broken_bytes:
        notes.append(f"{words.plural(log.broken_bytes, 'broken byte')}")
    raw = depth.to_root + log.blob if log.blob else ""
    size = words.size(log.size) if log.blob else ""
    lines = words.plural(log.lines, "line") if log.blob else ""
    return log.name, page, raw, log.kind, size, lines, _found(log), " · ".join(notes)


def _found(log: LogRecord) -> tuple[tuple[str, str, str], ...]:
    """(style, symbol, words) of what was found, the worst first."""
    critical = sum(found.level == "CRITICAL" for found in log.findings)
    counts = (
        ("F", critical, "critical", "critical"),
        ("F", log.finding_count - critical, "error", ""),
        ("W", log.warning_count, "warning", ""),
    )
    return tuple(
        (letter, words.SYMBOLS[letter], words.plural(count, noun, many))
        for letter, count, noun, many in counts
        if count > 0
    )


def _note(test: Test, logs: Sequence[LogRecord]) -> str:
    """What is to be said of the run directory, or why there is no log; '' when all is well."""
    note = next((log.note for log in logs if log.kind == RUN_DIRECTORY), "")
    if test.toplevel and not logs:
        return "Logs stand on the pages of its items."
    if test.state == "NOT_STARTED" and len(logs) <= bool(note):
        return "It did not start, so there is no log."
    if note:
        return f"{words.upper_first(note)}."
    return "" if logs else "No log of this test was found."
