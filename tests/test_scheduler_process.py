"""`mtsite schedule` as a process: alone, idle, and ended by signals."""

import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from scheduling import add_job, site

from mtsite import lock
from mtsite.config import Config
from mtsite.scheduler import STATE_FILE
from mtsite.standing import PLAN_FILE


def test_a_second_loop_is_refused(tmp_path: Path) -> None:
    config = site(tmp_path)
    with lock.hold(config.state_dir, "schedule", "mtsite schedule"), start(config) as child:
        assert child.wait(timeout=60) == 11


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
