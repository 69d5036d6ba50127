"""The loop over jobs: which it has, what fails, what was missed and what takes too long."""

import io
import json
import time
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from scheduling import JOB, add_job, loaded, make_due, runs, site

from mtsite import lock, scheduler
from mtsite.config import Config
from mtsite.jobhistory import read_history
from mtsite.scheduler import STATE_FILE, Loop, job_directories
from mtsite.terminal import TerminalReport


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
