"""The first half of a worker's task: one run's rows and logs, taken once.

What is read is put aside in a spool file, so that the pages are made later from the very rows
that the summary was made from, though the database may have moved on.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from msgspec import Struct, field
from msgspec.structs import replace

from mtsite import record, rollup, urls
from mtsite.build import digest
from mtsite.build.aside import Taken, put_aside
from mtsite.build.attached import AttachmentReader
from mtsite.build.definitions import definition_reader
from mtsite.build.judge import rule_set_of
from mtsite.build.masked import masked_in, masked_run, redactor_of, refuse_secrets
from mtsite.build.ownrows import keep_rows, with_kept_rows
from mtsite.build.reasons import failing_lines, noted, reasons_of
from mtsite.build.takeover import former_record, rows_then
from mtsite.build.testrecords import vanished, with_verdicts
from mtsite.chosenfiles import AttachmentsConfig, Chooser
from mtsite.config import LogsConfig, RedactConfig
from mtsite.errors import MissingError
from mtsite.failing import FailingLine
from mtsite.known import Reasons
from mtsite.logs.attach import AttachmentTaker
from mtsite.logs.blocks import SUFFIX, stored_file
from mtsite.logs.likeness import Alike
from mtsite.logs.take import Taker, judge_stored, place_of
from mtsite.measured import Measured, measured_of
from mtsite.megatest import database, linktree, reader
from mtsite.megatest.bup import archive_of
from mtsite.megatest.linktree import AreaPlace
from mtsite.megatest.reader import RunHead
from mtsite.model import (
    FirstFailure,
    LogRecord,
    Run,
    RunRecord,
    RunSummary,
    Step,
    Test,
    TestName,
    TestRecord,
)
from mtsite.onhosts import HostRun, hosts_of
from mtsite.owners import owners_of
from mtsite.provenance import Provenance, provenance_of
from mtsite.related import Said, said_in
from mtsite.relations import Elsewhere, stated_elsewhere
from mtsite.rollup import Verdict

SHOWN_FAILURES = 3
WENT_AWAY = "went away while it was read"
RUNDIR = "rundir"
"""The kind of an entry that speaks of the run directory itself."""

Blob = tuple[str, str, int]
"""A stored log: path below the site, SHA-256, size in bytes."""


class ReadTask(Struct, frozen=True):
    """One run to read; `there` are directories that are there now, `former` names of its area.

    `attach` are the patterns of the files that its tests' pages show beside the logs.
    """

    head: RunHead
    place: AreaPlace | None
    there: tuple[Path, ...] = ()
    former: tuple[str, ...] = ()
    attach: tuple[str, ...] = ()


class RunRead(Struct, frozen=True):
    """What the parent learns of a run. `activity` is the last sign of life in its rows.

    `input` covers all that its pages show except facts and neighbours; `sealed` says that the
    facts in its record still stand. `as_listed`: its rows were those that the listing had seen.
    """

    dir: str
    summary: RunSummary
    outcomes: dict[TestName, tuple[str, int | None]]
    reasons: Reasons
    failing: tuple[FailingLine, ...]
    measured: Measured
    owners: Mapping[str, str]
    input: str
    rows: str
    sealed: bool
    ended: bool
    activity: int
    spool: Path
    blobs: list[Blob]
    faults: list[str]
    hosts: list[HostRun]
    masked: Mapping[str, int]
    provenance: Provenance
    related: tuple[Said, ...] = ()
    elsewhere: tuple[Elsewhere, ...] = ()
    as_listed: bool = True


class RunReader(Struct, frozen=True):
    """The work on a `ReadTask`; `now` is the newest time that the rows of the site know."""

    site: Path
    spool: Path
    now: int
    dead_after: int
    log_cap: int
    redact: RedactConfig
    logs: LogsConfig = field(default_factory=LogsConfig)
    alike: Alike = field(default_factory=Alike)
    attachments: AttachmentsConfig = field(default_factory=AttachmentsConfig)

    def __call__(self, task: ReadTask) -> RunRead:
        """Read rows and logs, store blobs, put the run aside.

        Raises:
            MtsiteError: the database can't be read, or the area went away meanwhile.
        """
        head = task.head
        with database.reading(head.database) as connection:
            run = reader.read_run(connection, head)
            as_listed = reader.is_as_listed(connection, head)
            run = replace(run, archive=archive_of(connection, head, run, task.place))
        old, former = self._old_record(run), ""
        if not old.summary and task.former:
            old, former = former_record(self._old_record, run, task.former)
        run = with_kept_rows(run, old)
        verdicts = rollup.test_verdicts(run, self.now, self.dead_after)
        rows = digest.of_rows(run)
        still_sealed = bool(old.sealed) and old.sealed == (rows_then(run, former) or rows)
        intake = _Intake(self.site, self._attacher(task.attach))
        from_files = definition_reader(self.redact)
        # Again: there may be rules now that there were not when they were taken.
        definitions = from_files.masked(old.definitions)
        if still_sealed:
            tests = with_verdicts(run, verdicts, old)
        else:
            roots = _roots(old, task.place)
            tests = self._take_tests(run, verdicts, old, roots, intake)
            if roots is not None and task.place is not None:
                definitions = from_files.read_run(run, old, task.place, roots)
            _check_there(task.there)
        # Only now: logs are found by the rows as they are.
        shown, masked = masked_run(run, redactor_of(self.redact))
        if self.redact.mode == "fail":
            refuse_secrets(masked, tests)
        tests = noted(shown, verdicts, tests)
        summary = summarise(shown, verdicts, tests, head.home)
        summary = replace(summary, let_go=old.summary.let_go if old.summary else ())
        kept = replace(
            old,
            keys=run.keys,
            tests=tests if head.rundirs is None else keep_rows(shown, tests),
            facts=old.facts if still_sealed else None,
            sealed=rows if still_sealed else "",
            summary=summary,
            gone="",
            definitions=definitions,
            redacted=masked,
        )
        what = rows if shown is run else digest.of_rows(shown)
        taken = Taken(shown, verdicts, kept, rows, what)
        read = self._put_aside(taken, head, still_sealed, intake)
        return replace(read, as_listed=as_listed)

    def _taker(self) -> Taker:
        return Taker(self.site, redactor_of(self.redact), self.log_cap, rule_set_of(self.logs))

    def _attacher(self, patterns: Sequence[str]) -> AttachmentReader | None:
        if not patterns:
            return None
        taker = AttachmentTaker(self.site, redactor_of(self.redact), self.attachments.max_bytes)
        return AttachmentReader(self.attachments, Chooser(patterns), taker)

    def _old_record(self, run: Run) -> RunRecord:
        try:
            found = record.load(self.site, run.key)
        except ValueError:
            found = None
        if found and found.summary and found.summary.let_go:
            # Of a run that began anew under an old name nothing was let go.
            same_birth = found.summary.event_time == run.event_time
            return found if same_birth else RunRecord(run.key, run.keys)
        return found or RunRecord(run.key, run.keys)

    def _take_tests(
        self,
        run: Run,
        verdicts: list[Verdict],
        old: RunRecord,
        roots: linktree.Roots | None,
        intake: "_Intake",
    ) -> dict[TestName, TestRecord]:
        taker = self._taker()
        tests: dict[TestName, TestRecord] = {}
        for test, verdict in zip(run.tests, verdicts, strict=True):
            before = old.tests.get(test.name)
            logs: tuple[LogRecord, ...] = before.logs if before else ()
            attached = before.attachments if before else ()
            if not test.toplevel and roots is not None:
                logs = tuple(self._take_logs(run, test, logs, roots, taker, intake))
                if intake.attacher:
                    known = attached
                    attached = intake.attacher.read((run.key, test), known, roots, logs)
                    intake.note_stored(one.blob for one in attached if one not in known)
            made = TestRecord(test.testname, test.item_path, verdict.value, test.toplevel, logs)
            tests[test.name] = replace(made, attachments=attached) if attached else made
        tests.update(vanished(old, tests))
        return tests

    def _take_logs(
        self,
        run: Run,
        test: Test,
        before: tuple[LogRecord, ...],
        roots: linktree.Roots,
        taker: Taker,
        intake: "_Intake",
    ) -> Iterator[LogRecord]:
        found, note = linktree.find_logs(roots, run.key, test)
        known = {log.name: log for log in before if log.kind != RUNDIR}
        place = place_of(run.key, test.name)
        if note and (found or not known):
            yield LogRecord("", RUNDIR, note=note)
        elif unread := run.unread.get(test.name):
            yield LogRecord("", RUNDIR, note=unread)
        for log in found:
            old = known.pop(log.name, None)
            if old and old.ended:
                yield old
                continue
            if old and not old.blob:
                old = None
            if log.refused:
                yield old or LogRecord(log.name, log.kind, note=log.refused)
            elif old and _unchanged(old, log.path):
                kept = replace(old, kind=log.kind)
                yield judge_stored(self.site, kept, taker.rule_set, place)
            else:
                taken = taker.take(log.name, log.path, log.kind, place)
                intake.note(taken)
                yield old if old and not taken.blob else taken
        yield from (log for log in known.values() if log.blob or log.ended or not found)

    def _put_aside(self, taken: Taken, head: RunHead, sealed: bool, intake: "_Intake") -> RunRead:
        run, verdicts = taken.run, taken.verdicts
        run_dir = urls.run_dir(run.key)
        spool = self.spool / (digest.of(run_dir) + ".run")
        put_aside(spool, taken)
        assert taken.record.summary is not None
        logs = [
            (
                *(t.testname, t.item_path, t.gone, [digest.log_values(log) for log in t.logs]),
                *digest.attachment_values(t),
            )
            for _, t in sorted(taken.record.tests.items())
        ]
        defined = digest.definition_values(taken.record.definitions)
        return RunRead(
            dir=run_dir,
            summary=taken.record.summary,
            outcomes=outcomes_of(run, verdicts),
            reasons=reasons_of(taken.record),
            failing=failing_lines(run, taken.record, self.alike),
            measured=measured_in(head, run),
            owners=owners_of(run, taken.record.definitions),
            input=digest.of(
                taken.shown, [v.value for v in verdicts], logs, defined, digest.beside_values(run)
            ),
            rows=taken.rows,
            sealed=sealed,
            ended=Verdict.RUNNING not in verdicts,
            activity=activity(run, head.newest_update),
            spool=spool,
            blobs=intake.blobs,
            faults=sorted(intake.faults),
            hosts=hosts_of(run, verdicts),
            masked=masked_in(taken.record),
            provenance=provenance_of(run.attributes),
            related=said_in(run.attributes),
            elsewhere=tuple(stated_elsewhere(run)),
        )


def _check_there(directories: Iterable[Path]) -> None:
    """Logs that can't be found because all of them went away must not pass for lost ones."""
    for directory in directories:
        if not directory.is_dir():
            raise MissingError(f"{directory}: {WENT_AWAY}", "mount it again, or correct its path")


def measured_in(head: RunHead, run: Run) -> Measured:
    """What the rows of the database say was measured: of earlier runs no run directory is asked."""
    return measured_of(run) if head.rundirs is None else {}


def outcomes_of(run: Run, verdicts: list[Verdict]) -> dict[TestName, tuple[str, int | None]]:
    """What later runs of the target look at: verdict and duration of every test."""
    return {
        test.name: (verdict.value, test.run_duration)
        for test, verdict in zip(run.tests, verdicts, strict=True)
    }


class _Intake(Struct):
    """The logs that one task took: what was stored, and what rules did wrong on the way.

    `attacher` takes other files of run directories; None where none are chosen.
    """

    site: Path
    attacher: AttachmentReader | None = None
    blobs: list[Blob] = field(default_factory=list)
    faults: set[str] = field(default_factory=set)

    def note(self, log: LogRecord) -> None:
        """A log was taken."""
        if log.blob.endswith(SUFFIX):
            self.blobs.append(stored_file(self.site, log.blob))
        elif log.blob:
            # Of a text that was just stored the record says what the file would.
            self.blobs.append((log.blob, urls.blob_digest(log.blob), log.size))
        self.faults.update(log.faults)

    def note_stored(self, blobs: Iterable[str]) -> None:
        """Files were taken that have no findings."""
        self.blobs += [stored_file(self.site, blob) for blob in dict.fromkeys(blobs) if blob]


def _roots(old: RunRecord, place: AreaPlace | None) -> linktree.Roots | None:
    """Where files of the run may lie; None where they are not to be looked at."""
    if place is None or (old.summary and old.summary.lets_go_of("logs")):
        return None
    return place.roots()


def activity(run: Run, newest_update: int) -> int:
    """The last sign of life that the rows of a run know, in Unix seconds; 0 when they know none."""
    times = [newest_update, run.event_time or 0]
    times += [t.event_time + (t.run_duration or 0) for t in run.tests if t.event_time]
    return max(times)


def summarise(
    run: Run, verdicts: list[Verdict], tests: Mapping[TestName, TestRecord], home: str
) -> RunSummary:
    """The run as one row of a listing, before anything is known of earlier runs."""
    counts = rollup.count(run, verdicts)
    ends = [
        test.event_time + test.run_duration
        for test in run.tests
        if not test.toplevel and test.event_time and test.run_duration
    ]
    return replace(
        rollup.summary_of(run, counts, tuple(_first_failures(run, verdicts, tests))),
        end_time=max(ends, default=None),
        home=home,
        log_bytes=sum(one.size for test in tests.values() for one in test.files if one.blob),
    )


def _first_failures(
    run: Run, verdicts: list[Verdict], tests: Mapping[TestName, TestRecord]
) -> Iterable[FirstFailure]:
    shown = 0
    for test, verdict in zip(run.tests, verdicts, strict=True):
        if verdict in rollup.BAD and not test.toplevel and shown < SHOWN_FAILURES:
            shown += 1
            line = first_line(tests[test.name].logs, test.steps)
            yield FirstFailure(test.testname, test.item_path, verdict.value, line)


def first_line(logs: Sequence[LogRecord], steps: Sequence[Step] = ()) -> str:
    """The first failing line that the logs of a test show, '' when none does."""
    first = rollup.first_finding(logs, steps)
    return "" if first is None else first[1].excerpt.rsplit("\n", 1)[-1][:300]


def _unchanged(old: LogRecord, path: Path) -> bool:
    try:
        stat = path.stat()
    except (OSError, ValueError):
        return True
    return (stat.st_size, stat.st_mtime_ns) == (old.source_size, old.source_mtime_ns)
