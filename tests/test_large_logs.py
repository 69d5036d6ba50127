"""A log of over a megabyte through all commands that read stored logs."""

import gzip
import hashlib
import shutil
from pathlib import Path

import pytest
from areas import BASE, DAY, TestArea, make_area, run, test
from calling import called
from sites import TestSite, difference, make_site

from mtsite import departures
from mtsite.archive.purge import plan_rule
from mtsite.archive.records import Who
from mtsite.departures import RetainTerms
from mtsite.publish.upload import publish_site
from mtsite.terminal import TerminalReport

NOW = BASE + 100 * DAY
SECRET = "customer Umbrella Corp"
LINES = 40_000
TEXT = "".join(f"line {n} of a log, at 0x{n * 7919:08x}\n" for n in range(1, LINES + 1)).replace(
    "line 31000 ", f"ERROR: {SECRET} said no; "
)
TESTPATH = "fullrun/ubuntu/nfs/w1/big"
OWN_RULE = '[[redact.own]]\nname = "customer"\nregex = "customer [A-Z][a-z]+ Corp"\n'


@pytest.fixture
def area(tmp_path: Path) -> TestArea:
    big = test("big", status="FAIL", log=TEXT)
    return make_area(tmp_path, runs=[run("ubuntu/nfs", "w1", [big, test("small", log="x\n")])])


@pytest.fixture
def site(tmp_path: Path, area: TestArea) -> TestSite:
    (tmp_path / "home").mkdir()
    made = make_site(tmp_path / "home", area)
    configure(made, area)
    made.build()
    return made


def configure(site: TestSite, area: TestArea, extra: str = "") -> None:
    www = site.root.parent / "www"
    settings = f'[build]\nengine = "inprocess"\n[publish]\ndestination = "{www}"\n{extra}'
    site.write_config({area.name: area.path}, settings)


def blob(tree: Path) -> Path:
    (found,) = tree.glob("_blobs/??/*.logz")
    return found


def test_its_name_is_the_digest_of_its_text_and_its_page_shows_the_failing_line(
    site: TestSite,
) -> None:
    text = gzip.decompress(blob(site.tree).read_bytes())
    assert text == TEXT.encode()
    assert blob(site.tree).stem == hashlib.sha256(text).hexdigest()
    (page,) = (site.tree / TESTPATH / "_log").glob("*.html")
    assert "<div id=L31000" in page.read_text()
    assert SECRET in page.read_text()


def test_show_and_grep_read_it(site: TestSite, capsys: pytest.CaptureFixture[str]) -> None:
    show = called(["log", "show", TESTPATH, "31000-31001"], site, capsys)
    assert SECRET in show.out
    assert "line 31001 of a log" in show.out
    assert f"\t31000\tERROR: {SECRET}" in called(["log", "grep", "Umbrella"], site, capsys).out


def test_a_tree_built_clean_from_its_store_is_the_same(site: TestSite, tmp_path: Path) -> None:
    assert difference(site.tree, site.build_clean(tmp_path / "clean")) == []


def test_it_is_published_packed_as_it_is_and_comes_back(site: TestSite) -> None:
    config = site.config()
    packed = blob(site.tree).read_bytes()
    publish_site(config, now=NOW)
    assert blob(site.root.parent / "www").read_bytes() == packed
    shutil.rmtree(site.tree)
    shutil.rmtree(site.state)
    shutil.rmtree(site.root.parent / "fullrun" / "links", ignore_errors=True)
    site.build()
    assert blob(site.tree).read_bytes() == packed


def test_a_rule_that_comes_later_masks_it_again(site: TestSite, area: TestArea) -> None:
    old = blob(site.tree).name
    configure(site, area, OWN_RULE)
    config = site.config()
    plan = plan_rule(config, "customer", lambda *_: None, store=True)
    terms = RetainTerms(Who("maria", NOW, "mtsite purge"), environ={})
    departures.purge(config, plan, terms, "they asked", TerminalReport(verbosity=-1))
    masked = gzip.decompress(blob(site.tree).read_bytes())
    assert masked == TEXT.replace(SECRET, "▮▮▮[customer]▮▮▮").encode()
    assert blob(site.tree).stem == hashlib.sha256(masked).hexdigest()
    assert blob(site.tree).name != old
    for path in site.tree.rglob("*.*"):
        assert path.is_dir() or SECRET.encode() not in path.read_bytes(), path


def test_a_damaged_one_is_told_on_its_page_and_stops_nothing(site: TestSite) -> None:
    path = blob(site.tree)
    path.write_bytes(path.read_bytes()[:-100])
    for page in (site.tree / TESTPATH / "_log").glob("*.html"):
        page.unlink()
    site.build(full=True)
    (page,) = (site.tree / TESTPATH / "_log").glob("*.html")
    assert "breaks off" in page.read_text()
