"""The grid: order of rows, joined cells, parts, heads, nights, and the same for programs."""

import csv
import io
import json
import math
import random
import re
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import jsonschema
import pytest
from browser import records
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from pages.shown import FRAME, THEME

from mtsite.model import RunKey, RunSummary
from mtsite.pages import grid, griddata, gridparts, metric, night, target
from mtsite.pages.dates import night_of
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
    node = records.node(*LEAF, shown.runs[0])
    ordered = grid.ranked(shown.rows)
    context = grid.context(FRAME, node, shown, ordered, grid.Window(window))
    return THEME.render(grid.TEMPLATE, context).decode()


def test_rows_stand_failing_newest_broken_first_then_flaky_changed_steady_passed() -> None:
    assert kinds("PPPPPP", "WWWWWW", "PFFFFF", "PFPFPF", "FFFPPP", "FPPPPP", "PPPPFP") == [
        ("failing", "FPPPPP"),
        ("failing", "FFFPPP"),
        ("flaky", "PFPFPF"),
        ("changed", "PFFFFF"),
        ("changed", "PPPPFP"),
        ("steady", "WWWWWW"),
        ("always", "PPPPPP"),
    ]


def test_a_newest_run_in_flight_decides_nothing() -> None:
    assert kinds("RPPPPP", "RFFPPP", ".PPPPP", "NFFFFF") == [
        ("failing", "RFFPPP"),
        ("failing", "NFFFFF"),
        ("always", "RPPPPP"),
        ("always", ".PPPPP"),
    ]


def test_equal_neighbours_are_one_cell_that_tells_since_when() -> None:
    page = page_of(grid_of("FFPPP."))
    assert 'colspan="2"><a href="../r0/t0000/index.html" aria-label="r1 … r0: fail, 2 runs"' in page
    assert 'class="v-P" colspan="3"><i>r4 … r2: pass, 3 runs</i>' in page
    assert 'class="v-x"><i>r5: not there</i>' in page


def test_a_missing_test_is_not_a_skipped_one() -> None:
    page = page_of(grid_of("S.F"))
    assert ">r1: not there<" in page
    assert "r0: skip" in page


def test_many_rows_that_always_passed_are_a_sentence_that_opens() -> None:
    page = page_of(grid_of("FP", *["PP"] * 60))
    assert "60 tests always passed in this window" in page
    assert page.count("<li><a href") >= 60
    assert page.count("<tr data-row") == 1


def test_few_rows_that_always_passed_keep_their_track() -> None:
    page = page_of(grid_of("FP", "PP", "PP"))
    assert page.count("<tr data-row") == 3
    assert "<details" not in page


def test_a_target_of_thousands_shows_a_hundred_rows_and_leads_to_the_rest() -> None:
    shown = grid_of(*["FP"] * 300, *["PP"] * 900)
    node = records.node(*LEAF, shown.runs[0])
    page = THEME.render(
        target.TEMPLATE, target.context(FRAME, node, shown.runs, shown, [("2026-11", 2)])
    ).decode()
    assert "100 of 1200 tests are shown." in page
    assert 'href="_runs/grid-30.html"' in page
    assert 'href="_runs/grid-30.html#always">900 tests always passed' in page
    assert "_nights/2026-11-19.html" in page


def test_the_table_of_a_target_has_a_caption_and_scopes() -> None:
    shown = grid_of("FP", "PP")
    node = records.node(*LEAF, shown.runs[0])
    page = THEME.render(
        target.TEMPLATE, target.context(FRAME, node, shown.runs, shown, [("2026-11", 2)])
    ).decode()
    table = page[page.index('<table class="run-grid') :]
    table = table[: table.index("</table>")]
    assert "<caption" in table
    assert table.count('<th scope="row"><a') == 2
    assert table.count('<th scope="col"><a') == 2


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


def weighed(shown: Grid) -> list[int]:
    """Bytes of each page of a window."""
    node = records.node(*LEAF, shown.runs[0])
    parts = grid.parts_of(grid.ranked(shown.rows), shown)
    found = []
    for number, rows in enumerate(parts, start=1):
        window = grid.Window("30", number, len(parts))
        context = grid.context(FRAME, node, shown, rows, window)
        found.append(len(THEME.render(grid.TEMPLATE, context)))
    return found


def test_rows_of_all_parts_are_those_of_the_window_in_its_order() -> None:
    shown = Grid(runs(50), (*noise(400, 50), *calm(300, 50, "ok")))
    ordered = grid.ranked(shown.rows)
    parts = grid.parts_of(ordered, shown)
    assert len(parts) > 2
    assert [one for part in parts for one in part] == ordered
    assert all(len({one.kind == "always" for one in part}) == 1 for part in parts)


@pytest.mark.parametrize(
    "rows",
    [
        slow(2000, 50),
        noise(400, 50),
        noise(60, 50, "name_" * 40),
        noise(30, 50, "اسم_" * 40),
        calm(6000, 50),
        calm(1500, 50, "name_" * 40),
    ],
    ids=["slow", "noise", "long names", "right to left", "calm", "calm long names"],
)
def test_no_page_of_a_grid_is_over_600_kb_whatever_it_holds(rows: list[GridRow]) -> None:
    assert max(weighed(Grid(runs(50), tuple(rows)))) <= 600_000


def test_long_run_names_make_more_parts_no_heavier_page() -> None:
    shown = Grid(runs(50), tuple(noise(40, 50)))
    named = [replace(r, key=replace(r.key, runname=r.key.runname + "x" * 190)) for r in shown.runs]
    assert max(weighed(replace(shown, runs=tuple(named)))) <= 600_000


def test_2000_tests_of_50_runs_that_mostly_passed_are_one_page() -> None:
    rows = [*slow(300, 50), *calm(1700, 50, "ok")]
    assert len(weighed(Grid(runs(50), tuple(rows)))) == 1


def test_no_page_of_a_night_is_over_600_kb() -> None:
    one = runs(1)[0]
    targets = [replace(one, key=RunKey("a", ("rhel9", f"t{n}"), "w1")) for n in range(50)]
    weights = gridparts.Weights(targets, joined=False)
    parts = gridparts.divide(noise(300, 50), weights.row, weights.room, lambda _, __: True)
    assert len(parts) > 1
    shown = night.Shown("2026-11-19", tuple(targets), tuple(parts[0]), 1, len(parts))
    context = night.context(FRAME, "a", ("os", "t"), shown)
    assert 300_000 < len(THEME.render(night.TEMPLATE, context)) <= 600_000


def test_equal_heads_of_neighbours_are_merged() -> None:
    shown = grid_of("FPP", heads=("owner",))
    shown = replace(shown, runs=(shown.runs[0], *(replace(r, owner="x") for r in shown.runs[1:])))
    heads = heads_of(
        grid.context(
            FRAME,
            records.node(*LEAF, shown.runs[0]),
            shown,
            grid.ranked(shown.rows),
            grid.Window("30"),
        )
    )
    assert heads["month"] == ((("2026-11", "2026-11", 3),), False)
    assert heads["owner"] == ((("mrivera", "mrivera", 1), ("x", "x", 2)), True)


def heads_of(context: dict[str, Any]) -> dict[str, object]:
    """Label → cells, and whether a name that is wider than its columns makes them stand upright."""
    return {label: (cells, upright) for label, cells, upright in context["heads"]}


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


def test_a_night_is_noon_to_noon_in_the_zone_of_the_site() -> None:
    assert night_of(records.NOW, UTC) == "2026-11-19"  # 02:00 on the 20th
    assert night_of(records.NOW + 10 * 3600, UTC) == "2026-11-20"  # noon
    assert night_of(records.NOW + 10 * 3600 - 1, UTC) == "2026-11-19"
    assert night_of(records.NOW + 10 * 3600, ZoneInfo("America/New_York")) == "2026-11-19"
    assert night_of(None, UTC) == "1969-12-31"


def test_a_night_links_each_failure_of_each_target() -> None:
    one = runs(1)[0]
    two = tuple(
        replace(one, key=RunKey(records.AREA, ("rhel9", "nfs", flow), "w1"))
        for flow in ("fast", "slow")
    )
    rows = (GridRow(("t", ""), "FF"), GridRow(("ok", ""), "PP"))
    shown = night.Shown("2026-11-19", two, rows)
    context = night.context(FRAME, records.AREA, records.KEYS, shown)
    page = THEME.render(night.TEMPLATE, context).decode()
    assert 'href="../rhel9/nfs/fast/w1/t/index.html"' in page
    assert 'href="../rhel9/nfs/slow/w1/t/index.html"' in page
    heads = heads_of(context)
    assert heads["fs"] == ((("nfs", "nfs", 2),), False)
    assert heads["flow"] == ((("fast", "fast", 1), ("slow", "slow", 1)), False)


def test_the_rows_of_a_night_are_filtered_by_what_went_wrong_and_what_differs() -> None:
    one = runs(1)[0]
    two = tuple(replace(one, key=RunKey("a", ("u", flow), "w1")) for flow in ("fast", "slow"))
    rows = (GridRow(("bad", ""), "FF"), GridRow(("odd", ""), "PW"), GridRow(("ok", ""), "PP"))
    shown = night.Shown("2026-11-19", two, rows)
    page = THEME.render(night.TEMPLATE, night.context(FRAME, "a", ("os", "t"), shown)).decode()
    assert 'href="#failing" data-show="f"><b>1</b>' in page
    assert 'href="#changed" data-show="c"><b>1</b>' in page
    assert '<tr data-row class="f"><th scope="row"><bdi>bad</bdi>' in page
    assert '<tr data-row class="c"><th scope="row"><bdi>odd</bdi>' in page


def test_a_target_without_pointers_names_its_newest_run_alone() -> None:
    shown = grid_of("R")
    node = replace(records.node(*LEAF, shown.runs[0]), pointers=(), log_bytes=0)
    page = THEME.render(
        target.TEMPLATE, target.context(FRAME, node, shown.runs, shown, [])
    ).decode()
    line = page[page.index('<p class="sub">Newest run') :]
    line = line[: line.index("</p>")]
    assert not [name for name in ("latest", "last-good", "last-failed") if name in line]


def test_the_csv_has_a_test_per_line_and_a_run_per_column() -> None:
    found = list(csv.reader(io.StringIO(griddata.table(grid_of("FP.", "PPP")))))
    assert found == [
        ["testname", "item_path", "r0", "r1", "r2"],
        ["t0000", "", "fail", "pass", ""],
        ["t0001", "", "pass", "pass", "pass"],
    ]


def test_the_files_of_a_grid_with_a_metric_have_what_was_measured() -> None:
    rows = (GridRow(("t", ""), "PF", (12.5, None)), GridRow(("u", ""), "P.", (math.inf,)))
    shown = Grid(runs(2), rows, metric="duration")
    schema = json.loads((ROOT / "docs/schemas/grid-1.json").read_text("utf-8"))
    made = griddata.twin(records.node(*LEAF, runs(1)[0]), shown)
    jsonschema.validate(json.loads(json.dumps(made, allow_nan=False)), schema)
    assert made["metric"] == "duration"
    assert [test["values"] for test in made["tests"]] == [[12.5, None], [None, None]]
    assert list(csv.reader(io.StringIO(griddata.table(shown)))) == [
        ["testname", "item_path", "r0", "r1", "r0 duration", "r1 duration"],
        ["t", "", "pass", "fail", "12.5", ""],
        ["u", "", "pass", "", "", ""],
    ]


def test_a_name_that_a_spreadsheet_would_compute_is_text() -> None:
    shown = Grid(runs(1), (GridRow(("=cmd()", ""), "P"),))
    assert griddata.table(shown).splitlines()[1].startswith("'=cmd()")


def test_the_second_shard_tells_reasons_once_and_durations_of_each_run() -> None:
    name = ("t", "")
    outcomes = [{name: ("F", 12)}, {name: ("P", None)}, {name: ("F", 7)}]
    reason = ("COMPLETED/FAIL", "logs/sim.log", 14, "it broke")
    known = [{}, {}, {name: "Lane 7 is not modelled"}]
    found = griddata.cells(
        ["r0", "r1", "r2"], outcomes, [{name: reason}, {}, {name: reason}], known
    )
    assert found["texts"] == ["it broke", "Lane 7 is not modelled"]
    assert found["tests"] == [
        [
            "t",
            "",
            "12,,7",
            [
                [0, "COMPLETED/FAIL", "logs~2Fsim.log", 14, 0],
                [2, "COMPLETED/FAIL", "logs~2Fsim.log", 14, 0, 1],
            ],
        ]
    ]


def test_the_twin_keeps_its_published_schema() -> None:
    schema = json.loads((ROOT / "docs/schemas/grid-1.json").read_text("utf-8"))
    hostile = (GridRow(("bytes_\udcff", "a/b"), "FP"), GridRow(("<b>", ""), "P."))
    made = griddata.twin(records.node(*LEAF, runs(1)[0]), Grid(runs(2), hostile))
    document = json.loads(json.dumps(made))
    jsonschema.validate(document, schema)
    assert document["tests"][0] == {
        "testname": "bytes_\ufffd",
        "item_path": "a/b",
        "verdicts": "FP",
    }


def test_a_target_without_a_run_has_no_empty_grid() -> None:
    empty = Grid((), ())
    node = records.node(*LEAF, None)
    page = THEME.render(target.TEMPLATE, target.context(FRAME, node, (), empty, [])).decode()
    assert "No test to show: no run of this target has one yet." in page
    assert "Only failing" not in page
    assert "The last 0" not in page
