"""Looking at the runs of an area, only as closely as a plan needs: rows first, tests then."""

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path

from mtsite.megatest.activity import RunActivity, combine, look_at, read_run_rows
from mtsite.megatest.database import AreaConnection, reading

Needed = Callable[[Sequence[RunActivity]], frozenset[int]]
"""Rowids of the runs whose tests must be looked at; none when all is decided."""


def survey(databases: Sequence[Path], needed: Needed, *, settled_before: int) -> list[RunActivity]:
    """The runs of a database (the first), with what its caches (the others) know better.

    The tests of a run are looked at when `needed` says so, in every database. Steps and load
    samples only where the run was silent since `settled_before`.
    """
    with ExitStack() as opened:
        connections = [opened.enter_context(reading(path)) for path in databases]
        views = [_View(one) for one in connections if one.columns("runs")]
        while True:
            runs = views[0].runs
            for view in views[1:]:
                runs = combine(runs, view.runs)
            ids = needed(runs)
            if not ids:
                return runs
            names = frozenset(run.name for run in runs if run.run_id in ids)
            for view in views:
                view.look(names, settled_before)


class _View:
    """The runs of one database as far as they are known."""

    def __init__(self, connection: AreaConnection) -> None:
        self._connection = connection
        self.runs = read_run_rows(connection)

    def look(self, names: frozenset[tuple[tuple[str, ...], str]], settled_before: int) -> None:
        wanted = [run for run in self.runs if run.name in names]
        looked = look_at(self._connection, wanted, settled_before=settled_before)
        found = {run.run_id: run for run in looked}
        self.runs = [found.get(run.run_id, run) for run in self.runs]
