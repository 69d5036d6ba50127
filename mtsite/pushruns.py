"""Which run tested which push and which build: what the pages of pushes are made from.

Part of the manifest, and a cache like it. What a run says of its push depends on its rows alone;
where that push stands, on the pushlogs. A run's address of its push is made of what it says
itself, so that its page never changes because a pushlog does.
"""

import json
import sqlite3
from collections.abc import Iterator, Sequence

from msgspec import Struct, to_builtins

from mtsite.model import RunKey
from mtsite.provenance import Artifact, Build, Provenance, Push, decode, encode
from mtsite.pushlog import Pushlog
from mtsite.toldpushes import AT_ONCE, MOST_BETWEEN, UNTOLD, PushPlace, ToldPushes

TABLES = """
CREATE TABLE run_pushes (
  dir TEXT PRIMARY KEY, target TEXT NOT NULL, whose TEXT NOT NULL, place INTEGER NOT NULL,
  repository TEXT NOT NULL, revision TEXT NOT NULL, told TEXT NOT NULL,
  at_repository TEXT NOT NULL, at_revision TEXT NOT NULL, number INTEGER NOT NULL) WITHOUT ROWID;
CREATE INDEX run_pushes_named ON run_pushes (repository, revision);
CREATE INDEX run_pushes_at ON run_pushes (at_repository, number, at_revision);
CREATE INDEX run_pushes_target ON run_pushes (target, at_repository, number);
CREATE TABLE run_builds (
  repository TEXT NOT NULL, build TEXT NOT NULL, dir TEXT NOT NULL, told TEXT NOT NULL,
  PRIMARY KEY (repository, build, dir)) WITHOUT ROWID;
CREATE INDEX run_builds_dir ON run_builds (dir);
CREATE TABLE pushes_due (
  kind TEXT NOT NULL, repository TEXT NOT NULL, name TEXT NOT NULL,
  PRIMARY KEY (kind, repository, name)) WITHOUT ROWID;
"""
NAMES = ("run_pushes", "run_builds", "pushes_due")
PUSH, PART, INDEX, BUILD = "push", "part", "index", "build"
_COLUMNS = "dir, whose, place, repository, revision, told, at_repository, at_revision, number"


class PushRun(Struct, frozen=True):
    """A run with what it says of its push (`repository`, `revision`), and where that stands."""

    dir: str
    key: RunKey
    place: int
    repository: str
    revision: str
    said: Push | None
    at: PushPlace


class PushRuns:
    """The pushes and builds of all runs in a manifest's database; `due` says which pages moved."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._db = connection
        self.told = ToldPushes(connection)

    def note(self, run_dir: str, key: RunKey, place: int, found: Provenance) -> None:
        """What a run says of its push and its builds now."""
        now = self._row(run_dir, key, place, found) if found.named else None
        before = self._db.execute(
            f"SELECT {_COLUMNS} FROM run_pushes WHERE dir = ?", (run_dir,)
        ).fetchone()
        if before != now:
            self._put(run_dir, key, now)
        builds = {
            (
                json.dumps(found.repository),
                json.dumps(one.id),
                json.dumps([found.named, to_builtins(one)]),
            )
            for one in found.builds
        }
        rows = self._db.execute(
            "SELECT repository, build, told FROM run_builds WHERE dir = ?", (run_dir,)
        )
        if set(rows) != builds:
            self.touch(run_dir)
            self._db.execute("DELETE FROM run_builds WHERE dir = ?", (run_dir,))
            self._db.executemany(
                "INSERT INTO run_builds VALUES (?, ?, ?, ?)",
                ((repository, build, run_dir, told) for repository, build, told in builds),
            )
            self.touch(run_dir)

    def touch(self, run_dir: str) -> None:
        """How a run went, or what it says, has changed: the pages that show it are due."""
        for one in self._runs("dir = ?", (run_dir,)):
            self._due(PUSH, one.repository, one.revision)
            self._due_at(one)
        for repository, build in self._db.execute(
            "SELECT repository, build FROM run_builds WHERE dir = ?", (run_dir,)
        ).fetchall():
            self._due(BUILD, json.loads(repository), json.loads(build))

    def forget_gone(self) -> None:
        """Runs that have no rows any more say nothing."""
        gone = self._db.execute(
            "SELECT dir FROM (SELECT dir FROM run_pushes UNION SELECT dir FROM run_builds)"
            " WHERE dir NOT IN (SELECT dir FROM runs WHERE gone = '' AND coming = 0)"
        ).fetchall()
        for (run_dir,) in gone:
            self.touch(run_dir)
            self._db.execute("DELETE FROM run_pushes WHERE dir = ?", (run_dir,))
            self._db.execute("DELETE FROM run_builds WHERE dir = ?", (run_dir,))

    def tell(self, log: Pushlog) -> None:
        """The pushes of a repository are these: what of them moved is due, and all that name it."""
        moved = self.told.put(log)
        if not moved:
            return
        # The part before leads on to the next one, which may be new.
        for part in range(max(0, moved[0] // AT_ONCE - 1), moved[-1] // AT_ONCE + 1):
            self._due(PART, log.repository, str(part))
        self._due(INDEX, log.repository, "")
        name = json.dumps(log.repository)
        for one in self._runs("at_repository = ? AND number >= ?", (name, moved[0])):
            self._due(PUSH, one.at.repository, one.at.revision)
        # What comes after a push that was there before is another one now.
        self._due_beside(log.repository, moved[0])
        self._place_again(name)

    def forget_logs(self, kept: Sequence[str]) -> None:
        """Only these repositories are told of."""
        for name in self.told.repositories():
            if name not in kept:
                self.tell(Pushlog(name, ()))

    def due(self, kind: str) -> list[tuple[str, str]]:
        """(repository, name) of all pages of a kind that are due."""
        rows = self._db.execute("SELECT repository, name FROM pushes_due WHERE kind = ?", (kind,))
        return sorted((json.loads(repository), json.loads(name)) for repository, name in rows)

    def settle(self, kind: str, repository: str, name: str) -> None:
        """A page says what is known."""
        values = (kind, json.dumps(repository), json.dumps(name))
        self._db.execute(
            "DELETE FROM pushes_due WHERE kind = ? AND repository = ? AND name = ?", values
        )

    def everything_due(self) -> None:
        """All pages that there may be."""
        for one in self._runs("1", ()):
            self._due(PUSH, one.repository, one.revision)
            self._due_at(one)
        rows = self._db.execute("SELECT DISTINCT repository, build FROM run_builds").fetchall()
        for repository, build in rows:
            self._due(BUILD, json.loads(repository), json.loads(build))
        for repository in self.repositories():
            self._due(INDEX, repository, "")
            for part in range(self.told.parts(repository)):
                self._due(PART, repository, str(part))

    def repositories(self) -> list[str]:
        """All repositories that have pushes or runs, by name."""
        rows = self._db.execute("SELECT DISTINCT at_repository FROM run_pushes")
        return sorted({*self.told.repositories(), *(json.loads(name) for (name,) in rows)})

    def runs_total(self, repository: str) -> int:
        """How many runs name a push of it."""
        (found,) = self._db.execute(
            "SELECT count(*) FROM run_pushes WHERE at_repository = ?", (json.dumps(repository),)
        ).fetchone()
        return int(found)

    def of_run(self, run_dir: str) -> PushRun | None:
        """What a run says of its push; None where it says nothing."""
        return next(self._runs("dir = ?", (run_dir,)), None)

    def runs_at(self, at: PushPlace) -> list[PushRun]:
        """The runs of a push, those of one target together and in their order."""
        return self._sorted(
            "at_repository = ? AND number = ? AND at_revision = ?",
            (json.dumps(at.repository), at.number, json.dumps(at.revision)),
        )

    def runs_between(self, repository: str, first: int, last: int) -> list[PushRun]:
        """The runs of all pushes from a number up to before another."""
        values = (json.dumps(repository), first, last)
        return self._sorted("at_repository = ? AND number >= ? AND number < ?", values)

    def untold(self, repository: str, most: int) -> list[PushPlace]:
        """The pushes of it that runs name and nobody told of; those that ran last, first."""
        rows = self._db.execute(
            "SELECT at_revision FROM run_pushes WHERE at_repository = ? AND number = -1"
            " GROUP BY at_revision ORDER BY max(place) DESC, at_revision LIMIT ?",
            (json.dumps(repository), most),
        )
        return [PushPlace(repository, json.loads(revision)) for (revision,) in rows]

    def newest(self, repository: str) -> PushPlace | None:
        """The last of its pushes that has runs; None where none has."""
        where = "at_repository = ? ORDER BY number DESC, place DESC, dir DESC LIMIT 1"
        found = next(self._runs(where, (json.dumps(repository),)), None)
        return found.at if found else None

    def before(self, one: PushRun) -> PushRun | None:
        """The last run of the same target at the nearest push before that of a run."""
        if one.at.number == UNTOLD:
            return None
        values = (_target(one.key), json.dumps(one.at.repository), one.at.number)
        where = "target = ? AND at_repository = ? AND number < ? AND number >= 0"
        order = "ORDER BY number DESC, place DESC, dir DESC LIMIT 1"
        return next(self._runs(f"{where} {order}", values), None)

    def beside(self, at: PushPlace) -> tuple[PushPlace | None, PushPlace | None]:
        """The nearest pushes with runs before and after one."""
        if at.number == UNTOLD:
            return None, None
        return self._near(at, "<", "DESC"), self._near(at, ">", "ASC")

    def named(self, repository: str, revision: str) -> PushPlace | None:
        """Where the push stands that a run names so; None where no run does.

        That may be another one than `told` finds: a run that also says the push's own number
        is believed in that.
        """
        where = "repository = ? AND revision = ? ORDER BY dir LIMIT 1"
        values = (json.dumps(repository), json.dumps(revision))
        return next((one.at for one in self._runs(where, values)), None)

    def has_runs(self, at: PushPlace) -> bool:
        """Whether a push has runs, so that it has a page."""
        values = (json.dumps(at.repository), at.number, json.dumps(at.revision))
        row = self._db.execute(
            "SELECT 1 FROM run_pushes WHERE at_repository = ? AND number = ? AND at_revision = ?",
            values,
        ).fetchone()
        return row is not None

    def uses(self, repository: str, build: str) -> list[tuple[str, str, Build]]:
        """(run, its revision, the build as it names it) of all that use a build, by directory."""
        rows = self._db.execute(
            "SELECT dir, told FROM run_builds WHERE repository = ? AND build = ? ORDER BY dir",
            (json.dumps(repository), json.dumps(build)),
        )
        found = []
        for run_dir, told in rows:
            revision, one = json.loads(told)
            files = tuple(Artifact(**each) for each in one["artifacts"])
            found.append((run_dir, revision, Build(one["id"], one["url"], files)))
        return found

    def builds_of(self, run_dir: str) -> list[tuple[str, str]]:
        """(repository, build) of a run."""
        rows = self._db.execute(
            "SELECT repository, build FROM run_builds WHERE dir = ?", (run_dir,)
        )
        return sorted((json.loads(repository), json.loads(build)) for repository, build in rows)

    def _near(self, at: PushPlace, sign: str, order: str) -> PushPlace | None:
        where = f"at_repository = ? AND number >= 0 AND number {sign} ?"
        values = (json.dumps(at.repository), at.number)
        found = next(self._runs(f"{where} ORDER BY number {order} LIMIT 1", values), None)
        return found.at if found else None

    def _row(self, run_dir: str, key: RunKey, place: int, found: Provenance) -> tuple[object, ...]:
        at = self.told.find(found.repository, found.push or found.revision)
        if at.number == UNTOLD:
            at = self.told.find(found.repository, found.named)
        told = json.dumps([found.push, encode(found.said) if found.said else ""])
        return (
            *(run_dir, json.dumps([key.area, key.target, key.runname]), place),
            *(json.dumps(found.repository), json.dumps(found.named), told),
            *(json.dumps(at.repository), json.dumps(at.revision), at.number),
        )

    def _put(self, run_dir: str, key: RunKey, now: tuple[object, ...] | None) -> None:
        self.touch(run_dir)
        self._db.execute("DELETE FROM run_pushes WHERE dir = ?", (run_dir,))
        if now is not None:
            self._db.execute(
                f"INSERT INTO run_pushes (target, {_COLUMNS}) VALUES (?{', ?' * 9})",
                (_target(key), *now),
            )
            self.touch(run_dir)

    def _place_again(self, name: str) -> None:
        """Runs that name a push of a repository, or none, may be of another push now."""
        for one in list(self._runs("repository IN (?, '\"\"') OR at_repository = ?", (name, name))):
            row = self._db.execute(
                f"SELECT {_COLUMNS} FROM run_pushes WHERE dir = ?", (one.dir,)
            ).fetchone()
            push, _said = json.loads(row[5])
            at = self.told.find(one.repository, push or one.revision)
            if at.number == UNTOLD:
                at = self.told.find(one.repository, one.revision)
            if at != one.at:
                where = (json.dumps(at.repository), json.dumps(at.revision), at.number)
                self._put(one.dir, one.key, (*row[:6], *where))

    def _runs(self, where: str, values: Sequence[object]) -> Iterator[PushRun]:
        rows = self._db.execute(f"SELECT {_COLUMNS} FROM run_pushes WHERE {where}", values)
        for run_dir, whose, place, repository, revision, told, at, at_revision, number in list(
            rows
        ):
            area, target, runname = json.loads(whose)
            _push, said = json.loads(told)
            yield PushRun(
                run_dir,
                RunKey(area, tuple(target), runname),
                place,
                json.loads(repository),
                json.loads(revision),
                decode(said) if said else None,
                PushPlace(json.loads(at), json.loads(at_revision), number),
            )

    def _sorted(self, where: str, values: Sequence[object]) -> list[PushRun]:
        def order(one: PushRun) -> tuple[str, tuple[str, ...], int, str]:
            return one.key.area, one.key.target, one.place, one.key.runname

        return sorted(self._runs(where, values), key=order)

    def _due_at(self, one: PushRun) -> None:
        """The pages that show a run, and those of the pushes that lead to its own."""
        self._due(PUSH, one.at.repository, one.at.revision)
        self._due(INDEX, one.at.repository, "")
        if one.at.number == UNTOLD:
            return
        self._due(PART, one.at.repository, str(one.at.number // AT_ONCE))
        self._due_beside(one.at.repository, one.at.number)
        values = (_target(one.key), json.dumps(one.at.repository), one.at.number)
        where = "target = ? AND at_repository = ? AND number > ? ORDER BY number LIMIT 1"
        for later in self._runs(where, values):
            self._due(PUSH, later.at.repository, later.at.revision)
        if self._is_alone(one):
            self._due_after(one.at)

    def _is_alone(self, one: PushRun) -> bool:
        """Whether the page of its push comes, or goes, with this run."""
        rows = self._db.execute(
            "SELECT 1 FROM run_pushes WHERE at_repository = ? AND number = ? LIMIT 2",
            (json.dumps(one.at.repository), one.at.number),
        )
        return len(rows.fetchall()) < 2

    def _due_after(self, at: PushPlace) -> None:
        """The pages that may name a push among those that lie between two."""
        rows = self._db.execute(
            "SELECT DISTINCT at_revision FROM run_pushes"
            " WHERE at_repository = ? AND number > ? AND number < ?",
            (json.dumps(at.repository), at.number, at.number + MOST_BETWEEN),
        ).fetchall()
        for (revision,) in rows:
            self._due(PUSH, at.repository, json.loads(revision))

    def _due_beside(self, repository: str, number: int) -> None:
        for near in self.beside(PushPlace(repository, "", number)):
            if near is not None:
                self._due(PUSH, near.repository, near.revision)

    def _due(self, kind: str, repository: str, name: str) -> None:
        values = (kind, json.dumps(repository), json.dumps(name))
        self._db.execute("INSERT OR IGNORE INTO pushes_due VALUES (?, ?, ?)", values)


def _target(key: RunKey) -> str:
    return json.dumps([key.area, key.target])
