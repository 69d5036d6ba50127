"""Histories that are no even row of nights: one run alone, months without any, a renamed test."""

import json
from pathlib import Path

import pytest
from areas import BASE, DAY, make_area, run, test
from calling import called
from crawl import crawl, pages
from feeds import valid
from shards import read_shard
from sites import TestSite, difference, make_site

from mtsite import urls
from mtsite.stability import BROKEN

TARGET = "u/v"
LATER = BASE + 200 * DAY
"""2024-06-01: six months without a run."""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> TestSite:
    """`alone` has one run; `chips` two, half a year apart, between which a test was renamed."""
    root = tmp_path_factory.mktemp("odd")
    alone, chips = make_area(root / "1", "alone"), make_area(root / "2", "chips")
    alone.add_run(run(TARGET, "w1", [test("a", status="FAIL", log="ERROR: no\n"), test("b")]))
    kept = test("kept", log="fine\n")
    chips.add_run(run(TARGET, "w1", [kept, test("old_name", status="FAIL")], event_time=BASE))
    chips.add_run(run(TARGET, "w2", [kept, test("new_name", status="FAIL")], event_time=LATER))
    (root / "home").mkdir()
    made = make_site(root / "home", alone, chips)
    made.build()
    return made


def page(site: TestSite, path: str) -> str:
    return (site.tree / path).read_text()


def test_every_link_leads_somewhere_and_a_clean_build_gives_the_same(
    site: TestSite, tmp_path: Path
) -> None:
    assert crawl(site.tree, pages(site.tree)).dead == []
    assert difference(site.tree, site.build_clean(tmp_path / "clean")) == []


def test_a_run_alone_has_nothing_to_compare_with_and_a_whole_feed(site: TestSite) -> None:
    said = page(site, "alone/u/v/w1/index.html")
    assert "No previous run of this target to compare with." in said
    feed = valid((site.tree / urls.feed("alone", ("u", "v"))).read_bytes())
    assert [one.title.value for one in feed.entries] == ["✗ fail u/v/w1"]
    told = json.loads(page(site, "alone/u/v/w1/index.json"))
    assert (told["new"], told["still"], told["fixed"]) == (0, 0, 0)


def test_months_without_a_run_have_no_listing_and_no_shard(site: TestSite) -> None:
    months = {path.stem for path in (site.tree / "chips/u/v/_runs").glob("20*.html")}
    assert months == {"2023-11", "2024-06"}
    shards = {path.stem for path in (site.tree / "_search").glob("*.js")}
    assert shards == {"2023-11-1", "2024-06-1"}
    assert 'data-shards="2024-06:1 2023-11:1"' in page(site, urls.search_page())
    entries = valid((site.tree / urls.feed("chips", ("u", "v"))).read_bytes()).entries
    assert [str(one.updated.date()) for one in entries] == ["2024-06-01", "2023-11-14"]


def test_a_renamed_test_is_two_tests_of_which_one_ended(site: TestSite) -> None:
    for name in ("old_name", "new_name", "kept"):
        assert (site.tree / urls.history_page("chips", ("u", "v"), (name, ""))).is_file()
    unsteady = json.loads(page(site, "chips/u/v/index.json"))["unsteady"]
    listed = [one["testname"] for one in unsteady["tests"] if one["kind"] == BROKEN]
    assert listed == ["new_name"]
    for month, name in (("2023-11", "old_name"), ("2024-06", "new_name")):
        names = read_shard((site.tree / f"_search/{month}-1.js").read_bytes())["names"]
        assert any(one.endswith(name) for one in names)


def test_run_diff_has_a_renamed_test_on_both_sides(
    site: TestSite, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(site.root)
    ended = called(["run", "diff", "chips/u/v/w1", "chips/u/v/w2", "--json"], capsys)
    told = json.loads(ended.out)
    classes = {one["testname"]: one["class"] for one in told["tests"]}
    assert classes["old_name"].startswith("NOT-IN-DEST")
    assert classes["new_name"].startswith("NOT-IN-SRC")
    assert told["counts"]["CLEAN"] == 1
