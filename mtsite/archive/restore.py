"""The verb `restore`: runs back into megatest.db, from completed-runs.db or from a satellite.

    restoring     the note says so; the archive's copy still counts
    restored      all rows, one transaction of megatest.db
    compared      read back over a fresh connection: the note's digest is there again
    taken away    rows and note leave the archive in one transaction; from here megatest.db counts

Die anywhere, call again. A row that the run left behind, MOVED, makes room for it.
"""

import os
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from mtsite import notes
from mtsite.archive import begun
from mtsite.archive.birth import is_mark, run_name
from mtsite.archive.execute import Outcome
from mtsite.archive.job import Job, MoveSummary
from mtsite.archive.layout import read_layout
from mtsite.archive.opening import check_homehost
from mtsite.archive.route import Checkpoint, archive_errors, open_store
from mtsite.arealock import hold_areas
from mtsite.config import AreaConfig
from mtsite.errors import (
    AreaUnreadableError,
    BusyError,
    ConflictError,
    DestinationError,
    MtsiteError,
    UsageError,
    VerificationError,
)
from mtsite.megatest import transfer
from mtsite.megatest.activity import RunActivity, key_names, read_activity
from mtsite.megatest.area import COMPLETED_NAME, Area, open_area
from mtsite.megatest.caches import living_server
from mtsite.megatest.completed import open_completed
from mtsite.megatest.database import area_errors, open_for_writing, reading
from mtsite.megatest.digest import digest_run
from mtsite.megatest.incoming import (
    as_at_birth,
    discard_run,
    gather_shared,
    renumber_shared,
    store_run,
)
from mtsite.megatest.letgo import remove_run_row
from mtsite.megatest.movable import check_movable
from mtsite.megatest.selection import Selection
from mtsite.megatest.shape import RUN, read_shapes
from mtsite.megatest.transfer import RunRows, Store, immediate
from mtsite.notes import Note

COMMAND = "mtsite restore"


class Found(Struct, frozen=True):
    """One chosen run of the area, and the database in which its rows lie."""

    note: Note
    database: Path

    @property
    def outcome(self) -> Outcome:
        """The run by name."""
        return Outcome(self.note.birth_target, self.note.birth_runname)


class RestoreSummary(MoveSummary, frozen=True):
    """What was chosen, and what became of it."""

    found: tuple[Found, ...] = ()


def restore_area(settings: AreaConfig, chosen: Selection, job: Job) -> RestoreSummary:
    """Bring chosen runs of an area back into its megatest.db, and finish what was begun.

    They get the rowids of their birth where those are free. A run that can't come back is an
    outcome with a reason, the others go on.

    Raises:
        UsageError: nothing was chosen.
        BusyError: a Megatest server is alive, the homehost is another host, or another mtsite
            holds one of the areas.
        UnmovableError, MissingError, ConfigError: as for any move.
    """
    if chosen.is_everything:
        raise UsageError("which runs? restore brings back only what is named", "--runname ww4%")
    area = open_area(settings, job.environ, tmp=job.tmp)
    check_movable(area)
    archives = _archives(area, job)
    if job.dry_run:
        return RestoreSummary(area.name, found=tuple(_find(area, archives, chosen, job.now)))
    with hold_areas([area.path, *(path.parent for path in archives)], job.state_dir, COMMAND):
        found = tuple(_find(area, archives, chosen, job.now))
        if not found:
            return RestoreSummary(area.name)
        check_homehost(area, COMMAND, area_db_only=job.wishes.area_db_only)
        if log := living_server(area.path, job.now):
            raise BusyError(
                f"area {area.name}: a Megatest server is alive ({log} was just touched):"
                " it would not see what comes back",
                "run again when it has ended, or stop it with megatest -kill-servers",
            )
        outcomes, error = _carry_out(area, found, job)
    return RestoreSummary(area.name, "", outcomes, error, found=found)


def _archives(area: Area, job: Job) -> list[Path]:
    """Databases in which runs of the area may lie: its completed-runs.db, those of satellites."""
    own = area.path / COMPLETED_NAME
    found = [own] if own.exists() else []
    for settings in job.areas.values():
        if os.path.realpath(settings.path) == os.path.realpath(area.path):
            continue
        try:
            other = open_area(settings, job.environ, tmp=job.tmp)
        except MtsiteError:
            continue  # An area that can't be read says so where it is listed.
        paths = (other.live, other.path / COMPLETED_NAME)
        found += [path for path in paths if path.exists()]
    return found


def _find(area: Area, archives: list[Path], chosen: Selection, now: int) -> Iterator[Found]:
    names = {area.name, *area.settings.aliases}
    for path in archives:
        with reading(path) as connection:
            known = [n for n in notes.read(connection) if n.birth_area in names]
            # Ages are looked up only where a run of this area lies at all.
            runs = read_activity(connection, settled_before=now) if known else []
        by_id = {run.run_id: run for run in runs}
        for note in known:
            run = by_id.get(note.run_id)
            begun = note.state == notes.RESTORING
            if run is not None and (begun or _is_chosen(run, note, chosen, now)):
                yield Found(note, path)


def _is_chosen(run: RunActivity, note: Note, chosen: Selection, now: int) -> bool:
    return run.runname == note.birth_runname and chosen.matches(run, now)


def _carry_out(
    area: Area, found: tuple[Found, ...], job: Job
) -> tuple[tuple[Outcome, ...], MtsiteError | None]:
    outcomes: list[Outcome] = []
    with closing(_Opened(area)) as opened:
        for one in found:
            try:
                opened.bring(one, job.checkpoint)
                outcome = one.outcome
            except (BusyError, DestinationError) as error:
                return tuple(outcomes), error
            except (VerificationError, AreaUnreadableError) as refusal:
                # What a refusal leaves of a connection is not relied on.
                opened.close()
                outcome = replace(one.outcome, reason=refusal.message)
            outcomes.append(outcome)
            job.report(outcome)
    return tuple(outcomes), None


class _Opened:
    """The databases of a restore, open for as long as runs come from the same archive."""

    def __init__(self, area: Area) -> None:
        self._area = area
        self._stack = ExitStack()
        self._back: _Back | None = None
        self._begun = begun.Elsewhere()

    def bring(self, one: Found, checkpoint: Checkpoint) -> None:
        """Bring one run back.

        Raises:
            ConflictError: it is on its way to another archive.
            As `_Back.bring`, and what opening a database may raise.
        """
        back = self._back
        if back is None or back.archive.path != one.database:
            self.close()
            self._begun = begun.elsewhere(self._area, one.database)
            back = self._back = self._stack.enter_context(_open(self._area, one.database))
        note = one.note
        if path := self._begun.on_their_way.get((note.birth_target, note.birth_runname)):
            raise ConflictError(f"{run_name(note)} stays: {begun.told(path)}")
        back.bring(note, checkpoint)

    def close(self) -> None:
        """The next run opens them again."""
        self._back = None
        self._stack.close()


@contextmanager
def _open(area: Area, database: Path) -> Iterator["_Back"]:
    with ExitStack() as opened:
        live = opened.enter_context(open_store(area.live))
        # The archive lets go next: a journal that a power cut brings back must not undo this.
        live.connection.execute("PRAGMA synchronous = EXTRA")
        with archive_errors(database):
            connection = open_completed(database)
            opened.callback(connection.close)
            archive = Store(database, connection, read_shapes(connection))
        own = area.path / COMPLETED_NAME
        completed = None
        if own.exists() and own != database:
            completed = opened.enter_context(open_store(own))
        yield _Back(live, archive, completed, key_names(live.connection))


class _Back(Struct, frozen=True):
    """The way back: `completed` is the area's archive where the run comes from another one."""

    live: Store
    archive: Store
    completed: Store | None
    keys: tuple[str, ...]

    def bring(self, note: Note, checkpoint: Checkpoint) -> None:
        """Bring one run back, from wherever an earlier call has left it.

        Raises:
            ConflictError: megatest.db has another run of that name.
            VerificationError: rows do not read back as the note says; the archive keeps its copy.
        """
        if note.state not in {notes.SETTLED, notes.RESTORING}:
            raise ConflictError(f"the move of {run_name(note)} is not finished: finish it first")
        copy = self._copy(note)
        there = self._row_there(copy)
        if there is None or self._is_mark(there):
            if note.state == notes.SETTLED:
                note = self._restoring(note)
                checkpoint(notes.RESTORING)
            self._store(note, copy, mark=there)
            checkpoint("restored")
        elif not self._is_back(note, there):
            raise ConflictError(
                f"{self.live.path} has another run {run_name(note)}; both stay",
                "compare them with `mtsite explain`, then rename or remove one",
            )
        self._check_back(note, copy)
        self._take_away(note, copy)
        checkpoint("taken away")

    def _copy(self, note: Note) -> RunRows:
        """The rows with the columns of megatest.db, numbered as at their source."""
        layout = read_layout(note)
        with archive_errors(self.archive.path):
            rows = transfer.read_run(self.archive, self.live.shapes, note.run_id)
        lost = {t for t in note.counts if t not in self.live.shapes}
        copy = as_at_birth(self.live.shapes, rows, layout.birth)
        if lost or digest_run(copy, self.live.shapes, layout.columns) != note.digest:
            what = f"no table {', '.join(sorted(lost))}" if lost else "other rows or columns"
            raise VerificationError(
                f"{run_name(note)} would not come back as it went: {what} in {self.live.path};"
                f" {self.archive.path} keeps it",
                "see `mtsite archive verify`",
            )
        return copy

    def _row_there(self, copy: RunRows) -> int | None:
        with area_errors(self.live.path):
            shape = self.live.shapes[RUN]
            return transfer.find_run(self.live, self.keys, copy.rows[RUN][0], shape)

    def _is_mark(self, run_id: int) -> bool:
        with area_errors(self.live.path):
            return is_mark(self.live, run_id)

    def _restoring(self, note: Note) -> Note:
        with archive_errors(self.archive.path), immediate(self.archive.connection):
            if not notes.advance(self.archive.connection, note, notes.RESTORING):
                raise BusyError(f"{run_name(note)} is being moved by another mtsite as well")
        return replace(note, state=notes.RESTORING)

    def _store(self, note: Note, copy: RunRows, mark: int | None) -> None:
        with archive_errors(self.archive.path):
            rows = transfer.read_run(self.archive, self.live.shapes, note.run_id)
            shared = gather_shared([self.archive], self.live.shapes, rows)
        shared = renumber_shared(shared, read_layout(note).birth)
        with archive_errors(self.live.path), immediate(self.live.connection):
            if mark is not None:
                remove_run_row(self.live, mark)
            store_run(self.live, copy, shared)

    def _is_back(self, note: Note, run_id: int) -> bool:
        """Whether the run that megatest.db has is the one that an earlier call put there."""
        path = self.live.path
        with area_errors(path), closing(open_for_writing(path)) as connection:
            fresh = replace(self.live, connection=connection)
            rows = transfer.read_run(fresh, self.live.shapes, run_id)
        columns = read_layout(note).columns
        return digest_run(rows, self.live.shapes, columns) == note.digest

    def _check_back(self, note: Note, copy: RunRows) -> None:
        there = self._row_there(copy)
        if there is None or not self._is_back(note, there):
            raise VerificationError(
                f"{self.live.path}: {run_name(note)} does not read back as it was;"
                f" {self.archive.path} keeps its copy",
                "if it was changed since it came back: remove it there, and restore again",
            )

    def _take_away(self, note: Note, copy: RunRows) -> None:
        with archive_errors(self.archive.path), immediate(self.archive.connection):
            if not notes.remove(self.archive.connection, note):
                raise BusyError(f"{run_name(note)} is being moved by another mtsite as well")
            discard_run(self.archive, note.run_id)
        if self.completed is None:
            return
        row = copy.rows[RUN][0]
        with archive_errors(self.completed.path), immediate(self.completed.connection):
            shape = self.live.shapes[RUN]
            left = transfer.find_run(self.completed, self.keys, row, shape)
            if left is not None and is_mark(self.completed, left):
                remove_run_row(self.completed, left)
