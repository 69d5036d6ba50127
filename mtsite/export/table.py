"""CSV (RFC 4180): one table, or one per kind of row; numbers stay as they are.

A spreadsheet takes a cell that begins with `=`, `+`, `-` or `@` for a formula, and whoever can run
a test can choose such a name: text of that kind gets an apostrophe before it, a number never does.
Control characters, which could steer a terminal, become U+FFFD; line breaks and tabs stay.
"""

import csv
import io
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TextIO

from mtsite.export.columns import (
    EVERYTHING,
    Columns,
    chosen,
    datum_values,
    step_values,
    test_values,
)
from mtsite.export.runs import ShownRun
from mtsite.model import Scalar

_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_CONTROLS = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
IDENTITY = ("area", "target", "runname")
TEST_IDENTITY = ("testname", "item_path")

Row = Mapping[str, Scalar]


def cell(value: Scalar) -> str:
    """A value as a cell; None is an empty one."""
    if value is None:
        return ""
    text = str(value)
    if not isinstance(value, str):
        return text
    readable = text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    readable = _CONTROLS.sub("\ufffd", readable)
    return f"'{readable}" if readable.startswith(_FORMULA) and not _is_number(text) else readable


def csv_line(values: Iterable[Scalar]) -> str:
    """One record, CR LF at its end."""
    line = io.StringIO()
    csv.writer(line).writerow([cell(value) for value in values])
    return line.getvalue()


def one_table(shown: ShownRun, columns: Columns) -> Iterator[Row]:
    """A run as rows of one table: one per run, test, step or datum, the finest that was chosen."""
    run = chosen(shown.values, columns.runs)
    if not (columns.tests or columns.steps or columns.data):
        yield run
        return
    for test, verdict in shown.tests():
        whole = {f"tests.{name}": value for name, value in test_values(test, verdict).items()}
        row = run | chosen(whole, [f"tests.{name}" for name in columns.tests])
        below = [
            *({f"steps.{n}": v for n, v in step_values(s).items()} for s in test.steps),
        ] * bool(columns.steps)
        below += [{f"data.{n}": v for n, v in datum_values(d).items()} for d in test.data] * bool(
            columns.data
        )
        for each in below or [{}]:
            yield row | chosen(each, [*_prefixed("steps", columns), *_prefixed("data", columns)])


def header(columns: Columns) -> list[str]:
    """The names of `one_table`'s columns."""
    return [
        *columns.runs,
        *(name for group in ("tests", "steps", "data") for name in _prefixed(group, columns)),
    ]


def _prefixed(group: str, columns: Columns) -> list[str]:
    return [f"{group}.{name}" for name in getattr(columns, group)]


class TableFiles:
    """runs.csv, tests.csv, steps.csv and data.csv in a directory; use as a context."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.written = 0
        self._stack = ExitStack()
        self._files: dict[str, TextIO] = {}

    def __enter__(self) -> "TableFiles":
        """Make the directory and the heads of all tables."""
        self.directory.mkdir(parents=True, exist_ok=True)
        heads: dict[str, Sequence[str]] = {
            "runs": EVERYTHING.runs,
            "tests": (*IDENTITY, *EVERYTHING.tests),
            "steps": (*IDENTITY, *TEST_IDENTITY, *EVERYTHING.steps),
            "data": (*IDENTITY, *TEST_IDENTITY, *EVERYTHING.data),
        }
        for kind, names in heads.items():
            path = self.directory / f"{kind}.csv"
            opened = path.open("w", encoding="utf-8", newline="")
            self._files[kind] = self._stack.enter_context(opened)
            self._files[kind].write(csv_line(names))
        return self

    def __exit__(self, *_: object) -> None:
        """Close the files."""
        self._stack.close()

    def add(self, shown: ShownRun) -> None:
        """Write all rows of a run."""
        self.written += 1
        run = [shown.values.get(name) for name in EVERYTHING.runs]
        self._files["runs"].write(csv_line(run))
        place = [shown.values[name] for name in IDENTITY]
        for test, verdict in shown.tests():
            values = test_values(test, verdict)
            self._files["tests"].write(csv_line([*place, *(values[n] for n in EVERYTHING.tests)]))
            here = [*place, *test.name]
            for step in test.steps:
                row = step_values(step)
                self._files["steps"].write(csv_line([*here, *(row[n] for n in EVERYTHING.steps)]))
            for datum in test.data:
                row = datum_values(datum)
                self._files["data"].write(csv_line([*here, *(row[n] for n in EVERYTHING.data)]))


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return "_" not in text and text.strip() == text
