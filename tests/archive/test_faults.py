"""Real deaths: SIGKILL at every step and at random instants, a full disk, broken files.

A child process (a fork) moves runs of a fresh copy of one area and is killed. After each death
every run is whole in at least one database; after one more call each is in exactly one.
"""

import os
import random
import re
import resource
import shutil
import signal
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from areas import BASE, DAY, TestArea, datum, make_area, run, step, test
from rows import Rows, RunName, make_caches, runs_in

from mtsite.archive.move import ignore
from mtsite.archive.reduce import ReduceSummary, reduce_area
from mtsite.config import ReduceConfig
from mtsite.errors import AreaUnreadableError, MtsiteError, PartlyDoneError

pytestmark = pytest.mark.faults

NOW = BASE + 100 * DAY
RULES = ReduceConfig(older_than=2 * DAY, keep_live=1, dead_after=7 * DAY)
RANDOM_DEATHS = 30


class Place:
    """One area with caches, made once, put back before every death."""

    def __init__(self, root: Path, tests: int, runs: int, *, cached: bool) -> None:
        names = [f"t{number:03}" for number in range(tests)]
        self.area: TestArea = make_area(
            root,
            runs=[
                run(
                    "ubuntu/nfs",
                    f"w{number:02}",
                    tests=[test(n, steps=[step("s")], data=[datum("c", "v")]) for n in names],
                )
                for number in range(runs)
            ],
        )
        self.root = root
        self.tmp = root / "tmp"
        self.caches: list[Path] = []
        if cached:
            self.caches = make_caches(self.area, self.tmp)
            with closing(sqlite3.connect(self.caches[0])) as live, live:
                live.execute(
                    "INSERT INTO test_rundat (test_id, update_time) SELECT id, 1 FROM tests"
                )
        self.model = runs_in(self.caches[0] if cached else self.area.database)
        self.saved = root / "saved"
        self.saved.mkdir()
        for number, file in enumerate([self.area.database, *self.caches]):
            shutil.copyfile(file, self.saved / str(number))

    def put_back(self) -> None:
        for file in self.area.path.glob("*completed-runs.db*"):
            file.unlink()
        for number, file in enumerate([self.area.database, *self.caches]):
            file.with_name(f"{file.name}-journal").unlink(missing_ok=True)
            shutil.copyfile(self.saved / str(number), file)

    def reduce(self, checkpoint: Callable[[str], None] = ignore) -> ReduceSummary:
        return reduce_area(
            self.area.settings,
            RULES,
            now=NOW,
            state_dir=self.root / "state",
            checkpoint=checkpoint,
            tmp=self.tmp,
        )

    def sources(self) -> dict[RunName, Rows]:
        """What is at the source: the live cache has most, where there is one."""
        found = runs_in(self.area.database)
        for cache in self.caches[:1]:
            for name, rows in runs_in(cache).items():
                found[name] = rows | found.get(name, rows)
        return found

    def assert_nothing_lost(self) -> None:
        here, there = self.sources(), runs_in(self.area.completed)
        for name, rows in self.model.items():
            assert rows in (here.get(name), there.get(name)), f"{name} is whole nowhere"

    def assert_finished(self) -> None:
        summary = self.reduce()
        assert not summary.stayed
        assert summary.error is None
        here, there = self.sources(), runs_in(self.area.completed)
        assert not here.keys() & there.keys()
        assert here | there == self.model
        assert len(here) == 1
        with closing(sqlite3.connect(self.area.completed)) as connection:
            states = connection.execute("SELECT state, count(*) FROM mtsite_moves GROUP BY 1")
            assert states.fetchall() == [("settled", len(there))]
            assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def in_child(work: Callable[[], object]) -> int:
    """Run `work` in a fork; its pid."""
    pid = os.fork()
    if pid:
        return pid
    code = 9
    try:
        work()
        code = 0
    finally:
        os._exit(code)


def ended(pid: int) -> int:
    """0 when the child ended by itself and well, -9 when it was killed."""
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def test_killed_at_every_step(tmp_path):
    place = Place(tmp_path, tests=3, runs=3, cached=True)
    place.put_back()
    steps: list[str] = []
    place.reduce(steps.append)
    place.assert_finished()
    assert len(steps) > 20

    for number in range(len(steps)):
        place.put_back()
        seen: list[str] = []

        def die(where: str, number: int = number, seen: list[str] = seen) -> None:
            seen.append(where)
            if len(seen) > number:
                os.kill(os.getpid(), signal.SIGKILL)

        assert ended(in_child(lambda die=die: place.reduce(die))) == -signal.SIGKILL
        place.assert_nothing_lost()
        place.assert_finished()


@pytest.mark.parametrize("cached", [False, True])
def test_killed_at_random_instants(tmp_path, cached):
    place = Place(tmp_path, tests=110, runs=3, cached=cached)
    place.put_back()
    began = time.monotonic()
    assert ended(in_child(place.reduce)) == 0
    lasts = time.monotonic() - began
    rng = random.Random(7)
    killed = 0
    for _ in range(RANDOM_DEATHS // 2):
        place.put_back()
        pid = in_child(place.reduce)
        time.sleep(rng.random() * lasts)
        os.kill(pid, signal.SIGKILL)
        killed += ended(pid) == -signal.SIGKILL
        place.assert_nothing_lost()
        place.assert_finished()
    assert killed > RANDOM_DEATHS // 4


def test_killed_twice_before_it_can_finish(tmp_path):
    place = Place(tmp_path, tests=3, runs=2, cached=False)
    for first in range(1, 7):
        place.put_back()
        for _ in range(2):
            seen: list[str] = []

            def die(where: str, first: int = first, seen: list[str] = seen) -> None:
                seen.append(where)
                if len(seen) >= first:
                    os.kill(os.getpid(), signal.SIGKILL)

            ended(in_child(lambda die=die: place.reduce(die)))
            place.assert_nothing_lost()
        place.assert_finished()


@pytest.mark.parametrize("share", [0.0, 0.2, 0.5, 0.8, 0.95])
def test_a_full_disk_keeps_the_source_and_says_so(tmp_path, share):
    place = Place(tmp_path, tests=60, runs=3, cached=False)
    place.put_back()
    place.reduce()
    size = int(place.area.completed.stat().st_size * share)
    place.put_back()
    told = tmp_path / "told"

    def work() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (max(size, 8192), resource.RLIM_INFINITY))
        try:
            summary = place.reduce()
            error = summary.error or PartlyDoneError(summary.stayed[0].reason)
        except MtsiteError as refused:
            error = refused
        unlimited = (resource.RLIM_INFINITY, resource.RLIM_INFINITY)
        resource.setrlimit(resource.RLIMIT_FSIZE, unlimited)
        told.write_text(f"{type(error).__name__} {error.message}\n{error.hint}")

    assert ended(in_child(work)) == 0
    expected = r"DestinationError .*completed-runs\.db can't be written: .*\n.*df "
    assert re.match(expected, told.read_text())
    place.assert_nothing_lost()
    place.assert_finished()


def test_an_archive_that_is_no_database_is_refused(tmp_path):
    place = Place(tmp_path, tests=2, runs=2, cached=False)
    place.put_back()
    place.area.completed.write_bytes(b"not a database at all" * 1000)
    with pytest.raises(AreaUnreadableError, match=r"completed-runs\.db"):
        place.reduce()
    assert runs_in(place.area.database) == place.model


def test_two_movers_of_different_sites_lose_nothing(tmp_path):
    place = Place(tmp_path, tests=40, runs=6, cached=False)
    for _ in range(5):
        place.put_back()

        def other() -> None:
            reduce_area(
                place.area.settings, RULES, now=NOW, state_dir=tmp_path / "other", tmp=place.tmp
            )

        pids = [in_child(place.reduce), in_child(other)]
        # The one that comes later is refused: an exception, by which its fork ends with 9.
        assert {ended(pid) for pid in pids} <= {0, 9}
        place.assert_nothing_lost()
        place.assert_finished()
