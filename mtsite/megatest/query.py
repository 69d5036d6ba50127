"""Short queries on a database that others write to: each fetched whole, none of them long."""

import time
from collections.abc import Callable, Sequence

from mtsite.megatest.database import AreaConnection
from mtsite.megatest.generation import expression

QUERY_SECONDS = 0.05


class Pace:
    """How many runs or tests the next query may take, so that it lasts about `QUERY_SECONDS`."""

    def __init__(self, size: int, most: int, clock: Callable[[], float] = time.monotonic) -> None:
        self.size = size
        self._most = most
        self._clock = clock
        self._started = clock()

    def start(self) -> int:
        """The clock starts; the size of the next query."""
        self._started = self._clock()
        return self.size

    def stop(self) -> None:
        """The rows are fetched: the next query grows or shrinks."""
        seconds = self._clock() - self._started
        if seconds > QUERY_SECONDS:
            self.size = max(1, self.size // 2)
        elif seconds < QUERY_SECONDS / 3:
            self.size = min(self._most, self.size * 2)


def select(
    connection: AreaConnection,
    table: str,
    columns: Sequence[str],
    where: str,
    values: Sequence[object],
) -> list[dict[str, object]]:
    """Rows as column → value, all fetched; for a column that is not there, what `ABSENT` says."""
    present = connection.columns(table)
    if not present:
        return []
    listed = ", ".join(expression(table, name, present) for name in columns)
    found = connection.execute(f"SELECT {listed} FROM {table} WHERE {where}", values).fetchall()
    return [dict(zip(columns, row, strict=True)) for row in found]


def version(connection: AreaConnection) -> int:
    """A number that changes when another connection has committed since it was last asked for."""
    return int(connection.execute("PRAGMA data_version").fetchone()[0])
