"""migrate, automigrate, restore and explain as a user calls them."""

import json
import sqlite3
import sys
from contextlib import closing

import pytest
from areas import make_area, run, step, test
from calling import called
from rows import runs_in

from mtsite.invocation import Invocation
from mtsite.terminal import TerminalReport


@pytest.fixture
def site(tmp_path, monkeypatch):
    tests = [test("compile", steps=[step("build")])]
    runs = [run("u/nfs", f"w{number}", tests=tests) for number in range(5)]
    config = "[automigrate]\nold target=%/%; runname=w[01]; age=1w\n"
    area = make_area(tmp_path, runs=runs, config=config)
    old = make_area(tmp_path, name="old", config="[setup]\nallow-runs no\n")
    lines = [f'[areas.{one.name}]\npath = "{one.path}"\n' for one in (area, old)]
    (tmp_path / "mtsite.toml").write_text("".join(lines))
    monkeypatch.chdir(tmp_path)
    return area, old


@pytest.fixture
def mtsite(capsys):
    def call(*words):
        return called(words, capsys, Invocation(report=TerminalReport(sys.stderr)))

    return call


def test_migrate_moves_what_is_chosen_and_says_so(site, mtsite):
    _area, old = site
    ended = mtsite("migrate", "fullrun", "--destination", "old", "--runname", "w0")
    assert (ended.code, ended.out) == (0, "")
    assert "fullrun: 1 moved" in ended.err
    assert list(runs_in(old.database)) == [("u", "nfs", "w0")]


def test_migrate_needs_to_be_told_which_runs(site, mtsite):
    ended = mtsite("migrate", "fullrun", "--destination", "old")
    assert ended.code == 2
    assert "which runs" in ended.err


def test_a_refused_destination_has_an_exit_code_of_its_own(site, mtsite, tmp_path):
    make_area(tmp_path, name="live", config="[setup]\nallow-runs yes\n")
    place = str(tmp_path / "live")
    ended = mtsite("migrate", "fullrun", "--destination", place, "--runname", "w0")
    assert ended.code == 12
    assert "allow-runs is yes" in ended.err


def test_automigrate_names_the_rule_of_every_run(site, mtsite):
    ended = mtsite("automigrate", "--dry-run")
    assert ended.code == 0
    lines = [line.split() for line in ended.out.splitlines()]
    assert [(line[1], line[2]) for line in lines] == [
        ("u/nfs/w0", "moves"),
        ("u/nfs/w1", "moves"),
        ("u/nfs/w2", "stays"),
        ("u/nfs/w3", "stays"),
        ("u/nfs/w4", "stays"),
    ]
    assert "megatest.config:13: old target=%/%; runname=w[01]; age=1w" in ended.out


def test_automigrate_names_a_missing_destination_and_moves_the_rest(site, mtsite):
    area, old = site
    config = area.path / "megatest.config"
    rules = config.read_text().replace("runname=w[01]", "runname=w1")
    config.write_text(f"{rules}lost runname=w0; age=1w\n")
    planned = mtsite("automigrate", "--dry-run", "fullrun")
    assert "no area lost to move runs to" in planned.out
    ended = mtsite("automigrate", "fullrun")
    assert ended.code == 3
    assert "fullrun: area fullrun: no area lost to move runs to (name it in [areas]" in ended.err
    assert list(runs_in(old.database)) == [("u", "nfs", "w1")]


def test_automigrate_as_a_document(site, mtsite):
    document = json.loads(mtsite("automigrate", "--json", "fullrun").out)
    assert document["schema"] == "mtsite/automigrate/1"
    (area,) = document["areas"]
    assert area["moved"] == [["u", "nfs", "w0"], ["u", "nfs", "w1"]]
    rules = {one["run"][-1]: one["rule"] for one in area["plan"]["megatest.db"]}
    assert rules == {"w0": "automigrate", "w1": "automigrate"} | dict.fromkeys(
        ("w2", "w3", "w4"), "no rule"
    )


def test_restore_brings_back_what_is_named(site, mtsite):
    area, _old = site
    before = runs_in(area.database)
    assert mtsite("reduce", "fullrun").code == 0
    ended = mtsite("restore", "fullrun", "--runname", "w%")
    assert ended.code == 0
    assert "3 came back" in ended.err
    assert runs_in(area.database) == before


@pytest.mark.parametrize("words", [("migrate", "--destination", "old"), ("restore",)])
def test_a_document_lists_runs_that_moved_and_runs_that_stayed(site, mtsite, words):
    area, old = site
    old.add_run(run("u/nfs", "w1", event_time=1))  # another run of that name
    if words[0] == "restore":
        mtsite("migrate", "fullrun", "--destination", "old", "--runname", "w[02]")
        area.add_test("w2", test("a new run under the old name"))
    ended = mtsite(*words, "fullrun", "--runname", "w[012]", "--json")
    assert ended.code == 3
    document = json.loads(ended.out)
    assert document["schema"] == f"mtsite/{words[0]}/1"
    assert ["u", "nfs", "w0"] in document["moved"]
    (stayed,) = document["stayed"]
    assert "another run" in stayed["reason"]


def test_a_selection_narrows_what_reduce_moves(site, mtsite):
    ended = mtsite("reduce", "fullrun", "--runname", "w1", "-n")
    assert [line.split()[1:3] for line in ended.out.splitlines() if "moves" in line] == [
        ["u/nfs/w1", "moves"]
    ]


def test_vacuum_tells_bytes_before_and_after(site, mtsite):
    area, _old = site
    area.execute("CREATE TABLE filler AS SELECT zeroblob(500000) AS x")
    area.execute("DROP TABLE filler")
    before = area.database.stat().st_size
    ended = mtsite("reduce", "fullrun", "--vacuum")
    after = area.database.stat().st_size
    assert f"megatest.db {before} bytes before, {after} after" in ended.err
    assert after < before - 400_000


def test_vacuum_frees_all_pages_of_an_incremental_database_too(site, mtsite):
    """SQLite's statement frees one page for each step that the caller takes."""
    area, _old = site
    with closing(sqlite3.connect(area.database, isolation_level=None)) as connection:
        connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
        connection.execute("VACUUM")
        connection.execute("CREATE TABLE filler AS SELECT zeroblob(500000) AS x")
        connection.execute("DROP TABLE filler")
    before = area.database.stat().st_size
    assert mtsite("reduce", "fullrun", "--vacuum").code == 0
    assert area.database.stat().st_size < before - 400_000
    assert area.execute("PRAGMA freelist_count") == [(0,)]


def test_explain_says_where_a_run_lies_and_which_rule_keeps_it(site, mtsite):
    area, old = site
    mtsite("automigrate")
    moved = mtsite("explain", "fullrun/u/nfs/w0")
    assert f"{old.database}, run 1, in area old" in moved.out
    assert f"settled in {old.database}, from {area.database}" in moved.out
    here = mtsite("explain", "fullrun/u/nfs/w4")
    assert "among the 2 newest finished runs" in here.out
    assert "no build has seen it yet" in here.out


def test_explain_tells_a_hold_as_a_document(site, mtsite):
    mtsite("hold", "add", "fullrun/u/nfs/w2", "--why", "release")
    document = json.loads(mtsite("explain", "--json", "fullrun/u/nfs/w2").out)
    assert document["schema"] == "mtsite/explain/1"
    assert "release" in document["hold"]
    assert {one["command"]: one["rule"] for one in document["rules"]} == {
        "reduce": "held",
        "automigrate": "no rule",
    }
