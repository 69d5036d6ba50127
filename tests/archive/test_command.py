"""`mtsite reduce` as a user calls it: what is printed, and the exit code."""

import json

import pytest
from areas import BASE, make_area, run, step, test

from mtsite.cli import run as call
from mtsite.invocation import Invocation


@pytest.fixture
def site(tmp_path, monkeypatch):
    tests = [test("compile", steps=[step("build")])]
    runs = [run("u/nfs", f"w{number}", tests=tests) for number in range(5)]
    area = make_area(tmp_path, runs=runs)
    (tmp_path / "mtsite.toml").write_text(f'[areas.fullrun]\npath = "{area.path}"\n')
    monkeypatch.chdir(tmp_path)
    return area


def mtsite(*arguments):
    return call(list(arguments), Invocation())


def test_a_dry_run_prints_every_run_with_its_reason(site, capsys):
    assert mtsite("reduce", "--dry-run") == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[2] for line in lines] == ["moves"] * 3 + ["stays"] * 2
    assert [line.split()[3] for line in lines] == ["finished"] * 3 + ["keep_live"] * 2
    assert "among the 2 newest" in lines[4]
    assert not site.completed.exists()


def test_runs_move_and_the_json_document_says_which(site, capsys):
    assert mtsite("reduce", "--json", "fullrun") == 0
    document = json.loads(capsys.readouterr().out)
    assert document["schema"] == "mtsite/reduce/1"
    (area,) = document["areas"]
    assert area["moved"] == [["u", "nfs", name] for name in ("w0", "w1", "w2")]
    assert [one["rule"] for one in area["plan"]] == ["finished"] * 3 + ["keep_live"] * 2


def test_an_unknown_area_is_missing(site, capsys):
    assert mtsite("reduce", "nowhere") == 10
    assert "nowhere" in capsys.readouterr().err
    assert mtsite("reduce", "fulrun") == 10
    assert "did you mean fullrun?" in capsys.readouterr().err


@pytest.mark.parametrize(
    "words", ["reduce -n", "migrate fullrun -n --destination other", "run ls", "run export"]
)
def test_a_target_with_too_few_parts_is_told_where_it_chooses_nothing(site, capsys, words):
    other = make_area(site.path.parent, "other").path
    mtsite(*words.replace("other", str(other)).split(), "--target", "u")
    assert "--target u has fewer parts than targets have keys: try u/%" in capsys.readouterr().err


def test_a_restore_of_nothing_says_where_to_look(site, capsys):
    assert mtsite("restore", "fullrun", "--runname", "w9") == 0
    assert "none of its runs that moved away is chosen" in capsys.readouterr().err


def test_a_run_that_can_not_move_makes_it_partly_done(site, capsys):
    site.make_completed()
    site.execute(
        "INSERT INTO runs (sysname, fsname, runname, event_time) VALUES ('u', 'nfs', 'w0', ?)",
        (BASE - 1,),
        site.completed,
    )
    assert mtsite("reduce") == 3
    assert "u/nfs/w0 stays" in capsys.readouterr().err


def test_a_homehost_elsewhere_is_busy(site, capsys):
    (site.path / ".homehost").write_text("203.0.113.9\n")
    assert mtsite("reduce") == 11
    assert "run mtsite reduce on 203.0.113.9" in capsys.readouterr().err


def test_an_unreadable_area_does_not_stop_the_others(site, tmp_path, capsys):
    with (tmp_path / "mtsite.toml").open("a") as file:
        file.write(f'[areas.aaa]\npath = "{tmp_path}/nothing"\n')
    assert mtsite("reduce") == 3
    assert "aaa" in capsys.readouterr().err
    assert site.completed.exists()


def test_what_to_do_about_one_area_is_said_beside_the_others(site, tmp_path, capsys):
    (site.path / ".homehost").write_text("203.0.113.9\n")
    other = make_area(tmp_path, name="other", config="[setup]\nallow-runs no\n")
    with (tmp_path / "mtsite.toml").open("a") as file:
        file.write(f'[areas.other]\npath = "{other.path}"\n')
    assert mtsite("reduce") == 3
    told = capsys.readouterr().err
    assert "fullrun: area fullrun: its homehost is 203.0.113.9" in told
    assert "run mtsite reduce on 203.0.113.9; or, if nobody works in the area" in told
    assert not site.completed.exists()


@pytest.mark.parametrize("name", ["reduce", "automigrate"])
def test_a_document_lists_what_moved_and_what_failed(site, tmp_path, capsys, name):
    runs = [run("u/nfs", f"w{number}") for number in range(4)]
    elsewhere = make_area(tmp_path, name="elsewhere", runs=runs)
    for area in (site, elsewhere):
        with (area.path / "megatest.config").open("a") as file:
            file.write("[automigrate]\nold target=%/%; runname=w0; age=1d\n")
    (elsewhere.path / ".homehost").write_text("203.0.113.9\n")
    old = make_area(tmp_path, name="old", config="[setup]\nallow-runs no\n")
    with (tmp_path / "mtsite.toml").open("a") as file:
        for area in (elsewhere, old):
            file.write(f'[areas.{area.name}]\npath = "{area.path}"\n')
    assert mtsite(name, "--json") == 3
    told = capsys.readouterr()
    document = json.loads(told.out)
    assert document["schema"] == f"mtsite/{name}/1"
    areas = {one["area"]: one for one in document["areas"]}
    assert ["u", "nfs", "w0"] in areas["fullrun"]["moved"]
    assert "its homehost is 203.0.113.9" in areas["elsewhere"]["error"]
    assert "--area-db-only" in areas["elsewhere"]["hint"]
    assert areas["elsewhere"]["moved"] == []
    assert areas["old"]["skipped"]
    assert "not all could be moved" in told.err


def test_an_area_that_fails_alone_keeps_its_exit_code_and_is_a_document(site, capsys):
    (site.path / ".homehost").write_text("203.0.113.9\n")
    assert mtsite("reduce", "--json") == 11
    document = json.loads(capsys.readouterr().out)
    assert document["schema"] == "mtsite/error/1"
    assert document["exit_code"] == 11


def test_help_names_the_exit_codes(capsys):
    assert mtsite("reduce", "--help") == 0
    assert "13 verification failed" in capsys.readouterr().out
