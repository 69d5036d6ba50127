"""Which pushes lie between the last good run of a test and its first bad one; one did it."""

from collections import Counter
from collections.abc import Mapping

from msgspec.structs import replace

from mtsite.facts import RunFacts, Suspects
from mtsite.pushruns import PushRuns
from mtsite.toldpushes import UNTOLD

MOST_PAIRS = 20
"""So many pairs of runs are looked at, those with most tests first."""

SHOWN = 5
_SUBJECT = 120


def with_suspects(
    facts: RunFacts, runname: str, dirs: Mapping[str, str], book: PushRuns
) -> RunFacts:
    """The facts of a run with what lies between the runs that its bad tests name.

    `dirs` has the directory of this run and of each earlier one that facts may name.
    """
    pairs = Counter(filter(all, (one.turn(runname) for one in facts.tests.values())))
    wanted = sorted(pairs, key=lambda pair: (-pairs[pair], pair))[:MOST_PAIRS]
    found = (_between(*pair, dirs, book) for pair in wanted)
    return replace(facts, suspects=tuple(one for one in found if one is not None))


def _between(good: str, bad: str, dirs: Mapping[str, str], book: PushRuns) -> Suspects | None:
    """None where nobody told of both pushes, or the good one is not the earlier one."""
    there, here = (book.of_run(dirs[name]) if name in dirs else None for name in (good, bad))
    if there is None or here is None or UNTOLD in (there.at.number, here.at.number):
        return None
    total = here.at.number - there.at.number
    if there.at.repository != here.at.repository or total <= 0:
        return None
    first = max(there.at.number + 1, here.at.number + 1 - SHOWN)
    told = book.told.pushes(here.at.repository, first, here.at.number + 1)
    rows = [(p.revision, p.by, _subject(p.commits[-1].message)) for _, p in reversed(told)]
    return Suspects(good, bad, here.at.repository, total, tuple(rows))


def _subject(message: str) -> str:
    return message.strip().partition("\n")[0][:_SUBJECT]
