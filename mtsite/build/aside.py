"""What a run is put aside as, between being read and being written: the spool."""

import pickle
from dataclasses import dataclass
from pathlib import Path

from mtsite.model import Run, RunRecord
from mtsite.rollup import Verdict


@dataclass(frozen=True, slots=True)
class Taken:
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
