"""What the manifest knows of a run and of a file of the tree, and how it lies in its rows.

Names go in as JSON text: SQLite can't hold the surrogate escapes that stand for broken UTF-8.
"""

import hashlib
import json
import sqlite3
import zlib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from msgspec import Struct

from mtsite import (
    annotated,
    failing,
    measured,
    onhosts,
    owners,
    pushruns,
    record,
    related,
    searchable,
    toldpushes,
)
from mtsite.model import RunKey, RunSummary, TestName

FORMAT = "13"
SCHEMA = f"""
{measured.TABLE}
{onhosts.TABLES}
{owners.TABLES}
{failing.TABLE}
{annotated.TABLE}
{toldpushes.TABLES}
{pushruns.TABLES}
{related.TABLES}
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE tree (
  path TEXT PRIMARY KEY, digest TEXT NOT NULL, size INTEGER NOT NULL,
  fingerprint TEXT NOT NULL, owner TEXT NOT NULL) WITHOUT ROWID;
CREATE INDEX tree_owner ON tree (owner);
CREATE TABLE revisions (token TEXT PRIMARY KEY, changes INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE changes (number INTEGER PRIMARY KEY, path TEXT NOT NULL);
CREATE TABLE runs (
  dir TEXT PRIMARY KEY, area TEXT NOT NULL, target TEXT NOT NULL, runname TEXT NOT NULL,
  home TEXT NOT NULL, place INTEGER NOT NULL, fingerprint TEXT NOT NULL, sealed INTEGER NOT NULL,
  input TEXT NOT NULL, gone TEXT NOT NULL, summary TEXT NOT NULL, verdicts BLOB NOT NULL,
  coming INTEGER NOT NULL, let_go TEXT NOT NULL, mark TEXT NOT NULL, reasons BLOB NOT NULL);
CREATE INDEX runs_target ON runs (area, target, place, runname);
CREATE INDEX runs_area ON runs (area, gone, place);
CREATE INDEX runs_home ON runs (home, place);
CREATE TABLE targets (
  area TEXT NOT NULL, target TEXT NOT NULL, node TEXT NOT NULL, past BLOB NOT NULL,
  PRIMARY KEY (area, target))
  WITHOUT ROWID;
CREATE TABLE listing (settings TEXT NOT NULL, heads BLOB NOT NULL);
{searchable.TABLES}
"""
INSERT_RUN = f"INSERT INTO runs VALUES ({', '.join('?' * 16)})"
NEXT_DIRECTORY = "SELECT path FROM tree WHERE path > ? AND path LIKE '%/%' ORDER BY path LIMIT 1"
RUN_COLUMNS = "dir, area, target, runname, home, place, fingerprint, sealed, input, gone, let_go"

Outcomes = dict[TestName, tuple[str, int | None]]
"""Test → verdict letter and duration in seconds, of the tests of one run."""

Reason = tuple[str, str, int, str]
"""Of a test that went wrong: state and status, the log and the line that say why, that line."""

Reasons = dict[TestName, Reason]


class TargetRun(Struct, frozen=True):
    """A run as the pages of its target know it. `summary` is a line of JSON (`summary_of`).

    `mark` is a digest of the verdicts of its tests, '' where none are known.
    """

    place: int
    runname: str
    dir: str
    target: tuple[str, ...]
    mark: str
    gone: str
    summary: str


class Page(Struct, frozen=True):
    """One file of the tree: `digest` is SHA-256 of its bytes, `fingerprint` of its input.

    `owner` is the directory of the run that it belongs to, 'target:…', 'area:…', 'site' or 'store'.
    """

    path: str
    digest: str
    size: int
    fingerprint: str
    owner: str


class KnownRun(Struct, frozen=True):
    """What the last build saw of a run. `fingerprint` '' means: not finished, read it again.

    `place` orders the runs of a target (its event_time). `input` is the digest of all that its
    pages were made from. `gone` says why it has no rows any more, '' while it has; `let_go`
    are the kinds of things that were taken of it on purpose.
    """

    dir: str
    key: RunKey
    home: str
    place: int
    fingerprint: str
    sealed: bool
    input: str
    gone: str = ""
    let_go: tuple[str, ...] = ()


def run_values(run: KnownRun) -> tuple[object, ...]:
    """A run as the first columns of its row; `INSERT_RUN` takes them."""
    return (
        run.dir,
        text_of(run.key.area),
        json.dumps(run.key.target),
        text_of(run.key.runname),
        text_of(run.home),
        run.place,
        run.fingerprint,
        run.sealed,
        run.input,
        text_of(run.gone) if run.gone else "",
    )


def known_of(row: Sequence[object]) -> KnownRun:
    """The run behind a row of `RUN_COLUMNS`."""
    run_dir, area, target, runname, home, place, fingerprint, sealed, digest, gone, let_go = row
    key = RunKey(name_of(str(area)), tuple(json.loads(str(target))), name_of(str(runname)))
    return KnownRun(
        dir=str(run_dir),
        key=key,
        home=name_of(str(home)),
        place=int(str(place)),
        fingerprint=str(fingerprint),
        sealed=bool(sealed),
        input=str(digest),
        gone=name_of(str(gone)) if gone else "",
        let_go=tuple(str(let_go).split()),
    )


def summary_of(line: str) -> RunSummary:
    """The summary behind its line of JSON."""
    found = record.read_summary(json.loads(line))
    assert found is not None
    return found


def target_run(row: Sequence[object]) -> TargetRun:
    """The run behind a row of (place, runname, dir, target, mark, gone, summary)."""
    place, runname, run_dir, target, mark, gone, summary = row
    return TargetRun(
        int(str(place)),
        name_of(str(runname)),
        str(run_dir),
        tuple(json.loads(str(target))),
        str(mark),
        str(gone),
        str(summary),
    )


def newest_first(rows: Iterable[tuple[int, str]]) -> list[RunSummary]:
    """The order of `target_runs` turned round, where many runs began in one second too."""
    found = [(place, summary_of(line)) for place, line in rows]
    found.sort(key=lambda row: (row[0], row[1].key.runname, row[1].key), reverse=True)
    return [summary for _, summary in found]


def pack(outcomes: Outcomes) -> bytes:
    """Outcomes as one packed value."""
    rows = [[t, i, v, d] for (t, i), (v, d) in outcomes.items()]
    return zlib.compress(json.dumps(rows, separators=(",", ":")).encode(), 1)


def mark_of(outcomes: Outcomes) -> str:
    """A digest of the verdicts alone: what a run leaves behind when its rows go."""
    rows = sorted((*name, verdict) for name, (verdict, _) in outcomes.items())
    return hashlib.sha256(json.dumps(rows).encode()).hexdigest()[:20] if rows else ""


def pack_reasons(reasons: Mapping[TestName, Reason]) -> bytes:
    """Reasons as one packed value; b'' for none."""
    rows = [[*name, *reason] for name, reason in reasons.items()]
    return zlib.compress(json.dumps(rows).encode(), 1) if rows else b""


def unpack_reasons(packed: bytes) -> Reasons:
    """What `pack_reasons` packed."""
    rows = json.loads(zlib.decompress(packed)) if packed else []
    return {(t, i): (state, log, line, text) for t, i, state, log, line, text in rows}


def text_of(name: str) -> str:
    """As SQLite can hold it: surrogate escapes have no UTF-8."""
    return json.dumps(name)


def name_of(text: str) -> str:
    """The name behind what `text_of` gave."""
    return str(json.loads(text))


def connect(path: Path) -> sqlite3.Connection:
    """The database of a manifest; emptied where it is of another format."""
    connection = sqlite3.connect(path, timeout=10)
    connection.execute("PRAGMA synchronous = NORMAL")
    # A full cache would be written out under a lock that workers, who read beside, wait for.
    connection.execute("PRAGMA cache_spill = OFF")
    tables = {row[0] for row in connection.execute("SELECT name FROM sqlite_master")}
    known = ""
    if "meta" in tables:
        row = connection.execute("SELECT value FROM meta WHERE key = 'format'").fetchone()
        known = row[0] if row else ""
    if known != FORMAT:
        for (name,) in connection.execute(
            "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
        ).fetchall():
            connection.execute(f'DROP TABLE "{name}"')
        # One transaction: each table for itself would be flushed to disk for itself.
        connection.executescript(f"BEGIN;\n{SCHEMA}\nCOMMIT;")
        connection.execute("INSERT INTO meta VALUES ('format', ?)", (FORMAT,))
        connection.commit()
    return connection


def tree_totals(path: Path) -> tuple[int, int]:
    """(files, bytes) of the tree that a manifest's file tells of; (0, 0) where it can't be read."""
    try:
        connection = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)
        try:
            row = connection.execute("SELECT count(*), total(size) FROM tree").fetchone()
        finally:
            connection.close()
    except sqlite3.Error:
        return 0, 0
    return int(row[0]), int(row[1])
