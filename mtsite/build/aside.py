"""What goes from the reading of a run to the writing of its pages: tasks, and the spool."""

import pickle
from collections.abc import Mapping
from pathlib import Path

from msgspec import Struct, field

from mtsite.manifest import Page
from mtsite.model import Run, RunFacts, RunRecord, RunSummary
from mtsite.pages.beside import RunLink, TestLink
from mtsite.rollup import Verdict


class Taken(Struct, frozen=True):
    """What the spool holds: a run as pages may show it, with the record so far.

    `rows` is the digest of its rows as they were read, `shown` of what is left of them to show.
    """

    run: Run
    verdicts: list[Verdict]
    record: RunRecord
    rows: str
    shown: str


def put_aside(spool: Path, taken: Taken) -> None:
    """Keep it for the second half; the record first, which other runs may ask for alone."""
    rest = (taken.run, taken.verdicts, taken.rows, taken.shown)
    with spool.open("wb") as file:
        for part in (taken.record, rest):
            pickle.dump(part, file, protocol=pickle.HIGHEST_PROTOCOL)


def take_up(spool: Path) -> Taken:
    """What `put_aside` kept."""
    with spool.open("rb") as file:
        record, (run, verdicts, rows, shown) = pickle.load(file), pickle.load(file)
    return Taken(run, verdicts, record, rows, shown)


def record_aside(spool: Path) -> RunRecord:
    """The record alone: its logs are stored, whether its pages are written yet or not."""
    with spool.open("rb") as file:
        kept: RunRecord = pickle.load(file)
    return kept


class WriteTask(Struct, frozen=True):
    """One run whose pages may have moved.

    `spool` holds its rows and record; None for a run that is gone, of which only `gone` is left.
    `facts` None means: those in its record stand. `seal` freezes `facts` into the record.
    `known` are the fingerprints of its pages that can be relied on. `again`: logs to compare with
    are still to come, so the run will be written once more from its spool. `goods` are, by
    runname, the spools of runs whose logs may be compared with and whose records are not written.
    """

    dir: str
    spool: Path | None = None
    gone: RunRecord | None = None
    facts: RunFacts | None = None
    seal: bool = False
    next_run: str = ""
    related: tuple[RunLink, ...] = ()
    elsewhere: tuple[TestLink, ...] = ()
    again: bool = False
    known: Mapping[str, Page] = field(default_factory=dict)
    goods: Mapping[str, Path] = field(default_factory=dict)


class PartTask(Struct, frozen=True):
    """The tests of a run from position `first` to before `last`: their pages can be made ahead."""

    task: WriteTask
    first: int
    last: int


class PartWritten(Struct, frozen=True):
    """What a worker did of a part: pages that are new or changed."""

    pages: list[Page]
    rendered: int


class RunWritten(Struct, frozen=True):
    """What a worker did: pages that are new or changed, paths that are no more, the summary."""

    dir: str
    summary: RunSummary
    pages: list[Page]
    removed: list[str]
    sealed: bool
    rendered: int
    annotated: list[tuple[str, int, bool]] = field(default_factory=list)
