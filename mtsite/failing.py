"""Which failing lines the runs of the site have: a row for each kind of line of each run.

Part of the manifest, and a cache like it: what `_clusters/` shows is added up from here.
"""

import json
import sqlite3
from collections.abc import Iterable

from msgspec import Struct

from mtsite.model import RunKey, TestName

TABLE = """CREATE TABLE failing (
  cluster TEXT NOT NULL, exact TEXT NOT NULL, dir TEXT NOT NULL, place INTEGER NOT NULL,
  tests INTEGER NOT NULL, whose TEXT NOT NULL, line TEXT NOT NULL,
  PRIMARY KEY (cluster, exact, dir)) WITHOUT ROWID;
CREATE INDEX failing_dir ON failing (dir);
CREATE INDEX failing_place ON failing (place);"""

NEWEST = 12
"""So many rows of a cluster are looked at for where it happened last."""


class FailingLine(Struct, frozen=True):
    """A kind of line that made tests of one run go wrong: `tests` of them, `first` among them.

    Without a `cluster` it stands for all kinds of the run that are not kept, `tests` of them.

    `cluster` is equal for all that is nearly the same, `exact` where only numbers, times, paths
    and the like differ; `rule` is the site's own that said so. `log` and `line` are where it
    stands in the first; '' and 0: nowhere.
    """

    cluster: str
    exact: str
    text: str
    tests: int
    first: TestName
    log: str
    line: int
    hosts: tuple[str, ...] = ()
    rule: str = ""


class Occurrence(Struct, frozen=True):
    """A failing line in a run that began at `place`."""

    key: RunKey
    place: int
    found: FailingLine


class Cluster(Struct, frozen=True):
    """All that is nearly the same failure; `newest` occurrences, newest first, `first` the oldest.

    `tests` and `runs` count all, `variants` the kinds of lines; `areas` are those it is in.
    """

    name: str
    tests: int
    runs: int
    variants: int
    areas: tuple[str, ...]
    first: Occurrence
    newest: tuple[Occurrence, ...]


class FailingLines:
    """The failing lines of runs, by the directory of the run, in a manifest's database."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._db = connection

    def note(self, run_dir: str, key: RunKey, place: int, lines: Iterable[FailingLine]) -> set[str]:
        """What a run has now; the clusters that are touched by it."""
        whose = json.dumps([key.area, key.target, key.runname])
        after = {(one.cluster, one.exact): (place, one.tests, whose, _packed(one)) for one in lines}
        before = {
            (cluster, exact): (at, tests, of, line)
            for cluster, exact, at, tests, of, line in self._db.execute(
                "SELECT cluster, exact, place, tests, whose, line FROM failing WHERE dir = ?",
                (run_dir,),
            )
        }
        if before == after:
            return set()
        self._db.execute("DELETE FROM failing WHERE dir = ?", (run_dir,))
        self._db.executemany(
            "INSERT INTO failing VALUES (?, ?, ?, ?, ?, ?, ?)",
            ((*name, run_dir, *row) for name, row in after.items()),
        )
        changed = before.items() ^ after.items()
        return {cluster for (cluster, _), _ in changed}

    def forget(self, run_dir: str) -> set[str]:
        """A run has no rows any more; the clusters that it was in."""
        return self.note(run_dir, RunKey("", (), ""), 0, ())

    def runs(self) -> list[str]:
        """The directories of all runs that have failing lines."""
        rows = self._db.execute("SELECT DISTINCT dir FROM failing ORDER BY 1")
        return [row[0] for row in rows]

    def of_run(self, run_dir: str, most: int) -> tuple[int, list[FailingLine]]:
        """How many kinds of lines a run has, and those that the most of its tests have."""
        (total,) = self._db.execute(
            "SELECT coalesce(sum(CASE cluster WHEN '' THEN tests ELSE 1 END), 0)"
            " FROM failing WHERE dir = ?",
            (run_dir,),
        ).fetchone()
        rows = self._db.execute(
            "SELECT cluster, exact, line, tests FROM failing WHERE dir = ? AND cluster <> ''"
            " ORDER BY tests DESC, cluster, exact LIMIT ?",
            (run_dir, most),
        )
        return total, [_unpacked(*row) for row in rows]

    def shelves(self) -> dict[str, int]:
        """The first two digits of all clusters → how many begin with them."""
        rows = self._db.execute(
            "SELECT substr(cluster, 1, 2), count(DISTINCT cluster) FROM failing"
            " WHERE cluster <> '' GROUP BY 1 ORDER BY 1"
        )
        return dict(rows.fetchall())

    def of_shelf(self, shelf: str, most: int) -> tuple[int, list[Cluster]]:
        """How many clusters begin with these digits, and those that were seen last."""
        (total,) = self._db.execute(
            "SELECT count(DISTINCT cluster) FROM failing WHERE cluster >= ? AND cluster < ?",
            (shelf, f"{shelf}g"),
        ).fetchone()
        rows = self._db.execute(
            "SELECT cluster FROM failing WHERE cluster >= ? AND cluster < ? GROUP BY cluster"
            " ORDER BY max(place) DESC, cluster LIMIT ?",
            (shelf, f"{shelf}g", most),
        ).fetchall()
        return total, [self._cluster(name) for (name,) in rows]

    def newest(self, most: int) -> list[Cluster]:
        """Those that were seen last, the most frequent of them first where the run is the same."""
        rows = self._db.execute(
            "SELECT cluster FROM failing WHERE place >= coalesce((SELECT place FROM failing"
            " ORDER BY place DESC LIMIT 1 OFFSET ?), 0) AND cluster <> '' GROUP BY cluster"
            " ORDER BY max(place) DESC, sum(tests) DESC, cluster LIMIT ?",
            (most * 10, most),
        ).fetchall()
        return [self._cluster(name) for (name,) in rows]

    def left_out(self, most: int) -> list[tuple[RunKey, int]]:
        """The newest runs with more kinds of lines than are kept, and how many are left out."""
        rows = self._db.execute(
            "SELECT whose, tests FROM failing WHERE cluster = '' ORDER BY place DESC, dir LIMIT ?",
            (most,),
        )
        keys = ((json.loads(whose), kinds) for whose, kinds in rows)
        return [(RunKey(area, tuple(target), name), n) for (area, target, name), n in keys]

    def _cluster(self, name: str) -> Cluster:
        tests, runs, variants = self._db.execute(
            "SELECT sum(tests), count(DISTINCT dir), count(DISTINCT exact) FROM failing"
            " WHERE cluster = ?",
            (name,),
        ).fetchone()
        areas = self._db.execute(
            "SELECT DISTINCT json_extract(whose, '$[0]') FROM failing WHERE cluster = ?", (name,)
        ).fetchall()
        order = "SELECT exact, place, tests, whose, line FROM failing WHERE cluster = ? ORDER BY"
        newest = self._db.execute(
            f"{order} place DESC, dir DESC, tests DESC, exact LIMIT {NEWEST}", (name,)
        ).fetchall()
        first = self._db.execute(f"{order} place, dir, exact LIMIT 1", (name,)).fetchone()
        return Cluster(
            name,
            tests,
            runs,
            variants,
            tuple(sorted(str(area) for (area,) in areas)),
            _occurrence(name, first),
            tuple(_occurrence(name, row) for row in newest),
        )


def _packed(one: FailingLine) -> str:
    return json.dumps([one.text, one.first, one.log, one.line, one.hosts, one.rule])


def _occurrence(cluster: str, row: tuple[str, int, int, str, str]) -> Occurrence:
    exact, place, tests, whose, packed = row
    area, target, runname = json.loads(whose)
    found = _unpacked(cluster, exact, packed, tests)
    return Occurrence(RunKey(area, tuple(target), runname), place, found)


def _unpacked(cluster: str, exact: str, packed: str, tests: int) -> FailingLine:
    text, first, log, line, hosts, rule = json.loads(packed)
    name, where = (first[0], first[1]), (log, line)
    return FailingLine(cluster, exact, text, tests, name, *where, tuple(hosts), rule)
