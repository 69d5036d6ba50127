"""A digest over all rows of a run, by natural keys: the same wherever the run lies.

Rowids do not enter it: a row of a test is named by testname and item path. Which columns are
covered is written into the note, so a column that is added later changes no digest, and one that
is missing later counts as NULL.
"""

import base64
import hashlib
import json
import zlib
from collections.abc import Iterable, Mapping, Sequence
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
    return digest_and_marks(run, shapes, columns)[0]


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
    return of_lines(lines_of(run, shapes, columns), columns, _names(run, shapes))


Lines = Mapping[str, Sequence[tuple[object, bytes]]]
"""Table → its rows as lines, each with the rowid of its test (None: it has none)."""


def lines_of(
    run: RunRows, shapes: Shapes, columns: Columns, tests: Sequence[Row] | None = None
) -> Lines:
    """The rows of a run as lines; `tests` are (rowid, testname, item path) if not in the run."""
    shape = shapes[TESTS]
    if tests is None:
        name = itemgetter(0, shape.place("testname"), shape.place("item_path"))
        tests = [name(row) for row in run.rows.get(TESTS, ())]
    named = {row[0]: row[1:] for row in tests}
    found: dict[str, list[tuple[object, bytes]]] = {}
    for table, covered in columns.items():
        rows = run.rows.get(table, ())
        if rows:
            place = _test_place(shapes[table])
            ids = [None if place is None else row[place] for row in rows]
            lines = _lines(rows, shapes[table], covered, named)
            found[table] = list(zip(ids, lines, strict=True))
    return found


def of_lines(lines: Lines, columns: Columns, names: Mapping[object, str]) -> tuple[str, Marks]:
    """Digest and marks of lines in any order; `names` are the tests by rowid."""
    whole = hashlib.sha256()
    tables: dict[str, str] = {}
    marks: dict[object, int] = dict.fromkeys(names, 0)
    crc32 = zlib.crc32
    for table, covered in sorted(columns.items()):
        pairs = lines.get(table, ())
        for test, line in pairs:
            if test in marks:
                marks[test] ^= crc32(line)
        ordered = sorted([line for _test, line in pairs])
        whole.update(ascii((table, tuple(covered), len(ordered))).encode())
        text = b"\n".join(ordered)
        whole.update(text)
        tables[table] = f"{crc32(text):08x}"
    by_name = sorted(marks, key=lambda test: names[test])
    packed = b"".join((marks[test] & 0xFFFF).to_bytes(2, "big") for test in by_name)
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


def test_name(testname: object, item_path: object) -> str:
    """A test in marks and messages."""
    return ascii((testname, item_path))


def _names(run: RunRows, shapes: Shapes) -> dict[object, str]:
    tests = shapes[TESTS]
    name = itemgetter(tests.place("testname"), tests.place("item_path"))
    return {row[0]: test_name(*name(row)) for row in run.rows.get(TESTS, ())}


def _test_place(shape: TableShape) -> int | None:
    """Where a row of this table names its test; None where it names none."""
    if shape.name == TESTS:
        return 0
    return next((shape.place(c) for c, table in shape.references.items() if table == TESTS), None)


def line_columns(shape: TableShape, covered: Sequence[str]) -> list[str]:
    """The columns whose values stand in the lines of a table: rowids of runs and tests do not."""
    return [c for c in covered if shape.refers_to(c) not in {RUN, TESTS}]


def line_of(values: Sequence[object]) -> bytes:
    """A row as one line: JSON, with NUL before what JSON has no exact form for.

    SQLite's own json_array writes the same bytes; `stored.py` rests on that.
    """
    return encoded_rows([values])[0]


def real_text(value: float) -> str:
    """A number with a point, to the last bit."""
    return f"\0{value.hex()}"


_BETWEEN = "\x1f"
"""Stands in no text of JSON as it is: between values it tells where one row ends."""

_encode = json.JSONEncoder(ensure_ascii=False, separators=(_BETWEEN, ":")).encode
_ODD = frozenset((float, bytes))


def encoded_rows(rows: Iterable[Sequence[object]]) -> list[bytes]:
    """The lines of many rows: to encode them at once takes half the time."""
    plain = [
        values
        if _ODD.isdisjoint(map(type, values))
        else [_plain(value) if type(value) in _ODD else value for value in values]
        for values in rows
    ]
    if not plain:
        return []
    text = _encode(plain)[1:-1].replace(f"]{_BETWEEN}[", "]\n[").replace(_BETWEEN, ",")
    return text.encode("utf-8", "surrogateescape").split(b"\n")


def _plain(value: object) -> object:
    if isinstance(value, float):
        return real_text(value)
    return f"\0b{value.hex()}" if isinstance(value, bytes) else value


def _lines(
    rows: Sequence[Row], shape: TableShape, covered: Sequence[str], tests: Mapping[object, Row]
) -> list[bytes]:
    known = {c.lower(): place for place, c in enumerate(shape.columns, 1)} | {
        shape.alias.lower(): 0
    }
    places = [known.get(c.lower(), len(known)) for c in line_columns(shape, covered)]
    if len(known) in places:
        rows = [(*row, *[None] * (len(known) + 1 - len(row))) for row in rows]
    test_places = [shape.place(c) for c, table in shape.references.items() if table == TESTS]
    values = itemgetter(*places, 0, 0)
    return encoded_rows(
        [part for p in test_places for part in tests.get(row[p], _NO_TEST)] + list(values(row)[:-2])
        for row in rows
    )


_NO_TEST: Row = (None, None)
