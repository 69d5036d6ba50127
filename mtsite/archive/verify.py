"""The verb `archive verify`: what lies in an archive is whole, and is what its notes say it is.

    integrity     SQLite's own look at every page of every database
    references    no row names a run or a test that is not there
    digests       of every note, made anew from the rows, with the table and test that differ
    places        no run lies in two databases, no run of a note in none

Reads only. A move that was not finished is a notice: the command that began it finishes it.
"""

import os
import sqlite3
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from msgspec import Struct, field

from mtsite import notes
from mtsite.amounts import plural
from mtsite.archive.birth import run_name
from mtsite.archive.layout import read_layout
from mtsite.config import AreaConfig
from mtsite.errors import MtsiteError, VerificationError
from mtsite.megatest.area import COMPLETED_NAME, TMP
from mtsite.megatest.database import reading
from mtsite.megatest.digest import differing, digest_and_marks
from mtsite.megatest.incoming import read_back
from mtsite.megatest.merge import AreaRuns, Found, look_at
from mtsite.megatest.orphans import orphans
from mtsite.megatest.shape import RUN, Shapes, read_shapes
from mtsite.megatest.transfer import RunRows, Store
from mtsite.model import RunKey
from mtsite.notes import Note
from mtsite.urls import EMPTY_KEY_VALUE

MOST_NAMED = 5
_WAITING = frozenset({notes.COPIED, notes.VERIFIED, notes.LETTING_GO, notes.RESTORING})

Report = Callable[[str, int, int], None]


class Finding(Struct, frozen=True):
    """What is wrong: `check` is integrity, references, digest, places or note."""

    check: str
    where: str
    what: str


class Verification(Struct):
    """What was looked at in one area; `notices` are no trouble, but should be known."""

    area: str
    databases: list[str] = field(default_factory=list)
    runs: int = 0
    notes: int = 0
    problems: list[Finding] = field(default_factory=list)
    notices: list[Finding] = field(default_factory=list)


def verify_areas(
    areas: Mapping[str, AreaConfig],
    chosen: Iterable[str],
    report: Report,
    *,
    environ: Mapping[str, str] = os.environ,
    tmp: Path = TMP,
) -> Iterator[Verification]:
    """Look at the chosen areas of a site, one after the other; never raises for what it finds."""
    looked: dict[str, AreaRuns] = {}
    for done, (name, settings) in enumerate(areas.items(), start=1):
        report("listing runs", done, len(areas))
        looked[name] = look_at(settings, environ, tmp=tmp)
    copies = _by_name(found for runs in looked.values() for found in runs.found)
    for name in chosen:
        told = Verification(name)
        _verify_area(told, looked[name], copies.keys(), report)
        _verify_places(told, name, copies)
        yield told


def _verify_area(
    told: Verification, runs: AreaRuns, known: Collection[RunKey], report: Report
) -> None:
    told.runs = len(runs.found)
    area = runs.listing.area
    if runs.listing.error:
        told.problems.append(Finding("integrity", told.area, runs.listing.error))
    if area is None:
        return
    for path in area.databases:
        if not path.is_file():
            continue
        told.databases.append(str(path))
        try:
            with reading(path) as connection:
                store = Store(path, connection, read_shapes(connection))
                _verify_database(told, store, report)
                _verify_notes(told, store, known, report)
        except (MtsiteError, sqlite3.DatabaseError) as error:
            message = error.message if isinstance(error, MtsiteError) else str(error)
            told.problems.append(Finding("integrity", str(path), message))


def _verify_database(told: Verification, store: Store, report: Report) -> None:
    path, connection = store.path, store.connection
    report(f"integrity of {path.name}", 0, 0)
    for (line,) in connection.execute("PRAGMA integrity_check(20)").fetchall():
        if line != "ok":
            told.problems.append(Finding("integrity", str(path), str(line)))
    found = [
        Finding(
            "references",
            f"{path}: {table}",
            f"{plural(number, 'row names', 'rows name')} a {what} that is not there",
        )
        for table, what, number in orphans(store)
    ]
    # Megatest itself leaves such rows behind in a live database.
    (told.problems if path.name == COMPLETED_NAME else told.notices).extend(found)


def _verify_notes(
    told: Verification, store: Store, known: Collection[RunKey], report: Report
) -> None:
    found = notes.read(store.connection)
    told.notes += len(found)
    for done, note in enumerate(found, start=1):
        report(f"digests of {store.path.name}", done, len(found))
        _verify_note(told, store, note, known)


def _verify_note(told: Verification, store: Store, note: Note, known: Collection[RunKey]) -> None:
    where = f"{store.path}: {note.birth_area}/{run_name(note)}"
    if note.state in _WAITING:
        told.notices.append(Finding("note", where, f"its move is not finished: {note.state}"))
        if note.state == notes.RESTORING:
            return
    try:
        layout = read_layout(note)
        copy = read_back(store, note.run_id, layout.birth)
    except (VerificationError, sqlite3.DatabaseError) as error:
        told.problems.append(Finding("digest", where, f"can't be read: {error}"))
        return
    state = _state(copy, store.shapes, note)
    if state is None:
        target = tuple(value or EMPTY_KEY_VALUE for value in note.birth_target)
        if RunKey(note.birth_area, target, note.birth_runname) not in known:
            told.problems.append(Finding("places", where, "its rows are in no database"))
    if state is None or state.upper() == "MOVED":
        return
    digest, marks = digest_and_marks(copy, store.shapes, layout.columns)
    if digest != note.digest:
        tables, tests = differing(copy, store.shapes, layout.marks, marks)
        what = _difference(note, copy, tables, tests)
        told.problems.append(Finding("digest", where, what))


def _state(copy: RunRows, shapes: Shapes, note: Note) -> str | None:
    """The state of the run of a note; None when it is not here (its rowid may have another run)."""
    for row in copy.rows.get(RUN, ()):
        if row[shapes[RUN].place("runname")] == note.birth_runname:
            return str(row[shapes[RUN].place("state")])
    return None


def _difference(note: Note, copy: RunRows, tables: Sequence[str], tests: Sequence[str]) -> str:
    """What is not as the note says, as near as its marks can tell."""
    counts = [
        f"{plural(len(copy.rows.get(table, ())), 'row')} in {table}, not {number:,}"
        for table, number in note.counts.items()
        if len(copy.rows.get(table, ())) != number
    ]
    if not tables and not counts:
        return "the rows are not what was copied, or the note has changed"
    told = [f"not what was copied: {', '.join(tables)}"] if tables else []
    if tests:
        more = len(tests) - MOST_NAMED
        named = ", ".join(_test_name(name) for name in tests[:MOST_NAMED])
        told.append(f"of test {named}{f' and {more} more' if more > 0 else ''}")
    return "; ".join([*told, *counts])


def _test_name(name: str) -> str:
    """How a digest names a test, "('regress', 'fast')", as people write it."""
    return name.strip("()").replace("', '", "/").strip("'").removesuffix("/")


def _by_name(found: Iterable[Found]) -> dict[RunKey, list[Found]]:
    copies: dict[RunKey, list[Found]] = {}
    for each in found:
        copies.setdefault(each.head.key, []).append(each)
    return copies


def _verify_places(told: Verification, name: str, copies: Mapping[RunKey, Sequence[Found]]) -> None:
    """Runs of this area, by birth or by place, that lie whole in more than one database."""
    for key, some in sorted(copies.items()):
        here = [each for each in some if not (each.head.moved_to or each.head.gone)]
        homes = {each.head.home for each in here}
        if len(here) < 2 or name not in {key.area, *homes}:
            continue
        # A MOVED row that has tests again is a new run, with the event_time of the old one.
        births = {(each.head.event_time, each.head.state.upper() == "MOVED") for each in here}
        unfinished = any(each.note and each.note.state in _WAITING for each in here)
        places = ", ".join(sorted(str(each.head.database) for each in here))
        where = "/".join((key.area, *key.target, key.runname))
        if len(births) == len(here):
            what = f"several runs of this name, each counts: {places}"
            told.notices.append(Finding("places", where, what))
        elif not unfinished:
            told.problems.append(Finding("places", where, f"lies in two databases: {places}"))
