"""A log of over a megabyte through all commands that read stored logs."""

import gzip
import hashlib
import shutil
from pathlib import Path

import pytest
from areas import BASE, DAY, TestArea, make_area, run, test
from calling import called
from shards import read_shard
from sites import TestSite, difference, files_of, make_site

from mtsite import departures
from mtsite.archive.purge import plan_blob, plan_rule
from mtsite.archive.records import Who
from mtsite.departures import RetainTerms
from mtsite.model import Finding, LogRecord
from mtsite.pages.part import parts_of
from mtsite.publish.headers import IMMUTABLE, headers_for
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
    config = str(site.root / "mtsite.toml")
    show = called(["--config", config, "log", "show", TESTPATH, "31000-31001"], capsys)
    assert SECRET in show.out
    assert "line 31001 of a log" in show.out
    found = called(["--config", config, "log", "grep", "Umbrella"], capsys).out.split(maxsplit=3)
    assert found[:3] == [TESTPATH, "final.log", "31000"]
    assert found[3].startswith(f"ERROR: {SECRET}")


def test_show_reads_only_the_members_that_have_the_lines(
    site: TestSite, capsys: pytest.CaptureFixture[str]
) -> None:
    raw = bytearray(blob(site.tree).read_bytes())
    raw[100] ^= 0xFF
    blob(site.tree).write_bytes(raw)
    config = str(site.root / "mtsite.toml")
    show = called(["--config", config, "log", "show", TESTPATH, "31000-31001"], capsys)
    assert SECRET in show.out
    assert called(["--config", config, "log", "show", TESTPATH, "1-2"], capsys).code != 0


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


def test_a_purge_takes_its_parts_back_at_the_destination_too(site: TestSite) -> None:
    config = site.config()
    publish_site(config, now=NOW)
    www = site.root.parent / "www"
    assert len(list(www.rglob("_part/*/*"))) == 9
    plan = plan_blob(config, blob(site.tree).stem)
    terms = RetainTerms(Who("maria", NOW, "mtsite purge"), environ={})
    departures.purge(config, plan, terms, "they asked", TerminalReport(verbosity=-1))
    for tree in (site.tree, www):
        assert [path for path in tree.rglob("_part/*/*") if path.is_file()] == []
        assert list(tree.glob("_blobs/??/*.logz")) == []


def test_a_damaged_one_is_told_on_its_page_and_stops_nothing(site: TestSite) -> None:
    path = blob(site.tree)
    path.write_bytes(path.read_bytes()[:-100])
    for page in (site.tree / TESTPATH / "_log").glob("*.html"):
        page.unlink()
    site.build(full=True)
    (page,) = (site.tree / TESTPATH / "_log").glob("*.html")
    assert "breaks off" in page.read_text()


def test_a_reader_without_script_has_it_in_parts(site: TestSite) -> None:
    (page,) = (site.tree / TESTPATH / "_log").glob("*.html")
    parts = page.parent / "_part" / page.stem
    assert sorted(path.name for path in parts.glob("*.html")) == [
        f"{number:04}.html" for number in range(1, LINES // 5000 + 1)
    ]
    assert 'href="_part/final.log/0001.html#L21"' in page.read_text()
    last = (parts / "0008.html").read_text()
    assert "<div id=L35001>" in last
    assert f"<div id=L{LINES}>" in last
    assert 'href="0007.html"' in last


def test_its_index_is_named_by_what_it_says(site: TestSite) -> None:
    (page,) = (site.tree / TESTPATH / "_log").glob("*.html")
    (index,) = page.parent.glob("_part/*/*.js")
    assert f'data-index="_part/final.log/{index.name}"' in page.read_text()
    assert index.read_text().startswith(f'mtShard("{index.stem}",')
    assert read_shard(index.read_bytes())["lines"] == LINES
    assert headers_for(index.relative_to(site.tree).as_posix()).cache_control == IMMUTABLE


def test_parts_and_index_stay_while_the_log_does(site: TestSite, area: TestArea) -> None:
    before = files_of(site.tree)
    area.add_run(run("ubuntu/nfs", "w2", [test("small", log="y\n")]))
    site.build()
    after = files_of(site.tree)
    assert [path for path in before if "_part" in path and after.get(path) != before[path]] == []
    assert sum("_part" in path for path in after) == 9


def test_of_a_very_long_log_only_the_parts_that_matter_have_a_page() -> None:
    found = Finding("x", "ERROR", 2_000_000, 2_000_000, "", "")
    log = LogRecord("a", "final", "x.logz", findings=(found,))
    assert parts_of(log, 9_242_704) == (1, 400, 1849)
    assert parts_of(log, 100_000) == tuple(range(1, 21))
    assert parts_of(log, 1999) == ()
