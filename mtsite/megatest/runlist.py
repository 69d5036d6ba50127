"""All runs as rows of a list, oldest first: each once, as `merge.py` chooses, without adding up.

Sums over the tests of every run are what a build compares; a list does without them, so 20,000 runs
in four databases are there in the time of reading their rows. A run's own row is made into a
`RunHead` when it is asked for.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from msgspec import Struct, field
from msgspec.structs import replace

from mtsite import notes
from mtsite.config import AreaConfig
from mtsite.errors import MtsiteError
from mtsite.megatest import rows
from mtsite.megatest.area import (
    COMPLETED_NAME,
    TMP,
    Area,
    check_database,
    message_of,
    open_area,
)
from mtsite.megatest.database import AreaConnection, reading
from mtsite.megatest.generation import expression
from mtsite.megatest.merge import Found, choose_copy, list_areas
from mtsite.megatest.reader import GONE, RunHead
from mtsite.model import RunKey, State, Status
from mtsite.urls import EMPTY_KEY_VALUE

_LIVE = (
    "EXISTS (SELECT 1 FROM tests AS t WHERE t.run_id = r.id"
    " AND coalesce(t.state, '') <> 'DELETED' COLLATE NOCASE"
    " AND NOT (t.testname IS 'bogustest' AND t.item_path IS 'nowherepath'))"
)

Name = tuple[str, tuple[str, ...], str]
"""(birth area, target, runname)."""

_Note = tuple[str, tuple[str, ...], str, str, int]


class _Source(NamedTuple):
    """One database: where it lies, and the rowids of MOVED rows that have tests again."""

    area: Area
    database: Path
    alive: frozenset[int]


class _Row(NamedTuple):
    """One run in one database: its row as SQLite gives it, and the note of its move.

    A note of a run that is gone from its rowid counts for nothing: then there is none.
    """

    when: int
    runname: str
    source: _Source
    values: tuple[object, ...]
    note: _Note | None


class RunList(Struct):
    """The runs of these areas; `problems` name what could not be read.

    `live_only` leaves completed-runs.db out. `only` are the areas whose runs are wanted, by birth
    or by where they lie; all are looked at nevertheless, for the notes of what was moved.
    """

    settings: tuple[AreaConfig, ...]
    environ: Mapping[str, str]
    live_only: bool = False
    only: frozenset[str] = frozenset()
    tmp: Path = TMP
    problems: list[str] = field(default_factory=list)

    def whole(self) -> Iterator[RunHead]:
        """All runs by event_time, with sums over their tests: how many, and the last activity."""
        self.problems.clear()
        listed = list_areas(self.settings, self.environ, tmp=self.tmp)
        self.problems += [f"area {one.name}: {one.error}" for one in listed if one.error]
        heads = [head for one in listed for head in one.heads if self._wanted(head)]
        return iter(sorted(heads, key=lambda head: (head.event_time or 0, head.key)))

    def __iter__(self) -> Iterator[RunHead]:
        """All runs by event_time; of the sums over their tests none is there."""
        self.problems.clear()
        groups: dict[Name, list[_Row]] = {}
        split: list[RunHead] = []
        names = {alias: one.name for one in self.settings for alias in one.aliases}
        for settings in self.settings:
            try:
                area = open_area(settings, self.environ, tmp=self.tmp)
            except MtsiteError as error:
                self._failed(settings.name, error)
                continue
            if area.layout.main is not None:
                split += self._split(settings)
            else:
                self._add(area, names, groups)
        chosen: list[tuple[int, Name, _Row | RunHead]] = [
            (head.event_time or 0, (head.key.area, head.key.target, head.key.runname), head)
            for head in split
        ]
        for name, copies in groups.items():
            one = copies[0] if len(copies) == 1 else _choose(name, copies)
            chosen.append((one.when if isinstance(one, _Row) else one.event_time or 0, name, one))
        chosen.sort(key=lambda each: each[:2])
        for _, name, one in chosen:
            head = one if isinstance(one, RunHead) else _head(name, one)
            if self._wanted(head):
                yield head

    def keys(self) -> tuple[str, ...]:
        """The names of the key columns of all areas that can be opened."""
        names: dict[str, None] = {}
        for settings in self.settings:
            try:
                area = open_area(settings, self.environ, tmp=self.tmp)
            except MtsiteError:
                continue
            names |= dict.fromkeys(area.fields)
        return tuple(names)

    def _wanted(self, head: RunHead) -> bool:
        if self.live_only and head.database.name == COMPLETED_NAME:
            return False
        return not self.only or head.key.area in self.only or head.home in self.only

    def _split(self, settings: AreaConfig) -> list[RunHead]:
        (listing,) = list_areas([settings], self.environ, tmp=self.tmp)
        if listing.error:
            self.problems.append(f"area {listing.name}: {listing.error}")
        return list(listing.heads)

    def _add(self, area: Area, names: Mapping[str, str], groups: dict[Name, list[_Row]]) -> None:
        completed = None if self.live_only else area.layout.completed
        for database in filter(None, (area.layout.live, completed)):
            try:
                with reading(database) as connection:
                    check_database(connection)
                    found = _rows(connection, area, database)
            except MtsiteError as error:
                self._failed(area.name, error)
                continue
            shared: dict[tuple[object, ...], tuple[str, ...]] = {}
            for row in found:
                groups.setdefault(_name(row, names, shared), []).append(row)

    def _failed(self, area: str, error: MtsiteError) -> None:
        message = message_of(error)
        self.problems.append(f"area {area}: {message.removeprefix(f'area {area}: ')}")


def _rows(connection: AreaConnection, area: Area, database: Path) -> list[_Row]:
    present = connection.columns("runs")
    listed = ", ".join(
        expression("runs", name, present) for name in (*rows.RUN_COLUMNS, *area.fields)
    )
    born = notes.births(connection)
    # Most of what is read is never shown, or only later: it is decoded when it is.
    connection.text_factory = bytes
    found = connection.execute(
        f"SELECT {listed} FROM runs WHERE typeof(id) = 'integer' ORDER BY id"
    ).fetchall()
    moved = connection.execute(
        f"SELECT id FROM runs AS r WHERE state = 'MOVED' COLLATE NOCASE AND {_LIVE}"
    ).fetchall()
    source = _Source(area, database, frozenset(row[0] for row in moved))
    at = rows.RUN_COLUMNS.index("event_time")
    made = []
    for row in found:
        runname, note = rows.text(row[1]), born.get(row[0])
        if note is not None and note[2] != runname:
            note = None
        made.append(_Row(rows.time(row[at]) or 0, runname, source, row, note))
    return made


def _name(
    row: _Row, names: Mapping[str, str], shared: dict[tuple[object, ...], tuple[str, ...]]
) -> Name:
    """The birth name; `shared` are the few targets that all runs of a database have."""
    stored, area = row.values[_KEYS_FROM:], row.source.area.name
    if row.note is not None:
        area, stored = names.get(row.note[0], row.note[0]), row.note[1]
    target = shared.get(stored)
    if target is None:
        target = shared[stored] = tuple(rows.text(v) or EMPTY_KEY_VALUE for v in stored)
    return area, target, row.runname


_KEYS_FROM = len(rows.RUN_COLUMNS)
_STATE = rows.RUN_COLUMNS.index("state")


def _choose(name: Name, copies: list[_Row]) -> _Row | RunHead:
    """The copy that counts. By far the most: one at home, or its mark, and one that was moved."""
    if len(copies) == 2:
        home, away = copies if copies[0].note is None else copies[::-1]
        if home.note is None and away.note is not None:
            marked = rows.text(home.values[_STATE]).upper() == "MOVED"
            again = marked and home.values[0] in home.source.alive
            same = home.when == away.when or marked
            if away.note[3] in notes.ARCHIVE_WINS and same and not again:
                return away
    return choose_copy([Found(_with_tests(_head(name, one)), _note(one)) for one in copies])[0]


def _with_tests(head: RunHead) -> RunHead:
    """With 1 for tests if it has any: a row without tests is no run of its own."""
    with reading(head.database) as connection:
        query = f"SELECT {_LIVE} FROM runs AS r WHERE id = ?"
        found = connection.execute(query, (head.run_id,)).fetchone()
    return replace(head, tests=int(bool(found and found[0])))


def _note(row: _Row) -> notes.Note | None:
    if row.note is None:
        return None
    area, target, runname, state, started = row.note
    return notes.Note(0, area, target, runname, 0, state=state, started=started)


def _head(name: Name, row: _Row) -> RunHead:
    run_id, _, state, status, owner, _, comment, contour, _ = row.values[:_KEYS_FROM]
    area = row.source.area
    number = rows.integer(run_id) or 0
    shown, said = rows.text(state), rows.text(comment)
    moved = shown.upper() == "MOVED" and number not in row.source.alive
    return RunHead(
        key=RunKey(*name),
        database=row.source.database,
        run_id=number,
        home=area.name,
        keys=area.fields,
        state=State(shown),
        status=Status(rows.text(status)),
        owner=rows.text(owner),
        contour=rows.text(contour),
        comment=said,
        event_time=row.when or None,
        moved_to=(said or "moved") if moved else "",
        gone=GONE if rows.is_deleted(state) else "",
        rundirs=area.rundirs,
    )
