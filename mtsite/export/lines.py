"""The line form of Megatest's -list-runs, for scripts that read it.

What Megatest's own output loses or garbles comes out right: `pass_count` and `fail_count` are
counted (it prints `#f`); runs of every database are there. Whoever prints a line makes it one: a
line break in a comment must not begin a new one.
"""

from collections.abc import Iterator

from mtsite.export.columns import Columns
from mtsite.export.runs import ShownRun
from mtsite.model import Scalar, Step, Test

DEFAULTS = "runs:id,state,status,owner,event_time,comment+tests:+steps:"
_QUIET = frozenset({"PASS", "WARN"})


def run_lines(shown: ShownRun, columns: Columns) -> Iterator[str]:
    """The lines of one run, its tests and steps; times are Unix seconds."""
    fields = [
        f"{name}: {_text(shown.values.get(name))}" for name in columns.runs if name != "target"
    ]
    target = _text(shown.values["target"])
    head = f"target: {target}" if "target" in columns.runs else _named(shown)
    yield " ".join([head, *fields]).rstrip()
    if not (columns.tests or columns.steps):
        return
    for test, _ in shown.tests():
        yield from _test_lines(test, with_steps=bool(columns.steps))


def _named(shown: ShownRun) -> str:
    return f"Run: {_text(shown.values['target'])}/{_text(shown.values['runname'])}"


def _test_lines(test: Test, *, with_steps: bool) -> Iterator[str]:
    name = f"{test.testname}({test.item_path})" if test.item_path else test.testname
    yield (
        f"  Test: {_text(name):<25} State: {_text(test.state):<15} Status: {_text(test.status):<15}"
        f" Runtime: {_text(test.run_duration):>5}s Time: {_text(test.event_time):<22}"
        f" Host: {_text(test.host):<10}"
    ).rstrip()
    if test.status in _QUIET or test.state == "NOT_STARTED":
        return
    for label, value in (
        ("cpuload:", test.cpuload),
        ("diskfree:", test.diskfree),
        ("uname:", test.uname),
        ("rundir:", test.rundir),
    ):
        yield f"         {label:<9} {_text(value)}".rstrip()
    if with_steps:
        for step in test.steps:
            yield from _step_lines(step)


def _step_lines(step: Step) -> Iterator[str]:
    """A line for its start row and one for its end row, as far as it has them."""
    for state, status, when in (("start", "-", step.start), ("end", step.status, step.end)):
        if when is not None:
            yield (
                f"    Step: {_text(step.name):<20} State: {state:<10} Status: {_text(status):<10}"
                f" Time {when:<22}"
            ).rstrip()


def _text(value: Scalar) -> str:
    return "" if value is None else str(value)
