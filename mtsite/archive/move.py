"""The steps of moving one run, each of which can be repeated after any death.

    copied        rows and note, one transaction of the archive
    verified      read back over a fresh connection, and the source looked at once more
    letting go    from here readers take the archive's copy; rows leave caches, then megatest.db
    settled       nothing names the run at its source any more

Up to `verified` the source is the truth and a copy can be thrown away; from `letting go` on the
archive is, and the copy stays whatever happens.
"""

import json
import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from mtsite import notes
from mtsite.errors import BusyError, ConflictError, DestinationError, VerificationError
from mtsite.megatest import transfer
from mtsite.megatest.completed import open_completed
from mtsite.megatest.database import area_errors
from mtsite.megatest.digest import covered_columns, digest_run
from mtsite.megatest.incoming import (
    discard_run,
    gather_shared,
    read_back,
    store_run,
)
from mtsite.megatest.shape import RUN, SYNCHRONISED, TESTS, Row
from mtsite.megatest.transfer import Held, RunRows, Store, immediate
from mtsite.notes import Note

Checkpoint = Callable[[str], None]
"""Called with the name of a step that is now on disk; tests die here."""


def ignore(step: str) -> None:
    """The checkpoint of everyday."""


@dataclass(frozen=True, slots=True)
class Route:
    """From where to where runs move, and on whose behalf.

    `caches` are the copies of the source in /tmp, in the order in which rows must go there.
    `ready` raises BusyError while rows must not be let go; `now` is in Unix seconds.
    """

    area: str
    keys: tuple[str, ...]
    source: Store
    caches: tuple[Store, ...]
    archive: Store
    who: str
    host: str
    now: int
    ready: Callable[[], None]

    @property
    def stores(self) -> tuple[Store, ...]:
        """The source, and the caches that hold more of it."""
        return (self.source, *self.caches)


def move_run(route: Route, run_id: int, checkpoint: Checkpoint = ignore) -> str:
    """Move one run into the archive; '' when it is there, else why it stays.

    The run is whole in at least one database at every instant; calling again after a crash
    finishes the move. A run that changed on the way stays, with a reason.

    Raises:
        ConflictError: the archive holds another run of this name; nothing was changed.
        VerificationError: the copy does not read back as the source; the source is kept.
        DestinationError: no room in the archive, or no right to write; nothing was changed.
        BusyError: a database stayed locked, or Megatest is at work on the area.
    """
    with area_errors(route.source.path):
        found = transfer.read_run_row(route.source, route.archive.shapes, run_id)
    if not found:
        return "it is no longer in its database"
    birth = birth_of(route, run_id)
    there = transfer.find_run(route.archive, route.keys, found[0], route.archive.shapes[RUN])
    if there is None:
        try:
            copy = _gather(route, run_id)
        except LookupError as difference:
            return f"{difference}: sync it first (megatest -sync-to-megatest.db)"
        note = _copy(route, copy, birth)
        checkpoint("copied")
        return finish_move(route, note, checkpoint)
    known = notes.read(route.archive.connection, run_id=there)
    same = [note for note in known if _birth(note) == _birth(birth)]
    if not same:
        raise ConflictError(
            f"{route.archive.path.name} holds another run {_name(birth)}; both stay",
            "compare them with `mtsite explain`, then rename or remove one",
        )
    return finish_move(route, same[-1], checkpoint)


def finish_move(route: Route, note: Note, checkpoint: Checkpoint = ignore) -> str:
    """Bring a move from whatever state its note is in to the end; '' or why the run stays.

    Raises:
        As `move_run`.
    """
    if note.state in {notes.COPIED, notes.VERIFIED}:
        if changed := _verify(route, note):
            take_back(route, note)
            checkpoint("taken back")
            return changed
        note = _advance(route, note, notes.VERIFIED)
        checkpoint(notes.VERIFIED)
        route.ready()
        note = _advance(route, note, notes.LETTING_GO)
        checkpoint(notes.LETTING_GO)
    held = Held.of(_read_back(route, note))
    for store in (*route.caches, route.source):
        _let_go(route, store, held, checkpoint)
    stays = _what_stays(route, held)
    if stays and note.state != notes.SETTLED and _nothing_is_gone(route, held):
        take_back(route, note)
        return "it changed while it was moved"
    if stays:
        return stays
    if note.state != notes.SETTLED:
        _advance(route, note, notes.SETTLED, finished=route.now)
        checkpoint(notes.SETTLED)
    return ""


def take_back(route: Route, note: Note) -> None:
    """Throw away a copy and its note, in one transaction: the source is whole and is the truth."""
    with archive_errors(route.archive.path), immediate(route.archive.connection):
        _same_note(route, note)
        discard_run(route.archive, note.run_id)
        notes.remove(route.archive.connection, note.id)


def source_run_id(note: Note) -> int:
    """The rowid that the run of a note has, or had, at its source.

    Raises:
        VerificationError: the note is not in the form that mtsite writes.
    """
    _columns, renumbered = _read_layout(note)
    return renumbered.get(RUN, {}).get(note.run_id, note.run_id)


def birth_of(route: Route, run_id: int) -> Note:
    """A note of the run's birth, not stored: its own, or the one that it brought along."""
    brought = notes.read(route.source.connection, run_id=run_id)
    (row,) = transfer.read_run_row(route.source, route.archive.shapes, run_id)
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
    if not brought:
        return own
    was = brought[-1]
    return replace(
        own,
        birth_area=was.birth_area,
        birth_target=was.birth_target,
        birth_runname=was.birth_runname,
        birth_run_id=was.birth_run_id,
        event_time=was.event_time,
    )


@contextmanager
def archive_errors(path: Path) -> Iterator[None]:
    """Errors of writing the archive, in words that say what to do.

    Raises:
        DestinationError: no room, an I/O error, or no right to write.
        AreaBusyError, AreaUnreadableError: as for any database.
        ConflictError: a constraint of the archive refused a row.
    """
    try:
        with area_errors(path):
            try:
                yield
            except sqlite3.IntegrityError as error:
                message = f"{path}: a row is refused: {error}; the source is kept"
                raise ConflictError(message, "see `mtsite archive verify`") from error
            except sqlite3.OperationalError as error:
                code = getattr(error, "sqlite_errorcode", 0) & 0xFF
                if code not in {sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_READONLY}:
                    raise
                raise _no_room(path, str(error)) from error
    except OSError as error:
        raise _no_room(path, error.strerror or str(error)) from error


def _no_room(path: Path, reason: str) -> DestinationError:
    return DestinationError(
        f"{path} can't be written: {reason}; no run was lost",
        f"see `df {path.parent}` and the rights of that directory, then run again",
    )


def _gather(route: Route, run_id: int) -> RunRows:
    with area_errors(route.source.path):
        return transfer.gather(route.stores, route.archive.shapes, route.keys, run_id)


def _copy(route: Route, copy: RunRows, birth: Note) -> Note:
    """Rows and note in one transaction: the note is there exactly when the rows are."""
    shapes = route.archive.shapes
    with area_errors(route.source.path):
        shared = gather_shared(route.stores, shapes, copy)
    columns = covered_columns(copy, shapes)
    digest = digest_run(copy, shapes, columns)
    with archive_errors(route.archive.path), immediate(route.archive.connection):
        renumbered = store_run(route.archive, copy, shared)
        there = {old: new for new, old in renumbered.get(RUN, {}).items()}
        note = replace(
            birth,
            run_id=there.get(copy.run_id, copy.run_id),
            counts=copy.counts,
            digest=digest,
            layout=_layout(columns, renumbered),
        )
        return replace(note, id=notes.add(route.archive.connection, note))


def _verify(route: Route, note: Note) -> str:
    """Compare the archive's file with the note, and the source with the archive.

    '' when both agree; else how the source has changed since.

    Raises:
        VerificationError: the archive's rows are not what the note says.
    """
    columns, _renumbered = _read_layout(note)
    copy = _read_back(route, note)
    if digest_run(copy, route.archive.shapes, columns) != note.digest:
        raise VerificationError(
            f"{route.archive.path}: {_name(note)} does not read back as it was written;"
            " the source is kept",
            f"see `sqlite3 {route.archive.path} 'PRAGMA integrity_check'`",
        )
    try:
        source = _gather(route, copy.run_id)
    except LookupError as difference:
        return str(difference)
    if not source.rows.get(RUN):
        return ""  # The archive has the only copy.
    held = Held.of(copy)
    # A cache in /tmp may have gone since; rows that Megatest itself deletes are another matter.
    whole = all(
        len(source.rows.get(table, ())) == len(rows)
        for table, rows in copy.rows.items()
        if table in SYNCHRONISED
    )
    return "" if whole and held.has_all(source.rows) else "it changed while it was copied"


def _read_back(route: Route, note: Note) -> RunRows:
    """The copy as the file has it: a fresh connection, nothing from this one's memory."""
    _columns, renumbered = _read_layout(note)
    path = route.archive.path
    with archive_errors(path), closing(open_completed(path)) as connection:
        return read_back(replace(route.archive, connection=connection), note.run_id, renumbered)


def _advance(route: Route, note: Note, state: str, *, finished: int | None = None) -> Note:
    with archive_errors(route.archive.path), immediate(route.archive.connection):
        _same_note(route, note)
        notes.advance(route.archive.connection, note.id, state, finished=finished)
    return replace(note, state=state, finished=finished)


def _same_note(route: Route, note: Note) -> None:
    """Refuse to go on from a note that somebody else has moved on: two movers share an area."""
    now = notes.read(route.archive.connection, run_id=note.run_id)
    if not any(one.id == note.id and one.state == note.state for one in now):
        raise BusyError(
            f"{_name(note)} is being moved by another mtsite as well",
            "run again when that one has ended",
        )


def _let_go(route: Route, store: Store, held: Held, checkpoint: Checkpoint) -> None:
    """Take the run out of one database: run's own rows, tests with theirs, at last the run row."""
    shapes = route.archive.shapes
    with area_errors(store.path):
        if not transfer.read_run_row(store, shapes, held.run_id):
            return
        route.ready()
        transfer.let_go_run_level(store, shapes, held)
        checkpoint(f"let go: run level of {store.path.name}")
        test_ids = sorted(int(str(row[0])) for row in held.rows.get(TESTS, ()))
        for start in range(0, len(test_ids), transfer.TESTS_AT_ONCE):
            some = test_ids[start : start + transfer.TESTS_AT_ONCE]
            transfer.let_go_tests(store, shapes, held, some)
            checkpoint(f"let go: tests of {store.path.name}")
        transfer.let_go_run(store, shapes, held)
        checkpoint(f"let go: run of {store.path.name}")


def _what_stays(route: Route, held: Held) -> str:
    """Which rows of the run are still at the source, in words; '' when none is."""
    found = []
    for store in (*route.caches, route.source):
        with area_errors(store.path):
            row = transfer.read_run_row(store, route.archive.shapes, held.run_id)
            if row and _is_this_run(route, row[0], held):
                rest = transfer.left_over(store, route.archive.shapes, held.run_id) or {RUN: 1}
                listed = ", ".join(f"{number} of {table}" for table, number in rest.items())
                found.append(f"{listed} in {store.path}")
    return f"rows changed or appeared and stay: {'; '.join(found)}" if found else ""


def _is_this_run(route: Route, row: Row, held: Held) -> bool:
    """Not another run that was given the same rowid."""
    faces = [
        transfer.face_of(one, route.archive.shapes[RUN], route.keys)
        for one in (row, *held.rows[RUN])
    ]
    return len({(face.target, face.runname) for face in faces}) == 1


def _nothing_is_gone(route: Route, held: Held) -> bool:
    """Whether every row of the copy, changed or not, is still at the source."""
    try:
        source = _gather(route, held.run_id)
    except LookupError:
        return False
    return all(
        {row[0] for row in rows} <= {row[0] for row in source.rows.get(table, ())}
        for table, rows in held.rows.items()
    )


def _layout(columns: Mapping[str, Sequence[str]], renumbered: Mapping[str, object]) -> str:
    return json.dumps({"columns": columns, "renumbered": renumbered}, sort_keys=True)


def _read_layout(note: Note) -> tuple[dict[str, list[str]], dict[str, dict[int, int]]]:
    """Covered columns and renumbered rowids of a note.

    Raises:
        VerificationError: not what mtsite writes.
    """
    try:
        layout = json.loads(note.layout)
        columns = {table: list(names) for table, names in layout["columns"].items()}
        renumbered = {
            table: {int(new): int(old) for new, old in ids.items()}
            for table, ids in layout["renumbered"].items()
        }
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        message = f"note {note.id} in {notes.TABLE} has no layout that can be read: {error}"
        raise VerificationError(message, "see `mtsite archive verify`") from error
    return columns, renumbered


def _birth(note: Note) -> tuple[object, ...]:
    return (
        note.birth_area,
        note.birth_target,
        note.birth_runname,
        note.birth_run_id,
        note.event_time,
    )


def _name(note: Note) -> str:
    return "/".join([*note.birth_target, note.birth_runname])
