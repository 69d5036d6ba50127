"""What each job did: `jobs.jsonl` in the state directory, a line when it begins and one at its end.

Lines are only appended, each in one write, and a torn or foreign line is counted and passed over,
so no kill and no full disk makes the rest unreadable. It stays small: of each job the newest
`KEPT` entries are kept, and what the newest `TALKING` of them said. Losing the file loses history.
"""

import contextlib
import fcntl
import json
import os
import socket
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from msgspec import Struct, field, to_builtins
from msgspec.structs import fields, replace

from mtsite import atomicfile, lock
from mtsite.amounts import plural

FILE = "jobs.jsonl"
KEPT = 400
TALKING = 40
MOST_BYTES = 2_000_000
MOST_SAID = 200
MOST_TEXT = 2_000

RUNNING, DONE, PARTLY, FAILED, STOPPED, KILLED = "running done partly failed stopped killed".split()
BAD = frozenset({PARTLY, FAILED, STOPPED, KILLED})
"""A job that did not do all it was for. `stopped`: by a signal; `killed`: it left no word."""


class StepEntry(Struct, frozen=True):
    """A step of a job: `state` is done, partly, failed or skipped; `told` says why."""

    name: str
    state: str
    seconds: float = 0
    counts: Mapping[str, int] = field(default_factory=dict)
    told: str = ""


class JobEntry(Struct, frozen=True):
    """One run of a job. Times are Unix seconds; `ended` None: it runs, or left no word.

    `number` counts the runs of this job from 1. `sizes` are bytes: "site", "files" (a number) and
    "database NAME" of each area. `said` is what it told while it ran.
    """

    job: str
    number: int
    begun: float
    command: str = ""
    host: str = ""
    pid: int = 0
    started: str = ""
    ended: float | None = None
    exit: int | None = None
    state: str = RUNNING
    told: str = ""
    steps: tuple[StepEntry, ...] = ()
    sizes: Mapping[str, int] = field(default_factory=dict)
    said: tuple[str, ...] = ()

    @property
    def counts(self) -> Mapping[str, int]:
        """The numbers of all steps, as "build: files written"."""
        return {f"{s.name}: {what}": n for s in self.steps for what, n in s.counts.items()}

    @property
    def has_news(self) -> bool:
        """Whether it changed anything, or something went wrong: then it has a page of its own."""
        moved = ("moved", "written", "new", "changed", "deleted", "ended")
        return self.state != DONE or any(
            number for what, number in self.counts.items() if what.endswith(moved)
        )


class JobHistory(Struct, frozen=True):
    """All entries, the oldest first; `damaged` lines could not be read."""

    entries: tuple[JobEntry, ...] = ()
    damaged: int = 0

    def jobs(self) -> list[str]:
        """The names of all jobs, in alphabetical order."""
        return sorted({one.job for one in self.entries})

    def of(self, job: str) -> list[JobEntry]:
        """The entries of one job, the oldest first."""
        return [one for one in self.entries if one.job == job]

    def last(self, job: str) -> JobEntry | None:
        """The newest entry of a job."""
        return next((one for one in reversed(self.entries) if one.job == job), None)


def read_history(state_dir: Path) -> JobHistory:
    """What is known of all jobs; a file that can't be read is one damaged line.

    An entry without an end whose process lives no more counts as killed.
    """
    try:
        content = (state_dir / FILE).read_bytes()
    except FileNotFoundError:
        return JobHistory()
    except OSError:
        return JobHistory(damaged=1)
    entries, damaged = _parse(content)
    return JobHistory(tuple(_with_fate(one) for one in entries), damaged)


def begin(state_dir: Path, job: str, now: float, command: str) -> JobEntry:
    """Note that a job begins.

    Raises:
        OSError: it can't be noted.
    """
    mine = lock.this_process()
    entry = JobEntry(job, 0, now, command, socket.gethostname(), mine.pid, mine.started)
    with _writing(state_dir) as descriptor:
        known = _parse((state_dir / FILE).read_bytes())[0]
        numbers = [one.number for one in known if one.job == job]
        entry = replace(entry, number=max(numbers, default=0) + 1)
        _append(descriptor, entry)
    return entry


def end(state_dir: Path, entry: JobEntry) -> None:
    """Note how a job ended.

    Raises:
        OSError: it can't be noted.
    """
    with _writing(state_dir) as descriptor:
        _append(descriptor, _cut(entry))
        if os.fstat(descriptor).st_size > MOST_BYTES:
            _shorten(state_dir / FILE)


def _with_fate(entry: JobEntry) -> JobEntry:
    if entry.state != RUNNING or lock.is_alive(entry.host, entry.pid, entry.started):
        return entry
    return replace(entry, state=KILLED, told="it left no word: killed, or the host went down")


def _cut(entry: JobEntry) -> JobEntry:
    said = entry.said
    if len(said) > MOST_SAID:
        more = f"… {plural(len(said) - MOST_SAID, 'line')} …"
        said = (*said[: MOST_SAID // 2], more, *said[-MOST_SAID // 2 :])
    steps = tuple(replace(one, told=one.told[-MOST_TEXT:]) for one in entry.steps)
    cut = tuple(line[:MOST_TEXT] for line in said)
    return replace(entry, told=entry.told[-MOST_TEXT:], steps=steps, said=cut)


def _parse(content: bytes) -> tuple[list[JobEntry], int]:
    found: dict[tuple[str, int], JobEntry] = {}
    damaged = 0
    for line in content.split(b"\n"):
        if not line.strip():
            continue
        entry = _entry(line)
        if entry is None:
            damaged += 1
        else:
            found[entry.job, entry.number] = entry
    return sorted(found.values(), key=lambda one: (one.begun, one.job, one.number)), damaged


def _entry(line: bytes) -> JobEntry | None:
    try:
        told: dict[str, Any] = json.loads(line)
        known = {each.name for each in fields(JobEntry)}
        values = {key: value for key, value in told.items() if key in known}
        steps = tuple(
            StepEntry(
                str(one["name"]),
                str(one["state"]),
                float(one["seconds"]),
                _numbers(one["counts"]),
                str(one["told"]),
            )
            for one in told.get("steps", ())
        )
        values |= {
            "steps": steps,
            "said": tuple(str(one) for one in told.get("said", ())),
            "sizes": _numbers(told.get("sizes", {})),
        }
        entry = JobEntry(**values)
        is_sound = (
            isinstance(entry.job, str)
            and isinstance(entry.number, int)
            and isinstance(entry.begun, int | float)
            and isinstance(entry.ended, int | float | None)
            and isinstance(entry.state, str)
            and abs(entry.begun) < 1e11
        )
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return None
    return entry if is_sound else None


def _numbers(told: Mapping[str, Any]) -> dict[str, int]:
    return {str(name): int(number) for name, number in told.items()}


@contextlib.contextmanager
def _writing(state_dir: Path) -> Iterator[int]:
    """The file, open to append, while nobody else writes it."""
    state_dir.mkdir(parents=True, exist_ok=True)
    path = state_dir / FILE
    while True:
        descriptor = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            # It may have been made anew, shorter, while this one waited.
            if path.exists() and os.fstat(descriptor).st_ino == path.stat().st_ino:
                yield descriptor
                return
        finally:
            os.close(descriptor)


def _append(descriptor: int, entry: JobEntry) -> None:
    line = _line(entry)
    size = os.fstat(descriptor).st_size
    if size and os.pread(descriptor, 1, size - 1) != b"\n":
        line = b"\n" + line  # what a full disk or a kill tore stays a line of its own
    written = os.write(descriptor, line)
    if written < len(line):
        os.write(descriptor, line[written:])


def _line(entry: JobEntry) -> bytes:
    return json.dumps(to_builtins(entry), separators=(",", ":")).encode() + b"\n"


def _shorten(path: Path) -> None:
    entries, _ = _parse(path.read_bytes())
    atomicfile.write(path, b"".join(_line(one) for one in _kept(entries)))


def _kept(entries: Sequence[JobEntry]) -> Iterator[JobEntry]:
    left: dict[str, int] = {}
    for one in entries:
        left[one.job] = left.get(one.job, 0) + 1
    for one in entries:
        left[one.job] -= 1
        if left[one.job] < KEPT:
            yield one if left[one.job] < TALKING else replace(one, said=())
