"""Waivers: Megatest hands them on from run to run; where one comes from, as far as is known. Pure.

A test that fails as it did in the run before, where it was waived, is waived again by itself
(`[waivers]` of its testconfig): the chain leads back to the run in which somebody waived it.
"""

from collections.abc import Sequence

from msgspec import Struct
from msgspec.structs import replace

from mtsite import urls
from mtsite.model import Run, RunFacts
from mtsite.pages.place import test_label
from mtsite.pages.weight import weight, within
from mtsite.rollup import ABSENT, Verdict

WAIVED = Verdict.WAIVED.value
ROOM = 7_000
OPEN = 12
"""So many waived tests of a run are in sight, the rest is folded."""


class Chain(Struct, frozen=True):
    """Runs in a row in which a test was waived, oldest first, this one last.

    `before` is (run, letter) of what it was before them; None: it was not there, or the look back
    ended, then `whole` is false.
    """

    runs: tuple[str, ...]
    before: tuple[str, str] | None = None
    whole: bool = True

    @property
    def length(self) -> str:
        """'5 runs in a row', '' for this run alone."""
        more = "" if self.whole else "at least "
        return f"{more}{len(self.runs)} runs in a row" if len(self.runs) > 1 else ""

    @property
    def told(self) -> str:
        """'from ww31.2, since ww30.1: 5 runs in a row'."""
        if len(self.runs) < 2:
            return "in this run first"
        since = f", since {self.runs[0]}" if len(self.runs) > 2 else ""
        return f"from {self.runs[-2]}{since}: {self.length}"


def chain(window: Sequence[str], strip: str) -> Chain:
    """The chain that ends with the last run of a strip; its `runs` are () where it is not waived.

    Runs without the test are passed over, as Megatest does.
    """
    names = window[-len(strip) :] if strip else ()
    if not names:
        return Chain(())
    had = [pair for pair in zip(names, strip[-len(names) :], strict=True) if pair[1] != ABSENT]
    first = len(had)
    while first and had[first - 1][1] == WAIVED:
        first -= 1
    before = had[first - 1] if first else None
    whole = bool(first) or len(had) < len(window)
    return Chain(tuple(name for name, _ in had[first:]), before, whole)


def of_run(
    run: Run, letters: Sequence[str], facts: RunFacts, path: str
) -> tuple[tuple[tuple[str, str, str, str], ...], int]:
    """(test, link, where its waiver comes from, link to it) of waived tests, and how many."""
    rows = []
    for test, letter in zip(run.tests, letters, strict=True):
        if letter != WAIVED or test.toplevel:
            continue
        past = facts.tests.get(test.name)
        found = chain(facts.window, past.strip) if past else Chain((run.key.runname,))
        here = urls.relative(path, urls.test_page(run.key, test.name))
        key = replace(run.key, runname=found.runs[0]) if len(found.runs) > 1 else None
        there = urls.relative(path, urls.test_page(key, test.name)) if key else ""
        rows.append((test_label(test.name), here, f"waived {found.told}", there))
    return within(rows, (90 + weight(*row) for row in rows), ROOM), len(rows)


def note(facts: RunFacts, strip: str) -> str:
    """' from ww31.2' behind the word waived in a list; '' where it was waived first."""
    found = chain(facts.window, strip)
    return f" from {found.runs[-2]}" if len(found.runs) > 1 else ""
