"""Move notes: what came into an archive's database, from where, and how far each move has got.

The table `mtsite_moves` lies in the archive's database (completed-runs.db, a satellite's
megatest.db) and is written in the same transaction as the rows that it speaks of. It only ever
gains columns: an older mtsite reads what it knows. `restore` and every birth address rest on it.
"""

import json
import sqlite3
from collections.abc import Mapping
from pathlib import Path

from msgspec import Struct, field
from msgspec.structs import fields

from mtsite.errors import VerificationError
from mtsite.model import Scalar

TABLE = "mtsite_moves"
_MAIN = f"main.{TABLE}"
"""Never the table of a database that is attached beside."""

COPIED = "copied"
VERIFIED = "verified"
LETTING_GO = "letting go"
SETTLED = "settled"
RESTORING = "restoring"
STATES = (COPIED, VERIFIED, LETTING_GO, SETTLED, RESTORING)
"""The life of a move, in order; `restoring` is on its way back, and ends with its note."""

ARCHIVE_WINS = frozenset({LETTING_GO, SETTLED, RESTORING})
"""In these states readers take the archive's copy; before them the source's."""

_COLUMNS: Mapping[str, str] = {
    "run_id": "INTEGER NOT NULL",
    "birth_area": "TEXT NOT NULL",
    "birth_target": "TEXT NOT NULL",
    "birth_runname": "TEXT NOT NULL",
    "birth_run_id": "INTEGER NOT NULL",
    "event_time": "",
    "source": "TEXT NOT NULL DEFAULT ''",
    "state": "TEXT NOT NULL DEFAULT 'copied'",
    "counts": "TEXT NOT NULL DEFAULT '{}'",
    "digest": "TEXT NOT NULL DEFAULT ''",
    "who": "TEXT NOT NULL DEFAULT ''",
    "host": "TEXT NOT NULL DEFAULT ''",
    "started": "INTEGER NOT NULL DEFAULT 0",
    "finished": "INTEGER",
    "old_state": "TEXT",
    "old_status": "TEXT",
    "old_comment": "TEXT",
    "layout": "TEXT NOT NULL DEFAULT '{}'",
}


NO_LAYOUT = "{}"


class Note(Struct, frozen=True):
    """One run that came, or is coming, into this database.

    `run_id` is the rowid of the run here, `birth_run_id` the one it had where it was born, `source`
    the path of the database it came from. `event_time` is the run row's, as stored. `counts` maps
    tables to rows, `digest` covers all rows by natural keys. `started` and `finished` are Unix
    seconds; `finished` is None until the move is settled. `old_…` are the run row's own at the
    source, before a mark took their place. `layout` is JSON: the columns that the digest covers,
    and which rowids were renumbered on arrival. `id` is 0 until the note is stored.
    """

    run_id: int
    birth_area: str
    birth_target: tuple[str, ...]
    birth_runname: str
    birth_run_id: int
    event_time: Scalar = None
    source: str = ""
    state: str = COPIED
    counts: Mapping[str, int] = field(default_factory=dict)
    digest: str = ""
    who: str = ""
    host: str = ""
    started: int = 0
    finished: int | None = None
    old_state: str | None = None
    old_status: str | None = None
    old_comment: str | None = None
    layout: str = NO_LAYOUT
    id: int = 0


def read(connection: sqlite3.Connection, *, run_id: int | None = None) -> list[Note]:
    """All notes of an archive's database, or those of one run there, oldest first.

    [] when it never took a run.

    Raises:
        VerificationError: a note is not in the form that mtsite writes.
    """
    present = _present(connection)
    if not present:
        return []
    wanted = ["id", *(name for name in _COLUMNS if name in present)]
    # As bytes: a name that is not UTF-8 must come back as it was, whatever the text_factory.
    listed = ", ".join(
        f"CAST({name} AS BLOB)" if "TEXT" in _COLUMNS.get(name, "") else name for name in wanted
    )
    where, values = ("", ()) if run_id is None else (" WHERE run_id = ?", (run_id,))
    rows = connection.execute(f"SELECT {listed} FROM {_MAIN}{where} ORDER BY id", values).fetchall()
    return [_note(dict(zip(wanted, row, strict=True))) for row in rows]


def births(connection: sqlite3.Connection) -> dict[int, tuple[str, tuple[str, ...], str, str, int]]:
    """Rowid of a run here → (birth area, target, runname, state of the move, when it started).

    The little that a list of runs needs: an archive may have tens of thousands of notes.

    Raises:
        VerificationError: a note is not in the form that mtsite writes.
    """
    if not _present(connection):
        return {}
    # As bytes: a name that is not UTF-8 must come back as it was, whatever the text_factory.
    found = connection.execute(
        "SELECT run_id, CAST(birth_area AS BLOB), CAST(birth_target AS BLOB),"
        f" CAST(birth_runname AS BLOB), CAST(state AS BLOB), started FROM {TABLE} ORDER BY id"
    ).fetchall()
    try:
        # A handful of targets stand in all of them.
        targets = {packed: tuple(json.loads(packed)) for packed in {row[2] for row in found}}
        return {
            row[0]: (_text(row[1]), targets[row[2]], _text(row[3]), _text(row[4]), row[5])
            for row in found
        }
    except (TypeError, ValueError, AttributeError) as error:
        message = f"a note in {TABLE} can't be read: {error}"
        raise VerificationError(message, "compare it with `mtsite archive verify`") from error


def _text(name: bytes) -> str:
    return name.decode("utf-8", "surrogateescape")


def create(connection: sqlite3.Connection) -> None:
    """Make the table, or give an older one the columns it lacks. Again: nothing changes."""
    present = _present(connection)
    if not present:
        listed = ", ".join(f"{name} {kind}".rstrip() for name, kind in _COLUMNS.items())
        connection.execute(f"CREATE TABLE {_MAIN} (id INTEGER PRIMARY KEY, {listed})")
        return
    for name, kind in _COLUMNS.items():
        if name not in present:
            connection.execute(f"ALTER TABLE {_MAIN} ADD COLUMN {name} {kind}".rstrip())


def add(connection: sqlite3.Connection, note: Note) -> int:
    """Store a new note inside the caller's transaction; its id comes back."""
    marks = ", ".join("CAST(? AS TEXT)" if "TEXT" in kind else "?" for kind in _COLUMNS.values())
    cursor = connection.execute(
        f"INSERT INTO {_MAIN} ({', '.join(_COLUMNS)}) VALUES ({marks})",
        [_stored(getattr(note, name)) for name in _COLUMNS],
    )
    return int(cursor.lastrowid or 0)


def advance(
    connection: sqlite3.Connection, note: Note, state: str, *, finished: int | None = None
) -> bool:
    """Put a note into another state inside the caller's transaction; `finished` in Unix seconds.

    False when somebody else has moved the note on, or taken it away: nothing is changed then.

    Raises:
        ValueError: no such state.
    """
    if state not in STATES:
        raise ValueError(f"not a state of a move: {state!r}")
    cursor = connection.execute(
        f"UPDATE {_MAIN} SET state = ?, finished = coalesce(?, finished)"
        " WHERE id = ? AND state = ?",
        (state, finished, note.id, note.state),
    )
    return cursor.rowcount == 1


def remove(connection: sqlite3.Connection, note: Note) -> bool:
    """Take a note away inside the caller's transaction; False as with `advance`."""
    sql = f"DELETE FROM {_MAIN} WHERE id = ? AND state = ?"
    return connection.execute(sql, (note.id, note.state)).rowcount == 1


def forget(connection: sqlite3.Connection, run_id: int) -> None:
    """Take the notes of a run away that goes on from here; inside the caller's transaction."""
    if _present(connection):
        connection.execute(f"DELETE FROM {_MAIN} WHERE run_id = ?", (run_id,))


def _present(connection: sqlite3.Connection) -> set[str]:
    return {row[1] for row in connection.execute(f"PRAGMA main.table_info({TABLE})")}


def _stored(value: object) -> object:
    if isinstance(value, tuple):
        return json.dumps(value).encode()
    if isinstance(value, Mapping):
        return json.dumps(dict(sorted(value.items()))).encode()
    if isinstance(value, str):
        return value.encode("utf-8", "surrogateescape")
    return value


def _note(row: dict[str, object]) -> Note:
    found: dict[str, object] = {
        name: value.decode("utf-8", "surrogateescape") if isinstance(value, bytes) else value
        for name, value in row.items()
    }
    try:
        target = json.loads(str(found["birth_target"]))
        counts = json.loads(str(found.get("counts", "{}")))
        if not isinstance(target, list) or not isinstance(counts, dict):
            raise TypeError("not a list and an object")
        found["birth_target"] = tuple(str(part) for part in target)
        found["counts"] = {str(table): int(number) for table, number in counts.items()}
    except (KeyError, TypeError, ValueError) as error:
        message = f"note {row.get('id')} in {TABLE} can't be read: {error}"
        raise VerificationError(message, "compare it with `mtsite archive verify`") from error
    known = {one.name for one in fields(Note)}
    return Note(**{name: value for name, value in found.items() if name in known})  # type: ignore[arg-type] # columns of the table, checked above


def unsettled(archive: Path) -> int:
    """How many moves into (or out of) an archive are not finished; 0 for a file without notes."""
    address = f"{archive.absolute().as_uri()}?mode=ro"
    try:
        connection = sqlite3.connect(address, uri=True, timeout=0.2)
    except sqlite3.Error:
        return 0
    try:
        row = connection.execute(
            f"SELECT count(*) FROM {_MAIN} WHERE state != ?", (SETTLED,)
        ).fetchone()
        return int(row[0])
    except sqlite3.Error:
        return 0
    finally:
        connection.close()
