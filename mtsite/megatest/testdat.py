"""Generation G2: steps and data of each test lie in `testdat.db` in its run directory.

Whoever could write the run directory could write that file: it is looked for where logs may lie,
and what makes it unreadable is told on the test's page, never raised.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path

from msgspec import Struct

from mtsite.errors import MtsiteError
from mtsite.megatest import rows
from mtsite.megatest.database import reading
from mtsite.megatest.linktree import AreaPlace, Roots, find_testdat
from mtsite.megatest.query import select
from mtsite.model import RunKey, Step, Test, TestDatum

BUSY_SECONDS = 0.5
"""One run has hundreds of them: none is waited for long."""

MOST_ROWS = 20_000
NO_STEPS = "steps and test data are not known"
"""How a note ends that says why a testdat.db was not read."""


class RunDirs(Struct, frozen=True):
    """Where run directories with a testdat.db lie; `expected`: each test that ran has one."""

    place: AreaPlace
    expected: bool = True


class OwnRows(Struct, frozen=True):
    """What a test's own database holds; `note` says why it could not be read, '' when it could."""

    steps: tuple[Step, ...] = ()
    data: tuple[TestDatum, ...] = ()
    note: str = ""


def own_rows_of(rundirs: RunDirs, key: RunKey) -> Callable[[Test, int], OwnRows]:
    """How to find the steps and data that the tests of a run keep in their run directories."""
    return partial(_read_testdat, rundirs.place.roots(), rundirs.expected, key)


def _read_testdat(roots: Roots, expected: bool, key: RunKey, test: Test, test_id: int) -> OwnRows:
    path, reason = find_testdat(roots, key, test)
    if path is None:
        return OwnRows(note=f"{reason}: {NO_STEPS}" if reason and expected else "")
    try:
        return _read(path, test_id)
    except MtsiteError as error:
        return OwnRows(note=f"{error.message}: {NO_STEPS}")


def _read(path: Path, test_id: int) -> OwnRows:
    with reading(path, busy_seconds=BUSY_SECONDS) as connection:
        limited = f"id IS NOT NULL ORDER BY id LIMIT {MOST_ROWS}"
        steps = select(connection, "test_steps", rows.STEP_COLUMNS, limited, ())
        data = select(connection, "test_data", rows.DATUM_COLUMNS, limited, ())
    cut = max(len(steps), len(data)) == MOST_ROWS
    return OwnRows(
        rows.pair_steps(_of_one(steps, test_id)),
        tuple(
            rows.to_datum(row)
            for row in _of_one(data, test_id)
            if not rows.is_deleted(row["status"])
        ),
        f"only the first {MOST_ROWS} rows of {path} were read" if cut else "",
    )


def _of_one(found: Sequence[Mapping[str, object]], test_id: int) -> Sequence[Mapping[str, object]]:
    """The rows of the test itself, by its number, else the number that was written last.

    The directory says whose rows they are: an area that was rebuilt numbers its tests anew.
    """
    numbers = {row["test_id"] for row in found}
    number = test_id if test_id in numbers else found[-1]["test_id"] if found else None
    return [row for row in found if row["test_id"] == number]
