"""What reading a live area costs its writer: commit times with and without a reader.

    python benchmarks/live_reading.py [--runs 200] [--tests 200] [--seconds 15]

A writer in a process of its own commits every 20 ms, as Megatest does (rollback journal,
synchronous off): first alone (the control), then during whole builds of the site, two workers.
Promised: p99.9 rises by no more than 250 ms, and the writer never fails.
"""

import argparse
import json
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import closing, suppress
from pathlib import Path

from big_area import make_big_area

PERIOD = 0.02
BUSY_SECONDS = 20
LIMIT_MS = 250


def write(database: Path, seconds: float) -> None:
    """Change one run after another, each in one transaction, and print how long commits took."""
    took: list[float] = []
    with closing(sqlite3.connect(database, timeout=BUSY_SECONDS, isolation_level=None)) as opened:
        opened.execute("PRAGMA synchronous = 0")
        ids = [row[0] for row in opened.execute("SELECT id FROM runs ORDER BY id")]
        until = time.monotonic() + seconds
        with suppress(KeyboardInterrupt):
            while time.monotonic() < until:
                started = time.monotonic()
                change_run(opened, ids[len(took) % len(ids)], f"change {len(took)}")
                took.append(time.monotonic() - started)
                time.sleep(max(0, PERIOD - took[-1]))
    print(json.dumps(took))


def change_run(opened: sqlite3.Connection, run_id: int, comment: str) -> None:
    """All tests of a run and their steps get one comment, in one transaction."""
    opened.execute("BEGIN IMMEDIATE")
    opened.execute("UPDATE tests SET comment = ? WHERE run_id = ?", (comment, run_id))
    opened.execute(
        "UPDATE test_steps SET comment = ?"
        " WHERE test_id IN (SELECT id FROM tests WHERE run_id = ?)",
        (comment, run_id),
    )
    opened.execute("COMMIT")


def start_writer(database: Path, seconds: float) -> "subprocess.Popen[str]":
    """The writer in a process of its own; its output is a JSON list of seconds per commit."""
    command = [sys.executable, __file__, "--writer", str(database), "--seconds", str(seconds)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


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
    parser.add_argument("--writer", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.writer:
        write(options.writer, options.seconds)
        return 0
    return measure(options.runs, options.tests, options.seconds)


if __name__ == "__main__":
    sys.exit(main())
