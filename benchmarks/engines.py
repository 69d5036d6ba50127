"""What one worker does, and what a second one adds: full builds by each engine, in turn.

    python benchmarks/engines.py [--runs 100] [--tests 200] [--rounds 3] [--dask]

Prints seconds, unit costs per test and the ratio of one worker to two; docs/scaling.md quotes it.
`--dask` starts a scheduler and two workers on loopback as well.
"""

import argparse
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from big_area import make_big_area

ROOT = Path(__file__).resolve().parents[1]


def main() -> None:
    """Build one area by every engine, the engines in turn, so that a slow minute hits all."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=100)
    parser.add_argument("--tests", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--dask", action="store_true", help="a cluster of two workers as well")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="mtsite-bench-") as directory:
        root = Path(directory)
        area = make_big_area(root / "area", given.runs, given.tests)
        cases = {"one worker": "workers = 1", "two workers": "workers = 2"}
        with cluster(root, started=given.dask) as scheduler:
            if scheduler:
                cases["dask, two workers"] = f'engine = "dask"\ndask_scheduler = "{scheduler}"'
            seen: dict[str, list[tuple[float, float]]] = {name: [] for name in cases}
            for _ in range(given.rounds):
                for name, settings in cases.items():
                    seen[name].append(build(root, area, settings))
        tell(root, seen, given.runs * given.tests)


def build(root: Path, area: Path, settings: str) -> tuple[float, float]:
    """Seconds of a full build, a process of its own, and of the processor meanwhile."""
    for name in ("site", ".mtsite"):
        shutil.rmtree(root / name, ignore_errors=True)
    text = f'[site]\ntitle = "bench"\n[areas.big]\npath = "{area}"\n[build]\n{settings}\n'
    (root / "mtsite.toml").write_text(text)
    os.sync()
    started, before = time.monotonic(), processor()
    command = [sys.executable, "-m", "mtsite", "-q", "build"]
    subprocess.run(command, cwd=root, env=environ(), check=True)
    return time.monotonic() - started, processor() - before


def processor() -> float:
    """Seconds of processor of all processes that were waited for; a cluster's workers are not."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def tell(root: Path, seen: dict[str, list[tuple[float, float]]], tests: int) -> None:
    """One line per engine, then what the tree of one test takes."""
    first = statistics.median(seconds for seconds, _ in seen["one worker"])
    for name, rounds in seen.items():
        taken = statistics.median(seconds for seconds, _ in rounds)
        used = statistics.median(used for _, used in rounds)
        rate = f"{tests / taken:.0f} test pages/s, processor {1000 * used / tests:.2f} ms a test"
        print(f"{name:20} {taken:8.2f} s   {rate}   {first / taken:.2f}x")
    files = [path for path in (root / "site").rglob("*") if path.is_file()]
    size = sum(path.stat().st_size for path in files)
    blocks = sum(path.stat().st_blocks * 512 for path in files)
    manifest = (root / ".mtsite" / "manifest.db").stat().st_size
    print(
        f"a test takes {len(files) / tests:.2f} files, {size / tests / 1000:.1f} kB"
        f" ({blocks / tests / 1000:.1f} kB of disk), {manifest / tests:.0f} bytes of manifest.db"
    )


@contextmanager
def cluster(root: Path, *, started: bool) -> Iterator[str]:
    """The file of a scheduler with two workers; '' where none is wanted."""
    file = root / "scheduler.json"
    running = []
    try:
        if started:
            running.append(dask("dask_scheduler", "--scheduler-file", file, "--port", "0"))
            while not file.exists():
                time.sleep(0.1)
            running += [
                dask("dask_worker", "--scheduler-file", file, "--nthreads", "1", "--no-nanny")
                for _ in range(2)
            ]
        yield str(file) if started else ""
    finally:
        for one in running:
            one.kill()
            one.wait()


def dask(program: str, *words: object) -> "subprocess.Popen[bytes]":
    command = [sys.executable, "-m", f"distributed.cli.{program}", *map(str, words)]
    quiet = subprocess.DEVNULL
    command += ["--host", "127.0.0.1", "--no-dashboard"]
    return subprocess.Popen(command, env=environ(), stdout=quiet, stderr=quiet)


def environ() -> dict[str, str]:
    """As installed: modules are compiled once, not at every start."""
    kept = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    return {
        **kept,
        "PYTHONPATH": os.pathsep.join([str(ROOT), *filter(None, [kept.get("PYTHONPATH")])]),
    }


if __name__ == "__main__":
    main()
