"""The grid of a target for programs (JSON, CSV) and for scripts (two shards). Pure.

`grid.js` has the strips of the newest 100 runs; `cells.js` why tests went wrong and how long they
took in the newest 30: it is fetched when a reader first asks.
"""

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby

from mtsite import csvtext, urls
from mtsite.model import RunSummary, TestName
from mtsite.pages import words
from mtsite.pages.page import Grid, GridRow, NodeSummary

SCHEMA = "mtsite/grid/1"
MOST_REASONS = 10_000
_LONE = re.compile("[\ud800-\udfff]")

Reason = tuple[str, str, int, str]
Outcomes = Mapping[TestName, tuple[str, int | None]]


def twin(node: NodeSummary, grid: Grid) -> dict[str, object]:
    """The newest 100 runs × all tests: one letter for each, '.' where the run has not the test.

    A grid with a metric has its name, and what it was in each run.
    """
    return {
        "schema": SCHEMA,
        **({"metric": _readable(grid.metric)} if grid.metric else {}),
        "area": _readable(node.area),
        "target": {
            _readable(key): _readable(value)
            for key, value in zip(node.keys, node.values, strict=False)
        },
        "letters": dict(words.WORDS),
        "runs": [
            {
                "runname": _readable(run.key.runname),
                "address": urls.run_page(run.key),
                "event_time": run.event_time,
                "verdict": run.verdict,
                "counts": dict(run.counts),
            }
            for run in grid.runs
        ],
        "tests": [
            {
                "testname": _readable(row.name[0]),
                "item_path": _readable(row.name[1]),
                "verdicts": row.strip,
                **({"values": _values(grid, row)} if grid.metric else {}),
            }
            for row in grid.rows
        ],
    }


def table(grid: Grid) -> str:
    """The same as CSV: a test per line, a run per column, verdicts in words.

    What a metric was follows in as many columns again, named 'ww47.5 duration'.
    """
    names = [run.key.runname for run in grid.runs]
    measured = [f"{name} {grid.metric}" for name in names] if grid.metric else []
    lines = [csvtext.line(["testname", "item_path", *names, *measured])]
    for row in grid.rows:
        said = (words.WORDS[letter] if letter != "." else "" for letter in row.strip)
        values = _values(grid, row) if grid.metric else ()
        shown = ("" if value is None else f"{value:.15g}" for value in values)
        lines.append(csvtext.line([*row.name, *said, *shown]))
    return "".join(lines)


def _values(grid: Grid, row: GridRow) -> list[float | None]:
    """What the metric was in each run; None where it was not measured, or is no finite number."""
    known = (*row.values, *(None for _ in grid.runs))[: len(grid.runs)]
    return [value if value is not None and math.isfinite(value) else None for value in known]


def strips(runs: Sequence[RunSummary], tests: Iterable[tuple[TestName, str]]) -> dict[str, object]:
    """The first shard: runs newest first, and each test with its letters, 'F7P23' for seven F."""
    return {
        "schema": "mtsite/shard-strips/1",
        "runs": [
            [_readable(run.key.runname), urls.segment(run.key.runname), run.event_time, run.verdict]
            for run in runs
        ],
        "tests": [[_readable(name[0]), _readable(name[1]), joined(strip)] for name, strip in tests],
    }


def joined(strip: str) -> str:
    """Letters with how many of them follow each other: 'FFFP' is 'F3P'."""
    parts = ((letter, len(list(same))) for letter, same in groupby(strip))
    return "".join(f"{letter}{n if n > 1 else ''}" for letter, n in parts)


def cells(
    runnames: Sequence[str],
    outcomes: Sequence[Outcomes],
    reasons: Sequence[Mapping[TestName, Reason]],
    known: Sequence[Mapping[TestName, str]],
) -> dict[str, object]:
    """The second shard: durations of each test by run, and reasons as
    [run, state, log's segment, line, number of the text], and of what is known of it, if it is."""
    texts: dict[str, int] = {}
    why: dict[TestName, list[list[object]]] = {}
    room = MOST_REASONS
    for at, (found, titles) in enumerate(zip(reasons, known, strict=True)):
        for name, (state, log, line, text) in list(found.items())[:room]:
            number = texts.setdefault(_readable(text), len(texts))
            segment = urls.segment(log) if log else ""
            said = [at, _readable(state), segment, line, number]
            if name in titles:
                said.append(texts.setdefault(_readable(titles[name]), len(texts)))
            why.setdefault(name, []).append(said)
            room -= 1
    names = sorted({name for column in outcomes for name in column})
    tests = []
    for name in names:
        took = ",".join(_took(column.get(name)) for column in outcomes).rstrip(",")
        tests.append([_readable(name[0]), _readable(name[1]), took, why.get(name, [])])
    return {
        "schema": "mtsite/shard-cells/1",
        "runs": [_readable(name) for name in runnames],
        "texts": list(texts),
        "tests": tests,
    }


def _took(outcome: tuple[str, int | None] | None) -> str:
    return "" if outcome is None or outcome[1] is None else str(outcome[1])


def _readable(text: str) -> str:
    return _LONE.sub("\ufffd", text)
