"""What moving runs costs, against what SQLite itself can do.

    python benchmarks/moves.py [--runs 100] [--tests 500] [--rounds 3] [--planned 10000]

Rounds of three ways to move the same runs, one after the other:
raw: ATTACH, INSERT … SELECT and DELETE, 20 runs a transaction, without any proof;
reduce: `mtsite reduce` with proof; sqlite-utils: insert_all row by row, without proof or delete.
Then: planning over many runs of which none moves, and commit times of a live writer (20 ms) alone
and during a whole reduce. Promised: reduce <= 2.5 x raw, sqlite-utils >= 2.5 x reduce, 200 MB,
0.5 s, 250 ms.
"""

import argparse
import json
import multiprocessing
import resource
import shutil
import signal
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import sqlite_utils
from live_reading import percentiles
from live_writer import start_writer

from mtsite.archive.job import Job
from mtsite.archive.migrate import automigrate_area
from mtsite.archive.reduce import reduce_area
from mtsite.config import AreaConfig, ReduceConfig
from mtsite.megatest import schema

BASE = 1_700_000_000
DAY = 86_400
AT_ONCE = 20
FIELDS = [("sysname", "TEXT"), ("fsname", "TEXT")]
TABLES = ("runs", "tests", "test_steps", "test_data")
RULES = ReduceConfig(older_than=2 * DAY, keep_live=0, dead_after=7 * DAY)


def fill(database: Path, runs: int, tests: int) -> None:
    """`runs` runs of `tests` tests, with two steps each and a datum for every second one."""
    schema.create_database(database, FIELDS)
    numbers = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?)"
    with closing(sqlite3.connect(database)) as db, db:
        db.execute(
            f"INSERT INTO runs (id, sysname, fsname, runname, state, status, owner, event_time,"
            f" last_update) {numbers} SELECT i, 'ubuntu', 'nfs' || (i % 4), 'ww' || i, 'new',"
            " 'n/a', 'ann', ? + i * 86400, ? + i * 86400 FROM n",
            (runs, BASE, BASE),
        )
        db.execute(
            "INSERT INTO tests (run_id, testname, host, cpuload, diskfree, uname, rundir, shortdir,"
            " state, status, attemptnum, final_logf, run_duration, event_time, last_update)"
            f" {numbers} SELECT runs.id, 'block' || (i / 20) || '_case' || i, 'host' || (i % 40),"
            " 0.7, 1000000, 'Linux 6.1.0 #1 SMP x86_64 GNU/Linux',"
            " '/proj/links/ubuntu/nfs/' || runname || '/block' || i,"
            " '/disk/d0/ubuntu/nfs/' || runname || '/block' || i, 'COMPLETED',"
            " CASE WHEN i % 17 THEN 'PASS' ELSE 'FAIL' END, 4711, 'final.log', i,"
            " runs.event_time + i, runs.event_time + 2 * i FROM runs CROSS JOIN n",
            (tests,),
        )
        db.execute(
            "INSERT INTO test_steps (test_id, stepname, state, status, event_time, logfile,"
            " last_update) SELECT id, 'simulate', one, other, event_time, 'simulate.log',"
            " last_update FROM tests CROSS JOIN"
            " (SELECT 'start' AS one, '-' AS other UNION ALL SELECT 'end', '0')"
        )
        db.execute(
            "INSERT INTO test_data (test_id, category, variable, value, expected, tol, units,"
            " status, last_update) SELECT id, 'timing', 'slack', id * 0.37, 50.0, 60.0, 'ps',"
            " 'pass', last_update FROM tests WHERE id % 2"
        )


def raw(area: Path) -> None:
    """What SQLite itself can do, as durable as a reduce."""
    schema.create_database(area / "raw.db", FIELDS)
    with closing(sqlite3.connect(area / "raw.db", isolation_level=None)) as db:
        db.execute("PRAGMA synchronous = EXTRA")
        db.execute("ATTACH ? AS source", (str(area / "megatest.db"),))
        db.execute("PRAGMA source.synchronous = FULL")
        (last,) = db.execute("SELECT max(id) FROM source.runs").fetchone()
        for first in range(1, last + 1, AT_ONCE):
            span = (first, first + AT_ONCE - 1)
            db.execute("BEGIN")
            db.execute("INSERT INTO runs SELECT * FROM source.runs WHERE id BETWEEN ? AND ?", span)
            db.execute(
                "INSERT INTO tests SELECT * FROM source.tests WHERE run_id BETWEEN ? AND ?"
                " ORDER BY +id",
                span,
            )
            for table in TABLES[2:]:
                db.execute(
                    f"INSERT INTO {table} SELECT one.* FROM source.tests AS t CROSS JOIN"
                    f" source.{table} AS one ON one.test_id = t.id WHERE t.run_id BETWEEN ? AND ?",
                    span,
                )
            db.execute("COMMIT")
            db.execute("BEGIN")
            for table in TABLES[2:]:
                db.execute(
                    f"DELETE FROM source.{table} WHERE test_id IN"
                    " (SELECT id FROM source.tests WHERE run_id BETWEEN ? AND ?)",
                    span,
                )
            db.execute("DELETE FROM source.tests WHERE run_id BETWEEN ? AND ?", span)
            db.execute("DELETE FROM source.runs WHERE id BETWEEN ? AND ?", span)
            db.execute("COMMIT")


def with_sqlite_utils(area: Path) -> None:
    """A copy as one would write it: no proof, nothing deleted."""
    schema.create_database(area / "plain.db", FIELDS)
    source = sqlite_utils.Database(area / "megatest.db")
    target = sqlite_utils.Database(area / "plain.db")
    for table in TABLES:
        target[table].insert_all(source[table].rows, pk="id")  # type: ignore[union-attr]
    source.close()
    target.close()


def reduce(area: Path) -> None:
    """All runs but the one with the highest rowid, with proof."""
    settings = AreaConfig(name="moves", path=area)
    summary = reduce_area(settings, Job({}, RULES, BASE + 10_000 * DAY, area / "state", environ={}))
    assert summary.error is None, summary.error
    assert not summary.stayed, summary.stayed[:3]


def timed(work: Callable[[Path], None], home: Path, saved: Path) -> tuple[float, float, float]:
    """Seconds, CPU seconds and peak memory in MB of one way, in a process of its own."""
    area = home / "area"
    shutil.rmtree(area, ignore_errors=True)
    area.mkdir()
    shutil.copyfile(saved, area / "megatest.db")
    (area / "megatest.config").write_text("[fields]\nsysname TEXT\nfsname TEXT\n")
    queue: multiprocessing.SimpleQueue[tuple[float, float, float]] = multiprocessing.SimpleQueue()
    child = multiprocessing.Process(target=_measure, args=(work, area, queue))
    child.start()
    child.join()
    assert child.exitcode == 0
    return queue.get()


def _measure(work, area, queue) -> None:  # type: ignore[no-untyped-def]
    began = time.monotonic()
    work(area)
    used = resource.getrusage(resource.RUSAGE_SELF)
    cpu = used.ru_utime + used.ru_stime
    queue.put((time.monotonic() - began, cpu, used.ru_maxrss / 1024))


def compare(home: Path, saved: Path, rounds: int) -> None:
    ways = {"raw": raw, "reduce": reduce, "sqlite-utils": with_sqlite_utils}
    took: dict[str, list[tuple[float, float, float]]] = {name: [] for name in ways}
    for _ in range(rounds):
        for name, work in ways.items():
            took[name].append(timed(work, home, saved))
    print(f"{'way':<14}{'s':>8}{'CPU s':>8}{'MB':>8}   (medians of {rounds})")
    middle = {name: [statistics.median(one) for one in zip(*t)] for name, t in took.items()}  # noqa: B905 # of one length
    for name, (seconds, cpu, memory) in middle.items():
        print(f"{name:<14}{seconds:8.2f}{cpu:8.2f}{memory:8.0f}")
    ratio, gain = (
        middle["reduce"][0] / middle["raw"][0],
        middle["sqlite-utils"][0] / middle["reduce"][0],
    )
    print(f"reduce / raw {ratio:.2f}, sqlite-utils / reduce {gain:.2f}")


def plan(home: Path, runs: int) -> None:
    """Rules that match every run by name, and none by age."""
    area, satellite = home / "planned", home / "satellite"
    config = "[fields]\nsysname TEXT\nfsname TEXT\n"
    rule = f"[automigrate]\n{satellite} target=%/%; runname=%; age={runs + 2}d\n"
    for path, more in ((area, rule), (satellite, "[setup]\nallow-runs no\n")):
        path.mkdir()
        (path / "megatest.config").write_text(config + more)
    fill(area / "megatest.db", runs, 20)
    schema.create_database(satellite / "megatest.db", FIELDS)
    settings = AreaConfig(name="planned", path=area)
    rules = ReduceConfig(older_than=(runs + 2) * DAY, keep_live=2, dead_after=7 * DAY)
    job = Job({}, rules, BASE + runs * DAY, home / "state", environ={})
    for name, work in (("reduce", reduce_area), ("automigrate", automigrate_area)):
        began, used = time.monotonic(), time.process_time()
        summary = work(settings, job)
        took, cpu = time.monotonic() - began, time.process_time() - used
        print(f"planning a {name} of {runs} runs, none moves: {took:.2f} s, {cpu:.2f} s CPU")
        assert not summary.outcomes


def disturb(home: Path, saved: Path, seconds: float) -> None:
    area = home / "live"
    area.mkdir()
    shutil.copyfile(saved, area / "megatest.db")
    (area / "megatest.config").write_text("[fields]\nsysname TEXT\nfsname TEXT\n")
    # The last runs are the writer's: the others may move.
    control, _ = start_writer(area / "megatest.db", seconds, "last").communicate()
    writer = start_writer(area / "megatest.db", 3600, "last")
    time.sleep(1)
    began = time.monotonic()
    reduce_but_the_last(area)
    took = time.monotonic() - began
    writer.send_signal(signal.SIGINT)
    disturbed = writer.communicate()[0]
    alone, beside = percentiles(json.loads(control)), percentiles(json.loads(disturbed))
    print(f"a live writer during a reduce of {took:.1f} s; commit, ms")
    for name, value in alone.items():
        print(f"{name:<8}{value:10.1f} alone{beside[name]:10.1f} beside")


def reduce_but_the_last(area: Path) -> None:
    """The writer's own runs are young: they stay."""
    settings = AreaConfig(name="live", path=area)
    summary = reduce_area(settings, Job({}, RULES, int(time.time()), area / "state", environ={}))
    assert summary.error is None, summary.error
    print(f"{len(summary.moved)} moved, {len(summary.stayed)} stayed")


def main() -> None:
    told = argparse.ArgumentParser(description=__doc__)
    told.add_argument("--runs", type=int, default=100)
    told.add_argument("--tests", type=int, default=500)
    told.add_argument("--rounds", type=int, default=3)
    told.add_argument("--planned", type=int, default=10_000)
    told.add_argument("--seconds", type=float, default=15)
    given = told.parse_args()
    with tempfile.TemporaryDirectory(prefix="moves-") as directory:
        home = Path(directory)
        saved = home / "saved.db"
        fill(saved, given.runs, given.tests)
        compare(home, saved, given.rounds)
        if given.planned:
            plan(home, given.planned)
        disturb(home, saved, given.seconds)


if __name__ == "__main__":
    main()
