"""Rows of what an exported run says exactly (`junit.exact`), in place of what was derived."""

from collections.abc import Mapping

from mtsite.junit.exact import TEST_COLUMNS, Said
from mtsite.megatest.newrun import NewRun


def add_said(run: NewRun, test_id: int, said: Said, now: int) -> None:
    """Change a test's row that was just added to what is said of it, and add steps and values."""
    columns = {name: said[name] for name in TEST_COLUMNS if name in said}
    # A load or a free space that nobody knows is -1 in a database.
    unknown = {name: -1 for name in ("cpuload", "diskfree") if columns.get(name, 0) is None}
    if columns:
        run.change_test(test_id, {**columns, **unknown})
    for name, start, end, status, logfile, comment in said.get("steps", ()):
        if start is not None:
            run.add_step((test_id, name, "start", status, start, "", "", now))
        run.add_step((test_id, name, "end", status, end, comment, logfile, now))
    for datum in said.get("data", ()):
        run.add_datum((test_id, *datum, now))


def add_meta(run: NewRun, meta: Mapping[str, Said]) -> None:
    """Add what authors say of tests that the area knows nothing of yet."""
    for testname, columns in meta.items():
        run.add_meta({"testname": testname, **columns})
