"""CSV (RFC 4180): one table, or one per kind of row; numbers stay as they are."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TextIO

from mtsite import csvtext
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

IDENTITY = ("area", "target", "runname")
TEST_IDENTITY = ("testname", "item_path")

Row = Mapping[str, Scalar]


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
            self._files[kind].write(csvtext.line(names))
        return self

    def __exit__(self, *_: object) -> None:
        """Close the files."""
        self._stack.close()

    def add(self, shown: ShownRun) -> None:
        """Write all rows of a run."""
        self.written += 1
        run = [shown.values.get(name) for name in EVERYTHING.runs]
        self._files["runs"].write(csvtext.line(run))
        place = [shown.values[name] for name in IDENTITY]
        for test, verdict in shown.tests():
            values = test_values(test, verdict)
            self._files["tests"].write(
                csvtext.line([*place, *(values[n] for n in EVERYTHING.tests)])
            )
            here = [*place, *test.name]
            for step in test.steps:
                row = step_values(step)
                self._files["steps"].write(
                    csvtext.line([*here, *(row[n] for n in EVERYTHING.steps)])
                )
            for datum in test.data:
                row = datum_values(datum)
                self._files["data"].write(csvtext.line([*here, *(row[n] for n in EVERYTHING.data)]))
