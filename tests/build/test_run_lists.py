"""Beside a run's page: list pages and shards of a large run, links that the settings give."""

from pathlib import Path

import pytest
from areas import TestArea, make_area, run, test
from crawl import crawl
from sites import TestSite, files_of, make_site

from mtsite.pages import run_list

RUN = "fullrun/ubuntu/nfs/r1"


@pytest.fixture
def small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    """So little room that forty tests are many."""
    for name, room in (
        ("WHOLE_ROOM", 2_000),
        ("FAILURES_ROOM", 3_000),
        ("FOLDED_ROOM", 500),
        ("LIST_PAGE_BYTES", 3_000),
        ("SHARD_BYTES", 1_000),
    ):
        monkeypatch.setattr(run_list, name, room)


def site_of(tmp_path: Path, count: int) -> tuple[TestSite, TestArea]:
    tests = [test(f"t{i:02d}", status="FAIL" if i % 4 == 0 else "PASS") for i in range(count)]
    area = make_area(tmp_path, runs=[run("ubuntu/nfs", "r1", tests, event_time=1_700_000_000)])
    (tmp_path / "home").mkdir()
    return make_site(tmp_path / "home", area), area


def beside(site: TestSite) -> set[str]:
    return {
        path for path in files_of(site.tree) if path.startswith((f"{RUN}/_p0", f"{RUN}/_shard/"))
    }


@pytest.mark.usefixtures("small_pages")
def test_lists_and_shards_of_a_large_run_are_written_and_linked(tmp_path: Path) -> None:
    site, _ = site_of(tmp_path, 40)
    site.build()
    lists = {path for path in beside(site) if path.endswith(".html")}
    assert len(lists) > 2 and len(beside(site) - lists) > 2
    found = crawl(site.tree)
    assert found.dead == []
    assert lists <= found.met
    page = (site.tree / RUN / "index.html").read_text("utf-8")
    for path in beside(site) - lists:
        assert path.removeprefix(f"{RUN}/") in page


@pytest.mark.usefixtures("small_pages")
def test_a_next_run_leaves_lists_and_shards_as_they_are(tmp_path: Path) -> None:
    site, area = site_of(tmp_path, 40)
    site.build()
    before = {path: (site.tree / path).stat().st_mtime_ns for path in beside(site)}
    area.add_run(run("ubuntu/nfs", "r2", [test("t00")], event_time=1_700_100_000))
    site.build()
    assert {path: (site.tree / path).stat().st_mtime_ns for path in beside(site)} == before
    assert "r2/index.html" in (site.tree / RUN / "index.html").read_text("utf-8")


def test_a_run_that_has_room_has_nothing_beside_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site, _ = site_of(tmp_path, 40)
    with monkeypatch.context() as less:
        less.setattr(run_list, "WHOLE_ROOM", 2_000)
        site.build()
        assert beside(site)
    site.build(full=True)
    assert beside(site) == set()


def test_links_of_an_area_change_the_pages_of_its_runs_only(tmp_path: Path) -> None:
    site, _ = site_of(tmp_path, 3)
    site.build()
    before = files_of(site.tree)
    toml = site.root / "mtsite.toml"
    text = toml.read_text("utf-8")
    links = '[areas.fullrun.links]\nJobs = "https://ci.example/{target}/{runname}"\n'
    toml.write_text(f"{text}\n{links}", "utf-8")
    site.build()
    after = files_of(site.tree)
    assert [p for p in sorted(after) if after[p] != before.get(p)] == [f"{RUN}/index.html"]
    assert b'href="https://ci.example/ubuntu/nfs/r1"' in after[f"{RUN}/index.html"]
