"""Pages of many runs: front page, area, target with its grid, month, history."""

from dataclasses import replace

from browser import records
from pages.shown import FRAME, THEME

from mtsite import urls
from mtsite.pages import area, history, index, month, target
from mtsite.pages.page import Grid, GridRow, NodeSummary, Stretch


def test_index_lists_the_worst_first_and_the_unreadable(night: records.Night) -> None:
    shown = index.context(FRAME, records.nodes(night))
    rows = shown["rows"]
    assert isinstance(rows, tuple)
    assert [row["name"] for row in rows[:3]] == ["chipyard", "firmware", "webstack"]
    assert {row["name"]: row["word"] for row in rows}["lab_bench"] == "not read"
    assert "file is encrypted" in THEME.render(index.TEMPLATE, shown).decode()


def test_satellite_without_runs_of_its_own_says_what_it_holds(night: records.Night) -> None:
    node = NodeSummary("Old", (), ("k",), 0, {}, "N", None, satellite_of="Chip", held=45)
    (row,) = index.context(FRAME, [node])["rows"]  # type: ignore[misc]
    assert (row["word"], row["sentence"], row["runs"]) == (
        "archive",
        "Holds 45 runs of Chip.",
        "45 runs",
    )
    born = replace(night.summary, key=replace(night.key, area="Chip"))
    shown = area.context(FRAME, node, [], [born], [])
    page = THEME.render(area.TEMPLATE, shown).decode()
    assert "Holds 45 runs of Chip, each at the address where it was born." in page
    assert "1 of 45" in page
    assert f'href="../{urls.run_page(born.key)}"' in page
    assert "Chip/" in page
    assert "Nothing lies below yet" not in page
    assert "No runs yet" not in page


def test_index_row_of_a_run_in_flight_says_how_far_it_is(night: records.Night) -> None:
    newest = replace(night.summary, counts={"F": 1, "P": 2, "R": 3}, new=0, still=1, fixed=0)
    node = records.node(records.AREA, (), newest)
    (row,) = index.context(FRAME, [node])["rows"]  # type: ignore[misc]
    assert row["sentence"] == "ww47.5: 1 still failing · still running: 3 of 6 ended"


def test_index_of_nothing_says_what_to_do() -> None:
    page = THEME.render(index.TEMPLATE, index.context(FRAME, [])).decode()
    assert "mtsite init AREA_DIR" in page


def test_grid_joins_good_runs_and_links_each_bad_one(night: records.Night) -> None:
    runs = tuple(records.past(night)[1:7])
    grid = Grid(runs, (GridRow(("a", ""), "FFPPP."), GridRow(("b", "x/y"), "PPPPPP")), 3)
    node = records.node(records.AREA, records.TARGET, runs[0])
    shown = target.context(FRAME, node, runs, grid, [("2026-11", 6)])
    cells = shown["loud"][0][3]  # type: ignore[index]
    assert [(c[0], c[2], bool(c[3])) for c in cells] == [
        ("F", 1, True),
        ("F", 1, True),
        ("P", 3, False),
        ("x", 1, False),
    ]
    assert shown["calm"][0][:3] == ("b", "x/y", "_tests/b/x/y/index.html")  # type: ignore[index]
    assert (shown["grid_hidden"], shown["grid_total"]) == (3, "5")
    assert "2 of 5 tests are shown" in THEME.render(target.TEMPLATE, shown).decode()


def test_grid_counts_no_change_where_nothing_was_judged(night: records.Night) -> None:
    runs = tuple(records.past(night)[1:7])
    rows = (
        GridRow(("a", ""), "RPPPPP"),
        GridRow(("b", ""), "NFFFFF"),
        GridRow(("c", ""), "FPPPPP"),
    )
    node = records.node(records.AREA, records.TARGET, runs[0])
    shown = target.context(FRAME, node, runs, Grid(runs, rows, 0), [])
    assert shown["grid_changed"] == "1 test"


def test_grid_is_a_table_with_scopes_and_a_caption(night: records.Night) -> None:
    node = records.node(records.AREA, records.TARGET, night.summary)
    shown = target.context(FRAME, node, records.past(night), records.grid(night), [])
    page = THEME.render(target.TEMPLATE, shown).decode()
    grid = page[page.index('<table class="run-grid"') :]
    grid = grid[: grid.index("</table>")]
    assert "<caption" in grid
    assert grid.count('<th scope="col"') == 31
    assert grid.count('<th scope="row"') == 150


def test_month_and_history_use_only_names_of_their_node(night: records.Night) -> None:
    one = records.node(records.AREA, records.TARGET, night.summary)
    bare = NodeSummary(one.area, one.values, one.keys, 0, {}, "N", None)
    runs = records.past(night)
    assert month.context(FRAME, one, "2026-11", runs) == month.context(FRAME, bare, "2026-11", runs)
    stretches = records.stretches(night)
    name = ("pcie_retry_smoke", "")
    pair = [history.context(FRAME, n, name, stretches) for n in (one, bare)]
    assert pair[0] == pair[1]


def test_history_of_an_open_stretch_says_since(night: records.Night) -> None:
    node = records.node(records.AREA, records.TARGET, night.summary)
    shown = history.context(FRAME, node, ("a", ""), [Stretch("F", "ww31.2", records.NOW)])
    assert shown["lead"] == "Fail since ww31.2."
    assert "going on" in THEME.render(history.TEMPLATE, shown).decode()


def test_area_page_shows_its_problems(night: records.Night) -> None:
    node = records.node(records.AREA, (), None)
    page = THEME.render(area.TEMPLATE, area.context(FRAME, node, [], [], ["the disk is gone"]))
    assert b"the disk is gone" in page
