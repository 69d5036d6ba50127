"""A run goes on with the record that it had while its area was called otherwise."""

from collections.abc import Callable, Sequence

from msgspec.structs import replace

from mtsite.build import digest
from mtsite.model import Run, RunRecord


def former_record(
    load: Callable[[Run], RunRecord], run: Run, areas: Sequence[str]
) -> tuple[RunRecord, str]:
    """What is kept of the run under the first of these names that knows it, and that name."""
    for area in areas:
        found = load(called(run, area))
        if found.summary is not None:
            summary = replace(found.summary, key=run.key, gone="")
            return replace(found, key=run.key, summary=summary, gone=""), area
    return RunRecord(run.key, run.keys), ""


def rows_then(run: Run, area: str) -> str:
    """The digest that the rows had while the area was called so; '' without such a name."""
    return digest.of_rows(called(run, area)) if area else ""


def called(run: Run, area: str) -> Run:
    """The run as if its area had that name."""
    return replace(run, key=replace(run.key, area=area))
