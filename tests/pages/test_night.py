"""A night: noon to noon, each failure of each target, filtered, and no heavy page."""

from zoneinfo import ZoneInfo

from browser import past_records, records
from msgspec.structs import replace
from pages.grids import LEAF, UTC, grid_of, heads_of, noise, runs
from pages.shown import FRAME, THEME

from mtsite.model import RunKey
from mtsite.pages import gridparts, night, target
from mtsite.pages.dates import night_of
from mtsite.pages.page import GridRow


def test_no_page_of_a_night_is_over_600_kb() -> None:
    one = runs(1)[0]
    targets = [replace(one, key=RunKey("a", ("rhel9", f"t{n}"), "w1")) for n in range(50)]
    weights = gridparts.Weights(targets, joined=False)
    parts = gridparts.divide(noise(300, 50), weights.row, weights.room, lambda _, __: True)
    assert len(parts) > 1
    shown = night.Shown("2026-11-19", tuple(targets), tuple(parts[0]), 1, len(parts))
    context = night.context(FRAME, "a", ("os", "t"), shown)
    assert 300_000 < len(THEME.render(night.TEMPLATE, context)) <= 600_000


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
    node = replace(past_records.node(*LEAF, shown.runs[0]), pointers=(), log_bytes=0)
    page = THEME.render(
        target.TEMPLATE, target.context(FRAME, node, shown.runs, shown, [])
    ).decode()
    line = page[page.index('<p class="sub">Newest run') :]
    line = line[: line.index("</p>")]
    assert not [name for name in ("latest", "last-good", "last-failed") if name in line]
