"""The pushes of all repositories that somebody told of, in a manifest's database.

A copy of `pushes/*.jsonl`, in which a revision is found without reading the files.
"""

import json
import sqlite3

from msgspec import Struct

from mtsite.provenance import Push, decode, encode
from mtsite.pushlog import Pushlog, is_cut

AT_ONCE = 50
"""So many pushes are on one part of a list; parts are counted from the oldest push."""

MOST_BETWEEN = 20
"""So many pushes before a bad one its page names; each is a link while it has a page itself."""

UNTOLD = -1
TABLES = """
CREATE TABLE pushes (
  repository TEXT NOT NULL, number INTEGER NOT NULL, revision TEXT NOT NULL, told TEXT NOT NULL,
  PRIMARY KEY (repository, number)) WITHOUT ROWID;
CREATE TABLE push_commits (
  repository TEXT NOT NULL, revision TEXT NOT NULL, number INTEGER NOT NULL,
  PRIMARY KEY (repository, revision)) WITHOUT ROWID;
CREATE INDEX push_commits_revision ON push_commits (revision);
"""
NAMES = ("pushes", "push_commits")


class PushPlace(Struct, frozen=True):
    """Where a push stands: `number` counts from the oldest, from 0; `UNTOLD` where nobody told."""

    repository: str
    revision: str
    number: int = UNTOLD


class ToldPushes:
    """What `put` was given; a push is found by any of its revisions, or by its own number."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._db = connection
        self._numbers: dict[str, dict[str, int]] = {}

    def put(self, log: Pushlog) -> list[int]:
        """The pushes of a repository are these; the places where another one stands than before."""
        name = json.dumps(log.repository)
        before = dict(
            self._db.execute("SELECT number, told FROM pushes WHERE repository = ?", (name,))
        )
        after = dict(enumerate(map(encode, log.pushes)))
        moved = sorted(n for n in before.keys() | after.keys() if before.get(n) != after.get(n))
        if not moved:
            return []
        self._numbers.pop(name, None)
        self._db.execute("DELETE FROM pushes WHERE repository = ?", (name,))
        self._db.execute("DELETE FROM push_commits WHERE repository = ?", (name,))
        self._db.executemany(
            "INSERT INTO pushes VALUES (?, ?, ?, ?)",
            ((name, n, json.dumps(p.revision), after[n]) for n, p in enumerate(log.pushes)),
        )
        self._db.executemany(
            "INSERT OR IGNORE INTO push_commits VALUES (?, ?, ?)",
            (
                (name, json.dumps(commit.revision), n)
                for n, push in enumerate(log.pushes)
                for commit in push.commits
            ),
        )
        return moved

    def repositories(self) -> list[str]:
        """All repositories that have pushes, by name."""
        rows = self._db.execute("SELECT DISTINCT repository FROM pushes")
        return sorted(json.loads(name) for (name,) in rows)

    def parts(self, repository: str) -> int:
        """How many parts the list of its pushes has."""
        return -(-self.count(repository) // AT_ONCE)

    def count(self, repository: str) -> int:
        """How many pushes somebody told of."""
        (found,) = self._db.execute(
            "SELECT count(*) FROM pushes WHERE repository = ?", (json.dumps(repository),)
        ).fetchone()
        return int(found)

    def pushes(self, repository: str, first: int, last: int) -> list[tuple[int, Push]]:
        """(number, push) of those from a number up to before another, oldest first."""
        rows = self._db.execute(
            "SELECT number, told FROM pushes WHERE repository = ? AND number >= ? AND number < ?"
            " ORDER BY number",
            (json.dumps(repository), first, last),
        )
        return [(number, decode(told)) for number, told in rows]

    def find(self, repository: str, revision: str) -> PushPlace:
        """Where the push stands that somebody names so; an untold one is where it says."""
        found = self._find(repository, revision)
        if found is None:
            return PushPlace(repository, revision)
        name, number = found
        (head,) = self._db.execute(
            "SELECT revision FROM pushes WHERE repository = ? AND number = ?", (name, number)
        ).fetchone()
        return PushPlace(json.loads(name), json.loads(head), number)

    def _find(self, repository: str, revision: str) -> tuple[str, int] | None:
        where, values = (
            ("repository = ? AND ", (json.dumps(repository),)) if repository else ("", ())
        )
        text = json.dumps(revision)
        exact = self._db.execute(
            f"SELECT repository, number FROM push_commits WHERE {where}revision = ? LIMIT 2",
            (*values, text),
        ).fetchall()
        if exact or not revision:
            return (str(exact[0][0]), int(exact[0][1])) if len(exact) == 1 else None
        if is_cut(revision):
            near = self._db.execute(
                "SELECT DISTINCT repository, number FROM push_commits"
                f" WHERE {where}revision > ? AND revision < ? LIMIT 2",
                (*values, text[:-1], f"{text[:-1]}~"),
            ).fetchall()
            if len(near) == 1:
                return str(near[0][0]), int(near[0][1])
        if repository and revision.isascii() and revision.isdigit():
            return self._numbered(json.dumps(repository), revision)
        return None

    def _numbered(self, name: str, push: str) -> tuple[str, int] | None:
        """A push by the number of its own; of two with one the older."""
        if name not in self._numbers:
            # Many runs ask: they are read once.
            rows = self._db.execute(
                "SELECT json_extract(told, '$.id'), number FROM pushes WHERE repository = ?"
                " ORDER BY number DESC",
                (name,),
            )
            self._numbers[name] = {own: number for own, number in rows if own}
        found = self._numbers[name].get(push)
        return None if found is None else (name, found)
