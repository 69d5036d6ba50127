"""Load samples of tests (table test_rundat): what the CPU and the disk did while they ran."""

import sqlite3
from collections import defaultdict
from collections.abc import Mapping, Sequence

from mtsite.megatest import rows
from mtsite.megatest.database import AreaConnection, is_damage
from mtsite.megatest.query import select
from mtsite.model import Sample

MOST_ROWS = 200_000
"""The table has no index: a longer one would keep a writer waiting at each run that is read."""

MOST_SAMPLES = 120
_COLUMNS = "test_id update_time cpuload diskfree".split()


def read_samples(
    connection: AreaConnection, ids: Sequence[int]
) -> Mapping[int, tuple[Sample, ...]] | None:
    """Samples by the rowid of their test, in the order of time.

    More than 120 of one test are joined: the highest load, the least free space of neighbours.
    None where they can't be looked through: there are too many, or that table is damaged.
    """
    if not ids or not connection.columns("test_rundat"):
        return {}
    try:
        return _read(connection, ids)
    except sqlite3.DatabaseError as error:
        if not is_damage(error):
            raise
        return None


def _read(
    connection: AreaConnection, ids: Sequence[int]
) -> Mapping[int, tuple[Sample, ...]] | None:
    (last,) = connection.execute("SELECT max(rowid) FROM test_rundat").fetchone()
    if not last:
        return {}
    if last > MOST_ROWS:
        return None
    wanted = frozenset(ids)
    found: defaultdict[int, list[Sample]] = defaultdict(list)
    where = "test_id BETWEEN ? AND ?"
    for row in select(connection, "test_rundat", _COLUMNS, where, (min(ids), max(ids))):
        number, at = rows.integer(row["test_id"]), rows.time(row["update_time"])
        if number in wanted and at is not None:
            found[number].append((at, _load(row["cpuload"]), _free(row["diskfree"])))
    return {number: thinned(sorted(group, key=_time)) for number, group in found.items()}


def thinned(samples: Sequence[Sample]) -> tuple[Sample, ...]:
    """At most 120 of them; no peak of load and no shortage of space is lost."""
    step = -(-len(samples) // MOST_SAMPLES)
    if step <= 1:
        return tuple(samples)
    groups = [samples[i : i + step] for i in range(0, len(samples), step)]
    return tuple(
        (
            group[0][0],
            max((load for _, load, _ in group if load is not None), default=None),
            min((free for _, _, free in group if free is not None), default=None),
        )
        for group in groups
    )


def _time(sample: Sample) -> int:
    return sample[0]


def _load(value: object) -> float | None:
    number = rows.real(value)
    return number if number is not None and number >= 0 else None


def _free(value: object) -> int | None:
    number = rows.integer(value)
    return number if number is not None and number >= 0 else None
