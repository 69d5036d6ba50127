"""A digest over all rows of a run, by natural keys: the same wherever the run lies.

Rowids do not enter it: a row of a test is named by testname and item path. Of each table the
columns that hold anything are covered, so a column that is added later changes no digest.
"""

import hashlib
from collections.abc import Mapping, Sequence

from mtsite.megatest.shape import RUN, TESTS, Row, Shapes, TableShape
from mtsite.megatest.transfer import RunRows

Columns = Mapping[str, Sequence[str]]
"""Table → the columns that a digest covers, in alphabetical order."""


def covered_columns(run: RunRows, shapes: Shapes) -> dict[str, list[str]]:
    """For each table of the run the columns in which at least one row has a value."""
    found = {}
    for table, rows in sorted(run.rows.items()):
        places = [any(value is not None for value in column) for column in zip(*rows, strict=True)]
        filled = zip(shapes[table].columns, places[1:], strict=True)
        found[table] = sorted(column for column, is_filled in filled if is_filled)
    return found


def digest_run(run: RunRows, shapes: Shapes, columns: Columns) -> str:
    """64 hex over every row; `run` must be numbered as at its birth, as far as blocks go."""
    names = {row[0]: _name(row, shapes[TESTS]) for row in run.rows.get(TESTS, ())}
    whole = hashlib.sha256()
    for table, covered in sorted(columns.items()):
        lines = _lines(run.rows.get(table, ()), shapes[table], covered, names)
        whole.update(ascii((table, tuple(covered), len(lines))).encode())
        for line in sorted(lines):
            whole.update(line.encode())
            whole.update(b"\n")
    return whole.hexdigest()


def _lines(
    rows: Sequence[Row],
    shape: TableShape,
    covered: Sequence[str],
    names: Mapping[object, tuple[object, ...]],
) -> list[str]:
    named = {RUN, TESTS}
    places = [shape.place(c) for c in covered if shape.references.get(c) not in named]
    test_places = [shape.place(c) for c, table in shape.references.items() if table == TESTS]
    # ascii() and not repr(): which characters repr() escapes depends on Python's version.
    return [
        ascii([[names.get(row[p]) for p in test_places], [row[p] for p in places]]) for row in rows
    ]


def _name(row: Row, shape: TableShape) -> tuple[object, ...]:
    return (row[shape.place("testname")], row[shape.place("item_path")])
