"""Which columns of runs, tests, steps and data are shown: Megatest's `-fields` syntax.

`runs:runname,state+tests:testname,status+steps:` has groups, joined by `+`. A group without names
has all its columns; a group that is not there is not shown at all.
"""

from collections.abc import Mapping, Sequence

from msgspec import Struct

from mtsite.errors import UsageError
from mtsite.megatest.reader import RunHead
from mtsite.model import Run, Scalar, Step, Test, TestDatum
from mtsite.rollup import BAD, GOOD, Verdict, run_verdict

RUN_COLUMNS = (
    "area target runname id state status owner event_time comment contour home database"
    " tests pass_count fail_count verdict"
).split()
RUN_DEFAULTS = "area target runname event_time state status owner home comment".split()
TEST_COLUMNS = (
    "testname item_path state status verdict event_time run_duration host cpuload diskfree uname"
    " rundir shortdir final_logf comment attemptnum archived toplevel"
).split()
STEP_COLUMNS = "stepname start end status duration logfile comment".split()
DATUM_COLUMNS = "category variable value expected tol units status type comment".split()
COUNTED = frozenset("tests pass_count fail_count verdict".split())
"""Columns of a run that only its tests can tell: Megatest prints the run row's own, never kept."""

GROUPS: Mapping[str, Sequence[str]] = {
    "runs": RUN_COLUMNS,
    "tests": TEST_COLUMNS,
    "steps": STEP_COLUMNS,
    "data": DATUM_COLUMNS,
}


class Columns(Struct, frozen=True):
    """The columns that were chosen; an empty group is not shown."""

    runs: tuple[str, ...] = tuple(RUN_DEFAULTS)
    tests: tuple[str, ...] = ()
    steps: tuple[str, ...] = ()
    data: tuple[str, ...] = ()

    @property
    def needs_tests(self) -> bool:
        """Whether the tests of each run must be read."""
        return bool(self.tests or self.steps or self.data or COUNTED.intersection(self.runs))


EVERYTHING = Columns(
    tuple(RUN_COLUMNS), tuple(TEST_COLUMNS), tuple(STEP_COLUMNS), tuple(DATUM_COLUMNS)
)


def parse_columns(spec: str, keys: Sequence[str] = ()) -> Columns:
    """The columns that a `--fields` text names; `keys` are names of key columns to allow too.

    Raises:
        UsageError: a group or column that there is not; all of them are named.
    """
    chosen: dict[str, tuple[str, ...]] = {"runs": ()}
    unknown = []
    for part in spec.split("+"):
        group, _, names = part.strip().partition(":")
        if group not in GROUPS:
            unknown.append(f"{group!r} is no group (groups: {', '.join(GROUPS)})")
            continue
        known = (*GROUPS[group], *(keys if group == "runs" else ()))
        given = tuple(name.strip() for name in names.split(",") if name.strip())
        wrong = [name for name in given if name not in known]
        if wrong:
            unknown.append(f"{group}: no {', '.join(wrong)} (there are {', '.join(known)})")
        chosen[group] = given or tuple(GROUPS[group])
    if unknown:
        raise UsageError("\n".join(["--fields:", *unknown]), "--fields help lists all columns")
    return Columns(**chosen)


def run_values(head: RunHead, run: Run | None, verdicts: Sequence[Verdict]) -> dict[str, Scalar]:
    """All columns of a run by name, its key values too; None for what only unread tests tell."""
    values: dict[str, Scalar] = dict(zip(head.keys, head.key.target, strict=False))
    values |= {
        "area": head.key.area,
        "target": "/".join(head.key.target),
        "runname": head.key.runname,
        "id": head.run_id,
        "state": head.state,
        "status": head.status,
        "owner": head.owner,
        "event_time": head.event_time,
        "comment": head.comment,
        "contour": head.contour,
        "home": head.home,
        "database": str(head.database),
    }
    return values | (_counted(run, verdicts) if run is not None else dict.fromkeys(COUNTED))


def _counted(run: Run, verdicts: Sequence[Verdict]) -> dict[str, Scalar]:
    counted = [
        verdict for test, verdict in zip(run.tests, verdicts, strict=True) if not test.toplevel
    ]
    counts: dict[str, int] = {}
    for verdict in counted:
        counts[verdict.value] = counts.get(verdict.value, 0) + 1
    return {
        "tests": len(counted),
        "pass_count": sum(verdict in GOOD for verdict in counted),
        "fail_count": sum(verdict in BAD for verdict in counted),
        "verdict": run_verdict(counts).name,
    }


def test_values(test: Test, verdict: Verdict) -> dict[str, Scalar]:
    """All columns of a test by name."""
    values: dict[str, Scalar] = {
        name: getattr(test, name) for name in TEST_COLUMNS if name != "verdict"
    }
    return values | {"verdict": verdict.name}


def step_values(step: Step) -> dict[str, Scalar]:
    """All columns of a step by name."""
    values: dict[str, Scalar] = {n: getattr(step, n) for n in STEP_COLUMNS if n != "stepname"}
    return values | {"stepname": step.name}


def datum_values(datum: TestDatum) -> dict[str, Scalar]:
    """All columns of a row of test data by name; a status of None was never judged."""
    return {name: getattr(datum, name) for name in DATUM_COLUMNS}


def chosen(values: Mapping[str, Scalar], names: Sequence[str]) -> dict[str, Scalar]:
    """These columns, in this order; a key column that another area has is None here."""
    return {name: values.get(name) for name in names}
