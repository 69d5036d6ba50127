"""Seconds, of clock and processor, and peak memory of a command with all that it starts."""

import contextlib
import resource
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

LOOK_SECONDS = 0.05


class Measured(NamedTuple):
    """Memory is the largest sum of all processes' shares (PSS), looked at 20 times a second.

    `processor` is the seconds of all of them, those in the kernel included: on a busy machine it
    tells more than the clock.
    """

    seconds: float
    megabytes: float
    processor: float


def measured(command: Sequence[str], cwd: Path, environ: Mapping[str, str]) -> Measured:
    """Run a command to its end.

    Raises:
        subprocess.CalledProcessError: it failed; its output is in the exception.
    """
    started, used = time.monotonic(), _processor()
    with subprocess.Popen(
        command,
        cwd=cwd,
        env=dict(environ),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    ) as child:
        peak = _Peak(child.pid)
        peak.start()
        said, _ = child.communicate()
        seconds = time.monotonic() - started
        peak.ended.set()
        peak.join()
    if child.returncode:
        raise subprocess.CalledProcessError(child.returncode, command, said)
    return Measured(seconds, peak.kilobytes / 1024, _processor() - used)


def _processor() -> float:
    """Seconds of the processes that have ended and were waited for, and of theirs."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


class _Peak(threading.Thread):
    def __init__(self, pid: int) -> None:
        super().__init__(daemon=True)
        self.pid = pid
        self.kilobytes = 0
        self.ended = threading.Event()

    def run(self) -> None:
        while not self.ended.wait(LOOK_SECONDS):
            self.kilobytes = max(self.kilobytes, sum(map(_share, _family(self.pid))))


def _family(pid: int) -> list[int]:
    found, waiting = [], [pid]
    while waiting:
        found.append(waiting.pop())
        with contextlib.suppress(OSError):
            for thread in Path(f"/proc/{found[-1]}/task").iterdir():
                waiting += map(int, (thread / "children").read_text().split())
    return found


def _share(pid: int) -> int:
    with contextlib.suppress(OSError):
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1])
    return 0
