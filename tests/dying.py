"""An area whose mover dies: made once, put back before every death, and judged after it."""

import json
import os
import shutil
import sqlite3
import sys
import traceback
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

from areas import BASE, DAY, TestArea, datum, make_area, run, step, test
from rows import Rows, RunName, make_caches, runs_in

from mtsite.archive import begun
from mtsite.archive.job import Job
from mtsite.archive.migrate import MigrateSummary, automigrate_area, migrate_area
from mtsite.archive.move import ignore
from mtsite.archive.reduce import ReduceSummary, reduce_area
from mtsite.archive.restore import RestoreSummary, restore_area
from mtsite.archive.rules import Migration
from mtsite.archive.verify import verify_areas
from mtsite.config import ReduceConfig
from mtsite.megatest.selection import Selection

NOW = BASE + 100 * DAY
RULE = "[automigrate]\nold target=%/%; runname=%; age=1d\n"
RULES = ReduceConfig(older_than=2 * DAY, keep_live=1, dead_after=7 * DAY)


class Place:
    """One area with caches, made once, put back before every death."""

    def __init__(
        self, root: Path, tests: int, runs: int, *, cached: bool, config: str = ""
    ) -> None:
        root.mkdir(exist_ok=True)
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
            config=config,
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
        job = Job({}, RULES, NOW, self.root / "state", checkpoint=checkpoint, tmp=self.tmp)
        return reduce_area(self.area.settings, job)

    call = reduce

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


def told(work: Callable[[], object]) -> None:
    """The same work; why it failed is printed, which a child's end would swallow."""
    try:
        work()
    except BaseException:
        traceback.print_exc()
        sys.stderr.flush()
        raise


class Far:
    """An area with two satellites, in the state in which one verb is about to be called."""

    def __init__(self, root: Path, tests: int, runs: int, *, verb: str) -> None:
        self.root = root
        self.now = NOW
        near = Place(root, tests, runs, cached=False, config=RULE)
        shutil.rmtree(near.saved)
        self.area, self.model, self.verb = near.area, near.model, verb
        self.satellite, self.older = (
            make_area(root, name=name, config="[setup]\nallow-runs no\n")
            for name in ("old", "older")
        )
        self.areas = {one.name: one.settings for one in (self.area, self.satellite, self.older)}
        if verb == "restore":
            self.migrate()
        self.files = {p.relative_to(root).as_posix(): p.read_bytes() for p in root.rglob("*.db")}

    @property
    def databases(self) -> list[Path]:
        return [
            self.area.database,
            self.area.completed,
            *(one.database for one in (self.satellite, self.older)),
        ]

    def put_back(self) -> None:
        self.set_to(self.files)

    def set_to(self, files: dict[str, bytes]) -> None:
        """Make the databases, and what lies beside them, what they were."""
        for one in (self.area, self.satellite, self.older):
            for pattern in ("*.db*", ".*completed*", ".mtsite*", ".tmp*"):
                for path in one.path.glob(pattern):
                    path.unlink()
        for name, content in files.items():
            path = self.root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            if not path.exists() or path.read_bytes() != content:
                path.write_bytes(content)

    def call(self, checkpoint: Callable[[str], None] = ignore) -> Any:
        """The verb that dies."""
        return getattr(self, self.verb)(checkpoint=checkpoint)

    def migrate(
        self,
        destination: str = "old",
        state: str = "state",
        checkpoint: Callable[[str], None] = ignore,
    ) -> MigrateSummary:
        everything = Migration(destination, Selection(runname="%"))
        return migrate_area(self.area.settings, [everything], self.job(state, checkpoint))

    def automigrate(self, checkpoint: Callable[[str], None] = ignore) -> MigrateSummary:
        return automigrate_area(self.area.settings, self.job("state", checkpoint))

    def reduce(
        self, state: str = "state", checkpoint: Callable[[str], None] = ignore
    ) -> ReduceSummary:
        return reduce_area(self.area.settings, self.job(state, checkpoint))

    def restore(self, checkpoint: Callable[[str], None] = ignore) -> RestoreSummary:
        job = self.job("state", checkpoint)
        return restore_area(self.area.settings, Selection(runname="%"), job)

    def job(self, state: str, checkpoint: Callable[[str], None]) -> Job:
        return Job(
            self.areas,
            RULES,
            self.now,
            self.root / state,
            checkpoint=checkpoint,
            environ={},
            tmp=self.root / "tmp",
        )

    def places(self) -> dict[RunName, list[Rows]]:
        """The rows of each run wherever it lies, marks left out."""
        found: dict[RunName, list[Rows]] = {}
        for database in self.databases:
            for name, rows in runs_in(database).items():
                if not is_mark(rows):
                    found.setdefault(name, []).append(rows)
        return found

    def assert_nothing_lost(self) -> None:
        places = self.places()
        for name, rows in self.model.items():
            assert rows in places.get(name, []), f"{name} is whole nowhere"

    def assert_finished(self) -> None:
        """Call again all that may have been begun; each run is in one place, and verified."""
        self.call()
        for summary in (self.call(), self.migrate("older") if self.verb != "restore" else None):
            assert summary is None or (summary.error is None and not summary.stayed), (
                summary.error,
                summary.stayed,
            )
        places = self.places()
        assert {name: [rows] for name, rows in self.model.items()} == places
        for told in verify_areas(self.areas, self.areas, lambda *_: None, environ={}):
            assert told.problems == []
            assert told.notices == []
        listed = self.area.path / begun.FILE
        states = json.loads(listed.read_bytes()).values() if listed.exists() else ()
        assert set(states) <= {"settled"}


def is_mark(rows: Rows) -> bool:
    """Whether these are the rows of a run that only says that it moved."""
    ((table, columns), *rest) = [row for row in rows if row[0] == "runs"]
    state = next(value for name, _kind, value in columns if name == "state")
    return state == "MOVED" and sum(rows.values()) == 1 and not rest and table == "runs"
