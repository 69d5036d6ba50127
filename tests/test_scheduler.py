"""The loop over jobs: what fails, what was missed, and how it ends."""

import io
import json
import re
import signal
import subprocess
import sys
import time
from datetime import datetime, timedelta
from pathlib import Path

import click
import pytest

from mtsite import lock
from mtsite.cli import group
from mtsite.config import Config, load_config
from mtsite.scheduler import STATE_FILE, Loop, job_directories
from mtsite.terminal import TerminalReport

JOB = """
def register(scheduler, config):
    scheduler.every().day.at("02:00").do(work, config)

def work(config):
    with (config.root / "{name}.ran").open("a") as file:
        file.write("x")
"""


def site(tmp_path: Path, text: str = "") -> Config:
    (tmp_path / "mtsite.toml").write_text(text)
    (tmp_path / "jobs").mkdir(exist_ok=True)
    return load_config(tmp_path / "mtsite.toml", {})


def add_job(tmp_path: Path, name: str, text: str = JOB) -> None:
    (tmp_path / "jobs" / f"{name}.py").write_text(text.replace("{name}", name))


def loaded(config: Config) -> tuple[Loop, io.StringIO]:
    said = io.StringIO()
    loop = Loop(config, TerminalReport(said))
    loop.load([config.root / "jobs"])
    return loop, said


def make_due(loop: Loop, late: timedelta = timedelta(seconds=1)) -> None:
    for job in loop.scheduler.jobs:
        job.next_run = datetime.now() - late


def runs(tmp_path: Path, name: str) -> int:
    ran = tmp_path / f"{name}.ran"
    return len(ran.read_text()) if ran.exists() else 0


@pytest.mark.parametrize("trouble", ["1 / 0", "raise SystemError('no')", "import no_such_module"])
def test_a_failing_job_stops_no_other(tmp_path: Path, trouble: str) -> None:
    config = site(tmp_path)
    add_job(tmp_path, "a_bad", JOB.replace("    with", f"    {trouble}\n    with"))
    add_job(tmp_path, "good")
    loop, said = loaded(config)
    make_due(loop)
    loop.run_due()
    assert runs(tmp_path, "good") == 1
    assert "job a_bad failed" in said.getvalue()
    assert all(next_run and next_run > datetime.now() for _, next_run in loop.jobs())


@pytest.mark.parametrize("text", ["import no_such_module", "x = (", "y = 1", "1 / 0"])
def test_a_job_file_that_cant_be_loaded_is_told_and_left_out(tmp_path: Path, text: str) -> None:
    config = site(tmp_path)
    add_job(tmp_path, "broken", text)
    add_job(tmp_path, "good")
    loop, said = loaded(config)
    assert [name for name, _ in loop.jobs()] == ["good"]
    assert "job broken is left out" in said.getvalue()


def test_a_job_that_fails_while_it_registers_leaves_nothing_behind(tmp_path: Path) -> None:
    config = site(tmp_path)
    add_job(tmp_path, "half", JOB.replace("work, config)", "work, config)\n    1 / 0"))
    loop, _ = loaded(config)
    assert loop.jobs() == []


def test_a_time_that_was_missed_runs_once_and_is_said(tmp_path: Path) -> None:
    config = site(tmp_path)
    add_job(tmp_path, "late")
    loop, said = loaded(config)
    make_due(loop, timedelta(days=3))
    loop.run_due()
    loop.run_due()
    assert runs(tmp_path, "late") == 1
    assert "job late: missed at" in said.getvalue()


def test_a_time_that_is_met_is_not_called_missed(tmp_path: Path) -> None:
    config = site(tmp_path)
    add_job(tmp_path, "punctual")
    loop, said = loaded(config)
    make_due(loop)
    loop.run_due()
    assert runs(tmp_path, "punctual") == 1
    assert said.getvalue() == ""


def test_what_was_missed_while_no_loop_ran_is_made_up_for_once(tmp_path: Path) -> None:
    config = site(tmp_path)
    add_job(tmp_path, "night")
    config.state_dir.mkdir()
    (config.state_dir / STATE_FILE).write_text(json.dumps({"night": time.time() - 4 * 86400}))
    said = [make_up(config), make_up(config)]
    assert runs(tmp_path, "night") == 1
    assert "job night: missed at" in said[0]
    assert said[1] == ""


def make_up(config: Config) -> str:
    loop, said = loaded(config)
    loop.make_up()
    return said.getvalue()


@pytest.mark.parametrize("state", [None, "", "[1]", '{"night": "x"}', "\0"])
def test_a_first_start_has_missed_nothing(tmp_path: Path, state: str | None) -> None:
    config = site(tmp_path)
    add_job(tmp_path, "night")
    config.state_dir.mkdir()
    if state is not None:
        (config.state_dir / STATE_FILE).write_text(state)
    loop, _ = loaded(config)
    loop.make_up()
    assert runs(tmp_path, "night") == 0


def test_a_job_beside_mtsite_toml_stands_in_for_the_packaged_one(tmp_path: Path) -> None:
    config = site(tmp_path, "[schedule]\nrefresh_minutes = 15\n")
    add_job(tmp_path, "nightly", JOB.replace("02:00", "04:44"))
    loop = Loop(config, TerminalReport(io.StringIO()))
    loop.load(job_directories(config))
    times = {name: next_run for name, next_run in loop.jobs() if next_run}
    assert sorted(times) == ["nightly", "refresh"]
    assert f"{times['nightly']:%H:%M}" == "04:44"


def test_the_packaged_jobs_follow_the_settings(tmp_path: Path) -> None:
    config = site(tmp_path, '[schedule]\nnightly = "03:30"\nrefresh_minutes = 0\n')
    loop = Loop(config, TerminalReport(io.StringIO()))
    loop.load(job_directories(config))
    ((name, next_run),) = loop.jobs()
    assert name == "nightly"
    assert next_run is not None
    assert f"{next_run:%H:%M}" == "03:30"


def test_a_command_that_fails_is_told_with_its_exit_code(tmp_path: Path) -> None:
    config = site(tmp_path)
    verb = 'scheduler.every().day.do(scheduler.mtsite, "area", "show", "nowhere")'
    add_job(tmp_path, "look", f"def register(scheduler, config):\n    {verb}\n")
    loop, said = loaded(config)
    make_due(loop)
    loop.run_due()
    assert "job look failed: mtsite area show nowhere ended with exit code 10" in said.getvalue()


def start(config: Config) -> "subprocess.Popen[str]":
    command = [sys.executable, "-m", "mtsite", "--config", str(config.file), "schedule"]
    return subprocess.Popen(
        command, stderr=subprocess.PIPE, text=True, cwd=Path(__file__).parent.parent
    )


def said_until(child: "subprocess.Popen[str]", text: str) -> str:
    assert child.stderr is not None
    said = ""
    while text not in said:
        line = child.stderr.readline()
        assert line, said
        said += line
    return said


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_ends_an_idle_loop_at_once(tmp_path: Path, number: signal.Signals) -> None:
    config = site(tmp_path)
    with start(config) as child:
        said_until(child, "job refresh: next at")
        time.sleep(0.2)
        before = time.monotonic()
        child.send_signal(number)
        assert child.wait(timeout=20) == 128 + number
    assert time.monotonic() - before < 5


@pytest.mark.faults
def test_sigterm_goes_on_to_the_command_that_runs(tmp_path: Path) -> None:
    config = site(tmp_path)
    verb = 'scheduler.every(1).seconds.do(scheduler.mtsite, "nightly", "--wait", "10m")'
    add_job(tmp_path, "waits", f"def register(scheduler, config):\n    {verb}\n")
    with lock.hold(config.state_dir, "nightly", "a test"), start(config) as child:
        said_until(child, "job waits: next at")
        deadline = time.monotonic() + 20
        while not (config.state_dir / STATE_FILE).exists():
            assert time.monotonic() < deadline
            time.sleep(0.05)
        time.sleep(1.5)
        child.terminate()
        assert child.wait(timeout=20) == 143
        assert "failed" not in said_until_end(child)


def said_until_end(child: "subprocess.Popen[str]") -> str:
    assert child.stderr is not None
    return child.stderr.read()


def test_the_crontab_example_names_times_and_commands_that_exist() -> None:
    example = Path(__file__).parent.parent / "jobs" / "crontab.example"
    lines = [line for line in example.read_text().splitlines() if line and line[0] != "#"]
    jobs = [line.split(None, 5) for line in lines if not re.match(r"[A-Z_]+=", line)]
    assert len(jobs) == 2
    for *times, command in jobs:
        limits = [(0, 59), (0, 23), (1, 31), (1, 12), (0, 7)]
        for field, (least, most) in zip(times, limits, strict=True):
            assert re.fullmatch(r"\*(/\d+)?|\d+(-\d+)?", field)
            assert all(least <= int(number) <= most for number in re.findall(r"\d+", field))
        program, name, *options = command.split()
        assert program == "mtsite"
        found = group.get_command(click.Context(group), name)
        assert found is not None
        assert found.make_context(name, options, resilient_parsing=False)
