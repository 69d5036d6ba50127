"""Who a run is, wherever it lies: the note of its birth, and what its row says."""

import os
from datetime import UTC, datetime
from pathlib import Path

from msgspec.structs import replace

from mtsite import notes
from mtsite.archive.layout import read_layout
from mtsite.archive.route import Route, user_name
from mtsite.megatest import transfer
from mtsite.megatest.incoming import Renumbered
from mtsite.megatest.letgo import MOVED, Leave
from mtsite.megatest.shape import RUN, Row
from mtsite.megatest.transfer import Store
from mtsite.notes import Note


def is_mark(store: Store, run_id: int) -> bool:
    """Whether a run row is what a move left behind: MOVED, and nothing below it."""
    rows = transfer.read_run(store, store.shapes, run_id).rows
    state = rows[RUN][0][store.shapes[RUN].place("state")]
    return str(state).upper() == MOVED and set(rows) == {RUN}


def moved_mark(destination: str, now: int) -> Leave:
    """What the row of a run that moved says of it."""
    day = datetime.fromtimestamp(now, UTC).strftime("%Y-%m-%d")
    comment = f"moved to {destination} on {day} by {user_name()}"
    return Leave({"state": MOVED, "comment": comment, "last_update": now})


def birth_of(route: Route, run_id: int, row: Row) -> Note:
    """A note of the run's birth, not stored: its own, or what the one says that it brought along.

    Its layout is that of the note that was brought along: how the run lies at the source.
    """
    brought = notes.read(route.source.connection, run_id=run_id)
    face = transfer.face_of(row, route.archive.shapes[RUN], route.keys)
    own = Note(
        run_id=0,
        birth_area=route.area,
        birth_target=face.target,
        birth_runname=face.runname,
        birth_run_id=run_id,
        event_time=face.event_time,
        source=str(route.source.path),
        who=route.who,
        host=route.host,
        started=route.now,
        old_state=face.state,
        old_status=face.status,
        old_comment=face.comment,
    )
    if not brought or brought[-1].birth_runname != face.runname:
        return own
    was = brought[-1]
    return replace(
        own,
        birth_area=was.birth_area,
        birth_target=was.birth_target,
        birth_runname=was.birth_runname,
        birth_run_id=was.birth_run_id,
        event_time=was.event_time,
        layout=was.layout,
    )


def same_birth(one: Note, other: Note) -> bool:
    """Whether two notes speak of one run, and not of two that bore one name."""
    return _birth(one) == _birth(other)


def numbers_at_source(route: Route, note: Note) -> Renumbered:
    """Rowid in the archive → at the source of this route, where they differ.

    A run may come back to the database from which it had gone on before its last move: there its
    rows have the numbers of their birth.

    Raises:
        VerificationError: the note is not in the form that mtsite writes.
    """
    return numbers_at(route.source.path, note)


def numbers_at(source: Path, note: Note) -> Renumbered:
    """The same for the path of a source.

    Raises:
        VerificationError: as `numbers_at_source`.
    """
    layout = read_layout(note)
    return layout.renumbered if is_from(source, note) else layout.birth


def is_from(source: Path, note: Note) -> bool:
    """Whether the last move of a run came from this database."""
    here = str(source)
    return note.source == here or os.path.realpath(note.source) == os.path.realpath(here)


def source_run_id(route: Route, note: Note) -> int:
    """The rowid that the run of a note has, or had, at the source of this route.

    Raises:
        VerificationError: as `numbers_at_source`.
    """
    return numbers_at_source(route, note).get(RUN, {}).get(note.run_id, note.run_id)


def run_name(note: Note) -> str:
    """The run in messages: target and runname."""
    return "/".join([*note.birth_target, note.birth_runname])


def _birth(note: Note) -> tuple[object, ...]:
    return (
        note.birth_area,
        note.birth_target,
        note.birth_runname,
        note.birth_run_id,
        note.event_time,
    )
