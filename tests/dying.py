"""An area whose mover dies: made once, put back before every death, and judged after it."""

import os
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from areas import BASE, DAY, TestArea, datum, make_area, run, step, test
from rows import Rows, RunName, make_caches, runs_in

from mtsite.archive.move import ignore
from mtsite.archive.reduce import ReduceSummary, reduce_area
from mtsite.config import ReduceConfig

NOW = BASE + 100 * DAY
RULES = ReduceConfig(older_than=2 * DAY, keep_live=1, dead_after=7 * DAY)


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
