"""Two runs side by side: what each test came to there and here, in Megatest's classes. Pure.

The classes and their order (PASS > WARN > WAIVED > SKIP > FAIL > ABORT) are those of
`megatest -diff-rep`, which drops the rows of a test that only one run has, and of one that ended in
neither: here they are rows like all others. A test that was killed or found dead went wrong.
"""

import math
from collections import Counter
from collections.abc import Iterable, Mapping

from msgspec import Struct

from mtsite.model import Scalar, TestName
from mtsite.rollup import ABSENT, BAD, GOOD

CLEAN = "CLEAN"
BETTER = "BETTER"
WORSE = "WORSE"
BOTH_BAD = "BOTH-BAD"
NOT_IN_SRC = "NOT-IN-SRC"
NOT_IN_DEST = "NOT-IN-DEST"
BOTH_INCOMPLETE = "BOTH-INCOMPLETE"
CLASSES = (WORSE, NOT_IN_SRC, NOT_IN_DEST, BETTER, BOTH_BAD, BOTH_INCOMPLETE, CLEAN)
"""In the order in which a reader wants to know of them."""

_ORDER = {letter: rank for rank, letter in enumerate("PWVSCDFKBA")}
"""From best to worst. Megatest ranks neither CHECK nor tests that were killed, blocked or dead."""

_BAD = frozenset(verdict.value for verdict in BAD)
_GOOD = frozenset(verdict.value for verdict in GOOD)
SLOWER_FACTOR = 1.5
SLOWER_LEAST = 5
"""Beyond usual is half as long again, and so many seconds more at least."""

Letters = Mapping[TestName, str]
"""Verdict letters of the counted tests of one run."""


class Row(Struct, frozen=True):
    """One test in two runs; a letter is '.' where the run has not the test."""

    kind: str
    testname: str
    item_path: str
    there: str
    here: str

    @property
    def is_worse(self) -> bool:
        """Whether the later run is the worse for it: a failure that nobody had before counts."""
        return self.kind == WORSE or (self.kind == NOT_IN_SRC and self.here in _BAD)


class MovedValue(Struct, frozen=True):
    """A measured value that the two runs have, and differ in."""

    testname: str
    item_path: str
    category: str
    variable: str
    there: Scalar
    here: Scalar
    units: str
    status: str


def kind_of(there: str, here: str) -> str:
    """The class of a test by its letters in the earlier and in the later run."""
    ended_there, ended_here = there in _ORDER, here in _ORDER
    if not ended_there or not ended_here:
        if ended_here:
            return NOT_IN_SRC
        return NOT_IN_DEST if ended_there else BOTH_INCOMPLETE
    if there == here:
        return CLEAN if here in _GOOD else BOTH_BAD
    return BETTER if _ORDER[here] < _ORDER[there] else WORSE


def counted(verdicts: Mapping[TestName, str]) -> dict[TestName, str]:
    """The verdicts without those that only sum the items of a test up."""
    iterated = {testname for testname, item_path in verdicts if item_path}
    return {name: v for name, v in verdicts.items() if name[1] or name[0] not in iterated}


def compare(there: Letters, here: Letters) -> list[Row]:
    """All tests of both runs, in the order of `CLASSES`, then what went wrong, then by name."""
    rows = []
    for name in there.keys() | here.keys():
        one, other = there.get(name, ABSENT), here.get(name, ABSENT)
        rows.append(Row(kind_of(one, other), *name, one, other))
    rows.sort(key=_place)
    return rows


def counts_of(rows: Iterable[Row]) -> dict[str, int]:
    """How many of each class, in the order of `CLASSES`, those that occur."""
    found = Counter(row.kind for row in rows)
    return {kind: found[kind] for kind in CLASSES if found[kind]}


def is_slower(took: int | None, usual: int | None) -> bool:
    """Whether a test took longer than usual by half, and by 5 s at least."""
    return bool(usual and took and took > usual * SLOWER_FACTOR and took - usual >= SLOWER_LEAST)


def moved_by(there: object, here: object) -> float:
    """How far a value moved, as a share of the larger of the two; texts and signs: all of it."""
    if not isinstance(there, int | float) or not isinstance(here, int | float):
        return 0.0 if there == here else 1.0
    if there == here or (there != there and here != here):
        return 0.0
    largest = max(abs(there), abs(here))
    if not math.isfinite(largest):
        return 1.0
    # Each by itself: the difference of two large numbers may be none.
    return min(1.0, abs(here / largest - there / largest))


def _place(row: Row) -> tuple[int, int, str, str]:
    wrong = -_ORDER[row.here] if row.here in _BAD else 1
    return CLASSES.index(row.kind), wrong, row.testname, row.item_path
