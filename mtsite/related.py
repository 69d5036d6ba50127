"""Which runs hang on which other runs, and which tests on tests there: rows of the manifest.

    retry-of      the run that was tried again        depends-on    one that had to be there before
    built-from    one that made what it tests         duplicates    one that did the same

The value names runs, parted by blanks or commas: RUNNAME in the same target, KEY1/…/RUNNAME in the
same area, or AREA/KEY1/…/RUNNAME. Test data say it of tests (`relations.stated_elsewhere`). What
pages say of other runs moves with those: they are due. A cache, like all of the manifest.
"""

import json
import re
import sqlite3
from collections.abc import Iterable, Sequence

from msgspec import Struct
from msgspec.structs import replace

from mtsite import urls
from mtsite.model import RunKey
from mtsite.relations import KINDS, Elsewhere

TABLES = """CREATE TABLE related (
  dir TEXT NOT NULL, kind TEXT NOT NULL, said TEXT NOT NULL, number INTEGER NOT NULL,
  other TEXT NOT NULL, PRIMARY KEY (dir, kind, said, number)) WITHOUT ROWID;
CREATE INDEX related_other ON related (other);
CREATE TABLE related_shown (dir TEXT PRIMARY KEY, mark TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE related_due (dir TEXT PRIMARY KEY) WITHOUT ROWID;"""
NAMES = ("related", "related_shown", "related_due")
MOST = 200
"""So many runs are named by one, at most."""

Said = tuple[str, str]
"""(kind, the name of the other run as it was said)."""


class Named(Struct, frozen=True):
    """What is said of runs by their name (`said`), or of a test by one of another run (`edge`).

    `dirs` are the directories of what is named, the likeliest first, or of the one that names.
    """

    kind: str
    said: str
    dirs: tuple[str, ...]
    edge: Elsewhere | None = None


_BORDER = re.compile(r"[\s,]+")


def said_in(attributes: Iterable[tuple[str, str]]) -> tuple[Said, ...]:
    """What the attributes of a run say of others; case, `.`, `-` and `_` do not matter in names."""
    found: dict[Said, None] = {}
    for name, value in attributes:
        kind = name.lower().replace("_", "-").replace(".", "-")
        if kind in KINDS:
            found.update(dict.fromkeys((kind, one) for one in _BORDER.split(value) if one))
    return tuple(found)[:MOST]


def may_mean(key: RunKey, said: str) -> Sequence[RunKey]:
    """The runs that a name may stand for, said by the run of this key; the likeliest first."""
    parts = said.strip("/").split("/")
    found = []
    if len(parts) == 1:
        found.append(replace(key, runname=parts[0]))
    if len(parts) == len(key.target) + 1:
        found.append(RunKey(key.area, tuple(parts[:-1]), parts[-1]))
    if len(parts) > 2:
        found.append(RunKey(parts[0], tuple(parts[1:-1]), parts[-1]))
    return found


class RelatedRuns:
    """What runs say of others, by directory, in a manifest."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._db = connection

    def note(
        self, run_dir: str, key: RunKey, said: Iterable[Said], tests: Iterable[Elsewhere] = ()
    ) -> None:
        """What a run says now, and its tests."""
        after = {
            (kind, json.dumps(name), number, urls.run_dir(other))
            for kind, name in said
            for number, other in enumerate(may_mean(key, name))
        }
        after |= {(one.kind, _edge_text(one), 0, urls.run_dir(one.run)) for one in tests}
        rows = self._db.execute(
            "SELECT kind, said, number, other FROM related WHERE dir = ?", (run_dir,)
        )
        if set(rows) == after:
            return
        self.touch(run_dir)
        self._db.execute("DELETE FROM related WHERE dir = ?", (run_dir,))
        self._db.executemany(
            "INSERT INTO related VALUES (?, ?, ?, ?, ?)",
            ((run_dir, *row) for row in sorted(after)),
        )
        self.touch(run_dir)

    def touch(self, run_dir: str) -> None:
        """A run came, went or moved: what it names, and what names it, is due."""
        self._db.execute(
            "INSERT OR IGNORE INTO related_due SELECT dir FROM related WHERE other = ?1"
            " UNION SELECT other FROM related WHERE dir = ?1",
            (run_dir,),
        )

    def out_of(self, run_dir: str) -> list[Named]:
        """What a run says, with the directories that each name may stand for."""
        rows = self._db.execute(
            "SELECT kind, said, other FROM related WHERE dir = ? ORDER BY kind, said, number",
            (run_dir,),
        )
        found: dict[Said, list[str]] = {}
        for kind, said, other in rows:
            found.setdefault((kind, said), []).append(other)
        return [_named(kind, said, tuple(others)) for (kind, said), others in found.items()]

    def into(self, run_dir: str) -> list[Named]:
        """What others say that may mean this run, each with its directory."""
        rows = self._db.execute(
            "SELECT DISTINCT kind, dir, said FROM related WHERE other = ? ORDER BY kind, dir, said",
            (run_dir,),
        )
        return [_named(kind, said, (other,)) for kind, other, said in rows]

    def letter(self, run_dir: str) -> str:
        """The verdict of a run that has pages; '' for none."""
        row = self._db.execute(
            "SELECT json_extract(summary, '$.verdict') FROM runs WHERE dir = ? AND coming = 0",
            (run_dir,),
        ).fetchone()
        return str(row[0]) if row else ""

    def due(self) -> list[str]:
        """Runs whose pages may say something else now."""
        return [row[0] for row in self._db.execute("SELECT dir FROM related_due ORDER BY dir")]

    def done(self, dirs: Iterable[str]) -> None:
        """These have been looked at."""
        self._db.executemany("DELETE FROM related_due WHERE dir = ?", ((one,) for one in dirs))

    def shown(self, run_dir: str) -> str:
        """What `note_shown` was told of the pages of a run; '' for nothing."""
        row = self._db.execute("SELECT mark FROM related_shown WHERE dir = ?", (run_dir,))
        found = row.fetchone()
        return str(found[0]) if found else ""

    def note_shown(self, run_dir: str, mark: str) -> None:
        """What the pages of a run say of others, as a digest; '' for nothing."""
        if mark:
            values = (run_dir, mark)
            self._db.execute("INSERT OR REPLACE INTO related_shown VALUES (?, ?)", values)
        else:
            self._db.execute("DELETE FROM related_shown WHERE dir = ?", (run_dir,))


def _edge_text(edge: Elsewhere) -> str:
    run = edge.run
    return json.dumps([edge.source, run.area, run.target, run.runname, edge.target])


def _named(kind: str, said: str, dirs: tuple[str, ...]) -> Named:
    told = json.loads(said)
    if isinstance(told, str):
        return Named(kind, told, dirs)
    source, area, target, runname, other = told
    run = RunKey(area, tuple(target), runname)
    edge = Elsewhere((source[0], source[1]), kind, run, (other[0], other[1]))
    return Named(kind, "", dirs, edge)
