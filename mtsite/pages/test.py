"""What the page of one test, or of one item, in one run shows."""

from collections.abc import Sequence
from dataclasses import replace

from mtsite import urls
from mtsite.model import Finding, LogRecord, Run, RunFacts, Test, TestDatum, TestRecord
from mtsite.pages import charts, definition, disagreement, markdown, words
from mtsite.pages.catalogue import rule_link
from mtsite.pages.facts import shown_facts
from mtsite.pages.page import SiteFrame
from mtsite.pages.place import Depth, RunPlace, test_label
from mtsite.pages.steps import step_rows
from mtsite.rollup import ABSENT, first_finding

EDITION = 6
TEMPLATE = "test.html"

MAX_DATA = 500
MAX_LOGS = 200
MAX_ITEMS = 1000
EXCERPT_LINES = 12
_OUT_OF_TOLERANCE = frozenset({"fail", "error"})
_MARKS = {letter: words.mark(letter) for letter in words.SYMBOLS}
_RUN_DIRECTORY = "rundir"
"""The kind of a record that speaks of the run directory itself."""
_NO_FACTS = "No earlier run of this target to compare with."


def context(
    frame: SiteFrame,
    run: Run,
    index: int,
    verdicts: Sequence[str],
    record: TestRecord | None,
    facts: RunFacts,
    place: RunPlace | None = None,
) -> dict[str, object]:
    """The page of `run.tests[index]`.

    `verdicts` line up with `run.tests`. `place` is what all tests of the run share: pass the same
    one for each of them to save its making.
    """
    place = place or RunPlace(frame, run, verdicts, facts)
    test = run.tests[index]
    path = urls.test_page(run.key, test.name)
    depth = place.depth_of(path)
    letter = place.letters[index]
    logs = record.logs if record else ()
    shown = dict(depth.base)
    shown.update(_heading(place, test, letter, path))
    shown.update(_facts_line(place, test))
    shown.update(_since(place, test, depth, path))
    shown.update(_neighbours(place, index, path))
    shown["disagreements"] = disagreement.of_test(run.key, test, letter, logs)
    shown["excerpt"], shown["more_findings"] = _went_wrong(logs, test, letter, run, path)
    files = [log for log in logs if log.kind != _RUN_DIRECTORY]
    shown["logs"] = tuple(_log_row(log, run, test, path, depth) for log in files[:MAX_LOGS])
    shown["logs_total"] = len(files)
    shown["facts"] = tuple(_facts_of(log, run, test, path) for log in files if log.facts)
    shown["logs_note"] = _logs_note(test, logs)
    shown["steps"], shown["steps_total"] = step_rows(test.steps, shown["logs"]), len(test.steps)
    shown["data"], shown["data_total"], shown["data_bad"] = _data(test.data)
    shown["items"], shown["items_total"] = _items(place, test, path)
    shown["environment"] = _environment(place, test)
    shown["definition"] = definition.shown(place, test, path)
    shown["comment"] = markdown.comment(test.comment)
    shown["history"] = urls.relative(
        path, urls.history_page(run.key.area, run.key.target, test.name)
    )
    return shown


def _heading(place: RunPlace, test: Test, letter: str, path: str) -> dict[str, object]:
    style, symbol, word = words.mark(letter)
    label = test_label(test.name)
    base = place.frame.base_url.rstrip("/")
    return {
        "letter": style,
        "symbol": symbol,
        "word": word,
        "testname": test.testname,
        "item_path": test.item_path,
        "state": test.state,
        "status": test.status,
        "toplevel": test.toplevel,
        "title": f"{symbol} {word} {label} · {place.label}",
        "description": f"{label} in {place.label}: {word} ({test.state} {test.status})",
        "address": f"{base}/{path}" if base else "",
    }


def _facts_line(place: RunPlace, test: Test) -> dict[str, object]:
    facts = place.facts.tests.get(test.name)
    usual = facts.usual if facts else None
    took = test.run_duration
    started = test.event_time if test.state != "NOT_STARTED" else None
    slower = bool(usual and took and took > usual * 1.5 and took - usual >= 5)
    return {
        "started": words.when(started),
        "took": words.took(test),
        "usual": words.duration(usual) if usual else "",
        "slower": slower,
        "host": test.host if test.host != "n/a" else "",
    }


def _since(place: RunPlace, test: Test, depth: Depth, path: str) -> dict[str, object]:
    facts = place.facts.tests.get(test.name)
    if facts is None or len(facts.strip) < 2:
        return {
            "since": ((_NO_FACTS, ""),),
            "strip": (),
            "here": (),
            "strip_label": "",
            "flaky": False,
        }
    window = place.window_links(depth)
    strip = facts.strip[-len(window) :] if window else ""
    tail = _tail(place, depth, path)
    cells = []
    for letter, (name, directory) in zip(strip, window[-len(strip) :], strict=True):
        style, symbol, word = _MARKS[letter] if letter in _MARKS else words.mark(letter)
        link = directory + tail if tail else _other_run(place, test, path, name)
        text = "" if style in "Px" else symbol
        cells.append((style, text, "" if style == "x" else link, f"{name}: {word}"))
    here = (cells.pop(),) if cells else ()
    return {
        "since": _since_words(place, test, path),
        "strip": tuple(cells),
        "here": here,
        "strip_label": words.strip_words(strip) if strip else "",
        "flaky": facts.flaky,
    }


def _tail(place: RunPlace, depth: Depth, path: str) -> str:
    """What follows the directory of a run in the path of this test in any run of the window.

    '' where a path is so long that it is cut, and may be cut elsewhere in another run.
    """
    tail = path[len(place.directory) + 1 :] if depth.to_run_dir else ""
    whole = "/~~" not in f"/{tail}" and place.longest_window + len(tail) + 1 <= urls.PATH_BYTES
    return tail if whole else ""


def _other_run(place: RunPlace, test: Test, path: str, runname: str) -> str:
    key = place.run.key
    return urls.relative(path, urls.test_page(replace(key, runname=runname), test.name))


def _since_words(place: RunPlace, test: Test, path: str) -> tuple[tuple[str, str], ...]:
    """The sentence as (text, link) pieces, '' for no link."""
    facts = place.facts.tests[test.name]
    previous = place.facts.previous

    def named(runname: str) -> tuple[str, str]:
        return runname, _other_run(place, test, path, runname)

    pieces: list[tuple[str, str]] = []
    if facts.change == "new":
        pieces += _new_words(place, test, path)
    elif facts.since:
        many = (
            f"{facts.since_runs}+ runs" if facts.capped else words.plural(facts.since_runs, "run")
        )
        pieces += [("Going wrong since ", ""), named(facts.since), (f", {many} now", "")]
        if facts.last_good:
            pieces += [("; last good in ", ""), named(facts.last_good)]
        elif facts.capped:
            pieces.append(("; the look back ends at 100 runs", ""))
        pieces.append((".", ""))
    elif facts.change == "fixed":
        pieces += [("Fixed in this run: it went wrong in ", ""), named(previous), (".", "")]
    elif facts.last_good:
        pieces += [("Good in the run before, too; last good in ", ""), named(facts.last_good)]
        pieces.append((".", ""))
    return tuple(pieces)


def _new_words(place: RunPlace, test: Test, path: str) -> tuple[tuple[str, str], ...]:
    """Where it was good last; else what the run compared with says of it, if it has it at all."""
    facts = place.facts.tests[test.name]
    previous = place.facts.previous
    if facts.last_good:
        good = facts.last_good, _other_run(place, test, path, facts.last_good)
        return ("New in this run: it was good in ", ""), good, (".", "")
    window = place.facts.window[-len(facts.strip) :]
    letter = dict(zip(window, facts.strip[-len(window) :], strict=True)).get(previous, ABSENT)
    if letter == ABSENT:
        page = urls.run_page(replace(place.run.key, runname=previous))
        run = previous, urls.relative(path, page)
        return ("New in this run: it was not among the tests of ", ""), run, (".", "")
    before = previous, _other_run(place, test, path, previous)
    return ("New in this run; in ", ""), before, (f": {words.mark(letter)[2]}.", "")


def _neighbours(place: RunPlace, index: int, path: str) -> dict[str, object]:
    tests = place.run.tests
    before, after = place.bad_neighbours[index]
    top = place.toplevels.get(tests[index].testname) if tests[index].item_path else None
    return {
        "bad_before": _named(place, path, before),
        "bad_after": _named(place, path, after),
        "parent": _named(place, path, top if top is not None else -1),
    }


def _named(place: RunPlace, path: str, index: int) -> tuple[str, str] | None:
    if index < 0:
        return None
    test = place.run.tests[index]
    return test_label(test.name), place.test_link(path, test)


def _went_wrong(
    logs: Sequence[LogRecord], test: Test, letter: str, run: Run, path: str
) -> tuple[dict[str, object] | None, int]:
    """The finding that speaks for the test, and how many more there are in all its logs."""
    first = first_finding(logs, test.steps)
    if first is None:
        return None, 0
    log, found = first
    page = urls.relative(path, urls.log_page(run.key, test.name, log.name)) if log.blob else ""
    return _excerpt(found, log, page, path), max(sum(each.finding_count for each in logs) - 1, 0)


def _excerpt(found: Finding, log: LogRecord, page: str, path: str) -> dict[str, object]:
    lines = found.excerpt.split("\n")
    rows: list[tuple[int | str, str, str]] = [
        (found.first_line + i, text, f"{page}#L{found.first_line + i}" if page else "")
        for i, text in enumerate(lines[:EXCERPT_LINES])
    ]
    if len(lines) == 1 and found.last_line > found.first_line:
        # One line speaks for all of a traceback; which of them it is, nobody noted.
        _, text, link = rows[0]
        rows = [(f"{found.first_line}–{found.last_line}", text, link)]
    return {
        "rows": tuple(rows),
        "log": log.name,
        "href": f"{page}#L{found.first_line}" if page else "",
        "rule": found.rule,
        "means": rule_link(path, found.rule),
        "title": found.title,
        "link": words.web_link(found.link),
        "level": found.level,
        "cut": len(lines) - len(rows),
    }


def _facts_of(
    log: LogRecord, run: Run, test: Test, path: str
) -> tuple[str, tuple[dict[str, object], ...]]:
    """(name of the log, its tables)."""
    page = urls.relative(path, urls.log_page(run.key, test.name, log.name)) if log.blob else ""
    return log.name, shown_facts(log, page)


def _logs_note(test: Test, logs: Sequence[LogRecord]) -> str:
    """What is to be said of the run directory, or why there is no log; '' when all is well."""
    note = next((log.note for log in logs if log.kind == _RUN_DIRECTORY), "")
    if test.toplevel and not logs:
        return "Logs stand on the pages of its items."
    if test.state == "NOT_STARTED" and len(logs) <= bool(note):
        return "It did not start, so there is no log."
    if note:
        return f"{words.upper_first(note)}."
    return "" if logs else "No log of this test was found."


def _log_row(
    log: LogRecord, run: Run, test: Test, path: str, depth: Depth
) -> tuple[str, str, str, str, str, str, str]:
    """(name, link, raw link, kind, size and lines, what was found, notes)."""
    page = urls.relative(path, urls.log_page(run.key, test.name, log.name)) if log.blob else ""
    extent = f"{words.size(log.size)} · {words.plural(log.lines, 'line')}" if log.blob else ""
    found = words.plural(log.finding_count, "finding") if log.finding_count else ""
    notes = [note for note in (log.note, log.ended) if note]
    masked = sum(log.redacted.values())
    if masked:
        rules = ", ".join(f"{name} {log.redacted[name]}" for name in sorted(log.redacted))
        notes.append(f"{words.plural(masked, 'secret')} masked ({rules})")
    if log.broken_bytes:
        notes.append(f"{words.plural(log.broken_bytes, 'broken byte')}")
    raw = depth.to_root + log.blob if log.blob else ""
    return log.name, page, raw, log.kind, extent, found, " · ".join(notes)


def _data(
    data: Sequence[TestDatum],
) -> tuple[tuple[dict[str, object], ...], int, int]:
    """Rows with what is out of tolerance first, how many there are, how many are out."""
    if not data:
        return (), 0, 0
    wrong = [d for d in data if (d.status or "").strip().lower() in _OUT_OF_TOLERANCE]
    rest = [d for d in data if (d.status or "").strip().lower() not in _OUT_OF_TOLERANCE]
    rows = tuple(_datum(d) for d in [*wrong, *rest][:MAX_DATA])
    return rows, len(data), len(wrong)


def _datum(datum: TestDatum) -> dict[str, object]:
    status = (datum.status or "").strip()
    letter = {"pass": "P", "fail": "F", "error": "F", "warn": "W", "": "N", "n/a": "N"}
    style, symbol, _ = words.mark(letter.get(status.lower(), "C"))
    tol = datum.tol
    limit = ""
    if tol is not None and tol != "":
        limit = words.scalar(tol) if isinstance(tol, str) else f"± {words.scalar(tol)}"
    return {
        "letter": style,
        "symbol": symbol,
        "word": status or "not judged",
        "category": datum.category,
        "variable": datum.variable,
        "value": words.scalar(datum.value),
        "expected": words.scalar(datum.expected),
        "tol": limit,
        "units": datum.units,
        "gauge": charts.gauge(datum),
        "comment": datum.comment,
        "type": datum.type,
    }


def _items(
    place: RunPlace, test: Test, path: str
) -> tuple[tuple[tuple[str, str, str, str, str, str], ...], int]:
    """Items of a toplevel row as (style, symbol, word, item path, link, took), worst first."""
    if not test.toplevel:
        return (), 0
    indices = place.items.get(test.testname, ())
    order = sorted(indices, key=lambda i: -words.rank(place.letters[i]))
    rows = []
    for i in order[:MAX_ITEMS]:
        item = place.run.tests[i]
        style, symbol, word = words.mark(place.letters[i])
        link = place.test_link(path, item)
        rows.append((style, symbol, word, item.item_path, link, words.took(item)))
    return tuple(rows), len(indices)


def _environment(place: RunPlace, test: Test) -> tuple[tuple[str, str], ...]:
    """(label, value) of where it ran; what the rows don't say is left out."""
    rows = [*place.keys, ("host", test.host), ("system", test.uname)]
    if test.cpuload is not None and test.cpuload >= 0:
        rows.append(("CPU load", words.scalar(test.cpuload)))
    if test.diskfree is not None and test.diskfree >= 0:
        rows.append(("disk free", words.size(test.diskfree * 1024)))
    if test.attemptnum and test.attemptnum > 0:
        rows.append(("process id", str(test.attemptnum)))
    if test.state != "NOT_STARTED":
        rows += [("run directory", test.rundir), ("final log", test.final_logf)]
    if test.archived:
        rows.append(("archive block", str(test.archived)))
    return tuple((label, value) for label, value in rows if value and value != "n/a")
