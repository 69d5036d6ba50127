"""What each command says and writes."""

import json
import os
import re
import resource
import signal
import sqlite3
import threading
from contextlib import closing
from pathlib import Path

import areas
import pytest
from calling import Ended, called
from dying import ended as ended_in
from dying import in_child

from mtsite import lock


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory with a site of one area, as the current directory."""
    area = areas.make_area(tmp_path, runs=[areas.run("ubuntu/nfs", "w01", tests=[areas.test("t")])])
    text = f'[site]\nbase_url = "https://runs.example/"\n[areas.fullrun]\npath = "{area.path}"\n'
    (tmp_path / "mtsite.toml").write_text(text)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_without_mtsite_toml_it_is_said_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    ended = called(["config", "show"], capsys)
    assert ended.code == 2
    assert "no mtsite.toml in" in ended.err
    assert "mtsite init AREA_DIR" in ended.err


def test_config_show_tells_values_and_where_they_come_from(
    site: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ended = called(["config", "show", "--origin"], capsys)
    assert 'site.base_url = "https://runs.example"' in ended.out
    assert re.search(r'site\.title = "Test results"\s+# default', ended.out)
    assert re.search(r"areas\.fullrun\.path = .*mtsite\.toml:4", ended.out)


def test_config_show_as_json_is_one_document(
    site: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    document = json.loads(called(["config", "show", "--json"], capsys).out)
    assert document["schema"] == "mtsite/config/1"
    assert {"key", "value", "origin"} == set(document["settings"][0])


def test_config_check_lists_every_mistake(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with (site / "mtsite.toml").open("a") as file:
        file.write("[reduce]\nolder_than = 2\nkeep_livee = 1\n")
    ended = called(["config", "check"], capsys)
    assert ended.code == 2
    assert "reduce.older_than" in ended.err
    assert "keep_livee" in ended.err


def test_config_check_looks_into_the_areas(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert called(["config", "check"], capsys).code == 0
    (site / "fullrun" / "megatest.config").unlink()
    ended = called(["config", "check"], capsys)
    assert ended.code == 2
    assert "megatest.config" in ended.err


def test_area_ls_tells_keys_and_runs(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    ended = called(["area", "ls"], capsys)
    assert ended.code == 0
    (line,) = [line for line in ended.out.splitlines() if line.startswith("fullrun")]
    assert re.split(r"  +", line)[1:4] == ["G4 (v1.6208 to v1.65)", "sysname/fsname", "1"]


def test_area_ls_counts_no_run_that_is_deleted_or_went_elsewhere(
    site: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with closing(sqlite3.connect(site / "fullrun" / "megatest.db")) as connection, connection:
        for state in ("deleted", "MOVED", "new"):
            sql = "INSERT INTO runs (sysname, fsname, runname, state) VALUES ('u', 'n', ?, ?)"
            connection.execute(sql, (f"run {state}", state))
    document = json.loads(called(["area", "ls", "--json"], capsys).out)
    assert [one["runs"] for one in document["areas"]] == [2]


def test_area_ls_goes_on_after_an_unreadable_area(
    site: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with (site / "mtsite.toml").open("a") as file:
        file.write('[areas.gone]\npath = "gone"\n')
    ended = called(["area", "ls", "--json"], capsys)
    assert ended.code == 3
    document = json.loads(ended.out)
    assert [one["runs"] for one in document["areas"]] == [1, 0]


def test_area_show_names_what_it_does_not_know(
    site: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert called(["area", "show", "fullrun"], capsys).code == 0
    ended = called(["area", "show", "other"], capsys)
    assert ended.code == 10
    assert "no area other" in ended.err


@pytest.mark.parametrize(
    ("words", "address"),
    [
        (["fullrun/ubuntu/nfs/w01"], "fullrun/ubuntu/nfs/w01/index.html"),
        (["fullrun/ubuntu/nfs/w01/t"], "fullrun/ubuntu/nfs/w01/t/index.html"),
        (["fullrun/ubuntu/nfs/w01/t/a//b"], "fullrun/ubuntu/nfs/w01/t/a/~/b/index.html"),
        (
            ["--log", "x.log", "--line", "120-180", "fullrun/ubuntu/nfs/w01/t/i"],
            "fullrun/ubuntu/nfs/w01/t/i/_log/x.log.html#L120-180",
        ),
    ],
)
def test_link_prints_the_address_to_share(
    site: Path, capsys: pytest.CaptureFixture[str], words: list[str], address: str
) -> None:
    ended = called(["link", *words], capsys)
    assert (ended.code, ended.out) == (0, f"https://runs.example/{address}\n")


def test_link_of_an_address_says_which_run_it_is_and_where_its_rows_lie(
    site: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ended = called(
        ["link", "https://runs.example/fullrun/ubuntu/nfs/w01/t/index.html#data"], capsys
    )
    assert [line.split(None, 1) for line in ended.out.splitlines()] == [
        ["run", "fullrun/ubuntu/nfs/w01"],
        ["rows", f"{site}/fullrun/megatest.db, run 1, in area fullrun"],
    ]


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["https://elsewhere.example/fullrun/ubuntu/nfs/w01/index.html"], 10),
        (["other/ubuntu/nfs/w01"], 10),
        (["fullrun/ubuntu/nfs"], 2),
        (["fullrun"], 2),
        (["fullrun/ubuntu/nfs/w01", "--log", "x"], 2),
        (["fullrun/ubuntu/nfs/w01/t", "--line", "1"], 2),
        (["fullrun/ubuntu/nfs/w01/t", "--log", "x", "--line", "1-"], 2),
    ],
)
def test_link_refuses_what_has_no_address(
    site: Path, capsys: pytest.CaptureFixture[str], words: list[str], code: int
) -> None:
    ended = called(["link", *words], capsys)
    assert (ended.code, ended.out) == (code, "")


def test_init_writes_a_file_that_works(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("one", 'a "b"\n'):
        (tmp_path / name).mkdir()
        (tmp_path / name / "megatest.config").write_text("")
    assert called(["init", "one", 'a "b"\n'], capsys).code == 0
    shown = called(["config", "show", "--json"], capsys)
    keys = {row["key"]: row["value"] for row in json.loads(shown.out)["settings"]}
    assert json.loads(keys["areas.one.path"]) == str(tmp_path / "one")
    assert r'areas."a \"b\"_".path' in keys


def test_every_commented_default_of_init_can_be_switched_on(
    site: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = called(["init", "-n", "fullrun"], capsys).out
    switched = re.sub(r'(?m)^# (\w+ = (?!"\.\.\.").*)$', r"\1", text)
    assert switched != text
    (site / "mtsite.toml").write_text(switched)
    ended = called(["config", "show"], capsys)
    assert ended.code == 0, ended.err


def test_init_never_overwrites(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = (site / "mtsite.toml").read_bytes()
    ended = called(["init", "fullrun"], capsys)
    assert ended.code == 2
    assert (site / "mtsite.toml").read_bytes() == before


def test_init_refuses_what_is_no_area(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert called(["init"], capsys).code == 10
    assert list(tmp_path.iterdir()) == []


def test_init_without_an_area_is_for_the_current_directory(
    site: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(site / "fullrun")
    shown = called(["init", "-n"], capsys)
    assert (shown.code, Path("mtsite.toml").exists()) == (0, False)
    assert called(["init"], capsys).code == 0
    assert Path("mtsite.toml").read_text() == shown.out


def test_init_where_nothing_can_be_written_is_told(
    site: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (site / "file").touch()
    ended = called(["--config", "file/mtsite.toml", "init", "fullrun"], capsys)
    assert ended.code == 2
    assert "file/mtsite.toml can't be written: Not a directory" in ended.err


def test_init_on_a_full_disk_leaves_no_half_of_a_file(
    site: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def init() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
        os._exit(called(["--config", "new.toml", "init", "fullrun"], capsys).code)

    assert ended_in(in_child(init)) == 2
    assert not (site / "new.toml").exists()
    assert called(["--config", "new.toml", "init", "fullrun"], capsys).code == 0


def test_a_look_at_an_area_takes_no_place_of_a_site(
    site: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(site)
    other = areas.make_area(site, "other").path
    ended = called(["build", str(other)], capsys)
    assert (ended.code, "is of a site with other areas" in ended.err) == (2, True)
    assert called(["build", "-n", str(other), "fullrun"], capsys).code == 0


@pytest.mark.parametrize("words", [["build"], ["nightly"], ["build", "fullrun"]])
def test_the_engine_is_chosen_by_a_flag(
    words: list[str],
    site: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from mtsite.engines import engine

    opened = []
    whole = engine.open_engine

    def noted(name: str, workers: int, scheduler: str) -> engine.Engine:
        opened.append(name)
        return whole(name, workers, scheduler)

    monkeypatch.setattr(engine, "open_engine", noted)
    assert called([words[0], "--engine", "inprocess", *words[1:]], capsys).code == 0
    assert set(opened) == {"inprocess"}
    assert called(["build", "--engine", "magic"], capsys).code == 2


def test_build_needs_no_configuration(
    site: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (site / "elsewhere").mkdir()
    monkeypatch.chdir(site / "elsewhere")
    ended = called(["build", "../fullrun"], capsys)
    assert ended.code == 0, ended.err
    assert (site / "elsewhere/site/fullrun/ubuntu/nfs/w01/index.html").is_file()


def test_build_never_writes_into_an_area(
    site: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(site / "fullrun")
    ended = called(["build", "."], capsys)
    assert ended.code == 2
    assert "into the area fullrun" in ended.err
    assert not (site / "fullrun/site").exists()


def test_a_second_nightly_exits_11_and_says_who_holds_it(
    site: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with lock.hold(site / ".mtsite", "nightly", "mtsite nightly"):
        ended = called(["nightly"], capsys)
    assert ended.code == 11
    assert f"`mtsite nightly` on host {os.uname().nodename}, pid {os.getpid()}" in ended.err


def test_a_second_nightly_may_wait_for_the_first(
    site: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first = lock.hold(site / ".mtsite", "nightly", "mtsite nightly")
    first.__enter__()
    letting_go = threading.Timer(0.5, first.__exit__, (None, None, None))
    letting_go.start()
    assert called(["nightly", "--wait", "1m"], capsys).code == 0
    letting_go.join()
    assert called(["nightly", "--wait", "soon"], capsys).code == 2


def test_a_quiet_night_says_nothing(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert called(["nightly", "-q"], capsys) == Ended(0, "", "")


def test_nightly_as_json_tells_each_step(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    skipped = [word for name in ("reduce", "automigrate", "retain") for word in ("--skip", name)]
    ended = called(["nightly", "-q", "--json", *skipped], capsys)
    document = json.loads(ended.out)
    assert document["schema"] == "mtsite/nightly/1"
    assert [(step["name"], step["ok"]) for step in document["steps"]] == [
        ("build", True),
        ("check", True),
        ("publish", True),
    ]


def test_schedule_lists_its_jobs(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    ended = called(["schedule", "--list"], capsys)
    assert [line.split()[0] for line in ended.out.splitlines()][1:] == sorted(
        ["nightly", "refresh"], key=ended.out.index
    )
