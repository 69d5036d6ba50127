"""The command line: exit codes, streams, how errors are shown, and that it starts quickly."""

import io
import json
import os
import pty
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import areas
import click
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mtsite import __version__, cli, lock
from mtsite.cli import COMMANDS, group
from mtsite.errors import FindingsError, MtsiteError
from mtsite.invocation import EXITS, Invocation
from mtsite.terminal import TerminalReport, plain, table

ROOT = Path(__file__).resolve().parent.parent


@dataclass
class Ended:
    code: int
    out: str
    err: str


def mtsite(*words: str, cwd: Path, **environ: str) -> Ended:
    """One call as a process of its own."""
    child = subprocess.run(
        [sys.executable, "-m", "mtsite", *words],
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": str(ROOT), **environ},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    return Ended(child.returncode, child.stdout, child.stderr)


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory with a site of one area, as the current directory."""
    area = areas.make_area(tmp_path, runs=[areas.run("ubuntu/nfs", "w01", tests=[areas.test("t")])])
    text = f'[site]\nbase_url = "https://runs.example/"\n[areas.fullrun]\npath = "{area.path}"\n'
    (tmp_path / "mtsite.toml").write_text(text)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def called(
    words: Sequence[str], capsys: pytest.CaptureFixture[str], invocation: Invocation | None = None
) -> Ended:
    """One call inside this process."""
    code = cli.run(list(words), invocation or Invocation(report=TerminalReport(sys.stderr)))
    captured = capsys.readouterr()
    return Ended(code, captured.out, captured.err)


def commands() -> list[tuple[str, click.Command]]:
    """Every command that does something, with the words that call it."""
    context = click.Context(group)
    found: list[tuple[str, click.Command]] = []
    for name in COMMANDS:
        command = group.get_command(context, name)
        assert command is not None
        if isinstance(command, click.Group):
            found += [(f"{name} {child}", one) for child, one in command.commands.items()]
        else:
            found.append((name, command))
    return found


# -- start


def test_the_version_is_told_within_its_budget(tmp_path: Path) -> None:
    times = []
    for _ in range(5):
        before = time.perf_counter()
        ended = mtsite("--version", cwd=tmp_path)
        times.append(time.perf_counter() - before)
        assert ended.out == f"mtsite {__version__}\n"
    assert min(times) < 0.150


@pytest.mark.parametrize("words", ["--version", "--help"])
def test_no_large_library_is_loaded_before_a_command_runs(tmp_path: Path, words: str) -> None:
    code = (
        "import sys\nfrom mtsite import cli\nfrom mtsite.invocation import Invocation\n"
        f"cli.run([{words!r}], Invocation())\n"
        "large = {'boto3', 'jinja2', 'rich', 'markdown_it', 'sqlite_utils', 'schedule', 'isal'}\n"
        "sys.exit(', '.join(large & set(sys.modules)) or 0)"
    )
    ended = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert (ended.returncode, ended.stderr) == (0, "")


def test_python_m_mtsite_and_the_command_are_one(tmp_path: Path) -> None:
    assert mtsite("no-such-command", cwd=tmp_path).code == 2


# -- help


@pytest.mark.parametrize(("name", "command"), commands(), ids=[name for name, _ in commands()])
def test_the_help_of_a_command_ends_with_its_exit_codes(name: str, command: click.Command) -> None:
    epilog = command.epilog or ""
    assert epilog.startswith("Exit codes: 0 done")
    told = {int(number) for number in re.findall(r"(?:^|· |codes: )(\d+) ", epilog)}
    assert {0, 1, 2, 130} <= told <= set(EXITS)


@pytest.mark.parametrize(("name", "command"), commands(), ids=[name for name, _ in commands()])
def test_every_command_and_option_has_a_sentence(name: str, command: click.Command) -> None:
    assert command.help
    for param in command.params:
        if isinstance(param, click.Option):
            assert param.help, f"{name} {param.opts}"


@pytest.mark.parametrize(("name", "command"), commands(), ids=[name for name, _ in commands()])
def test_json_quiet_and_verbose_are_known_to_every_command(
    name: str, command: click.Command
) -> None:
    options = {option for param in command.params for option in param.opts}
    assert {"--json", "-q", "-v"} <= options


# -- errors


@pytest.mark.parametrize("error", MtsiteError.__subclasses__())
def test_the_exit_codes_of_errors_are_told_in_help(error: type[MtsiteError]) -> None:
    assert error.exit_code in EXITS


Fail = Callable[[BaseException], None]


def raising(error: BaseException) -> click.Command:
    @click.command()
    def command() -> None:
        raise error

    return command


@pytest.fixture
def fail(monkeypatch: pytest.MonkeyPatch) -> Fail:
    """Makes `mtsite link` fail in a chosen way."""

    def make(error: BaseException) -> None:
        command = raising(error)
        monkeypatch.setattr("mtsite.commands.link.command", command)

    return make


def test_expected_trouble_is_a_message_a_hint_and_an_exit_code(
    fail: Fail, capsys: pytest.CaptureFixture[str]
) -> None:
    fail(FindingsError("two findings\nthe first\nthe second", "mtsite check"))
    ended = called(["link"], capsys)
    assert ended.code == 20
    assert ended.out == ""
    assert ended.err == ("error: two findings\n  the first\n  the second\n  try: mtsite check\n")


def test_a_long_list_of_troubles_is_cut_unless_verbose(
    fail: Fail, capsys: pytest.CaptureFixture[str]
) -> None:
    fail(MtsiteError("\n".join(f"line {number}" for number in range(100))))
    short, long = called(["link"], capsys).err, called(["link", "-v"], capsys).err
    assert "... 70 more lines; -v shows all" in short
    assert "line 99" in short
    assert len(long.splitlines()) == 100


def test_with_json_an_error_is_a_document_too(
    fail: Fail, capsys: pytest.CaptureFixture[str]
) -> None:
    fail(MtsiteError("no", "yes"))
    ended = called(["--json", "link"], capsys)
    assert json.loads(ended.out) == {
        "schema": "mtsite/error/1",
        "message": "no",
        "hint": "yes",
        "exit_code": 1,
    }


def test_a_message_cant_steer_the_terminal(fail: Fail, capsys: pytest.CaptureFixture[str]) -> None:
    fail(MtsiteError("a\x1b]0;title\x07b\x9b31m", "\x1b[2J"))
    assert "\x1b" not in called(["link"], capsys).err


def test_a_file_that_cant_be_read_is_expected_trouble(
    fail: Fail, capsys: pytest.CaptureFixture[str]
) -> None:
    fail(PermissionError(13, "Permission denied", "/srv/site"))
    ended = called(["link"], capsys)
    assert ended.code == 1
    assert ended.err.startswith("error: /srv/site: Permission denied\n")


def test_a_bug_shows_its_traceback(tmp_path: Path) -> None:
    code = (
        "import click\nfrom mtsite import cli\nimport mtsite.commands.link as link\n"
        "link.command = click.command()(lambda: 1 / 0)\ncli.main(['link'])"
    )
    ended = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert ended.returncode == 1
    assert "ZeroDivisionError" in ended.stderr


def test_wrong_usage_exits_2_and_says_how(capsys: pytest.CaptureFixture[str]) -> None:
    ended = called(["build", "--no-such-option"], capsys)
    assert ended.code == 2
    assert "Usage: mtsite build" in ended.err


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)]
)
def test_a_signal_lets_locks_go_and_is_in_the_exit_code(
    site: Path, number: signal.Signals, code: int
) -> None:
    child = subprocess.Popen(
        [sys.executable, "-c", WAITING],
        cwd=site,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with child:
        assert child.stdout is not None
        assert child.stdout.readline() == "held\n"
        child.send_signal(number)
        _, said = child.communicate(timeout=20)
    assert child.returncode == code
    assert "Traceback" not in said
    assert not (site / ".mtsite" / "mine.lock").exists()


WAITING = """
import time, click
from pathlib import Path
from mtsite import cli, lock
import mtsite.commands.link as link

@click.command()
def command():
    with lock.hold(Path(".mtsite"), "mine", "waiting"):
        print("held", flush=True)
        time.sleep(60)

link.command = command
cli.main(["link"])
"""


# -- streams


def test_quiet_hides_talk_and_keeps_warnings() -> None:
    said = io.StringIO()
    report = TerminalReport(said, verbosity=-1)
    report.say("hello")
    report.warn("look out")
    assert said.getvalue() == "warning: look out\n"


@given(st.text())
def test_no_control_character_reaches_a_terminal(text: str) -> None:
    shown = plain(text)
    assert not re.search("[\x00-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]", shown)
    assert len(shown) == len(text)
    assert not re.search("[\ud800-\udfff]", shown)


def test_a_table_has_columns_and_no_trailing_blanks() -> None:
    assert table([("a", 1), ("long", "")]) == "a     1\nlong"


def test_progress_is_silent_for_two_seconds_and_off_a_terminal() -> None:
    said = io.StringIO()
    ticks = iter(range(0, 1000, 30))
    report = TerminalReport(said, clock=lambda: float(next(ticks)))
    for done in range(9):
        report.progress("pages", done, 9)
    assert said.getvalue() == ""


def test_progress_off_a_terminal_is_a_line_a_minute_when_verbose() -> None:
    said = io.StringIO()
    ticks = iter(range(0, 1000, 30))
    report = TerminalReport(said, verbosity=1, clock=lambda: float(next(ticks)))
    for done in range(5):
        report.progress("pages", done, 9)
    assert said.getvalue() == "pages: 2 of 9\npages: 4 of 9\n"


def read_all(terminal: int) -> str:
    """What was written to the other end of a pseudo-terminal, which is closed now."""
    parts = []
    with suppress(OSError):
        while part := os.read(terminal, 4096):
            parts.append(part)
    os.close(terminal)
    return b"".join(parts).decode()


def test_progress_on_a_terminal_is_drawn_and_taken_away() -> None:
    ours, theirs = pty.openpty()
    with os.fdopen(theirs, "w") as terminal:
        ticks = iter([0.0, 1.0, 2.5, 3.0])
        report = TerminalReport(terminal, clock=lambda: next(ticks))
        for done in range(4):
            report.progress("pages [red]", done, 9)
        report.close()
    drawn = read_all(ours)
    assert "pages [red]" in drawn
    assert drawn.endswith("\x1b[2K") or "\x1b[1A" in drawn or "\x1b[?25h" in drawn


# -- commands


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


@pytest.mark.parametrize(
    ("words", "code"),
    [
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
    assert 'areas.a "b"_.path' in keys


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


def test_a_quiet_night_says_nothing(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert called(["nightly", "-q"], capsys) == Ended(0, "", "")


def test_nightly_as_json_tells_each_step(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    ended = called(["nightly", "-q", "--json", "--skip", "reduce"], capsys)
    document = json.loads(ended.out)
    assert document["schema"] == "mtsite/nightly/1"
    assert [(step["name"], step["ok"]) for step in document["steps"]] == [
        ("build", True),
        ("publish", True),
    ]


def test_schedule_lists_its_jobs(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    ended = called(["schedule", "--list"], capsys)
    assert [line.split()[0] for line in ended.out.splitlines()][1:] == sorted(
        ["nightly", "refresh"], key=ended.out.index
    )
