"""What did not go wrong in a run, folded: by verdict, then by prefix, items rolled up. Pure."""

from collections.abc import Sequence

from mtsite import urls
from mtsite.model import Run, TestName
from mtsite.pages import words

MAX_TESTS = 5000
_ORDER = tuple(letter for letter in words.WORST_FIRST if letter not in words.BAD_LETTERS)
_GROUP_LEAST = 3

Item = tuple[str, str]
"""(item path, link)."""

Row = tuple[str, str, str, tuple[Item, ...]]
"""(testname, link, took or how many items, items)."""


def sections(run: Run, letters: Sequence[str]) -> tuple[tuple[dict[str, object], ...], int]:
    """One section per verdict, and how many tests were left out beyond 5,000.

    A section has groups by prefix; a group has rows (testname, link, took, items).
    """
    by_letter: dict[str, list[int]] = {}
    for i, test in enumerate(run.tests):
        if not test.toplevel and letters[i] not in words.BAD_LETTERS:
            by_letter.setdefault(letters[i], []).append(i)
    toplevels = {test.testname: test.name for test in run.tests if test.toplevel}
    room = MAX_TESTS
    hidden = 0
    made = []
    for letter in sorted(by_letter, key=_place):
        indices = by_letter[letter]
        shown = indices[:room]
        room -= len(shown)
        hidden += len(indices) - len(shown)
        made.append(_section(run, letter, shown, len(indices), toplevels))
    return tuple(made), hidden


def _place(letter: str) -> int:
    return _ORDER.index(letter) if letter in _ORDER else -1


def _section(
    run: Run, letter: str, indices: Sequence[int], everything: int, toplevels: dict[str, TestName]
) -> dict[str, object]:
    style, symbol, word = words.mark(letter)
    named: dict[str, list[int]] = {}
    for i in indices:
        named.setdefault(run.tests[i].testname, []).append(i)
    groups: dict[str, list[str]] = {}
    for testname in named:
        groups.setdefault(words.prefix(testname), []).append(testname)
    small = {p for p, names in groups.items() if len(names) < _GROUP_LEAST}
    lone = [name for p in groups if p in small for name in groups[p]]
    made = [_group(run, p, groups[p], named, toplevels) for p in groups if p not in small]
    if lone:
        made.append(_group(run, "", lone, named, toplevels))
    return {
        "letter": style,
        "symbol": symbol,
        "word": word,
        "total": words.number(everything),
        "title": f"{words.plural(everything, 'test')} {words.COUNTED.get(letter, word)}",
        "groups": tuple(made),
        "folding": f"in {words.plural(len(made), 'group')}" if len(made) > 1 else "",
    }


def _group(
    run: Run,
    prefix: str,
    testnames: Sequence[str],
    named: dict[str, list[int]],
    toplevels: dict[str, TestName],
) -> tuple[str, str, tuple[Row, ...]]:
    """(prefix or '', how many tests, rows)."""
    path = urls.run_page(run.key)
    rows: list[Row] = []
    count = 0
    for testname in testnames:
        indices = named[testname]
        count += len(indices)
        first = run.tests[indices[0]]
        if not first.item_path and len(indices) == 1:
            link = urls.relative(path, urls.test_page(run.key, first.name))
            rows.append((testname, link, words.took(first), ()))
            continue
        top = toplevels.get(testname)
        link = urls.relative(path, urls.test_page(run.key, top)) if top else ""
        items = tuple(
            (
                run.tests[i].item_path,
                urls.relative(path, urls.test_page(run.key, run.tests[i].name)),
            )
            for i in indices
        )
        rows.append((testname, link, words.plural(len(items), "item"), items))
    return prefix, words.plural(count, "test"), tuple(rows)
