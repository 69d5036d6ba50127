"""The numbers of a level are those of what lies below it, whatever happened to runs and areas."""

import json
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

from areas import BASE, DAY, TestArea, make_area, run, test
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from sites import TestSite, make_site

ADDED_UP = (
    *("runs", "targets", "bad_targets", "coming"),
    *("new", "still", "fixed", "log_bytes"),
)
STATUSES = ("PASS", "FAIL", "WARN", "ABORT", "SKIP")
TARGETS = ("ubuntu/nfs", "ubuntu/zfs", "suse/nfs")
FATES = ("stays", "moved", "in both", "deleted", "dropped")


class Site:
    """Two areas, a satellite that takes runs of the first, and an area that can be lost."""

    def __init__(self, root: Path) -> None:
        self.areas = [make_area(root, name) for name in ("a", "b", "lost")]
        self.satellite = make_area(root, "old")
        (root / "home").mkdir()
        self.site: TestSite = make_site(root / "home", *self.areas, self.satellite)
        self.number = 0

    def add(self, area: TestArea, target: str, status: str) -> tuple[str, str]:
        self.number += 1
        name = f"r{self.number:02d}"
        tests = [test("one", status=status, log=f"{name}\n"), test("two", items=["x", "y"])]
        area.add_run(run(target, name, tests, event_time=BASE + self.number * DAY))
        return name, target

    def befall(self, fate: str, name: str, target: str) -> None:
        area = self.areas[0]
        if fate in {"moved", "in both"}:
            area.copy_run(name, self.satellite.database, target=target)
        if fate == "moved":
            area.mark_moved(name, "old", target)
        if fate == "deleted":
            area.delete_run(name, target)
        if fate == "dropped":
            area.drop_run(name, target)


def twins(tree: Path) -> dict[str, dict[str, Any]]:
    """The JSON twins of a tree by the address of their page."""
    found = (json.loads(path.read_bytes()) for path in tree.rglob("index.json"))
    return {one["address"]: one for one in found}


def check(tree: Path) -> None:
    """Every node against its children, its children's own twins, and the runs themselves."""
    all_twins = twins(tree)
    nodes = {p: one for p, one in all_twins.items() if one["schema"] == "mtsite/node/1"}
    runs = [one for one in all_twins.values() if one["schema"] == "mtsite/run/1"]
    for one in nodes.values():
        if one["kind"] == "target":
            continue
        for key in ADDED_UP:
            assert one[key] == sum(child[key] for child in one["children"]), (one["address"], key)
        counts = sum((Counter(child["counts"]) for child in one["children"]), Counter())
        assert one["counts"] == counts
        for child in one["children"]:
            own = nodes[child["address"]]
            assert {key: own[key] for key in child} == child
    site = nodes["index.html"]
    there = [one for one in runs if not one["gone"]]
    assert site["runs"] == len(there)
    logs = (log for one in there for each in one["tests"] for log in each["logs"])
    assert site["log_bytes"] == sum(log["size"] for log in logs)


@settings(max_examples=4, deadline=None, phases=(Phase.explicit, Phase.generate))
@given(
    st.lists(
        st.tuples(
            st.sampled_from([0, 0, 0, 1, 2]),
            st.sampled_from(TARGETS),
            st.sampled_from(STATUSES),
            st.sampled_from(FATES),
        ),
        min_size=3,
        max_size=12,
    ),
    st.booleans(),
)
def test_what_lies_below_adds_up_at_every_node(
    runs: list[tuple[int, str, str, str]], lose: bool
) -> None:
    with tempfile.TemporaryDirectory() as directory:
        made = Site(Path(directory))
        added = [(fate, area, made.add(made.areas[area], t, s)) for area, t, s, fate in runs]
        made.site.build()
        check(made.site.tree)
        for fate, area, (name, target) in added:
            if area == 0:
                made.befall(fate, name, target)
        if lose:
            made.areas[2].database.write_bytes(b"no database")
        made.site.build(allow_drop=True)
        check(made.site.tree)
        assert made.site.build().written == 0


def test_a_satellite_lists_what_it_holds_and_counts_it_where_it_was_born(tmp_path: Path) -> None:
    made = Site(tmp_path)
    name, target = made.add(made.areas[0], TARGETS[0], "FAIL")
    made.add(made.satellite, TARGETS[2], "PASS")
    made.site.build()
    made.befall("moved", name, target)
    made.site.build()
    satellite, home = (twins(made.site.tree)[f"{area}/index.html"] for area in ("old", "a"))
    assert (satellite["runs"], satellite["held"], satellite["satellite_of"]) == (1, 1, "a")
    assert (home["runs"], home["held"]) == (1, 0)
    assert [one["address"] for one in satellite["latest"]] == [
        "old/suse/nfs/r02/index.html",
        "a/ubuntu/nfs/r01/index.html",
    ]


def test_runs_of_long_ago_are_in_the_sum_of_logs_and_in_the_growth(tmp_path: Path) -> None:
    site = Site(tmp_path)
    site.add(site.areas[0], "u/v", "PASS")
    site.number += 60
    site.add(site.areas[0], "u/v", "PASS")
    site.site.build()
    check(site.site.tree)
    page = (site.site.tree / "a/index.html").read_text()
    assert '<section class="part" id="growth">' in page
    assert page.count('<th scope="row"><bdi>20') == 3
