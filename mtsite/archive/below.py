"""Rows that a sync brought back below the mark that their run left behind, as they were.

A MOVED row that has tests again is a new run under an old name, and nothing moves it. But tests
that equal the copy in the archive are no new run: they are let go again.
"""

from collections.abc import Iterator
from pathlib import Path

from msgspec.structs import replace

from mtsite import notes
from mtsite.archive.birth import is_from, numbers_at
from mtsite.archive.plan import MovePlan, PlannedMove
from mtsite.megatest.compare import attach, pair
from mtsite.megatest.database import AreaConnection, area_errors, reading
from mtsite.megatest.letgo import MOVED, came_back, marked_with_tests
from mtsite.megatest.shape import RUN, read_shapes
from mtsite.megatest.transfer import Store

RULE = "came back"
REASON = "rows that equal its copy came back below its mark: they are let go again"


def with_rows_below_marks(
    plan: MovePlan, source: Path, archive: Path, destination: str = ""
) -> MovePlan:
    """The same plan; runs of which rows came back, and whose copy is in this archive, go again."""
    marked = {one.run.run_id for one in plan.kept if one.run.state == MOVED}
    if not marked or not archive.exists():
        return plan
    with reading(source) as connection, area_errors(source):
        marked &= marked_with_tests(connection)
        # A copy that was made because the area's own needs a rollback can't be compared.
        found = set(_back(connection, source, archive, marked)) if not connection.note else set()

    def judged(one: PlannedMove) -> PlannedMove:
        if one.run.run_id not in found:
            return one
        return replace(one, moves=True, rule=RULE, reason=REASON, destination=destination)

    return MovePlan(tuple(map(judged, plan.moves))) if found else plan


def _back(
    connection: AreaConnection, source: Path, archive: Path, marked: set[int]
) -> Iterator[int]:
    """Those of these marked runs that have rows which equal their copy."""
    if not marked:
        return
    with reading(archive) as there:
        known = [
            (note, numbers_at(source, note))
            for note in notes.read(there)
            if note.state == notes.SETTLED and is_from(source, note)
        ]
        shapes = read_shapes(there)
    runs = [
        (run_id, numbers)
        for note, numbers in known
        if (run_id := numbers.get(RUN, {}).get(note.run_id, note.run_id)) in marked
    ]
    if not runs:
        return
    store = Store(source, connection, read_shapes(connection))
    attach(store, archive)
    both = pair(store, shapes, [numbers for _run_id, numbers in runs])
    yield from (run_id for run_id, _numbers in runs if came_back(both, run_id))
