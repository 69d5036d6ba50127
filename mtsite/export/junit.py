"""Runs as JUnit XML, for whatever reads that; `mtsite ingest junit` reads back the same run.

A test is a testsuite, its rows are testcases: FAIL and what else is bad is a failure, ABORT an
error, SKIP and what did not run are skipped. What JUnit can't say stands in the properties that
`junit.exact` describes. Logs and run directories stay where they are.
"""

import re
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from itertools import groupby
from xml.sax.saxutils import quoteattr

from mtsite.export.runs import ShownRun, name_of
from mtsite.junit import exact
from mtsite.model import Test
from mtsite.rollup import BAD, Verdict
from mtsite.spelled import number

_NO_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_ELEMENT = {"failure": "FAIL", "error": "ABORT", "skipped": "SKIP", "": "PASS"}
SHORT_COMMENT = 1000
"""Of a longer comment all is said exactly, too."""

_OPEN = frozenset({Verdict.SKIP, Verdict.NOT_RUN, Verdict.RUNNING})
Row = tuple[Test, Verdict]


def document(shown: Iterable[ShownRun]) -> Iterator[str]:
    """The pieces of one document with this run; several runs would not be one any more."""
    for one in shown:
        yield from _run(one)


def _run(shown: ShownRun) -> Iterator[str]:
    assert shown.run is not None
    rows = list(shown.tests())
    counted = [row for row in rows if not row[0].toplevel]
    yield '<?xml version="1.0" encoding="utf-8"?>\n'
    yield f"<testsuites name={_quoted(name_of(shown.head))}{_counts(counted)}>\n"
    said = exact.text_of(exact.said_of_run(shown.run))
    yield _properties([(exact.RUN_PROPERTY, said), *shown.run.attributes])
    for testname, group in groupby(rows, key=lambda row: row[0].testname):
        yield from _group(testname, list(group))
    yield "</testsuites>\n"


def _group(testname: str, rows: list[Row]) -> Iterator[str]:
    counted = [row for row in rows if not row[0].toplevel]
    yield f"<testsuite name={_quoted(testname)}{_counts(counted)}>\n"
    for test, _verdict in rows:
        if test.toplevel:
            said = exact.text_of(exact.said_of_test(test))
            yield _properties([(exact.TEST_PROPERTY, said)])
    for test, verdict in counted:
        yield _item(test, verdict)
    yield "</testsuite>\n"


def _item(test: Test, verdict: Verdict) -> str:
    name = test.item_path or test.testname
    element = _element(test, verdict)
    attributes = f" classname={_quoted(test.testname)} name={_quoted(name)}"
    if test.run_duration is not None:
        attributes += f' time="{test.run_duration}"'
    if test.event_time is not None:
        attributes += f' timestamp="{_time(test.event_time)}"'
    if test.host not in {"", "n/a"}:
        attributes += f" hostname={_quoted(test.host)}"
    values = [
        (_plain(datum.variable), "" if datum.value is None else _plain(str(datum.value)))
        for datum in test.data
    ]
    properties = list(exact.numbered(values))
    told = _differing(test, element, name, properties)
    if told:
        properties.append((exact.TEST_PROPERTY, exact.text_of(told)))
    inside = _properties(properties) if properties else ""
    if element:
        inside += f"<{element} message={_quoted(test.comment)}/>"
    return f"<testcase{attributes}>{inside}</testcase>\n"


def _element(test: Test, verdict: Verdict) -> str:
    if test.status == "ABORT" and verdict is Verdict.ABORT:
        return "error"
    if verdict in BAD:
        return "failure"
    return "skipped" if verdict in _OPEN else ""


def _differing(
    test: Test, element: str, name: str, properties: list[tuple[str, str]]
) -> exact.Said:
    """What the attributes alone would not give back."""
    given = {
        "testname": _plain(test.testname),
        "item_path": _plain(name),
        "state": "COMPLETED",
        "status": _ELEMENT[element],
        "host": _plain(test.host) or "n/a",
        "uname": "n/a",
        "cpuload": None,
        "diskfree": None,
        "attemptnum": 0,
        "run_duration": test.run_duration or 0,
        "comment": _plain(test.comment).strip()[:SHORT_COMMENT] if element else "",
        "event_time": -1 if test.event_time is None else test.event_time,
        "steps": [],
        "data": [
            ["property", name, number(value), None, None, "", "", "n/a", ""]
            for name, value in properties
        ],
    }
    told = exact.said_of_test(test)
    return {key: value for key, value in told.items() if given[key] != value}


def _counts(rows: list[Row]) -> str:
    kinds = [_element(*row) for row in rows]
    seconds = sum(test.run_duration or 0 for test, _verdict in rows)
    return (
        f' tests="{len(rows)}" failures="{kinds.count("failure")}"'
        f' errors="{kinds.count("error")}" skipped="{kinds.count("skipped")}" time="{seconds}"'
    )


def _properties(pairs: Iterable[tuple[str, str]]) -> str:
    inside = "".join(
        f"<property name={_quoted(name)} value={_quoted(value)}/>\n" for name, value in pairs
    )
    return f"<properties>\n{inside}</properties>\n"


def _quoted(text: str) -> str:
    # A line break in an attribute becomes a space unless it is written as a number.
    return quoteattr(_plain(text), {"\n": "&#10;", "\r": "&#13;", "\t": "&#9;"})


def _plain(text: str) -> str:
    return _NO_XML.sub("\ufffd", text)


def _time(epoch: int) -> str:
    return datetime.fromtimestamp(epoch, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
