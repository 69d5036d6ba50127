"""Sums over the rows of whole runs: what changed, when anything last happened, how many tests.

Two lists of sums are equal as long as no row of the run changed: they count rows, take the newest
`last_update` (Megatest's triggers set it, to the second) and add up what changes within a second
of it. They hold no rowid, so that a faithful copy of a run in another database has the same.
"""

import re
from collections import defaultdict
from collections.abc import Mapping
from typing import NamedTuple

from mtsite.megatest import rows
from mtsite.megatest.database import AreaConnection

# Values are cut to 32 bits before they are added up: hostile numbers must not overflow a sum.
_UPDATES = (
    "count(*), max({last_update}), sum(coalesce({last_update}, 0) = 0),"
    " sum({last_update} & 4294967295), sum({event_time} & 4294967295)"
)
_CHILD_SUMS = f"{_UPDATES}, max({{event_time}})"
_TEST_SUMS = (
    f"{_UPDATES}, max({{event_time}} + max(0, coalesce({{run_duration}}, 0))),"
    " sum({run_duration} & 4294967295),"
    " sum(unicode({state}) + 8191 * unicode({status}) + 131 * length({status})),"
    " sum(coalesce({state}, '') <> 'DELETED' COLLATE NOCASE"
    " AND NOT (testname IS 'bogustest' AND item_path IS 'nowherepath'))"
)


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
    """Sums over the tests, steps and data of one run."""

    tests: TestSums = TestSums()
    steps: ChildSums = ChildSums()
    data: ChildSums = ChildSums()

    @property
    def untimed(self) -> bool:
        """Whether a row has no last_update: then a change of it leaves no trace."""
        return bool(self.tests.untimed or self.steps.untimed or self.data.untimed)

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
        columns = {
            table: connection.columns(table) for table in ("tests", "test_steps", "test_data")
        }
        self.can_tell = all("last_update" in names for names in columns.values()) and (
            _has_triggers(connection, columns)
        )
        self._queries = [
            f"SELECT run_id, {_sql(_TEST_SUMS, 't', columns['tests'])} FROM tests AS t"
            " WHERE run_id BETWEEN ? AND ? GROUP BY run_id"
        ]
        for table in ("test_steps", "test_data"):
            self._queries.append(
                # CROSS JOIN is SQLite's way to say: tests first, their children by index.
                f"SELECT run_id, {_sql(_CHILD_SUMS, 'c', columns[table])} FROM tests AS t"
                f" CROSS JOIN {table} AS c ON c.test_id = t.id"
                " WHERE t.run_id BETWEEN ? AND ? GROUP BY t.run_id"
                if columns[table]
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
            totals[run_id] = Totals(
                TestSums(*sums),
                ChildSums(*steps.get(run_id, ())),
                ChildSums(*data.get(run_id, ())),
            )
        return totals

    def of_run(self, run_id: int) -> Totals:
        """The sums of one run."""
        return self.of_runs(run_id, run_id)[run_id]


def _sql(template: str, alias: str, columns: frozenset[str]) -> str:
    """Put columns for their names in braces; NULL where the table has no such column."""
    return re.sub(
        r"\{(\w+)\}", lambda name: f"{alias}.{name[1]}" if name[1] in columns else "NULL", template
    )


def _has_triggers(connection: AreaConnection, tables: Mapping[str, object]) -> bool:
    found = connection.execute(
        "SELECT lower(tbl_name) FROM sqlite_master WHERE type = 'trigger'"
        " AND sql LIKE '%last_update%'"
    ).fetchall()
    return tables.keys() <= {row[0] for row in found}
