"""Sums over the rows of whole runs: what changed, when anything last happened, how many tests.

Two lists of sums are equal as long as no row of the run changed: they count rows, take the newest
`last_update` (Megatest's triggers set it, to the second) and add up what changes within a second
of it. Where rows have no `last_update`, or nothing sets it, the rows themselves go into them, all
that could be shown. They hold no rowid, so that a faithful copy of a run in another database has
the same.
"""

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from hashlib import blake2b
from typing import NamedTuple

from mtsite.megatest import rows
from mtsite.megatest.database import AreaConnection
from mtsite.megatest.generation import expression, update_times_are_trusted

# Values are cut to 32 bits before they are added up: hostile numbers must not overflow a sum.
# "+ 0" makes a number of a text: SQLite sorts texts above all numbers, one would hide the newest.
_UPDATES = (
    "count(*), max({last_update} + 0), sum(coalesce({last_update}, 0) = 0),"
    " sum({last_update} & 4294967295), sum({event_time} & 4294967295)"
)
_CHILD_SUMS = f"{_UPDATES}, max({{event_time}} + 0)"
_TEST_SUMS = (
    f"{_UPDATES}, max({{event_time}} + max(0, coalesce({{run_duration}}, 0))),"
    " sum({run_duration} & 4294967295),"
    " sum(unicode({state}) + 8191 * unicode({status}) + 131 * length({status})),"
    " sum(coalesce({state}, '') <> 'DELETED' COLLATE NOCASE"
    " AND NOT (testname IS 'bogustest' AND item_path IS 'nowherepath'))"
)


_SHOWN = {
    "tests": rows.TEST_COLUMNS,
    "test_steps": rows.STEP_COLUMNS,
    "test_data": rows.DATUM_COLUMNS,
}
_ROWIDS = frozenset({"id", "test_id"})
_SUM_BITS = 64


class ChildSums(NamedTuple):
    """Sums over the steps, or the data, of one run: values as SQLite gives them."""

    number: int = 0
    newest_update: object = None
    untimed: int = 0
    updates: object = None
    events: object = None
    newest_event: object = None


class TestSums(NamedTuple):
    """Sums over the tests of one run; `live` counts those not deleted, and no placeholders."""

    number: int = 0
    newest_update: object = None
    untimed: int = 0
    updates: object = None
    events: object = None
    newest_end: object = None
    durations: object = None
    verdicts: object = None
    live: int = 0


class Totals(NamedTuple):
    """Sums over the tests, steps and data of one run.

    `content` is a digest of all its rows where their times can't tell that one was changed.
    """

    tests: TestSums = TestSums()
    steps: ChildSums = ChildSums()
    data: ChildSums = ChildSums()
    content: int = 0

    @property
    def untimed(self) -> bool:
        """Whether a row has no last_update: then a change of it leaves no trace."""
        return bool(self.tests.untimed or self.steps.untimed or self.data.untimed)

    @property
    def rows(self) -> int:
        """How many rows there are, deleted ones too."""
        return self.tests.number + self.steps.number + self.data.number

    def newest_update(self) -> int:
        """The largest last_update of all its rows."""
        found = (self.tests.newest_update, self.steps.newest_update, self.data.newest_update)
        return max(rows.time(value) or 0 for value in found)

    def activity_time(self) -> int:
        """When anything last happened to its tests and steps."""
        ends = (rows.time(value) or 0 for value in (self.tests.newest_end, self.steps.newest_event))
        return max(self.newest_update(), *ends)


class Sums:
    """The queries that add up the rows of runs, for the columns that this database has."""

    def __init__(self, connection: AreaConnection) -> None:
        self._connection = connection
        self._columns = {table: connection.columns(table) for table in _SHOWN}
        timed = {
            table: names
            if "last_update" in names and update_times_are_trusted(connection, table)
            else names - {"last_update"}
            for table, names in self._columns.items()
        }
        self._queries = [
            f"SELECT run_id, {_sql(_TEST_SUMS, 't', timed['tests'])} FROM tests AS t"
            " WHERE run_id BETWEEN ? AND ? GROUP BY run_id"
        ]
        for table in ("test_steps", "test_data"):
            self._queries.append(
                # CROSS JOIN is SQLite's way to say: tests first, their children by index.
                f"SELECT run_id, {_sql(_CHILD_SUMS, 'c', timed[table])} FROM tests AS t"
                f" CROSS JOIN {table} AS c ON c.test_id = t.id"
                " WHERE t.run_id BETWEEN ? AND ? GROUP BY t.run_id"
                if self._columns[table]
                else ""
            )

    def of_runs(self, first: int, last: int) -> Mapping[int, Totals]:
        """The sums of all runs from one rowid to another; runs without tests have none."""
        tests, steps, data = (
            {row[0]: row[1:] for row in self._connection.execute(query, (first, last)).fetchall()}
            if query
            else {}
            for query in self._queries
        )
        totals: defaultdict[int, Totals] = defaultdict(Totals)
        for run_id, sums in tests.items():
            found = Totals(
                TestSums(*sums),
                ChildSums(*steps.get(run_id, ())),
                ChildSums(*data.get(run_id, ())),
            )
            content = self._content(run_id) if found.untimed else 0
            totals[run_id] = found._replace(content=content)
        return totals

    def of_run(self, run_id: int) -> Totals:
        """The sums of one run."""
        return self.of_runs(run_id, run_id)[run_id]

    def run_ids(self, after: int, most: int) -> list[int]:
        """The next numbers of runs that have tests here, ascending."""
        query = (
            "SELECT DISTINCT run_id FROM tests WHERE run_id > ? AND typeof(run_id) = 'integer'"
            " ORDER BY run_id LIMIT ?"
        )
        return [row[0] for row in self._connection.execute(query, (after, most)).fetchall()]

    def _content(self, run_id: int) -> int:
        """A digest of the rows of one run, the same in whatever order they lie."""
        total = 0
        for query in self._content_queries():
            for row in self._connection.execute(query, (run_id,)).fetchall():
                text = ascii(row).encode()
                total += int.from_bytes(blake2b(text, digest_size=_SUM_BITS // 8).digest())
        return total % (1 << _SUM_BITS)

    def _content_queries(self) -> Iterator[str]:
        for table, names in _SHOWN.items():
            present = self._columns[table]
            if present:
                shown = [
                    expression(table, name, present, "c") for name in names if name not in _ROWIDS
                ]
                listed = ", ".join(shown)
                if table == "tests":
                    yield f"SELECT {listed} FROM tests AS c WHERE run_id = ?"
                else:
                    yield (
                        f"SELECT t.testname, t.item_path, {listed} FROM tests AS t"
                        f" CROSS JOIN {table} AS c ON c.test_id = t.id WHERE t.run_id = ?"
                    )


def _sql(template: str, alias: str, columns: frozenset[str]) -> str:
    """Put columns for their names in braces; NULL where the table has no such column."""
    return re.sub(
        r"\{(\w+)\}", lambda name: f"{alias}.{name[1]}" if name[1] in columns else "NULL", template
    )
