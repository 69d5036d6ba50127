"""What the manifest knows of a run and of a file of the tree, and how it lies in its rows.

Names go in as JSON text: SQLite can't hold the surrogate escapes that stand for broken UTF-8.
"""

import json
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from mtsite import record
from mtsite.model import RunKey, RunSummary, TestName

INSERT_RUN = f"INSERT INTO runs VALUES ({', '.join('?' * 14)})"
RUN_COLUMNS = "dir, area, target, runname, home, place, fingerprint, sealed, input, gone, let_go"

Outcomes = dict[TestName, tuple[str, int | None]]
"""Test → verdict letter and duration in seconds, of the tests of one run."""


@dataclass(frozen=True, slots=True)
class Page:
    """One file of the tree: `digest` is SHA-256 of its bytes, `fingerprint` of its input.

    `owner` is the directory of the run that it belongs to, 'target:…', 'area:…', 'site' or 'store'.
    """

    path: str
    digest: str
    size: int
    fingerprint: str
    owner: str


@dataclass(frozen=True, slots=True)
class KnownRun:
    """What the last build saw of a run. `fingerprint` '' means: not finished, read it again.

    `place` orders the runs of a target (its event_time). `input` is the digest of all that its
    pages were made from. `gone` says why it has no rows any more, '' while it has; `let_go`
    are the kinds of things that were taken of it on purpose.
    """

    dir: str
    key: RunKey
    home: str
    place: int
    fingerprint: str
    sealed: bool
    input: str
    gone: str = ""
    let_go: tuple[str, ...] = ()


def run_values(run: KnownRun) -> tuple[object, ...]:
    """A run as the first columns of its row; `INSERT_RUN` takes them."""
    return (
        run.dir,
        text_of(run.key.area),
        json.dumps(run.key.target),
        text_of(run.key.runname),
        text_of(run.home),
        run.place,
        run.fingerprint,
        run.sealed,
        run.input,
        text_of(run.gone) if run.gone else "",
    )


def known_of(row: Sequence[object]) -> KnownRun:
    """The run behind a row of `RUN_COLUMNS`."""
    run_dir, area, target, runname, home, place, fingerprint, sealed, digest, gone, let_go = row
    key = RunKey(name_of(str(area)), tuple(json.loads(str(target))), name_of(str(runname)))
    return KnownRun(
        dir=str(run_dir),
        key=key,
        home=name_of(str(home)),
        place=int(str(place)),
        fingerprint=str(fingerprint),
        sealed=bool(sealed),
        input=str(digest),
        gone=name_of(str(gone)) if gone else "",
        let_go=tuple(str(let_go).split()),
    )


def summary_of(line: str) -> RunSummary:
    """The summary behind its line of JSON."""
    found = record.read_summary(json.loads(line))
    assert found is not None
    return found


def newest_first(rows: Iterable[tuple[int, str]]) -> list[RunSummary]:
    """The order of `target_runs` turned round, where many runs began in one second too."""
    found = [(place, summary_of(line)) for place, line in rows]
    found.sort(key=lambda row: (row[0], row[1].key.runname, row[1].key), reverse=True)
    return [summary for _, summary in found]


def pack(outcomes: Outcomes) -> bytes:
    """Outcomes as one packed value."""
    rows = [[t, i, v, d] for (t, i), (v, d) in outcomes.items()]
    return zlib.compress(json.dumps(rows, separators=(",", ":")).encode(), 1)


def text_of(name: str) -> str:
    """As SQLite can hold it: surrogate escapes have no UTF-8."""
    return json.dumps(name)


def name_of(text: str) -> str:
    """The name behind what `text_of` gave."""
    return str(json.loads(text))
