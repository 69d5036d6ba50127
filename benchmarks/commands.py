"""How soon the small commands answer, and what the loop of `mtsite schedule` costs while idle.

    python benchmarks/commands.py [--runs 20] [--tests 50] [--idle 30]

Goals: --version in 150 ms, status in 400 ms, an idle loop below 60 MB without measurable
processor time. A night without news on 50,000 pages is timed by benchmarks/check.py.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

from big_area import make_big_area

REPEATED = 9
TICKS = os.sysconf("SC_CLK_TCK")


def main() -> None:
    """Build a small site in a temporary directory, run its night once, then take the times."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=20)
    parser.add_argument("--tests", type=int, default=50)
    parser.add_argument("--idle", type=float, default=30, help="seconds that the loop is watched")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="mtsite-bench-") as directory:
        home = make_home(Path(directory), given.runs, given.tests)
        called(home, "-q", "nightly")
        for what, words in (
            ("python -c pass", None),
            ("mtsite --version", ["--version"]),
            ("mtsite status", ["status"]),
            ("mtsite status --json", ["status", "--json"]),
            ("mtsite --help", ["--help"]),
        ):
            times = sorted(timed(home, words) for _ in range(REPEATED))
            print(f"{what:24} {median(times) * 1000:6.0f} ms ({times[0] * 1000:.0f} the fastest)")
        megabytes, processor = idle(home, given.idle)
        print(f"{'idle mtsite schedule':24} {megabytes:6.1f} MB resident")
        print(f"{'':24} {processor * 1000:6.0f} ms of processor in {given.idle:.0f} s")


def make_home(root: Path, runs: int, tests: int) -> Path:
    """A site over one area, its jobs far from now, so that none of them begins."""
    area = make_big_area(root / "area", runs, tests)
    home = root / "home"
    home.mkdir()
    (home / "mtsite.toml").write_text(
        f'[areas.big]\npath = "{area}"\n[publish]\ndestination = "{root / "www"}"\n'
        f'[schedule]\nnightly = "{time.strftime("%H:%M", time.localtime(time.time() - 7200))}"\n'
        "refresh_minutes = 1000\n"
    )
    return home


def command(home: Path, *words: str) -> list[str]:
    """The words of one call."""
    return [sys.executable, "-m", "mtsite", "--config", str(home / "mtsite.toml"), *words]


def called(home: Path, *words: str) -> None:
    """One call, in silence."""
    subprocess.run(command(home, *words), check=True, stdout=subprocess.DEVNULL, cwd=ROOT)


def timed(home: Path, words: list[str] | None) -> float:
    """Seconds of one call; None: of Python alone."""
    call = [sys.executable, "-c", "pass"] if words is None else command(home, *words)
    begun = time.perf_counter()
    subprocess.run(call, check=True, stdout=subprocess.DEVNULL, cwd=ROOT)
    return time.perf_counter() - begun


def idle(home: Path, seconds: float) -> tuple[float, float]:
    """Resident megabytes of a loop that waits, and its processor time, once it has begun."""
    with subprocess.Popen(command(home, "-q", "schedule"), cwd=ROOT) as child:
        try:
            while not (home / ".mtsite" / "plan.json").exists():
                time.sleep(0.1)
            time.sleep(1)
            before = processor_of(child.pid)
            time.sleep(seconds)
            used = processor_of(child.pid) - before
            lines = Path(f"/proc/{child.pid}/status").read_text().splitlines()
        finally:
            child.terminate()
    (resident,) = (line.split()[1] for line in lines if line.startswith("VmRSS"))
    return int(resident) / 1000, used


def processor_of(pid: int) -> float:
    """Seconds of processor that a process has used, in the kernel too."""
    numbers = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(numbers[11]) + int(numbers[12])) / TICKS


ROOT = Path(__file__).parent.parent

if __name__ == "__main__":
    main()
