"""Areas as small and as odd as they come: each has pages, links that hold, and an order."""

import json
import re
from pathlib import Path

import pytest
from areas import BASE, DAY, make_area, run, test
from sites import TestSite, difference, make_site

from mtsite.build.theme import schemas_dir
from mtsite.check.site import Wishes, check_site
from mtsite.engines.inprocess import InProcess

KEYS = tuple(f"key{n}" for n in range(8))
DEEP = "/".join(f"value{n}" for n in range(8))
LONG = "a_name_of_200_characters_" * 8
RTL = "اختبار_الذاكرة"


def odd_areas(root: Path) -> TestSite:
    """One run of one key; eight keys with two runs in one second; no run; no start; odd names."""
    one = make_area(root, "only", ("os",), [run("linux", "w1", [test("t", log="ERROR: x\n")])])
    two = [run(DEEP, name, [test("t")], event_time=BASE) for name in ("b", "a")]
    eight = make_area(root, "eight", KEYS, two)
    none = make_area(root, "none", ("os",))
    bare = [run("linux", "bare", event_time=0), run("linux", "w1", [test("t", status="FAIL")])]
    odd = make_area(root, "odd", ("os",), bare)
    names = [test(LONG, status="FAIL"), test(RTL, items=[LONG, RTL])]
    odd.add_run(run(RTL, LONG, names, event_time=BASE + 5000 * DAY))
    (root / "home").mkdir()
    site = make_site(root / "home", one, eight, none, odd)
    site.build()
    return site


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> TestSite:
    return odd_areas(tmp_path_factory.mktemp("odd"))


def page(site: TestSite, path: str) -> str:
    return (site.tree / path).read_text("utf-8")


def test_all_links_of_odd_areas_hold(site: TestSite) -> None:
    wishes = Wishes(site.config().check.levels, schemas_dir())
    assert check_site(site.config(), InProcess(1), lambda *_: None, wishes).findings == []


def test_a_build_from_nothing_makes_the_same(site: TestSite, tmp_path: Path) -> None:
    assert difference(site.tree, site.build_clean(tmp_path / "clean")) == []


def test_a_run_that_knows_no_start_stands_in_lists_without_a_date(site: TestSite) -> None:
    everything = "".join(page(site, str(path)) for path in site.tree.glob("odd/**/*.html"))
    assert ">bare<" in everything
    assert "1970-01-01" not in everything
    assert "1969-12-31" not in everything


def test_two_runs_of_one_second_follow_each_other_by_name(site: TestSite) -> None:
    first, second = (
        page(site, f"eight/{DEEP}/a/index.html"),
        page(site, f"eight/{DEEP}/b/index.html"),
    )
    assert 'data-key="[" rel="prev"' not in first
    assert re.search(r'href="\.\./b/index.html" data-key="]"', first)
    assert re.search(r'href="\.\./a/index.html" data-key="\["', second)
    grid = json.loads(page(site, f"eight/{DEEP}/_runs/grid.json"))
    assert [one["runname"] for one in grid["runs"]] == ["b", "a"]


def test_a_target_of_eight_keys_leads_to_each_of_them(site: TestSite) -> None:
    crumbs = re.findall(r'title="(key\d)"', page(site, f"eight/{DEEP}/a/index.html"))
    assert crumbs == list(KEYS)


def test_a_target_with_its_only_run_has_a_grid_and_no_course(site: TestSite) -> None:
    text = page(site, "only/linux/index.html")
    assert '<section class="part" id="course"' not in text
    assert page(site, "only/linux/_runs/grid-30.html").count("the only run") > 0


def test_an_area_without_runs_says_so(site: TestSite) -> None:
    assert "No runs yet." in page(site, "index.html")
    assert "none/index.html" in page(site, "index.html")


def test_a_run_that_nobody_knows_the_start_of_belongs_to_no_night(site: TestSite) -> None:
    text = page(site, "odd/linux/bare/index.html")
    assert "This run has no tests." in text
    assert "all targets" not in text
    assert "filter-bar" not in text
    assert not list((site.tree / "odd/_nights").glob("19*"))
