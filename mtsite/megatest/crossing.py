"""Rows that name one run, and a test of another: with neither of the two can they go alone."""

from mtsite.megatest.schema import quote
from mtsite.megatest.shape import RUN, TESTS, run_tables
from mtsite.megatest.transfer import Store


def crossing(store: Store, run_id: int) -> str:
    """Which rows tie this run to another one that is there as well, in words; '' when none do."""
    runs, tests = store.shapes[RUN], store.shapes[TESTS]
    found = []
    for shape in run_tables(store.shapes):
        if TESTS not in shape.references.values():
            continue
        of_run, of_test = (f"s.{quote(shape.column_for(table))}" for table in (RUN, TESTS))
        sql = (
            f"SELECT count(*) FROM {quote(shape.name)} AS s"
            f" JOIN tests AS t ON t.{tests.rowid} = {of_test}"
            f" JOIN runs AS r ON r.{runs.rowid} = {of_run}"
            f" WHERE t.run_id <> {of_run} AND ? IN (t.run_id, {of_run})"
        )
        (number,) = store.connection.execute(sql, (run_id,)).fetchone()
        if number:
            found.append(f"{number} of {shape.name}")
    told = ", ".join(found)
    return f"rows name this run and a test of another: {told} in {store.path}" if told else ""
