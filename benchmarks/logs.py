"""How fast logs are taken, judged and rendered, against Treeherder's parser and ripgrep.

    python -m benchmarks.logs [--megabytes 1024] [--rg /usr/bin/rg] [--directory DIR]

One log is made of the real ones in tests/data: whole logs and pieces of them in a drawn order,
the same for the same size, with numbers of its own in every piece. Times are the processor's, so
that other work on the machine falsifies them less; every row runs in a process of its own, whose
peak of memory is told.

Treeherder's parser can't be had here: `Treeherder` is written from its description in words
(one pass over lines, its regular expressions tried on each in its order), without its database.
"""

import argparse
import gzip
import os
import random
import re
import resource
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PATTERNS = ROOT / "benchmarks/log_patterns.txt"
PIECE_LINES = 4000
MEGABYTE = 1 << 20


# -- the log


def real_logs() -> list[bytes]:
    """The real logs among the test data, unpacked, whole lines only."""
    found = []
    for room in ("logs", "loganalyze"):
        for path in sorted((ROOT / "tests/data" / room).iterdir()):
            if path.suffix in (".log", ".txt", ".gz"):
                raw = path.read_bytes()
                text = gzip.decompress(raw) if path.suffix == ".gz" else raw
                found.append(text[: text.rfind(b"\n") + 1])
    return found


def make_log(path: Path, size_bytes: int) -> None:
    """A log of about this size; equal sizes give equal bytes."""
    from mtsite.logs.levels import carries_levels

    chance = random.Random(size_bytes)
    pieces = []
    for text in real_logs():
        lines = text.splitlines(keepends=True)
        starts = range(0, len(lines), PIECE_LINES)
        pieces += [b"".join(lines[start : start + PIECE_LINES]) for start in starts]
    # A log that begins as a service's is judged by all rules, and its levels are counted.
    first = next(piece for piece in pieces if len(piece) > MEGABYTE and carries_levels(piece))
    with path.open("wb") as file:
        file.write(first)
        while file.tell() < size_bytes:
            chance.shuffle(pieces)
            for piece in pieces:
                file.write(piece.replace(b"0", b"%d" % chance.randrange(10)))
                if file.tell() >= size_bytes:
                    break


def patterns() -> str:
    """The hints of all families, one a line, as ripgrep reads them."""
    from mtsite.logs.families import built_in

    hints = (rule.hint.replace(b"\r", rb"\r").decode("latin-1") for rule in built_in().rules)
    # It knows no escape of a character that needs none.
    return "".join(re.sub(r"\\([ \"'/<>=:,%@!_`;])", r"\1", hint) + "\n" for hint in hints)


# -- what is measured: each is called with the log and an empty directory


def taken(log: Path, directory: Path) -> str:
    """All that a build does with a log: read, redact, digest, store, all families, levels."""
    from mtsite.logs.redact import make_redactor
    from mtsite.logs.take import Taker

    record = Taker(directory, make_redactor(["default"]), 1 << 40).take("a.log", log, "file")
    found = f"{record.finding_count} errors, {record.warning_count} warnings"
    return f"{found}, {sum(record.redacted.values())} masks, {sum(record.levels.values())} levels"


def unmasked(log: Path, directory: Path) -> str:
    """The same without a rule of redaction: what they cost is what `taken` takes longer."""
    from mtsite.logs.redact import make_redactor
    from mtsite.logs.take import Taker

    record = Taker(directory, make_redactor([]), 1 << 40).take("a.log", log, "file")
    return f"{record.finding_count} errors, {record.warning_count} warnings"


def masked(log: Path, directory: Path) -> str:
    """Redaction alone, by all built-in rules."""
    from mtsite.logs.masking import Masking
    from mtsite.logs.redact import make_redactor

    masking = Masking(make_redactor(["default"]))
    with log.open("rb") as file:
        size = sum(map(len, masking.blocks(file.read)))
    return f"{size:,} bytes, {sum(masking.counts.values())} masks"


def judged(log: Path, directory: Path) -> str:
    """The families' verdict on a text that is stored already."""
    from mtsite.logs.families import built_in
    from mtsite.logs.scan import scan
    from mtsite.logs.take import mapped

    with log.open("rb") as file, mapped(file) as text:
        found = scan(text, built_in(), "a.log")
    return f"{found.finding_count} errors, {found.warning_count} warnings"


def ripgrep(log: Path, directory: Path) -> str:
    """Ripgrep, one thread, for lines that any hint of the families chooses."""
    program = os.environ.get("MTSITE_BENCHMARK_RG") or shutil.which("rg") or ""
    command = [program, "-j1", "--no-unicode", "-a", "-c", "-f", str(PATTERNS), str(log)]
    if not program:
        command = ["grep", "-a", "-c", "-E", "-f", str(PATTERNS), str(log)]
    found = subprocess.run(command, capture_output=True, text=True, check=False)
    return f"{found.stdout.strip()} lines ({Path(command[0]).name}) {found.stderr.strip()[:60]}"


def rendered(log: Path, directory: Path) -> str:
    """The pages of logs of under 2,000 lines: the log cut into such."""
    from mtsite.logs.families import built_in
    from mtsite.logs.levels import shown_levels
    from mtsite.logs.scan import scan
    from mtsite.pages.loglines import Links, log_lines

    logs = list(short_logs(log))
    marked = [(scan(text, built_in()).findings, bool(shown_levels(text))) for text in logs]
    started = seconds_used()
    for text, (findings, levels) in zip(logs, marked, strict=True):
        str(log_lines(text, findings, links=Links("raw.log"), levels=levels)).encode()
    spent = seconds_used() - started
    return f"{sum(map(len, logs)) / spent / 1e6:.1f} MB/s of {len(logs)} logs"


def short_logs(log: Path) -> Iterator[bytes]:
    """The first 40 MB of a log, 1,900 lines at a time."""
    with log.open("rb") as file:
        lines = file.read(40 * MEGABYTE).splitlines(keepends=True)
    for start in range(0, len(lines), 1900):
        yield b"".join(lines[start : start + 1900])


def treeherder(log: Path, directory: Path) -> str:
    """Treeherder's line loop, as far as words describe it, without a limit on its errors."""
    parser = Treeherder()
    with log.open("rb") as file:
        for raw in file:
            # Each of its two builders decodes and cuts the line for itself.
            parser.errors += parser.is_error_line(_short(raw.decode("utf-8", "replace")))
            line = _short(raw.decode("utf-8", "replace"))
            parser.performance += parser.PERFORMANCE.match(line) is not None
    return f"{parser.errors} errors"


def _short(line: str) -> str:
    return line if "PERFHERDER_DATA" in line else line[:500]


class Treeherder:
    """Its two parsers of today, on each line in turn: error lines and performance data."""

    STAMP = re.compile(r"^\d+:\d+:\d+[ ]+(?:DEBUG|INFO|WARNING)[ ]+-[ ]+")
    TASKCLUSTER = re.compile(r"^\[(?!taskcluster:)[^\]]*20\d\d-[^\]]*\]\s")
    EXCLUDED = re.compile(
        r"TEST-(?:INFO|PASS) |A content process crashed and MOZ_CRASHREPORTER_SHUTDOWN is set"
    )
    GRAVE = re.compile(r"^\d+:\d+:\d+[ ]+(?:ERROR|CRITICAL|FATAL)[ ]+-[ ]+")
    HARMLESS = re.compile(
        r"I[ /](?:Gecko|TestRunner).*TEST-UNEXPECTED-|^TimeoutException: |Assertion failure$"
        r"|^TEST-UNEXPECTED-WARNING\b|^ImportError: No module named pygtk$|non-fatal error"
    )
    STARTS = re.compile(
        r"g?make(?:\[\d+\])?: \*\*\*|[A-Za-z.]+Error: |[A-Za-z.]*Exception: |\[  FAILED  \] "
        r"|remoteFailed:|rm: cannot |abort:|\[taskcluster\] Error:|\[[\w.-]+:(?:error|exception)\]"
    )
    HOLDS = re.compile(
        r" error\(\d*\):|:\d+: error:| error R?C?\d*:|ERROR [45]\d\d:"
        r"|mozmake\.(?:exe|EXE)(?:\[\d+\])?: \*\*\*"
    )
    WORDS = (
        *("TEST-UNEXPECTED-", "fatal error", "FATAL ERROR", "Hit MOZ_CRASH", "REFTEST ERROR"),
        *("PROCESS-CRASH", "Assertion fail", "###!!! ABORT:", "SUMMARY: AddressSanitizer"),
        *("SUMMARY: ThreadSanitizer", "SUMMARY: UndefinedBehaviorSanitizer", "command timed out:"),
        *("ThreadSanitizer: nested bug", "Automation Error:", "wget: unable ", "bash.exe: *** "),
        *("Unsuccessful task run with exit code: 137", "YOU ARE LEAKING THE WORLD"),
    )
    PERFORMANCE = re.compile(r".*?PERFHERDER_DATA:\s+(\{.*\})")

    def __init__(self) -> None:
        self.errors = 0
        self.performance = 0
        self.taskcluster = False

    def is_error_line(self, line: str) -> bool:
        """Whether it is one; what stands before it is taken away first."""
        if line.startswith("[taskcluster "):
            self.taskcluster = True
        if self.taskcluster:
            line = self.TASKCLUSTER.sub("", line)
        return self.is_error(line.rstrip("\r\n"))

    def is_error(self, line: str) -> bool:
        if self.EXCLUDED.search(line):
            return False
        if self.GRAVE.match(line):
            return True
        rest = self.STAMP.sub("", line).rstrip()
        if self.HARMLESS.search(rest):
            return False
        if any(word in rest for word in self.WORDS):
            return True
        return bool(self.STARTS.match(rest) or self.HOLDS.search(rest))


# -- measuring

ROWS: dict[str, Callable[[Path, Path], str]] = {
    "taken": taken,
    "unmasked": unmasked,
    "masked": masked,
    "judged": judged,
    "ripgrep": ripgrep,
    "treeherder": treeherder,
    "rendered": rendered,
}


def seconds_used() -> float:
    """What this process and those that it has waited for took of the processor."""
    usages = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


def run_row(name: str, log: Path) -> None:
    """Measure one row in this process and print it."""
    with tempfile.TemporaryDirectory(dir=log.parent) as directory:
        before = seconds_used()
        said = ROWS[name](log, Path(directory))
        spent = seconds_used() - before
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    speed = log.stat().st_size / spent / 1e6
    print(f"{name:11} {speed:8.1f} MB/s {spent:8.2f} s {peak:6.0f} MB peak   {said}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--megabytes", type=int, default=64)
    parser.add_argument("--directory", type=Path, default=None)
    parser.add_argument("--rows", nargs="+", choices=ROWS, default=list(ROWS))
    parser.add_argument("--row", choices=ROWS, help=argparse.SUPPRESS)
    parser.add_argument("--log", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--write-patterns", action="store_true", help=f"write {PATTERNS.name}")
    chosen = parser.parse_args()
    if chosen.write_patterns:
        PATTERNS.write_text(patterns(), encoding="utf-8")
        return
    if chosen.row:
        run_row(chosen.row, chosen.log)
        return
    with tempfile.TemporaryDirectory(dir=chosen.directory) as directory:
        log = Path(directory) / "a.log"
        make_log(log, chosen.megabytes * MEGABYTE)
        print(f"{log.stat().st_size:,} bytes", flush=True)
        for name in chosen.rows:
            command = [sys.executable, "-m", "benchmarks.logs", "--row", name, "--log", str(log)]
            subprocess.run(command, cwd=ROOT, check=True)


if __name__ == "__main__":
    main()
