"""A writer as Megatest is one: a commit every 20 ms, rollback journal, synchronous off."""

import json
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing, suppress
from pathlib import Path

from mtsite.megatest import schema

PERIOD = 0.02
BUSY_SECONDS = 20


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


def write(database: Path, seconds: float, which: str = "all") -> None:
    """Change one run after another, each in one transaction, and print how long commits took.

    `which` is "all" or "last": only the five newest runs.
    """
    # A shell's background job starts its children with SIGINT ignored.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    took: list[float] = []
    with closing(sqlite3.connect(database, timeout=BUSY_SECONDS, isolation_level=None)) as opened:
        opened.execute("PRAGMA synchronous = 0")
        ids = [row[0] for row in opened.execute("SELECT id FROM runs ORDER BY id")]
        ids = ids[-5:] if which == "last" else ids
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


def start_writer(database: Path, seconds: float, which: str = "all") -> "subprocess.Popen[str]":
    """The writer in a process of its own; its output is a JSON list of seconds per commit."""
    command = [sys.executable, __file__, str(database), str(seconds), which]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


if __name__ == "__main__":
    write(Path(sys.argv[1]), float(sys.argv[2]), *sys.argv[3:])
