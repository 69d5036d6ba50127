"""What the page of a target shows: its grid of tests × runs, its latest runs, its months."""

from collections.abc import Sequence
from itertools import groupby

from mtsite import urls
from mtsite.model import RunSummary
from mtsite.pages import charts, course, listing, night, unsteady, words
from mtsite.pages.grid import parts_of, ranked, table, windows
from mtsite.pages.page import Grid, NodeSummary, SiteFrame, crumbs_to, frame_context
from mtsite.stability import Stability

EDITION = 7
TEMPLATE = "target.html"
MAX_RUNS = 30
MAX_GRID_ROWS = 100
STEADY = Stability()


def context(
    frame: SiteFrame,
    node: NodeSummary,
    runs: Sequence[RunSummary],
    grid: Grid,
    months: Sequence[tuple[str, int]],
    stability: Stability = STEADY,
    past: Sequence[RunSummary] = (),
) -> dict[str, object]:
    """A target; `runs` newest first, `months` as (month, number of runs), newest first.

    `past` has more runs than `runs`, for the chart of its course.
    """
    path = urls.area_page(node.area, node.values)
    crumbs = crumbs_to(path, node.area, node.values, node.keys)[:-1]
    newest = node.newest
    lead = words.outcome(newest.counts) if newest else "No run was found yet."
    target = "/".join(value or urls.EMPTY_KEY_VALUE for value in node.values)
    style, symbol, word = words.mark(node.verdict if newest else "N")
    word = word if newest else "no runs"
    title = f"{words.heading(symbol, word, node.counts)} · {target} · {node.area}"
    shown = frame_context(frame, path, crumbs, title=title, description=lead)
    shown |= {
        "letter": style,
        "symbol": symbol,
        "word": word,
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
        "course": course.shown(path, past or runs, node.runs),
        "runs": listing.run_rows(path, runs[:MAX_RUNS]),
        "runs_total": words.number(node.runs),
        "coming": listing.still_to_come(node.coming),
        "months": _months(path, node, months),
        "pointers": listing.pointer_links(path, node),
        "problems": node.problems,
        "feed": urls.relative(path, urls.feed(node.area, node.values)) if newest else "",
        "badge": urls.relative(path, urls.badge(node.area, node.values)) if newest else "",
        "unsteady": unsteady.of_target(path, (node.area, node.values), stability),
    }
    if newest is not None:
        shown["night"] = night.link(frame, path, node.area, newest.event_time)
    return shown | _grid(frame, path, node, grid)


def _grid(frame: SiteFrame, path: str, node: NodeSummary, grid: Grid) -> dict[str, object]:
    """The first rows of its grid, and where all of them are."""
    place = (node.area, node.values)
    rows = ranked(grid.rows)
    parts = parts_of(rows, grid)
    calm = next((n for n, part in enumerate(parts, 1) if part and part[-1].kind == "always"), 1)
    return {
        "windows": windows(path, node, "", ()),
        "all_rows": urls.relative(path, urls.grid_page(*place, "30")),
        "calm_rows": urls.relative(path, urls.grid_page(*place, "30", calm)) + "#always",
        "files": tuple(
            (name[5:].upper(), urls.relative(path, urls.grid_file(*place, name)))
            for name in ("grid.csv", "grid.json")
        ),
        **table(frame, path, node, grid, rows, MAX_GRID_ROWS),
    }


def _months(
    path: str, node: NodeSummary, months: Sequence[tuple[str, int]]
) -> tuple[tuple[str, tuple[tuple[str, str, str, str, str], ...]], ...]:
    """Years with their months as (month, link, its name, number of runs, link to its grid)."""
    return tuple(
        (
            year,
            tuple(
                (
                    month,
                    urls.relative(path, urls.month_page(node.area, node.values, month)),
                    month[5:],
                    words.plural(count, "run"),
                    urls.relative(path, urls.grid_page(node.area, node.values, month)),
                )
                for month, count in same
            ),
        )
        for year, same in groupby(months, key=lambda row: row[0][:4])
    )
