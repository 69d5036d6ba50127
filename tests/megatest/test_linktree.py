"""Where logs are found, and where none is read."""

import os
from pathlib import Path
from typing import Any

import areas
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from mtsite.megatest import database, linktree, reader
from mtsite.megatest.linktree import FoundLog
from mtsite.model import RunKey, State, Status, Step, Test

KEY = RunKey("fullrun", ("ubuntu", "nfs"), "w01")


def read_tests(area: areas.TestArea) -> dict[tuple[str, str], Test]:
    with database.reading(area.database) as connection:
        (head,) = reader.list_runs(connection, area.name, area.fields)
        return {test.name: test for test in reader.read_run(connection, head).tests}


def find(area: areas.TestArea, test: Test, **rest: Any) -> tuple[dict[str, FoundLog], str]:
    arguments = {"linktree": area.linktree, "disks": [area.disk], "path_map": {}, **rest}
    logs, note = linktree.find_logs(linktree.roots_of(area.path, **arguments), KEY, test)
    return {log.name: log for log in logs}, note


def one(tmp_path: Path, **rest: Any) -> tuple[areas.TestArea, Test]:
    """An area with one test `t` and its record."""
    runs = [areas.run("ubuntu/nfs", "w01", [areas.test("t", **rest)])]
    area = areas.make_area(tmp_path, runs=runs)
    return area, read_tests(area)["t", ""]


def test_final_step_and_other_logs_are_found_by_name(tmp_path: Path) -> None:
    area, test = one(
        tmp_path,
        log="end\n",
        steps=[areas.step("build", log="cc\n"), areas.step("quiet")],
        files={
            "quiet.html": "<p>", "mt_launch.log": "", "NBFAKE-2026WW01.1_00:00:00": "x",
            "more.log": "", "notes.txt": "no log", "sub/deep.log": "not directly in it",
        },
    )  # fmt: skip
    logs, note = find(area, test)
    assert note == ""
    assert [(name, log.kind) for name, log in logs.items()] == [
        ("NBFAKE-2026WW01.1_00:00:00", "file"),
        ("build.log", "step"),
        ("final.log", "final"),
        ("more.log", "file"),
        ("mt_launch.log", "file"),
        ("quiet.html", "step"),
    ]
    assert not any(log.refused for log in logs.values())
    assert logs["final.log"].path == area.disk / "ubuntu/nfs/w01/t/final.log"


def test_the_summary_of_a_step_is_taken_but_no_other_data(tmp_path: Path) -> None:
    files = {"build.dat": "[final]\n", "wave.dat": "x", "build.dat.old": "x"}
    area, test = one(tmp_path, steps=[areas.step("build")], files=files)
    logs, _ = find(area, test)
    assert [(name, log.kind) for name, log in logs.items()] == [("build.dat", "file")]


def test_the_default_final_log_may_be_missing(tmp_path: Path) -> None:
    area, test = one(tmp_path)
    assert find(area, test) == ({}, "")


def test_the_default_final_log_counts_when_it_is_there(tmp_path: Path) -> None:
    area, test = one(tmp_path, files={"logs/final.log": "x"})
    assert find(area, test)[0]["logs/final.log"].refused == ""


def test_a_log_that_a_row_names_and_that_is_missing_is_said(tmp_path: Path) -> None:
    area, test = one(tmp_path, final_logf="result.html")
    assert find(area, test)[0]["result.html"].refused == "is missing"


def test_items_and_their_toplevel_have_their_own_directories(tmp_path: Path) -> None:
    runs = [
        areas.run(
            "ubuntu/nfs",
            "w01",
            [
                areas.test(
                    "t",
                    items=[areas.item("a/b", log="x")],
                    files={"megatest-rollup-t.html": "<p>"},
                )
            ],
        )
    ]
    area = areas.make_area(tmp_path, runs=runs)
    tests = read_tests(area)
    assert list(find(area, tests["t", "a/b"])[0]) == ["final.log"]
    assert list(find(area, tests["t", ""])[0]) == ["megatest-rollup-t.html"]


def test_a_run_directory_that_is_gone_is_said(tmp_path: Path) -> None:
    area, test = one(tmp_path, log="x")
    for file in (area.disk / "ubuntu/nfs/w01/t").iterdir():
        file.unlink()
    (area.disk / "ubuntu/nfs/w01/t").rmdir()
    assert find(area, test) == ({}, linktree.GONE)


def test_a_test_that_never_ran_has_no_directory(tmp_path: Path) -> None:
    area, test = one(tmp_path, rundir="/tmp/badname", shortdir="/tmp/badname")
    assert find(area, test) == ({}, linktree.NO_DIRECTORY)


def test_the_physical_directory_stands_in_for_a_lost_link(tmp_path: Path) -> None:
    area, test = one(tmp_path, log="x")
    (area.linktree / "ubuntu/nfs/w01/t").unlink()
    assert list(find(area, test)[0]) == ["final.log"]


def test_what_a_relative_linktree_stored_begins_at_the_area(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    area, test = one(tmp_path, log="x")
    monkeypatch.chdir("/")
    for stored in (test.rundir, test.shortdir):
        here = replace(test, rundir=os.path.relpath(stored, area.path), shortdir="")
        logs, note = find(area, here)
        expected = ["final.log"] if stored == test.rundir else []
        assert (list(logs), note) == (expected, "" if expected else linktree.OUTSIDE)


def test_paths_are_mapped_to_what_this_host_calls_them(tmp_path: Path) -> None:
    area, test = one(tmp_path, log="x")
    far = replace(test, rundir=test.rundir.replace(str(tmp_path), "/net/h1"), shortdir="")
    far = replace(far, testname="renamed")
    assert find(area, far) == ({}, linktree.GONE)
    mapped = {"/net/": "/nowhere/", "/net/h1/": f"{tmp_path}/"}
    assert list(find(area, far, path_map=mapped)[0]) == ["final.log"]


def test_a_prefix_that_is_mapped_ends_where_a_name_ends(tmp_path: Path) -> None:
    area, test = one(tmp_path, log="x")
    far = replace(test, rundir=test.rundir.replace(str(tmp_path), "/net/h10"), shortdir="")
    far = replace(far, testname="renamed")
    assert find(area, far, path_map={"/net/h1": str(tmp_path)}) == ({}, linktree.GONE)
    assert list(find(area, far, path_map={"/net/h10": str(tmp_path)})[0]) == ["final.log"]


def test_a_log_that_is_named_by_its_whole_path_is_mapped_too(tmp_path: Path) -> None:
    area, test = one(tmp_path, log="x")
    far = test.rundir.replace(str(tmp_path), "/net/h1")
    named = replace(test, rundir=far, shortdir="", final_logf=f"{far}/final.log")
    ((_name, log),) = find(area, named, path_map={"/net/h1": str(tmp_path)})[0].items()
    assert (log.kind, log.refused) == (linktree.FINAL, "")


def test_an_area_that_was_copied_finds_its_logs_by_name(tmp_path: Path) -> None:
    area, test = one(tmp_path, log="x")
    copied = replace(test, rundir="/of/another/host/ubuntu/nfs/w01/t", shortdir="")
    assert list(find(area, copied)[0]) == ["final.log"]
    assert find(area, replace(copied, testname="../../../..")) == ({}, linktree.GONE)


def test_a_path_map_does_not_lead_out_of_the_linktree(tmp_path: Path) -> None:
    area, test = one(tmp_path)
    stray = replace(test, rundir="/net/h1/x", shortdir="")
    mapped = {"/net/h1/x": str(outside(tmp_path))}
    assert find(area, stray, path_map=mapped) == ({}, linktree.OUTSIDE)
    named = replace(test, final_logf="/net/h1/x/key.log")
    ((_name, log),) = find(area, named, path_map=mapped)[0].items()
    assert "outside" in log.refused


@pytest.mark.parametrize("way", ["/net/h1/../../../{}", "../{}"])
def test_steps_up_lead_to_no_directory_of_megatests_layout(tmp_path: Path, way: str) -> None:
    area, test = one(tmp_path)
    stray = tmp_path / "stray/ubuntu/nfs/w01/t"
    stray.mkdir(parents=True)
    (stray / "key.log").write_text("token")
    mapped = {"/": f"{tmp_path}/a/b/", "/net/h1": f"{tmp_path}/a/b/c"}
    odd = replace(test, rundir="n/a", shortdir=way.format("stray/ubuntu/nfs/w01/t"))
    assert "key.log" not in find(area, odd, path_map=mapped, disks=[])[0]


def outside(tmp_path: Path) -> Path:
    place = tmp_path / "secret"
    place.mkdir()
    (place / "key.log").write_text("token")
    return place


def test_a_run_directory_outside_the_linktree_is_not_read(tmp_path: Path) -> None:
    area, test = one(tmp_path)
    stray = replace(test, rundir=str(outside(tmp_path)), shortdir="")
    assert find(area, stray) == ({}, linktree.OUTSIDE)


def test_dots_do_not_lead_out_of_the_linktree(tmp_path: Path) -> None:
    area, test = one(tmp_path)
    outside(tmp_path)
    stray = replace(test, rundir=f"{area.linktree}/../secret", shortdir="")
    assert find(area, stray) == ({}, linktree.OUTSIDE)


def test_a_link_does_not_lead_out_of_the_linktree(tmp_path: Path) -> None:
    area, test = one(tmp_path)
    (area.linktree / "evil").symlink_to(outside(tmp_path))
    stray = replace(test, rundir=f"{area.linktree}/evil", shortdir="")
    assert find(area, stray) == ({}, linktree.LINK_OUT)


def test_a_disk_that_no_config_names_is_known_by_megatests_layout(tmp_path: Path) -> None:
    area, test = one(tmp_path, log="x")
    assert list(find(area, test, disks=[])[0]) == ["final.log"]
    stranger = replace(test, testname="another")
    assert find(area, stranger, disks=[]) == ({}, linktree.LINK_OUT)


@pytest.mark.parametrize("name", ["../../../../../secret/key.log", "{tmp}/secret/key.log"])
def test_a_named_log_outside_is_refused(tmp_path: Path, name: str) -> None:
    outside(tmp_path)
    name = name.format(tmp=tmp_path)
    area, test = one(tmp_path, final_logf=name)
    ((_name, log),) = find(area, test)[0].items()
    assert "outside" in log.refused or "missing" in log.refused


def test_a_log_that_is_a_link_outside_is_refused(tmp_path: Path) -> None:
    area, test = one(tmp_path)
    secret = outside(tmp_path)
    (area.disk / "ubuntu/nfs/w01/t/steal.log").symlink_to(secret / "key.log")
    (area.disk / "ubuntu/nfs/w01/t/dead.log").symlink_to("/nowhere")
    logs, _note = find(area, test)
    assert "outside" in logs["steal.log"].refused
    assert logs["dead.log"].refused == "leads nowhere"


def test_a_log_in_the_area_or_linktree_may_be_named(tmp_path: Path) -> None:
    area, test = one(tmp_path)
    launcher = area.linktree / "ubuntu/nfs/w01.t.log"
    launcher.write_text("launched")
    named = replace(test, final_logf=str(launcher))
    assert find(area, named)[0][str(launcher)].refused == ""


def test_only_regular_files_are_read(tmp_path: Path) -> None:
    area, test = one(tmp_path)
    place = area.disk / "ubuntu/nfs/w01/t"
    os.mkfifo(place / "pipe.log")
    (place / "directory.log").mkdir()
    logs, _note = find(area, test)
    assert "named pipe" in logs["pipe.log"].refused
    assert "directory" in logs["directory.log"].refused


def test_no_more_than_sixty_are_taken_and_the_rest_is_counted(tmp_path: Path) -> None:
    files = {f"{number:03}.log": "" for number in range(70)}
    area, test = one(tmp_path, log="x", steps=[areas.step("z", log="")], files=files)
    logs, note = find(area, test)
    assert len(logs) == linktree.MOST_LOGS
    assert {"final.log", "z.log"} <= logs.keys()
    assert note.startswith("12 more logs")


HOSTILE = st.one_of(
    st.text(max_size=20),
    st.lists(st.sampled_from(["..", ".", "", "a", "/", "~", "\0", "x" * 300, "\udcff"])).map(
        "/".join
    ),
)


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rundir=HOSTILE, shortdir=HOSTILE, log=HOSTILE, step=HOSTILE, logfile=HOSTILE)
def test_no_name_makes_it_raise_or_leave(
    tmp_path: Path, rundir: str, shortdir: str, log: str, step: str, logfile: str
) -> None:
    root = tmp_path / "links" / "u" / "w" / "t"
    root.mkdir(parents=True, exist_ok=True)
    test = Test(
        testname="t", item_path="", state=State("COMPLETED"), status=Status("PASS"), host="",
        uname="", cpuload=None, diskfree=None, rundir=rundir or str(root), shortdir=shortdir,
        final_logf=log, run_duration=None, comment="", event_time=None, attemptnum=None,
        archived=0, steps=(Step(step, None, None, Status(""), None, logfile, ""),),
    )  # fmt: skip
    key = RunKey("a", ("u",), "w")
    for place in (rundir, str(root)):
        roots = linktree.roots_of(tmp_path, tmp_path / "links", [], {})
        found, _note = linktree.find_logs(roots, key, replace(test, rundir=place))
        for each in found:
            assert each.refused or each.path.is_relative_to(tmp_path)
