"""How often a target gets a run, told from when its runs began. Pure, and without a clock.

Whether the next run is late is worked out by the browser: it alone knows what time it is.
"""

from collections.abc import Iterable
from itertools import pairwise
from typing import NamedTuple

NEWEST = 16
LEAST_GAPS = 4
SHORTEST = 600
LONGEST = 45 * 86_400
_USUAL = (3600, 86_400, 7 * 86_400)


class Cadence(NamedTuple):
    """A run is `expected` every so many seconds, 0 for untold; after `late` the next is late."""

    expected: int = 0
    late: int = 0


UNTOLD = Cadence()


def as_said(every: int) -> Cadence:
    """What the area's settings say, in seconds; 0: nothing is expected."""
    return Cadence(every, every * 3 // 2)


def of_runs(newest_first: Iterable[int | None]) -> Cadence:
    """The middle of the last gaps between runs.

    Nights without a run that come back (weekends) make no run late: so long as three of the last
    fifteen gaps were. Bursts, rarities and too few runs tell nothing.
    """
    times = [when for when in newest_first if when is not None][:NEWEST]
    gaps = sorted(later - earlier for later, earlier in pairwise(times))
    if len(gaps) < LEAST_GAPS:
        return UNTOLD
    middle = gaps[len(gaps) // 2]
    if not SHORTEST <= middle <= LONGEST:
        return UNTOLD
    usual_pause = gaps[len(gaps) * 4 // 5]
    expected = _rounded(middle)
    return Cadence(expected, max(expected * 3 // 2, usual_pause * 5 // 4))


def _rounded(gap: int) -> int:
    for usual in _USUAL:
        if abs(gap - usual) * 4 <= usual:
            return usual
    unit = 60 if gap < 3600 else 3600 if gap < 2 * 86_400 else 86_400
    return (gap + unit // 2) // unit * unit
