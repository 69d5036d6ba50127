"""The page about retention follows rows, settings and holds, as a clean build would make it."""

from pathlib import Path

import pytest
from areas import BASE, DAY, TestArea, make_area, run, test
from crawl import crawl
from sites import TestSite, difference, make_site

PAGE = "_gone/index.html"


@pytest.fixture
def area(tmp_path: Path) -> TestArea:
    return make_area(
        tmp_path, runs=[run("ubuntu/nfs", f"w{n}", [test("t", status="FAIL")]) for n in range(5)]
    )


@pytest.fixture
def site(tmp_path: Path, area: TestArea) -> TestSite:
    (tmp_path / "home").mkdir()
    made = make_site(tmp_path / "home", area)
    retain(made, area, 'logs = "3d"')
    made.build()
    return made


def retain(site: TestSite, area: TestArea, setting: str) -> None:
    site.write_config({area.name: area.path}, f"[retain]\n{setting}\n")


def text(site: TestSite) -> str:
    return (site.tree / PAGE).read_text(encoding="utf-8")


def test_it_is_counted_from_the_newest_time_of_the_rows(site: TestSite) -> None:
    assert 'datetime="2023-11-18T22:13:30Z"' in text(site)  # the end of w4
    assert [
        name for name in ("w0", "w1", "w2", "w3", "w4") if f"nfs/{name} --why" in text(site)
    ] == [
        "w0",
        "w1",
        "w2",
        "w3",
    ]


def test_front_page_and_area_page_lead_there(site: TestSite) -> None:
    for path in ("index.html", "fullrun/index.html"):
        assert '_gone/index.html">leaving and gone</a>' in (site.tree / path).read_text()
    assert crawl(site.tree).dead == []


def test_a_hold_takes_its_run_off_the_list(site: TestSite, tmp_path: Path) -> None:
    (site.root / "holds.toml").write_text(
        '[[hold]]\nrun = "fullrun/ubuntu/nfs/w1"\nwhy = "release"\n'
    )
    site.build()
    assert "nfs/w1 --why" not in text(site)
    assert ": release" in text(site)
    assert difference(site.tree, site.build_clean(tmp_path / "clean")) == []


def test_a_changed_setting_changes_it_and_nothing_new_writes_nothing(
    site: TestSite, area: TestArea
) -> None:
    assert site.build().written == 0
    retain(site, area, 'logs = "1y"')
    assert site.build().written == 1
    assert "Nothing ends within 14 days." in text(site)


def test_without_a_clock_there_is_no_page_and_no_link(
    site: TestSite, area: TestArea, tmp_path: Path
) -> None:
    retain(site, area, "keep_last = 1")
    site.build()
    assert not (site.tree / PAGE).exists()
    assert "_gone" not in (site.tree / "index.html").read_text()
    assert difference(site.tree, site.build_clean(tmp_path / "clean")) == []


def test_a_new_run_moves_the_page_on(site: TestSite, area: TestArea, tmp_path: Path) -> None:
    area.add_run(run("ubuntu/nfs", "w9", [test("t")], event_time=BASE + 9 * DAY))
    site.build()
    assert 'datetime="2023-11-23' in text(site)
    assert difference(site.tree, site.build_clean(tmp_path / "clean")) == []


def test_holds_that_can_not_be_read_are_told_and_nothing_leaves(
    site: TestSite, tmp_path: Path
) -> None:
    before = text(site)
    (site.root / "holds.toml").write_text("[[hold\n")
    (problem,) = site.build().problems
    assert "holds.toml" in problem
    assert "nothing is let go until it can" in text(site)
    assert "hold add" not in text(site)
    assert difference(site.tree, site.build_clean(tmp_path / "clean")) == []
    (site.root / "holds.toml").write_text("")
    site.build()
    assert text(site) == before


def test_links_to_it_lead_somewhere_though_the_first_build_reads_no_holds(
    area: TestArea, tmp_path: Path
) -> None:
    (tmp_path / "home").mkdir()
    made = make_site(tmp_path / "home", area)
    retain(made, area, 'logs = "3d"')
    (made.root / "holds.toml").write_text("[[hold\n")
    made.build()
    assert (
        "How long this run is kept" in (made.tree / "fullrun/ubuntu/nfs/w0/index.html").read_text()
    )
    assert crawl(made.tree).dead == []
