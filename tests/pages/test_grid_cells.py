"""What stands in the heads and cells of a grid: metrics in five characters, owners, marks."""

import re

import pytest
from browser import past_records
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from pages.grids import LEAF, grid_of, heads_of, page_of, runs
from pages.shown import FRAME

from mtsite.pages import grid, metric
from mtsite.pages.page import Grid, GridRow


def test_equal_heads_of_neighbours_are_merged() -> None:
    shown = grid_of("FPP", heads=("owner",))
    shown = replace(shown, runs=(shown.runs[0], *(replace(r, owner="x") for r in shown.runs[1:])))
    heads = heads_of(
        grid.context(
            FRAME,
            past_records.node(*LEAF, shown.runs[0]),
            shown,
            grid.ranked(shown.rows),
            grid.Window("30"),
        )
    )
    assert heads["month"] == ((("2026-11", "2026-11", 3),), False)
    assert heads["owner"] == ((("mrivera", "mrivera", 1), ("x", "x", 2)), True)


def test_a_metric_stands_in_each_cell_and_is_told_whole() -> None:
    rows = (GridRow(("t", ""), "FPPP.", (812.4375, 812.4375, 799.0, 799.0, None)),)
    shown = Grid(runs(5), rows, metric="timing/fmax_mhz", owners={"t": "maria.lopez"})
    page = page_of(shown)
    assert '<table class="run-grid t0 u5 metric" aria-label=' in page
    assert re.findall(r'<td class="v-(.)"(?: colspan="(.)")?>', page) == [
        ("F", ""),
        ("P", ""),
        ("P", "2"),
        ("x", ""),
    ]
    assert 'aria-label="r0: fail, fmax_mhz 812.4375">✗\u202f812.4</a>' in page
    assert '<b aria-hidden="true">812.4</b><i>r1: pass, fmax_mhz 812.4375</i>' in page
    assert '<b aria-hidden="true">799</b><i>r3 … r2: pass, 2 runs, fmax_mhz 799</i>' in page
    assert "numbers: <bdi>timing/fmax_mhz</bdi>" in page
    assert '<abbr title="maria.lopez">ML</abbr>' in page


@given(st.floats())
def test_a_number_of_a_cell_has_five_characters_at_most(value: float) -> None:
    assert 0 < len(metric.short("x/y", value)) <= 5


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (3, "3"), (812.4375, "812.4"), (-0.031, "-0.03"), (12345, "12345"),
        (123456, "123k"), (48_211_000, "48.2M"), (-1.5e9, "-1.5G"),
        (0.00012, "1e-4"), (1e21, "1e21"),
    ],
)  # fmt: skip
def test_numbers_keep_what_five_characters_can_tell(value: float, shown: str) -> None:
    assert metric.short("x/y", value) == shown


@given(st.integers(0, 10**9))
def test_a_duration_of_a_cell_has_five_characters_at_most(seconds: int) -> None:
    assert 0 < len(metric.short(metric.DURATION, seconds)) <= 5


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [(0, "0s"), (59, "59s"), (545, "9m05"), (3599, "59m"), (3900, "1h05"), (9 * 86_400, "9d")],
)
def test_durations_keep_what_five_characters_can_tell(seconds: int, shown: str) -> None:
    assert metric.short(metric.DURATION, seconds) == shown


@pytest.mark.parametrize(
    ("owner", "two"),
    [
        ("maria.lopez", "ML"), ("Ada B. Quist", "AQ"), ("mrivera@x.example", "Mr"), ("-", ""),
        ("ü", "Ü"),
    ],
)  # fmt: skip
def test_an_owner_has_two_letters(owner: str, two: str) -> None:
    assert metric.initials(owner) == two


def test_running_and_partial_runs_are_marked() -> None:
    shown = grid_of("RFP")
    whole, half = {"P": 400, "F": 3}, {"P": 90, "F": 1}
    flying = {"P": 300, "R": 100}
    counts = (flying, half, whole)
    many = tuple(replace(r, counts=c) for r, c in zip(shown.runs, counts, strict=True))
    states = [grid.column("x/index.html", run, many)["state"] for run in many]
    assert states == ["running", "partial", ""]
