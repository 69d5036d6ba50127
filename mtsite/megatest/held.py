"""Letting rows go that equal what is held in memory: for runs that leave for no other database.

`letgo.py` compares two databases; here the copy is a file that was exported and read back.
"""

from collections.abc import Mapping, Sequence

from msgspec import Struct

from mtsite.megatest.shape import RUN, TESTS, Row, Shapes, test_tables
from mtsite.megatest.transfer import (
    RunRows,
    Store,
    delete_rows,
    immediate,
    read_run_level,
    read_run_row,
    rows_of_tests,
    test_ids_of,
)

TESTS_AT_ONCE = 100
"""Tests that are let go in one short transaction, with all their rows."""


class Held(Struct, frozen=True):
    """A verified copy as sets, in the numbering of the source: what may be let go."""

    run_id: int
    rows: Mapping[str, frozenset[Row]]

    @classmethod
    def of(cls, copy: RunRows) -> "Held":
        """The copy, numbered as in the source."""
        return cls(copy.run_id, {table: frozenset(rows) for table, rows in copy.rows.items()})

    def has_all(self, rows: Mapping[str, Sequence[Row]]) -> bool:
        """Whether each of these rows is in the copy, column for column."""
        return all(self.rows.get(t, frozenset()).issuperset(some) for t, some in rows.items())


def let_go_run_level(store: Store, wanted: Shapes, held: Held) -> None:
    """Delete the rows that name the run itself, in one short transaction."""
    with immediate(store.connection):
        if _run_is_held(store, wanted, held):
            found = read_run_level(store, wanted, held.run_id)
            for table, rows in found.items():
                copied = held.rows.get(table, frozenset())
                delete_rows(store, table, [row[0] for row in rows if row in copied])


def let_go_tests(store: Store, wanted: Shapes, held: Held, test_ids: Sequence[int]) -> None:
    """Delete these tests with all their rows in one short transaction, each whole or not at all."""
    with immediate(store.connection):
        if not _run_is_held(store, wanted, held):
            return
        doomed: dict[str, list[object]] = {}
        found = _read_tests(store, wanted, test_ids)
        for rows in _by_test(found, wanted).values():
            if held.has_all(rows):
                for table, some in rows.items():
                    doomed.setdefault(table, []).extend(row[0] for row in some)
        for table in sorted(doomed, key=lambda name: name == TESTS):
            delete_rows(store, table, doomed[table])


def left_over(store: Store, wanted: Shapes, run_id: int) -> dict[str, int]:
    """What still names the run here, as rows per table."""
    counts = {table: len(rows) for table, rows in read_run_level(store, wanted, run_id).items()}
    counts[TESTS] = len(test_ids_of(store, run_id))
    return {table: number for table, number in counts.items() if number}


def _read_tests(store: Store, wanted: Shapes, test_ids: Sequence[int]) -> dict[str, list[Row]]:
    """These tests with their steps, data and all else that names them, by table."""
    return {
        one.name: rows_of_tests(store, wanted[one.name], test_ids)
        for one in (store.shapes[TESTS], *test_tables(store.shapes))
        if one.name in wanted
    }


def _run_is_held(store: Store, wanted: Shapes, held: Held) -> bool:
    return read_run_row(store, wanted, held.run_id) == list(held.rows[RUN])


def _by_test(
    found: Mapping[str, Sequence[Row]], wanted: Shapes
) -> dict[object, dict[str, list[Row]]]:
    """test id → table → its rows; rows whose test is gone are nobody's."""
    tests: dict[object, dict[str, list[Row]]] = {row[0]: {TESTS: [row]} for row in found[TESTS]}
    for table, rows in found.items():
        if table == TESTS:
            continue
        place = wanted[table].place(wanted[table].column_for(TESTS))
        for row in rows:
            if row[place] in tests:
                tests[row[place]].setdefault(table, []).append(row)
    return tests
