"""The JSON twin of the front page, an area, a key level and a target: schema mtsite/node/1.

One form for all four; `kind` is site, area, level or target:

    {"schema", "kind", …node, "children": [node …], "latest": [run …], "months": [month …],
     "unsteady": {"window", "totals": {"broken", "flaky", "fixed"}, "tests": [test …]} or null}
    node:  {"area", "target": [{"key", "value"} …], "address", "title", "verdict", "counts": {},
            "targets", "bad_targets", "runs", "coming", "held", "satellite_of", "new", "still",
            "fixed", "known", "log_bytes", "expected_seconds", "late_seconds",
            "newest": run or null, "trend": [{"day", "good", "total"} …],
            "pointers": {"latest": address …}, "problems": [text …]}
    run:   {"area", "target": [value …], "runname", "address", "verdict", "counts": {}, "new",
            "still", "fixed", "known", "event_time", "end_time", "owner", "contour", "comment",
            "log_bytes"}
    month: {"month", "runs", "address"}
    test:  {"kind": broken, flaky or fixed, "area", "target": [value …], "testname", "item_path",
            "address" of its history, "verdict", "switches", "possible", "since", "runs", "open"}

Complete where the page is cut: every child is there, and they add up to the node. An address is a
path from the root of the site; times are Unix seconds or null. Bytes of a name that are not UTF-8
become U+FFFD, as on the page; `address` keeps such names apart.
"""

import re
from collections.abc import Sequence

from mtsite import urls
from mtsite.model import RunSummary
from mtsite.pages.page import NodeSummary
from mtsite.pages.unsteady import Target, ranked
from mtsite.stability import KINDS, WINDOW, Stability, Unsteady

SCHEMA = "mtsite/node/1"
MOST_UNSTEADY = 200
"""So many tests of each kind are told; all are counted."""

_LONE = re.compile("[\ud800-\udfff]")


def twin(
    node: NodeSummary,
    children: Sequence[NodeSummary] = (),
    latest: Sequence[RunSummary] = (),
    months: Sequence[tuple[str, int]] = (),
    unsteady: Sequence[tuple[Target, Stability]] | None = None,
) -> dict[str, object]:
    """A node with all that lies directly below it; `node.area` is '' for the site.

    `unsteady` is what is so in each target, None where nobody looked.
    """
    return {
        "schema": SCHEMA,
        "kind": _kind(node),
        **_node(node),
        "children": [_node(child) for child in children],
        "latest": [_run(run) for run in latest],
        "months": [
            {
                "month": month,
                "runs": runs,
                "address": urls.month_page(node.area, node.values, month),
            }
            for month, runs in months
        ],
        "unsteady": None if unsteady is None else _unsteady(unsteady),
    }


def _unsteady(found: Sequence[tuple[Target, Stability]]) -> dict[str, object]:
    """All are counted; of each kind those are told that pages list first."""
    totals = {kind: sum(one.totals[place] for _, one in found) for place, kind in enumerate(KINDS)}
    return {
        "window": WINDOW,
        "totals": totals,
        "tests": [
            _unsteady_test(target, test)
            for kind in KINDS
            for target, test in ranked(found, kind)[:MOST_UNSTEADY]
        ],
    }


def _unsteady_test(target: Target, test: Unsteady) -> dict[str, object]:
    area, values = target
    name = (test.testname, test.item_path)
    return {
        "kind": test.kind,
        "area": _text(area),
        "target": [_text(value) for value in values],
        "testname": _text(test.testname),
        "item_path": _text(test.item_path),
        "address": urls.history_page(area, values, name),
        "verdict": test.letter,
        "switches": test.switches,
        "possible": test.possible,
        "since": _text(test.since),
        "runs": test.runs,
        "open": test.open,
    }


def _kind(node: NodeSummary) -> str:
    if not node.area:
        return "site"
    if not node.values:
        return "area"
    return "target" if len(node.values) == len(node.keys) else "level"


def _node(node: NodeSummary) -> dict[str, object]:
    address = urls.area_page(node.area, node.values) if node.area else urls.index_page()
    return {
        "area": _text(node.area),
        "target": [
            {"key": _text(key), "value": _text(value)}
            for key, value in zip(node.keys, node.values, strict=False)
        ],
        "address": address,
        "title": _text(node.title),
        "verdict": node.verdict if node.newest else "N",
        "counts": dict(sorted(node.counts.items())),
        "targets": node.targets,
        "bad_targets": node.bad_targets,
        "runs": node.runs,
        "coming": node.coming,
        "held": node.held,
        "satellite_of": _text(node.satellite_of),
        "new": node.new,
        "still": node.still,
        "fixed": node.fixed,
        "known": node.known,
        "log_bytes": node.log_bytes,
        "expected_seconds": node.expected_seconds,
        "late_seconds": node.late_seconds,
        "newest": _run(node.newest) if node.newest else None,
        "trend": [{"day": day, "good": good, "total": total} for day, good, total in node.trend],
        "pointers": {
            which: urls.pointer_page(node.area, node.values, which) for which in node.pointers
        },
        "problems": [_text(problem) for problem in node.problems],
    }


def _run(run: RunSummary) -> dict[str, object]:
    return {
        "area": _text(run.key.area),
        "target": [_text(value) for value in run.key.target],
        "runname": _text(run.key.runname),
        "address": urls.run_page(run.key),
        "verdict": run.verdict,
        "counts": dict(sorted(run.counts.items())),
        "new": run.new,
        "still": run.still,
        "fixed": run.fixed,
        "known": run.known,
        "event_time": run.event_time,
        "end_time": run.end_time,
        "owner": _text(run.owner),
        "contour": _text(run.contour),
        "comment": _text(run.comment),
        "log_bytes": run.log_bytes,
    }


def _text(value: str) -> str:
    return _LONE.sub("\ufffd", value)
