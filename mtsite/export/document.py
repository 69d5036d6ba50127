"""Runs as JSON, one at a time: schema mtsite/run-export/1 (docs/schemas/run-export-1.json).

Text whose bytes are not UTF-8 keeps them as lone surrogates (`\\udc80`), so that two names that
differ stay two. Numbers that JSON can't hold are text, as the reader gives them.
"""

import json
from collections.abc import Iterable, Iterator, Mapping

from mtsite.export.columns import (
    Columns,
    chosen,
    datum_values,
    step_values,
    test_values,
)
from mtsite.export.runs import ShownRun
from mtsite.model import Test, TestMeta
from mtsite.rollup import Verdict


def run_object(shown: ShownRun, columns: Columns) -> dict[str, object]:
    """A run with the columns that were chosen; the number of tests is `test_count` beside tests.

    Tests that lie in no database are None, not an empty list.
    """
    found: dict[str, object] = dict(chosen(shown.values, columns.runs))
    if columns.tests or columns.steps or columns.data:
        if "tests" in found:
            found["test_count"] = found.pop("tests")
        tests = [test_object(test, v, columns) for test, v in shown.tests()]
        found["tests"] = tests if shown.run is not None else None
    return found


def test_object(test: Test, verdict: Verdict, columns: Columns) -> dict[str, object]:
    """A test with its steps and data, as far as they were chosen."""
    found: dict[str, object] = dict(chosen(test_values(test, verdict), columns.tests))
    if columns.steps:
        found["steps"] = [chosen(step_values(step), columns.steps) for step in test.steps]
    if columns.data:
        found["data"] = [chosen(datum_values(datum), columns.data) for datum in test.data]
    return found


def whole_run(shown: ShownRun, columns: Columns) -> dict[str, object]:
    """All that the rows of a run say: for `run export`."""
    assert shown.run is not None
    found = run_object(shown, columns)
    tests = found.pop("tests")
    keys = dict(zip(shown.head.keys, shown.head.key.target, strict=False))
    meta = {name: _meta(one) for name, one in sorted(shown.run.meta.items())}
    return {
        **found,
        "keys": keys,
        "attributes": [{"name": name, "value": value} for name, value in shown.run.attributes],
        "changed_while_read": shown.run.in_flight_read,
        "meta": meta,
        "tests": tests,
    }


def _meta(meta: TestMeta) -> Mapping[str, object]:
    return {
        "author": meta.author,
        "owner": meta.owner,
        "description": meta.description,
        "reviewed": meta.reviewed,
        "tags": list(meta.tags),
        "jobgroup": meta.jobgroup,
    }


def document(schema: str, objects: Iterable[Mapping[str, object]]) -> Iterator[str]:
    """The pieces of one JSON document with these runs, each piece as soon as its run is known."""
    yield f'{{"schema": {json.dumps(f"mtsite/{schema}/1")}, "runs": ['
    between = "\n"
    for one in objects:
        yield between + json.dumps(one, ensure_ascii=True)
        between = ",\n"
    yield "\n]}\n"
