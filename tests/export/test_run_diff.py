"""`mtsite run diff`: what it tells of two runs, and how it ends."""

import json
from pathlib import Path

import jsonschema
import pytest
from areas import datum, make_area, run, test
from calling import Ended, called
from sites import TestSite, make_site
from storage import connect

from mtsite.export.pushes import pushes_between
from mtsite.model import Run, RunKey
from mtsite.provenance import Commit, Push
from mtsite.pushlog import file_of, write_pushlog

SCHEMA = Path(__file__).parents[2] / "docs" / "schemas" / "run-diff-1.json"
BEFORE = [
    test("stays"),
    test("breaks"),
    test("heals", status="FAIL"),
    test("broken", status="FAIL"),
    test("dropped"),
    test("starts", state="NOT_STARTED", status="n/a"),
    test("slow", seconds=10, data=[datum("time", "fmax", value=800.0, units="MHz")]),
    test("sweep", items=["a", "b"]),
]
AFTER = [
    test("stays"),
    test("breaks", status="ABORT"),
    test("heals"),
    test("broken", status="FAIL"),
    test("added", status="FAIL"),
    test("starts"),
    test("slow", seconds=30, data=[datum("time", "fmax", value=760.0, units="MHz")]),
    test("sweep", items=["a", test("b", status="WARN")]),
]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> TestSite:
    root = tmp_path_factory.mktemp("diff")
    area = make_area(root, "chips")
    for name, tests in (("w1", BEFORE), ("w2", AFTER), ("w3", BEFORE)):
        area.add_run(run("ubuntu/nfs", name, tests))
    area.add_run(run("suse/zfs", "w9", [test("stays")]))
    (root / "home").mkdir()
    return make_site(root / "home", area)


@pytest.fixture(autouse=True)
def here(site: TestSite, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(site.root)


def diff(capsys: pytest.CaptureFixture[str], *words: str) -> Ended:
    return called(["run", "diff", *words], capsys)


def test_a_worse_run_ends_with_findings_and_says_how_many(
    capsys: pytest.CaptureFixture[str],
) -> None:
    ended = diff(capsys, "chips/ubuntu/nfs/w1", "chips/ubuntu/nfs/w2")
    assert ended.code == 20
    assert "3 tests are worse in chips/ubuntu/nfs/w2" in ended.err
    head, counts, _, _, *rows = ended.out.splitlines()
    assert head == "chips/ubuntu/nfs/w1 -> chips/ubuntu/nfs/w2"
    assert counts == ("2 WORSE, 2 NOT-IN-SRC, 1 NOT-IN-DEST, 1 BETTER, 1 BOTH-BAD, 3 CLEAN")
    assert [line.split() for line in rows[:7]] == [
        ["WORSE", "breaks", "PASS", "ABORT"],
        ["WORSE", "sweep/b", "PASS", "WARN"],
        ["NOT-IN-SRC", "added", "-", "FAIL"],
        ["NOT-IN-SRC", "starts", "NOT", "RUN", "PASS"],
        ["NOT-IN-DEST", "dropped", "PASS", "-"],
        ["BETTER", "heals", "FAIL", "PASS"],
        ["BOTH-BAD", "broken", "FAIL", "FAIL"],
    ]


def test_values_that_moved_and_tests_that_took_longer_are_listed(
    capsys: pytest.CaptureFixture[str],
) -> None:
    told = diff(capsys, "chips/ubuntu/nfs/w1", "chips/ubuntu/nfs/w2").out
    lines = [line.split() for line in told.splitlines()]
    assert ["slow", "time", "fmax", "800.0", "760.0", "MHz"] in [line[:6] for line in lines]
    assert ["slow", "30", "s", "10", "s", "in", "A"] in lines


def test_runs_with_nothing_worse_end_well(capsys: pytest.CaptureFixture[str]) -> None:
    same = diff(capsys, "chips/ubuntu/nfs/w1", "chips/ubuntu/nfs/w3")
    assert same.code == 0
    assert "1 BOTH-INCOMPLETE" in same.out


def test_runs_of_two_targets_are_compared(capsys: pytest.CaptureFixture[str]) -> None:
    ended = diff(capsys, "chips/ubuntu/nfs/w2", "chips/suse/zfs/w9")
    assert ended.code == 0
    assert "8 NOT-IN-DEST, 1 CLEAN" in ended.out


def test_the_document_keeps_its_schema(capsys: pytest.CaptureFixture[str]) -> None:
    ended = diff(capsys, "--json", "chips/ubuntu/nfs/w1", "chips/ubuntu/nfs/w2")
    found = json.loads(ended.out)
    jsonschema.validate(found, json.loads(SCHEMA.read_text()))
    assert (ended.code, found["worse"], found["counts"]["CLEAN"]) == (20, 3, 3)
    assert found["slower"] == [
        {"testname": "slow", "item_path": "", "took": 30, "expected": 10, "by": "there"}
    ]


def test_what_is_usual_comes_from_the_site_where_it_knows(
    site: TestSite,
    capsys: pytest.CaptureFixture[str],
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    # The tests below look at the same area; what a passed test leaves in its own place is gone.
    area = make_area(tmp_path_factory.mktemp("usual"), "chips")
    for i in range(5):
        area.add_run(run("ubuntu/nfs", f"w{i}", [test("slow", seconds=60 if i == 4 else 20)]))
    site.write_config({"chips": area.path})
    site.build()
    ended = diff(capsys, "--json", "chips/ubuntu/nfs/w3", "chips/ubuntu/nfs/w4")
    assert [(one["by"], one["expected"]) for one in json.loads(ended.out)["slower"]] == [
        ("usual", 20)
    ]


def test_a_test_is_no_run(capsys: pytest.CaptureFixture[str]) -> None:
    ended = diff(capsys, "chips/ubuntu/nfs/w0/slow", "chips/ubuntu/nfs/w1")
    assert ended.code == 2
    assert "whole runs are compared" in ended.err


@pytest.mark.parametrize("form", ["--line", "--markdown"])
def test_a_run_is_shown_for_a_chat(form: str, capsys: pytest.CaptureFixture[str]) -> None:
    told = called(["run", "show", form, "chips/ubuntu/nfs/w4"], capsys)
    assert (told.code, len(told.out.splitlines())) == (0, 1)
    assert "pass" in told.out and "chips/ubuntu/nfs/w4" in told.out
    assert called(["run", "show", form, "chips/ubuntu/nfs/w4/slow"], capsys).code == 2


def test_the_first_bad_push_is_told_where_the_runs_name_what_they_tested(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    area = make_area(tmp_path, "chips")
    told = [Push((Commit(f"{n:040x}", "ann", None, f"Change {n}\n\nmore"),)) for n in range(9)]
    tested = {"g": 3, "b": 4, "w": 7}
    for name in tested:
        area.add_run(run("ubuntu/nfs", name, [test("t", status="PASS" if name == "g" else "FAIL")]))
    with connect(area.database) as connection:
        for name, number in tested.items():
            connection.execute(
                "INSERT INTO extradat (run_id, key, val)"
                " SELECT id, 'revision', ? FROM runs WHERE runname = ?",
                (f"{number:040x}", name),
            )
    (tmp_path / "home").mkdir()
    make_site(tmp_path / "home", area)
    write_pushlog(file_of(tmp_path / "home", "team/x"), "team/x", told)
    monkeypatch.chdir(tmp_path / "home")
    one = called(["--json", "run", "diff", "chips/ubuntu/nfs/g", "chips/ubuntu/nfs/b"], capsys)
    document = json.loads(one.out)
    jsonschema.validate(document, json.loads(SCHEMA.read_text()))
    assert document["pushes"]["first_bad"] == f"{4:040x}"
    many = diff(capsys, "chips/ubuntu/nfs/g", "chips/ubuntu/nfs/w").out
    assert "4 pushes lie between 000000000000 and 000000000000 of team/x, among them" in many
    assert [line.split()[-1] for line in many.splitlines() if " ann " in line] == list("4567")
    turned = diff(capsys, "chips/ubuntu/nfs/w", "chips/ubuntu/nfs/g").out
    assert "the first run tested the later one" in turned


def test_the_number_of_a_push_says_nothing_where_runs_name_no_repository(tmp_path: Path) -> None:
    pushes = tuple(Push((Commit(f"{n:040x}"),), str(n)) for n in range(9))
    write_pushlog(file_of(tmp_path, "team/x"), "team/x", pushes)

    def tested(push: int, *more: tuple[str, str]) -> Run:
        told = (("push", str(push)), *more)
        row = ("new", "n/a", "ann", "", "", None)
        return Run(RunKey("a", ("x",), "w"), ("key",), *row, attributes=told)

    assert pushes_between(tmp_path, tested(3), tested(5)) is None
    named = ("repository", "team/x")
    found = pushes_between(tmp_path, tested(3, named), tested(5))
    assert found is not None and [one.id for one in found.pushes] == ["4", "5"]
