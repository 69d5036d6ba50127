"""The files of the tree as the manifest knows them, and which changed since the tree had a name.

Part of the manifest: its publishing half asks for nothing else.
"""

import os
import secrets
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from mtsite.known import NEXT_DIRECTORY, Page

_REVISION = "revision"
MOST_CHANGES = 100_000
"""More changed paths than that are not remembered one by one."""


def on_disk(site: Path) -> Iterator[str]:
    """Paths below a directory, relative to it; strings, since there may be a million."""
    root = len(str(site)) + 1
    for directory, _, names in os.walk(str(site)):
        below = f"{directory}/"[root:]
        for name in names:
            yield below + name


class TreeFiles:
    """What is in the tree, and values that are remembered beside it, in a manifest's database."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._db = connection

    def get(self, key: str) -> str:
        """A remembered value, '' when there is none."""
        row = self._db.execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchone()
        return str(row[0]) if row else ""

    def put(self, key: str, value: str) -> None:
        """Remember a value. One that is known already costs no flush to disk at the next commit."""
        if self.get(key) != value:
            self._db.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (key, value))

    def revision(self) -> str:
        """A name for what the tree holds: the same name, the same files; '' for no files yet.

        It is drawn anew with every change, so a manifest that was lost and made again, or was put
        back from a backup, never repeats the name of another tree.
        """
        return self.get(_REVISION)

    def changed_since(self, revision: str) -> list[str] | None:
        """Paths that came, went or changed since the tree had that name, in byte order.

        None: it can't be told, compare everything.
        """
        row = self._db.execute(
            "SELECT changes FROM revisions WHERE token = ?", (revision,)
        ).fetchone()
        if row is None:
            return None
        rows = self._db.execute(
            "SELECT DISTINCT path FROM changes WHERE number > ? ORDER BY path", row
        )
        return [path for (path,) in rows]

    def areas(self) -> list[str]:
        """The directories of the areas in the tree, in byte order."""
        found: list[str] = []
        after = ""
        while row := self._db.execute(NEXT_DIRECTORY, (after,)).fetchone():
            name = str(row[0]).partition("/")[0]
            after = f"{name}0"  # '0' follows '/': the first path that is not below this directory
            if not name.startswith("_"):
                found.append(name)
        return found

    def files(self, paths: Iterable[str]) -> Iterator[tuple[str, str, int]]:
        """(path, digest, size) of those of the paths that are files of the tree."""
        for path in paths:
            yield from self._db.execute(
                "SELECT path, digest, size FROM tree WHERE path = ?", (path,)
            )

    def holds(self, path: str) -> bool:
        """Whether a file is part of the tree."""
        found = self._db.execute("SELECT 1 FROM tree WHERE path = ?", (path,)).fetchone()
        return found is not None

    def tree(self) -> Iterator[tuple[str, str, int]]:
        """(path, digest, size) of every file of the tree, in byte order of the paths."""
        yield from self._db.execute("SELECT path, digest, size FROM tree ORDER BY path")

    def owned(self, owner: str) -> dict[str, Page]:
        """The files of one owner by path."""
        rows = self._db.execute("SELECT * FROM tree WHERE owner = ?", (owner,))
        return {row[0]: Page(*row) for row in rows}

    def note_pages(self, pages: Iterable[Page]) -> None:
        """These files are in the tree now."""
        self._change_tree(
            "INSERT OR REPLACE INTO tree VALUES (?, ?, ?, ?, ?)",
            ((p.path, p.digest, p.size, p.fingerprint, p.owner) for p in pages),
        )

    def note_blobs(self, blobs: Iterable[tuple[str, str, int]]) -> None:
        """These (path, digest, size) are in the store now."""
        # A large log that was lost and taken again may be packed in another way.
        self._change_tree(
            "INSERT INTO tree VALUES (?, ?, ?, '', 'store') ON CONFLICT (path) DO UPDATE"
            " SET digest = excluded.digest, size = excluded.size"
            " WHERE digest <> excluded.digest",
            blobs,
        )

    def forget_pages(self, paths: Iterable[str]) -> None:
        """These files are not in the tree any more."""
        self._change_tree("DELETE FROM tree WHERE path = ?", ((path,) for path in paths))

    def _change_tree(self, sql: str, rows: Iterable[tuple[object, ...]]) -> None:
        paths: list[str] = []

        def noted() -> Iterator[tuple[object, ...]]:
            for row in rows:
                paths.append(str(row[0]))
                yield row

        before = self._db.total_changes
        self._db.executemany(sql, noted())
        if self._db.total_changes != before:
            self._note_changes(paths)
            self._revise()

    def _note_changes(self, paths: Sequence[str]) -> None:
        # Both in one would read all of them: SQLite looks up only one end at a time.
        first, last = self._db.execute(
            "SELECT (SELECT min(number) FROM changes), (SELECT max(number) FROM changes)"
        ).fetchone()
        if (last or 0) - (first or 0) + len(paths) > MOST_CHANGES:
            self._forget_changes()
            return
        self._db.executemany("INSERT INTO changes (path) VALUES (?)", ((path,) for path in paths))

    def _forget_changes(self) -> None:
        self._db.execute("DELETE FROM changes")
        self._db.execute("DELETE FROM revisions")

    def _revise(self) -> None:
        token = secrets.token_hex(12)
        self.put(_REVISION, token)
        self._db.execute(
            "INSERT INTO revisions VALUES (?, coalesce((SELECT max(number) FROM changes), 0))",
            (token,),
        )
