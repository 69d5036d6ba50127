"""How fast `mtsite run ls` lists runs of megatest.db, completed-runs.db and two satellites.

    python benchmarks/run_list.py [--runs 20000] [--tests 5]

Goal: the first line within 0.3 s, all within 2 s, start of the program included.
"""

import argparse
import os
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median

from mtsite import notes
from mtsite.megatest import schema

BASE = 1_500_000_000
FIELDS = ("sysname", "fsname")


def main() -> None:
    """Make the areas, list them, say how long it took."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=20_000)
    parser.add_argument("--tests", type=int, default=5)
    parser.add_argument("--rounds", type=int, default=5)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="mtsite-bench-") as directory:
        root = Path(directory)
        make_areas(root, given.runs, given.tests)
        for form in ((), ("--lines", "--fields", "runs:runname,state"), ("--csv",), ("--json",)):
            rounds = [listed(root, form) for _ in range(given.rounds)]
            first, whole = (median(one[part] for one in rounds) for part in (0, 1))
            lines = rounds[0][2]
            name = " ".join(["run ls", *form])
            print(f"{name:44} first line {first:.2f} s, all {lines} lines {whole:.2f} s")


def make_areas(root: Path, runs: int, tests: int) -> None:
    """A quarter of the runs each in the live database, the completed one and two satellites."""
    live = make_area(root, "main")
    places = [live / "megatest.db", live / "completed-runs.db"]
    schema.create_database(places[1], [(name, "TEXT") for name in FIELDS])
    places += [make_area(root, name) / "megatest.db" for name in ("sat1", "sat2")]
    for number, place in enumerate(places[::-1]):
        some = range(runs * number // 4, runs * (number + 1) // 4)
        fill(place, some, tests, moved=place.parent != live or place.name != "megatest.db")
        if place.parent != live:
            fill(places[0], some, 0, state="MOVED")
    names = ("main", "sat1", "sat2")
    lines = [f'[areas.{name}]\npath = "{root / name}"\n' for name in names]
    (root / "mtsite.toml").write_text("\n".join(lines))


def make_area(root: Path, name: str) -> Path:
    """An area with an empty database."""
    area = root / name
    area.mkdir()
    columns = "\n".join(f"{field} TEXT" for field in FIELDS)
    (area / "megatest.config").write_text(f"[fields]\n{columns}\n\n[setup]\nlinktree {area}/lt\n")
    schema.create_database(area / "megatest.db", [(field, "TEXT") for field in FIELDS])
    return area


def fill(
    database: Path, numbers: Sequence[int], tests: int, *, state: str = "new", moved: bool = False
) -> None:
    """Rows of these runs with so many tests each, and the notes of runs that were moved here."""
    connection = sqlite3.connect(database)
    connection.executemany(
        "INSERT INTO runs (id, sysname, fsname, runname, state, status, owner, event_time, comment,"
        " last_update) VALUES (?, 'ubuntu', ?, ?, ?, 'n/a', 'ann', ?, '', ?)",
        (
            (n + 1, ("nfs", "zfs")[n % 2], f"ww{n:05d}", state, BASE + n * 3600, BASE + n * 3600)
            for n in numbers
        ),
    )
    connection.executemany(
        "INSERT INTO tests (run_id, testname, state, status, event_time, last_update)"
        " VALUES (?, ?, 'COMPLETED', 'PASS', ?, ?)",
        ((n + 1, f"t{t}", BASE + n * 3600, BASE) for n in numbers for t in range(tests)),
    )
    if moved:
        notes.create(connection)
        for n in numbers:
            target = ("ubuntu", ("nfs", "zfs")[n % 2])
            notes.add(
                connection,
                notes.Note(
                    n + 1,
                    "main",
                    target,
                    f"ww{n:05d}",
                    n + 1,
                    event_time=BASE + n * 3600,
                    state=notes.SETTLED,
                    started=BASE,
                ),
            )
    connection.commit()
    connection.close()


def listed(root: Path, form: Sequence[str]) -> tuple[float, float, int]:
    """Seconds to the first line and to the end, and how many lines."""
    # As installed: modules are compiled once, not at every start.
    environ = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    started = time.monotonic()
    words = [sys.executable, "-m", "mtsite", "run", "ls", *form]
    with subprocess.Popen(words, cwd=root, env=environ, stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        child.stdout.readline()
        first = time.monotonic() - started
        lines = 1 + sum(1 for _ in child.stdout)
    return first, time.monotonic() - started, lines


if __name__ == "__main__":
    main()
