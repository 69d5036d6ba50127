"""An area that was renamed: what was published under its old name leads to the new one."""

import re
from pathlib import Path

import pytest
from areas import make_area, run, test
from crawl import crawl, pages
from msgspec.structs import replace
from shards import read_shard
from sites import TestSite, difference, files_of, make_site

from mtsite import record
from mtsite.model import RunKey

TARGET = "ubuntu/nfs"
NOW = 1_700_000_000
RENAMED = 'aliases = ["fullrun"]\n'


@pytest.fixture
def site(tmp_path: Path) -> TestSite:
    """A site of one area, which is called `today` from the second build on."""
    area = make_area(tmp_path)
    for number in range(3):
        status = "FAIL" if number == 1 else "PASS"
        tests = [test("sim", status=status, log=f"night {number}\n")]
        area.add_run(run(TARGET, f"r{number}", tests, event_time=NOW + number * 86_400))
    (tmp_path / "home").mkdir()
    made = make_site(tmp_path / "home", area)
    made.build()
    return made


def rename(site: TestSite) -> None:
    path = site.config().areas["fullrun"].path
    site.write_config({"today": path}, RENAMED)


def test_every_page_of_the_old_name_leads_to_its_page_of_the_new_one(site: TestSite) -> None:
    before = {path for path in files_of(site.tree) if path.startswith("fullrun/")}
    rename(site)
    site.build()
    after = files_of(site.tree)
    gone = {path for path in before if path.endswith(".html")} - after.keys()
    assert gone == set()
    for path in (path for path in before if path.endswith(".html")):
        (href,) = set(re.findall(rb'url=([^"]+)"', after[path]))
        destination = (site.tree / path).parent / href.decode()
        expected = site.tree / path.replace("fullrun/", "today/", 1)
        assert destination.resolve() == expected.resolve()
    assert crawl(site.tree, pages(site.tree)).dead == []


def test_a_shared_comparison_with_the_old_name_finds_its_runs(site: TestSite) -> None:
    before = {path for path in files_of(site.tree) if path.endswith("/_values.js")}
    rename(site)
    site.build()
    for path in before:
        text = files_of(site.tree)[path]
        assert read_shard(text)["moved"] == f"today/{TARGET}/{path.split('/')[-2]}"
    assert f"today/{TARGET}/r0/_values.js" in files_of(site.tree)
    assert difference(site.tree, site.build_clean(site.root.parent / "clean")) == []


def test_the_front_page_lists_the_area_once(site: TestSite) -> None:
    rename(site)
    site.build()
    front = files_of(site.tree)["index.html"].decode()
    assert "today/index.html" in front
    assert "fullrun/" not in front


def test_a_renamed_area_keeps_logs_whose_run_directory_is_gone(site: TestSite) -> None:
    log = next(path for path in files_of(site.tree) if "/r0/" in path and "_log/" in path)
    for path in sorted(site.root.parent.rglob("*.log")):
        if not path.is_relative_to(site.root):
            path.unlink()
    rename(site)
    site.build()
    assert b"night 0" in files_of(site.tree)[log.replace("fullrun/", "today/", 1)]


def test_facts_that_were_frozen_stay_frozen(site: TestSite) -> None:
    key = RunKey("fullrun", ("ubuntu", "nfs"), "r1")
    before = record.load(site.tree, key)
    rename(site)
    site.build()
    after = record.load(site.tree, replace(key, area="today"))
    assert before is not None
    assert after is not None
    assert before.facts is not None
    assert (after.facts, bool(after.sealed)) == (before.facts, True)


def test_a_clean_build_of_a_renamed_area_gives_the_same_tree(
    site: TestSite, tmp_path: Path
) -> None:
    rename(site)
    site.build()
    assert site.build().written == 0
    assert difference(site.tree, site.build_clean(tmp_path / "clean")) == []


def test_without_the_alias_the_old_addresses_tell_what_remains(
    site: TestSite, tmp_path: Path
) -> None:
    rename(site)
    site.build()
    site.write_config({"today": site.config().areas["today"].path})
    site.build()
    page = files_of(site.tree)["fullrun/ubuntu/nfs/r1/index.html"]
    assert b"none of the databases" in page
    assert difference(site.tree, site.build_clean(tmp_path / "clean")) == []


def test_an_alias_of_an_area_whose_runs_are_gone_changes_what_shows_them(
    site: TestSite, tmp_path: Path
) -> None:
    other = make_area(tmp_path / "elsewhere", "other")
    other.add_run(run(TARGET, "b0", [test("boot")], event_time=NOW))
    site.write_config({"other": other.path})
    site.build(allow_drop=True)
    assert b"fullrun" in files_of(site.tree)["_search/2023-11-1.js"]
    site.write_config({"other": other.path}, RENAMED)
    site.build()
    assert b"fullrun" not in files_of(site.tree)["_search/2023-11-1.js"]
    assert site.build().written == 0
    assert difference(site.tree, site.build_clean(tmp_path / "clean")) == []
    site.write_config({"other": other.path})
    site.build()
    assert b"fullrun" in files_of(site.tree)["_search/2023-11-1.js"]
    assert difference(site.tree, site.build_clean(tmp_path / "again")) == []
