"""What a note says of the rows beside their digest: covered columns, and renumbered rowids."""

import functools
import json
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from mtsite import notes
from mtsite.errors import VerificationError
from mtsite.megatest.digest import NO_MARKS, Marks
from mtsite.notes import Note


class Layout(NamedTuple):
    """`columns` of each table that the digest covers; `renumbered` is table → rowid here → before.

    What stands in `renumbered` for runs and tests are rowids at the source of the last move.
    `marks` point at what has changed when the digest does not hold any more.
    """

    columns: Mapping[str, Sequence[str]]
    renumbered: Mapping[str, Mapping[int, int]]
    marks: Marks = NO_MARKS


def write_layout(
    columns: Mapping[str, Sequence[str]],
    renumbered: Mapping[str, Mapping[int, int]],
    marks: Marks = NO_MARKS,
) -> str:
    """The text of a note's `layout`."""
    ids = {
        table: {str(new): old for new, old in sorted(one.items())}
        for table, one in sorted(renumbered.items())
    }
    layout: dict[str, object] = {"columns": columns, "renumbered": ids}
    if marks.tables:
        layout["marks"] = [marks.tables, marks.tests]
    return json.dumps(layout, sort_keys=True)


def read_layout(note: Note) -> Layout:
    """Covered columns and renumbered rowids of a note.

    Raises:
        VerificationError: not what mtsite writes.
    """
    try:
        return _parse(note.layout)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        message = f"note {note.id} in {notes.TABLE} has no layout that can be read: {error}"
        raise VerificationError(message, "see `mtsite archive verify`") from error


@functools.lru_cache(maxsize=64)
def _parse(text: str) -> Layout:
    layout = json.loads(text)
    columns = {table: tuple(names) for table, names in layout["columns"].items()}
    renumbered = {
        table: {int(new): int(old) for new, old in ids.items()}
        for table, ids in layout["renumbered"].items()
    }
    tables, tests = layout.get("marks", ({}, ""))
    return Layout(columns, renumbered, Marks(dict(tables), str(tests)))
