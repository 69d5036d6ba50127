"""The steps of moving some runs, each of which can be repeated after any death.

    copied        rows and notes of about twenty runs, one transaction of the archive
    verified      SQLite compares the archive's file with the source, row by row, once more
    letting go    from here readers take the archive's copy; rows leave caches, then the source
    settled       nothing names the runs at their source any more

Up to `verified` the source is the truth and a copy can be thrown away; from `letting go` on the
archive is, and the copy stays whatever happens. One run that can't go on stops no other.
"""

from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path

from msgspec.structs import replace

from mtsite import notes
from mtsite.archive.batch import Batch, this_run
from mtsite.archive.birth import birth_of, is_mark, run_name, same_birth, source_run_id
from mtsite.archive.copying import copy_runs
from mtsite.archive.layout import read_layout
from mtsite.archive.returned import (
    also_moved,
    nothing_is_gone,
    pair_with,
    set_apart,
    take_back,
    without_gone_on,
)
from mtsite.archive.route import Checkpoint, Route, archive_errors, ignore
from mtsite.errors import (
    AreaUnreadableError,
    ConflictError,
    VerificationError,
)
from mtsite.megatest import transfer
from mtsite.megatest.compare import Pair, compare_run, of_other_kind, version
from mtsite.megatest.completed import open_completed
from mtsite.megatest.crossing import crossing
from mtsite.megatest.database import area_errors
from mtsite.megatest.digest import digest_run
from mtsite.megatest.incoming import (
    Renumbered,
    read_back,
)
from mtsite.megatest.letgo import left_over, let_go_runs
from mtsite.megatest.shape import RUN, SYNCHRONISED, Row
from mtsite.megatest.transfer import RunRows, immediate
from mtsite.notes import Note

RUNS_AT_ONCE = 20
"""Runs that are copied in one transaction of the archive."""


def move_runs(route: Route, run_ids: Sequence[int], checkpoint: Checkpoint = ignore) -> Batch:
    """Move these runs into the archive; each that stays is in `Batch.reasons`.

    Each run is whole in at least one database at every instant; calling again after a crash
    finishes the moves. Another run of the same name in the archive is never overwritten.

    Raises:
        DestinationError: no room in the archive, or no right to write; nothing was changed.
        BusyError: a database stayed locked, or Megatest is at work on the area.
    """
    batch = Batch()
    begun: list[Note] = []
    births: dict[int, Note] = {}
    for run_id in run_ids:
        with this_run(batch, run_id):
            note = _look(route, run_id)
            if note.id:
                begun.append(note)
            else:
                births[run_id] = note
    if births:
        begun += copy_runs(route, births, batch)
        checkpoint(notes.COPIED)
    finish_moves(route, begun, checkpoint, batch)
    return batch


def finish_moves(
    route: Route, begun: Sequence[Note], checkpoint: Checkpoint = ignore, batch: Batch | None = None
) -> Batch:
    """Bring moves from whatever state their notes are in to the end.

    Raises:
        As `move_runs`.
    """
    batch = batch or Batch()
    early = [note for note in begun if note.state in {notes.COPIED, notes.VERIFIED}]
    late = [note for note in begun if note.state in {notes.LETTING_GO, notes.SETTLED}]
    late = without_gone_on(route, late, batch, checkpoint)
    equal_at: dict[Path, int] = {}
    if early:
        equal_at = {} if late else {store.path: version(store) for store in route.stores}
        early = _verify_all(route, early, checkpoint, batch)
        early = _advance(route, early, notes.VERIFIED)
        checkpoint(notes.VERIFIED)
        route.watch.look()
        early = _advance(route, early, notes.LETTING_GO)
        checkpoint(notes.LETTING_GO)
    _let_go(route, [*late, *early], checkpoint, batch, equal_at)
    if route.watch.server is None:
        settle(route, batch, checkpoint)
    return batch


def look_again(route: Route, batch: Batch, checkpoint: Checkpoint = ignore) -> None:
    """Let go once more what a sync has brought back since, then settle.

    Raises:
        As `move_runs`.
    """
    again = [*batch.unsettled, *batch.done]
    batch.unsettled, batch.done = [], []
    _let_go(route, again, checkpoint, batch, {})
    settle(route, batch, checkpoint)


def settle(route: Route, batch: Batch, checkpoint: Checkpoint = ignore) -> None:
    """Note that nothing names these runs at their source any more."""
    unsettled, batch.unsettled = batch.unsettled, []
    if fresh := [note for note in unsettled if note.state != notes.SETTLED]:
        _advance(route, fresh, notes.SETTLED, finished=route.now)
        checkpoint(notes.SETTLED)
    batch.done += unsettled


def _look(route: Route, run_id: int) -> Note:
    """The note of a move that was begun, or a note (id 0) of the birth of the run.

    The latter has the rowid of the run's own mark in the archive, if it went on from there before.

    Raises:
        LookupError: why it can't be copied now.
        ConflictError: the archive holds another run of this name.
    """
    with area_errors(route.source.path):
        found = transfer.read_run_row(route.source, route.archive.shapes, run_id)
        if not found:
            raise LookupError("it is no longer in its database")
        birth = birth_of(route, run_id, found[0])
        if tied := next(filter(None, (crossing(store, run_id) for store in route.stores)), ""):
            raise LookupError(tied)
    with archive_errors(route.archive.path):
        shape = route.archive.shapes[RUN]
        there = transfer.find_run(route.archive, route.keys, found[0], shape)
    if there is None:
        return birth
    known = notes.read(route.archive.connection, run_id=there)
    same = [note for note in known if same_birth(note, birth)]
    if not same and not known and _is_own_mark(route, there, birth):
        return replace(birth, run_id=there)
    if not same:
        raise ConflictError(
            f"{route.archive.path.name} holds another run {run_name(birth)}; both stay",
            "compare them with `mtsite explain`, then rename or remove one",
        )
    if same[-1].state == notes.RESTORING:
        raise LookupError("it is on its way back: mtsite restore finishes that")
    return same[-1]


def _is_own_mark(route: Route, run_id: int, birth: Note) -> bool:
    with archive_errors(route.archive.path):
        (row,) = transfer.read_run_row(route.archive, route.archive.shapes, run_id)
        face = transfer.face_of(row, route.archive.shapes[RUN], route.keys)
        return face.event_time == birth.event_time and is_mark(route.archive, run_id)


def _verify_all(
    route: Route, begun: Sequence[Note], checkpoint: Checkpoint, batch: Batch
) -> list[Note]:
    """Those whose copy equals their source; the others stay, and their copies are taken back."""
    pairs = [pair_with(route, store, begun) for store in route.stores]
    equal: list[Note] = []
    for note in begun:
        run_id = source_run_id(route, note)
        with this_run(batch, run_id):
            if changed := _verify(route, pairs, note):
                take_back(route, note)
                checkpoint("taken back")
                batch.keep(run_id, changed)
            else:
                equal.append(note)
    return equal


def _verify(route: Route, pairs: Sequence[Pair], note: Note) -> str:
    """Compare the archive's file with its source; '' when they agree, else how the source changed.

    Raises:
        VerificationError: the archive's rows are not what the note says.
    """
    base, *caches = pairs
    run_id = source_run_id(route, note)
    found = (
        _difference(base, run_id, note, base=True),
        *(_difference(one, run_id, note) for one in caches),
    )
    changed = next(filter(None, found), "")
    if changed or not _is_there(route, note):
        _check_digest(route, note)
    return changed


def _difference(both: Pair, run_id: int, note: Note, *, base: bool = False) -> str:
    with area_errors(both.source.path):
        found = compare_run(both, run_id)
    if not found[RUN].rows:
        return ""  # The archive has the only copy, or this cache none.
    for table, tally in found.items():
        # A cache in /tmp may have gone since; rows that Megatest itself deletes are another matter.
        complete = tally.rows == note.counts.get(table, 0)
        if tally.other and (columns := of_other_kind(both, table)):
            return f"it would not arrive as it is: {', '.join(columns)} can't hold its values there"
        if tally.other or (base and table in SYNCHRONISED and not complete):
            return "it changed while it was copied"
    missing = SYNCHRONISED & note.counts.keys() - found.keys()
    return "it changed while it was copied" if base and missing else ""


def _is_there(route: Route, note: Note) -> bool:
    with area_errors(route.source.path):
        row = transfer.read_run_row(route.source, route.archive.shapes, source_run_id(route, note))
    return bool(row)


def _check_digest(route: Route, note: Note) -> None:
    layout = read_layout(note)
    copy = read_copy(route, note, layout.birth)
    if digest_run(copy, route.archive.shapes, layout.columns) != note.digest:
        raise VerificationError(
            f"{route.archive.path}: {run_name(note)} does not read back as it was written;"
            " the source is kept",
            f"see `sqlite3 {route.archive.path} 'PRAGMA integrity_check'`",
        )


def read_copy(route: Route, note: Note, numbers: Renumbered) -> RunRows:
    """The copy as the file has it, under earlier rowids: over a fresh connection."""
    path = route.archive.path
    with archive_errors(path), closing(open_completed(path)) as connection:
        fresh = replace(route.archive, connection=connection)
        return read_back(fresh, note.run_id, numbers)


def _advance(
    route: Route, begun: Sequence[Note], state: str, *, finished: int | None = None
) -> list[Note]:
    """All of them in one transaction, unless somebody else has moved one of them on."""
    if begun:
        with archive_errors(route.archive.path), immediate(route.archive.connection):
            for note in begun:
                connection = route.archive.connection
                if not notes.advance(connection, note, state, finished=finished):
                    raise also_moved(note)
    return [replace(note, state=state, finished=finished) for note in begun]


def _let_go(
    route: Route,
    begun: Sequence[Note],
    checkpoint: Checkpoint,
    batch: Batch,
    equal_at: Mapping[Path, int],
) -> None:
    """Take runs out of caches and source; what is gone for good becomes `unsettled`."""
    if not begun:
        return
    by_id = {source_run_id(route, note): note for note in begun}
    pairs = [pair_with(route, store, begun) for store in (*route.caches, route.source)]
    for both in pairs:
        when = equal_at.get(both.source.path)
        for some in _let_go_at_once(route, both, list(by_id), when, checkpoint):
            with this_run(batch, some):
                _let_go_of(route, both, [some], None, checkpoint)
    for run_id, note in by_id.items():
        with this_run(batch, run_id):
            stays = _what_stays(route, pairs, note)
            if not stays:
                batch.reasons.pop(run_id, None)
                batch.unsettled.append(note)
            elif note.state != notes.SETTLED and nothing_is_gone(route, note):
                take_back(route, note)
                batch.keep(run_id, "it changed while it was moved")
            else:
                if note.state == notes.SETTLED:
                    set_apart(route, pairs, note)
                batch.keep(run_id, stays)


def _let_go_at_once(
    route: Route, both: Pair, run_ids: list[int], equal_at: int | None, checkpoint: Checkpoint
) -> list[int]:
    """Let all of them go; those that must be tried one by one come back.

    One run may lie on a page that can't be read: the others must not wait for it.
    """
    try:
        _let_go_of(route, both, run_ids, equal_at, checkpoint)
    except AreaUnreadableError:
        return run_ids
    return []


def _let_go_of(
    route: Route, both: Pair, run_ids: list[int], equal_at: int | None, checkpoint: Checkpoint
) -> None:
    look = route.watch.look
    with area_errors(both.source.path):
        let_go_runs(both, run_ids, route.leave, equal_at=equal_at, ready=look, committed=checkpoint)


def _what_stays(route: Route, pairs: Sequence[Pair], note: Note) -> str:
    """Which rows of the run are still at the source, in words; '' when none is."""
    found = []
    run_id = source_run_id(route, note)
    for both in pairs:
        with area_errors(both.source.path):
            rows = transfer.read_run_row(both.source, route.archive.shapes, run_id)
            rest = left_over(both, run_id) if rows else {}
        if not rows or not _is_run_of(route, rows[0], note):
            continue
        marked = route.leave.mark and _state(route, rows[0]) == route.leave.mark["state"]
        if rest or not marked:
            listed = ", ".join(
                f"{number} of {table}" for table, number in (rest or {RUN: 1}).items()
            )
            found.append(f"{listed} in {both.source.path}")
    return f"rows changed or appeared and stay: {'; '.join(found)}" if found else ""


def _is_run_of(route: Route, row: Row, note: Note) -> bool:
    """Not another run that was given the same rowid."""
    face = transfer.face_of(row, route.archive.shapes[RUN], route.keys)
    return (face.target, face.runname) == (note.birth_target, note.birth_runname)


def _state(route: Route, row: Row) -> str | None:
    return transfer.face_of(row, route.archive.shapes[RUN], route.keys).state
