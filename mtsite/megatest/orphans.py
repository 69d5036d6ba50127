"""Rows that name a run or a test which is not there."""

from collections.abc import Iterator

from mtsite.megatest.schema import quote
from mtsite.megatest.shape import RUN, TESTS
from mtsite.megatest.transfer import Store

_NAMED = {RUN: "run", TESTS: "test"}


def orphans(store: Store) -> Iterator[tuple[str, str, int]]:
    """(table, 'run' or 'test', number of rows) for each table that has such rows."""
    for shape in store.shapes.values():
        for column, refers_to in shape.references.items():
            if refers_to not in _NAMED or refers_to not in store.shapes or shape.name == refers_to:
                continue
            there = store.shapes[refers_to]
            exists = f"SELECT 1 FROM {quote(refers_to)} AS there WHERE there.{there.rowid}"
            (number,) = store.connection.execute(
                f"SELECT count(*) FROM {quote(shape.name)} AS one"
                f" WHERE one.{quote(column)} IS NOT NULL"
                f" AND NOT EXISTS ({exists} = one.{quote(column)})"
            ).fetchone()
            if number:
                yield shape.name, _NAMED[refers_to], int(number)
