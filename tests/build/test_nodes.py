"""Targets, key levels and areas added up; histories cut into stretches."""

from datetime import date, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mtsite import rollup
from mtsite.build.nodes import TargetNode, Tree, target_node
from mtsite.model import RunKey, RunSummary, State, Status
from mtsite.pages import charts
from mtsite.pages.dates import day_of, month_of, night_of

UTC = ZoneInfo("UTC")
DAY = 86_400


def summary(target: tuple[str, ...], day: int, counts: dict[str, int]) -> RunSummary:
    verdict = rollup.run_verdict(counts).value
    key = RunKey("a", target, f"d{day}")
    when = day * DAY
    return RunSummary(key, when, None, "", "", "", State("new"), Status(""), counts, verdict)


TARGETS = st.tuples(st.sampled_from("xyz"), st.sampled_from("pqr"))
COUNTS = st.dictionaries(st.sampled_from("PFWNR"), st.integers(1, 50), min_size=1)


@given(st.dictionaries(TARGETS, st.lists(COUNTS, min_size=1, max_size=4), min_size=1))
def test_the_sum_of_the_children_is_the_parent_at_every_node(
    runs: dict[tuple[str, str], list[dict[str, int]]],
) -> None:
    nodes = {}
    for target, counts in runs.items():
        newest_first = [summary(target, 100 - i, each) for i, each in enumerate(counts)]
        nodes["a", target] = target_node(("k", "l"), len(counts), newest_first, UTC)
    tree = Tree(nodes, {}, UTC)
    for values in [(), *{(target[0],) for target in runs}]:
        parent, children = tree.node("a", values), tree.children("a", values)
        assert sum(child.runs for child in children) == parent.runs
        assert sum(child.targets for child in children) == parent.targets
        assert rollup.add_counts(child.counts for child in children) == parent.counts


def test_a_trend_covers_the_fourteen_days_up_to_the_newest_run() -> None:
    runs = [summary(("x",), day, {"P": 3, "F": 1}) for day in (40, 39, 27, 26)]
    node = target_node(("k",), 4, runs, UTC)
    assert [day for day, _, _ in node.days] == ["1970-01-28", "1970-02-09", "1970-02-10"]
    assert node.days[-1] == ("1970-02-10", 3, 4)


def test_a_satellite_says_what_it_holds_and_its_levels_do_not() -> None:
    nodes = {("old", ("x",)): target_node(("k",), 1, [summary(("x",), 40, {"P": 1})], UTC)}
    tree = Tree(nodes, {}, UTC, {"old": "a"}, {"old": 45})
    assert (tree.node("old").held, tree.node("old", ("x",)).held) == (45, 0)


def test_a_node_reads_back_as_it_was() -> None:
    node = target_node(("k",), 2, [summary(("x",), 40, {"P": 1})], UTC)
    assert TargetNode.decode(node.encode()) == node


def test_days_and_months_are_cut_in_the_zone_of_the_site() -> None:
    before_midnight = 31 * DAY - 1
    assert (day_of(before_midnight, UTC), month_of(before_midnight, UTC)) == (
        "1970-01-31",
        "1970-01",
    )
    assert month_of(before_midnight, ZoneInfo("Asia/Tokyo")) == "1970-02"


def test_a_time_that_no_calendar_has_counts_as_the_first_day() -> None:
    assert day_of(10**18, UTC) == day_of(None, UTC) == "1970-01-01"


@pytest.mark.parametrize("when", [-50_000_000_000, -62_135_596_800, 253_402_300_799, -1])
@pytest.mark.parametrize("zone", [UTC, ZoneInfo("Asia/Tokyo"), ZoneInfo("America/Los_Angeles")])
def test_every_day_and_night_is_a_date_that_has_neighbours(when: int, zone: ZoneInfo) -> None:
    for told in (day_of(when, zone), night_of(when, zone), f"{month_of(when, zone)}-01"):
        begins = date.fromisoformat(told)
        assert begins - timedelta(days=1) < begins < begins + timedelta(days=1)


def test_a_target_of_antiquity_has_a_trend() -> None:
    old = target_node(("k",), 1, [summary(("x",), -600_000, {"P": 1})], UTC)
    assert charts.trend(old.days) is not None
