"""Steps and test data that lie in run directories: kept in the record for when those are gone."""

from collections.abc import Mapping

from msgspec.structs import replace

from mtsite.megatest.testdat import NO_STEPS
from mtsite.model import Run, RunRecord, Test, TestName, TestRecord

AS_READ_BEFORE = "steps and test data are shown as they were read before"


def with_kept_rows(run: Run, old: RunRecord) -> Run:
    """The run with what was once read from run directories that can't be read any more."""
    kept = {
        name: one
        for name in run.unread
        if (one := old.tests.get(name)) is not None and (one.steps or one.data)
    }
    if not kept:
        return run

    def restored(test: Test) -> Test:
        found = kept.get(test.name)
        if found is None or test.steps or test.data:
            return test
        return replace(test, steps=found.steps, data=found.data)

    unread = {
        name: note.replace(NO_STEPS, AS_READ_BEFORE) if name in kept else note
        for name, note in run.unread.items()
    }
    return replace(run, tests=tuple(map(restored, run.tests)), unread=unread)


def keep_rows(shown: Run, tests: Mapping[TestName, TestRecord]) -> dict[TestName, TestRecord]:
    """The records of tests with their steps and data, as pages show them."""
    found = {test.name: (test.steps, test.data) for test in shown.tests}
    return {
        name: replace(one, steps=found[name][0], data=found[name][1]) if name in found else one
        for name, one in tests.items()
    }
