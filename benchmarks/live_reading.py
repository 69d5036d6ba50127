"""What reading a live area costs its writer: commit times with and without a reader.

    python benchmarks/live_reading.py [--runs 200] [--tests 200] [--seconds 15]

A writer in a process of its own commits every 20 ms, as Megatest does (rollback journal,
synchronous off): first alone (the control), then while this process lists the area and reads
every run, over and over. Promised: p99.9 rises by no more than 250 ms, and the writer never fails.
"""

import argparse
import json
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from mtsite.config import AreaConfig
from mtsite.megatest import schema
from mtsite.megatest.database import reading
from mtsite.megatest.merge import list_areas
from mtsite.megatest.reader import read_run

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


def fill(database: Path, runs: int, tests: int) -> None:
    """`runs` runs of `tests` tests with one ended step each."""
    schema.create_database(database, [("sysname", "TEXT"), ("fsname", "TEXT")])
    numbers = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?)"
    with closing(sqlite3.connect(database)) as opened, opened:
        opened.execute(
            f"INSERT INTO runs (id, sysname, fsname, runname, last_update) {numbers}"
            " SELECT i, 'u', 'n', 'w' || i, 1 FROM n",
            (runs,),
        )
        opened.execute(
            "INSERT INTO tests (run_id, testname, rundir, state, status, last_update)"
            f" {numbers} SELECT runs.id, 't' || i, '/links/u/n/' || runname || '/t' || i,"
            " 'COMPLETED', 'PASS', 1 FROM runs, n",
            (tests,),
        )
        for state in ("start", "end"):
            opened.execute(
                "INSERT INTO test_steps (test_id, stepname, state, event_time, last_update)"
                " SELECT id, 'step', ?, 100, 1 FROM tests",
                (state,),
            )


def read_all(settings: AreaConfig) -> tuple[int, int]:
    """List the area and read every run; runs read, and how many were in flight."""
    (listing,) = list_areas([settings], {})
    if listing.error:
        raise SystemExit(listing.error)
    in_flight = 0
    for head in listing.heads:
        with reading(head.database) as connection:
            in_flight += read_run(connection, head).in_flight_read
    return len(listing.heads), in_flight


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
        area = Path(directory) / "fullrun"
        area.mkdir()
        (area / "megatest.config").write_text("[fields]\nsysname TEXT\nfsname TEXT\n")
        fill(area / "megatest.db", runs, tests)
        control, _text = start_writer(area / "megatest.db", seconds).communicate()
        writer = start_writer(area / "megatest.db", seconds)
        read = in_flight = rounds = 0
        while writer.poll() is None:
            some, moving = read_all(AreaConfig(name="fullrun", path=area))
            read, in_flight, rounds = read + some, in_flight + moving, rounds + 1
        disturbed = writer.stdout.read() if writer.stdout else "[]"
    print(f"{rounds} rounds, {read} runs read, {in_flight} of them in flight")
    alone, beside = percentiles(json.loads(control)), percentiles(json.loads(disturbed))
    print(f"{'commit, ms':<12}{'alone':>10}{'with reader':>14}{'rise':>10}")
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
