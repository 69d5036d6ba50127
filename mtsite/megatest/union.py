"""What runs several databases hold together, whatever lies in which: to compare before and after.

Rows are read by plain SQL and named by target, runname, testname and item path, apart from all
that moves runs: what this says is the same is the same, although a move thinks so, too.
"""

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from msgspec import Struct

from mtsite.megatest.activity import key_names
from mtsite.megatest.database import AreaConnection, area_errors, reading
from mtsite.megatest.schema import quote
from mtsite.megatest.shape import RUN, TESTS, Shapes, TableShape, read_shapes

_BITS = 1 << 128

RunName = tuple[object, ...]
"""Key values and runname, as the row has them."""

Owner = tuple[RunName, tuple[object, ...]]
"""The run that a row belongs to, and the name of the test if it is a test's."""


class Rows(Struct):
    """The rows of one run: how many, and a sum over all of them that no order changes."""

    count: int = 0
    total: int = 0

    def add(self, row: tuple[object, ...]) -> None:
        """One more row of it."""
        digest = hashlib.blake2b(repr(row).encode("utf-8", "surrogatepass"), digest_size=16)
        self.total = (self.total + int.from_bytes(digest.digest())) % _BITS
        self.count += 1


def union_of(paths: Iterable[Path]) -> dict[RunName, Rows]:
    """The runs in these databases; one that is in two of them has the rows of both.

    Raises:
        AreaUnreadableError, AreaBusyError: one of them can't be read.
    """
    found: dict[RunName, Rows] = {}
    for path in paths:
        with reading(path) as connection, area_errors(path):
            for name, row in _rows_of(connection):
                found.setdefault(name, Rows()).add(row)
    return found


def differing_runs(before: Mapping[RunName, Rows], after: Mapping[RunName, Rows]) -> list[RunName]:
    """The runs that have gained, lost or changed a row."""
    names = dict.fromkeys([*before, *after])
    return [name for name in names if before.get(name) != after.get(name)]


def _rows_of(connection: AreaConnection) -> Iterator[tuple[RunName, tuple[object, ...]]]:
    shapes = read_shapes(connection)
    runs = _run_names(connection, shapes)
    tests = _test_names(connection, shapes, runs)
    for table, shape in sorted(shapes.items()):
        if table == RUN:
            yield from _rows_of_table(connection, shape, shape.rowid, runs)
        elif "run_id" in shape.columns:
            yield from _rows_of_table(connection, shape, "run_id", runs)
        elif "test_id" in shape.columns:
            yield from _rows_of_table(connection, shape, "test_id", tests)


def _rows_of_table(
    connection: AreaConnection, shape: TableShape, owner: str, owners: Mapping[object, Owner]
) -> Iterator[tuple[RunName, tuple[object, ...]]]:
    """(run, row) for each row that belongs to one; rowids in it are told as there or not there."""
    told = [f"{quote(c)} IS NULL" if c in shape.references else quote(c) for c in shape.columns]
    query = f"SELECT {', '.join([owner, *told])} FROM {quote(shape.name)}"
    for owned, *values in connection.execute(query):
        if owned in owners:
            run, who = owners[owned]
            yield run, (shape.name, who, shape.columns, *values)


def _run_names(connection: AreaConnection, shapes: Shapes) -> dict[object, Owner]:
    names = ", ".join(map(quote, [*key_names(connection), "runname"]))
    query = f"SELECT {shapes[RUN].rowid}, {names} FROM runs"
    return {row[0]: (tuple(row[1:]), ()) for row in connection.execute(query)}


def _test_names(
    connection: AreaConnection, shapes: Shapes, runs: Mapping[object, Owner]
) -> dict[object, Owner]:
    query = f"SELECT {shapes[TESTS].rowid}, run_id, testname, item_path FROM tests"
    return {
        row[0]: (runs[row[1]][0], tuple(row[2:]))
        for row in connection.execute(query)
        if row[1] in runs
    }
