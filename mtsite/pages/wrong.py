"""What went wrong: the lines around the first finding, the rule, who else has the same error."""

from collections.abc import Sequence

from mtsite import urls
from mtsite.model import Finding, LogRecord
from mtsite.pages import cluster, words
from mtsite.pages.catalogue import rule_link
from mtsite.pages.place import RunPlace, test_label
from mtsite.rollup import first_finding

EXCERPT_LINES = 12

Row = tuple[int | str, str, str, bool]
"""(number or numbers of lines, text, link to them, whether the finding itself is there)."""


def shown(
    place: RunPlace, index: int, logs: Sequence[LogRecord], path: str
) -> dict[str, object] | None:
    """The excerpt of the finding that speaks for the test; None where no log has one."""
    test = place.run.tests[index]
    first = first_finding(logs, test.steps)
    if first is None:
        return None
    log, found = first
    page = urls.relative(path, urls.log_page(place.run.key, test.name, log.name))
    page = page if log.blob else ""
    rows = _rows(found, log, page)
    said = found.excerpt.count("\n") + 1
    return {
        "rows": rows,
        "log": log.name,
        "href": f"{page}#L{found.first_line}" if page else "",
        "rule": found.rule,
        "means": rule_link(path, found.rule),
        "title": found.title,
        "link": words.web_link(found.link),
        "level": found.level,
        "cut": 0 if log.around else said - len(rows),
        "more": max(sum(each.finding_count for each in logs) - 1, 0),
        "same": _same_error(place, index, path),
        "cluster": _cluster(place, index, found, path),
    }


def _rows(found: Finding, log: LogRecord, page: str) -> tuple[Row, ...]:
    def link(number: int) -> str:
        return f"{page}#L{number}" if page else ""

    if log.around and log.findings and found == log.findings[0]:
        return _with_gap(
            [
                (number, text, link(number), found.first_line <= number <= found.last_line)
                for number, text in log.around
            ]
        )
    lines = found.excerpt.split("\n")
    if len(lines) == 1 and found.last_line > found.first_line:
        # One line speaks for all of a traceback; which of them it is, nobody noted.
        numbers = f"{found.first_line}–{found.last_line}"
        return ((numbers, lines[0], link(found.first_line), True),)
    return tuple(
        (found.first_line + i, text, link(found.first_line + i), True)
        for i, text in enumerate(lines[:EXCERPT_LINES])
    )


def _with_gap(rows: list[Row]) -> tuple[Row, ...]:
    """The rows with one between that says how many lines are left out."""
    made: list[Row] = []
    for row in rows:
        before = made[-1][0] if made else row[0]
        assert isinstance(row[0], int) and isinstance(before, int)
        if row[0] - before > 1:
            made.append(("⋯", words.plural(row[0] - before - 1, "line"), "", False))
        made.append(row)
    return tuple(made)


def _cluster(place: RunPlace, index: int, found: Finding, path: str) -> str:
    """The link to all failures that are nearly the same; '' for what is no failure."""
    kept = place.kept_of(index)
    line = words.failing_line(found.excerpt)
    if kept is None or not kept.why or not line:
        return ""
    return cluster.link(path, place.alike.of(line)[0])


def _same_error(
    place: RunPlace, index: int, path: str
) -> tuple[str, tuple[tuple[str, str], ...]] | None:
    """('41 tests of this run', the first of the others with their links); None for no other."""
    count, others = place.same_error(index)
    if count < 2:
        return None
    tests = [place.run.tests[i] for i in others]
    links = tuple((test_label(one.name), place.test_link(path, one)) for one in tests)
    return f"{words.number(count)} tests of this run", links
