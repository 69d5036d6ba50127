"""What a note says of the rows beside their digest: covered columns, and renumbered rowids."""

import functools
import json
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from mtsite import notes
from mtsite.errors import VerificationError
from mtsite.megatest.digest import NO_MARKS, Marks
from mtsite.megatest.incoming import Renumbered
from mtsite.notes import NO_LAYOUT, Note


class Layout(NamedTuple):
    """`columns` of each table that the digest covers; `renumbered` is table → rowid here → before.

    `renumbered` leads to the source of the last move, `birth` to where the run was born: the same
    unless it came by way of an archive that had renumbered it. The digest covers the numbers of
    the birth. `marks` point at what has changed when the digest does not hold any more.
    """

    columns: Mapping[str, Sequence[str]]
    renumbered: Renumbered
    birth: Renumbered
    marks: Marks = NO_MARKS


def write_layout(
    columns: Mapping[str, Sequence[str]],
    renumbered: Renumbered,
    birth: Renumbered,
    marks: Marks = NO_MARKS,
) -> str:
    """The text of a note's `layout`."""
    layout: dict[str, object] = {"columns": columns, "renumbered": _told(renumbered)}
    if birth != renumbered:
        layout["birth"] = _told(birth)
    if marks.tables:
        layout["marks"] = [marks.tables, marks.tests]
    return json.dumps(layout, sort_keys=True)


def numbers_at_birth(note: Note) -> Renumbered:
    """Rowid here → at birth, of a run that brought this note along; none for one without."""
    return read_layout(note).birth if note.layout != NO_LAYOUT else {}


def composed(later: Renumbered, earlier: Renumbered) -> Renumbered:
    """Two moves as one: rowid after the later → before the earlier, where they differ."""
    found: dict[str, dict[int, int]] = {}
    for table in sorted(later.keys() | earlier.keys()):
        new, old = later.get(table, {}), earlier.get(table, {})
        kept = {one: one for one in old.keys() - set(new.values())}
        ids = {here: old.get(between, between) for here, between in {**kept, **new}.items()}
        found[table] = {here: born for here, born in ids.items() if here != born}
    return {table: ids for table, ids in found.items() if ids}


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
    renumbered = _numbers(layout["renumbered"])
    birth = _numbers(layout["birth"]) if "birth" in layout else renumbered
    tables, tests = layout.get("marks", ({}, ""))
    return Layout(columns, renumbered, birth, Marks(dict(tables), str(tests)))


def _told(numbers: Renumbered) -> dict[str, dict[str, int]]:
    return {
        table: {str(new): old for new, old in sorted(ids.items())}
        for table, ids in sorted(numbers.items())
    }


def _numbers(told: Mapping[str, Mapping[str, int]]) -> Renumbered:
    return {table: {int(new): int(old) for new, old in ids.items()} for table, ids in told.items()}
