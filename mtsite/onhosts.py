"""Which tests of each run ran on which host: what the pages of machines are made from.

Part of the manifest, and a cache like it. What is kept of a run depends on its own rows alone;
what a host is compared with, on the runs before it in its target.
"""

import json
import sqlite3
import zlib
from bisect import bisect_left
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

from msgspec import Struct

from mtsite.model import Run, Test, TestName
from mtsite.rollup import Verdict, judged

WINDOW = 30
"""So many runs before one say how its tests did elsewhere."""

NO_HOST = frozenset({"", "n/a"})

TABLES = """
CREATE TABLE on_hosts (
  dir TEXT PRIMARY KEY, area TEXT NOT NULL, target TEXT NOT NULL, place INTEGER NOT NULL,
  packed BLOB NOT NULL) WITHOUT ROWID;
CREATE INDEX on_hosts_target ON on_hosts (area, target, place, dir);
CREATE TABLE host_runs (
  host TEXT NOT NULL, dir TEXT NOT NULL, runs INTEGER NOT NULL, tests INTEGER NOT NULL,
  judged INTEGER NOT NULL, bad INTEGER NOT NULL, compared INTEGER NOT NULL, wrong INTEGER NOT NULL,
  expected INTEGER NOT NULL, spread INTEGER NOT NULL, first INTEGER NOT NULL, last INTEGER NOT NULL,
  load REAL, disk INTEGER, uname TEXT NOT NULL, PRIMARY KEY (host, dir)) WITHOUT ROWID;
CREATE INDEX host_runs_dir ON host_runs (dir);
CREATE INDEX host_runs_last ON host_runs (host, last, dir);
CREATE TABLE hosts (host TEXT PRIMARY KEY, totals TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE hosts_due (
  dir TEXT PRIMARY KEY, area TEXT NOT NULL, target TEXT NOT NULL, place INTEGER NOT NULL)
  WITHOUT ROWID;
CREATE TABLE hosts_moved (host TEXT PRIMARY KEY) WITHOUT ROWID;
"""
_COLUMNS = (
    "runs, tests, judged, bad, compared, wrong, expected, spread, first, last, load, disk, uname"
)
_ADDED_UP = """
SELECT count(*), sum(tests), sum(judged), sum(bad), sum(compared), sum(wrong), sum(expected),
  sum(spread), coalesce(min(nullif(first, 0)), 0), max(last),
  (SELECT load FROM host_runs WHERE host = h.host AND load NOT NULL
   ORDER BY last DESC, dir DESC LIMIT 1),
  (SELECT disk FROM host_runs WHERE host = h.host AND disk NOT NULL
   ORDER BY last DESC, dir DESC LIMIT 1),
  coalesce((SELECT uname FROM host_runs WHERE host = h.host AND uname <> '""'
   ORDER BY last DESC, dir DESC LIMIT 1), '""')
FROM host_runs h WHERE host = ?
"""
"""What is known once of a host (`load`, `disk`, `uname`) is what its last run to end knows."""

_NOTE_RUN = f"INSERT OR REPLACE INTO host_runs (host, dir, {_COLUMNS}) VALUES (?, ?{', ?' * 13})"

NAMES = ("on_hosts", "host_runs", "hosts", "hosts_due", "hosts_moved")


class RanTest(NamedTuple):
    """One test of one run on a host; `start` in Unix seconds, `duration` in seconds."""

    testname: str
    item_path: str
    verdict: str
    start: int | None
    duration: int | None


class HostRun(Struct, frozen=True):
    """What of one run ran on one host: `load` is the highest seen, `disk` the least free (KiB)."""

    host: str
    uname: str
    tests: tuple[RanTest, ...]
    load: float | None = None
    disk: int | None = None


class Numbers(Struct, frozen=True):
    """One run on one host in numbers, or many added up.

    `judged` tests came out good or bad, `bad` of them bad. Of those that other hosts had in the
    runs before, `compared`, `wrong` went wrong here; `expected` (thousandths) would have by the
    others' share, `spread` is the variance of that (thousandths). `first` and `last` are Unix
    seconds, 0 where no row tells.
    """

    runs: int = 0
    tests: int = 0
    judged: int = 0
    bad: int = 0
    compared: int = 0
    wrong: int = 0
    expected: int = 0
    spread: int = 0
    first: int = 0
    last: int = 0
    load: float | None = None
    disk: int | None = None
    uname: str = ""

    def values(self) -> tuple[object, ...]:
        """The fields, in their order."""
        return tuple(getattr(self, name) for name in self.__struct_fields__)

    def row(self) -> tuple[object, ...]:
        """The same as a row of `host_runs`: no text but JSON, names may hold any bytes."""
        *numbers, uname = self.values()
        return (*numbers, json.dumps(uname))

    @classmethod
    def of_row(cls, row: Sequence[Any]) -> "Numbers":
        """What `row` gave."""
        *numbers, uname = row
        return cls(*(*numbers, json.loads(uname)))

    def encode(self) -> str:
        """As one line."""
        return json.dumps(self.values())

    @classmethod
    def decode(cls, line: str) -> "Numbers":
        """What `encode` gave."""
        return cls(*json.loads(line))


def ran_on(test: Test, letter: str) -> str:
    """The host of a test that has a page, '' where it ran nowhere."""
    return "" if test.toplevel or letter == "N" or test.host in NO_HOST else test.host


def hosts_of(run: Run, verdicts: Sequence[Verdict]) -> list[HostRun]:
    """The hosts of a run, by name; toplevel rows and tests that never ran are left out."""
    found: dict[str, list[int]] = {}
    for i, (test, verdict) in enumerate(zip(run.tests, verdicts, strict=True)):
        if ran_on(test, verdict.value):
            found.setdefault(test.host, []).append(i)
    return [_host_run(run, verdicts, host, places) for host, places in sorted(found.items())]


def _host_run(run: Run, verdicts: Sequence[Verdict], host: str, places: Sequence[int]) -> HostRun:
    tests = [run.tests[i] for i in places]
    loads = [load for test in tests for _, load, _ in test.samples if load is not None]
    loads += [test.cpuload for test in tests if test.cpuload is not None]
    disks = [free for test in tests for _, _, free in test.samples if free is not None]
    disks += [test.diskfree for test in tests if test.diskfree is not None]
    unames = sorted({test.uname for test in tests} - NO_HOST)
    return HostRun(
        host,
        unames[-1] if unames else "",
        tuple(
            RanTest(
                run.tests[i].testname,
                run.tests[i].item_path,
                verdicts[i].value,
                run.tests[i].event_time,
                run.tests[i].run_duration,
            )
            for i in places
        ),
        max((load for load in loads if load >= 0), default=None),
        min((free for free in disks if free >= 0), default=None),
    )


class Elsewhere:
    """How each test did in the runs before, host by host; runs are added oldest first."""

    def __init__(self) -> None:
        self._runs: deque[Sequence[HostRun]] = deque()
        self._all: dict[TestName, list[int]] = {}
        self._here: dict[tuple[str, TestName], list[int]] = {}

    def add(self, run: Sequence[HostRun]) -> None:
        """One run more; the oldest leaves where there are more than `WINDOW`."""
        self._runs.append(run)
        self._count(run, 1)
        if len(self._runs) > WINDOW:
            self._count(self._runs.popleft(), -1)

    def numbers(self, one: HostRun) -> Numbers:
        """One host of the next run against what the runs before did on others."""
        compared = wrong = expected = spread = 0
        bad = [judged(test.verdict) for test in one.tests]
        for test, (is_bad, *_) in ((t, b) for t, b in zip(one.tests, bad, strict=True) if b):
            name = (test.testname, test.item_path)
            ran, failed = self._others(one.host, name)
            if ran:
                # Half a failure more on one test more: nothing is thought to be certain.
                share = (failed + 0.5) / (ran + 1)
                compared += 1
                wrong += is_bad
                expected += round(1000 * share)
                spread += round(1000 * share * (1 - share))
        starts = [test.start for test in one.tests if test.start is not None]
        ends = [t.start + max(t.duration or 0, 0) for t in one.tests if t.start is not None]
        return Numbers(
            1,
            len(one.tests),
            sum(map(len, bad)),
            sum(map(sum, bad)),
            *(compared, wrong, expected, spread),
            min(starts, default=0),
            max(ends, default=0),
            *(one.load, one.disk, one.uname),
        )

    def _others(self, host: str, name: TestName) -> tuple[int, int]:
        ran, failed = self._all.get(name, (0, 0))
        here, failed_here = self._here.get((host, name), (0, 0))
        return ran - here, failed - failed_here

    def _count(self, run: Sequence[HostRun], by: int) -> None:
        for one in run:
            for test in one.tests:
                for is_bad in judged(test.verdict):
                    name = (test.testname, test.item_path)
                    for counts in (
                        self._all.setdefault(name, [0, 0]),
                        self._here.setdefault((one.host, name), [0, 0]),
                    ):
                        counts[0] += by
                        counts[1] += by * is_bad


class OnHosts(Struct):
    """The hosts of all runs in a manifest's database; names go in as JSON text (`known.text_of`).

    `note` and `forget_gone` say which runs are due; `compare` works out their numbers, and which
    hosts have moved with them.
    """

    db: sqlite3.Connection

    def of_run(self, run_dir: str) -> list[HostRun]:
        """The hosts of a run; [] for none."""
        row = self.db.execute("SELECT packed FROM on_hosts WHERE dir = ?", (run_dir,)).fetchone()
        return list(_unpack(row[0])) if row else []

    def note(self, run_dir: str, place: tuple[str, str, int], hosts: Sequence[HostRun]) -> None:
        """What the rows of a run say now; `place` is area and target as text, and its time."""
        before = self.db.execute(
            "SELECT area, target, place, packed FROM on_hosts WHERE dir = ?", (run_dir,)
        ).fetchone()
        now = (*place, _pack(hosts))
        if before == now or (before is None and not hosts):
            return
        self._due(run_dir, before or now)
        self._due(run_dir, now)
        self.db.execute("INSERT OR REPLACE INTO on_hosts VALUES (?, ?, ?, ?, ?)", (run_dir, *now))

    def forget_gone(self) -> None:
        """Runs that have no rows any more ran nowhere."""
        rows = self.db.execute(
            "SELECT dir, area, target, place FROM on_hosts WHERE dir NOT IN"
            " (SELECT dir FROM runs WHERE gone = '' AND coming = 0)"
        ).fetchall()
        for run_dir, *place in rows:
            self._due(run_dir, place)
            self.db.execute("DELETE FROM on_hosts WHERE dir = ?", (run_dir,))

    def compare(self) -> None:
        """Bring the numbers of all runs that are due, and of those after them, up to date."""
        targets = self.db.execute("SELECT DISTINCT area, target FROM hosts_due").fetchall()
        for area, target in targets:
            self._compare_target(area, target)
        for (run_dir,) in self.db.execute(
            "SELECT dir FROM hosts_due WHERE dir NOT IN (SELECT dir FROM on_hosts)"
        ).fetchall():
            self._note_numbers(run_dir, {})
        self.db.execute("DELETE FROM hosts_due")

    def all(self) -> list[str]:
        """Every host, those that have no run any more too, by name."""
        names = self.db.execute("SELECT host FROM hosts UNION SELECT host FROM hosts_moved")
        return sorted(json.loads(host) for (host,) in names)

    def moved(self) -> list[str]:
        """Hosts whose pages don't say yet what is known of them, by name."""
        return sorted(json.loads(h) for (h,) in self.db.execute("SELECT host FROM hosts_moved"))

    def settle(self, host: str) -> None:
        """The page of a host says what is known."""
        self.db.execute("DELETE FROM hosts_moved WHERE host = ?", (json.dumps(host),))

    def runs_of(self, host: str, most: int) -> list[tuple[str, Numbers]]:
        """(directory, numbers) of the runs on a host, the last to end first."""
        rows = self.db.execute(
            f"SELECT dir, {_COLUMNS} FROM host_runs WHERE host = ?"
            " ORDER BY last DESC, dir DESC LIMIT ?",
            (json.dumps(host), most),
        )
        return [(run_dir, Numbers.of_row(row)) for run_dir, *row in rows]

    def totals(self) -> list[tuple[str, Numbers]]:
        """Every host with its runs added up, by name."""
        rows = self.db.execute("SELECT host, totals FROM hosts").fetchall()
        return sorted(((json.loads(host), Numbers.decode(line)) for host, line in rows), key=_name)

    def total(self, host: str) -> Numbers | None:
        """One host with its runs added up; None where it has no run any more."""
        row = self.db.execute(
            "SELECT totals FROM hosts WHERE host = ?", (json.dumps(host),)
        ).fetchone()
        return Numbers.decode(row[0]) if row else None

    def add_up(self, host: str) -> Numbers | None:
        """Add up the runs of a host anew; None where it has none any more."""
        name = json.dumps(host)
        total = Numbers.of_row(self.db.execute(_ADDED_UP, (name,)).fetchone())
        if not total.runs:
            self.db.execute("DELETE FROM hosts WHERE host = ?", (name,))
            return None
        self.db.execute("INSERT OR REPLACE INTO hosts VALUES (?, ?)", (name, total.encode()))
        return total

    def _due(self, run_dir: str, place: Sequence[object]) -> None:
        # Its earliest place counts: runs between the old and the new one are after it.
        self.db.execute(
            "INSERT INTO hosts_due VALUES (?, ?, ?, ?) ON CONFLICT (dir) DO UPDATE"
            " SET place = min(place, excluded.place)",
            (run_dir, *place[:3]),
        )

    def _compare_target(self, area: str, target: str) -> None:
        order = [
            (place, run_dir)
            for place, run_dir in self.db.execute(
                "SELECT place, dir FROM on_hosts WHERE area = ? AND target = ? ORDER BY place, dir",
                (area, target),
            )
        ]
        due = self.db.execute(
            "SELECT place, dir FROM hosts_due WHERE area = ? AND target = ?", (area, target)
        ).fetchall()
        for first, last in _spans(order, due):
            before = Elsewhere()
            for _, run_dir in order[max(0, first - WINDOW) : first]:
                before.add(self.of_run(run_dir))
            for _, run_dir in order[first:last]:
                run = self.of_run(run_dir)
                self._note_numbers(run_dir, {one.host: before.numbers(one) for one in run})
                before.add(run)

    def _note_numbers(self, run_dir: str, now: dict[str, Numbers]) -> None:
        rows = self.db.execute(f"SELECT host, {_COLUMNS} FROM host_runs WHERE dir = ?", (run_dir,))
        before = {json.loads(host): Numbers.of_row(row) for host, *row in rows}
        due = self.db.execute("SELECT 1 FROM hosts_due WHERE dir = ?", (run_dir,)).fetchone()
        for host in before.keys() | now.keys():
            name = json.dumps(host)
            if due or before.get(host) != now.get(host):
                self.db.execute("INSERT OR IGNORE INTO hosts_moved VALUES (?)", (name,))
            if host not in now:
                self.db.execute("DELETE FROM host_runs WHERE host = ? AND dir = ?", (name, run_dir))
            elif before.get(host) != now[host]:
                self.db.execute(_NOTE_RUN, (name, run_dir, *now[host].row()))


def _spans(
    order: Sequence[tuple[int, str]], due: Iterable[tuple[int, str]]
) -> Iterator[tuple[int, int]]:
    """Where runs stand that are due, each with the `WINDOW` after it, as spans that don't touch."""
    first = last = 0
    for one in sorted(due):
        at = bisect_left(order, one)
        if at > last:
            if last > first:
                yield first, last
            first = at
        last = max(last, min(at + WINDOW + 1, len(order)))
    if last > first:
        yield first, last


def _pack(hosts: Sequence[HostRun]) -> bytes:
    rows = [[one.host, one.uname, one.tests, one.load, one.disk] for one in hosts]
    return zlib.compress(json.dumps(rows, separators=(",", ":")).encode(), 1)


@lru_cache(maxsize=64)
def _unpack(packed: bytes) -> tuple[HostRun, ...]:
    # Kept, because the pages of all hosts look at the same runs.
    return tuple(
        HostRun(host, uname, tuple(RanTest(*test) for test in tests), load, disk)
        for host, uname, tests, load, disk in json.loads(zlib.decompress(packed))
    )


def _name(pair: tuple[str, Numbers]) -> str:
    return pair[0]
