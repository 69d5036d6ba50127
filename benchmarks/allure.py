"""The same tests as Allure results and as a Megatest area: time and memory of each generator.

    npm install --prefix DIR allure allure-commandline
    python benchmarks/allure.py --npm DIR [--runs 100] [--tests 200] [--rounds 1]

Each test has its log, two steps with times, host, comment and state. Allure 3 (`allure`) and
Allure 2 (`allure-commandline`, on Java) read one result file and one attached log per test and
write a report that a browser draws from JSON files; Allure knows no runs, so that each run is a
suite of one report. mtsite reads the database and the run directories and writes an HTML page for
each test and each log, run pages, histories, and JSON for programs. The three run in turn.
"""

import argparse
import hashlib
import json
import os
import shutil
import sqlite3
import statistics
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from big_area import make_big_area
from measured import Measured, measured

STATUS = {"PASS": "passed", "FAIL": "failed"}
ROWS = """SELECT t.id, t.testname, t.host, t.status, t.comment, t.rundir, t.event_time,
 t.run_duration, r.sysname || '/' || r.fsname, r.runname
 FROM tests t JOIN runs r ON r.id = t.run_id ORDER BY t.id"""


def main() -> None:
    """Make the tests once, then run every generator on them, in turn."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--npm", type=Path, required=True, help="where npm installed both Allures")
    parser.add_argument("--runs", type=int, default=100)
    parser.add_argument("--tests", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=1)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="mtsite-bench-") as directory:
        root = Path(directory)
        area = make_big_area(root, given.runs, given.tests)
        count = write_results(area, root / "results")
        print(f"{count} tests")
        commands = generators(root, area, given.npm.resolve() / "node_modules")
        seen: dict[str, list[Measured]] = {name: [] for name in commands}
        for _ in range(given.rounds):
            for name, (command, output) in commands.items():
                _clear(root, output)
                seen[name].append(measured(command, root, os.environ))
        table(root, seen, {name: output for name, (_, output) in commands.items()})


def generators(root: Path, area: Path, npm: Path) -> dict[str, tuple[list[str], Path]]:
    """Name → (command, what it writes)."""
    results = str(root / "results")
    (root / "mtsite.toml").write_text(f'[site]\ntitle = "bench"\n[areas.big]\npath = "{area}"\n')
    allure_2 = str(npm / "allure-commandline/dist/bin/allure")
    allure_3 = ["node", str(npm / "allure/cli.js")]
    return {
        "mtsite build": ([sys.executable, "-m", "mtsite", "-q", "build"], root / "site"),
        "Allure 3": ([*allure_3, "generate", results, "-o", str(root / "a3")], root / "a3"),
        "Allure 2": ([allure_2, "generate", results, "-o", str(root / "a2")], root / "a2"),
    }


def _clear(root: Path, output: Path) -> None:
    # Not deleted before the end: ext4 looks at each freed inode before it takes another.
    beside = Path(tempfile.mkdtemp(prefix="away-", dir=root))
    for path in (output, root / ".mtsite"):
        if path.exists():
            path.rename(beside / path.name)
    os.sync()


def write_results(area: Path, results: Path) -> int:
    """An Allure result and an attached log for every test of the area; how many."""
    results.mkdir()
    database = sqlite3.connect(area / "megatest.db")
    count = 0
    for row in database.execute(ROWS):
        uuid = f"{hashlib.sha256(str(row[0]).encode()).hexdigest()[:32]}"
        shutil.copy(Path(row[5], "final.log"), results / f"{uuid}-attachment.txt")
        result = allure_result(uuid, row, list(steps(database, row[0])))
        (results / f"{uuid}-result.json").write_text(json.dumps(result))
        count += 1
    database.close()
    return count


def allure_result(uuid: str, row: tuple, steps: list[dict]) -> dict:  # type: ignore[type-arg] # as JSON has it
    """A test as Allure's result file (format 2, which both versions read)."""
    _, name, host, status, comment, _, started, took, target, runname = row
    full = f"{target}/{runname}/{name}"
    return {
        "uuid": uuid,
        "historyId": hashlib.md5(full.encode()).hexdigest(),
        "name": name,
        "fullName": full,
        "status": STATUS[status],
        "statusDetails": {"message": comment} if comment else {},
        "stage": "finished",
        "start": started * 1000,
        "stop": (started + took) * 1000,
        "labels": [
            {"name": "parentSuite", "value": target},
            {"name": "suite", "value": runname},
            {"name": "host", "value": host},
        ],
        "steps": steps,
        "attachments": [
            {"name": "final.log", "source": f"{uuid}-attachment.txt", "type": "text/plain"}
        ],
    }


def steps(database: sqlite3.Connection, test_id: int) -> Iterator[dict]:  # type: ignore[type-arg] # as JSON has it
    """The ended steps of a test."""
    rows = database.execute(
        "SELECT stepname, status, event_time FROM test_steps WHERE test_id = ? AND state = 'end'",
        (test_id,),
    )
    for name, status, at in rows:
        state = "passed" if status == "0" else "failed"
        yield {"name": name, "status": state, "stage": "finished", "start": at, "stop": at}


def table(root: Path, seen: dict[str, list[Measured]], outputs: dict[str, Path]) -> None:
    """Print the medians, what was written, and the ratios."""
    ours = _median(seen["mtsite build"])
    for name, rounds in seen.items():
        median = _median(rounds)
        files = [path for path in outputs[name].rglob("*") if path.is_file()]
        written = sum(path.stat().st_size for path in files) / 1e6
        print(
            f"{name:<14}{median.seconds:8.1f} s, {median.processor:.1f} s of processor"
            f" {median.megabytes:8.0f} MB   writes {len(files)} files, {written:.0f} MB  "
            f" ours/theirs: time {ours.seconds / median.seconds:.2f}, processor"
            f" {ours.processor / median.processor:.2f}, memory"
            f" {ours.megabytes / median.megabytes:.2f}"
        )


def _median(rounds: list[Measured]) -> Measured:
    return Measured(*map(statistics.median, zip(*rounds, strict=True)))


if __name__ == "__main__":
    main()
