"""Which tests of a target are flaky, broken or fixed, and since when: from their strips. Pure.

A flaky score is switches ÷ possible switches: of the runs in the window those that went well or
wrong are taken (skipped, open and missing ones say neither), and each pair of neighbours is a place
where the test could have switched. PPFFF is 1/4, PFPFF is 3/4.
"""

from collections.abc import Iterable, Sequence

from msgspec import Struct

from mtsite.model import TestName
from mtsite.rollup import ABSENT, BAD, FLAKY_SWITCHES, judged, switches

WINDOW = 30
"""So many of the newest runs are looked at."""

_BAD = frozenset(verdict.value for verdict in BAD)
FLAKY, BROKEN, FIXED = "flaky", "broken", "fixed"


class Unsteady(Struct, frozen=True):
    """A test that is not steadily good, and why it is listed.

    `switches` of `possible` is its score. `since` is the first run of its present stretch, of so
    many `runs`; `open`: it may be older than the window.
    """

    kind: str
    testname: str
    item_path: str
    letter: str
    switches: int
    possible: int
    since: str
    runs: int
    open: bool = False

    @property
    def score(self) -> float:
        """Switches ÷ possible switches."""
        return self.switches / self.possible if self.possible else 0.0


class Stability(Struct, frozen=True):
    """The unsteady tests of a target, the first of each kind; `totals` counts all."""

    tests: tuple[Unsteady, ...] = ()
    totals: tuple[int, int, int] = (0, 0, 0)

    def of(self, kind: str) -> tuple[Unsteady, ...]:
        """Those of one kind, in their order."""
        return tuple(one for one in self.tests if one.kind == kind)


KINDS = (BROKEN, FLAKY, FIXED)


def possible_switches(strip: str) -> int:
    """How often a test could have switched between good and bad in these runs."""
    return max(len(judged(strip)) - 1, 0)


def stability(
    runnames: Sequence[str], rows: Iterable[tuple[TestName, str]], most: int
) -> Stability:
    """What is unsteady in the newest runs (newest first, as their letters in each strip).

    A test that the newest whole run and those after it have not is left out: it can't be mended
    any more. A flaky one is listed as that, whichever way it went last.
    """
    names = runnames[:WINDOW]
    found: dict[str, list[Unsteady]] = {kind: [] for kind in KINDS}
    listed = list(rows)
    runs = _to_newest_whole([strip for _, strip in listed], len(names))
    for name, strip in listed:
        if _BAD.isdisjoint(strip) or not strip[:runs].strip(ABSENT):
            continue
        one = _unsteady(name, strip[: len(names)], names)
        if one is not None:
            found[one.kind].append(one)
    found[FLAKY].sort(key=lambda one: (-one.score, one.testname, one.item_path))
    for kind in (BROKEN, FIXED):
        found[kind].sort(key=lambda one: (one.runs, one.testname, one.item_path))
    first = tuple(one for kind in KINDS for one in found[kind][:most])
    broken, flaky, fixed = (len(found[kind]) for kind in KINDS)
    return Stability(first, (broken, flaky, fixed))


def _to_newest_whole(strips: Sequence[str], runs: int) -> int:
    """How many runs there are up to the newest whole one: ended, with half of the usual tests.

    Somebody who runs a few tests again has not thrown all others away.
    """
    there = [sum(strip[place] != ABSENT for strip in strips) for place in range(runs)]
    for place, tests in enumerate(there):
        if 2 * tests >= max(there) and not any(strip[place] == "R" for strip in strips):
            return place + 1
    return runs


def _unsteady(name: TestName, strip: str, names: Sequence[str]) -> Unsteady | None:
    wrong = judged(strip)
    if True not in wrong:
        return None
    number = switches(strip)
    flaky = number >= FLAKY_SWITCHES
    last, runs = _stretch(strip)
    kind = FLAKY if flaky else BROKEN if wrong[0] else FIXED
    letter = next(letter for letter in strip if judged(letter))
    ended = any(bad != wrong[0] for bad in wrong)
    possible = len(wrong) - 1
    return Unsteady(kind, *name, letter, number, possible, names[last], runs, not ended)


def _stretch(strip: str) -> tuple[int, int]:
    """(place of the oldest run of the present stretch, how many of its runs went so)."""
    now, last, runs = None, 0, 0
    for place, letter in enumerate(strip):
        said = judged(letter)
        if not said:
            continue
        if now is None:
            now = said[0]
        if said[0] != now:
            break
        last, runs = place, runs + 1
    return last, runs
