"""How fast an area is anonymised, and how long the gate takes for three datasets.

    python benchmarks/sharing.py [--runs 100] [--tests 200] [--megabytes 256]

Rows: an area of runs × tests without its logs, copied and searched. Logs: one log of real ones (as
benchmarks/logs.py makes it) in an area of its own. Gate: three datasets of runs × tests
each, databases alone unless --logs is given.
Times are the processor's of one core but for the gate, which a person waits for.
"""

import argparse
import shutil
import sys
import tempfile
import time
from pathlib import Path

from big_area import make_big_area

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from benchmarks.logs import make_log  # noqa: E402 # the package lies beside this file
from mtsite.anonymize.copy import Wishes, anonymize_area  # noqa: E402
from mtsite.engines.engine import open_engine  # noqa: E402
from mtsite.gate import rehearse  # noqa: E402
from mtsite.gatecopy import find_datasets  # noqa: E402

KEY = b"0123456789abcdef"


def quiet(what: str, done: int, total: int) -> None:
    """A report that nobody reads."""


def main() -> None:
    """Print one line per figure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=100)
    parser.add_argument("--tests", type=int, default=200)
    parser.add_argument("--megabytes", type=int, default=256)
    parser.add_argument("--no-gate", action="store_true")
    parser.add_argument("--logs", action="store_true", help="datasets with their logs, too")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="mtsite-bench-") as directory:
        root = Path(directory)
        area = make_big_area(root / "first", given.runs, given.tests)
        rows(area, root)
        logs(area, root, given.megabytes)
        if not given.no_gate:
            gate(area.parent, root, logs=given.logs)


def rows(area: Path, root: Path) -> None:
    """The area's databases alone, until nothing is found in the copy."""
    bare = root / "bare"
    bare.mkdir()
    for name in ("megatest.config", "megatest.db"):
        shutil.copy2(area / name, bare / name)
    config = (bare / "megatest.config").read_text()
    (bare / "megatest.config").write_text(config.replace(str(area.parent / "links"), "lt"))
    started = time.process_time()
    done = anonymize_area(bare, root / "rows", KEY, Wishes(), quiet)
    spent = time.process_time() - started
    total = sum(done.rows.values())
    print(f"rows: {total:,} in {spent:.2f} s, {total / spent:,.0f} a second", flush=True)


def logs(area: Path, root: Path, megabytes: int) -> None:
    """One log of real ones beside a small database."""
    one = root / "one"
    (one / "lt").mkdir(parents=True)
    (one / "megatest.config").write_text("[fields]\nsysname TEXT\nfsname TEXT\n")
    shutil.copy2(make_big_area(root / "small", 1, 20) / "megatest.db", one)
    log = one / "lt" / "a.log"
    make_log(log, megabytes << 20)
    started = time.process_time()
    anonymize_area(one, root / "logs", KEY, Wishes(), quiet)
    spent = time.process_time() - started
    size = log.stat().st_size
    print(f"logs: {size:,} bytes in {spent:.2f} s, {size / spent / 1e6:.0f} MB/s", flush=True)


def gate(dataset: Path, root: Path, *, logs: bool) -> None:
    """The same dataset three times, one after the other."""
    sets = root / "sets"
    for number in range(3):
        place = sets / f"set{number}"
        if not logs:
            place.mkdir(parents=True)
            shutil.copytree(dataset / "big", place / "big")
            (place / "dataset.toml").write_text('area = "big"\n')
            continue
        shutil.copytree(dataset, place, symlinks=True)
        (place / "dataset.toml").write_text('area = "big"\nlinktree = "links"\n')
        for link in [path for path in (place / "links").rglob("*") if path.is_symlink()]:
            leads = Path(str(link.readlink()).replace(str(dataset), str(place)))
            link.unlink()
            link.symlink_to(leads)
    started = time.monotonic()
    engine = open_engine("processes", 2)
    for found in find_datasets(sets):
        verdict = rehearse(found, engine, quiet)
        steps = ", ".join(f"{one.name} {one.seconds:.1f} s" for one in verdict.steps)
        print(f"gate: {verdict.name} {verdict.result}: {verdict.rows:,} rows, {steps}", flush=True)
    engine.close()
    print(f"gate: {time.monotonic() - started:.1f} s for three", flush=True)


if __name__ == "__main__":
    main()
