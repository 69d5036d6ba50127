"""Failures that are nearly the same, over areas: counted, linked, bounded, told the same always."""

import re
from pathlib import Path

import pytest
from areas import BASE, DAY, TestArea, make_area, run, test
from crawl import crawl, pages
from sites import TestSite, difference, files_of, make_site

from mtsite import urls
from mtsite.logs import likeness as likenesses
from mtsite.logs.likeness import likeness
from mtsite.manifest import Manifest
from mtsite.pages import cluster

LOST = "ERROR: link 'pcie0' lost at 0x1f"
ALIKE = "ERROR: link 'usb3' lost at 0x2a"


def failing(name: str, line: str, **rest: object) -> object:
    return test(name, status="FAIL", log=f"go\n{line}\n", **rest)


def two_areas(root: Path) -> list[TestArea]:
    chips, boards = (make_area(root, name) for name in ("chips", "boards"))
    chips.add_run(run("u/v", "w1", [failing("a", LOST, host="h1"), failing("b", LOST)]))
    chips.add_run(run("u/v", "w2", [failing("a", ALIKE), test("b")]))
    boards.runs_made = 9
    boards.add_run(run("x/y", "n1", [failing("c", LOST, host="h7"), failing("d", "ERROR: <b>!")]))
    (root / "home").mkdir()
    return [chips, boards]


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> TestSite:
    root = tmp_path_factory.mktemp("clusters")
    site = make_site(root / "home", *two_areas(root))
    site.build()
    return site


def shelf(site: TestSite, line: str) -> str:
    return (site.tree / urls.clusters_page(likeness(line)[0][:2])).read_text()


def section(page: str, line: str) -> str:
    return page.split(f'id="{likeness(line)[0]}"')[1].split("</section>")[0]


def test_a_cluster_adds_up_areas_runs_and_variants(built: TestSite) -> None:
    said = section(shelf(built, LOST), LOST)
    assert "4 failures" in said
    assert "3 runs · 2 kinds of lines" in said
    assert "boards, chips" in said
    assert "lately on <bdi>h1, h7</bdi>" in said or "h7" in said


def test_it_names_where_it_was_first_and_last(built: TestSite) -> None:
    said = section(shelf(built, LOST), LOST)
    assert re.search(r"last in <a href=\"\.\./boards/x/y/n1/index.html\">", said)
    assert re.search(r"first in <a href=\"\.\./chips/u/v/w1/index.html\">", said)


def test_lines_are_text_and_every_link_leads_somewhere(built: TestSite) -> None:
    assert "ERROR: &lt;b&gt;!" in shelf(built, "ERROR: <b>!")
    assert crawl(built.tree, pages(built.tree)).dead == []


def test_the_page_of_a_test_leads_to_its_cluster(built: TestSite) -> None:
    page = (built.tree / "chips/u/v/w2/a/index.html").read_text()
    name = likeness(ALIKE)[0]
    assert f'href="../../../../../_clusters/{name[:2]}.html#{name}"' in page


def test_the_newest_stand_on_a_page_of_their_own(built: TestSite) -> None:
    index = (built.tree / "_clusters/index.html").read_text()
    assert index.index("boards/x/y/n1") < index.index("ERROR: &lt;b&gt;!")


def test_another_build_and_a_clean_one_give_the_same(tmp_path: Path, built: TestSite) -> None:
    again = built.build()
    assert (again.written, again.removed, again.rendered) == (0, 0, 0)
    assert difference(built.tree, built.build_clean(tmp_path / "clean")) == []


def test_a_run_that_goes_leaves_its_clusters(tmp_path: Path) -> None:
    chips, boards = two_areas(tmp_path)
    site = make_site(tmp_path / "home", chips, boards)
    site.build()
    boards.drop_run("n1", "x/y")
    site.build(allow_drop=True)
    assert "3 failures" in section(shelf(site, LOST), LOST)
    assert not (site.tree / urls.clusters_page(likeness("ERROR: <b>!")[0][:2])).exists()
    assert difference(site.tree, site.build_clean(tmp_path / "clean")) == []


def test_a_version_that_finds_other_lines_alike_leaves_no_dead_link(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = make_site(tmp_path / "home", *two_areas(tmp_path))
    with monkeypatch.context() as older:
        older.setattr(likenesses, "EDITION", 0)
        older.setattr(likenesses, "likeness", lambda line: likeness(f"other {line[:8]}"))
        site.build()
    site.build()
    assert crawl(site.tree, pages(site.tree)).dead == []
    assert difference(site.tree, site.build_clean(tmp_path / "clean")) == []


def test_a_new_failure_touches_its_own_shelf_only(tmp_path: Path) -> None:
    area = make_area(tmp_path, "a")
    tests = [failing(f"t{i}", f"ERROR: {'abcdefghij'[i] * 4} broke") for i in range(10)]
    area.add_run(run("u/v", "w1", tests, event_time=BASE))
    (tmp_path / "home").mkdir()
    site = make_site(tmp_path / "home", area)
    site.build()
    before = files_of(site.tree)
    area.add_run(run("u/v", "w2", [failing("t0", "ERROR: zebra left")], event_time=BASE + DAY))
    site.build()
    after = files_of(site.tree)
    moved = {
        path for path in after if path.startswith("_clusters/") and after[path] != before.get(path)
    }
    mine = urls.clusters_page(likeness("ERROR: zebra left")[0][:2])
    assert moved == {mine, "_clusters/index.html"}


def test_many_failures_with_one_text_and_with_all_different_ones_stay_bounded(
    tmp_path: Path,
) -> None:
    from mtsite.failing import FailingLine
    from mtsite.model import RunKey
    from mtsite.pages.page import SiteFrame

    one = FailingLine("ab" * 6, "x", LOST, 100_000, ("t", ""), "", 0)
    many = [
        FailingLine(f"ab{i:010x}", f"{i}", f"ERROR {i}" + "x" * 140, 1, (f"t{i}", ""), "l.log", 3)
        for i in range(3000)
    ]
    with Manifest.open(tmp_path) as manifest:
        manifest.failing.note("a/u/r", RunKey("a", ("u",), "r"), 5, [one, *many])
        total, found = manifest.failing.of_shelf("ab", cluster.MOST)
        newest = manifest.failing.newest(cluster.NEWEST)
    assert (total, len(found), len(newest)) == (3001, cluster.MOST, cluster.NEWEST)
    shown = cluster.shelf_context(SiteFrame("t"), "ab", found, total)
    from mtsite.build.theme import Theme

    html = Theme().render(cluster.TEMPLATE, shown)
    assert len(html) < 1_000_000
    assert b"2751 more on this shelf" in html
    assert newest[0].tests == 100_000
