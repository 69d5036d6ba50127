"""The pages of what has no rows any more: a run, or a test of one. A worker's."""

from mtsite import urls
from mtsite.build import digest
from mtsite.build.logpages import log_pages
from mtsite.build.pen import Pen, json_bytes
from mtsite.model import RunRecord, TestName, TestRecord
from mtsite.pages import gone
from mtsite.rollup import Verdict


def write_gone_run(pen: Pen, kept: RunRecord) -> None:
    """The pages of a run without rows: what remains of it, at its own addresses."""
    path = urls.run_page(kept.key)
    for name, one in sorted(kept.tests.items()):
        write_gone_test(pen, kept, one, name)
    fingerprint = pen.fresh(gone, path, _gone_values(kept))
    if fingerprint:
        pen.page(gone, path, fingerprint, gone.context(pen.frame, kept))
    path = urls.run_twin(kept.key)
    fingerprint = pen.fresh(gone, path, _gone_values(kept))
    if fingerprint:
        pen.write(path, json_bytes(gone.twin(kept)), fingerprint)


def _gone_values(kept: RunRecord) -> tuple[object, ...]:
    tests = [
        (
            *(name, one.verdict, one.gone, [digest.log_values(log) for log in one.logs]),
            *digest.attachment_values(one),
        )
        for name, one in sorted(kept.tests.items())
    ]
    return (repr(kept.key), kept.keys, kept.gone, repr(kept.summary), tests)


def write_gone_test(pen: Pen, kept: RunRecord, one: TestRecord, name: TestName) -> None:
    """The page of a test without a row, in a run that may have others."""
    path = urls.test_page(kept.key, name)
    logs = [digest.log_values(entry) for entry in one.logs]
    values = (repr(kept.key), kept.keys, kept.gone, name, one.verdict, logs)
    fingerprint = pen.fresh(gone, path, (*values, *digest.attachment_values(one)))
    if fingerprint:
        pen.page(gone, path, fingerprint, gone.test_context(pen.frame, kept, name))
    logs = [digest.log_values(log) for log in one.logs]
    log_pages(pen, kept, one, Verdict(one.verdict), logs)
