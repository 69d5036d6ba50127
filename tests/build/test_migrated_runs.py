"""A real migration changes no page of the area, and the satellite's pages list the run by links."""

import json
from pathlib import Path

import jsonschema
import pytest
from areas import BASE, DAY, TestArea, make_area, run, test
from calling import called
from sites import TestSite, difference, files_of, make_site

from mtsite.archive.job import Job
from mtsite.archive.migrate import migrate_area
from mtsite.archive.reduce import reduce_area
from mtsite.archive.restore import restore_area
from mtsite.archive.rules import Migration
from mtsite.config import ReduceConfig
from mtsite.megatest.selection import Selection

LINK = Path(__file__).parents[2] / "docs" / "schemas" / "link-1.json"
NOW = BASE + 100 * DAY
RULES = ReduceConfig(older_than=2 * DAY, keep_live=1, dead_after=7 * DAY)
RUNS = [run("u/v", f"w{n}", [test(f"t{i}", log="fine\n") for i in range(2)]) for n in range(5)]
CHOSEN = Selection(runname="w[01]")


def make(root: Path) -> tuple[TestSite, TestArea, TestArea, Job]:
    area = make_area(root, "a", runs=RUNS)
    old = make_area(root, "old", config="[setup]\nallow-runs no\n")
    (root / "home").mkdir()
    site = make_site(root / "home", area, old)
    site.build()
    areas = {one.name: one.settings for one in (area, old)}
    job = Job(areas, RULES, NOW, root / "state", environ={}, tmp=root / "tmp")
    return site, area, old, job


def of_area(site: TestSite) -> dict[str, bytes]:
    return {path: text for path, text in files_of(site.tree).items() if path.startswith("a/")}


@pytest.mark.parametrize("reduced", [False, True])
def test_a_migration_changes_no_page_of_the_area(tmp_path: Path, reduced: bool) -> None:
    site, area, _old, job = make(tmp_path)
    before = of_area(site)
    if reduced:
        reduce_area(area.settings, job)
    assert len(migrate_area(area.settings, [Migration("old", CHOSEN)], job).moved) == 2
    site.build()
    assert of_area(site) == before
    assert difference(site.tree, site.build_clean(tmp_path / "clean")) == []


def test_the_satellites_page_links_to_the_runs_that_lie_there(tmp_path: Path) -> None:
    site, area, _old, job = make(tmp_path)
    migrate_area(area.settings, [Migration("old", CHOSEN)], job)
    site.build()
    page = (site.tree / "old" / "index.html").read_text()
    assert 'href="../a/u/v/w0/index.html"' in page
    assert 'href="../a/u/v/w1/index.html"' in page


def test_the_link_of_a_run_that_moved_is_where_it_was_born(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    site, area, old, job = make(tmp_path)
    migrate_area(area.settings, [Migration("old", CHOSEN)], job)
    site.build()
    monkeypatch.chdir(site.root)
    for name in ("a/u/v/w0/t1", "old/u/v/w0/t1"):
        ended = called(["link", name], capsys)
        assert (ended.out, ended.err) == ("a/u/v/w0/t1/index.html\n", "")
    told = called(["--json", "link", "a/u/v/w0/t1/_log/x.html#L3"], capsys).out
    document = json.loads(told)
    jsonschema.validate(document, json.loads(LINK.read_text()))
    assert (document["run"], document["rows"]["area"]) == ("a/u/v/w0", "old")
    assert document["rows"]["database"] == str(old.path / "megatest.db")


def test_the_note_alone_holds_the_addresses(tmp_path: Path) -> None:
    site, area, _old, job = make(tmp_path)
    migrate_area(area.settings, [Migration("old", CHOSEN)], job)
    site.build()
    before = files_of(site.tree)
    area.execute("DELETE FROM runs WHERE id NOT IN (SELECT run_id FROM tests)")
    site.build()
    assert files_of(site.tree) == before
    site.build(full=True)
    assert files_of(site.tree) == before


def test_a_run_that_came_back_has_the_pages_that_it_had(tmp_path: Path) -> None:
    site, area, _old, job = make(tmp_path)
    before = files_of(site.tree)
    migrate_area(area.settings, [Migration("old", CHOSEN)], job)
    site.build()
    assert len(restore_area(area.settings, CHOSEN, job).moved) == 2
    site.build()
    assert files_of(site.tree) == before
