"""What the page of a target shows: its grid of tests × runs, its latest runs, its months."""

from collections.abc import Sequence
from itertools import groupby

from mtsite import urls
from mtsite.model import RunKey, RunSummary
from mtsite.pages import charts, listing, words
from mtsite.pages.page import Grid, GridRow, NodeSummary, SiteFrame, crumbs_to, frame_context
from mtsite.rollup import ABSENT

EDITION = 3
TEMPLATE = "target.html"
MAX_RUNS = 30
MAX_GRID_ROWS = 150
_RECENT = 5
_NO_VERDICT = frozenset({"R", "N", ABSENT})

Cell = tuple[str, str, int, str, str]
"""(style, symbol, how many runs it spans, link or '', what it says in words)."""


def context(
    frame: SiteFrame,
    node: NodeSummary,
    runs: Sequence[RunSummary],
    grid: Grid,
    months: Sequence[tuple[str, int]],
) -> dict[str, object]:
    """A target; `runs` newest first, `months` as (month, number of runs), newest first."""
    path = urls.area_page(node.area, node.values)
    crumbs = crumbs_to(path, node.area, node.values, node.keys)[:-1]
    newest = node.newest
    lead = words.outcome(newest.counts) if newest else "No run was found yet."
    target = "/".join(value or urls.EMPTY_KEY_VALUE for value in node.values)
    style, symbol, word = words.mark(node.verdict if newest else "N")
    shown = frame_context(
        frame, path, crumbs, title=f"{symbol} {target} · {node.area}", description=lead
    )
    shown |= {
        "letter": style,
        "symbol": symbol,
        "word": word if newest else "no runs",
        "area": node.area,
        "target": tuple(zip(node.keys, node.values, strict=False)),
        "lead": lead,
        "newest_name": newest.key.runname if newest else "",
        "newest_href": urls.relative(path, urls.run_page(newest.key)) if newest else "",
        "change": words.change_parts(newest) if newest else (),
        **listing.newest_of(node),
        "twin": urls.relative(path, urls.node_twin(node.area, node.values)),
        "logs_total": words.size(node.log_bytes) if node.log_bytes else "",
        "trend_chart": charts.trend(node.trend),
        "runs": listing.run_rows(path, runs[:MAX_RUNS]),
        "runs_total": words.number(node.runs),
        "coming": listing.still_to_come(node.coming),
        "months": _months(path, node, months),
        "pointers": listing.pointer_links(path, node),
        "problems": node.problems,
    }
    return shown | _grid(path, node, grid)


def _months(
    path: str, node: NodeSummary, months: Sequence[tuple[str, int]]
) -> tuple[tuple[str, tuple[tuple[str, str, str, str], ...]], ...]:
    """Years with their months as (month, link, name of the month, number of runs)."""
    return tuple(
        (
            year,
            tuple(
                (
                    month,
                    urls.relative(path, urls.month_page(node.area, node.values, month)),
                    month[5:],
                    words.plural(count, "run"),
                )
                for month, count in same
            ),
        )
        for year, same in groupby(months, key=lambda row: row[0][:4])
    )


def _grid(path: str, node: NodeSummary, grid: Grid) -> dict[str, object]:
    """The grid's heads and rows: what is worst now first; rows good in every run are counted."""
    quiet = [row for row in grid.rows if _is_quiet(row)]
    loud = sorted((row for row in grid.rows if not _is_quiet(row)), key=_order)
    shown = loud[:MAX_GRID_ROWS]
    room = MAX_GRID_ROWS - len(shown)
    calm = quiet[:room]
    rest = grid.hidden + len(loud) - len(shown) + len(quiet) - len(calm)
    changed = sum(len(set(row.strip[:_RECENT]) - _NO_VERDICT) > 1 for row in grid.rows)
    return {
        "columns": tuple(_column(path, run) for run in grid.runs),
        "loud": tuple(_row(path, node, row, grid.runs) for row in shown),
        "calm": tuple(_row(path, node, row, grid.runs) for row in calm),
        "calm_total": words.plural(len(quiet), "test"),
        "grid_total": words.number(len(grid.rows) + grid.hidden),
        "grid_shown": words.number(len(shown) + len(calm)),
        "grid_hidden": rest,
        "grid_changed": words.plural(changed, "test"),
        "grid_recent": min(_RECENT, len(grid.runs)),
        "legend": _legend(grid),
    }


def _is_quiet(row: GridRow) -> bool:
    return not set(row.strip) - {"P", ABSENT}


def _order(row: GridRow) -> tuple[int, int, int, tuple[str, str]]:
    """Worst now first; among the bad those that broke last; then what changed last."""
    now = row.strip[:1]
    stretch = len(row.strip) - len(row.strip.lstrip(now)) if now else 0
    wrong = now in words.BAD_LETTERS
    return (0 if wrong else 1, stretch, -words.rank(now or "N"), row.name)


def _column(path: str, run: RunSummary) -> tuple[str, str, str, str, str, str]:
    """(style, symbol, runname, link, day, what it says in words)."""
    style, symbol, word = words.mark(run.verdict)
    day = words.when(run.event_time)[1][:10]
    link = urls.relative(path, urls.run_page(run.key))
    return style, symbol, run.key.runname, link, day, f"{run.key.runname}: {word}"


def _row(
    path: str, node: NodeSummary, row: GridRow, runs: Sequence[RunSummary]
) -> tuple[str, str, str, tuple[Cell, ...]]:
    """(testname, item path, link to its history, cells): equal good runs are one cell."""
    cells: list[Cell] = []
    at = 0
    for letter, same in groupby(row.strip[: len(runs)]):
        span = len(list(same))
        style, symbol, word = words.mark(letter)
        if letter in {"P", ABSENT}:
            said = word if span == 1 else f"{word}, {span} runs"
            ends = (
                runs[at].key.runname
                if span == 1
                else f"{runs[at + span - 1].key.runname} … {runs[at].key.runname}"
            )
            cells.append((style, "", span, "", f"{ends}: {said}"))
        else:
            for run in runs[at : at + span]:
                link = urls.relative(path, urls.test_page(_key(node, run), row.name))
                cells.append((style, symbol, 1, link, f"{run.key.runname}: {word}"))
        at += span
    history = urls.relative(path, urls.history_page(node.area, node.values, row.name))
    return row.name[0], row.name[1], history, tuple(cells)


def _key(node: NodeSummary, run: RunSummary) -> RunKey:
    return RunKey(node.area, node.values, run.key.runname)


def _legend(grid: Grid) -> tuple[tuple[str, str, str], ...]:
    present = {letter for row in grid.rows for letter in row.strip}
    return tuple(words.mark(letter) for letter in (*words.WORST_FIRST, ABSENT) if letter in present)
