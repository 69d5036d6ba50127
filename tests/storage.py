"""How rows and files of a test area reach its database and disk."""

import os
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from mtsite.megatest import schema


@dataclass(frozen=True)
class StepRows:
    name: str
    status: str = "0"
    seconds: int = 5
    logfile: str = ""
    log: str | bytes | None = None
    comment: str = ""
    ended: bool = True


def connect(database: Path) -> sqlite3.Connection:
    """Open as Megatest does: no waiting for the disk, text with broken bytes kept."""
    connection = sqlite3.connect(database, timeout=20)
    connection.text_factory = lambda text: text.decode("utf-8", "surrogateescape")
    connection.execute("PRAGMA synchronous = 0")
    return connection


def raw(value: object) -> object:
    """Text as bytes, for CAST(? AS TEXT): broken UTF-8 goes into the database as it is."""
    return value.encode("utf-8", "surrogateescape") if isinstance(value, str) else value


def insert(connection: sqlite3.Connection, table: str, columns: Mapping[str, object]) -> int:
    """Insert one row, columns by name; its rowid."""
    names = ", ".join(schema.quote(name) for name in columns)
    marks = ", ".join(
        "CAST(? AS TEXT)" if isinstance(value, str) else "?" for value in columns.values()
    )
    cursor = connection.execute(
        f"INSERT INTO {table} ({names}) VALUES ({marks})", [raw(v) for v in columns.values()]
    )
    return int(cursor.lastrowid or 0)


def insert_step(connection: sqlite3.Connection, test_id: int, start: int, one: StepRows) -> None:
    """The start row of a step and, when it ended, its end row."""
    logfile = one.logfile or (f"{one.name}.log" if one.log is not None else "")
    row = {"test_id": test_id, "stepname": one.name, "event_time": start, "last_update": start}
    insert(connection, "test_steps", {**row, "state": "start", "status": "-"})
    if one.ended:
        end = {"state": "end", "status": one.status, "comment": one.comment, "logfile": logfile}
        times = {"event_time": start + one.seconds, "last_update": start + one.seconds}
        insert(connection, "test_steps", {**row, **end, **times})


def copy_rows(
    here: sqlite3.Connection,
    there: sqlite3.Connection,
    table: str,
    where: tuple[str, int],
    changed: Mapping[str, object],
) -> dict[int, int]:
    """Copy rows under new ids, last_update kept; old id → new id."""
    names = schema.column_names(here, table)
    listed = ", ".join(schema.quote(name) for name in names)
    rows = here.execute(f"SELECT {listed} FROM {table} WHERE {where[0]} = ?", where[1:]).fetchall()
    ids = {}
    for row in rows:
        columns = dict(zip(names, row, strict=True))
        old = columns.pop("id")
        ids[old] = insert(there, table, {**columns, **changed})
    return ids


def make_rundir(rundir: str, shortdir: str, *, iterated: bool) -> bool:
    """Megatest's layout: a link in the linktree to the disk; False where the name allows none."""
    inside = [os.path.normpath(path) == path for path in (rundir, shortdir)]
    try:
        if not all(inside):
            return False
        Path(shortdir).mkdir(parents=True, exist_ok=True)
        if iterated:
            Path(rundir).mkdir(parents=True, exist_ok=True)
        elif not os.path.lexists(rundir):
            Path(rundir).parent.mkdir(parents=True, exist_ok=True)
            Path(rundir).symlink_to(shortdir)
    except (OSError, ValueError):
        return False
    return True


def step_files(one: StepRows) -> dict[str, str | bytes]:
    return {} if one.log is None else {one.logfile or f"{one.name}.log": one.log}


def write_files(rundir: Path, files: Mapping[str, str | bytes]) -> None:
    """Write logs into a run directory; names that no file can have are left out."""
    for name, content in files.items():
        try:
            path = rundir / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content.encode() if isinstance(content, str) else content)
        except (OSError, ValueError):
            continue
