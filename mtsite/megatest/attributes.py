"""What is known of runs beside their columns: Megatest's table of (run, key, value).

The table has no index by run. So a listing goes through it once, and says for each run between
which rowids its attributes lie: rows of one run are written together.
"""

import sqlite3
from collections.abc import Sequence
from functools import reduce
from zlib import crc32

from mtsite.megatest import rows
from mtsite.megatest.database import AreaConnection, is_damage
from mtsite.megatest.newrun import OWN, SOURCE
from mtsite.megatest.query import select

Told = tuple[int, int, int]
"""Of a run's attributes: a number that changes with them, and the rowids of the first and last."""

NOT_TOLD: Told = (0, 0, 0)


def read_attributes(
    connection: AreaConnection, run_id: int, told: Told | None
) -> tuple[tuple[str, str], ...]:
    """The attributes of a run, in the order of their rows; mtsite's own are left out.

    `told` is where they lie; None: nobody has looked, all of the table is gone through.
    """
    return read_told(connection, run_id, told)[0]


def read_told(
    connection: AreaConnection, run_id: int, told: Told | None
) -> tuple[tuple[tuple[str, str], ...], str]:
    """The same, and what an ingested run was made from: "junit", "objects"; '' for Megatest's."""
    found = _attribute_rows(connection, run_id, told)
    pairs = [(rows.text(row["key"]), rows.text(row["val"])) for row in found]
    source = next((value for key, value in pairs if key == SOURCE), "")
    others = tuple((key, value) for key, value in pairs if not key.startswith(OWN))
    return others, source.partition(" ")[0]


def attribute_mark(connection: AreaConnection, run_id: int, told: Told | None) -> int:
    """The mark of the same rows as they are now."""
    return reduce(_marked, _attribute_rows(connection, run_id, told), 0)


def list_attributes(connection: AreaConnection) -> dict[int, Told]:
    """Rowid of a run → where its attributes lie; runs without any left out.

    The table has no index by run, so it is gone through once for all of them, in small chunks.
    """
    found: dict[int, Told] = {}
    last = 0
    while some := _select_attributes(connection, "id > ? ORDER BY id LIMIT 2000", (last,)):
        for row in some:
            last = rows.rowid(row)
            number = rows.integer(row["run_id"]) or 0
            mark, first, _last = found.get(number, (0, last, last))
            found[number] = (_marked(mark, row), first, last)
    return found


def _attribute_rows(connection: AreaConnection, run_id: int, told: Told | None) -> list[rows.Row]:
    if told is None:
        return _select_attributes(connection, "run_id = ? ORDER BY id", (run_id,))
    _mark, first, last = told
    if not last:
        return []
    where = "id BETWEEN ? AND ? AND run_id = ? ORDER BY id"
    return _select_attributes(connection, where, (first, last, run_id))


def _select_attributes(
    connection: AreaConnection, where: str, values: Sequence[int]
) -> list[rows.Row]:
    """Damage there must not cost a run."""
    try:
        return [*select(connection, "extradat", ("id", "run_id", "key", "val"), where, values)]
    except sqlite3.DatabaseError as error:
        if not is_damage(error):
            raise
        return []


def _marked(mark: int, row: rows.Row) -> int:
    return crc32(repr((row["key"], row["val"])).encode("utf-8", "surrogatepass"), mark)
