"""Iterated tests of a run: what their items roll up to by Megatest's rule. Pure."""

from collections import Counter
from collections.abc import Sequence

from mtsite import urls
from mtsite.model import Run, Test
from mtsite.pages import words
from mtsite.pages.weight import weight, within
from mtsite.rollup import roll_up_items

ROOM = 8_000

Line = tuple[str, str, str, str, str, str, str]
"""(style, symbol, word, testname, link, '56 passed, 4 failed', 'rolls up to COMPLETED FAIL')."""


def lines(run: Run, letters: Sequence[str]) -> tuple[tuple[Line, ...], int]:
    """A line per iterated test, the worst first, as many as there is room for; how many there are.

    The verdict is the worst of the items, as everywhere; beside it stand state and status by
    Megatest's rule, and what its own row says where that is something else.
    """
    items: dict[str, list[int]] = {}
    tops: dict[str, int] = {}
    for i, test in enumerate(run.tests):
        if test.item_path:
            items.setdefault(test.testname, []).append(i)
        elif test.toplevel:
            tops[test.testname] = i
    made = [_line(run, letters, name, items[name], tops.get(name)) for name in items]
    made.sort(key=lambda pair: (-pair[0], pair[1][3]))
    found = [line for _, line in made]
    return within(found, (240 + weight(*line) for line in found), ROOM), len(found)


def _line(
    run: Run, letters: Sequence[str], name: str, items: Sequence[int], top: int | None
) -> tuple[int, Line]:
    counts = Counter(letters[i] for i in items)
    worst = max(counts, key=words.rank)
    state, status = roll_up_items([(run.tests[i].state, run.tests[i].status) for i in items])
    rolled = f"rolls up to {state} {status}"
    link = ""
    if top is not None:
        row = run.tests[top]
        link = urls.relative(urls.run_page(run.key), urls.test_page(run.key, row.name))
        rolled += _own_row(row, state, status)
    said = f"{words.plural(len(items), 'item')}: {words.counted(counts)}"
    return words.rank(worst), (*words.mark(worst), name, link, said, rolled)


def _own_row(row: Test, state: str, status: str) -> str:
    """What the row of an iterated test says itself where Megatest left it behind."""
    if (row.state, row.status) == (state, status):
        return ""
    return f", its own row says {row.state} {row.status}"
