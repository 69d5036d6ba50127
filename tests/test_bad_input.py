"""Bad input at the command line: one message with what, where and what to do; never a traceback."""

import json
import shutil
import sqlite3
import sys
from contextlib import closing
from pathlib import Path

import pytest
from areas import BASE, DAY, TestArea, make_area, run, test
from calling import Ended, mtsite
from crawl import crawl, pages
from sites import difference, files_of, make_site

from mtsite import cli, urls
from mtsite.build.site import build_site
from mtsite.config import load_config
from mtsite.engines.inprocess import InProcess
from mtsite.errors import MtsiteError
from mtsite.invocation import Invocation
from mtsite.model import RunKey
from mtsite.terminal import TerminalReport

INPROCESS = '[build]\nengine = "inprocess"\n'


class Caller:
    """Calls inside this process, from one directory."""

    def __init__(self, home: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.home = home
        self._capsys = capsys

    def __call__(self, *words: str) -> Ended:
        code = cli.run(list(words), Invocation(report=TerminalReport(sys.stderr)))
        captured = self._capsys.readouterr()
        assert "Traceback" not in captured.err
        return Ended(code, captured.out, captured.err)


@pytest.fixture
def call(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Caller:
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.chdir(home)
    return Caller(home, capsys)


def area_of(tmp_path: Path, name: str = "good") -> TestArea:
    return make_area(tmp_path, name, runs=[run("u/v", "w1", [test("t", log="fine\n")])])


def write_config(home: Path, *areas: TestArea) -> None:
    make_site(home, *areas).write_config({area.name: area.path for area in areas}, INPROCESS)


# -- mtsite.toml


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"[areas", "mtsite.toml:1: not TOML"),
        (b"\x00\x01\xff\xfe", "mtsite.toml:1:"),
        (b"[site]\nfoo = 1\n[areas.x]\npath = 3\n", "mtsite.toml:2: site.foo"),
        (b"[areas.x]\n", "areas.x.path"),
        (b"", "no area is named"),
        (b'[site]\ntitle = "only"\n', "no area is named"),
        (b'[areas.x]\npath = "/x"\n[redact]\nrules = ["nope"]\n', "nope"),
        (
            b'[areas.x]\npath = "/x"\n[[redact.own]]\nname = "a"\nregex = "("\n',
            "mtsite.toml:5: redact.own",
        ),
        (b'[areas.x]\npath = "/x"\n[site]\ntimezone = "Mars/Base"\n', "timezone"),
    ],
)
def test_a_broken_configuration_is_told_with_its_place(
    call: Caller, content: bytes, told: str
) -> None:
    (call.home / "mtsite.toml").write_bytes(content)
    ended = call("build")
    assert ended.code == 2
    assert ended.err.startswith("error: ") and told in ended.err
    assert ended.out == ""
    assert not (call.home / "site" / "index.html").exists()


def test_every_mistake_of_a_configuration_is_told_at_once(call: Caller) -> None:
    text = "[site]\nfoo = 1\nbar = 2\n[areas.x]\npath = 3\n"
    (call.home / "mtsite.toml").write_text(text)
    err = call("build").err
    assert "mtsite.toml:2" in err and "mtsite.toml:3" in err and "mtsite.toml:5" in err


def test_no_configuration_names_the_command_that_makes_one(tmp_path: Path) -> None:
    ended = mtsite("build", cwd=tmp_path)
    assert ended.code == 2
    assert ended.err.startswith("error: no mtsite.toml in ")
    assert "try: mtsite init" in ended.err
    assert list(tmp_path.iterdir()) == []


def test_a_named_configuration_that_is_not_there_is_told(call: Caller) -> None:
    ended = call("--config", "other.toml", "build")
    assert ended.code == 2
    assert "other.toml" in ended.err and "try:" in ended.err


def test_a_directory_as_configuration_is_told(call: Caller) -> None:
    (call.home / "other.toml").mkdir()
    ended = call("--config", "other.toml", "build")
    assert ended.code == 2
    assert "other.toml" in ended.err


# -- areas


def test_a_missing_area_directory_makes_no_site(call: Caller) -> None:
    ended = call("build", "nosuch")
    assert ended.code == 10
    assert "nosuch" in ended.err and "try:" in ended.err
    assert list(call.home.iterdir()) == []


def test_one_unreadable_area_of_two_is_partly_done(tmp_path: Path) -> None:
    good, bad = area_of(tmp_path), area_of(tmp_path, "bad")
    bad.database.write_bytes(b"\xff" * 5000)
    home = tmp_path / "home"
    home.mkdir()
    write_config(home, good, bad)
    ended = mtsite("build", cwd=home)
    assert ended.code == 3
    assert "Traceback" not in ended.err
    assert f"area bad: {bad.database}: not a SQLite database" in ended.err
    assert "try: mtsite area ls" in ended.err
    assert (home / "site/good/u/v/w1/index.html").is_file()


def test_no_readable_area_at_all_is_missing(call: Caller, tmp_path: Path) -> None:
    area = area_of(tmp_path)
    write_config(call.home, area)
    assert call("build").code == 0
    area.database.unlink()
    before = files_of(call.home / "site")
    ended = call("build")
    assert ended.code == 10
    assert "no area could be read" in ended.err and str(area.path) in ended.err
    now = files_of(call.home / "site")
    assert before.keys() == now.keys()
    assert before["good/u/v/w1/index.html"] == now["good/u/v/w1/index.html"]


def test_json_of_a_partly_done_build_lists_what_was_left_out(call: Caller, tmp_path: Path) -> None:
    good, bad = area_of(tmp_path), area_of(tmp_path, "bad")
    shutil.rmtree(bad.path)
    write_config(call.home, good, bad)
    ended = call("build", "--json")
    assert ended.code == 3
    (problem,) = json.loads(ended.out)["problems"]
    assert problem.startswith(f"area bad: no directory {bad.path}")


@pytest.mark.parametrize("words", [("area", "show", "bad"), ("reduce", "bad"), ("area", "ls")])
def test_other_commands_tell_an_unreadable_area_in_one_message(
    call: Caller, tmp_path: Path, words: tuple[str, ...]
) -> None:
    bad = area_of(tmp_path, "bad")
    bad.database.write_bytes(bad.database.read_bytes()[:6000])
    write_config(call.home, bad)
    ended = call(*words)
    assert str(bad.database) in ended.err + ended.out
    if words != ("area", "ls"):
        assert ended.code in {3, 10}


def test_a_terminal_gets_no_control_character_of_a_name(call: Caller, tmp_path: Path) -> None:
    area = area_of(tmp_path, "good")
    text = f'[areas."red \\u00e9"]\npath = "{tmp_path}/\\u001b[31mgone"\n'
    make_site(call.home, area).write_config({"good": area.path}, text + INPROCESS)
    ended = call("build")
    assert ended.code in {2, 3}
    assert "\x1b" not in ended.err


def test_an_output_that_is_no_site_is_left_alone(call: Caller, tmp_path: Path) -> None:
    (call.home / "site").mkdir()
    (call.home / "site" / "thesis.txt").write_text("years of work\n")
    write_config(call.home, area_of(tmp_path))
    ended = call("build")
    assert ended.code == 2
    assert "thesis.txt" in ended.err and "try:" in ended.err
    assert [path.name for path in (call.home / "site").iterdir()] == ["thesis.txt"]


def test_an_output_that_is_a_file_is_told(call: Caller, tmp_path: Path) -> None:
    (call.home / "site").write_text("a file\n")
    write_config(call.home, area_of(tmp_path))
    ended = call("build")
    assert ended.code in {1, 2}
    assert str(call.home / "site") in ended.err


# -- known runs that would go


def test_a_build_that_would_drop_many_runs_stops_and_names_the_flag(
    call: Caller, tmp_path: Path
) -> None:
    area = make_area(tmp_path, "a", runs=[run("u/v", f"w{n}", [test("t")]) for n in range(10)])
    write_config(call.home, area)
    assert call("build").code == 0
    before = files_of(call.home / "site")
    for name in ("w1", "w2"):
        area.drop_run(name)
    ended = call("build")
    assert ended.code == 1
    assert "drop 2 of 10 known runs" in ended.err and "a/u/v/w1" in ended.err
    assert "mtsite build --allow-drop" in ended.err
    assert files_of(call.home / "site") == before
    assert call("build", "--allow-drop").code == 0
    gone = (call.home / "site" / "a/u/v/w1/index.html").read_text()
    assert "in none of the databases" in gone
    assert crawl(call.home / "site", pages(call.home / "site")).dead == []


def test_a_tenth_of_the_known_runs_may_go_unasked(call: Caller, tmp_path: Path) -> None:
    area = make_area(tmp_path, "a", runs=[run("u/v", f"w{n}", [test("t")]) for n in range(10)])
    write_config(call.home, area)
    assert call("build").code == 0
    area.drop_run("w1")
    assert call("build").code == 0


# -- times that are none


TIMES: dict[str, object] = {
    "null": None,
    "text": "yesterday",
    "empty": "",
    "negative": -86_400,
    "far": 32_503_680_000,
    "beyond": 10**18,
    "float": BASE + 0.5,
    "blob": b"\x00\xff",
}


def test_runs_of_any_time_have_pages_and_the_tree_is_whole(tmp_path: Path) -> None:
    area = make_area(tmp_path)
    for number in range(3):
        area.add_run(run("u/v", f"plain{number}", [test("t", status="FAIL", log="ERROR: x\n")]))
    for name in TIMES:
        area.add_run(run("u/v", name, [test("t", status="FAIL"), test("other")]))
    area.add_run(run("u/v", "twin_a", [test("t")], event_time=BASE + 40 * DAY))
    area.add_run(run("u/v", "twin_b", [test("t")], event_time=BASE + 40 * DAY))
    area.add_run(run("u/v", "no_tests"))
    with closing(sqlite3.connect(area.database)) as connection, connection:
        for name, value in TIMES.items():
            where = "(SELECT id FROM runs WHERE runname = ?)"
            connection.execute("UPDATE runs SET event_time = ? WHERE runname = ?", (value, name))
            for column in ("event_time", "run_duration", "last_update", "cpuload", "attemptnum"):
                connection.execute(
                    f"UPDATE tests SET {column} = ? WHERE run_id = {where}", (value, name)
                )
    (tmp_path / "home").mkdir()
    site = make_site(tmp_path / "home", area)
    assert site.build().problems == []
    assert crawl(site.tree, pages(site.tree)).dead == []
    for name in (*TIMES, "twin_a", "twin_b", "no_tests", "plain0"):
        key = RunKey("fullrun", ("u", "v"), name)
        assert (site.tree / urls.run_page(key)).is_file(), name
        json.loads((site.tree / urls.run_twin(key)).read_bytes())
    assert site.build().written == 0
    assert difference(site.tree, site.build_clean(tmp_path / "clean")) == []


def test_a_build_of_a_locked_site_says_who_holds_it(tmp_path: Path) -> None:
    from mtsite import lock

    site = make_site(tmp_path, area_of(tmp_path / "areas"))
    config = load_config(tmp_path / "mtsite.toml", {})
    with lock.hold(site.state, "build", "mtsite nightly"), pytest.raises(MtsiteError) as caught:
        build_site(config, InProcess(1), lambda *_: None, environ={})
    assert caught.value.exit_code == 11
    assert "mtsite nightly" in caught.value.message
