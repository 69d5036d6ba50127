"""How long the tree is checked: whole, after one new run, unchanged; and a night without news.

    python benchmarks/check.py [--runs 250] [--tests 200] [--workers 2]

250 runs of 200 tests are some 50,000 pages. Prints one table; docs/performance.md quotes it.
"""

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from big_area import add_runs, make_big_area


def main() -> None:
    """Build the area's site in a temporary directory, then take the times."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=250)
    parser.add_argument("--tests", type=int, default=200)
    parser.add_argument("--workers", type=int, default=2)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="mtsite-bench-") as directory:
        root = Path(directory)
        area = make_big_area(root / "area", given.runs, given.tests)
        home = root / "home"
        home.mkdir()
        (home / "mtsite.toml").write_text(
            f'[site]\ntitle = "bench"\n[areas.big]\npath = "{area}"\nreduce = false\n'
            f"[build]\nworkers = {given.workers}\n"
            f'[publish]\ndestination = "{root / "www"}"\n'
        )
        mtsite(home, "nightly", "--skip", "check")
        pages = sum(
            name.endswith(".html") for _, _, names in os.walk(home / "site") for name in names
        )
        print(f"{pages} pages, {given.workers} workers")
        for what, words in (
            ("check, whole tree", ["check"]),
            ("check --changed, nothing new", ["check", "--changed"]),
            ("nightly, nothing new", ["nightly"]),
            ("status", ["status"]),
        ):
            print(f"{what:32} {min(mtsite(home, *words) for _ in range(2)):7.2f} s")
        add_runs(area, range(given.runs, given.runs + 1), given.tests)
        print(f"{'build, one new run':32} {mtsite(home, 'build'):7.2f} s")
        print(f"{'check --changed, one new run':32} {mtsite(home, 'check', '--changed'):7.2f} s")
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1000
    print(f"{'peak memory of one process':32} {peak:7.0f} MB")


def mtsite(home: Path, *words: str) -> float:
    """Seconds of one call, as a process of its own."""
    begun = time.perf_counter()
    subprocess.run(
        [sys.executable, "-m", "mtsite", "--config", str(home / "mtsite.toml"), "-q", *words],
        check=True,
        cwd=Path(__file__).parent.parent,
        stdout=subprocess.DEVNULL,
    )
    return time.perf_counter() - begun


if __name__ == "__main__":
    main()
