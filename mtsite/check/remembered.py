"""What was looked at before, and what stands to be mended: `check.db` in the state directory.

A cache: when it is lost, of another format or made by other rules, everything is looked at again.
"""

import sqlite3
from array import array
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from mtsite.check.files import Looked, ids_number
from mtsite.check.rules import Finding

FILE = "check.db"
_SCHEMA = """
CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS pages (
  path TEXT PRIMARY KEY, links BLOB NOT NULL, ids INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS findings (path TEXT NOT NULL, rule TEXT NOT NULL, told TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS findings_path ON findings (path);
"""


class Remembered:
    """What the last check learnt; use `open`."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._db = connection

    @classmethod
    @contextmanager
    def open(cls, state_dir: Path, *, keep: bool) -> "Iterator[Remembered]":
        """What is remembered here; with `keep` False nothing is read or written."""
        path = state_dir / FILE
        connection = _connect(path) if keep else sqlite3.connect(":memory:")
        connection.executescript(_SCHEMA)
        try:
            yield cls(connection)
        finally:
            connection.close()

    def stands_for(self, made_from: str) -> str:
        """The revision of the tree that was looked at by these rules; '' for none."""
        found = dict(self._db.execute("SELECT key, value FROM meta"))
        return str(found.get("revision", "")) if found.get("made from") == made_from else ""

    def begin(self) -> None:
        """What is known stands for no revision until `finish`: a kill leaves nothing half true."""
        self._db.execute("DELETE FROM meta WHERE key = 'revision'")
        self._db.commit()

    def clear(self) -> None:
        """Forget everything."""
        for table in ("meta", "pages", "findings"):
            self._db.execute(f"DELETE FROM {table}")

    def finish(self, made_from: str, revision: str) -> None:
        """Everything of this revision was looked at."""
        rows = [("made from", made_from), ("revision", revision)]
        self._db.executemany("INSERT OR REPLACE INTO meta VALUES (?, ?)", rows)
        self._db.commit()

    def note(self, looked: Looked) -> bool:
        """Remember a page; whether the places on it are others than before."""
        number = ids_number(looked.ids)
        row = self._db.execute("SELECT ids FROM pages WHERE path = ?", (looked.path,)).fetchone()
        values = (looked.path, looked.links, number)
        self._db.execute("INSERT OR REPLACE INTO pages VALUES (?, ?, ?)", values)
        return row is not None and row[0] != number

    def note_findings(self, findings: Iterable[Finding]) -> None:
        """These stand to be mended."""
        rows = ((one.path, one.rule, one.told) for one in findings)
        self._db.executemany("INSERT INTO findings VALUES (?, ?, ?)", rows)

    def forget(self, paths: Iterable[str], *, pages: bool = False) -> None:
        """The findings of these files stand no more; with `pages` nor does what else is known."""
        rows = [(path,) for path in paths]
        self._db.executemany("DELETE FROM findings WHERE path = ?", rows)
        if pages:
            self._db.executemany("DELETE FROM pages WHERE path = ?", rows)

    def forget_rule(self, rule: str) -> None:
        """What this rule found stands no more."""
        self._db.execute("DELETE FROM findings WHERE rule = ?", (rule,))

    def findings(self) -> list[Finding]:
        """All that stand, by rule and path."""
        rows = self._db.execute("SELECT rule, path, told FROM findings ORDER BY rule, path, told")
        return [Finding(*row) for row in rows]

    def leading_to(self, numbers: set[int]) -> Iterator[str]:
        """Pages that may have one of these links (`link_number`)."""
        if not numbers:
            return
        for path, links in self._db.execute("SELECT path, links FROM pages"):
            if not numbers.isdisjoint(array("I", links)):
                yield path


def _connect(path: Path) -> sqlite3.Connection:
    path.parent.mkdir(parents=True, exist_ok=True)
    connection = sqlite3.connect(path)
    try:
        connection.executescript(_SCHEMA)
    except sqlite3.DatabaseError as error:
        connection.close()
        if isinstance(error, sqlite3.OperationalError) and "no such" not in str(error):
            raise
        path.unlink(missing_ok=True)
        connection = sqlite3.connect(path)
    return connection
