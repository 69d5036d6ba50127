"""Tests × runs: rows in the order of interest, equal neighbours joined; a window on its own page.

    failing now, newest broken first → flaky → changed → steady → always passed

Only the last are left out of the table where they are many: they are a sentence and a list.
"""

from collections.abc import Iterable, Sequence
from itertools import groupby
from operator import attrgetter
from zoneinfo import ZoneInfo

from msgspec import Struct

from mtsite import urls
from mtsite.model import RunKey, RunSummary
from mtsite.pages import charts, compare, gridparts, metric, words
from mtsite.pages.dates import day_of
from mtsite.pages.page import Grid, GridRow, NodeSummary, SiteFrame, crumbs_to, frame_context
from mtsite.rollup import ABSENT, FLAKY_SWITCHES, judged, switches

EDITION = 6
TEMPLATE = "grid.html"

WINDOWS = (30, 100)
"""Newest runs on one page; older ones are on the pages of months, at most 100 on each."""

FLAKY_RUNS = 30
SECTION_ROWS = 50
CALM_ROWS = 40
_RECENT = 5
_OPEN = frozenset({"R", "N", ABSENT})
_HEADINGS = {
    "failing": "failing now, newest broken first",
    "flaky": f"flaky: {FLAKY_SWITCHES} or more switches in {FLAKY_RUNS} runs",
    "changed": "changed in this window, good now",
    "steady": "the same in every run that had them",
}

_NO_START = "no start time"
_LETTERS = 3
"""So many letters of a head are as wide as a run."""

Head = tuple[str, tuple[tuple[str, str, int], ...], bool]
"""(label, cells of (short text, text, how many runs it spans), whether its texts stand upright)."""

Cell = tuple[str, str, int, str, str]
"""(style, symbol or number, how many runs it spans, link or '', what it says in words)."""

Row = tuple[str, str, str, tuple[Cell, ...], str, tuple[str, str]]
"""(testname, item path, link to its history, cells, marks, (initials of its owner, owner))."""


class Ranked(Struct, frozen=True):
    """A row with what decides its place: `kind` is its group, `marks` what filters look at."""

    row: GridRow
    kind: str
    marks: str
    order: tuple[int, int, tuple[str, str]]


def ranked(rows: Sequence[GridRow]) -> list[Ranked]:
    """All rows in the order of interest."""
    return sorted((_rank(row) for row in rows), key=attrgetter("order"))


def _rank(row: GridRow) -> Ranked:
    strip = row.strip
    letters = set(strip) - _OPEN
    bad = judged(strip)
    failing = bool(bad) and bad[0]
    flaky = switches(strip[:FLAKY_RUNS]) >= FLAKY_SWITCHES
    changed = len(letters) > 1
    marks = "".join(mark for mark, is_so in (("f", failing), ("x", flaky), ("c", changed)) if is_so)
    if failing:
        kind, first = "failing", bad.index(False) if False in bad else len(bad)
        return Ranked(row, kind, marks, (0, first, row.name))
    if flaky:
        return Ranked(row, "flaky", marks, (1, -switches(strip), row.name))
    if changed:
        newest = next(letter for letter in strip if letter in letters)
        since = next(i for i, letter in enumerate(strip) if letter in letters - {newest})
        return Ranked(row, "changed", marks, (2, since, row.name))
    if letters == {"P"}:
        return Ranked(row, "always", "", (4, 0, row.name))
    return Ranked(row, "steady", "", (3, 0, row.name))


def parts_of(rows: Sequence[Ranked], grid: Grid) -> list[Sequence[Ranked]]:
    """The rows of each page of a grid, all of which these are: one page, or parts of 600 kB."""
    weights = gridparts.Weights(grid.runs, grid.owners, joined=True)
    return gridparts.divide(rows, lambda one: weights.row(one.row), weights.room, _alike)


def _alike(one: Ranked, other: Ranked) -> bool:
    return (one.kind == "always") == (other.kind == "always")


class Window(Struct, frozen=True):
    """One page of a window: which ('30', '2026-11'), which part of how many, and all windows.

    `months` are the pages of months, newest first; `first` is how many rows stand before.
    """

    name: str
    part: int = 1
    parts: int = 1
    months: tuple[str, ...] = ()


def context(
    frame: SiteFrame, node: NodeSummary, grid: Grid, rows: Sequence[Ranked], window: Window
) -> dict[str, object]:
    """One page of a window with `rows`, a part of those of the grid; of `node` only the names."""
    path = urls.grid_page(node.area, node.values, window.name, window.part)
    crumbs = crumbs_to(path, node.area, node.values, node.keys)
    target = "/".join(value or urls.EMPTY_KEY_VALUE for value in node.values)
    said = _window_words(grid, window)
    lead = _lead(grid)
    shown = frame_context(
        frame, path, crumbs, title=f"grid · {said} · {target} · {node.area}", description=lead
    )
    shown |= {
        "area": node.area,
        "target": target,
        "lead": lead,
        "window": said,
        "span": window.name[:10] if window.name[:4].isdigit() and "-" in window.name else "",
        "windows": windows(path, node, window.name, window.months),
        "parts": tuple(
            (str(n), urls.relative(path, urls.grid_page(node.area, node.values, window.name, n)), n)
            for n in range(1, window.parts + 1)
        )
        if window.parts > 1
        else (),
        "part": window.part,
        "zone": frame.timezone,
    }
    return shown | table(frame, path, node, grid, rows)


def _window_words(grid: Grid, window: Window) -> str:
    runs = words.plural(len(grid.runs), "run")
    if window.name.isdigit():
        return f"the last {runs}" if len(grid.runs) > 1 else "the only run"
    month, _, block = window.name.partition("-b")
    return f"{runs} of {month}" + (f", part {block}" if block else "")


def _lead(grid: Grid) -> str:
    """How many tests, which side is new, and what moved lately."""
    recent = min(len(grid.runs), _RECENT)
    lead = f"{words.plural(len(grid.rows), 'test')}, newest run left."
    if recent < 2:
        return lead
    return f"{lead} {_moved(grid.rows, recent)} changed state in the last {recent}."


def windows(
    path: str, node: NodeSummary, current: str, months: Sequence[str]
) -> tuple[tuple[str, str, bool], ...]:
    """Links to the windows of a target as (label, link, whether it is this one)."""

    def link(name: str) -> str:
        return urls.relative(path, urls.grid_page(node.area, node.values, name))

    newest = [(str(n), link(str(n)), current == str(n)) for n in WINDOWS]
    return (*newest, *((month, link(month), current == month) for month in months))


def table(
    frame: SiteFrame,
    path: str,
    node: NodeSummary,
    grid: Grid,
    rows: Sequence[Ranked],
    room: int = gridparts.MOST_ROWS,
) -> dict[str, object]:
    """What `run_grid.html` shows of these rows, `room` of them at most."""
    calm = [one.row for one in rows if one.kind == "always"]
    loud = [one for one in rows if one.kind != "always"]
    shown = loud[:room]
    beside = calm if len(calm) <= min(CALM_ROWS, room - len(shown)) else []
    everything = rows if len(rows) == len(grid.rows) else ranked(grid.rows)
    kinds = {kind: sum(one.kind == kind for one in everything) for kind in (*_HEADINGS, "always")}
    marks = {mark: sum(mark in one.marks for one in everything) for mark in "fcx"}
    recent = grid.runs[:_RECENT]
    there = {one.kind for one in shown}

    def anchor(kind: str) -> str:
        return f"#{kind}" if kind in there else "#grid"

    return {
        "columns": tuple(column(path, run, grid.runs) for run in grid.runs),
        "heads": _heads(frame, grid),
        "wide": wide(len(grid.runs)) + (" metric" if grid.metric else ""),
        "metric": grid.metric,
        "groups": _groups(path, node, grid, shown, kinds),
        "calm": tuple(_row(path, node, row, grid, "") for row in beside),
        "calm_names": tuple(_name(path, node, row) for row in calm) if not beside else (),
        "calm_total": words.plural(kinds["always"], "test"),
        "calm_said": "always passed in this window",
        "calm_count": kinds["always"],
        "chips": (
            ("", "All", words.number(len(grid.rows)), "#grid"),
            ("f", "Only failing", words.number(marks["f"]), anchor("failing")),
            ("c", "Only changed", words.number(marks["c"]), anchor("changed")),
            ("x", "Flaky", words.number(marks["x"]), anchor("flaky")),
        ),
        "grid_total": words.number(len(grid.rows)),
        "grid_shown": words.number(len(shown) + len(beside)),
        "grid_hidden": len(loud) - len(shown),
        "grid_changed": _moved(grid.rows, len(recent)),
        "grid_recent": len(recent),
        "legend": legend(grid.rows),
        "cells_shard": urls.relative(path, urls.grid_file(node.area, node.values, "cells.js")),
        "compare": urls.relative(path, compare.PATH),
    }


def wide(columns: int) -> str:
    """The classes of a table with so many runs, at most 109: they give it its width."""
    return f"t{columns // 10} u{columns % 10}"


def _changed(rows: Sequence[GridRow], recent: int) -> int:
    return sum(len(set(row.strip[:recent]) - _OPEN) > 1 for row in rows)


def _moved(rows: Sequence[GridRow], recent: int) -> str:
    moved = _changed(rows, recent)
    return words.plural(moved, "test") if moved else "No test"


def _groups(
    path: str,
    node: NodeSummary,
    grid: Grid,
    rows: Sequence[Ranked],
    kinds: dict[str, int],
) -> tuple[dict[str, object], ...]:
    """Groups of rows, each in sections of 50 that a browser lays out as they come into view."""
    found = []
    for kind, same in groupby(rows, key=attrgetter("kind")):
        made = [_row(path, node, one.row, grid, one.marks) for one in same]
        sections = [made[i : i + SECTION_ROWS] for i in range(0, len(made), SECTION_ROWS)]
        said = f"{words.plural(kinds[kind], 'test')} {_HEADINGS[kind]}"
        found.append({"kind": kind, "said": said, "sections": sections})
    return tuple(found)


def _heads(frame: SiteFrame, grid: Grid) -> tuple[Head, ...]:
    """Rows above the grid: equal neighbours are joined."""
    zone = ZoneInfo(frame.timezone)
    days = [day_of(run.event_time, zone) if run.event_time else "" for run in grid.runs]
    months = merged((day[:7], day[:7] or _NO_START) for day in days)
    rows = [
        head(
            "month",
            [(short if span > 1 else short[5:], month, span) for short, month, span in months],
        ),
        head("day", merged((day[8:] or "–", day or _NO_START) for day in days)),
    ]
    for name in grid.heads:
        values = (str(getattr(run, name)) for run in grid.runs)
        rows.append(head(name, merged((value, value) for value in values)))
    return tuple(rows)


def head(label: str, cells: Iterable[tuple[str, str, int]]) -> Head:
    """A row above the grid; its texts stand upright where one is wider than its columns."""
    row = tuple(cells)
    upright = any(len(short) > 1 + _LETTERS * span for short, _, span in row)
    return label, row, upright


def merged(values: Iterable[tuple[str, str]]) -> tuple[tuple[str, str, int], ...]:
    """Cells of a head as (short text, text, span): equal neighbours are one."""
    return tuple((short, text, len(list(same))) for (short, text), same in groupby(values))


def column(path: str, run: RunSummary, runs: Sequence[RunSummary]) -> dict[str, object]:
    """The head of a run's column, beside those of `runs`."""
    style, symbol, word = words.mark(run.verdict)
    most = max((words.total(one.counts) for one in runs), default=0)
    state = ""
    if run.gone:
        state = "gone"
    elif run.counts.get("R"):
        state = "running"
    elif run.counts.get("N") or words.total(run.counts) * 2 < most:
        state = "partial"
    said = f"{run.key.runname}: {word}, {words.counted(run.counts) or 'no test'}"
    return {
        "letter": style,
        "symbol": symbol,
        "name": run.key.runname,
        "href": urls.relative(path, urls.run_page(run.key)),
        "state": state,
        "said": f"{said}, {words.when(run.event_time)[1]}" + (f" ({state})" if state else ""),
        "bar": charts.pass_bar(run.counts),
    }


def _name(path: str, node: NodeSummary, row: GridRow) -> tuple[str, str, str]:
    history = urls.relative(path, urls.history_page(node.area, node.values, row.name))
    return row.name[0], row.name[1], history


def _row(path: str, node: NodeSummary, row: GridRow, grid: Grid, marks: str) -> Row:
    """A test with its cells; equal neighbours are one."""
    runs = grid.runs
    cells: list[Cell] = []
    at = 0
    for letter, value, span in row.stretches(len(runs)):
        style, symbol, word = words.mark(letter)
        newest, oldest = runs[at], runs[at + span - 1]
        ends = newest.key.runname
        said = f"{ends}: {word}"
        if span > 1:
            said = f"{oldest.key.runname} … {ends}: {word}, {span} runs"
        if value is not None:
            symbol = f"{symbol}{words.THIN}{metric.short(grid.metric, value)}"
            said += f", {metric.told(grid.metric, value)}"
        if letter in {"P", ABSENT}:
            number = "" if value is None else metric.short(grid.metric, value)
            cells.append((style, number, span, "", said))
        else:
            key = RunKey(node.area, node.values, ends)
            link = urls.relative(path, urls.test_page(key, row.name))
            cells.append((style, symbol, span, link, said))
        at += span
    owner = grid.owners.get(row.name[0], "")
    whose = (metric.initials(owner), owner)
    return (*_name(path, node, row), tuple(cells), " ".join(marks), whose)


def legend(rows: Sequence[GridRow]) -> tuple[tuple[str, str, str], ...]:
    """Marks of the verdicts that occur, worst first."""
    present = {letter for row in rows for letter in row.strip}
    return tuple(words.mark(letter) for letter in (*words.WORST_FIRST, ABSENT) if letter in present)
