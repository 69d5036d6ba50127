"""`mtsite log`: rules, stored logs, judging them again."""

import gzip
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import areas
import pytest
from calling import ROOT, called
from sites import TestSite, files_of, make_site

BROKEN = (
    "start\n"
    "foo.c:12:5: error: 'x' undeclared\n"
    "   12 |   x = 1;\n"
    "password = hunter22hunter\n"
    "foo.c:13:1: warning: odd\n"
    "\x1b[31mred\x1b[m \x07bell\n"
    "no licence for sim\n"
)
ADDRESS = "fullrun/ubuntu/nfs/w01"


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> TestSite:
    """A built site whose run directories are gone."""
    tests = [
        areas.test("build", status="FAIL", log=BROKEN, files={"other.log": "fine\n"}),
        areas.test("sim", items=[areas.item("a/b", log="no licence for b\n"), "c"]),
        areas.test("silent", log=None),
    ]
    area = areas.make_area(tmp_path, runs=[areas.run("ubuntu/nfs", "w01", tests=tests)])
    made = TestSite(tmp_path)
    made.write_config({"fullrun": area.path})
    monkeypatch.chdir(tmp_path)
    made.build()
    shutil.rmtree(area.disk)
    return made


def test_rules_test_shows_which_line_matches_which_rule(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "x.log").write_text(BROKEN)
    ended = called(["log", "rules", "test", "x.log"], capsys)
    assert ended.code == 0
    assert ended.out.splitlines() == [
        "2-3 ERROR compiler/error foo.c:12:5: error: 'x' undeclared",
        "5 WARNING compiler/warning foo.c:13:1: warning: odd",
    ]


def test_rules_test_knows_the_rules_of_the_site(
    site: TestSite, capsys: pytest.CaptureFixture[str]
) -> None:
    own = "[[logs.rule]]\nname = 'lic'\nregex = 'licence'\nlevel = 'critical'\n"
    (site.root / "mtsite.toml").write_text(own)
    (site.root / "x.log").write_text(BROKEN)
    ended = called(["log", "rules", "test", "x.log", "--family", "site", "--json"], capsys)
    document = json.loads(ended.out)
    assert document["schema"] == "mtsite/log-rules-test/1"
    seen = [(one["first_line"], one["level"], one["rule"]) for one in document["findings"]]
    assert seen == [(7, "CRITICAL", "site/lic")]


def test_rules_test_masks_what_a_log_would_have_masked(
    site: TestSite, capsys: pytest.CaptureFixture[str]
) -> None:
    (site.root / "x.log").write_text("ERROR: password = hunter22hunter\n")
    ended = called(["log", "rules", "test", "x.log"], capsys)
    assert "hunter22" not in ended.out and "▮▮▮[password]▮▮▮" in ended.out


def test_rules_test_says_what_is_missing_of_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "x.log.gz").write_bytes(gzip.compress(b"ERROR: x\n" + os.urandom(99_999))[:-999])
    ended = called(["log", "rules", "test", "x.log.gz"], capsys)
    assert ended.code == 0
    assert "1 ERROR severity/error ERROR: x" in ended.out
    assert "x.log.gz: cut: " in ended.err and "the gzip data breaks off" in ended.err
    document = json.loads(called(["log", "rules", "test", "x.log.gz", "--json"], capsys).out)
    assert "the gzip data breaks off" in document["missing"]


def test_a_link_that_leads_to_itself_is_no_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "x.log").symlink_to("x.log")
    ended = called(["log", "rules", "test", "x.log"], capsys)
    assert (ended.code, ended.out) == (10, "")
    assert "x.log: not read: it is a symbolic link" in ended.err


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (["rules", "test", "nope.log"], 10, "it is gone"),
        (["rules", "test", "mtsite.toml", "--family", "nope"], 2, "no family nope"),
        (["show", "fullrun/ubuntu/nfs/w99/build"], 10, "no run of the site"),
        (["show", ADDRESS], 2, "is a run"),
        (["show", f"{ADDRESS}/nope"], 10, "no test nope"),
        (["show", f"{ADDRESS}/build", "--log", "nope.log"], 10, "no stored log nope.log"),
        (["show", f"{ADDRESS}/silent"], 10, "no stored log"),
        (["show", f"{ADDRESS}/"], 2, f"log show {ADDRESS}/TEST"),
        (["show", f"{ADDRESS}/build", "1-x"], 2, "write 120 or 120-180"),
        (["show", f"{ADDRESS}/build", "5-3"], 2, "5-3: lines count from 1"),
        (["show", f"{ADDRESS}/build", "0"], 2, "0: lines count from 1"),
        (["show", f"{ADDRESS}/build", "99"], 0, "ends with line 7"),
        (["grep", "("], 2, "no regular expression"),
    ],
)
def test_what_is_not_there_is_told(
    words: list[str], code: int, told: str, site: TestSite, capsys: pytest.CaptureFixture[str]
) -> None:
    ended = called(["log", *words], capsys)
    assert ended.code == code
    assert told in ended.err


def test_show_prints_the_log_that_speaks_for_a_test(
    site: TestSite, capsys: pytest.CaptureFixture[str]
) -> None:
    ended = called(["log", "show", f"{ADDRESS}/build"], capsys)
    lines = ended.out.splitlines()
    assert lines[1] == "     2  foo.c:12:5: error: 'x' undeclared"
    assert "hunter22" not in ended.out
    assert lines[5] == "     6  red ␇bell"


@pytest.mark.parametrize(
    ("words", "numbers"),
    [(["3"], [3]), (["6-99"], [6, 7]), (["--errors"], [2, 3]), (["99"], [])],
)
def test_show_prints_the_lines_asked_for(
    words: list[str], numbers: list[int], site: TestSite, capsys: pytest.CaptureFixture[str]
) -> None:
    ended = called(["log", "show", f"{ADDRESS}/build", *words, "--json"], capsys)
    assert [line["number"] for line in json.loads(ended.out)["lines"]] == numbers


def test_show_finds_the_logs_of_items(site: TestSite, capsys: pytest.CaptureFixture[str]) -> None:
    ended = called(["log", "show", f"{ADDRESS}/sim/a/b"], capsys)
    assert ended.out == "     1  no licence for b\n"


def test_grep_prints_run_test_log_and_line(
    site: TestSite, capsys: pytest.CaptureFixture[str]
) -> None:
    ended = called(["log", "grep", r"^no licen[cs]e for (\w+)$"], capsys)
    assert ended.code == 0
    found = [line.split() for line in ended.out.splitlines()]
    assert [(one[0], one[2]) for one in found] == [
        (f"{ADDRESS}/build", "7"),
        (f"{ADDRESS}/sim/a/b", "1"),
    ]


@pytest.mark.parametrize(
    "words",
    [["nowhere"], ["licence", "--runname", "w2%"], ["licence", "--test", "silent"]],
)
def test_grep_that_finds_nothing_exits_1(
    words: list[str], site: TestSite, capsys: pytest.CaptureFixture[str]
) -> None:
    ended = called(["log", "grep", *words], capsys)
    assert (ended.code, ended.out) == (1, "")


def test_grep_looks_only_where_it_is_told(
    site: TestSite, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["log", "grep", "licence", "--test", "sim/%", "--target", "ubuntu/%", "--json"]
    ended = called(words, capsys)
    assert [one["test"] for one in json.loads(ended.out)["matches"]] == [f"{ADDRESS}/sim/a/b"]


OWN = "[[logs.rule]]\nname = 'lic'\nregex = 'licence'\ntitle = 'No licence'\n"


def test_a_first_build_has_no_older_rules(tmp_path: Path) -> None:
    runs = [areas.run("u/v", "w1", [areas.test("t")])]
    site = make_site(tmp_path, areas.make_area(tmp_path, runs=runs))
    assert not site.build().older_rules


def test_reanalyse_judges_stored_logs_with_the_rules_of_today(
    site: TestSite, capsys: pytest.CaptureFixture[str]
) -> None:
    config = site.root / "mtsite.toml"
    config.write_text(config.read_text() + OWN)
    assert site.build().older_rules
    page = site.tree / ADDRESS / "sim/a/b/_log"
    assert not any("site/lic" in one.read_text() for one in page.rglob("*.html"))

    tried = called(["log", "reanalyse", "-n"], capsys)
    assert "3 logs were judged by older rules" in tried.err
    ended = called(["log", "reanalyse", "--json"], capsys)
    done = json.loads(ended.out)
    assert (done["logs"], done["changed"], done["runs"], done["missing"]) == (3, 2, 1, 0)

    summary = site.build()
    assert not summary.older_rules
    assert "site/lic" in (site.tree / ADDRESS / "index.json").read_text()
    again = json.loads(called(["log", "reanalyse", "--json"], capsys).out)
    assert again["logs"] == 0


def test_a_build_after_reanalyse_is_a_clean_one(
    site: TestSite, capsys: pytest.CaptureFixture[str]
) -> None:
    config = site.root / "mtsite.toml"
    config.write_text(config.read_text() + OWN.replace("'licence'", "'for b|bell|start'"))
    told = called(["log", "reanalyse"], capsys).err
    assert "3 logs judged again, 2 of them differ, in 1 run;" in told
    site.build()
    assert files_of(site.tree) == files_of(site.build_clean(site.root / "clean"))


def test_only_pages_whose_findings_moved_are_made_again(
    site: TestSite, capsys: pytest.CaptureFixture[str]
) -> None:
    def written() -> dict[str, int]:
        pages = (site.tree / ADDRESS).rglob("index.html")
        return {str(one.relative_to(site.tree)): one.stat().st_mtime_ns for one in pages}

    before = written()
    config = site.root / "mtsite.toml"
    config.write_text(config.read_text() + OWN.replace("licence", "for b"))
    called(["log", "reanalyse"], capsys)
    site.build()
    moved = {path for path, stamp in written().items() if before[path] != stamp}
    assert f"{ADDRESS}/sim/a/b/index.html" in moved
    assert f"{ADDRESS}/build/index.html" not in moved


def test_a_log_whose_text_is_not_here_keeps_its_findings(
    site: TestSite, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.rmtree(site.tree / "_blobs")
    config = site.root / "mtsite.toml"
    config.write_text(config.read_text() + OWN)
    done = json.loads(called(["log", "reanalyse", "--json"], capsys).out)
    assert (done["changed"], done["missing"]) == (0, 3)


def test_rules_ls_lists_own_rules_first(site: TestSite, capsys: pytest.CaptureFixture[str]) -> None:
    (site.root / "mtsite.toml").write_text(OWN)
    rows = json.loads(called(["log", "rules", "ls", "--json"], capsys).out)["rules"]
    assert rows[0] == {"code": "site/lic", "level": "ERROR", "title": "No licence"}
    assert "sanitizer/address" in {row["code"] for row in rows}


def test_a_reader_that_has_enough_ends_it_quietly(site: TestSite) -> None:
    big = "ERROR: x\n" * 50_000
    (site.root / "big.log").write_text(big)
    command = f"{sys.executable} -m mtsite log rules test big.log | head -n 1"
    environ = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        command, shell=True, cwd=site.root, env=environ, capture_output=True, text=True, timeout=60
    )
    assert done.stdout.startswith("1 ERROR severity/error ERROR: x")
    assert "Traceback" not in done.stderr
