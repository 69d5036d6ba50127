"""What the tests of each run measured: what later runs of the target show as small curves.

Part of the manifest, and a cache like it. Names of variables are kept as digests: rows are not
masked yet when they come here.
"""

import hashlib
import json
import sqlite3
import zlib
from collections.abc import Mapping, Sequence
from functools import lru_cache

from mtsite.model import Run, TestName

MOST_VARIABLES = 100
"""So many of the first values of a test have a history."""

TABLE = "CREATE TABLE measured (dir TEXT PRIMARY KEY, packed BLOB NOT NULL) WITHOUT ROWID;"

Value = tuple[str, float | None]
"""(digest of category and variable, what was measured; None for what is no number)."""

Measured = dict[TestName, tuple[Value, ...]]
"""Test → its first values, in the order of its rows."""


class MeasuredValues:
    """The values of runs, by the directory of the run, in a manifest's database."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._db = connection

    def of_run(self, run_dir: str) -> Measured:
        """What is known of a run; {} for nothing."""
        row = self._db.execute("SELECT packed FROM measured WHERE dir = ?", (run_dir,)).fetchone()
        rows = json.loads(zlib.decompress(row[0])) if row else ()
        return {(t, i): tuple((key, value) for key, value in values) for t, i, values in rows}

    def mark(self, run_dir: str) -> str:
        """A digest of what is known of a run; '' for nothing."""
        row = self._db.execute("SELECT packed FROM measured WHERE dir = ?", (run_dir,)).fetchone()
        return hashlib.sha256(row[0]).hexdigest()[:20] if row else ""

    def note(self, run_dir: str, measured: Measured) -> bool:
        """What the rows of a run say now; whether that is another word than before."""
        if not measured:
            gone = self._db.execute("DELETE FROM measured WHERE dir = ?", (run_dir,))
            return gone.rowcount > 0
        rows = [[*name, values] for name, values in measured.items()]
        packed = zlib.compress(json.dumps(rows, separators=(",", ":")).encode(), 1)
        noted = self._db.execute(
            "INSERT INTO measured VALUES (?, ?) ON CONFLICT (dir)"
            " DO UPDATE SET packed = excluded.packed WHERE packed IS NOT excluded.packed",
            (run_dir, packed),
        )
        return noted.rowcount > 0


def measured_of(run: Run) -> Measured:
    """What the tests of a run measured; tests without any number are left out."""
    found: Measured = {}
    for test in run.tests:
        if test.data:
            values = tuple(
                (key_of(datum.category, datum.variable), _number(datum.value))
                for datum in test.data[:MOST_VARIABLES]
            )
            if any(value is not None for _, value in values):
                found[test.name] = values
    return found


def histories(
    now: tuple[Value, ...], earlier: Sequence[Mapping[str, float | None]]
) -> tuple[tuple[float | None, ...], ...]:
    """For each value its own past, oldest first, itself last; () where there is none to show."""
    found = [_history(key, value, earlier) for key, value in now]
    while found and not found[-1]:
        found.pop()
    return tuple(found)


def _history(
    key: str, value: float | None, earlier: Sequence[Mapping[str, float | None]]
) -> tuple[float | None, ...]:
    past = [had.get(key) for had in earlier]
    first = next((i for i, one in enumerate(past) if one is not None), len(past))
    return (*past[first:], value) if value is not None and first < len(past) else ()


def _number(value: object) -> float | None:
    return value if isinstance(value, int | float) else None


@lru_cache(maxsize=4096)
def key_of(category: str, variable: str) -> str:
    """What a variable is called in `Value`."""
    name = f"{category}\0{variable}".encode("utf-8", "surrogatepass")
    return hashlib.blake2b(name, digest_size=6).hexdigest()
