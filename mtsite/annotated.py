"""Which runs have failures that an annotation knows of: a row for each rule of each run.

Part of the manifest, and a cache like it: what the page of known issues adds up.
"""

import json
import sqlite3
from collections.abc import Iterable

from msgspec import Struct

from mtsite.model import RunKey

TABLE = """CREATE TABLE annotated (
  rule TEXT NOT NULL, dir TEXT NOT NULL, place INTEGER NOT NULL, tests INTEGER NOT NULL,
  over INTEGER NOT NULL, whose TEXT NOT NULL, PRIMARY KEY (rule, dir)) WITHOUT ROWID;
CREATE INDEX annotated_dir ON annotated (dir);"""


class Fitting(Struct, frozen=True):
    """How often a rule fits: `tests` of `runs` while it holds, and those after it was `over`.

    `first` and `last` are (run, when it began).
    """

    tests: int
    runs: int
    over_tests: int
    over_runs: int
    first: tuple[RunKey, int]
    last: tuple[RunKey, int]


class AnnotatedRuns:
    """The rules that fit failures of runs, by the directory of the run, in a manifest."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._db = connection

    def note(
        self, run_dir: str, key: RunKey, place: int, fits: Iterable[tuple[str, int, bool]]
    ) -> bool:
        """What fits a run now, as (rule, tests, whether it is over); whether that is news."""
        whose = json.dumps([key.area, key.target, key.runname])
        after = {(rule, place, tests, int(over), whose) for rule, tests, over in fits}
        before = set(
            self._db.execute(
                "SELECT rule, place, tests, over, whose FROM annotated WHERE dir = ?", (run_dir,)
            )
        )
        if before == after:
            return False
        self._db.execute("DELETE FROM annotated WHERE dir = ?", (run_dir,))
        self._db.executemany(
            "INSERT INTO annotated (dir, rule, place, tests, over, whose)"
            " VALUES (?, ?, ?, ?, ?, ?)",
            ((run_dir, *row) for row in sorted(after)),
        )
        return True

    def of_run(self, run_dir: str) -> set[str]:
        """The rules that fitted failures of a run."""
        rows = self._db.execute("SELECT rule FROM annotated WHERE dir = ?", (run_dir,))
        return {rule for (rule,) in rows}

    def fittings(self) -> dict[str, Fitting]:
        """Every rule that fits something, added up over all runs."""
        totals = self._db.execute(
            "SELECT rule, total(tests * (1 - over)), total(1 - over), total(tests * over),"
            " total(over) FROM annotated GROUP BY rule"
        ).fetchall()
        return {
            rule: Fitting(
                int(tests),
                int(runs),
                int(over_tests),
                int(over_runs),
                self._end(rule, ""),
                self._end(rule, "DESC"),
            )
            for rule, tests, runs, over_tests, over_runs in totals
        }

    def _end(self, rule: str, order: str) -> tuple[RunKey, int]:
        place, whose = self._db.execute(
            "SELECT place, whose FROM annotated WHERE rule = ?"
            f" ORDER BY place {order}, dir {order} LIMIT 1",
            (rule,),
        ).fetchone()
        area, target, runname = json.loads(whose)
        return (RunKey(area, tuple(target), runname), place)
