"""The records that all rooms share: what a run, a test, a step and a log are. No I/O.

Text that comes from a database may hold surrogate escapes (U+DC80–DCFF) where its bytes are
not UTF-8: two names that differ in bytes stay two names. Pages show such bytes as U+FFFD.
Times are Unix seconds in UTC, durations seconds; None means that the row does not say.
"""

from collections.abc import Mapping
from typing import Any, ClassVar, NewType

from msgspec import Struct, field

from mtsite.attachment import Attachment as Attachment
from mtsite.facts import RunFacts as RunFacts
from mtsite.facts import TestFacts as TestFacts
from mtsite.facts import TestName as TestName
from mtsite.facts import Unusual

State = NewType("State", str)
"""Where a test or run is in its life: NOT_STARTED … COMPLETED, as Megatest writes it."""

Status = NewType("Status", str)
"""How it went: PASS, WARN, FAIL …, as Megatest writes it."""

Scalar = float | int | str | None
"""A value of a numeric column that may hold text."""

Sample = tuple[int, float | None, int | None]
"""Of a running test: Unix seconds, CPU load, free space of its disk in KiB."""


class RunKey(Struct, frozen=True, order=True):
    """The identity of a run, for ever: area and target where it was born, and its runname."""

    area: str
    target: tuple[str, ...]
    runname: str


class Step(Struct, frozen=True):
    """One stage of a test: its start and end rows paired (Megatest's own pairing rule)."""

    name: str
    start: int | None
    end: int | None
    status: Status
    duration: int | None
    logfile: str
    comment: str


class TestDatum(Struct, frozen=True):
    """One measured value with what was expected of it; status None means nobody judged it."""

    __test__ = False

    category: str
    variable: str
    value: Scalar
    expected: Scalar
    tol: Scalar
    units: str
    comment: str
    status: str | None
    type: str


class TestMeta(Struct, frozen=True):
    """What the author of a test says about it (table test_meta)."""

    __test__ = False

    author: str = ""
    owner: str = ""
    description: str = ""
    reviewed: str = ""
    tags: tuple[str, ...] = ()
    jobgroup: str = ""


class TestDefinition(Struct, frozen=True):
    """What a testconfig says of a test: whose it is, what it waits for, how it runs.

    `source` is RUN where it was read in the run directory, so what was in force; AREA where only
    the area's own testconfig, as it is at the time of reading, was there. `requirements` are those
    beside waiton (mode, priority …), `itemmap` pairs of test ('' for all) and mapping, `ezsteps`
    pairs of step and command. `variables` span the items; `items` are the paths that Megatest
    would make of them, at most 1,000 of `item_count`. `unknown` are values ("items.NUMBER") with
    the form that they would take a command for.
    """

    __test__ = False
    RUN: ClassVar = "run directory"
    AREA: ClassVar = "area"

    source: str = ""
    author: str = ""
    owner: str = ""
    description: str = ""
    reviewed: str = ""
    tags: tuple[str, ...] = ()
    jobgroup: str = ""
    runscript: str = ""
    waiton: tuple[str, ...] = ()
    requirements: tuple[tuple[str, str], ...] = ()
    itemmap: tuple[tuple[str, str], ...] = ()
    ezsteps: tuple[tuple[str, str], ...] = ()
    iterated: bool = False
    variables: tuple[tuple[str, str], ...] = ()
    items: tuple[str, ...] = ()
    item_count: int = 0
    unknown: tuple[tuple[str, str], ...] = ()


class Test(Struct, frozen=True):
    """One test, or one item of an iterated test, in one run.

    `toplevel` marks the row that only sums up the items of an iterated test: it is shown,
    never counted. `event_time` is when it was launched. `samples` are its load while it ran.
    """

    __test__ = False

    testname: str
    item_path: str
    state: State
    status: Status
    host: str
    uname: str
    cpuload: float | None
    diskfree: int | None
    rundir: str
    shortdir: str
    final_logf: str
    run_duration: int | None
    comment: str
    event_time: int | None
    attemptnum: int | None
    archived: int
    toplevel: bool = False
    steps: tuple[Step, ...] = ()
    data: tuple[TestDatum, ...] = ()
    samples: tuple[Sample, ...] = ()

    @property
    def name(self) -> TestName:
        """Its identity inside the run."""
        return (self.testname, self.item_path)


class Archive(Struct, frozen=True):
    """Where Megatest's archiver (bup) put run directories of one run.

    `branch` is the name of its saves, `blocks` maps `Test.archived` to the path of the bup
    repository where the database knows it. Others lie in `disks`, DISK/YYYY_qN/`block_name`.
    """

    branch: str
    block_name: str = ""
    blocks: Mapping[int, str] = field(default_factory=dict)
    disks: tuple[str, ...] = ()


class Run(Struct, frozen=True):
    """One run with all its tests, ordered by testname and item_path (byte order).

    DELETED tests and Megatest's placeholder rows are left out. `keys` are the area's key names,
    in order, for `key.target`. `in_flight_read` says that the run changed while it was read, twice.
    `unread` says of tests what of their rows could not be read, and why; `unsampled` that their
    load samples could not be looked through. `archive` is None where no test is archived.
    `attributes` are what is known of it beside its columns, such as its build. `ingested` says what
    it was made from where Megatest did not make it: "junit", "objects".
    """

    key: RunKey
    keys: tuple[str, ...]
    state: State
    status: Status
    owner: str
    contour: str
    comment: str
    event_time: int | None
    tests: tuple[Test, ...] = ()
    meta: Mapping[str, TestMeta] = field(default_factory=dict)
    in_flight_read: bool = False
    unread: Mapping[TestName, str] = field(default_factory=dict)
    unsampled: bool = False
    archive: Archive | None = None
    attributes: tuple[tuple[str, str], ...] = ()
    ingested: str = ""


class Finding(Struct, frozen=True):
    """A place in a log that a rule names: lines are 1-based, inclusive; `excerpt` is redacted.

    `rule` is a code of the catalogue, "family/what"; `level` CRITICAL, ERROR or WARNING. `masked`
    is SHA-256 (16 hex) of the excerpt with numbers, hex, times, paths and pids masked; `id` 12 hex
    of rule, masked hash, and the ordinal among equal ones of the log.
    """

    rule: str
    level: str
    first_line: int
    last_line: int
    excerpt: str
    masked: str
    id: str = ""
    title: str = ""
    link: str = ""


class LogRecord(Struct, frozen=True):
    """One log of a test as it was taken: what is stored, and what is known of it.

    `name` is relative to the run directory; `kind` is final, step or file. `blob` is the path
    below the site ('_blobs/ab/<sha256>.log'), '' when nothing could be stored and `note` says why.
    `size` is bytes of the stored text, `source_size` of the file read. `findings` are the first
    errors of `finding_count`, `warnings` the first of `warning_count`: these make no test bad.
    `levels` counts lines per severity where the log has levels. `dialect` is the family of rules
    that claimed the log, `facts` (plain JSON) what it knows. `rules` is the digest of the rule set
    that judged it; `faults` say what rules did wrong. `ended` says why what was stored is no more:
    then it is not taken again. `around` are (number, text) of ten lines about the first finding.
    `reported`: what `redacted` counts was found and left as it is ([redact] mode "report").
    """

    name: str
    kind: str
    blob: str = ""
    size: int = 0
    source_size: int = 0
    source_mtime_ns: int = 0
    lines: int = 0
    broken_bytes: int = 0
    redacted: Mapping[str, int] = field(default_factory=dict)
    findings: tuple[Finding, ...] = ()
    finding_count: int = 0
    note: str = ""
    warnings: tuple[Finding, ...] = ()
    warning_count: int = 0
    levels: Mapping[str, int] = field(default_factory=dict)
    dialect: str = ""
    facts: Mapping[str, Any] = field(default_factory=dict)
    rules: str = ""
    faults: tuple[str, ...] = ()
    ended: str = ""
    around: tuple[tuple[int, str], ...] = ()
    reported: bool = False


class TestRecord(Struct, frozen=True):
    """What is kept of one test beside its rows; `verdict` is the letter of `rollup.Verdict`.

    `gone` marks a test that was published once and whose row is no more. `steps` and `data` are
    here where they lay in the run directory, which may go before the rows. `duration` is in
    seconds. Of a test that went wrong `why` is its state, the log that speaks for it and, where
    none does, its comment; () otherwise. Older records have neither. `attachments` are the files of
    the run directory that [attachments] chose.
    """

    __test__ = False

    testname: str
    item_path: str
    verdict: str
    toplevel: bool = False
    logs: tuple[LogRecord, ...] = ()
    gone: bool = False
    steps: tuple[Step, ...] = ()
    data: tuple[TestDatum, ...] = ()
    duration: int | None = None
    why: tuple[str, ...] = ()
    attachments: tuple[Attachment, ...] = ()

    @property
    def files(self) -> "tuple[LogRecord | Attachment, ...]":
        """All that was looked at in its run directory to be stored."""
        return (*self.logs, *self.attachments)


class FirstFailure(Struct, frozen=True):
    """One bad test of a run with the first failing line of its logs ('' when none was found)."""

    testname: str
    item_path: str
    verdict: str
    line: str


class LetGo(Struct, frozen=True):
    """What was taken of a run on purpose: by retention, whose clocks are `what`, or by a purge.

    `what` is logs, pages, rows or purge; `rule` is the setting, or the reason that was given;
    `when` is Unix seconds, `who` the user that did it.
    """

    what: str
    rule: str
    when: int
    who: str


class RunSummary(Struct, frozen=True):
    """A run as one row of a listing.

    `counts` maps verdict letters to numbers of counted tests (no toplevel rows); `verdict` is the
    worst letter. `new`, `still` and `fixed` count tests against the previous run of the target;
    those that went wrong as annotations know are `known`, and neither new nor still.
    `home` is the area whose database holds the rows now (the birth area unless it was moved).
    `gone` says why there are no rows any more, '' while there are. `let_go` is what was taken of
    it on purpose, oldest first: what an earlier build had, a later one does not bring back.
    `log_bytes` is the size of its logs that are stored; one that tests share counts for each.
    """

    key: RunKey
    event_time: int | None
    end_time: int | None
    owner: str
    comment: str
    contour: str
    state: State
    status: Status
    counts: Mapping[str, int]
    verdict: str
    failures: tuple[FirstFailure, ...] = ()
    new: int = 0
    still: int = 0
    fixed: int = 0
    known: int = 0
    home: str = ""
    gone: str = ""
    let_go: tuple[LetGo, ...] = ()
    log_bytes: int = 0

    def lets_go_of(self, *what: str) -> bool:
        """Whether any of these was taken of it."""
        return any(one.what in what for one in self.let_go)


class RunRecord(Struct, frozen=True):
    """The object in `_record/`: all that the pages of one run show that isn't in its rows.

    `facts` is None until the run is sealed; `sealed` is then the digest of the rows that they were
    frozen over (rows that change unseal the run). `gone` is '' while the rows exist; otherwise it
    says why they don't, and `summary` is what remains. `summary` is written at every build.
    `definitions` are what testconfigs said, by testname. `unusual` is frozen with the facts.
    `redacted` counts by rule what was found in the free text of the rows.
    """

    key: RunKey
    keys: tuple[str, ...]
    tests: Mapping[TestName, TestRecord] = field(default_factory=dict)
    facts: RunFacts | None = None
    sealed: str = ""
    summary: RunSummary | None = None
    gone: str = ""
    definitions: Mapping[str, TestDefinition] = field(default_factory=dict)
    unusual: Mapping[TestName, Unusual] = field(default_factory=dict)
    redacted: Mapping[str, int] = field(default_factory=dict)
