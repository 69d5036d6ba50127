"""A digest over all rows of a run, by natural keys: the same wherever the run lies.

Rowids do not enter it: a row of a test is named by testname and item path. Which columns are
covered is written into the note, so a column that is added later changes no digest, and one that
is missing later counts as NULL.
"""

import hashlib
from collections.abc import Mapping, Sequence
from operator import itemgetter

from mtsite.megatest.shape import RUN, TESTS, Row, Shapes, TableShape
from mtsite.megatest.transfer import RunRows

Columns = Mapping[str, Sequence[str]]
"""Table → the columns that a digest covers, in alphabetical order."""


def covered_columns(run: RunRows, shapes: Shapes) -> dict[str, list[str]]:
    """For each table of the run the columns that it has now."""
    return {table: sorted(shapes[table].columns) for table in sorted(run.rows)}


def digest_run(run: RunRows, shapes: Shapes, columns: Columns) -> str:
    """64 hex over every row; `run` must be numbered as at its birth, as far as blocks go."""
    tests = shapes[TESTS]
    name = itemgetter(tests.place("testname"), tests.place("item_path"))
    names = {row[0]: ascii(name(row)) for row in run.rows.get(TESTS, ())}
    whole = hashlib.sha256()
    for table, covered in sorted(columns.items()):
        lines = _lines(run.rows.get(table, ()), shapes[table], covered, names)
        whole.update(ascii((table, tuple(covered), len(lines))).encode())
        lines.sort()
        whole.update("\n".join(lines).encode())
    return whole.hexdigest()


def _lines(
    rows: Sequence[Row], shape: TableShape, covered: Sequence[str], names: Mapping[object, str]
) -> list[str]:
    named = {RUN, TESTS}
    known = {column: place for place, column in enumerate(shape.columns, 1)} | {shape.alias: 0}
    places = [known[c] for c in covered if shape.references.get(c) not in named]
    test_places = [shape.place(c) for c, table in shape.references.items() if table == TESTS]
    # A slice takes nothing and one column as well as many; ascii() and not repr(): which
    # characters repr() escapes depends on Python's version.
    values = itemgetter(*places, slice(0, 0))
    if len(test_places) == 1:
        (test,) = test_places
        return [f"{names.get(row[test])}{values(row)!a}" for row in rows]
    return [f"{[names.get(row[p]) for p in test_places]}{values(row)!a}" for row in rows]
