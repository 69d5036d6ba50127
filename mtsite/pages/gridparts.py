"""Which rows of a grid share a page: as many as weigh 500 kB, whatever they are called. Pure."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TypeVar

from mtsite import urls
from mtsite.model import RunSummary, TestName
from mtsite.pages.page import GridRow
from mtsite.pages.weight import weight
from mtsite.rollup import ABSENT

PAGE_BYTES = 600_000
FRAME_BYTES = 40_000
"""The page around the rows: frame, title, links to windows and to a hundred other parts."""

COLUMN_BYTES = 900
ROW_BYTES = 105
ITEM_BYTES = 40
CELL_BYTES = 75
JOIN_BYTES = 40
CALM_BYTES = 60
VALUE_BYTES = 70
OWNER_BYTES = 45
"""What columns, rows, items, cells, more runs in one, cells without link, numbers and owners take
beside names."""

NOBODY: Mapping[str, str] = {}

MOST_ROWS = 4000
T = TypeVar("T")


class Weights:
    """Estimates, rather too high, of what rows weigh in the columns of these runs.

    `joined`: equal neighbours are one cell, named by its first and last run.
    """

    def __init__(
        self, runs: Sequence[RunSummary], owners: Mapping[str, str] = NOBODY, *, joined: bool
    ) -> None:
        self.joined = joined
        self.owners = owners
        names = [() if joined else run.key.target for run in runs]
        runnames = [run.key.runname for run in runs]
        self._names = [weight("/".join((*n, r))) for n, r in zip(names, runnames, strict=True)]
        self._links = [
            len(urls.segment(run.key.runname)) if joined else len(urls.run_dir(run.key))
            for run in runs
        ]
        heads = sum(COLUMN_BYTES + 2 * name for name in self._names) + 3 * sum(self._links)
        self.room = max(PAGE_BYTES // 6, PAGE_BYTES - FRAME_BYTES - heads)

    def row(self, row: GridRow) -> int:
        """Bytes of a row in HTML."""
        link = _link(row.name)
        found = ROW_BYTES + weight(*row.name) + link + (ITEM_BYTES if row.name[1] else 0)
        if owner := self.owners.get(row.name[0]):
            found += OWNER_BYTES + weight(owner)
        at = 0
        for letter, value, span in row.stretches(len(self._names)):
            end = at + span
            found += 0 if value is None else VALUE_BYTES
            if letter in {"P", ABSENT}:
                found += CALM_BYTES + self._named(at, end)
            elif self.joined:
                found += CELL_BYTES + link + self._links[at] + self._named(at, end)
            else:
                found += (end - at) * (CELL_BYTES + link)
                found += sum(self._links[at:end]) + sum(self._names[at:end])
            at = end
        return found

    def _named(self, start: int, end: int) -> int:
        if not self.joined:
            return 0
        many = JOIN_BYTES + self._names[end - 1] if end - start > 1 else 0
        return self._names[start] + many


def _link(name: TestName) -> int:
    return sum(len(urls.segment(part)) for text in name for part in text.split("/"))


def divide(
    rows: Sequence[T], weigh: Callable[[T], int], room: int, alike: Callable[[T, T], bool]
) -> list[Sequence[T]]:
    """Rows for each page: all on one where there is room, else none with rows unlike its own."""
    weights = [weigh(row) for row in rows]
    if sum(weights) <= room and len(rows) <= MOST_ROWS:
        return [rows]
    return list(_divided(rows, weights, room, alike))


def _divided(
    rows: Sequence[T], weights: Sequence[int], room: int, alike: Callable[[T, T], bool]
) -> Iterator[Sequence[T]]:
    start, taken = 0, 0
    for at, one in enumerate(weights):
        full = taken + one > room or at - start >= MOST_ROWS
        if at > start and (full or not alike(rows[start], rows[at])):
            yield rows[start:at]
            start, taken = at, 0
        taken += one
    yield rows[start:]
