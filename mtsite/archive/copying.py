"""Copying runs into an archive: rows and notes in one transaction.

A plain run is copied inside SQLite; one that has rows in caches, points to archive blocks or finds
its rowids taken is read, renumbered and stored.
"""

import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager

from msgspec.structs import replace

from mtsite import notes
from mtsite.archive.batch import NOT_THIS_RUN, Batch, this_run
from mtsite.archive.layout import composed, numbers_at_birth, write_layout
from mtsite.archive.route import Route, archive_errors
from mtsite.errors import ConflictError
from mtsite.megatest import transfer
from mtsite.megatest.ahead import Ahead, digests_ahead
from mtsite.megatest.database import area_errors
from mtsite.megatest.digest import covered_columns, digest_and_marks
from mtsite.megatest.direct import copy_directly
from mtsite.megatest.incoming import (
    as_at_birth,
    gather_meta,
    gather_shared,
    store_meta,
    store_run,
    test_names,
)
from mtsite.megatest.letgo import remove_run_row
from mtsite.megatest.shape import RUN
from mtsite.megatest.stored import Digested, digest_stored
from mtsite.megatest.transfer import RunRows, Store, immediate
from mtsite.notes import Note

Counts = Mapping[str, int]
"""Rows per table."""


def copy_runs(route: Route, births: Mapping[int, Note], batch: Batch) -> list[Note]:
    """Copy runs by their rowids at the source: a note is there exactly when its rows are.

    Raises:
        DestinationError: no room in the archive, or no right to write; nothing was changed.
    """
    stored: dict[int, Note] = {}
    with archive_errors(route.archive.path), immediate(route.archive.connection):
        with _digests(route, births) as ahead:
            copied: dict[int, Counts] = {}
            for run_id, birth in births.items():
                with this_run(batch, run_id), _apart(route.archive):
                    if birth.run_id:
                        remove_run_row(route.archive, birth.run_id)
                    if counts := _rows_directly(route, run_id):
                        copied[run_id] = counts
                    else:
                        stored[run_id] = _through_python(route, run_id, birth)
            stored |= _noted(route, births, copied, ahead)
        names = test_names(route.archive, [note.run_id for note in stored.values()])
        with area_errors(route.source.path):
            meta = gather_meta(route.stores, route.archive.shapes, names)
        store_meta(route.archive, meta)
    return [stored[run_id] for run_id in births if run_id in stored]


def gather_run(route: Route, run_id: int) -> RunRows:
    """A run as its source and the caches of that have it.

    Raises:
        LookupError: a cache holds other rows of it.
    """
    with area_errors(route.source.path):
        try:
            return transfer.gather(route.stores, route.archive.shapes, route.keys, run_id)
        except LookupError as difference:
            hint = "sync it first (megatest -sync-to-megatest.db)"
            raise LookupError(f"{difference}: {hint}") from difference


def _digests(route: Route, run_ids: Iterable[int]) -> AbstractContextManager[Ahead]:
    return digests_ahead(route.archive, route.source, () if route.caches else run_ids)


def _rows_directly(route: Route, run_id: int) -> Counts | None:
    """Copy the rows of a run inside SQLite, None where that can't be done."""
    if route.caches:
        return None
    archive, connection = route.archive, route.archive.connection
    connection.execute("SAVEPOINT directly")
    try:
        counts = copy_directly(archive, route.source.shapes, run_id)
    except sqlite3.DatabaseError as error:
        if isinstance(error, sqlite3.OperationalError):
            raise
        # Taken rowids, or a page of the source that can't be read: the other way tells which.
        counts = None
        connection.execute("ROLLBACK TO directly")
    connection.execute("RELEASE directly")
    return counts if counts and counts.get(RUN) == 1 else None


def _noted(
    route: Route, births: Mapping[int, Note], copied: Mapping[int, Counts], ahead: Ahead
) -> dict[int, Note]:
    """The notes of runs whose rows were copied inside SQLite.

    Digests that the other thread has not begun are made here, from the last run on.
    """
    archive = route.archive
    digests: dict[int, Digested] = {}
    columns = {
        run_id: {table: sorted(archive.shapes[table].columns) for table in counts}
        for run_id, counts in copied.items()
    }
    for run_id in reversed(list(copied)):
        found = None if ahead.take(run_id) else ahead(run_id)
        if found is None or found.columns != columns[run_id]:
            found = digest_stored(archive, run_id, columns[run_id])
        digests[run_id] = found
    noted = {}
    for run_id, counts in copied.items():
        found = digests[run_id]
        layout = write_layout(columns[run_id], {}, numbers_at_birth(births[run_id]), found.marks)
        note = replace(
            births[run_id], run_id=run_id, counts=counts, digest=found.digest, layout=layout
        )
        noted[run_id] = replace(note, id=notes.add(archive.connection, note))
    return noted


def _through_python(route: Route, run_id: int, birth: Note) -> Note:
    shapes = route.archive.shapes
    copy = gather_run(route, run_id)
    with area_errors(route.source.path):
        shared = gather_shared(route.stores, shapes, copy)
    columns = covered_columns(copy, shapes)
    before = numbers_at_birth(birth)
    born = as_at_birth(shapes, copy, before) if before else copy
    digest, marks = digest_and_marks(born, shapes, columns)
    renumbered = store_run(route.archive, copy, shared)
    there = {old: new for new, old in renumbered.get(RUN, {}).items()}
    note = replace(
        birth,
        run_id=there.get(run_id, run_id),
        counts=copy.counts,
        digest=digest,
        layout=write_layout(columns, renumbered, composed(renumbered, before), marks),
    )
    return replace(note, id=notes.add(route.archive.connection, note))


@contextmanager
def _apart(store: Store) -> Iterator[None]:
    """A part of a transaction that can fail by itself.

    Raises:
        ConflictError: a constraint refused a row; the part left no trace.
    """
    store.connection.execute("SAVEPOINT one_run")
    try:
        yield
    except (sqlite3.IntegrityError, *NOT_THIS_RUN) as error:
        store.connection.execute("ROLLBACK TO one_run")
        store.connection.execute("RELEASE one_run")
        if not isinstance(error, sqlite3.IntegrityError):
            raise
        message = f"{store.path}: a row is refused: {error}; the source is kept"
        raise ConflictError(message, "see `mtsite archive verify`") from error
    store.connection.execute("RELEASE one_run")
