"""What is kept of the tests of a run whose rows, but not files, were read."""

from collections.abc import Mapping

from msgspec.structs import replace

from mtsite.model import Run, RunRecord, TestName, TestRecord
from mtsite.rollup import Verdict


def with_verdicts(run: Run, verdicts: list[Verdict], old: RunRecord) -> dict[TestName, TestRecord]:
    """The tests of a run whose files are not looked at: what was taken of them stays."""
    nothing = TestRecord("", "", "")
    tests = {
        test.name: TestRecord(
            test.testname,
            test.item_path,
            verdict.value,
            test.toplevel,
            old.tests.get(test.name, nothing).logs,
            attachments=old.tests.get(test.name, nothing).attachments,
        )
        for test, verdict in zip(run.tests, verdicts, strict=True)
    }
    tests.update(vanished(old, tests))
    return tests


def vanished(old: RunRecord, present: Mapping[TestName, TestRecord]) -> dict[TestName, TestRecord]:
    """Tests that had a page once and have no row any more."""
    return {
        name: replace(test, gone=True) for name, test in old.tests.items() if name not in present
    }
