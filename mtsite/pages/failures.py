"""The rows of a run's page for what went wrong: new first, equal failures together. Pure."""

from collections import Counter
from collections.abc import Mapping, Sequence

from mtsite import urls
from mtsite.model import Run, RunFacts, RunRecord, RunSummary, Test, TestFacts, TestName
from mtsite.pages import words
from mtsite.rollup import first_finding

MAX_ROWS = 500
_CHANGE_ORDER = {"new": 0, "still": 1, "": 2}
_NO_FACTS = TestFacts()

FirstLine = tuple[str, str, str]
"""(the first failing line, link to it, hash of the line without its numbers)."""


def bad_indices(run: Run, letters: Sequence[str]) -> list[int]:
    """The counted tests that went wrong, in the order of the run."""
    return [
        i
        for i, test in enumerate(run.tests)
        if letters[i] in words.BAD_LETTERS and not test.toplevel
    ]


def rows(
    run: Run, letters: Sequence[str], record: RunRecord, facts: RunFacts, summary: RunSummary
) -> tuple[dict[str, object], ...]:
    """At most 500 rows: new, then still bad; equal first lines together, the largest group first.

    A row whose first line equals that of the row above has `ditto` set.
    """
    path = urls.run_page(run.key)
    lines = {(f.testname, f.item_path): f.line for f in summary.failures}
    found = {
        i: _first_line(run, run.tests[i], record, lines, path) for i in bad_indices(run, letters)
    }
    sizes = Counter(line[2] for line in found.values() if line[2])

    def order(i: int) -> tuple[int, int, str, int, int]:
        change = facts.tests.get(run.tests[i].name, _NO_FACTS).change
        masked = found[i][2]
        return (
            _CHANGE_ORDER.get(change, 2),
            -sizes.get(masked, 0),
            masked,
            -words.rank(letters[i]),
            i,
        )

    made = []
    above = ""
    bad_items = _bad_items(run, letters)
    for i in sorted(found, key=order)[:MAX_ROWS]:
        line = found[i]
        row = _row(run.tests[i], letters[i], line, facts, urls.relative(path, _page(run, i)))
        row["silence"] = "" if line[0] else _silence(run.tests[i], record)
        row["ditto"] = bool(line[2]) and line[2] == above
        row["alike"] = sizes.get(line[2], 1)
        row["of_items"] = bad_items.get(run.tests[i].testname, "") if run.tests[i].item_path else ""
        made.append(row)
        above = line[2]
    return tuple(made)


def _page(run: Run, index: int) -> str:
    return urls.test_page(run.key, run.tests[index].name)


def _row(test: Test, letter: str, line: FirstLine, facts: RunFacts, link: str) -> dict[str, object]:
    style, symbol, word = words.mark(letter)
    past = facts.tests.get(test.name, _NO_FACTS)
    usual = past.usual
    took = test.run_duration
    return {
        "letter": style,
        "symbol": symbol,
        "word": word,
        "testname": test.testname,
        "item_path": test.item_path,
        "href": link,
        "change": "flaky" if past.flaky and past.change != "new" else past.change,
        "since": past.since if past.change == "still" else "",
        "since_runs": f"{past.since_runs}+" if past.capped else str(past.since_runs),
        "line": line[0],
        "line_href": line[1],
        "strip": words.joined(past.strip[-10:]),
        "strip_label": words.strip_words(past.strip[-10:]) if past.strip else "",
        "took": words.took(test),
        "slower": bool(usual and took and took > usual * 1.5 and took - usual >= 5),
        "host": test.host,
    }


def _silence(test: Test, record: RunRecord) -> str:
    """Why there is no failing line to show."""
    if test.state == "NOT_STARTED":
        waited = test.status in {"PREQ_FAIL", "PREQ_DISCARDED"}
        return f"did not start{': a test that it waits for went wrong' if waited else ''}"
    kept = record.tests.get(test.name)
    if kept is None or not any(log.blob for log in kept.logs):
        return "no log was found"
    return "no failing line was found in its logs"


def _first_line(
    run: Run, test: Test, record: RunRecord, lines: Mapping[TestName, str], path: str
) -> FirstLine:
    kept = record.tests.get(test.name)
    first = first_finding(kept.logs if kept else (), test.steps)
    if first is not None:
        log, found = first
        page = urls.relative(path, urls.log_page(run.key, test.name, log.name)) if log.blob else ""
        link = f"{page}#L{found.first_line}" if page else ""
        return words.first_line(found.excerpt), link, found.masked
    line = lines.get(test.name) or test.comment
    return words.first_line(line), "", ""


def _bad_items(run: Run, letters: Sequence[str]) -> dict[str, str]:
    """Testname → '3 of 12 items' for iterated tests."""
    items: Counter[str] = Counter()
    wrong: Counter[str] = Counter()
    for i, test in enumerate(run.tests):
        if test.item_path:
            items[test.testname] += 1
            wrong[test.testname] += letters[i] in words.BAD_LETTERS
    return {name: f"{wrong[name]} of {words.plural(items[name], 'item')}" for name in items}
