"""Eight years of nightlies: three generations in three areas, built newest first, stop by stop.

    python benchmarks/eight_years.py [--runs 3000] [--tests 300] [--limit 600] [--root DIR]

Makes the areas (G2, then G3, then G4: a third of the years each), builds with [build] time_limit
until nothing is left, and says for each build how long it took, how many runs it made and how much
memory its largest process took. After the first stop, and at the end, a sample of pages is read:
no link may lead nowhere. Goal: every stop publishable, memory under 400 MB.
"""

import argparse
import json
import os
import random
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from threading import Event, Thread
from urllib.parse import unquote

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests"))

from crawl import PageReader  # noqa: E402 # the tests' own modules, found by the line above
from generations import write_databases  # noqa: E402

from mtsite.megatest import schema  # noqa: E402

FIELDS = (("sysname", "TEXT"), ("fsname", "TEXT"))
TARGETS = (("ubuntu", "nfs"), ("ubuntu", "zfs"), ("suse", "nfs"), ("suse", "zfs"))
FIRST_NIGHT = 1_356_998_400
YEARS = (("years1", "G2"), ("years2", "G3"), ("years3", "G4"))
DAY = 86_400
SAMPLE = 2_000
GOAL_MB = 400


@dataclass
class Size:
    """How much is made: runs in all, tests in each, and the share of tests that left files."""

    runs: int
    tests: int
    share: float


def main() -> None:
    """Make, build until done, report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=3000)
    parser.add_argument("--tests", type=int, default=300)
    parser.add_argument("--share", type=float, default=0.1, help="of tests with a run directory")
    parser.add_argument("--limit", type=int, default=600, help="[build] time_limit in seconds")
    parser.add_argument("--root", type=Path, help="where to make it all; kept there")
    given = parser.parse_args()
    root = (given.root or Path(tempfile.mkdtemp(prefix="mtsite-bench-"))).absolute()
    root.mkdir(parents=True, exist_ok=True)
    try:
        started = time.monotonic()
        make_years(root, Size(given.runs, given.tests, given.share))
        print(f"made {given.runs} runs of {given.tests} tests: {time.monotonic() - started:.0f} s")
        home = write_home(root, given.limit)
        peak = build_all(home)
        print(f"largest process {peak:.0f} MB, goal {GOAL_MB} MB")
    finally:
        if given.root is None:
            shutil.rmtree(root, ignore_errors=True)


def make_years(root: Path, size: Size) -> None:
    """The three areas, unless they are there."""
    for number, (name, generation) in enumerate(YEARS):
        if not (root / name).exists():
            nights = range(size.runs * number // 3, size.runs * (number + 1) // 3)
            make_area(root, name, generation, nights, size)


def make_area(root: Path, name: str, generation: str, nights: range, size: Size) -> None:
    """One area: rows in a model database first, then as its generation lays them out."""
    area, links = root / name, root / f"{name}_links"
    area.mkdir()
    links.mkdir()
    columns = "\n".join(f"{field} {kind}" for field, kind in FIELDS)
    config = f"[fields]\n{columns}\n\n[setup]\nlinktree {links}\n"
    (area / "megatest.config").write_text(config)
    model = area / "megatest.db" if generation == "G4" else root / f"{name}.model.db"
    schema.create_database(model, FIELDS)
    connection = sqlite3.connect(model)
    connection.execute("PRAGMA synchronous = 0")
    for place, night in enumerate(nights):
        add_night(connection, links, (place + 1, night), size)
        if place % 50 == 0:
            connection.commit()
    connection.commit()
    connection.close()
    if generation != "G4":
        write_databases(generation, model, area, links)
        model.unlink()


def add_night(
    connection: sqlite3.Connection, links: Path, numbers: tuple[int, int], size: Size
) -> None:
    """One run with its tests, steps and data; a share of the tests has files."""
    run_id, night = numbers
    target = TARGETS[night % len(TARGETS)]
    runname, started = f"n{night:05d}", FIRST_NIGHT + night * DAY
    rnd = random.Random(night)
    connection.execute(
        "INSERT INTO runs (id, sysname, fsname, runname, state, status, owner, event_time,"
        " last_update) VALUES (?, ?, ?, ?, 'new', 'n/a', 'ann', ?, ?)",
        (run_id, *target, runname, started, started),
    )
    tests, steps, data = [], [], []
    for number in range(size.tests):
        test_id = run_id * 30_000 + number + 1
        name = f"block{number // 20:02d}_case{number % 20:02d}"
        failed = rnd.random() < (0.5 if number % 41 == night // 100 % 41 else 0.02)
        rundir = links / target[0] / target[1] / runname / name
        if rnd.random() < size.share or failed:
            rundir.mkdir(parents=True)
            (rundir / "final.log").write_text(log_of(name, night, failed=failed))
        took = 5 + rnd.randrange(900)
        tests.append((test_id, run_id, name, f"host{number % 40:02d}", str(rundir), str(rundir)))
        tests[-1] += ("FAIL" if failed else "PASS", took, started + number, started + number + took)
        for offset, (state, status) in enumerate((("start", "-"), ("end", "1" if failed else "0"))):
            steps.append((test_id, state, status, started + number + offset * took, started))
        data.append((test_id, rnd.random() * 100, started))
    connection.executemany(
        "INSERT INTO tests (id, run_id, testname, host, rundir, shortdir, status, run_duration,"
        " event_time, last_update, state, final_logf, uname)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'COMPLETED', 'final.log', 'Linux x86_64')",
        tests,
    )
    connection.executemany(
        "INSERT INTO test_steps (test_id, stepname, state, status, event_time, last_update)"
        " VALUES (?, 'simulate', ?, ?, ?, ?)",
        steps,
    )
    connection.executemany(
        "INSERT INTO test_data (test_id, category, variable, value, expected, tol, units, status,"
        " last_update) VALUES (?, 'timing', 'slack', ?, 50.0, 60.0, 'ps', 'pass', ?)",
        data,
    )


def log_of(name: str, night: int, *, failed: bool) -> str:
    """A short log, another one every night."""
    lines = [f"step {n} of {name}: {night * 7919 + n:08x} cycles done" for n in range(12)]
    return "\n".join([*lines, f"{name}.c:7: error: expected 0 got {night}"] if failed else lines)


def write_home(root: Path, limit: int) -> Path:
    """The site's directory, with its settings and without a tree."""
    home = root / "home"
    shutil.rmtree(home, ignore_errors=True)
    home.mkdir()
    areas = [f'[areas.{name}]\npath = "{root / name}"\n' for name, _ in YEARS]
    text = "\n".join([f'[build]\ntime_limit = "{limit}s"\n', *areas])
    (home / "mtsite.toml").write_text(text)
    return home


def build_all(home: Path) -> float:
    """Build until nothing is left; the peak memory in MB of the largest process of all builds."""
    peak, left, number = 0.0, -1, 0
    while left:
        number += 1
        started = time.monotonic()
        done, memory = build(home)
        seconds = time.monotonic() - started
        left = int(done["left"])
        peak = max(peak, memory)
        print(
            f"build {number}: {seconds:.0f} s, {done['read']} runs read, {done['written']} files,"
            f" {left} left, largest process {memory:.0f} MB",
            flush=True,
        )
        if number == 1 or not left:
            checked = check_links(home / "site")
            print(f"  {checked} links of {SAMPLE} pages lead somewhere", flush=True)
    return peak


def build(home: Path) -> tuple[dict[str, int], float]:
    """What one build did, and the peak memory of its largest process in MB."""
    words = [sys.executable, "-m", "mtsite", "-q", "--json", "build"]
    environ = {**os.environ, "PYTHONPATH": str(ROOT)}
    over, peaks = Event(), [0.0]
    with subprocess.Popen(words, cwd=home, env=environ, stdout=subprocess.PIPE) as child:
        watcher = Thread(target=watch, args=(child.pid, over, peaks))
        watcher.start()
        assert child.stdout is not None
        told = child.stdout.read()
        over.set()
        watcher.join()
    if child.wait() != 0:
        raise SystemExit(f"the build failed: {told.decode()}")
    return json.loads(told), peaks[0]


def watch(pid: int, over: Event, peaks: list[float]) -> None:
    """Look at the peak of a process and of its children until told to stop."""
    while not over.wait(0.3):
        for one in (pid, *children_of(pid)):
            peaks[0] = max(peaks[0], peak_of(one))


def children_of(pid: int) -> list[int]:
    """The processes that a process started."""
    try:
        tasks = Path(f"/proc/{pid}/task").iterdir()
        return [int(one) for task in tasks for one in (task / "children").read_text().split()]
    except OSError:
        return []


def peak_of(pid: int) -> float:
    """The most memory that a process has had, in MB."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0.0
    found = [int(line.split()[1]) for line in lines if line.startswith("VmHWM:")]
    return found[0] / 1024 if found else 0.0


def check_links(tree: Path) -> int:
    """How many links a sample of pages has; stops where one leads nowhere."""
    every = [
        Path(directory, name)
        for directory, _, names in os.walk(tree)
        for name in names
        if name.endswith(".html")
    ]
    links = 0
    for page in random.Random(1).sample(sorted(every), min(SAMPLE, len(every))):
        reader = PageReader()
        reader.feed(page.read_text(encoding="utf-8"))
        for link in reader.links:
            path = unquote(link.partition("#")[0])
            if path and "://" not in path and not path.startswith(("data:", "mailto:")):
                links += 1
                if not (page.parent / path).exists():
                    raise SystemExit(f"{page}: a link leads nowhere: {link}")
    return links


if __name__ == "__main__":
    main()
