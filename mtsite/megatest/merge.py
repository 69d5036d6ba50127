"""Areas, satellites and completed-runs.db as one list of runs: each run once, under its birth name.

A run that was moved has rows in two databases for a while, and its note (`mtsite_moves`, on the
archive's side) says which copy counts: the source's until the note is 'letting go', the archive's
from then on. A run that began anew under a moved run's name is a run of its own; it is the one
that is shown, and the area's page says where the older one lies.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from mtsite import notes
from mtsite.config import AreaConfig
from mtsite.errors import AreaBusyError, MtsiteError
from mtsite.megatest.area import TMP, Area, check_database, message_of, open_area
from mtsite.megatest.database import DatabaseMark, mark, reading
from mtsite.megatest.reader import RunHead, list_runs
from mtsite.megatest.split import Looked, choose, look_at_split, shortened
from mtsite.model import RunKey
from mtsite.urls import EMPTY_KEY_VALUE


class AreaListing(Struct, frozen=True):
    """What one area holds: the runs whose rows lie there, wherever they were born.

    `problems` are for the area's page. `error` is '' or why the area, or one of its databases,
    could not be read: then `heads` are not all, and that a run is missing says nothing.
    """

    name: str
    area: Area | None = None
    heads: tuple[RunHead, ...] = ()
    marks: tuple[DatabaseMark, ...] = ()
    problems: tuple[str, ...] = ()
    error: str = ""


class Found(Struct, frozen=True):
    """A run in one database, and its note (None: it was born here)."""

    head: RunHead
    note: notes.Note | None


class AreaRuns(Struct, frozen=True):
    """What one area holds, before anything is known of the others; `listing` has no runs yet."""

    listing: AreaListing
    found: tuple[Found, ...] = ()


def list_areas(
    settings: Iterable[AreaConfig], environ: Mapping[str, str], *, tmp: Path = TMP
) -> list[AreaListing]:
    """List all areas in the order given. Whatever is wrong with one is said in its listing."""
    chosen = list(settings)
    return join(chosen, [look_at(one, environ, tmp=tmp) for one in chosen])


def look_at(settings: AreaConfig, environ: Mapping[str, str], *, tmp: Path = TMP) -> AreaRuns:
    """The runs of one area. Whatever is wrong with it is said in its listing."""
    try:
        area = open_area(settings, environ, tmp=tmp)
    except MtsiteError as error:
        return AreaRuns(AreaListing(settings.name, error=message_of(error)))
    looked = Looked(problems=list(area.problems))
    found = tuple(_without_unreadable(_look_at_all(area, looked), looked))
    listing = AreaListing(
        name=area.name,
        area=area,
        marks=tuple(looked.marks),
        problems=tuple(looked.problems),
        error="; ".join(looked.errors),
    )
    return AreaRuns(listing, found)


def join(settings: Sequence[AreaConfig], looked: Iterable[AreaRuns]) -> list[AreaListing]:
    """What these areas hold together: each run once, in the area whose database has its rows."""
    names = {alias: one.name for one in settings for alias in one.aliases}
    names |= {one.name: one.name for one in settings}
    listings: list[AreaListing] = []
    found: list[Found] = []
    for one, runs in zip(settings, looked, strict=True):
        listing, here = runs.listing, runs.found
        if any(listing.name == other.name for other in listings):
            error = f"{one.path}: another area is called {listing.name} too"
            listing, here = AreaListing(f"{listing.name} ({one.path})", error=error), ()
        listings.append(listing)
        found += [_renamed(each, names) for each in here]
    kept, problems = _each_once(found)
    heads: dict[str, list[RunHead]] = {}
    for head in kept:
        heads.setdefault(head.home, []).append(head)
    return [
        replace(
            listing,
            heads=tuple(sorted(heads.get(listing.name, ()), key=lambda head: head.key)),
            problems=(*listing.problems, *problems.get(listing.name, ())),
        )
        for listing in listings
    ]


def _look_at_all(area: Area, looked: Looked) -> list[Found]:
    """The runs of all databases of an area, those of main.db and its copy once."""
    layout = area.layout
    found: list[Found] = []
    if layout.live is not None:
        found = _look_at_whole(area, layout.live, looked)
    if layout.main is not None:
        found = _with_split(area, layout.main, looked, found)
    if layout.completed is not None:
        found += _look_at_whole(area, layout.completed, looked)
    return found


def _look_at_whole(area: Area, database: Path, looked: Looked) -> list[Found]:
    """The runs of a database that has all their rows, or why it can't be read."""
    try:
        # The mark first: what is committed while the runs are read makes the next look differ.
        seen = mark(database)
        with reading(database) as connection:
            check_database(connection)
            born = {note.run_id: note for note in notes.read(connection)}
            heads = list_runs(connection, area.name, area.fields, rundirs=area.rundirs)
            looked.problems += [connection.note] if connection.note else []
    except MtsiteError as error:
        looked.errors.append(message_of(error))
        return []
    looked.marks.append(seen)
    return [_with_birth(head, born.get(head.run_id)) for head in heads]


def _with_split(area: Area, main: Path, looked: Looked, copies: Sequence[Found]) -> list[Found]:
    """The runs of main.db and those of its copy, each once."""
    try:
        split = look_at_split(area, main)
    except AreaBusyError as error:
        # What is published is newer than the copy, perhaps: it stays until main.db is free.
        looked.errors.append(message_of(error))
        return []
    except MtsiteError as error:
        looked.errors.append(message_of(error))
        return list(copies)
    heads, problems = choose(
        split, [each.head for each in copies], copies_live=area.generation.name == "G4"
    )
    looked.marks += split.marks
    looked.problems += [*split.problems, *problems]
    looked.errors += split.errors
    return [Found(head, None) for head in heads]


def _without_unreadable(found: Iterable[Found], looked: Looked) -> Iterator[Found]:
    """The runs that can be read; the others are named, by database and reason."""
    lost: dict[tuple[Path, str], list[str]] = {}
    for each in found:
        head = each.head
        if not head.unreadable or head.gone:
            yield each
        else:
            name = "/".join([*head.key.target, head.key.runname])
            lost.setdefault((head.tests_in or head.database, head.unreadable), []).append(name)
    for (database, reason), names in lost.items():
        shown = ", ".join(shortened(names, "runs"))
        advice = f"see `sqlite3 {database} 'PRAGMA quick_check'`"
        looked.errors.append(f"{database}: {shown} can't be read: {reason} ({advice})")


def _with_birth(head: RunHead, note: notes.Note | None) -> Found:
    if note is None or note.birth_runname != head.key.runname:
        # A rowid that was handed out again: the note speaks of a run that is gone from here.
        return Found(head, None)
    target = tuple(value or EMPTY_KEY_VALUE for value in note.birth_target)
    return Found(replace(head, key=RunKey(note.birth_area, target, note.birth_runname)), note)


def _renamed(found: Found, names: Mapping[str, str]) -> Found:
    """An area's former name in a note is the area."""
    key = found.head.key
    name = names.get(key.area, key.area)
    if name == key.area:
        return found
    return replace(found, head=replace(found.head, key=replace(key, area=name)))


def _each_once(found: Sequence[Found]) -> tuple[list[RunHead], dict[str, list[str]]]:
    """One head per identity, and what to say on the pages of which area."""
    groups: dict[RunKey, list[Found]] = {}
    for each in found:
        groups.setdefault(each.head.key, []).append(each)
    kept: list[RunHead] = []
    problems: dict[str, list[str]] = {}
    for key, group in groups.items():
        winner, said = choose_copy(group)
        kept.append(winner)
        if said:
            where = "/".join([*key.target, key.runname])
            problems.setdefault(winner.home, []).append(f"{where}: {said}")
    return kept, problems


def choose_copy(group: Sequence[Found]) -> tuple[RunHead, str]:
    """The copy that counts, and what a reader should know of the others ('' = nothing)."""
    born_here = sorted((each.head for each in group if each.note is None), key=_freshness)
    taken = [each for each in group if each.note and each.note.state in notes.ARCHIVE_WINS]
    # A run that went on from one archive to the next has two notes: the later move counts.
    archived = max(taken, key=lambda each: each.note.started if each.note else 0, default=None)
    if archived is not None:
        if born_here and _is_another_birth(born_here[-1], archived.head):
            return born_here[-1], f"an older run of this name lies in {archived.head.database}"
        return archived.head, ""
    if len(born_here) > 1:
        return born_here[-1], f"stands {len(born_here)} times in the databases; the newest is shown"
    return born_here[-1] if born_here else group[0].head, ""


def _freshness(head: RunHead) -> tuple[bool, bool, int, int]:
    """Rows before none, then by event_time and rowid."""
    return not head.moved_to, not head.gone, head.event_time or 0, head.run_id


def _is_another_birth(here: RunHead, archived: RunHead) -> bool:
    """Whether the row at home is a new run: it has tests, and not the moved run's own."""
    if here.moved_to or here.gone or not here.tests:
        return False
    return here.state.upper() == "MOVED" or here.event_time != archived.event_time
