"""What is known afterwards of a job and of a night that the loop began."""

import json
import sys
import time
from pathlib import Path

import pytest
from scheduling import JOB, add_job, loaded, make_due, site

from mtsite.jobhistory import read_history


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


def test_a_command_that_fails_is_told_with_its_exit_code(tmp_path: Path) -> None:
    config = site(tmp_path)
    verb = 'scheduler.every().day.do(scheduler.mtsite, "area", "show", "nowhere")'
    add_job(tmp_path, "look", f"def register(scheduler, config):\n    {verb}\n")
    loop, said = loaded(config)
    make_due(loop)
    loop.run_due()
    assert "job look failed: mtsite area show nowhere ended with exit code 10" in said.getvalue()
