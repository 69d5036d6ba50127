"""The grid of a target: which rows stand where, and that no page of it is heavy."""

import pytest
from browser import past_records
from msgspec.structs import replace
from pages.grids import LEAF, calm, grid_of, kinds, noise, page_of, runs, slow
from pages.shown import FRAME, THEME

from mtsite.pages import grid, target
from mtsite.pages.page import Grid, GridRow


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
    node = past_records.node(*LEAF, shown.runs[0])
    page = THEME.render(
        target.TEMPLATE, target.context(FRAME, node, shown.runs, shown, [("2026-11", 2)])
    ).decode()
    assert "100 of 1200 tests are shown." in page
    assert 'href="_runs/grid-30.html"' in page
    assert 'href="_runs/grid-30.html#always">900 tests always passed' in page
    assert "_nights/2026-11-19.html" in page


def test_the_table_of_a_target_has_a_caption_and_scopes() -> None:
    shown = grid_of("FP", "PP")
    node = past_records.node(*LEAF, shown.runs[0])
    page = THEME.render(
        target.TEMPLATE, target.context(FRAME, node, shown.runs, shown, [("2026-11", 2)])
    ).decode()
    table = page[page.index('<table class="run-grid') :]
    table = table[: table.index("</table>")]
    assert "<caption" in table
    assert table.count('<th scope="row"><a') == 2
    assert table.count('<th scope="col"><a') == 2


def weighed(shown: Grid) -> list[int]:
    """Bytes of each page of a window."""
    node = past_records.node(*LEAF, shown.runs[0])
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


def test_a_target_without_a_run_has_no_empty_grid() -> None:
    empty = Grid((), ())
    node = past_records.node(*LEAF, None)
    page = THEME.render(target.TEMPLATE, target.context(FRAME, node, (), empty, [])).decode()
    assert "No test to show: no run of this target has one yet." in page
    assert "Only failing" not in page
    assert "The last 0" not in page
