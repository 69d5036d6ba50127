"""Histories of the tests of one target: stretches of equal verdicts over all its runs.

What older runs say is remembered as one packed value per target, so a night unpacks the outcomes
of the newest runs only, whether there are ten older ones or ten thousand:

    remembered (all but the newest 8…16 runs) + the newest → stretches of every test

It is rebuilt from all runs where it is lost, an older run has changed, or the template has.
"""

import json
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from msgspec import Struct, field

from mtsite.build import digest
from mtsite.known import TargetRun
from mtsite.model import TestName
from mtsite.pages.history import Shown
from mtsite.pages.page import Stretch
from mtsite.rollup import ABSENT, Verdict

NEWEST_RUNS = 8
"""A run of the last days may still change: so many are not in what is remembered."""

PART_STRETCHES = 200
"""So many older stretches go onto a page of their own, which never changes again."""

MOST_HEIRS = 3

Verdicts = Mapping[TestName, tuple[str, object]]
Part = Callable[[TestName, int, Sequence[Stretch]], None]
"""Called with the test, the number of the part (from 1, the oldest) and its stretches."""


class TestPast(Struct):
    """One test: where it began, the parts that are on pages of their own, the stretches since.

    `last` is (verdict, first run, its time, last run so far, its time, runs) of the open stretch.
    """

    first: str
    last: tuple[str, str, int, str, int, int]
    parts: int = 0
    closed: list[Stretch] = field(default_factory=list)

    def newest_first(self) -> list[Stretch]:
        """The stretches that are in no part; the first is open."""
        verdict, run, time = self.last[:3]
        return [Stretch(verdict, run, time), *reversed(self.closed)]


class Histories(Struct):
    """All tests of a target after its first so many runs; `mark` covers these runs."""

    tests: dict[TestName, TestPast] = field(default_factory=dict)
    runs: int = 0
    mark: str = ""

    def encode(self, recipe: str) -> bytes:
        """One packed value; `decode` gives it back for the same recipe."""
        rows = [
            [*name, past.first, past.last, past.parts, [_plain(one) for one in past.closed]]
            for name, past in self.tests.items()
        ]
        text = json.dumps([recipe, self.runs, self.mark, rows], separators=(",", ":"))
        return zlib.compress(text.encode(), 1)

    @classmethod
    def decode(cls, packed: bytes, recipe: str) -> "Histories | None":
        """What `encode` packed; None for nothing, or of another recipe."""
        if not packed:
            return None
        kept, runs, mark, rows = json.loads(zlib.decompress(packed))
        if kept != recipe:
            return None
        found = cls(runs=runs, mark=mark)
        for testname, item_path, first, last, parts, closed in rows:
            stretches = [Stretch(*one) for one in closed]
            found.tests[testname, item_path] = TestPast(first, _last(last), parts, stretches)
        return found

    def extend(self, run: TargetRun, verdicts: Verdicts, part: Part) -> None:
        """Add the next run. One still in flight says nothing of the tests that it has not.

        A run without a test is a stretch of its own, so that a test that was dropped does not look
        as if it still passed.
        """
        if not verdicts:
            return
        ended = all(verdict != Verdict.RUNNING for verdict, _ in verdicts.values())
        if ended:
            for name in self.tests.keys() - verdicts.keys():
                self._add(name, ABSENT, run, part)
        for name, (verdict, _) in verdicts.items():
            if verdict != Verdict.RUNNING:
                self._add(name, verdict, run, part)

    def _add(self, name: TestName, verdict: str, run: TargetRun, part: Part) -> None:
        past = self.tests.get(name)
        here = (run.runname, run.place)
        if past is None:
            self.tests[name] = TestPast(run.runname, (verdict, *here, *here, 1))
            return
        last = past.last
        if last[0] == verdict:
            past.last = (verdict, last[1], last[2], *here, last[5] + 1)
            return
        past.closed.append(Stretch(*last))
        past.last = (verdict, *here, *here, 1)
        if len(past.closed) >= 2 * PART_STRETCHES:
            past.parts += 1
            part(name, past.parts, past.closed[:PART_STRETCHES])
            del past.closed[:PART_STRETCHES]


def still_true(runs: Sequence[TargetRun], known: Histories | None) -> Histories | None:
    """What is remembered, unless one of the runs that it rests on has changed or gone."""
    if known is None or known.runs > len(runs) or known.mark != mark_of(runs[: known.runs]):
        return None
    return known


def move_on(
    known: Histories,
    runs: Sequence[TargetRun],
    verdicts_of: Callable[[TargetRun], Verdicts],
    part: Part,
) -> bool:
    """Take in all but the newest of these runs (oldest first); whether there were enough to do so.

    It moves on in steps, so that most nights have nothing to pack.
    """
    settled = max(0, len(runs) - NEWEST_RUNS)
    if settled - known.runs < NEWEST_RUNS:
        return False
    for run in runs[known.runs : settled]:
        known.extend(run, verdicts_of(run), part)
    known.runs, known.mark = settled, mark_of(runs[:settled])
    return True


def shown_histories(known: Histories) -> Iterator[tuple[TestName, Shown]]:
    """What the page of each test shows, by name.

    Where a test is gone, those that began in the run that had it no more may be what it is called
    now; where it has items, each is named with its own open stretch.
    """
    began: dict[str, list[TestName]] = {}
    items: dict[str, list[tuple[str, Stretch]]] = {}
    for name, past in sorted(known.tests.items()):
        began.setdefault(past.first, []).append(name)
        if name[1]:
            items.setdefault(name[0], []).append((name[1], past.newest_first()[0]))
    for name, past in sorted(known.tests.items()):
        heirs = began.get(past.last[1], []) if past.last[0] == ABSENT else []
        below = () if name[1] else tuple(items.get(name[0], ()))
        few = tuple(heirs) if len(heirs) <= MOST_HEIRS else ()
        yield name, Shown(tuple(past.newest_first()), past.parts, items=below, heirs=few)


def mark_of(runs: Iterable[TargetRun]) -> str:
    """A digest of which runs these are and what their tests came to."""
    return digest.of([(run.place, run.runname, run.mark) for run in runs])


def _plain(one: Stretch) -> list[object]:
    return [
        one.verdict,
        one.first_run,
        one.first_time,
        one.last_run,
        one.last_time,
        one.runs,
    ]


def _last(row: Sequence[Any]) -> tuple[str, str, int, str, int, int]:
    verdict, first, first_time, last, last_time, runs = row
    return verdict, first, first_time, last, last_time, runs
