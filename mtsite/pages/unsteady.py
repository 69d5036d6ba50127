"""Broken, flaky and fixed tests, as pages of targets and of levels above list them. Pure."""

from collections.abc import Sequence

from msgspec.structs import replace

from mtsite import urls
from mtsite.model import RunKey
from mtsite.pages import words
from mtsite.pages.place import test_label
from mtsite.stability import BROKEN, FIXED, FLAKY, KINDS, WINDOW, Stability, Unsteady

Target = tuple[str, tuple[str, ...]]
"""(area, key values)."""

LINES = 12
_HEADS = {BROKEN: "Broken since", FLAKY: "Flaky", FIXED: "Fixed since"}
_MARKS = {BROKEN: ("F", "✗"), FLAKY: ("V", "⇄"), FIXED: ("P", "✓")}


def of_target(path: str, target: Target, found: Stability) -> dict[str, object] | None:
    """What the page of a target lists; None where all is steady."""
    return of_targets(path, [(target, found)] if any(found.totals) else [], named=False)


def of_targets(
    path: str, found: Sequence[tuple[Target, Stability]], *, named: bool = True
) -> dict[str, object] | None:
    """The same for many targets, which are `named` in each line; None where all is steady."""
    if not found:
        return None
    columns = []
    for place, kind in enumerate(KINDS):
        total = sum(one.totals[place] for _, one in found)
        if total:
            tests = ranked(found, kind)[:LINES]
            lines = tuple(_line(path, *pair, named=named) for pair in tests)
            columns.append((_HEADS[kind], *_MARKS[kind], words.number(total), lines))
    return {"columns": tuple(columns), "window": WINDOW}


def ranked(found: Sequence[tuple[Target, Stability]], kind: str) -> list[tuple[Target, Unsteady]]:
    """The tests of one kind in all these targets, those first that a reader wants to know of."""
    tests = [(target, test) for target, one in found for test in one.of(kind)]
    return sorted(tests, key=lambda pair: _order(*pair))


def _order(target: Target, test: Unsteady) -> tuple[float, str, str, Target]:
    first = -test.score if test.kind == FLAKY else test.runs
    return first, test.testname, test.item_path, target


def _line(
    path: str, target: Target, test: Unsteady, *, named: bool
) -> tuple[str, str, str, str, str]:
    """(name, link to its history, target or '', what is said, link to the run that began it)."""
    area, values = target
    name = (test.testname, test.item_path)
    history = urls.relative(path, urls.history_page(area, values, name))
    where = "/".join(value or urls.EMPTY_KEY_VALUE for value in values) if named else ""
    run = RunKey(area, values, test.since)
    if test.kind == FLAKY:
        percent = f"{100 * test.score:.0f}{words.THIN}%"
        return (
            test_label(name),
            history,
            where,
            f"{percent}: {test.switches} of {test.possible}",
            "",
        )
    many = words.plural(test.runs, "run")
    if test.open:
        return test_label(name), history, where, f"{many} and longer", ""
    link = urls.relative(path, urls.test_page(replace(run, runname=test.since), name))
    return test_label(name), history, where, f"{test.since}, {many}", link
