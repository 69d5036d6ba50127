"""What is in the tree, and what each run looked like when its pages were written.

A SQLite file in the state directory: a cache, which one full build makes again from the areas,
`_record/` and `_blobs/`. The build writes it; while none goes on, what lets runs go on purpose.

The order that makes a kill harmless: a run's fingerprint is taken back (`begin_runs`) before the
first of its pages is touched, and set again (`finish_run`) together with what was written; so
what a dead build left behind is never taken for known.
"""

import hashlib
import json
import sqlite3
import zlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from mtsite import onhosts, owners, pushruns, record, related, searchable, toldpushes
from mtsite.annotated import AnnotatedRuns
from mtsite.errors import MtsiteError
from mtsite.failing import FailingLines
from mtsite.known import (
    FORMAT,
    INSERT_RUN,
    RUN_COLUMNS,
    KnownRun,
    Outcomes,
    Page,
    Reasons,
    TargetRun,
    connect,
    known_of,
    mark_of,
    name_of,
    newest_first,
    pack,
    pack_reasons,
    run_values,
    summary_of,
    target_run,
    text_of,
    unpack_reasons,
)
from mtsite.measured import MeasuredValues
from mtsite.model import RunSummary, TestName
from mtsite.pushruns import PushRuns
from mtsite.searchable import Searchable
from mtsite.treefiles import TreeFiles

__all__ = ["FILE", "KnownRun", "Manifest", "Outcomes", "Page", "Reasons", "TargetRun"]
FILE = "manifest.db"
RULES_KEY = "log rules"
"""The digest of the rule set that all logs of the site were judged with."""


class Manifest(TreeFiles):
    """The state of one site; use `open`."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        super().__init__(connection)
        self.measured = MeasuredValues(connection)
        self.hosts = onhosts.OnHosts(connection)
        self.owners = owners.Owners(connection)
        self.failing = FailingLines(connection)
        self.annotated = AnnotatedRuns(connection)
        self.related = related.RelatedRuns(connection)
        self.search = Searchable(connection)
        self.pushes = PushRuns(connection)
        self._names: dict[TestName, TestName] = {}

    @classmethod
    @contextmanager
    def open(cls, state_dir: Path) -> "Iterator[Manifest]":
        """The manifest of this state directory, made when absent or of another format.

        Raises:
            MtsiteError: the file is damaged and can't be replaced.
        """
        state_dir.mkdir(parents=True, exist_ok=True)
        path = state_dir / FILE
        try:
            connection = connect(path)
        except sqlite3.DatabaseError as error:
            if isinstance(error, sqlite3.OperationalError) and "locked" in str(error):
                raise MtsiteError(
                    f"{path} is locked by another program", "end it, or wait, and run again"
                ) from error
            path.unlink(missing_ok=True)
            connection = connect(path)
        try:
            yield cls(connection)
        finally:
            connection.close()

    def commit(self) -> None:
        """Make all that was noted since the last commit permanent."""
        self._db.commit()

    def has_moved(self) -> bool:
        """Whether anything was changed since it was opened."""
        return self._db.total_changes > 0

    def clear(self) -> None:
        """Forget the tree, the runs and the areas; what was published stays known elsewhere."""
        own = "meta tree runs targets listing measured failing annotated"
        # Those of the search last: rows that go are due there.
        kept = (*related.NAMES, *onhosts.NAMES, *owners.NAMES, *toldpushes.NAMES, *pushruns.NAMES)
        for table in (*own.split(), *kept, *searchable.NAMES):
            self._db.execute(f"DELETE FROM {table}")
        self._forget_changes()
        self.put("format", FORMAT)
        self._revise()

    def known_runs(self) -> dict[str, KnownRun]:
        """All runs that have pages by directory, those that are gone too."""
        rows = self._db.execute(f"SELECT {RUN_COLUMNS} FROM runs WHERE coming = 0")
        return {row[0]: known_of(row) for row in rows}

    def target_runs(
        self, area: str, target: Sequence[str], *, gone: bool = False, coming: bool = False
    ) -> list[tuple[int, str, str]]:
        """(place, runname, directory) of a target's runs, oldest first; also `gone`, `coming`."""
        rows = self._db.execute(
            "SELECT place, runname, dir FROM runs"
            " WHERE area = ? AND target = ? AND (? OR gone = '') AND coming <= ?",
            (text_of(area), json.dumps(tuple(target)), gone, coming),
        )
        return sorted((row[0], name_of(row[1]), row[2]) for row in rows)

    def runs_of(self, area: str, target: Sequence[str] | None = None) -> list[TargetRun]:
        """All runs of a target, or of a whole area, that have pages, gone or not; oldest first."""
        where = "" if target is None else " AND target = ?"
        values = [text_of(area), *([] if target is None else [json.dumps(tuple(target))])]
        rows = self._db.execute(
            "SELECT place, runname, dir, target, mark, gone, summary FROM runs"
            f" WHERE coming = 0 AND area = ?{where}",
            values,
        )
        return sorted(map(target_run, rows), key=lambda run: (run.place, run.runname, run.dir))

    def summaries(
        self, area: str, targets: Iterable[Sequence[str]], *, limit: int = -1
    ) -> list[RunSummary]:
        """The newest runs of these targets of an area that have rows, newest first."""
        wanted = json.dumps([json.dumps(tuple(target)) for target in targets])
        rows = self._db.execute(
            "SELECT place, summary FROM runs WHERE area = ? AND gone = '' AND coming = 0"
            " AND target IN (SELECT value FROM json_each(?))"
            " ORDER BY place DESC, runname DESC, target DESC LIMIT ?",
            (text_of(area), wanted, limit),
        )
        return newest_first(rows)

    def run_sizes(self, area: str, target: Sequence[str]) -> list[tuple[int, int, int]]:
        """(place, counted tests, bytes of logs that are stored) of all runs of a target."""
        return self._db.execute(
            "SELECT place,"
            " (SELECT CAST(total(value) AS INTEGER) FROM json_each(summary, '$.counts')),"
            " CASE gone WHEN '' THEN coalesce(json_extract(summary, '$.log_bytes'), 0) ELSE 0 END"
            " FROM runs WHERE area = ? AND target = ? AND coming = 0",
            (text_of(area), json.dumps(tuple(target))),
        ).fetchall()

    def moved_in(self, home: str, *, limit: int) -> list[RunSummary]:
        """The newest runs that an area holds for another area, newest first."""
        rows = self._db.execute(
            "SELECT place, summary FROM runs"
            " WHERE home = ? AND area != ? AND gone = '' AND coming = 0"
            " ORDER BY place DESC, runname DESC, target DESC, area DESC LIMIT ?",
            (text_of(home), text_of(home), limit),
        )
        return newest_first(rows)

    def outcomes(self, run_dir: str) -> Outcomes:
        """Verdict and duration of every test of a run."""
        row = self._db.execute("SELECT verdicts FROM runs WHERE dir = ?", (run_dir,)).fetchone()
        if row is None or not row[0]:
            return {}
        shared = self._names.setdefault
        rows = json.loads(zlib.decompress(row[0]))
        return {shared((t, i), (t, i)): (v, d) for t, i, v, d in rows}

    def outcomes_mark(self, run_dir: str) -> str:
        """A digest of the same, durations too; '' for nothing."""
        row = self._db.execute("SELECT verdicts FROM runs WHERE dir = ?", (run_dir,)).fetchone()
        return hashlib.sha256(row[0]).hexdigest()[:20] if row and row[0] else ""

    def begin_runs(self, dirs: Iterable[str]) -> None:
        """Pages of these runs are going to change: what was known of them counts no more."""
        self._db.executemany(
            "UPDATE runs SET fingerprint = '', input = '' WHERE dir = ?", ((d,) for d in dirs)
        )

    def summary(self, run_dir: str) -> RunSummary:
        """The run as a row of listings; it must be known, or coming."""
        row = self._db.execute("SELECT summary FROM runs WHERE dir = ?", (run_dir,)).fetchone()
        return summary_of(row[0])

    def note_run(self, run: KnownRun, summary: RunSummary, outcomes: Outcomes | None) -> None:
        """What is known of a run now; `outcomes` None keeps those that are there."""
        packed = b"" if outcomes is None else pack(outcomes)
        mark = mark_of(outcomes or {})
        self._db.execute(
            f"{INSERT_RUN} ON CONFLICT (dir) DO UPDATE SET home = excluded.home,"
            " place = excluded.place, fingerprint = excluded.fingerprint,"
            " sealed = excluded.sealed, input = excluded.input, gone = excluded.gone,"
            " summary = excluded.summary, coming = 0, let_go = excluded.let_go,"
            " mark = CASE excluded.verdicts WHEN x'' THEN mark ELSE excluded.mark END,"
            " verdicts = CASE excluded.verdicts WHEN x'' THEN verdicts ELSE excluded.verdicts END",
            (
                *(*run_values(run), record.summary_json(summary), packed, 0),
                *(" ".join(run.let_go), mark, b""),
            ),
        )

    def note_unmoved(self, run: KnownRun) -> None:
        """Its pages stand as they are, though it was begun."""
        self._db.execute(
            "UPDATE runs SET place = ?1, fingerprint = ?2, input = ?3 WHERE dir = ?4"
            " AND (place, fingerprint, input) IS NOT (?1, ?2, ?3)",
            (run.place, run.fingerprint, run.input, run.dir),
        )

    def note_outcomes(self, run_dir: str, place: int, outcomes: Outcomes) -> None:
        """What the rows of a run that has rows say now: later runs of the target look at it."""
        self._db.execute(
            "UPDATE runs SET place = ?1, gone = '', verdicts = ?2, mark = ?3 WHERE dir = ?4"
            " AND (place, gone, verdicts, mark) IS NOT (?1, '', ?2, ?3)",
            (place, pack(outcomes), mark_of(outcomes), run_dir),
        )

    def reasons(self, run_dir: str) -> Reasons:
        """Why tests of a run went wrong, as far as its rows and logs say so."""
        row = self._db.execute("SELECT reasons FROM runs WHERE dir = ?", (run_dir,)).fetchone()
        return unpack_reasons(row[0]) if row else {}

    def note_reasons(self, run_dir: str, reasons: Reasons) -> None:
        """Why tests of a run went wrong."""
        packed = pack_reasons(reasons)
        self._db.execute(
            "UPDATE runs SET reasons = ?1 WHERE dir = ?2 AND reasons IS NOT ?1", (packed, run_dir)
        )

    def note_coming(self, runs: Iterable[tuple[KnownRun, RunSummary]]) -> None:
        """These runs have rows and no pages; those that are known stay as they are."""
        self._db.executemany(
            f"{INSERT_RUN} ON CONFLICT (dir) DO UPDATE SET place = excluded.place WHERE coming",
            (
                (*run_values(run), record.summary_json(row), b"", 1, "", "", b"")
                for run, row in runs
            ),
        )

    def coming(self) -> list[tuple[str, tuple[str, ...], str, str]]:
        """(area, target, directory, home) of all runs whose pages no build has made yet."""
        rows = self._db.execute("SELECT area, target, dir, home FROM runs WHERE coming")
        return [
            (name_of(row[0]), tuple(json.loads(row[1])), row[2], name_of(row[3])) for row in rows
        ]

    def coming_places(self, area: str, target: Sequence[str]) -> list[int]:
        """The places of those of one target, oldest first."""
        rows = self._db.execute(
            "SELECT place FROM runs WHERE area = ? AND target = ? AND coming ORDER BY place",
            (text_of(area), json.dumps(tuple(target))),
        )
        return [row[0] for row in rows]

    def forget_coming(self, dirs: Iterable[str]) -> None:
        """These runs are not coming any more."""
        self._db.executemany("DELETE FROM runs WHERE dir = ? AND coming", ((one,) for one in dirs))

    def rehome(self, run_dir: str, summary: RunSummary, fingerprint: str) -> None:
        """Only where the rows of a run lie has changed: its own pages don't show it."""
        self._db.execute(
            "UPDATE runs SET home = ?, summary = ?, fingerprint = ? WHERE dir = ?",
            (text_of(summary.home), record.summary_json(summary), fingerprint, run_dir),
        )

    def targets(self) -> dict[tuple[str, tuple[str, ...]], str]:
        """(area, target) → JSON of the target's own summary."""
        rows = self._db.execute("SELECT area, target, node FROM targets")
        return {(name_of(row[0]), tuple(json.loads(row[1]))): row[2] for row in rows}

    def target_past(self, area: str, target: Sequence[str]) -> bytes:
        """What `note_target` was given to remember of a target's older runs; b'' for nothing."""
        where = (text_of(area), json.dumps(tuple(target)))
        row = self._db.execute(
            "SELECT past FROM targets WHERE area = ? AND target = ?", where
        ).fetchone()
        return bytes(row[0]) if row else b""

    def note_target(self, area: str, target: Sequence[str], node: str, past: bytes = b"") -> None:
        """The summary of a target ('' removes it), and what is remembered of its older runs."""
        where = (text_of(area), json.dumps(tuple(target)))
        if node:
            values = (*where, node, past)
            self._db.execute("INSERT OR REPLACE INTO targets VALUES (?, ?, ?, ?)", values)
        else:
            self._db.execute("DELETE FROM targets WHERE area = ? AND target = ?", where)

    def listing(self) -> tuple[str, bytes]:
        """(settings of the areas, packed heads) as they were when the areas were last listed."""
        row = self._db.execute("SELECT settings, heads FROM listing").fetchone()
        return (row[0], row[1]) if row else ("", b"")

    def note_listing(self, settings: str, heads: bytes) -> None:
        """Remember what the areas held."""
        self._db.execute("DELETE FROM listing")
        self._db.execute("INSERT INTO listing VALUES (?, ?)", (settings, heads))
