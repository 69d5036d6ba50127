"""Which runs are searched in which shard, and what has moved since the shards were written.

Part of the manifest, and a cache like it. Whatever a run's rows in it change, the time of that run
becomes due in the same transaction, so that a kill forgets none.
"""

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

_SEEN = ("place", "gone", "coming", "summary", "verdicts")


def _row(of: str) -> str:
    return ", ".join(f"{of}.{column}" for column in _SEEN)


def _due(of: str) -> str:
    # OR IGNORE would not do: what a statement says of conflicts counts for its triggers, too.
    return (
        f"INSERT INTO search_due SELECT {of}.place"
        f" WHERE NOT EXISTS (SELECT 1 FROM search_due WHERE place = {of}.place);"
    )


TABLES = f"""
CREATE TABLE search_due (place INTEGER PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE search_shards (
  month TEXT NOT NULL, number INTEGER NOT NULL, place INTEGER NOT NULL, dir TEXT NOT NULL,
  PRIMARY KEY (month, number)) WITHOUT ROWID;
CREATE INDEX runs_place ON runs (place, dir);
CREATE TRIGGER search_new AFTER INSERT ON runs WHEN NOT new.coming
  BEGIN {_due("new")} END;
CREATE TRIGGER search_moved AFTER UPDATE ON runs WHEN ({_row("old")}) IS NOT ({_row("new")})
  BEGIN {_due("old")} {_due("new")} END;
CREATE TRIGGER search_gone AFTER DELETE ON runs WHEN NOT old.coming
  BEGIN {_due("old")} END;
CREATE TRIGGER search_line AFTER INSERT ON failing BEGIN {_due("new")} END;
CREATE TRIGGER search_no_line AFTER DELETE ON failing BEGIN {_due("old")} END;
CREATE TRIGGER search_host AFTER INSERT ON on_hosts BEGIN {_due("new")} END;
CREATE TRIGGER search_no_host AFTER DELETE ON on_hosts BEGIN {_due("old")} END;
"""
NAMES = ("search_due", "search_shards")


class First(NamedTuple):
    """The run with which a shard begins: when it began, and its directory."""

    place: int
    dir: str


class Searchable:
    """The shards of the search, by month, in a manifest's database."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._db = connection

    def due(self) -> list[int]:
        """When the runs began whose shards don't say yet what is known of them."""
        return [place for (place,) in self._db.execute("SELECT place FROM search_due")]

    def all_places(self) -> list[int]:
        """When the runs of the site began, those that have pages."""
        rows = self._db.execute("SELECT DISTINCT place FROM runs WHERE coming = 0")
        return [place for (place,) in rows]

    def settle(self, but: Iterable[int] = ()) -> None:
        """The shards say what is known, `but` those of runs that began then."""
        self._db.execute("DELETE FROM search_due")
        self._db.executemany("INSERT INTO search_due VALUES (?)", ((place,) for place in set(but)))

    def shards(self) -> dict[str, list[First]]:
        """Month → the runs that its shards begin with; the oldest month first."""
        found: dict[str, list[First]] = {}
        for month, place, run_dir in self._db.execute(
            "SELECT month, place, dir FROM search_shards ORDER BY month, number"
        ):
            found.setdefault(month, []).append(First(place, run_dir))
        return found

    def note(self, month: str, firsts: Sequence[First]) -> None:
        """The shards of a month begin with these runs now."""
        self._db.execute("DELETE FROM search_shards WHERE month = ?", (month,))
        self._db.executemany(
            "INSERT INTO search_shards VALUES (?, ?, ?, ?)",
            ((month, number, *first) for number, first in enumerate(firsts, start=1)),
        )

    def runs(self, first: First, before: int) -> Iterator[tuple[First, str, str]]:
        """(run, summary as JSON, why it is gone) from a run on, `before` a time; oldest first."""
        rows = self._db.execute(
            "SELECT place, dir, summary, gone FROM runs WHERE coming = 0"
            " AND (place, dir) >= (?, ?) AND place < ? ORDER BY place, dir",
            (*first, before),
        )
        for place, run_dir, summary, gone in rows:
            yield First(place, run_dir), summary, gone
