"""`mtsite run`: what it prints of runs, and that it keeps what Megatest's own output loses."""

import csv
import io
import json
import os
import resource
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import jsonschema
import pytest
from areas import BASE, TestArea, datum, item, make_area, run, step, test
from calling import ROOT, Ended, called
from sites import make_site
from storage import connect

SCHEMA = Path(__file__).parents[2] / "docs" / "schemas" / "run-export-1.json"


@pytest.fixture
def area(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> TestArea:
    """Two runs: one with a failure, steps, data, items and hostile text; one that was reduced."""
    broken = test(
        "compile",
        status="FAIL",
        comment="first line\n=SUM(A1:A9)",
        steps=[step("build", status="1", log="x\n")],
        data=[datum("time", "slack", value=-5, expected="n/a", units="ps", status="fail")],
        host="h1",
        cpuload=0.5,
        diskfree=100,
        uname="Linux",
    )
    items = test("regress", items=["fast", item("slow/big", status="WARN")])
    made = make_area(tmp_path, "chips")
    made.add_run(run("ubuntu/nfs", "w01", [test("compile")], comment="=cmd()"))
    made.add_run(run("ubuntu/nfs", "w02", [broken, items]))
    made.add_run(run("suse/zfs", "w03", state="deleted"))
    made.make_completed()
    made.copy_run("w01", made.completed)
    made.drop_run("w01")
    (tmp_path / "home").mkdir()
    site = make_site(tmp_path / "home", made)
    monkeypatch.chdir(site.root)
    return made


def ls(capsys: pytest.CaptureFixture[str], *words: str) -> Ended:
    return called(["run", "ls", *words], capsys)


def test_runs_of_all_databases_are_listed_once_and_deleted_ones_not(
    area: TestArea, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = [line.split() for line in ls(capsys).out.splitlines()]
    assert rows[0][:4] == ["area", "target", "runname", "event_time"]
    assert [row[2] for row in rows[1:]] == ["w01", "w02"]


def test_the_live_database_alone_has_no_reduced_run(
    area: TestArea, capsys: pytest.CaptureFixture[str]
) -> None:
    listed = json.loads(ls(capsys, "--live-only", "--json").out)
    assert [one["runname"] for one in listed["runs"]] == ["w02"]


@pytest.mark.parametrize(
    ("words", "names"),
    [
        (["--runname", "%2"], ["w02"]),
        (["--target", "suse/%", "--state", "deleted"], ["w03"]),
        (["--older-than", "1d", "--runname", "w01"], ["w01"]),
        (["--newer-than", "1d"], []),
        (["--area", "chips"], ["w01", "w02"]),
    ],
)
def test_a_selection_chooses_runs(
    area: TestArea, capsys: pytest.CaptureFixture[str], words: list[str], names: list[str]
) -> None:
    listed = json.loads(ls(capsys, *words, "--json").out)
    assert listed["schema"] == "mtsite/run-list/1"
    assert [one["runname"] for one in listed["runs"]] == names


def test_the_lines_are_those_of_list_runs(
    area: TestArea, capsys: pytest.CaptureFixture[str]
) -> None:
    told = ls(capsys, "--lines", "--fields", "runs:state,event_time+tests:+steps:").out.splitlines()
    second = BASE + 86_400
    rundir = area.rundir("w02", "compile")
    assert told[2:] == [
        f"Run: ubuntu/nfs/w02 state: new event_time: {second}",
        f"  Test: {'compile':<25} State: {'COMPLETED':<15} Status: {'FAIL':<15}"
        f" Runtime: {10:>5}s Time: {second:<22} Host: h1",
        "         cpuload:  0.5",
        "         diskfree: 100",
        "         uname:    Linux",
        f"         rundir:   {rundir}",
        f"    Step: {'build':<20} State: {'start':<10} Status: {'-':<10} Time {second}",
        f"    Step: {'build':<20} State: {'end':<10} Status: {'1':<10} Time {second + 5}",
        *(line for line in told[10:] if line.startswith("  Test: regress")),
    ]
    assert [line.split()[1] for line in told[10:]] == [
        "regress",
        "regress(fast)",
        "regress(slow/big)",
    ]


def test_what_megatest_prints_as_a_lost_value_is_counted(
    area: TestArea, capsys: pytest.CaptureFixture[str]
) -> None:
    told = ls(capsys, "--lines", "--fields", "runs:target,tests,pass_count,fail_count,verdict")
    assert told.out.splitlines() == [
        "target: ubuntu/nfs tests: 1 pass_count: 1 fail_count: 0 verdict: PASS",
        "target: ubuntu/nfs tests: 3 pass_count: 2 fail_count: 1 verdict: FAIL",
    ]


def test_a_line_break_in_a_comment_begins_no_line(
    area: TestArea, capsys: pytest.CaptureFixture[str]
) -> None:
    area.execute("UPDATE runs SET comment = ? WHERE runname = 'w02'", ("one\nRun: two\x1b[2J",))
    told = ls(capsys, "--lines", "--fields", "runs:comment").out.splitlines()
    assert told == [
        "Run: ubuntu/nfs/w01 comment: =cmd()",
        "Run: ubuntu/nfs/w02 comment: one Run: two\ufffd[2J",
    ]


def test_csv_keeps_numbers_and_disarms_formulas(
    area: TestArea, capsys: pytest.CaptureFixture[str]
) -> None:
    spec = "runs:sysname,runname,comment+tests:comment,cpuload+data:value,expected,units"
    told = ls(capsys, "--csv", "--fields", spec).out
    assert "\r\n" in told
    head, *rows = csv.reader(io.StringIO(told, newline=""))
    assert head[2:] == [
        "comment",
        "tests.comment",
        "tests.cpuload",
        "data.value",
        "data.expected",
        "data.units",
    ]
    assert rows[0][:3] == ["ubuntu", "w01", "'=cmd()"]
    assert rows[1][3:] == ["first line\n=SUM(A1:A9)", "0.5", "-5.0", "n/a", "ps"]


def test_unknown_columns_are_all_named(area: TestArea, capsys: pytest.CaptureFixture[str]) -> None:
    told = ls(capsys, "--fields", "runs:colour,state+tests:size+nights:")
    assert told.code == 2
    assert all(word in told.err for word in ("colour", "size", "nights", "run_duration"))
    listed = ls(capsys, "--fields", "help").out
    assert [line.partition(":")[0] for line in listed.splitlines()] == [
        "runs",
        "tests",
        "steps",
        "data",
    ]


@pytest.mark.parametrize(
    "told",
    [
        "chips/ubuntu/nfs/w02/regress/slow/big",
        "chips/ubuntu/nfs/w02/regress/slow/big/index.html",
        "https://runs.example/chips/ubuntu/nfs/w02/regress/slow/big/index.html#top",
    ],
)
def test_a_test_is_shown_by_name_path_and_url(
    area: TestArea, capsys: pytest.CaptureFixture[str], tmp_path: Path, told: str
) -> None:
    file = tmp_path / "home" / "mtsite.toml"
    file.write_text(file.read_text().replace("[site]", '[site]\nbase_url = "https://runs.example"'))
    shown = json.loads(called(["run", "show", told, "--json"], capsys).out)
    assert (shown["testname"], shown["item_path"], shown["status"]) == (
        "regress",
        "slow/big",
        "WARN",
    )
    assert shown["schema"] == "mtsite/test-show/1"


def test_a_name_may_have_a_hash(area: TestArea, capsys: pytest.CaptureFixture[str]) -> None:
    area.add_run(run("ubuntu/nfs", "w02#b", [test("other")]))
    assert "other" in called(["run", "show", "chips/ubuntu/nfs/w02#b"], capsys).out


def test_a_run_is_shown_with_its_tests(area: TestArea, capsys: pytest.CaptureFixture[str]) -> None:
    told = called(["run", "show", "chips/ubuntu/nfs/w02"], capsys).out
    assert "compile" in told
    assert "verdict:" in told
    told = called(["run", "show", "chips/ubuntu/nfs/w02/compile"], capsys).out
    assert "slack" in told
    assert "build" in told


@pytest.mark.parametrize("told", ["chips/ubuntu/nfs/w99", "nowhere", "chips/ubuntu/nfs/w02/none"])
def test_what_is_not_there_is_said(
    area: TestArea, capsys: pytest.CaptureFixture[str], told: str
) -> None:
    assert called(["run", "show", told], capsys).code == 10


def test_an_export_keeps_its_schema_and_all_rows(
    area: TestArea, capsys: pytest.CaptureFixture[str]
) -> None:
    told = json.loads(called(["run", "export"], capsys).out)
    jsonschema.validate(told, json.loads(SCHEMA.read_text(encoding="utf-8")))
    first, second = told["runs"]
    assert (first["runname"], first["database"]) == ("w01", str(area.completed))
    assert second["tests"][0]["data"][0]["value"] == -5
    assert second["tests"][0]["steps"][0]["status"] == "1"
    assert (second["test_count"], len(second["tests"])) == (3, 4)


def test_an_export_as_csv_has_a_table_per_kind(
    area: TestArea, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    words = ["run", "export", "chips/ubuntu/nfs/w02", "--csv", "-o", str(tmp_path / "out")]
    assert called(words, capsys).code == 0
    found = {}
    for path in (tmp_path / "out").iterdir():
        with path.open(newline="", encoding="utf-8") as file:
            found[path.stem] = list(csv.DictReader(file))
    assert {kind: len(rows) for kind, rows in found.items()} == {
        "runs": 1,
        "tests": 4,
        "steps": 1,
        "data": 1,
    }
    assert found["data"][0]["value"] == "-5.0"
    assert found["steps"][0]["testname"] == "compile"


def test_an_export_that_cannot_end_leaves_the_file_that_was_there(
    area: TestArea, tmp_path: Path
) -> None:
    file = tmp_path / "out" / "runs.json"
    file.parent.mkdir()
    file.write_text("earlier")
    ended = subprocess.run(
        [sys.executable, "-m", "mtsite", "run", "export", "-o", str(file)],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100)),
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    assert (ended.returncode, ended.stderr.splitlines()[0]) == (1, f"error: {file}: File too large")
    assert ([each.name for each in file.parent.iterdir()], file.read_text()) == (
        ["runs.json"],
        "earlier",
    )


def test_a_directory_that_is_not_there_is_told(
    area: TestArea, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ended = called(["run", "export", "-o", str(tmp_path / "no" / "f.json")], capsys)
    assert (ended.code, f"of it there is {tmp_path}\n" in ended.err) == (1, True)


def test_csv_needs_a_directory(area: TestArea, capsys: pytest.CaptureFixture[str]) -> None:
    told = called(["run", "export", "--csv"], capsys)
    assert (told.code, "-o DIR" in told.err) == (2, True)


def test_an_area_that_cannot_be_read_is_named_after_what_could(
    area: TestArea, capsys: pytest.CaptureFixture[str]
) -> None:
    area.completed.write_bytes(b"garbage" * 400)
    told = ls(capsys, "--csv", "--fields", "runs:runname")
    assert (told.code, told.out) == (3, "runname\r\nw02\r\n")
    assert "completed-runs.db" in told.err


def test_whoever_reads_the_first_line_only_sees_no_trouble(area: TestArea, tmp_path: Path) -> None:
    rows = [("many", f"w{n:04d}") for n in range(3000)]
    with closing(connect(area.database)) as connection, connection:
        connection.executemany(
            "INSERT INTO runs (sysname, fsname, runname, event_time) VALUES (?, 'x', ?, 5)", rows
        )
    words = [sys.executable, "-m", "mtsite", "run", "ls"]
    environ = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    with subprocess.Popen(
        words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environ, cwd=tmp_path / "home"
    ) as child:
        assert child.stdout is not None
        assert child.stderr is not None
        assert child.stdout.readline().startswith(b"area")
        child.stdout.close()
        assert child.stderr.read() == b""
        assert child.wait() == 0


def test_csv_steers_no_terminal(area: TestArea, capsys: pytest.CaptureFixture[str]) -> None:
    area.execute("UPDATE runs SET comment = ? WHERE runname = 'w02'", ("a\x1b]0;x\x07b\x9bc",))
    told = ls(capsys, "--csv", "--fields", "runs:comment").out
    assert told.splitlines()[2] == "a\ufffd]0;x\ufffdb\ufffdc"


@pytest.fixture
def split_area(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> TestArea:
    """Two runs of v1.60, each with a database of its own; that of the second is gone."""
    rows = [run("u/v", f"w{n}", [test("t", comment=f"<w{n}>" * 30)]) for n in range(2)]
    made = make_area(tmp_path, "old", runs=rows, generation="G3 of 2013")
    (made.linktree / ".db/2.db").unlink()
    (tmp_path / "home").mkdir()
    monkeypatch.chdir(make_site(tmp_path / "home", made).root)
    return made


def test_a_run_whose_tests_lie_nowhere_is_listed_and_its_tests_are_unknown(
    split_area: TestArea, capsys: pytest.CaptureFixture[str]
) -> None:
    plain = ls(capsys, "--csv", "--fields", "runs:runname")
    assert (plain.code, plain.out) == (0, "runname\r\nw0\r\nw1\r\n")
    counted = ls(capsys, "--json", "--fields", "runs:runname,fail_count+tests:testname")
    assert counted.code == 3 and "tests are not available" in counted.err
    assert json.loads(counted.out)["runs"] == [
        {"runname": "w0", "fail_count": 0, "tests": [{"testname": "t"}]},
        {"runname": "w1", "fail_count": None, "tests": None},
    ]


def test_a_run_whose_tests_lie_nowhere_is_not_exported_as_an_empty_one(
    split_area: TestArea, capsys: pytest.CaptureFixture[str]
) -> None:
    told = called(["run", "export"], capsys)
    assert told.code == 3 and "run old/u/v/w1: its tests are not available" in told.err
    assert [one["runname"] for one in json.loads(told.out)["runs"]] == ["w0"]
    shown = called(["run", "show", "old/u/v/w1"], capsys)
    assert (shown.code, "tests are not available" in shown.err) == (10, True)


def test_a_damaged_page_costs_the_export_its_run_alone(
    area: TestArea, capsys: pytest.CaptureFixture[str]
) -> None:
    for number in range(4):
        rows = [test(f"t{n:02}", comment=f"<d{number} t{n:02}>" * 30) for n in range(60)]
        area.add_run(run("ubuntu/nfs", f"d{number}", rows))
    content = bytearray(area.database.read_bytes())
    start = content.index(b"<d2 t30><d2 t30>") // 4096 * 4096
    content[start : start + 4096] = b"\xa5" * 4096
    area.database.write_bytes(content)
    told = called(["run", "export"], capsys)
    assert told.code == 3 and "d2: " in told.err and "malformed" in told.err
    names = [one["runname"] for one in json.loads(told.out)["runs"]]
    assert sorted(names) == ["d0", "d1", "d3", "w01", "w02"]


@pytest.mark.parametrize(
    ("words", "names"),
    [
        (["s:fail"], ["w02"]),
        (["s:good"], ["w01"]),
        (["!s:fail"], ["w01"]),
        (["target:ubuntu/%", "run:w02"], ["w02"]),
        (["target:ubuntu/%", "!run:w02"], ["w01"]),
        (["test:regress", "item:slow/*"], ["w02"]),
        (["host:h?"], ["w01", "w02"]),
        (["host:h"], []),
        (["area:chips", "area:boards"], ["w01", "w02"]),
        (["=cmd()"], ["w01"]),
        (["since:2023-11-14", "before:2024-11-14"], ["w01", "w02"]),
        (["since:1d"], []),
    ],
)
def test_a_filter_chooses_runs_as_on_pages(
    area: TestArea, capsys: pytest.CaptureFixture[str], words: list[str], names: list[str]
) -> None:
    told = ls(capsys, "--fields", "runs:runname", "--csv", *words)
    assert told.out.split() == ["runname", *names]


def test_a_filter_that_nothing_can_fulfil_is_a_usage_error(
    area: TestArea, capsys: pytest.CaptureFixture[str]
) -> None:
    told = ls(capsys, "w01", "s:failed")
    assert told.code == 2
    assert "position 5: s:failed: no such state; there are bad good pass" in told.err


def test_runs_with_new_failures_are_found_once_the_site_knows_them(
    area: TestArea, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ls(capsys, "--fields", "runs:runname", "--csv", "new").out.split() == ["runname"]
    assert called(["build"], capsys).code in {0, 3}
    told = ls(capsys, "--fields", "runs:runname", "--csv", "new")
    assert told.out.split() == ["runname", "w02"]


def test_only_runs_that_a_filter_finds_are_exported(
    area: TestArea, capsys: pytest.CaptureFixture[str]
) -> None:
    told = called(["run", "export", "--filter", "s:fail"], capsys)
    assert [one["runname"] for one in json.loads(told.out)["runs"]] == ["w02"]
