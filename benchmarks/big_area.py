"""A large G4 area made fast: runs × tests, one log, two steps and one datum each."""

import random
import sqlite3
from pathlib import Path

from mtsite.megatest import schema

BASE = 1_700_000_000
DAY = 86_400
WORDS = (
    "loading module starting phase clock domain reset vector packet transfer checksum cache line"
    " address read write complete pending scheduler worker queue depth latency cycles expected"
).split()
TARGETS = (("ubuntu", "nfs"), ("ubuntu", "zfs"), ("suse", "nfs"), ("suse", "zfs"))


def make_big_area(root: Path, runs: int, tests: int, *, seed: int = 1, every: int = DAY) -> Path:
    """An area below `root` with so many runs of so many tests; its directory."""
    area = root / "big"
    links, disk = root / "links", root / "disk"
    for directory in (area, links, disk):
        directory.mkdir(parents=True)
    (area / "megatest.config").write_text(
        f"[fields]\nsysname TEXT\nfsname TEXT\n\n[setup]\nlinktree {links}\n\n[disks]\nd0 {disk}\n"
    )
    schema.create_database(area / "megatest.db", [("sysname", "TEXT"), ("fsname", "TEXT")])
    add_runs(area, range(runs), tests, seed=seed, every=every)
    return area


def add_runs(area: Path, numbers: range, tests: int, *, seed: int = 1, every: int = DAY) -> None:
    """More runs, `every` seconds after each other, spread over four targets.

    Runs of the future are read at every build: so many must not reach beyond today.
    """
    connection = sqlite3.connect(area / "megatest.db")
    connection.execute("PRAGMA synchronous = 0")
    for number in numbers:
        rnd = random.Random(seed * 100_003 + number)
        _add_run(connection, area, (number, BASE + number * every), tests, rnd)
        connection.commit()
    connection.close()


def _add_run(
    db: sqlite3.Connection, area: Path, which: tuple[int, int], tests: int, rnd: random.Random
) -> None:
    number, started = which
    target = TARGETS[number % len(TARGETS)]
    runname = f"ww{number // 7:03d}.{number % 7}"
    run_id = db.execute(
        "INSERT INTO runs (sysname, fsname, runname, state, status, owner, event_time, last_update)"
        " VALUES (?, ?, ?, 'new', 'n/a', 'ann', ?, ?)",
        (*target, runname, started, started),
    ).lastrowid
    below = Path(*target, runname)
    (area.parent / "links" / below).mkdir(parents=True)
    for index in range(tests):
        name = f"block{index // 20:02d}_case{index % 20:02d}"
        physical = area.parent / "disk" / below / name
        physical.mkdir(parents=True)
        rundir = area.parent / "links" / below / name
        rundir.symlink_to(physical)
        failed = rnd.random() < 0.06
        (physical / "final.log").write_text(_log(rnd, name, failed=failed))
        took = rnd.randrange(5, 900)
        test_id = db.execute(
            "INSERT INTO tests (run_id, testname, host, cpuload, diskfree, uname, rundir, shortdir,"
            " state, status, final_logf, run_duration, comment, event_time, last_update)"
            " VALUES (?, ?, ?, 0.7, 1000000, 'Linux 6.1 x86_64', ?, ?, 'COMPLETED', ?, 'final.log',"
            " ?, ?, ?, ?)",
            (
                run_id,
                name,
                f"host{rnd.randrange(40):02d}",
                str(rundir),
                str(physical),
                "FAIL" if failed else "PASS",
                took,
                "broken <again>" if failed else "",
                started + index,
                started + index + took,
            ),
        ).lastrowid
        for offset, step in enumerate(("setup", "simulate")):
            for state, status in (("start", "-"), ("end", "1" if failed and offset else "0")):
                db.execute(
                    "INSERT INTO test_steps (test_id, stepname, state, status, event_time,"
                    " last_update) VALUES (?, ?, ?, ?, ?, ?)",
                    (test_id, step, state, status, started + index + offset * 3, started),
                )
        if index % 2:
            db.execute(
                "INSERT INTO test_data (test_id, category, variable, value, expected, tol, units,"
                " status, last_update)"
                " VALUES (?, 'timing', 'slack', ?, 50.0, 60.0, 'ps', 'pass', ?)",
                (test_id, rnd.random() * 100, started),
            )


def _log(rnd: random.Random, name: str, *, failed: bool) -> str:
    lines = [
        f"2026-11-{1 + n % 28:02d} 02:{n % 60:02d}:00 INFO [{name}] "
        + " ".join(rnd.choices(WORDS, k=8))
        for n in range(rnd.randrange(15, 40))
    ]
    if failed:
        lines.append(
            f"src/{name}.c:{rnd.randrange(900)}:7: error: expected 0 got {rnd.randrange(9)}"
        )
    return "\n".join(lines) + "\n"
