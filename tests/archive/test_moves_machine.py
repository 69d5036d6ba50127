"""Any sequence of moves, reruns, clean-ups and deaths keeps what is there equal to a model.

The model knows each version of a run by its rows: what Megatest wrote and did not take away
itself must be somewhere, and nothing may be there that was never written.
"""

import shutil
import sqlite3
import tempfile
from collections import Counter
from contextlib import closing, suppress
from pathlib import Path

import pytest
from areas import BASE, DAY, datum, make_area, run, step, test
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from rows import runs_in

from mtsite.archive.job import Job
from mtsite.archive.migrate import automigrate_area, migrate_area
from mtsite.archive.move import ignore
from mtsite.archive.reduce import reduce_area
from mtsite.archive.restore import restore_area
from mtsite.archive.rules import Migration
from mtsite.archive.verify import verify_areas
from mtsite.config import ReduceConfig
from mtsite.megatest.merge import list_areas
from mtsite.megatest.selection import Selection

pytestmark = pytest.mark.faults

RULES = ReduceConfig(older_than=2 * DAY, keep_live=1, dead_after=7 * DAY)
SATELLITE = "[setup]\nallow-runs no\n"
NAMES = ("w0", "w1", "w2", "w3")
TABLES = ("test_steps", "test_data", "test_rundat")
NAME = st.sampled_from(NAMES)
DEATH = st.one_of(st.none(), st.integers(0, 12))
SATELLITES = st.sampled_from(["old", "older"])


class Died(BaseException):
    """As SIGKILL at a checkpoint: nobody catches it, and all that is on disk is committed."""


def dying(at: int | None):
    """A checkpoint at the `at`-th of which the mover dies."""
    seen: list[str] = []

    def checkpoint(where: str) -> None:
        seen.append(where)
        if at is not None and len(seen) > at:
            raise Died

    return ignore if at is None else checkpoint


def flat(database: Path) -> Counter[tuple[object, ...]]:
    """(run name, row) of all runs; rows of runs that are marked MOVED are those that count."""
    found: Counter[tuple[object, ...]] = Counter()
    for name, rows in runs_in(database).items():
        found.update({(name, row): number for row, number in rows.items() if not is_mark(row)})
    return found


def is_mark(row: tuple[object, ...]) -> bool:
    return row[0] == "runs" and any(c[0] == "state" and c[2] == "MOVED" for c in row[1])


class Moves(RuleBasedStateMachine):
    """One area with two satellites, and what must be in them."""

    @initialize()
    def make(self) -> None:
        memory = Path("/dev/shm")
        root = tempfile.mkdtemp(dir=memory if memory.is_dir() else None)
        self.root = Path(root)
        self.now = BASE + 100 * DAY
        self.area = make_area(
            self.root, config="[automigrate]\nold target=%/%; runname=w[01]; age=9d\n"
        )
        self.satellites = [
            make_area(self.root, name=name, config=SATELLITE) for name in ("old", "older")
        ]
        for trigger in self.area.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'"):
            self.area.execute(f"DROP TRIGGER {trigger[0]}")  # They know today's clock only.
        self.areas = {one.name: one.settings for one in (self.area, *self.satellites)}
        self.must: Counter[tuple[object, ...]] = Counter()
        self.may: Counter[tuple[object, ...]] = Counter()
        self.number = 0
        self.cache: dict[str, list[tuple[object, ...]]] = {}
        for name in ("w0", "w1", "w3"):
            self._launch(name)

    def teardown(self) -> None:
        try:
            self._quiet()
        finally:
            shutil.rmtree(self.root)

    # What Megatest does.

    def _launch(self, name: str) -> None:
        """A new run, or tests again in the row that is there."""
        self.number += 1
        self.now += 3600
        before = flat(self.area.database)
        tests = [test(f"t{self.number}", steps=[step("s")], data=[datum("c", str(self.number))])]
        if self._row(name):
            self.area.add_test(name, tests[0])
        else:
            self.area.add_run(run("ubuntu/nfs", name, tests=tests, event_time=self.now))
        self._wrote(before)

    def _wrote(self, before: Counter[tuple[object, ...]]) -> None:
        """Rows that came must stay; rows that went may still lie elsewhere."""
        after = flat(self.area.database)
        self.must |= after - before
        gone = before - after
        self.must -= gone
        self.may |= gone

    def _row(self, name: str):
        return self.area.execute("SELECT id, state FROM runs WHERE runname = ?", (name,))

    @rule(name=NAME)
    def new_run_or_rerun(self, name: str) -> None:
        self._launch(name)

    @rule(name=NAME)
    def rows_change(self, name: str) -> None:
        before = flat(self.area.database)
        self.number += 1
        ids = "(SELECT id FROM runs WHERE runname = ?)"
        sql = f"UPDATE tests SET comment = ? WHERE run_id IN {ids}"
        self.area.execute(sql, (str(self.number), name))
        self._wrote(before)

    @rule()
    def newest_run_goes_and_another_gets_its_number(self) -> None:
        before = flat(self.area.database)
        found = self.area.execute("SELECT id FROM runs ORDER BY id DESC LIMIT 1")
        if found:
            tests = "(SELECT id FROM tests WHERE run_id = ?)"
            for table in TABLES:
                self.area.execute(f"DELETE FROM {table} WHERE test_id IN {tests}", found[0])
            self.area.execute("DELETE FROM tests WHERE run_id = ?", found[0])
            self.area.execute("DELETE FROM runs WHERE id = ?", found[0])
            self._wrote(before)
        free = [name for name in NAMES if not self._row(name)]
        self._launch(free[-1] if free else NAMES[0])

    @rule()
    def clean_up_takes_the_marks(self) -> None:
        self.area.execute(
            "DELETE FROM runs WHERE state = 'MOVED' AND id NOT IN (SELECT run_id FROM tests)"
        )

    @rule()
    def sync_reads(self) -> None:
        """What a sync has read, and may write back later."""
        with closing(sqlite3.connect(self.area.database)) as connection:
            self.cache = {
                table: connection.execute(f"SELECT * FROM {table}").fetchall()
                for table in ("runs", "tests", *TABLES)
            }

    @rule(whole=st.booleans())
    def sync_writes_back(self, whole: bool) -> None:
        """Runs that are gone, or marked, are as they were; unless their name or number is taken.

        Not whole: tests come back below the run rows that are there.
        """
        before = flat(self.area.database)
        with closing(sqlite3.connect(self.area.database)) as connection, connection:
            runs = {
                row[0]
                for row in self.cache.get("runs", ())
                if (names := self._names(connection, row)) <= {(row[0], row[3])}
                and (whole or names)
            }
            tests = {row[0] for row in self.cache.get("tests", ()) if row[1] in runs}
            for table, rows in self.cache.items():
                for row in rows if whole or table != "runs" else ():
                    if (row[0] if table == "runs" else row[1]) in (
                        runs if table in {"runs", "tests"} else tests
                    ):
                        marks = ", ".join("?" * len(row))
                        verb = "REPLACE" if table == "runs" else "INSERT OR IGNORE"
                        connection.execute(f"{verb} INTO {table} VALUES ({marks})", row)
        self._wrote(before)

    @staticmethod
    def _names(connection, row) -> set[tuple[object, ...]]:
        sql = "SELECT id, runname FROM runs WHERE id = ? OR runname = ?"
        return set(connection.execute(sql, (row[0], row[3])).fetchall())

    @rule(days=st.integers(-20, 20))
    def clock_is_set(self, days: int) -> None:
        self.now += days * DAY

    # What mtsite does.

    @rule(death=DEATH)
    def reduce(self, death: int | None = None) -> None:
        with suppress(Died):
            assert reduce_area(self.area.settings, self._job(death)).error is None

    @rule(name=st.sampled_from([*NAMES, "%"]), death=DEATH)
    def restore(self, name: str, death: int | None = None) -> None:
        with suppress(Died):
            restore_area(self.area.settings, Selection(runname=name), self._job(death))

    @rule(name=st.sampled_from([*NAMES, "%"]), destination=SATELLITES, death=DEATH)
    def migrate(self, name: str, destination: str, death: int | None = None) -> None:
        with suppress(Died):
            chosen = [Migration(destination, Selection(runname=name))]
            summary = migrate_area(self.area.settings, chosen, self._job(death))
            assert summary.error is None

    @rule(death=DEATH)
    def automigrate(self, death: int | None = None) -> None:
        with suppress(Died):
            assert automigrate_area(self.area.settings, self._job(death)).error is None

    def _job(self, death: int | None) -> Job:
        return Job(
            self.areas,
            RULES,
            self.now,
            self.root / "state",
            checkpoint=dying(death),
            environ={},
            tmp=self.root / "tmp",
        )

    # The law.

    def _databases(self) -> list[Path]:
        found = [self.area.database, self.area.completed]
        return found + [one.database for one in self.satellites]

    @invariant()
    def nothing_is_lost(self) -> None:
        if not hasattr(self, "root"):
            return
        union: Counter[tuple[object, ...]] = Counter()
        for database in self._databases():
            union |= flat(database)
        assert not self.must - union, "lost"
        assert not +(union - (self.must + self.may)), "never written"

    def _quiet(self) -> None:
        """Repeat all that may have been begun, then judge."""
        self._launch("last")  # The highest rowids stay where they are.
        self.now += 1000 * DAY
        for _ in range(2):
            self.reduce(None)
            for one in self.satellites:
                for name in ["none", *(found[2] for found in runs_in(one.database))]:
                    self.migrate(str(name), one.name)
            self.restore("none")
        self.nothing_is_lost()
        for told in verify_areas(self.areas, self.areas, lambda *_: None, environ={}):
            assert told.problems == []
        names = {
            head.key.runname for one in list_areas(self.areas.values(), {}) for head in one.heads
        }
        assert {name[2] for name, _row in self.must} <= names


Moves.TestCase.settings = settings(
    max_examples=25,
    stateful_step_count=14,
    # The same walks every time; longer searches with chance are for whoever changes a move.
    derandomize=True,
    suppress_health_check=list(HealthCheck),
    phases=[Phase.generate],
)
TestMoves = Moves.TestCase
