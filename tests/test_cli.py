"""The command line: exit codes, streams, how errors are shown, and that it starts quickly."""

import contextlib
import errno
import io
import json
import os
import pty
import re
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import click
import pytest
from calling import ROOT, called, mtsite
from hypothesis import given
from hypothesis import strategies as st

from mtsite import __version__
from mtsite.cli import COMMANDS, group
from mtsite.errors import FindingsError, MtsiteError
from mtsite.invocation import EXITS
from mtsite.refused import naming
from mtsite.terminal import TerminalReport, plain, table


def commands() -> list[tuple[str, click.Command]]:
    """Every command that does something, with the words that call it."""
    context = click.Context(group)
    found: list[tuple[str, click.Command]] = []
    for name in COMMANDS:
        command = group.get_command(context, name)
        assert command is not None
        found += below(name, command)
    return found


def below(name: str, command: click.Command) -> list[tuple[str, click.Command]]:
    if not isinstance(command, click.Group):
        return [(name, command)]
    children = command.commands.items()
    return [each for child, one in children for each in below(f"{name} {child}", one)]


# -- start


def test_the_version_is_told_within_its_budget(tmp_path: Path) -> None:
    times = []
    for _ in range(5):
        before = os.times()
        ended = mtsite("--version", cwd=tmp_path)
        after = os.times()
        # The processor's time: a busy machine makes no command slower than it is.
        times.append(sum(after[2:4]) - sum(before[2:4]))
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


@pytest.mark.parametrize(
    ("number", "hint"),
    [
        (errno.EACCES, "look at the rights of {there}: `ls -ld {there}`"),
        (errno.ENOENT, "look at the path: of it there is {there}"),
        (errno.EROFS, "name another place: the file system of {there} can only be read"),
        (errno.ENOSPC, "free some space, then run it again: `df -h {there}`"),
    ],
)
def test_what_the_system_refuses_is_told_with_what_to_do(
    fail: Fail, capsys: pytest.CaptureFixture[str], tmp_path: Path, number: int, hint: str
) -> None:
    fail(OSError(number, "no", str(tmp_path / "new" / "file")))
    assert f"  try: {hint.format(there=tmp_path)}\n" in called(["link"], capsys).err


def test_a_full_disk_is_no_bug_even_where_no_file_is_named(tmp_path: Path) -> None:
    with Path("/dev/full").open("w") as full:
        ended = subprocess.run(
            [sys.executable, "-m", "mtsite", "completion", "bash"],
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            cwd=tmp_path,
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert (ended.returncode, "Traceback" in ended.stderr) == (1, False)
    assert ended.stderr.startswith("error: No space left on device\n  try: free some space")


def test_a_database_on_a_full_disk_is_no_bug(
    fail: Fail, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    with contextlib.closing(sqlite3.connect(tmp_path / "small.db")) as small:
        small.execute("PRAGMA max_page_count = 2")
        with pytest.raises(sqlite3.OperationalError) as full:
            small.execute("CREATE TABLE a (b)").execute("INSERT INTO a VALUES (zeroblob(99999))")
    fail(full.value)
    ended = called(["link"], capsys)
    assert (ended.code, ended.err.splitlines()[0]) == (1, "error: no room for a database")


def test_a_write_to_a_full_disk_names_its_file() -> None:
    path = Path("/dev/full")
    with pytest.raises(OSError, match="/dev/full"), naming(path), path.open("w") as file:
        file.write("x")


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


@pytest.mark.parametrize(("words", "meant"), [("statsu", "status"), ("run lis", "ls")])
def test_a_misspelt_command_is_told_what_it_may_have_been(
    words: str, meant: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert f"Did you mean '{meant}'?" in called(words.split(), capsys).err


@pytest.mark.parametrize("words", ["--json statsu", "statsu --json", "build --fulll --json"])
def test_with_json_wrong_usage_is_a_document_too(
    words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    told = json.loads(called(words.split(), capsys).out)
    assert (told["schema"], told["exit_code"]) == ("mtsite/error/1", 2)
    assert told["hint"].endswith("--help")


@pytest.mark.parametrize(
    "words",
    [
        "run ls --csv --lines",
        "run ls --csv --json",
        "--json run ls --lines",
        "run show R --line --markdown",
        "run export R --junit --html-single",
    ],
)
def test_of_two_forms_none_is_chosen_in_silence(
    words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    ended = called(words.split(), capsys)
    assert (ended.code, "are two forms: choose one" in ended.err) == (2, True)


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)]
)
def test_a_signal_lets_locks_go_and_is_in_the_exit_code(
    tmp_path: Path, number: signal.Signals, code: int
) -> None:
    child = subprocess.Popen(
        [sys.executable, "-c", WAITING],
        cwd=tmp_path,
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
    assert not (tmp_path / ".mtsite" / "mine.lock").exists()


# SIGINT is ignored in what a shell puts into the background, and so in its children.
WAITING = """
import signal, time, click
signal.signal(signal.SIGINT, signal.default_int_handler)
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
