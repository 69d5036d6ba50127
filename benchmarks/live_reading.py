"""What reading a live area costs its writer: commit times with and without a reader.

    python benchmarks/live_reading.py [--runs 200] [--tests 200] [--seconds 15]

A writer in a process of its own commits every 20 ms, as Megatest does (rollback journal,
synchronous off): first alone (the control), then during whole builds of the site, two workers.
Promised: p99.9 rises by no more than 250 ms, and the writer never fails.
"""

import argparse
import json
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from big_area import make_big_area
from live_writer import start_writer

LIMIT_MS = 250


def build(home: Path) -> None:
    """One whole `mtsite build` with two workers; runs that moved meanwhile are no failure."""
    command = [sys.executable, "-m", "mtsite", "-q", "build"]
    subprocess.run(command, cwd=home, check=True)


def percentiles(took: Sequence[float]) -> dict[str, float]:
    """Milliseconds."""
    ordered = sorted(took)
    places = {"p50": 0.5, "p99": 0.99, "p99.9": 0.999}
    return {
        name: 1000 * ordered[min(len(ordered) - 1, int(part * len(ordered)))]
        for name, part in places.items()
    }


def measure(runs: int, tests: int, seconds: float) -> int:
    with tempfile.TemporaryDirectory(prefix="live-reading-") as directory:
        home = Path(directory)
        database = make_big_area(home / "area", runs, tests) / "megatest.db"
        (home / "mtsite.toml").write_text('[areas.big]\npath = "area/big"\n')
        control, _text = start_writer(database, seconds).communicate()
        writer = start_writer(database, 10 * seconds)
        started = time.monotonic()
        builds = 0
        while time.monotonic() - started < seconds or not builds:
            build(home)
            builds += 1
        took = time.monotonic() - started
        writer.send_signal(signal.SIGINT)
        disturbed = writer.communicate()[0]
    print(f"{builds} builds of {runs} runs x {tests} tests in {took:.0f} s")
    alone, beside = percentiles(json.loads(control)), percentiles(json.loads(disturbed))
    print(f"{'commit, ms':<12}{'alone':>10}{'with build':>14}{'rise':>10}")
    for name, value in alone.items():
        print(f"{name:<12}{value:>10.2f}{beside[name]:>14.2f}{beside[name] - value:>10.2f}")
    failed = writer.returncode != 0 or beside["p99.9"] - alone["p99.9"] > LIMIT_MS
    print("FAILED" if failed else f"within {LIMIT_MS} ms; the writer never failed")
    return int(failed)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=200)
    parser.add_argument("--tests", type=int, default=200)
    parser.add_argument("--seconds", type=float, default=15)
    options = parser.parse_args()
    return measure(options.runs, options.tests, options.seconds)


if __name__ == "__main__":
    sys.exit(main())
