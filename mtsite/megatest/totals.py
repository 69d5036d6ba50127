"""Sums over the rows of whole runs: what changed, when anything last happened, how many tests.

Two lists of sums are equal as long as no row of the run changed: they count rows, take the newest
`last_update` (Megatest's triggers set it, to the second) and add up what changes within a second
of it. They hold no rowid, so that a faithful copy of a run in another database has the same.
"""

import re
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

from mtsite.megatest import rows
from mtsite.megatest.database import AreaConnection

# Values are cut to 32 bits before they are added up: hostile numbers must not overflow a sum.
_TESTS_SUMS = (
    "count(*), sum({live}), max({last_update}), sum(coalesce({last_update}, 0) = 0),"
    " sum({event_time} & 4294967295), sum({run_duration} & 4294967295),"
    " sum(unicode({state}) + 8191 * unicode({status}) + 131 * length({status})),"
    " max({event_time} + max(0, coalesce({run_duration}, 0)))"
)
_LIVE = (
    "coalesce({state}, '') <> 'DELETED' COLLATE NOCASE"
    " AND NOT (testname IS 'bogustest' AND item_path IS 'nowherepath')"
)
_CHILD_SUMS = "count(*), max({last_update}), sum(coalesce({last_update}, 0) = 0)"
_STEP_SUMS = _CHILD_SUMS + ", sum({event_time} & 4294967295), max({event_time})"


@dataclass(frozen=True, slots=True)
class Totals:
    """Sums over the tests, steps and data of one run."""

    tests: tuple[object, ...] = (0,)
    steps: tuple[object, ...] = (0,)
    data: tuple[object, ...] = (0,)

    @property
    def live(self) -> int:
        """Tests that are not deleted, and no placeholders."""
        return rows.integer(self.tests[1]) or 0 if len(self.tests) > 1 else 0

    @property
    def untimed(self) -> bool:
        """Whether a row has no last_update: then a change of it leaves no trace."""
        return any(
            bool(sums[index])
            for sums, index in ((self.tests, 3), (self.steps, 2), (self.data, 2))
            if len(sums) > index
        )

    def newest_update(self) -> int:
        """The largest last_update of all its rows."""
        found = [
            rows.time(sums[index])
            for sums, index in ((self.tests, 2), (self.steps, 1), (self.data, 1))
            if len(sums) > index
        ]
        return max((when for when in found if when is not None), default=0)

    def activity_time(self) -> int:
        """When anything last happened to its tests and steps."""
        found = [self.newest_update()]
        found += [rows.time(self.tests[7]) or 0] if len(self.tests) > 7 else []
        found += [rows.time(self.steps[4]) or 0] if len(self.steps) > 4 else []
        return max(found)


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
        counted = _TESTS_SUMS.replace("{live}", _LIVE)
        self._queries = [
            f"SELECT run_id, {_sql(counted, 't', columns['tests'])} FROM tests AS t"
            " WHERE run_id BETWEEN ? AND ? GROUP BY run_id"
        ]
        for table, sums in (("test_steps", _STEP_SUMS), ("test_data", _CHILD_SUMS)):
            self._queries.append(
                # CROSS JOIN is SQLite's way to say: tests first, their children by index.
                f"SELECT run_id, {_sql(sums, 'c', columns[table])} FROM tests AS t"
                f" CROSS JOIN {table} AS c ON c.test_id = t.id"
                " WHERE t.run_id BETWEEN ? AND ? GROUP BY t.run_id"
                if columns[table]
                else ""
            )

    def of_runs(self, first: int, last: int) -> Mapping[int, Totals]:
        """The sums of all runs from one rowid to another; runs without tests have none."""
        found: list[dict[int, tuple[object, ...]]] = []
        for query in self._queries:
            rows_found = self._connection.execute(query, (first, last)).fetchall() if query else []
            found.append({row[0]: tuple(row[1:]) for row in rows_found})
        tests, steps, data = found
        totals: defaultdict[int, Totals] = defaultdict(Totals)
        for run_id, sums in tests.items():
            totals[run_id] = Totals(sums, steps.get(run_id, (0,)), data.get(run_id, (0,)))
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
