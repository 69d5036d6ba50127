"""Pages of many runs: front page, area, target with its grid, month, history."""

from browser import past_records, records
from msgspec.structs import replace
from pages.shown import FRAME, THEME

from mtsite import urls
from mtsite.model import FirstFailure
from mtsite.pages import area, history, index, month, names
from mtsite.pages.page import NodeSummary, Stretch


def test_index_lists_the_worst_first_and_the_unreadable(night: records.Night) -> None:
    shown = index.context(FRAME, past_records.nodes(night))
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
    assert "No run was found yet" not in page
    assert "No runs yet" not in page


def test_index_row_of_a_run_in_flight_says_how_far_it_is(night: records.Night) -> None:
    newest = replace(night.summary, counts={"F": 1, "P": 2, "R": 3}, new=0, still=1, fixed=0)
    node = past_records.node(records.AREA, (), newest, targets=1)
    (row,) = index.context(FRAME, [node])["rows"]  # type: ignore[misc]
    assert row["sentence"] == "ww47.5: 1 still failing · still running: 3 of 6 ended"


def test_index_of_nothing_says_what_to_do() -> None:
    page = THEME.render(index.TEMPLATE, index.context(FRAME, [])).decode()
    assert "mtsite init AREA_DIR" in page


def test_month_and_history_use_only_names_of_their_node(night: records.Night) -> None:
    one = past_records.node(records.AREA, records.TARGET, night.summary)
    bare = NodeSummary(one.area, one.values, one.keys, 0, {}, "N", None)
    runs = past_records.past(night)
    assert month.context(FRAME, one, "2026-11", runs) == month.context(FRAME, bare, "2026-11", runs)
    stretches = history.Shown(tuple(past_records.stretches(night)))
    name = ("pcie_retry_smoke", "")
    pair = [history.context(FRAME, n, name, stretches) for n in (one, bare)]
    assert pair[0] == pair[1]


def test_history_of_an_open_stretch_says_since(night: records.Night) -> None:
    node = past_records.node(records.AREA, records.TARGET, night.summary)
    shown = history.context(
        FRAME, node, ("a", ""), history.Shown((Stretch("F", "ww31.2", records.NOW),))
    )
    assert shown["lead"] == "Fail since ww31.2."
    assert "going on" in THEME.render(history.TEMPLATE, shown).decode()


def test_area_page_shows_its_problems(night: records.Night) -> None:
    node = past_records.node(records.AREA, (), None)
    page = THEME.render(area.TEMPLATE, area.context(FRAME, node, [], [], ["the disk is gone"]))
    assert b"the disk is gone" in page


def test_row_of_many_targets_says_how_many_of_them_fail(night: records.Night) -> None:
    node = past_records.node(records.AREA, (), night.summary, targets=6)
    node = replace(node, bad_targets=1, new=3, still=0, fixed=2, counts={"F": 3, "P": 9})
    (row,) = index.context(FRAME, [node])["rows"]  # type: ignore[misc]
    assert row["sentence"] == "1 of 6 targets fails: 3 new, 2 fixed"


def test_what_was_quiet_for_long_comes_after_what_runs(night: records.Night) -> None:
    old = replace(night.summary, event_time=records.NOW - 40 * records.DAY, counts={"A": 1})
    new = replace(night.summary, event_time=records.NOW, counts={"P": 1})
    quiet = replace(past_records.node("quiet", (), old), verdict="A")
    alive = replace(past_records.node("alive", (), new), verdict="P")
    rows = index.context(FRAME, [quiet, alive])["rows"]
    assert [row["name"] for row in rows] == ["alive", "quiet"]  # type: ignore[attr-defined]


def test_a_level_of_2000_values_shows_the_worst_and_links_to_all_names(
    night: records.Night,
) -> None:
    node = past_records.node(records.AREA, (), night.summary, targets=2000)
    children = [
        replace(node, values=(f"{'value_' * 30}{n:04d}",), verdict="F" if n == 1500 else "P")
        for n in range(2000)
    ]
    shown = area.context(FRAME, node, children, [night.summary] * 20, [])
    page = THEME.render(area.TEMPLATE, shown)
    assert len(page) < 300_000
    assert shown["rows"][0]["name"].endswith("1500")  # type: ignore[index]
    assert "The first 100 of 2000 are shown" in page.decode()
    assert 'href="_all/1.html"' in page.decode()
    parts = names.parts_of(node, children)
    pages = [THEME.render(names.TEMPLATE, names.context(FRAME, part)) for part in parts]
    assert max(map(len, pages)) < 300_000
    assert sum(one.count(b"<li>") for one in pages) == 2000


def test_a_site_of_500_areas_is_bounded_though_none_can_be_read() -> None:
    trouble = ("megatest.db is not a database: " + "file is encrypted " * 12,)
    nodes = [
        NodeSummary(f"area{n}", (), (), 0, {}, "N", None, problems=trouble) for n in range(500)
    ]
    page = THEME.render(index.TEMPLATE, index.context(FRAME, nodes)).decode()
    assert len(page.encode()) < 300_000
    assert "and 480 more" in page
    assert "All 500 by name" in page


def test_a_busy_month_has_parts_that_no_later_run_changes(night: records.Night) -> None:
    node = past_records.node(records.AREA, records.TARGET, night.summary)
    text = "x" * 200
    runs = [
        replace(
            night.summary,
            key=replace(night.key, runname=f"{text}{n}"),
            comment=text,
            failures=(FirstFailure(text, "", "F", text),),
        )
        for n in range(500, 0, -1)
    ]
    older = dict(month.cut(runs[1:]))
    cut = dict(month.cut(runs))
    assert [key.runname[200:] for run in cut[1] for key in [run.key]][:2] == ["60", "59"]
    assert sum(map(len, cut.values())) == 500
    assert 60 <= len(cut[0]) < 120
    assert {n: cut[n] for n in older if n} == {n: older[n] for n in older if n}
    for number, some in cut.items():
        parts = 0 if number else len(cut) - 1
        shown = month.context(FRAME, node, "2026-11", some, part=number, parts=parts)
        assert len(THEME.render(month.TEMPLATE, shown)) < 300_000
    assert str(shown["lead"]).startswith("500 runs; of the newest 80: 80 aborted")
