"""The satellite of a sample area: what moved there, the notes of it, and the marks left behind."""

import json
import sqlite3
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from mtsite import notes
from mtsite.megatest.digest import covered_columns, digest_run
from mtsite.megatest.shape import read_shapes
from mtsite.megatest.transfer import Store, read_run
from mtsite.sample.history import DAY, SampleRun

_MOVER = "cadops"
_MOVING_HOST = "cy-ops1"
_MOVED_AFTER = 30 * DAY


class Moved(Struct, frozen=True):
    """One run that was moved: under which rowid, from which database, when (Unix seconds)."""

    run: SampleRun
    run_id: int
    area: str
    source: Path
    when: int


def move_time(run: SampleRun, now: int) -> int:
    """When the run was moved: a month after it ran, a day ago at the latest."""
    return min(run.event_time + _MOVED_AFTER, now - DAY)


def mark_of_move(archive: str, when: int) -> str:
    """The comment of the row that stays behind."""
    return f"moved to {archive} on {datetime.fromtimestamp(when, UTC):%Y-%m-%d} by {_MOVER}"


def store_notes(connection: sqlite3.Connection, path: Path, moves: Sequence[Moved]) -> None:
    """Write a settled note of each move into the satellite's database, which has the rows already.

    Runs inside the caller's transaction. Counts and digest are those of the rows as they lie there.
    """
    notes.create(connection)
    shapes = read_shapes(connection)
    store = Store(path, connection, shapes)
    for moved in moves:
        rows = read_run(store, shapes, moved.run_id)
        columns = covered_columns(rows, shapes)
        note = replace(
            _note(moved),
            counts=rows.counts,
            digest=digest_run(rows, shapes, columns),
            layout=json.dumps({"columns": columns, "renumbered": {}}, sort_keys=True),
        )
        notes.add(connection, note)


def _note(moved: Moved) -> notes.Note:
    run = moved.run
    return notes.Note(
        run_id=moved.run_id,
        birth_area=moved.area,
        birth_target=run.target,
        birth_runname=run.runname,
        birth_run_id=moved.run_id,
        event_time=run.event_time,
        source=str(moved.source),
        state=notes.SETTLED,
        who=_MOVER,
        host=_MOVING_HOST,
        started=moved.when - 2,
        finished=moved.when,
        old_state=run.state,
        old_status="n/a",
        old_comment=run.comment,
    )
