"""A night in which 100,000 tests fail: with one text, and each with a text of its own.

    python -m benchmarks.clusters [--failures 100000] [--directory DIR]

Each kind is an area of its own with one run, built by `mtsite build` with two workers. Looked at
are the time, the memory of all processes together, every file of `_clusters/` and `_search/`, what
each says that it left out, and the page of the run. Ends with 1 where a shard is over 1 MB.
"""

import argparse
import re
import sqlite3
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from benchmarks.measured import measured

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT)]
BASE = 1_700_000_000
MEGABYTE = 1_000_000
FIELDS = [("os", "TEXT"), ("fs", "TEXT")]
CUT = re.compile(r"<p class=\"(?:cut|sub|lead)\"[^>]*>(.*?)</p>", re.S)


def comments(kind: str, number: int) -> Iterator[str]:
    """The failing line of each test. Words without digits: numbers make no difference."""
    for i in range(number):
        word = "".join(chr(97 + i // 26**place % 26) for place in range(5))
        yield "ERROR: link lost" if kind == "same" else f"ERROR {word}: {word * 24}"


def make_area(root: Path, kind: str, number: int) -> Path:
    """An area with one run, all of which failed without a log."""
    from mtsite.megatest import schema

    area = root / "chips"
    (root / "links").mkdir(parents=True)
    area.mkdir()
    (area / "megatest.config").write_text(
        f"[fields]\nos TEXT\nfs TEXT\n\n[setup]\nlinktree {root / 'links'}\n"
    )
    schema.create_database(area / "megatest.db", FIELDS)
    connection = sqlite3.connect(area / "megatest.db")
    connection.execute("PRAGMA synchronous = 0")
    run_id = connection.execute(
        "INSERT INTO runs (os, fs, runname, state, status, owner, event_time, last_update)"
        " VALUES ('u', 'nfs', 'ww1', 'new', 'n/a', 'ann', ?, ?)",
        (BASE, BASE),
    ).lastrowid
    connection.executemany(
        "INSERT INTO tests (run_id, testname, host, rundir, shortdir, state, status, final_logf,"
        " run_duration, comment, event_time, last_update)"
        " VALUES (?, ?, ?, '', '', 'COMPLETED', 'FAIL', '', 9, ?, ?, ?)",
        (
            (run_id, f"case{i:06d}", f"host{i % 40:02d}", comment, BASE + i % 9999, BASE + 20_000)
            for i, comment in enumerate(comments(kind, number))
        ),
    )
    connection.commit()
    connection.close()
    return area


def build(root: Path, area: Path) -> None:
    """One whole build, and another: the newest run is read again until a later one moves."""
    command = [sys.executable, "-m", "mtsite", "build", str(area), "-o", str(root / "site")]
    for what in ("full build", "again, while it is the newest run"):
        took = measured(command, root, {"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin"})
        print(
            f"  {what}: {took.seconds:.1f} s, {took.processor:.1f} s of processor,"
            f" {took.megabytes:.0f} MB in all processes",
            flush=True,
        )


def look(site: Path) -> bool:
    """Tell what came of it; whether every shard is small."""
    small = True
    for below in ("_clusters", "_search"):
        sizes = [path.stat().st_size for path in (site / below).rglob("*") if path.is_file()]
        small = small and max(sizes) <= MEGABYTE
        print(f"  {below}: {len(sizes)} files, {sum(sizes):,} bytes, the largest {max(sizes):,}")
    run = next(site.glob("chips/u/nfs/*/index.html"))
    print(f"  the page of the run: {run.stat().st_size:,} bytes")
    for name, path in (("_clusters/index.html", site / "_clusters/index.html"), ("it", run)):
        told = (re.sub(r"<[^>]*>|\s+", " ", one) for one in CUT.findall(path.read_text("utf-8")))
        said = (" ".join(one.split()) for one in told if " last in " not in one)
        print(f"  said on {name}: {' | '.join(filter(None, said))}")
    for shard in (site / "_search").glob("*-1.js"):
        row = re.search(r'\],(\d+),(\d+)\]\],\\"lines', shard.read_text(encoding="ascii"))
        left = f"{int(row[1]):,} tests, {int(row[2]):,} kinds of lines" if row else "nothing"
        print(f"  left out of the search: {left}")
    return small


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--failures", type=int, default=100_000)
    parser.add_argument("--directory", type=Path)
    given = parser.parse_args()
    small = True
    with tempfile.TemporaryDirectory(prefix="mtsite-bench-", dir=given.directory) as scratch:
        for kind in ("same", "different"):
            root = Path(scratch, kind).absolute()
            print(f"{given.failures:,} failures, {kind} text", flush=True)
            build(root, make_area(root, kind, given.failures))
            small = look(root / "site") and small
    return 0 if small else 1


if __name__ == "__main__":
    sys.exit(main())
