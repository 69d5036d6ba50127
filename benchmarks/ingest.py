"""`ingest junit` against a bare pass of expat over the same bytes.

    python benchmarks/ingest.py [--items 20000] [--files 1000] [--large]

`pytest-like` is one file as pytest writes it by default: one item in fifty fails with a traceback
of forty lines, no captured output. `with output` has captured output for one item in five, so that
each of these becomes a directory with logs. The bare pass has handlers that count and do nothing
else; `read` is our reader without area and rows. `--large` adds a file of 600 MB with one output
of 500 MB, and its peak of memory.
"""

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
import xml.parsers.expat
from collections.abc import Callable, Iterator
from pathlib import Path

from mtsite.config import AreaConfig
from mtsite.ingest.junit import IngestSummary, JunitOrder, ingest_junit
from mtsite.ingest.place import Target
from mtsite.junit.read import read_file

TRACE = "".join(
    f"    def test_step_{line}(client, database):\n&gt;       assert client.get({line}) == 200\n"
    for line in range(20)
)
OUTPUT = "".join(f"INFO     request {line} took {line % 7} ms\n" for line in range(12))


def pytest_like(items: int, *, output: bool = False) -> Iterator[str]:
    yield '<?xml version="1.0" encoding="utf-8"?><testsuites name="pytest tests">'
    yield f'<testsuite name="pytest" errors="0" failures="{items // 50}" tests="{items}"'
    yield ' time="12.5" timestamp="2026-07-01T02:00:00.000000+00:00" hostname="runner-4">'
    for n in range(items):
        yield f'<testcase classname="tests.api.test_m{n // 50}" name="test_case[{n}-x]"'
        yield f' time="0.{n % 997:03}"'
        inside = ""
        if n % 50 == 0:
            inside = f'<failure message="assert {n} == 200">{TRACE}</failure>'
        if output and n % 5 == 0:
            inside += f"<system-out>{OUTPUT}</system-out>"
        yield f">{inside}</testcase>" if inside else " />"
    yield "</testsuite></testsuites>"


def surefire_like(number: int) -> Iterator[str]:
    name = f"org.example.module{number % 40}.Class{number}Test"
    yield f'<?xml version="1.0" encoding="UTF-8"?>\n<testsuite name="{name}" tests="20" time="1.5">'
    yield "<properties>"
    for n in range(40):
        yield f'<property name="java.property.{n}" value="some value {n}"/>'
    yield "</properties>"
    for n in range(20):
        yield f'<testcase name="method{n}" classname="{name}" time="0.{n:03}"/>\n'
    yield "</testsuite>"


def bare(path: Path) -> None:
    parser = xml.parsers.expat.ParserCreate()
    parser.buffer_text = True
    counts = [0, 0, 0]

    def start(_tag: str, _told: dict[str, str]) -> None:
        counts[0] += 1

    def end(_tag: str) -> None:
        counts[1] += 1

    def text(_piece: str) -> None:
        counts[2] += 1

    parser.StartElementHandler, parser.EndElementHandler = start, end
    parser.CharacterDataHandler = text
    with path.open("rb") as file:
        parser.ParseFile(file)


def took(work: Callable[[], object]) -> float:
    started = time.process_time()
    work()
    return time.process_time() - started


def ingest(paths: list[Path], area: Path) -> IngestSummary:
    order = JunitOrder(
        paths, AreaConfig("area", area), Target(("linux",)), "r1", "me", 1_790_000_000
    )
    return ingest_junit(order, {}, lambda *_: None)


def write(path: Path, pieces: Iterator[str]) -> Path:
    with path.open("w", encoding="utf-8") as file:
        file.writelines(pieces)
    return path


class Nobody:
    def item(self, item: object) -> None:
        pass

    def group(self, group: object) -> None:
        pass

    def run(self, properties: object) -> None:
        pass


def read(path: Path) -> None:
    with path.open("rb") as file:
        read_file(file, path.name, path.parent, Nobody())


def one_file(root: Path, items: int, *, output: bool) -> None:
    path = write(root / f"pytest{output}.xml", pytest_like(items, output=output))
    size = path.stat().st_size / 1e6
    plain = min(took(lambda: bare(path)) for _ in range(3))
    reader = min(took(lambda: read(path)) for _ in range(3))
    ours = min(took(lambda n=n: ingest([path], root / f"area{output}{n}")) for n in range(3))
    name = "with output" if output else "pytest-like"
    print(f"{name}: {items} items, {size:.1f} MB: {items / ours:,.0f} items/s")
    print(f"  {ours:.2f} s of processor, bare expat {plain:.3f} s: {ours / plain:.1f} times")
    print(f"  read alone {reader:.3f} s: {reader / plain:.1f} times")


def many_files(root: Path, files: int) -> None:
    (root / "many").mkdir()
    for n in range(files):
        write(root / "many" / f"TEST-{n:04}.xml", surefire_like(n))
    started = time.perf_counter()
    done = ingest([root / "many"], root / "area_many")
    print(f"{files} files, {done.totals.items} items: {time.perf_counter() - started:.1f} s")


def large(root: Path) -> None:
    path = root / "large.xml"
    line = "2026-07-01 02:00:00 INFO  a line of a very long output, as some servers write it\n"
    with path.open("w", encoding="utf-8") as file:
        file.write('<testsuite name="s"><testcase name="huge" classname="s"><system-out><![CDATA[')
        block = line * 1000
        for _ in range(500_000_000 // len(block)):
            file.write(block)
        file.write("]]></system-out></testcase>")
        n = 0
        while file.tell() < 600_000_000:
            file.writelines(
                f'<testcase name="t{i}" classname="s" time="0.01"><system-out>x</system-out>'
                f"</testcase>{' ' * 1900}"
                for i in range(n, n + 500)
            )
            n += 500
        file.write("</testsuite>")
    script = (
        "import sys; sys.path[:0] = [sys.argv[3], sys.argv[4]]\n"
        "from benchmarks.ingest import ingest\nfrom pathlib import Path\nimport resource\n"
        "done = ingest([Path(sys.argv[1])], Path(sys.argv[2]))\n"
        "print(done.totals.items, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)"
    )
    here = Path(__file__).resolve().parent.parent
    started = time.perf_counter()
    told = subprocess.run(
        [sys.executable, "-c", script, str(path), str(root / "area_large"), str(here), ""],
        check=True, capture_output=True, text=True, env={**os.environ},
    ).stdout.split()  # fmt: skip
    seconds = time.perf_counter() - started
    print(f"600 MB: {told[0]} items in {seconds:.1f} s, at most {told[1]} MB of memory")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--items", type=int, default=20_000)
    parser.add_argument("--files", type=int, default=1000)
    parser.add_argument("--large", action="store_true")
    told = parser.parse_args()
    with tempfile.TemporaryDirectory() as held:
        for output in (False, True):
            one_file(Path(held), told.items, output=output)
        if told.files:
            many_files(Path(held), told.files)
        if told.large:
            large(Path(held))
    print(f"peak of memory: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024} MB")


if __name__ == "__main__":
    main()
