"""Rows of runs that leave for good, as compressed JSON lines that anything can read.

One file per call and area, one gzip member per run: a file that ends early is whole up to there.
The lines of a run are its head, one line per row, and a line with their digest:

    {"schema": "mtsite/rows/1", "run": [AREA, [KEY …], RUNNAME], "tables": {"tests": [COLUMN …]}, …}
    ["tests", [ROWID, VALUE …]]
    {"digest": SHA-256 of the lines before}
"""

import base64
import contextlib
import gzip
import hashlib
import json
import math
import os
import zlib
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from msgspec import Struct
from msgspec.structs import asdict

from mtsite import atomicfile, urls
from mtsite.errors import DestinationError, VerificationError
from mtsite.megatest.shape import Row, Shapes
from mtsite.megatest.transfer import RunRows
from mtsite.model import RunKey
from mtsite.notes import Note

SCHEMA = "mtsite/rows/1"
_GZIP_WINDOW = 31


class ExportedRun(Struct, frozen=True):
    """A run as its database had it: `columns` of each table after the rowid, and its rows.

    `source` is the path of the database; `notes` say how the run had come there, oldest first.
    """

    key: RunKey
    columns: Mapping[str, tuple[str, ...]]
    rows: Mapping[str, tuple[Row, ...]]
    source: str = ""
    notes: tuple[Mapping[str, Any], ...] = ()


class RowExport:
    """One file of exported runs; it comes into being with the first run."""

    def __init__(self, directory: Path, area: str, now: int) -> None:
        stamp = datetime.fromtimestamp(now, UTC).strftime("%Y-%m-%dT%H%M%SZ")
        self.path = directory / f"{urls.segment(area)}-{stamp}.jsonl.gz"

    def add(self, run: ExportedRun) -> None:
        """Write a run so that it survives a power cut when this returns, and read it back.

        Raises:
            DestinationError: no room, or no right to write.
            VerificationError: it does not read back as it was written.
        """
        packed = gzip.compress(_lines(run), 6, mtime=0)
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with self.path.open("ab") as file:
                start = file.tell()
                file.write(packed)
                file.flush()
                os.fsync(file.fileno())
            _flush_directory(self.path.parent)
        except OSError as error:
            raise DestinationError(
                f"{self.path} can't be written: {error.strerror or error}; no row was taken away",
                "make room, or set [retain] exports to another directory",
            ) from error
        with self.path.open("rb") as file:
            file.seek(start)
            if list(_runs(file.read(), self.path)) != [run]:
                raise VerificationError(
                    f"{self.path}: a run does not read back as it was written; its rows stay",
                    "check the disk",
                )

    def finish(self) -> str:
        """Put the file's digest beside it, as `sha256sum -c` reads it; the file's name, or ''."""
        if not self.path.exists():
            return ""
        _put_digest_beside(self.path)
        return self.path.name


def exported(
    key: RunKey, run: RunRows, shapes: Shapes, source: Path, notes: Iterable[Note] = ()
) -> ExportedRun:
    """The rows of a run in the form of an export."""
    return ExportedRun(
        key,
        {table: shapes[table].columns for table in sorted(run.rows)},
        {table: tuple(run.rows[table]) for table in sorted(run.rows)},
        str(source),
        tuple({**asdict(note), "birth_target": list(note.birth_target)} for note in notes),
    )


def read_export(path: Path) -> Iterator[ExportedRun]:
    """The runs of a file, one after the other, each with its digest compared.

    Raises:
        VerificationError: the file is cut off or damaged; the runs before that place are whole.
    """
    yield from _runs(path.read_bytes(), path)


def find_export(directory: Path, key: RunKey) -> str:
    """The name of the newest file that has a run, '' when none has; its digest is put beside it.

    For who finds the rows gone: the call that took them may have died before it could say so.
    """
    files = directory.glob("*.jsonl.gz")
    for path in sorted(files, key=lambda one: one.stat().st_mtime_ns, reverse=True):
        with contextlib.suppress(VerificationError):
            if any(run.key == key for run in read_export(path)):
                _put_digest_beside(path)
                return path.name
    return ""


def _put_digest_beside(path: Path) -> None:
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    line = f"{digest}  {path.name}\n"
    atomicfile.write_durable(path.with_name(f"{path.name}.sha256"), line.encode())


def _runs(packed: bytes, path: Path) -> Iterator[ExportedRun]:
    while packed:
        unpacker = zlib.decompressobj(_GZIP_WINDOW)
        try:
            content = unpacker.decompress(packed)
        except zlib.error as error:
            raise _damaged(path, str(error)) from error
        if not unpacker.eof:
            raise _damaged(path, "it is cut off")
        packed = unpacker.unused_data
        yield _run(content, path)


def _run(content: bytes, path: Path) -> ExportedRun:
    body, _, last = content.rstrip(b"\n").rpartition(b"\n")
    body += b"\n"
    try:
        head, *lines = [json.loads(line) for line in body.splitlines()]
        digest = json.loads(last)["digest"]
        if head["schema"] != SCHEMA:
            raise ValueError(f"schema {head['schema']!r}")
        if hashlib.sha256(body).hexdigest() != digest:
            raise ValueError("its digest differs")
        area, target, runname = head["run"]
        rows: dict[str, list[Row]] = {table: [] for table in head["tables"]}
        for table, values in lines:
            rows[table].append(tuple(_value(one) for one in values))
        return ExportedRun(
            RunKey(area, tuple(target), runname),
            {table: tuple(columns) for table, columns in head["tables"].items()},
            {table: tuple(found) for table, found in rows.items()},
            head["source"],
            tuple(head["notes"]),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise _damaged(path, str(error)) from error


def _damaged(path: Path, reason: str) -> VerificationError:
    return VerificationError(f"{path}: it is damaged: {reason}", "take it from a backup")


def _lines(run: ExportedRun) -> bytes:
    head = {
        "schema": SCHEMA,
        "run": [run.key.area, run.key.target, run.key.runname],
        "source": run.source,
        "counts": {table: len(rows) for table, rows in run.rows.items()},
        "notes": run.notes,
        "tables": run.columns,
    }
    lines = [_json(head)]
    for table, rows in run.rows.items():
        lines += [_json([table, [_plain(value) for value in row]]) for row in rows]
    body = "".join(f"{line}\n" for line in lines).encode("ascii")
    return body + _json({"digest": hashlib.sha256(body).hexdigest()}).encode() + b"\n"


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=True, separators=(",", ":"), allow_nan=False)


def _plain(value: object) -> object:
    """A value of SQLite as JSON has it; what JSON lacks goes into an object."""
    if isinstance(value, bytes):
        return {"base64": base64.b64encode(value).decode("ascii")}
    if isinstance(value, float) and not math.isfinite(value):
        return {"float": repr(value)}
    return value


def _value(found: Any) -> object:
    if isinstance(found, dict):
        if "base64" in found:
            return base64.b64decode(found["base64"])
        return float(found["float"])
    return found


def _flush_directory(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
