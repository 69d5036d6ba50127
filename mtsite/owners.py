"""Whom the tests of each run belong to, as its rows and testconfigs said.

Part of the manifest, and a cache like it. Runs that say the same share what is kept.
"""

import hashlib
import json
import sqlite3
import zlib
from collections.abc import Mapping

from mtsite.model import Run, TestDefinition

TABLES = """
CREATE TABLE owners (dir TEXT PRIMARY KEY, said TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE owners_said (digest TEXT PRIMARY KEY, packed BLOB NOT NULL) WITHOUT ROWID;
"""
NAMES = ("owners", "owners_said")


class Owners:
    """Owners of tests by testname, by the directory of a run, in a manifest's database."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._db = connection

    def mark(self, run_dir: str) -> str:
        """A digest of what is known of a run; '' for nothing."""
        row = self._db.execute("SELECT said FROM owners WHERE dir = ?", (run_dir,)).fetchone()
        return str(row[0]) if row else ""

    def of_run(self, run_dir: str) -> dict[str, str]:
        """Testname → owner."""
        row = self._db.execute(
            "SELECT packed FROM owners_said WHERE digest = ?", (self.mark(run_dir),)
        ).fetchone()
        return dict(json.loads(zlib.decompress(row[0]))) if row else {}

    def note(self, run_dir: str, owners: Mapping[str, str]) -> bool:
        """What the run says now; whether that is another word than before."""
        text = json.dumps(sorted(owners.items()), separators=(",", ":"))
        digest = hashlib.sha256(text.encode()).hexdigest()[:20] if owners else ""
        if digest == self.mark(run_dir):
            return False
        if not digest:
            self._db.execute("DELETE FROM owners WHERE dir = ?", (run_dir,))
            return True
        packed = zlib.compress(text.encode(), 1)
        self._db.execute("INSERT OR IGNORE INTO owners_said VALUES (?, ?)", (digest, packed))
        self._db.execute("INSERT OR REPLACE INTO owners VALUES (?, ?)", (run_dir, digest))
        return True


def owners_of(run: Run, definitions: Mapping[str, TestDefinition]) -> dict[str, str]:
    """Testname → owner, of the tests of a run that have one: the row's word counts first."""
    found = {name: one.owner for name, one in definitions.items()}
    found |= {name: meta.owner for name, meta in run.meta.items() if meta.owner}
    names = {test.testname for test in run.tests}
    return {name: owner for name, owner in found.items() if owner and name in names}
