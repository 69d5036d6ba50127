"""A digest over all rows of a run, by natural keys: the same wherever the run lies.

Rowids do not enter it: a row of a test is named by testname and item path. Which columns are
covered is written into the note, so a column that is added later changes no digest, and one that
is missing later counts as NULL.
"""

import base64
import hashlib
import zlib
from collections.abc import Mapping, Sequence
from operator import itemgetter
from typing import NamedTuple

from mtsite.megatest.shape import RUN, TESTS, Row, Shapes, TableShape
from mtsite.megatest.transfer import RunRows

Columns = Mapping[str, Sequence[str]]
"""Table → the columns that a digest covers, in alphabetical order."""


def covered_columns(run: RunRows, shapes: Shapes) -> dict[str, list[str]]:
    """For each table of the run the columns that it has now."""
    return {table: sorted(shapes[table].columns) for table in sorted(run.rows)}


def digest_run(run: RunRows, shapes: Shapes, columns: Columns) -> str:
    """64 hex over every row; `run` must be numbered as at its birth, as far as blocks go."""
    names = _names(run, shapes)
    whole = hashlib.sha256()
    for table, covered in sorted(columns.items()):
        rows = run.rows.get(table, ())
        lines = _lines(rows, shapes[table], covered, names) if rows else []
        whole.update(ascii((table, tuple(covered), len(lines))).encode())
        lines.sort()
        whole.update("\n".join(lines).encode())
    return whole.hexdigest()


class Marks(NamedTuple):
    """Where to look when a digest does not hold any more: a checksum per table, and per test.

    `tests` has 2 bytes for each test in the order of their names, as base64: it points at the test
    that has changed and proves nothing by itself.
    """

    tables: Mapping[str, str] = {}
    tests: str = ""


NO_MARKS = Marks()


def digest_and_marks(run: RunRows, shapes: Shapes, columns: Columns) -> tuple[str, Marks]:
    """As `digest_run`, with the marks that go with it."""
    names = _names(run, shapes)
    whole = hashlib.sha256()
    tables: dict[str, str] = {}
    marks = dict.fromkeys(names.values(), 0)
    for table, covered in sorted(columns.items()):
        rows, shape = run.rows.get(table, ()), shapes[table]
        lines = _lines(rows, shape, covered, names)
        place = _test_place(shape)
        if place is not None:
            for row, line in zip(rows, lines, strict=True):
                name = names.get(row[place])
                if name is not None:
                    marks[name] ^= zlib.crc32(line.encode())
        whole.update(ascii((table, tuple(covered), len(lines))).encode())
        lines.sort()
        text = "\n".join(lines).encode()
        whole.update(text)
        tables[table] = f"{zlib.crc32(text):08x}"
    packed = b"".join((marks[name] & 0xFFFF).to_bytes(2, "big") for name in sorted(marks))
    return whole.hexdigest(), Marks(tables, base64.b64encode(packed).decode("ascii"))


def differing(
    run: RunRows, shapes: Shapes, before: Marks, after: Marks
) -> tuple[list[str], list[str]]:
    """Tables and tests (by name) whose marks differ; tests only while their number is the same."""
    tables = [name for name in before.tables if before.tables[name] != after.tables.get(name)]
    old, new = base64.b64decode(before.tests), base64.b64decode(after.tests)
    if len(old) != len(new):
        return tables, []
    names = sorted(_names(run, shapes).values())
    pairs = zip(names, range(0, len(new), 2), strict=True)
    return tables, [name for name, at in pairs if old[at : at + 2] != new[at : at + 2]]


def _names(run: RunRows, shapes: Shapes) -> dict[object, str]:
    tests = shapes[TESTS]
    name = itemgetter(tests.place("testname"), tests.place("item_path"))
    return {row[0]: ascii(name(row)) for row in run.rows.get(TESTS, ())}


def _test_place(shape: TableShape) -> int | None:
    """Where a row of this table names its test; None where it names none."""
    if shape.name == TESTS:
        return 0
    return next((shape.place(c) for c, table in shape.references.items() if table == TESTS), None)


def _lines(
    rows: Sequence[Row], shape: TableShape, covered: Sequence[str], names: Mapping[object, str]
) -> list[str]:
    named = {RUN, TESTS}
    known = {column: place for place, column in enumerate(shape.columns, 1)} | {shape.alias: 0}
    places = [known.get(c, len(known)) for c in covered if shape.references.get(c) not in named]
    if len(known) in places:
        rows = [(*row, *[None] * (len(known) + 1 - len(row))) for row in rows]
    test_places = [shape.place(c) for c, table in shape.references.items() if table == TESTS]
    # A slice takes nothing and one column as well as many; ascii() and not repr(): which
    # characters repr() escapes depends on Python's version.
    values = itemgetter(*places, slice(0, 0))
    if len(test_places) == 1:
        (test,) = test_places
        return [f"{names.get(row[test])}{values(row)!a}" for row in rows]
    return [f"{[names.get(row[p]) for p in test_places]}{values(row)!a}" for row in rows]
