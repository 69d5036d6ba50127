"""What one destination holds, as far as this site's publisher knows: a local SQLite file.

`published` is the manifest's shards laid over each other, and `base`, the digest that this
publisher's tree last had there. `sent` is what was put, or was about to be, since the last root: it
lets a killed publish go on. The file is a cache: when it is lost, root and shards make it again.
"""

import hashlib
import json
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

from mtsite.publish.destination import Tag
from mtsite.publish.shards import Line, Root, ShardRef, decode_root, encode_root

FORMAT = "2"
UNKNOWN = "?"
"""As a digest in `sent`: a put was begun; which content lies there now is not known."""
_NOT_DAMAGED = {
    *(sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR),
    *(sqlite3.SQLITE_PERM, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN),
}

_SCHEMA = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE published (path TEXT PRIMARY KEY, digest TEXT NOT NULL, size INTEGER NOT NULL,
  since INTEGER NOT NULL, base TEXT NOT NULL DEFAULT '', shard INTEGER) WITHOUT ROWID;
CREATE INDEX published_shard ON published (shard) WHERE shard IS NOT NULL;
CREATE INDEX published_since ON published (since) WHERE digest = '' AND since > 0;
CREATE TABLE shards (place INTEGER PRIMARY KEY, name TEXT NOT NULL, lines INTEGER NOT NULL,
  bytes INTEGER NOT NULL, generation INTEGER NOT NULL);
CREATE TABLE sent (path TEXT PRIMARY KEY, digest TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE deleted (path TEXT PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE volatile (path TEXT PRIMARY KEY, digest TEXT NOT NULL) WITHOUT ROWID;
"""


class Published(NamedTuple):
    """What is known of a path. `digest` '': nothing refers to it, `since` when (0: gone).

    `base` is what this publisher's own tree last held there, '' if nothing.
    """

    path: str
    digest: str
    since: int
    base: str


class Settled(NamedTuple):
    """A revision of the tree that the destination is in line with.

    `next_due` is since when (Unix time) the oldest page that waits for its deletion is
    unreferenced, 0 if none is. `unchanged` and `kept` count files, as the plan did.
    """

    revision: str
    next_due: int
    unchanged: int
    kept: int


class Ledger:
    """One destination's state; use `Ledger.open`."""

    def __init__(self, connection: sqlite3.Connection, *, keep: bool) -> None:
        self._db = connection
        self._keep = keep

    @classmethod
    @contextmanager
    def open(cls, path: Path, *, keep: bool = True) -> "Iterator[Ledger]":
        """The ledger in a file, made anew if damaged. `keep` False: all changes are forgotten."""
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            connection = _connect(path)
        except sqlite3.DatabaseError as error:
            if getattr(error, "sqlite_errorcode", 0) & 0xFF in _NOT_DAMAGED:
                raise
            for name in (path.name, f"{path.name}-wal", f"{path.name}-shm"):
                path.with_name(name).unlink(missing_ok=True)
            connection = _connect(path)
        try:
            yield cls(connection, keep=keep)
        finally:
            with suppress(sqlite3.Error):
                connection.rollback()
            connection.close()

    def commit(self) -> None:
        """Make what was noted permanent; a kill of the process loses nothing that was committed."""
        if self._keep:
            self._db.commit()

    # -- the root

    def root(self) -> tuple[Root, Tag]:
        """The root as last seen and its tag ('' if never)."""
        rows = dict(self._db.execute("SELECT key, value FROM meta WHERE key IN ('root', 'tag')"))
        if "tag" not in rows:
            return Root(), ""
        return decode_root(rows["root"]), str(rows["tag"])

    def absorb(self, root: Root, tag: Tag, lines_of: Callable[[ShardRef], Iterable[Line]]) -> int:
        """Take over a root; only shards that are new to the ledger are asked for. No commit.

        Returns how many paths this publisher has there that the root does not know: more than none
        means that another publisher's root took the place of ours, which a condition prevents.
        """
        self._db.execute("DELETE FROM meta WHERE key = 'settled'")
        known = [ShardRef(*row) for row in self._db.execute(_SHARDS)]
        same = 0
        while same < min(len(known), len(root.shards)) and known[same] == root.shards[same]:
            same += 1
        self._db.execute("UPDATE published SET shard = -1 WHERE shard >= ?", (same,))
        self._db.execute("DELETE FROM shards WHERE place >= ?", (same,))
        doubtful: list[str] = []
        for place, ref in enumerate(root.shards[same:], same):
            self._db.execute(
                "INSERT INTO shards VALUES (?, ?, ?, ?, ?)",
                (place, ref.name, ref.lines, ref.size_bytes, ref.generation),
            )
            doubtful += self._lay(place, lines_of(ref))
        # What stood in a swallowed shard and not in its successor is gone for good.
        self._db.execute("DELETE FROM published WHERE shard = -1 AND base = ''")
        overwritten = self._db.execute(
            "UPDATE published SET digest = '', size = 0, since = 0, shard = NULL WHERE shard = -1"
        ).rowcount
        self._claim(ref.path for ref in root.shards)
        self._put_meta("root", encode_root(root))
        self._put_meta("tag", tag)
        if doubtful:
            self._put_meta("doubtful", json.dumps(sorted({*self.doubtful(), *doubtful})))
        return overwritten

    def _lay(self, place: int, lines: Iterable[Line]) -> list[str]:
        """Take over a shard's lines; those of objects that we deleted meanwhile come back."""
        rows = [(*line, place) for line in lines]
        deleted = {path for (path,) in self._db.execute("SELECT path FROM deleted")}
        self._db.executemany(
            "INSERT INTO published (path, digest, size, since, shard) VALUES (?, ?, ?, ?, ?)"
            " ON CONFLICT (path) DO UPDATE SET digest = excluded.digest, size = excluded.size,"
            " since = excluded.since, shard = excluded.shard",
            rows,
        )
        # Somebody wrote these paths: what we put there may have been overwritten.
        paths = [(row[0],) for row in rows]
        self._db.executemany("DELETE FROM sent WHERE path = ?", paths)
        self._db.executemany("DELETE FROM deleted WHERE path = ?", paths)
        return [path for path, digest, *_ in rows if digest and path in deleted]

    def _claim(self, shard_paths: Iterable[str]) -> None:
        """A shard that the root lists is no rubbish, whatever was said of its path before."""
        rows = [(path,) for path in shard_paths]
        for table in ("sent", "deleted", "published"):
            self._db.executemany(f"DELETE FROM {table} WHERE path = ?", rows)

    def conditions_kept(self) -> bool | None:
        """Whether the destination keeps the conditions of a put; None: it was never asked."""
        return {"yes": True, "no": False}.get(self._meta("conditions"))

    def note_conditions(self, *, kept: bool) -> None:
        """What it was found to do."""
        self._put_meta("conditions", "yes" if kept else "no")
        self.commit()

    def forget(self) -> None:
        """Nothing is known of the destination any more: it holds no root."""
        for table in ("published", "shards", "sent", "deleted", "volatile"):
            self._db.execute(f"DELETE FROM {table}")
        self._db.execute("DELETE FROM meta WHERE key NOT IN ('format', 'epoch', 'conditions')")
        self.commit()

    # -- what is published

    def published(self) -> Iterator[Published]:
        """Everything known, in byte order of the paths."""
        return map(Published._make, self._db.execute(f"{_PUBLISHED} ORDER BY path"))

    def published_at(self, paths: Iterable[str], due_before: int) -> list[Published]:
        """What is known of these paths and of those that are due, in byte order of the paths."""
        found = {
            row[0]: Published._make(row)
            for path in paths
            for row in self._db.execute(f"{_PUBLISHED} WHERE path = ?", (path,))
        }
        due = self._db.execute(
            f"{_PUBLISHED} WHERE digest = '' AND since > 0 AND since <= ?", (due_before,)
        )
        found |= {row[0]: Published._make(row) for row in due}
        return [found[path] for path in sorted(found)]

    def lines_from(self, place: int) -> list[Line]:
        """The newest lines of all shards from a place of the root on."""
        rows = self._db.execute(
            "SELECT path, digest, size, since FROM published WHERE shard >= ?", (place,)
        )
        return [Line._make(row) for row in rows]

    def set_base(self, bases: Iterable[tuple[str, str]]) -> None:
        """(path, digest) of what this publisher's tree has there now; '' for no longer."""
        self._db.executemany(
            "UPDATE published SET base = ? WHERE path = ?", ((d, p) for p, d in bases)
        )

    # -- since the last root

    def sent(self) -> dict[str, str]:
        """Path → digest (or UNKNOWN) of what was put since the last root."""
        return dict(self._db.execute("SELECT path, digest FROM sent"))

    def begin(self, paths: Iterable[str]) -> None:
        """These are about to be put: until `note_sent`, what lies there is not known."""
        rows = [(path,) for path in paths]
        self._db.executemany(f"INSERT OR REPLACE INTO sent VALUES (?, '{UNKNOWN}')", rows)
        self._db.executemany("DELETE FROM deleted WHERE path = ?", rows)
        self.commit()

    def note_sent(self, files: Iterable[tuple[str, str]]) -> None:
        """These (path, digest) were put. Permanent at once: a kill costs no second upload."""
        self._db.executemany("INSERT OR REPLACE INTO sent VALUES (?, ?)", files)
        self.commit()

    def enter(self, epoch: str) -> None:
        """In another epoch of the destination, what was put since the last root may be lost."""
        if self._meta("epoch") != epoch:
            self._db.execute("UPDATE sent SET digest = ?", (UNKNOWN,))
            self._put_meta("epoch", epoch)
            self.commit()

    def forget_sent(self) -> None:
        """A root names all that was put."""
        self._db.execute("DELETE FROM sent")

    # -- deletions

    def deleted(self) -> list[str]:
        """Objects that were deleted, which no shard says yet."""
        found = self._db.execute(
            "SELECT path FROM deleted WHERE path NOT IN"
            " (SELECT path FROM published WHERE digest = '' AND since > 0) ORDER BY path"
        )
        return [path for (path,) in found]

    def begin_delete(self, paths: Sequence[str]) -> None:
        """These are about to be deleted: whoever names them in the next root may have lost them."""
        rows = [(path,) for path in paths]
        self._db.executemany("INSERT OR REPLACE INTO deleted VALUES (?)", rows)
        self.commit()

    def note_deleted(self, paths: Sequence[str]) -> None:
        """These objects are gone."""
        rows = [(path,) for path in paths]
        self._db.executemany("UPDATE published SET since = 0 WHERE path = ?", rows)
        self.commit()

    def doubtful(self) -> list[str]:
        """Paths that another publisher's root named while we were deleting them."""
        return [str(path) for path in json.loads(self._meta("doubtful") or "[]")]

    def clear_doubts(self) -> None:
        """It was looked at whether they are there."""
        self._db.execute("DELETE FROM meta WHERE key = 'doubtful'")
        self.commit()

    # -- volatile files

    def volatile(self) -> dict[str, str]:
        """Path → digest of the volatile files that were put."""
        return dict(self._db.execute("SELECT path, digest FROM volatile"))

    def note_volatile(self, files: Iterable[tuple[str, str]]) -> None:
        """These volatile files (path, digest) were put."""
        self._db.executemany("INSERT OR REPLACE INTO volatile VALUES (?, ?)", files)
        self.commit()

    def forget_volatile(self, paths: Iterable[str]) -> None:
        """These volatile files were deleted."""
        self._db.executemany("DELETE FROM volatile WHERE path = ?", [(path,) for path in paths])
        self.commit()

    def mark_missing(self, paths: Iterable[str]) -> None:
        """Nothing lies at these paths, or not what the manifest says: the next root says so."""
        rows = [(path,) for path in paths]
        self._db.executemany("UPDATE published SET digest = '', since = 0 WHERE path = ?", rows)
        self._db.executemany("DELETE FROM sent WHERE path = ?", rows)
        self._db.executemany("INSERT OR REPLACE INTO deleted VALUES (?)", rows)
        self._db.execute("DELETE FROM volatile")
        self._db.execute("DELETE FROM meta WHERE key = 'settled'")
        self.commit()

    # -- nothing new

    def settle(self, settled: Settled) -> None:
        """The destination is in line with a revision of the tree."""
        self._put_meta("settled", json.dumps(settled))
        self.commit()

    def settled(self) -> Settled | None:
        """What was last settled, unless the destination or what we put there changed since."""
        told = self._meta("settled")
        if not told or self._db.execute("SELECT 1 FROM sent LIMIT 1").fetchone():
            return None
        return Settled._make(json.loads(told))

    def next_due(self) -> int:
        """Since when the page that waits longest for its deletion is unreferenced; 0: none is."""
        (since,) = self._db.execute(
            "SELECT min(since) FROM published"
            " WHERE digest = '' AND since > 0 AND path NOT GLOB '_manifest/*'"
        ).fetchone()
        return int(since or 0)

    def _meta(self, key: str) -> str:
        row = self._db.execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchone()
        return str(row[0]) if row else ""

    def _put_meta(self, key: str, value: bytes | str) -> None:
        self._db.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (key, value))


_PUBLISHED = "SELECT path, digest, since, base FROM published"
_SHARDS = "SELECT name, lines, bytes, generation FROM shards ORDER BY place"


def ledger_file(state_dir: Path, url: str, endpoint_url: str) -> Path:
    """Where the ledger of a destination lies; one bucket name at two servers makes two."""
    address = f"{endpoint_url} {url}" if url.startswith("s3:") else url
    return state_dir / f"published-{hashlib.sha256(address.encode()).hexdigest()[:12]}.db"


def _connect(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, timeout=5)
    try:
        # An exclusive write-ahead log needs no shared memory, so it works on network disks too, and
        # a commit needs no flush: a crash of the machine costs some uploads, never the file.
        connection.execute("PRAGMA locking_mode = EXCLUSIVE")
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")
        if _format(connection) != FORMAT:
            tables = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
            for (name,) in tables.fetchall():
                connection.execute(f'DROP TABLE "{name}"')
            connection.executescript(_SCHEMA)
            connection.execute("INSERT INTO meta VALUES ('format', ?)", (FORMAT,))
            connection.commit()
    except BaseException:
        connection.close()
        raise
    return connection


def _format(connection: sqlite3.Connection) -> str:
    if not connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'meta'").fetchone():
        return ""
    row = connection.execute("SELECT value FROM meta WHERE key = 'format'").fetchone()
    return str(row[0]) if row else ""
