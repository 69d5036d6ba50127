"""Runs that are at their source still, or again, and which copy of them counts.

all rows of the copy are there, and Megatest went on with them     the source: the copy goes
rows that equal the copy, and no others                            the archive: they go again
rows that equal the copy, others, and some of the copy are gone    both: what stays at the
                                                                   source is a run of its own
"""

from collections.abc import Iterable, Mapping, Sequence

from mtsite import notes
from mtsite.archive.batch import Batch, this_run
from mtsite.archive.birth import moved_mark, numbers_at_source, run_name, source_run_id
from mtsite.archive.copying import gather_run
from mtsite.archive.route import Checkpoint, Route, archive_errors
from mtsite.errors import BusyError
from mtsite.megatest.compare import Pair, Tally, compare_run, pair
from mtsite.megatest.database import area_errors
from mtsite.megatest.direct import SOURCE
from mtsite.megatest.incoming import discard_run, read_back
from mtsite.megatest.letgo import mark_what_stays
from mtsite.megatest.shape import RUN, SYNCHRONISED, TESTS, Row, TableShape
from mtsite.megatest.transfer import Store, immediate
from mtsite.notes import Note

IN_CACHE = (
    "it came back, and some of its rows to a cache alone: sync it first"
    " (megatest -sync-to-megatest.db)"
)
"""A cache lies in /tmp: for what is nowhere else the archive keeps its copy."""

_STAY = {RUN: ("event_time",), TESTS: ("testname", "item_path", "event_time")}
"""Columns of a row that stay the same while Megatest goes on with it."""

WENT_ON = "it came back and Megatest went on with it: its copy is taken back, it moves anew"


def also_moved(note: Note) -> BusyError:
    """Two movers met over one run; it is for the caller to raise."""
    return BusyError(
        f"{run_name(note)} is being moved by another mtsite as well",
        "run again when that one has ended",
    )


def pair_with(route: Route, store: Store, begun: Iterable[Note]) -> Pair:
    """A source or a cache with the archive, for the runs of these notes."""
    renumbered = [numbers_at_source(route, note) for note in begun]
    return pair(store, route.archive.shapes, renumbered)


def take_back(route: Route, note: Note) -> None:
    """Throw away a copy and its note, in one transaction: the source is whole and is the truth."""
    with archive_errors(route.archive.path), immediate(route.archive.connection):
        _throw_away(route, note)


def without_gone_on(
    route: Route, begun: Sequence[Note], batch: Batch, checkpoint: Checkpoint
) -> list[Note]:
    """Those that may be let go (again); of the others the copy is thrown away."""
    settled = [note for note in begun if note.state == notes.SETTLED]
    pairs = [pair_with(route, store, settled) for store in route.stores] if settled else []
    going: list[Note] = []
    for note in begun:
        run_id = source_run_id(route, note)
        with this_run(batch, run_id):
            if note in settled and _is_taken_back(route, pairs, note):
                checkpoint("taken back")
                batch.keep(run_id, WENT_ON)
            else:
                going.append(note)
    return going


def set_apart(route: Route, pairs: Sequence[Pair], note: Note) -> None:
    """Mark what stays at the source of a run that is settled: it is a new run under an old name."""
    leave = route.leave if route.leave.mark else moved_mark(route.archive.path.name, route.now)
    for both in pairs:
        with area_errors(both.source.path):
            mark_what_stays(both, source_run_id(route, note), leave)


def nothing_is_gone(route: Route, note: Note) -> bool:
    """Whether every row of the copy, changed or not, is still at the source."""
    try:
        source = gather_run(route, source_run_id(route, note))
    except LookupError:
        return False
    numbers = numbers_at_source(route, note)
    with archive_errors(route.archive.path):
        copy = read_back(route.archive, note.run_id, numbers)
    shapes = route.archive.shapes
    return all(
        _births(shapes[table], rows) <= _births(shapes[table], source.rows.get(table, ()))
        for table, rows in copy.rows.items()
    )


def _is_taken_back(route: Route, pairs: Sequence[Pair], note: Note) -> bool:
    archive = route.archive
    with archive_errors(archive.path), immediate(archive.connection):
        # From here to the end of this transaction nobody can write to the source.
        archive.connection.execute(f"SELECT 1 FROM {SOURCE}.sqlite_master LIMIT 1").fetchone()
        found = [_compared(both, source_run_id(route, note)) for both in pairs]
        if not _went_on(found, note.counts):
            return False
        for table in SYNCHRONISED & note.counts.keys():
            if _equal_rows(found[0], table) != note.counts[table]:
                raise LookupError(IN_CACHE)
        _throw_away(route, note)
    return True


def _compared(both: Pair, run_id: int) -> Mapping[str, Tally]:
    with area_errors(both.source.path):
        return compare_run(both, run_id)


def _went_on(found: Sequence[Mapping[str, Tally]], counts: Mapping[str, int]) -> bool:
    """Whether all rows of the copy are there and equal, and others beside them."""
    more = any(tally.other for tallies in found for tally in tallies.values())
    return more and all(
        any(_equal_rows(one, table) == number for one in found) for table, number in counts.items()
    )


def _equal_rows(found: Mapping[str, Tally], table: str) -> int:
    tally = found.get(table, Tally(0, 0))
    return tally.rows - tally.other


def _throw_away(route: Route, note: Note) -> None:
    if not notes.remove(route.archive.connection, note):
        raise also_moved(note)
    discard_run(route.archive, note.run_id)


def _births(shape: TableShape, rows: Iterable[Row]) -> set[tuple[object, ...]]:
    """What stays the same of a row that changes: another row may get its rowid when it is gone."""
    names = _STAY.get(shape.name, ())
    places = [0, *map(shape.place, names)]
    return {tuple(row[place] for place in places) for row in rows}
