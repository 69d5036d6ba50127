"""Logs of four dialects from the run directory to the pages, with links that all lead somewhere."""

import gzip
import json
import re
from pathlib import Path
from typing import Any

import pytest
from areas import make_area, run, step, test
from crawl import crawl
from sites import TestSite, make_site

from mtsite import urls
from mtsite.model import RunKey

DATA = Path(__file__).parents[1] / "data"
HIPSTER = DATA / "turbo-hipster"
MIGRATION = gzip.decompress((HIPSTER / "user_001.log.gz").read_bytes())
STEPS = gzip.decompress((DATA / "treeherder" / "steps" / "crash-1.txt.gz").read_bytes())
GROUPS = DATA / "treeherder" / "errorsummary" / "mochitest-browser-chrome_errorsummary.log"
DAT = "[rule-3]\ntype Error\nstatus FAIL\ncompsym =\nvalue 0\ndesc No errors\ncount 2\n"
KEY = RunKey("fullrun", ("ubuntu", "nfs"), "w01")
PLACES = ("db", "user_001"), ("moz", "crash"), ("moz", "groups"), ("lint", "")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> TestSite:
    root = tmp_path_factory.mktemp("dialects")
    tests = [
        test("db", items=["user_001"], files={"nova.log": MIGRATION}),
        test("moz", items=["crash", "groups"], files={}),
        test("lint", steps=[step("lint", status="1")], files={"lint.dat": DAT}),
    ]
    area = make_area(root, runs=[run("ubuntu/nfs", "w01", tests)])
    disk = area.disk / "ubuntu/nfs/w01"
    for name, content in (
        ("db/user_001/nova.log", MIGRATION),
        ("moz/crash/crash-1.log", STEPS),
        ("moz/groups/x_errorsummary.log", GROUPS.read_bytes()),
    ):
        (disk / name).parent.mkdir(parents=True, exist_ok=True)
        (disk / name).write_bytes(content)
    (root / "home").mkdir()
    made = make_site(root / "home", area)
    limits = (HIPSTER / "datasets" / "trivial_6000.config.json").read_bytes()
    (made.root / "trivial.json").write_bytes(limits)
    dataset = (
        "[logs.migration.trivial]\nlogs = ['fullrun/*/db/user_001/*']\nlimits = 'trivial.json'\n"
    )
    made.write_config({area.name: area.path}, dataset)
    made.build()
    return made


def page(site: TestSite, path: str) -> str:
    return (site.tree / path).read_text(encoding="utf-8")


def twin_logs(site: TestSite) -> dict[str, dict[str, Any]]:
    found = json.loads(page(site, urls.run_twin(KEY)))
    return {log["name"]: log for one in found["tests"] for log in one["logs"]}


def test_each_log_is_judged_by_its_dialect(site: TestSite) -> None:
    dialects = {name: log["dialect"] for name, log in twin_logs(site).items() if log["dialect"]}
    assert dialects == {
        "nova.log": "migration",
        "crash-1.log": "mozharness",
        "x_errorsummary.log": "errorsummary",
        "lint.dat": "logpro",
    }


def test_the_limits_of_the_dataset_count(site: TestSite) -> None:
    log = twin_logs(site)["nova.log"]
    assert log["facts"]["dataset"] == "trivial"
    assert log["facts"]["messages"] == [
        "WARNING - Migration 134->135 changed too many rows (45464)",
        "WARNING - Migration 134->135 read too many rows (45467)",
        "WARNING - Migration 135->136 changed too many rows (45464)",
    ]
    assert log["finding_count"] == 3


@pytest.mark.parametrize(
    ("name", "log", "title"),
    [
        (("db", "user_001"), "nova.log", "Migrations"),
        (("moz", "crash"), "crash-1.log", "Steps"),
        (("moz", "groups"), "x_errorsummary.log", "Test groups"),
        (("lint", ""), "lint.dat", "logpro"),
    ],
)
def test_the_tables_stand_on_the_pages_of_log_and_test(
    site: TestSite, name: tuple[str, str], log: str, title: str
) -> None:
    for path in (urls.test_page(KEY, name), urls.log_page(KEY, name, log)):
        assert f"<b>{title}</b>" in page(site, path)


def test_every_finding_links_to_what_it_means(site: TestSite) -> None:
    shown = page(site, urls.log_page(KEY, ("db", "user_001"), "nova.log"))
    links = re.findall(r'href="([^"]+/_rules/[^"]+)"', shown)
    assert len(links) == 3
    assert links[0].endswith("/_rules/index.html#migration~2Ftoo-many-rows-changed")


def test_every_link_leads_to_a_page_and_a_line(site: TestSite) -> None:
    found = crawl(site.tree)
    assert (found.dead, found.scripts) == ([], [])
    assert urls.rules_page() in found.met


def test_the_catalogue_changes_only_with_the_rule_set(site: TestSite) -> None:
    path = site.tree / urls.rules_page()
    before = path.stat().st_mtime_ns
    site.build()
    assert path.stat().st_mtime_ns == before
    own = site.root / "mtsite.toml"
    rule = "[[logs.rule]]\nname = 'licence'\nregex = 'no licence'\ntitle = 'Out of licences'\n"
    text = own.read_text()
    own.write_text(text + rule)
    site.build()
    assert "Out of licences" in page(site, urls.rules_page())
    own.write_text(text)
    site.build()
    assert "Out of licences" not in page(site, urls.rules_page())
