"""Grids for tests: of given strips, of noise, and of calm."""

import random
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from browser import past_records, records
from msgspec.structs import replace
from pages.shown import FRAME, THEME

from mtsite.model import RunKey, RunSummary
from mtsite.pages import grid
from mtsite.pages.page import Grid, GridRow

ROOT = Path(__file__).parents[2]
UTC = ZoneInfo("UTC")
LEAF = (records.AREA, records.TARGET)


def runs(count: int) -> tuple[RunSummary, ...]:
    """Runs r0 (the newest), r1 … a day apart."""
    one = records.Night().summary
    return tuple(
        replace(one, key=RunKey(*LEAF, f"r{at}"), event_time=records.NOW - at * records.DAY)
        for at in range(count)
    )


def grid_of(*strips: str, heads: tuple[str, ...] = ()) -> Grid:
    """Rows t0, t1 … with these letters, newest first."""
    rows = tuple(GridRow((f"t{at:04d}", ""), strip) for at, strip in enumerate(strips))
    return Grid(runs(len(strips[0])), rows, heads)


def kinds(*strips: str) -> list[tuple[str, str]]:
    return [(one.kind, one.row.strip) for one in grid.ranked(grid_of(*strips).rows)]


def page_of(shown: Grid, rows: object = None, window: str = "30") -> str:
    node = past_records.node(*LEAF, shown.runs[0])
    ordered = grid.ranked(shown.rows)
    context = grid.context(FRAME, node, shown, ordered, grid.Window(window))
    return THEME.render(grid.TEMPLATE, context).decode()


def noise(count: int, wide: int, prefix: str = "t") -> list[GridRow]:
    rnd = random.Random(1)
    strips = ("".join(rnd.choice("PFW") for _ in range(wide)) for _ in range(count))
    return [GridRow((f"{prefix}{at:04d}", ""), strip) for at, strip in enumerate(strips)]


def calm(count: int, wide: int, prefix: str = "t") -> list[GridRow]:
    return [GridRow((f"{prefix}{at:04d}", ""), "P" * wide) for at in range(count)]


def slow(count: int, wide: int) -> list[GridRow]:
    """Rows of which none always passed, with a switch in 30 runs."""
    rnd = random.Random(3)
    rows = []
    for at in range(count):
        strip, letter = "", "W"
        for _ in range(wide):
            letter = rnd.choice("PPFW") if rnd.random() < 0.033 else letter
            strip += letter
        rows.append(GridRow((f"t{at:04d}", ""), strip))
    return rows


def heads_of(context: dict[str, Any]) -> dict[str, object]:
    """Label → cells, and whether a name that is wider than its columns makes them stand upright."""
    return {label: (cells, upright) for label, cells, upright in context["heads"]}
