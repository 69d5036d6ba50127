"""What the page of a night shows: all tests × the runs of one area that began in it.

A night is noon to noon, named by the day on which it begins. Runs stand by target, the newest of
a target first; where they are many the page has parts.
"""

from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from functools import lru_cache
from itertools import groupby
from zoneinfo import ZoneInfo

from msgspec import Struct

from mtsite import rollup, urls
from mtsite.model import RunSummary
from mtsite.pages import compare, grid, words
from mtsite.pages.dates import night_of
from mtsite.pages.page import GridRow, SiteFrame, crumbs_to, frame_context
from mtsite.rollup import ABSENT

EDITION = 5
TEMPLATE = "night.html"
MOST_RUNS = 100
_KINDS = {
    "failing": "that went wrong somewhere, most often first",
    "changed": "that came out differently",
    "steady": "alike wherever they ran",
}


class Shown(Struct, frozen=True):
    """One part of a night: its runs in the order of columns, and rows with a letter for each.

    `before` is the night before it that has runs, '' for none.
    """

    night: str
    runs: tuple[RunSummary, ...]
    rows: tuple[GridRow, ...]
    part: int = 1
    parts: int = 1
    before: str = ""


def link(frame: SiteFrame, path: str, area: str, event_time: int | None) -> tuple[str, str]:
    """(night, link to its page) of a run that began then; ('', '') where nobody knows when."""
    if not event_time:
        return "", ""
    night = _night(event_time, frame.timezone)
    return night, urls.relative(path, urls.night_page(area, night))


@lru_cache(maxsize=64)
def _night(event_time: int | None, timezone: str) -> str:
    return night_of(event_time, ZoneInfo(timezone))


def in_order(rows: Sequence[GridRow]) -> Iterator[tuple[str, list[GridRow]]]:
    """Kinds of rows with their rows: what went wrong in most runs first."""
    ordered = sorted(rows, key=_order)
    for place, same in groupby(ordered, key=lambda row: _order(row)[0]):
        yield (*_KINDS, "always")[place], list(same)


def _order(row: GridRow) -> tuple[int, int, tuple[str, str]]:
    wrong = sum(rollup.judged(row.strip))
    if wrong:
        return 0, -wrong, row.name
    letters = set(row.strip) - {"R", "N", ABSENT}
    return (1 if len(letters) > 1 else 3 if letters == {"P"} else 2), 0, row.name


def context(frame: SiteFrame, area: str, keys: Sequence[str], shown: Shown) -> dict[str, object]:
    """One part of a night's page."""
    path = urls.night_page(area, shown.night, shown.part)
    targets = {run.key.target for run in shown.runs}
    lead = (
        f"{words.plural(len(shown.rows), 'test')} × {words.plural(len(targets), 'target')},"
        f" {words.plural(len(shown.runs), 'run')}."
    )
    begins = date.fromisoformat(shown.night)
    after = begins + timedelta(days=1)
    title = f"night of {shown.night} · {area}"
    counts = rollup.add_counts(run.counts for run in shown.runs)
    style, symbol, word = words.mark(rollup.run_verdict(counts).value)
    title = f"{words.heading(symbol, word, counts)} · {title}"
    made = frame_context(frame, path, crumbs_to(path, area), title=title, description=lead)
    return made | {
        "letter": style,
        "symbol": symbol,
        "word": word,
        "area": area,
        "night": shown.night,
        "lead": f"{lead} {words.outcome(counts)}",
        "span": f"{shown.night} 12:00 to {after} 12:00 {frame.timezone}",
        "part": shown.part,
        "parts": tuple(
            (str(n), urls.relative(path, urls.night_page(area, shown.night, n)), n)
            for n in range(1, shown.parts + 1)
        )
        if shown.parts > 1
        else (),
        "before": shown.before,
        "before_href": urls.relative(path, urls.night_page(area, shown.before or shown.night)),
        **_table(path, keys, shown),
    }


def _table(path: str, keys: Sequence[str], shown: Shown) -> dict[str, object]:
    groups = []
    calm: list[GridRow] = []
    kinds = dict(in_order(shown.rows))
    for kind, rows in kinds.items():
        if kind == "always":
            calm = rows
            continue
        made = [_row(path, row, shown.runs) for row in rows]
        size = grid.SECTION_ROWS
        sections = [made[i : i + size] for i in range(0, len(made), size)]
        said = f"{words.plural(len(rows), 'test')} {_KINDS[kind]}"
        groups.append({"kind": kind, "said": said, "sections": sections})
    few = len(calm) <= grid.CALM_ROWS
    return {
        "metric": "",
        "wide": grid.wide(len(shown.runs)),
        "columns": tuple(grid.column(path, run, ()) for run in shown.runs),
        "heads": _heads(keys, shown.runs),
        "groups": tuple(groups),
        "calm": tuple(_row(path, row, shown.runs) for row in calm) if few else (),
        "calm_names": () if few else tuple((*row.name, "") for row in calm),
        "calm_total": words.plural(len(calm), "test"),
        "calm_said": "passed wherever they ran",
        "chips": _chips(shown.rows),
        "windows": (),
        "grid_total": words.number(len(shown.rows)),
        "legend": grid.legend(shown.rows),
        "cells_shard": "",
        "compare": urls.relative(path, compare.PATH),
    }


def _chips(rows: Sequence[GridRow]) -> tuple[tuple[str, str, str, str], ...]:
    """Filters as (mark, word, how many rows, where they begin)."""
    marks = [_marks(row) for row in rows]
    groups = {kind for kind, _ in in_order(rows)}

    def chip(mark: str, word: str, kind: str) -> tuple[str, str, str, str]:
        count = words.number(sum(mark in one for one in marks))
        return mark, word, count, f"#{kind}" if kind in groups else "#grid"

    return (
        chip("", "All", ""),
        chip("f", "Went wrong", "failing"),
        chip("c", "Not the same everywhere", "changed"),
    )


def _marks(row: GridRow) -> str:
    wrong = "f" if any(rollup.judged(row.strip)) else ""
    return wrong + ("c" if len(set(row.strip) - {"R", "N", ABSENT}) > 1 else "")


def _heads(keys: Sequence[str], runs: Sequence[RunSummary]) -> tuple[grid.Head, ...]:
    """A row for each key. Values are joined only below one value of the key above."""
    rows = []
    for depth in range(max((len(run.key.target) for run in runs), default=0)):
        cells = []
        for target, same in groupby(run.key.target[: depth + 1] for run in runs):
            value = (target[depth] if depth < len(target) else "") or urls.EMPTY_KEY_VALUE
            cells.append((value, value, len(list(same))))
        rows.append(grid.head(keys[depth] if depth < len(keys) else "key", cells))
    return tuple(rows)


def _row(path: str, row: GridRow, runs: Sequence[RunSummary]) -> grid.Row:
    """As a row of a target's grid; only neighbours that passed, or are not there, are joined."""
    cells: list[grid.Cell] = []
    at = 0
    for letter, same in groupby(row.strip):
        span = len(list(same))
        style, symbol, word = words.mark(letter)
        if letter in {"P", ABSENT}:
            said = f"{word} in {words.plural(span, 'run')}"
            cells.append((style, "", span, "", said))
        else:
            for run in runs[at : at + span]:
                name = "/".join([*run.key.target, run.key.runname])
                there = urls.relative(path, urls.test_page(run.key, row.name))
                cells.append((style, symbol, 1, there, f"{name}: {word}"))
        at += span
    return row.name[0], row.name[1], "", tuple(cells), " ".join(_marks(row)), ("", "")
