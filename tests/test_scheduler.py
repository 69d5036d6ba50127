"""The loop over jobs: what fails, what was missed, and how it ends."""

import io
import json
import re
import shutil
import signal
import subprocess
import sys
import time
from datetime import datetime, timedelta
from pathlib import Path

import click
import cronsim
import pytest

from mtsite import lock, scheduler
from mtsite.cli import group
from mtsite.config import Config, load_config
from mtsite.jobhistory import read_history
from mtsite.scheduler import STATE_FILE, Loop, job_directories
from mtsite.standing import PLAN_FILE
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


@pytest.mark.parametrize("trouble", ["1 / 0", "raise SystemExit(3)", "import no_such_module"])
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


@pytest.mark.parametrize("text", ["import no_such_module", "x = (", "y = 1", "1 / 0", "exit(3)"])
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


def test_a_job_that_sleeps_for_ever_is_stopped_and_the_next_runs(tmp_path: Path) -> None:
    config = site(tmp_path, '[schedule]\njob_limit = "1s"\n')
    add_job(
        tmp_path, "a_sleeper", JOB.replace("    with", "    import time; time.sleep(99)\n    with")
    )
    add_job(tmp_path, "good")
    loop, said = loaded(config)
    make_due(loop)
    before = time.monotonic()
    loop.run_due()
    assert time.monotonic() - before < 20
    assert (runs(tmp_path, "a_sleeper"), runs(tmp_path, "good")) == (0, 1)
    assert "job a_sleeper failed: stopped after 1s, [schedule] job_limit" in said.getvalue()


def test_a_job_file_that_sleeps_for_ever_is_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scheduler, "LOAD_SECONDS", 0.3)
    config = site(tmp_path)
    add_job(tmp_path, "sleeper", "import time; time.sleep(99)")
    add_job(tmp_path, "good")
    loop, said = loaded(config)
    assert [name for name, _ in loop.jobs()] == ["good"]
    assert "job sleeper is left out" in said.getvalue()


@pytest.mark.faults
def test_a_command_that_takes_too_long_is_stopped(tmp_path: Path) -> None:
    config = site(tmp_path, '[schedule]\njob_limit = "2s"\n')
    verb = 'scheduler.every().day.do(scheduler.mtsite, "nightly", "--wait", "10m")'
    add_job(tmp_path, "waits", f"def register(scheduler, config):\n    {verb}\n")
    loop, said = loaded(config)
    make_due(loop)
    with lock.hold(config.state_dir, "nightly", "a test"):
        loop.run_due()
    assert "job waits failed: stopped after 2s" in said.getvalue()
    assert read_history(config.state_dir).entries[-1].state == "failed"


def test_what_a_job_did_is_in_the_history_and_on_the_page(tmp_path: Path) -> None:
    config = site(tmp_path)
    add_job(tmp_path, "bad", JOB.replace("    with", "    raise SystemError('no')\n    with"))
    add_job(tmp_path, "good")
    loop, _ = loaded(config)
    make_due(loop)
    loop.run_due()
    history = read_history(config.state_dir)
    states = {one.job: (one.state, one.told) for one in history.entries}
    assert states == {"bad": ("failed", "SystemError: no"), "good": ("done", "")}
    assert "SystemError: no" in (config.site.output / "_jobs/index.html").read_text()


def test_a_night_is_in_the_history_once(tmp_path: Path) -> None:
    config = site(tmp_path)
    verb = 'scheduler.every().day.do(scheduler.mtsite, "nightly", "--job", "night")'
    add_job(tmp_path, "night", f"def register(scheduler, config):\n    {verb}\n")
    loop, said = loaded(config)
    make_due(loop)
    loop.run_due()
    (entry,) = read_history(config.state_dir).entries
    assert (entry.job, entry.state, said.getvalue()) == ("night", "done", "")
    assert [step.name for step in entry.steps][-2:] == ["check", "publish"]


@pytest.mark.faults
def test_a_night_that_is_killed_is_told_by_the_loop(tmp_path: Path) -> None:
    told = tmp_path / "told"
    script = "import sys; open(sys.argv[1], 'w').write(sys.stdin.read())"
    notice = json.dumps([sys.executable, "-c", script, str(told)])
    config = site(tmp_path, f"[notify]\ncommand = {notice}\n")
    die = "import os, signal; os.kill(os.getpid(), signal.SIGKILL)"
    run = (
        "import os, sys; from pathlib import Path; from mtsite.jobhistory import begin\n"
        f"begin(Path({str(config.state_dir)!r}), 'nightly', {time.time()}, ''); {die}"
    )
    add_job(
        tmp_path,
        "nightly",
        "import subprocess, sys\nfrom mtsite.scheduler import JobError\n"
        "def register(scheduler, config):\n    scheduler.every().day.do(work, scheduler)\n"
        f"def work(scheduler):\n    child = subprocess.Popen([sys.executable, '-c', {run!r}])\n"
        "    scheduler._running.pids.append(child.pid)\n    raise JobError(str(child.wait()))\n",
    )
    loop, _ = loaded(config)
    make_due(loop)
    loop.run_due()
    (entry,) = read_history(config.state_dir).entries
    assert entry.state == "killed"
    assert json.loads(told.read_text())["state"] == "killed"


def test_a_night_that_can_note_nothing_is_told_of_once_and_by_itself(tmp_path: Path) -> None:
    told = tmp_path / "told"
    script = "import sys; open(sys.argv[1], 'a').write(sys.stdin.read())"
    config = site(
        tmp_path,
        f"[notify]\ncommand = {json.dumps([sys.executable, '-c', script, str(told)])}\n",
    )
    (tmp_path / ".mtsite").write_text("no directory")
    verb = 'scheduler.every().day.do(scheduler.mtsite, "nightly")'
    add_job(tmp_path, "nightly", f"def register(scheduler, config):\n    {verb}\n")
    loop, said = loaded(config)
    make_due(loop)
    loop.run_due()
    (notice,) = map(json.loads, told.read_text().splitlines())
    assert "nightly.lock can't be written" in notice["told"]
    assert "job nightly failed: mtsite nightly ended with exit code 1" in said.getvalue()


def test_a_second_loop_is_refused(tmp_path: Path) -> None:
    config = site(tmp_path)
    with lock.hold(config.state_dir, "schedule", "mtsite schedule"), start(config) as child:
        assert child.wait(timeout=60) == 11


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


def ticks(pid: int) -> int:
    """Hundredths of a second of processor that it has used."""
    numbers = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return int(numbers[11]) + int(numbers[12])


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_ends_an_idle_loop_at_once(tmp_path: Path, number: signal.Signals) -> None:
    config = site(tmp_path)
    with start(config) as child:
        said_until(child, "job refresh: next at")
        while not (config.state_dir / PLAN_FILE).exists():
            time.sleep(0.05)
        time.sleep(0.2)
        before = ticks(child.pid)
        time.sleep(0.2)
        assert ticks(child.pid) - before <= 1
        status = Path(f"/proc/{child.pid}/status").read_text()
        (resident,) = re.findall(r"VmRSS:\s+(\d+) kB", status)
        assert int(resident) < 60_000
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


JOBS = Path(__file__).parent.parent / "jobs"


def _taken(words: str) -> None:
    """These words are a command of mtsite that would be carried out."""
    program, name, *options = words.split()
    assert program == "mtsite"
    found = group.get_command(click.Context(group), name)
    assert found is not None
    found.make_context(name, options, resilient_parsing=False)


def test_the_crontab_example_names_times_and_commands_that_exist() -> None:
    lines = (JOBS / "crontab.example").read_text().splitlines()
    jobs = [line.split(None, 5) for line in lines if line and not re.match(r"#|[A-Z_]+=", line)]
    assert len(jobs) == 2
    for *times, words in jobs:
        first = next(cronsim.CronSim(" ".join(times), datetime(2026, 5, 1, 12, 0)))
        assert first > datetime(2026, 5, 1, 12, 0)
        _taken(words)


@pytest.mark.parametrize("unit", sorted(JOBS.glob("mtsite-*.*")), ids=lambda unit: unit.name)
def test_the_units_name_commands_that_exist(unit: Path) -> None:
    text = unit.read_text()
    commands = re.findall(r"(?m)^ExecStart=/usr/bin/env (.+)$", text)
    assert len(commands) == (unit.suffix == ".service")
    for words in commands:
        _taken(words)


def test_systemd_finds_nothing_wrong_with_the_units(tmp_path: Path) -> None:
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd-analyze is not installed")
    for unit in JOBS.glob("mtsite-*.*"):
        shutil.copy(unit, tmp_path)
    units = [str(path) for path in tmp_path.iterdir()]
    assert len(units) == 3
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", *units], capture_output=True, text=True
    )
    told = [line for line in done.stderr.splitlines() if "mtsite-" in line]
    assert (done.returncode, told) == (0, [])


@pytest.mark.parametrize("job", sorted(JOBS.glob("*.py")), ids=lambda job: job.name)
def test_a_job_is_a_time_and_a_verb(job: Path) -> None:
    assert len(job.read_text().splitlines()) < 20
