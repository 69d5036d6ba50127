"""`mtsite run diff`: what changed from one run to another."""

from typing import TYPE_CHECKING

import click

from mtsite.amounts import plural
from mtsite.errors import FindingsError, PartlyDoneError, UsageError
from mtsite.invocation import Invocation, exits

if TYPE_CHECKING:
    from mtsite.export.diff import RunDiff
    from mtsite.export.runs import RunReading, ShownRun
    from mtsite.megatest.runlist import RunList

SHOWN_VALUES = 40
SHOWN_SLOWER = 40


@click.command("diff", epilog=exits(10, 20))
@click.option("--live-only", is_flag=True, help="Of megatest.db alone.")
@click.argument("there", metavar="A")
@click.argument("here", metavar="B")
@click.pass_obj
def command(invocation: Invocation, live_only: bool, there: str, here: str) -> None:
    """What changed from run A to run B: tests, measured values, durations.

    A and B are AREA/KEY1/.../KEYN/RUNNAME, paths of pages, or URLs; they may be of two targets or
    areas. Exit code 20: some test is worse in B, or went wrong there and is not in A. Known issues
    (annotations/) are counted apart, as the page of B in the site knows them. Where runs name what
    they tested, the pushes between are listed: one of them is the first bad one.
    """
    import time

    from mtsite.export.diff import diff_runs
    from mtsite.export.runs import RunReading
    from mtsite.megatest.runlist import RunList

    config = invocation.config()
    found = RunList(tuple(config.areas.values()), invocation.environ, live_only=live_only)
    with RunReading(config, int(time.time())) as reading:
        one, other = (_read(found, reading, invocation, name) for name in (there, here))
        told = diff_runs(one, other, config.site.output, config.root)
    if invocation.as_json:
        invocation.print_json("run-diff", told.document())
    else:
        _print(invocation, told)
    if found.problems:
        raise PartlyDoneError("\n".join(["left out:", *found.problems]), "mtsite area ls")
    if told.worse:
        what = plural(told.worse, "test is", "tests are")
        raise FindingsError(f"{what} worse in {told.here}", f"mtsite run show {told.here}")


def _read(found: "RunList", reading: "RunReading", invocation: Invocation, name: str) -> "ShownRun":
    from mtsite.export.runs import find_head

    head, rest = find_head(found, invocation.config(), name)
    if rest:
        raise UsageError(f"{name}: whole runs are compared", "mtsite run diff RUN RUN")
    return reading.shown(head, tests=True)


def _print(invocation: Invocation, told: "RunDiff") -> None:
    from mtsite.comparison import CLEAN

    counts = ", ".join(f"{number} {kind}" for kind, number in told.counts.items())
    if told.known_total:
        counts += f"; {told.known_total} known"
    invocation.print(f"{told.there} -> {told.here}\n{counts or 'neither has a test'}")
    for line in told.pushes.lines(worse=told.worse > 0) if told.pushes else ():
        invocation.print(line)
    rows: list[tuple[object, ...]] = [
        (
            row.kind,
            _label(row.testname, row.item_path),
            _word(row.there),
            _word(row.here),
            told.note(row),
        )
        for row in told.rows
        if row.kind != CLEAN
    ]
    _section(invocation, ("class", "test", "in A", "in B", ""), rows, len(rows))
    values: list[tuple[object, ...]] = [
        (
            _label(one.testname, one.item_path),
            f"{one.category} {one.variable}".strip(),
            one.there,
            one.here,
            one.units,
            one.status,
        )
        for one in told.values
    ]
    _section(invocation, ("test", "value", "in A", "in B", "units", "status"), values, SHOWN_VALUES)
    slower: list[tuple[object, ...]] = [
        (
            _label(one.testname, one.item_path),
            f"{one.took} s",
            f"{one.expected} s {'usually' if one.by == 'usual' else 'in A'}",
        )
        for one in told.slower
    ]
    _section(invocation, ("test", "took in B", "expected"), slower, SHOWN_SLOWER)


def _label(testname: str, item_path: str) -> str:
    return f"{testname}/{item_path}" if item_path else testname


def _word(letter: str) -> str:
    from mtsite.rollup import ABSENT, Verdict

    return "-" if letter == ABSENT else Verdict(letter).name.replace("_", " ")


def _section(
    invocation: Invocation,
    head: tuple[object, ...],
    rows: list[tuple[object, ...]],
    most: int,
) -> None:
    if not rows:
        return
    invocation.print("")
    invocation.print_table([head, *rows[:most]])
    if len(rows) > most:
        invocation.print(f"{len(rows) - most} more: --json has all")
