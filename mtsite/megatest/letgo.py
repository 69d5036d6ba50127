"""Letting a run go: rows leave a database only while they still equal their copy.

A test goes with all its rows or not at all, the run row last. Everything is judged and deleted
inside write transactions that last `LOCK_SECONDS`: a live writer waits for one of them at most,
and where somebody writes, pauses between them let him in.
"""

import sqlite3
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial

from msgspec import Struct, field

from mtsite import notes
from mtsite.megatest.compare import Pair, has_equal, rows_of_tests, test_spans, version
from mtsite.megatest.schema import quote
from mtsite.megatest.shape import RUN, TESTS, run_tables, test_tables
from mtsite.megatest.transfer import Store, immediate, names_run

LOCK_SECONDS = 0.05
"""After so long a write transaction is committed, and a new one begun."""

PAUSE_SECONDS = 0.1
"""Between two of them where another writer was seen: SQLite's longest sleep between two tries."""

MOVED = "MOVED"
"""The state of the row that a run leaves behind where it lay."""

MARKED = frozenset({"state", "comment", "last_update"})
"""The columns in which such a row differs from the copy of the run."""

_DOOMED = "temp.mtsite_doomed"
_MAKE_DOOMED = "CREATE TEMP TABLE IF NOT EXISTS mtsite_doomed (id INTEGER PRIMARY KEY)"


class Leave(Struct, frozen=True):
    """What a run leaves behind: nothing, or its row with other values in some columns."""

    mark: Mapping[str, str | int] = field(default_factory=dict)


Step = tuple[str, Callable[[], None]]


def let_go_runs(
    both: Pair,
    run_ids: Sequence[int],
    leave: Leave,
    *,
    equal_at: int | None,
    ready: Callable[[], None],
    committed: Callable[[str], None],
) -> None:
    """Take these runs out of the source, as far as their rows still equal the copies.

    `equal_at` is the `version` of the source at which all of these runs were found equal: while
    nobody has written since, nothing is compared again. `ready` is called before each transaction,
    `committed` is told the name of the last step of each. Runs that are not there cost one look.
    """
    connection = both.connection
    connection.execute(_MAKE_DOOMED)
    leaving = _Leaving(both, leave)
    steps = (step for run_id in run_ids for step in leaving.steps(run_id))
    step = next(steps, None)
    seen = version(both.source)
    while step:
        ready()
        with immediate(connection):
            leaving.untouched = equal_at == version(both.source)
            until = time.monotonic() + LOCK_SECONDS
            while step:
                name, work = step
                work()
                step = next(steps, None)
                if time.monotonic() >= until:
                    break
        committed(f"let go: {name} of {both.source.path.name}")
        if seen != (now := version(both.source)):
            seen = now
            time.sleep(PAUSE_SECONDS)


def left_over(both: Pair, run_id: int) -> dict[str, int]:
    """What names the run at the source, the run row apart, as rows per table."""
    tests = both.source.shapes[TESTS]
    counts: dict[str, int] = {}
    for shape in run_tables(both.source.shapes):
        if shape.name in both.archive:
            where = names_run(shape, tests, "s")
            sql = f"SELECT count(*) FROM {quote(shape.name)} AS s WHERE {where}"
            values = [run_id] * where.count("?")
            counts[shape.name] = both.connection.execute(sql, values).fetchone()[0]
    sql = "SELECT count(*) FROM tests WHERE run_id = ?"
    counts[TESTS] = both.connection.execute(sql, (run_id,)).fetchone()[0]
    return {table: number for table, number in counts.items() if number}


def is_held(both: Pair, run_id: int) -> bool:
    """Whether the run row is there and equals its copy."""
    rowid = both.source.shapes[RUN].rowid
    sql = f"SELECT 1 FROM runs AS s WHERE s.{rowid} = ? AND {has_equal(both, RUN)}"
    return both.connection.execute(sql, (run_id,)).fetchone() is not None


def is_marked(both: Pair, run_id: int) -> bool:
    """Whether the run row is the mark of its copy: MOVED, and else equal to it."""
    rowid = both.source.shapes[RUN].rowid
    sql = (
        f"SELECT 1 FROM runs AS s WHERE s.{rowid} = ? AND s.state = ?"
        f" AND {has_equal(both, RUN, MARKED)}"
    )
    return both.connection.execute(sql, (run_id, MOVED)).fetchone() is not None


def marked_with_tests(connection: sqlite3.Connection) -> set[int]:
    """Rowids of the runs that are MOVED and have tests."""
    sql = "SELECT DISTINCT run_id FROM tests WHERE run_id IN (SELECT id FROM runs WHERE state = ?)"
    return {run_id for (run_id,) in connection.execute(sql, (MOVED,))}


def came_back(both: Pair, run_id: int) -> bool:
    """Whether tests lie below the mark of a run that would be let go, with all their rows."""
    leaving = _Leaving(both, Leave())
    both.connection.execute(_MAKE_DOOMED)
    return is_marked(both, run_id) and any(
        leaving.doom(run_id, span) for span in test_spans(both.source, run_id)
    )


def mark_what_stays(both: Pair, run_id: int, leave: Leave) -> None:
    """Mark the row of a run that others than its own rows name, if it equals its copy itself."""
    with immediate(both.connection):
        if is_held(both, run_id) and left_over(both, run_id):
            _mark(both, run_id, leave)


def remove_run_row(store: Store, run_id: int) -> None:
    """Delete a run row inside the caller's transaction: one that nothing names."""
    rowid = store.shapes[RUN].rowid
    store.connection.execute(f"DELETE FROM runs WHERE {rowid} = ?", (run_id,))


class _Leaving:
    """The steps of letting go; `untouched` says that all rows are known to equal their copies."""

    def __init__(self, both: Pair, leave: Leave) -> None:
        self.both = both
        self.leave = leave
        self.untouched = False
        self.tests = both.source.shapes[TESTS]
        self.children = [one for one in test_tables(both.source.shapes) if one.name in both.archive]

    def steps(self, run_id: int) -> Iterator[Step]:
        """What to do for one run, in units that may stand in one transaction or in several."""
        sql = f"SELECT 1 FROM runs WHERE {self.both.source.shapes[RUN].rowid} = ?"
        if not self.both.connection.execute(sql, (run_id,)).fetchone():
            return
        yield "run level", partial(self._run_level, run_id)
        for span in test_spans(self.both.source, run_id):
            yield "tests", partial(self._tests, run_id, span)
        yield "run", partial(self._run, run_id)

    def _equal(self, table: str) -> str:
        return "1" if self.untouched else has_equal(self.both, table)

    def _is_held(self, run_id: int) -> bool:
        """Rows may come back below the mark of their run as well as below the run."""
        return self.untouched or is_held(self.both, run_id) or is_marked(self.both, run_id)

    def _run_level(self, run_id: int) -> None:
        if not self._is_held(run_id):
            return
        for shape in run_tables(self.both.source.shapes):
            if shape.name in self.both.archive:
                where = names_run(shape, self.tests, "s")
                self.both.connection.execute(
                    f"DELETE FROM {quote(shape.name)} AS s WHERE {where}"
                    f" AND {self._equal(shape.name)}",
                    [run_id] * where.count("?"),
                )

    def _tests(self, run_id: int, span: tuple[int, int]) -> None:
        """Delete the tests of a span of rowids all of whose rows equal their copies."""
        if not self._is_held(run_id):
            return
        self.doom(run_id, span)
        for name, column in [
            *((quote(one.name), quote(one.column_for(TESTS))) for one in self.children),
            (TESTS, self.tests.rowid),
        ]:
            self.both.connection.execute(
                f"DELETE FROM {name} WHERE {column} IN (SELECT id FROM {_DOOMED})"
            )

    def doom(self, run_id: int, span: tuple[int, int]) -> bool:
        """List the tests of a span of rowids that may go; whether there are any."""
        execute = self.both.connection.execute
        execute(f"DELETE FROM {_DOOMED}")
        execute(
            f"INSERT INTO {_DOOMED} SELECT s.{self.tests.rowid}"
            f" FROM {rows_of_tests(self.tests, self.tests)} AND {self._equal(TESTS)}",
            (run_id, *span),
        )
        for shape in () if self.untouched else self.children:
            execute(
                f"DELETE FROM {_DOOMED} WHERE id IN (SELECT s.{quote(shape.column_for(TESTS))}"
                f" FROM {rows_of_tests(shape, self.tests)} AND NOT {self._equal(shape.name)})",
                (run_id, *span),
            )
        return execute(f"SELECT 1 FROM {_DOOMED} LIMIT 1").fetchone() is not None

    def _run(self, run_id: int) -> None:
        """Delete the run row, or mark it, if nothing names it and it still equals its copy."""
        if not self._is_held(run_id) or left_over(self.both, run_id):
            return
        if self.leave.mark:
            if not is_marked(self.both, run_id):
                _mark(self.both, run_id, self.leave)
        else:
            rowid = self.both.source.shapes[RUN].rowid
            self.both.connection.execute(f"DELETE FROM runs WHERE {rowid} = ?", (run_id,))
        # It goes on from one archive to the next, and the note there tells of its birth.
        notes.forget(self.both.connection, run_id)


def _mark(both: Pair, run_id: int, leave: Leave) -> None:
    shape = both.source.shapes[RUN]
    own = {shape.own_name(column): value for column, value in leave.mark.items()}
    listed = ", ".join([shape.rowid, *map(quote, shape.columns)])
    values = ", ".join("?" if column in own else quote(column) for column in shape.columns)
    # REPLACE fires no update trigger: the marked row is the same in every copy of it.
    both.connection.execute(
        f"REPLACE INTO runs ({listed}) SELECT {shape.rowid}, {values} FROM runs"
        f" WHERE {shape.rowid} = ?",
        [*(own[column] for column in shape.columns if column in own), run_id],
    )
