"""Rows → records: the runs of a database as heads, and one whole run.

A live database is read in short queries (`query.py`), so that a writer never waits for more than
one of them. What changed between the queries of one run is found by counts, newest `last_update`
and sums over its rows, before and after. The rows of a run may lie in two databases, its own row
in one and all below it in the other; steps and data may lie in the run directories.
"""

import hashlib
import sqlite3
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from msgspec import Struct, field
from msgspec.structs import replace

from mtsite.errors import MissingError
from mtsite.megatest import rows
from mtsite.megatest.attributes import (
    NOT_TOLD,
    Told,
    attribute_mark,
    list_attributes,
    read_told,
)
from mtsite.megatest.database import AreaConnection, is_damage, reading
from mtsite.megatest.query import Pace, select, version
from mtsite.megatest.testdat import RunDirs, own_rows_of
from mtsite.megatest.testrows import read_meta, read_tests
from mtsite.megatest.totals import Sums, Totals
from mtsite.model import Run, RunKey, State, Status, Test, TestMeta
from mtsite.urls import EMPTY_KEY_VALUE

READ_ATTEMPTS = 2
RACY_SECONDS = 2

GONE = "deleted in Megatest"


class RunHead(Struct, frozen=True):
    """A run as its row and the sums over its tests tell, without its tests.

    `key` is its birth identity, `home` the area whose database holds the rows now. `fingerprint`
    is equal as long as nothing of the run changed, in whichever database its rows lie and under
    whatever rowids; rows in run directories don't go into it. `newest_update` is the largest
    `last_update` of its tests, steps and data: a grain of one second. `activity_time` is when
    anything last happened to it, `rows` counts all below it, deleted ones too. `moved_to` is the
    text of a MOVED row that has no tests, `gone` says why there is nothing to read, `unreadable`
    why what there is can't be read; all three are '' for a run that is here. `attributes` says
    where those lie (None: not looked for).

    `database` has the run's row, `tests_in` its tests (None: the same); `rundirs` says where run
    directories with steps and data lie (None: those are where the tests are).
    """

    key: RunKey
    database: Path
    run_id: int
    home: str
    keys: tuple[str, ...]
    state: State
    status: Status
    owner: str
    contour: str
    comment: str
    event_time: int | None
    tests: int = 0
    fingerprint: str = ""
    newest_update: int = 0
    activity_time: int = 0
    moved_to: str = ""
    gone: str = ""
    rows: int = 0
    unreadable: str = ""
    tests_in: Path | None = None
    rundirs: RunDirs | None = None
    attributes: Told | None = None


class TestsOf(Struct, frozen=True):
    """The tests of one run where they lie outside the database of the run's row.

    `gone` and `unreadable` say why there are none, '' when there are.
    """

    __test__ = False

    totals: Totals = field(default_factory=Totals)
    database: Path | None = None
    gone: str = ""
    unreadable: str = ""


def list_runs(
    connection: AreaConnection,
    area_name: str,
    fields: Sequence[str],
    *,
    tests_of: Callable[[int], TestsOf] | None = None,
    rundirs: RunDirs | None = None,
) -> list[RunHead]:
    """Every run of a database by rowid, deleted and moved ones too, named as it is named here.

    `tests_of` tells the tests of a run that lie in other databases; without it they lie here.
    """
    sums = Sums(connection) if tests_of is None else None
    pace = Pace(16, 2048)
    here = _Here(connection.path, area_name, tuple(fields), rundirs, list_attributes(connection))
    heads: list[RunHead] = []
    last = -1
    while True:
        where = f"id > ? AND typeof(id) = 'integer' ORDER BY id LIMIT {pace.start()}"
        found = select(connection, "runs", [*rows.RUN_COLUMNS, *fields], where, (last,))
        if not found:
            return heads
        last = rows.rowid(found[-1])
        if sums is not None:
            tests_of = tests_of_runs(sums, [rows.rowid(row) for row in found]).__getitem__
        assert tests_of is not None
        pace.stop()
        heads += [_head(row, tests_of(rows.rowid(row)), here) for row in found]


def read_run(connection: AreaConnection, head: RunHead) -> Run:
    """One run with all its tests, steps, data and test descriptions, as of one moment.

    A run that changes while it is read is read once more; if it changes again, what was read
    last comes back with `in_flight_read`.

    Raises:
        MissingError: its rows are not in this database any more.
    """
    with _tests_database(connection, head) as there:
        sums = Sums(there)
        own_rows = own_rows_of(head.rundirs, head.key) if head.rundirs is not None else None
        now = _versions(connection, there)
        before, row = sums.of_run(head.run_id), _run_row(connection, head)
        for _attempt in range(READ_ATTEMPTS):
            tests, unread, unsampled = read_tests(there, head.run_id, own_rows)
            meta = read_meta(connection, tests)
            earlier, now = now, _versions(connection, there)
            whole = _to_run(head, row, tests, meta)
            told, source = read_told(connection, head.run_id, head.attributes)
            run = replace(whole, attributes=told, ingested=source, unread=unread)
            run = replace(run, unsampled=unsampled)
            if now == earlier:
                return run
            after, fresh = sums.of_run(head.run_id), _run_row(connection, head)
            if (after, fresh) == (before, row) and not _is_racy(after):
                return run
            before, row = after, fresh
    return replace(run, in_flight_read=True)


def tests_of_runs(sums: Sums, ids: Sequence[int]) -> Mapping[int, TestsOf]:
    """The tests of these runs (ascending), where they lie; damage costs only its own runs."""
    try:
        totals = sums.of_runs(ids[0], ids[-1])
    except sqlite3.DatabaseError as error:
        if not is_damage(error):
            raise
        return {run_id: _tests_or_damage(sums, run_id) for run_id in ids}
    return {run_id: TestsOf(totals[run_id]) for run_id in ids}


def is_as_listed(connection: AreaConnection, head: RunHead) -> bool:
    """Whether a run still has the fingerprint that it was listed with.

    Raises:
        MissingError: its rows are not in this database any more.
    """
    with _tests_database(connection, head) as there:
        totals = Sums(there).of_run(head.run_id)
    mark = attribute_mark(connection, head.run_id, head.attributes)
    return _fingerprint(_run_row(connection, head), totals, mark) == head.fingerprint


@contextmanager
def _tests_database(connection: AreaConnection, head: RunHead) -> Iterator[AreaConnection]:
    """The database with the tests of a run: the one with its row, or another."""
    if head.tests_in is None or head.tests_in == connection.path:
        yield connection
        return
    with reading(head.tests_in) as other:
        yield other


def _tests_or_damage(sums: Sums, run_id: int) -> TestsOf:
    try:
        return TestsOf(sums.of_run(run_id))
    except sqlite3.DatabaseError as error:
        if not is_damage(error):
            raise
        return TestsOf(unreadable=str(error))


class _Here(Struct, frozen=True):
    """Where rows are read: what all heads of a database share."""

    database: Path
    area: str
    fields: tuple[str, ...]
    rundirs: RunDirs | None
    told: Mapping[int, Told]


def _head(row: rows.Row, tests: TestsOf, here: _Here) -> RunHead:
    target = tuple(rows.text(row[name]) or EMPTY_KEY_VALUE for name in here.fields)
    state, comment = rows.text(row["state"]), rows.text(row["comment"])
    event_time = rows.time(row["event_time"])
    totals = tests.totals
    moved = state.upper() == "MOVED" and not totals.tests.live and not tests.unreadable
    told = here.told.get(rows.rowid(row), NOT_TOLD)
    own_times = (event_time or 0, rows.time(row["last_update"]) or 0)
    return RunHead(
        key=RunKey(here.area, target, rows.text(row["runname"])),
        database=here.database,
        run_id=rows.rowid(row),
        home=here.area,
        keys=here.fields,
        state=State(state),
        status=Status(rows.text(row["status"])),
        owner=rows.text(row["owner"]),
        contour=rows.text(row["contour"]),
        comment=comment,
        event_time=event_time,
        tests=totals.tests.live,
        fingerprint=_fingerprint(row, totals, told[0]),
        newest_update=totals.newest_update(),
        activity_time=max(totals.activity_time(), *own_times),
        moved_to=(comment or "moved") if moved else "",
        gone=GONE if rows.is_deleted(state) else "" if moved else tests.gone,
        rows=totals.rows,
        unreadable=tests.unreadable,
        tests_in=tests.database,
        rundirs=here.rundirs,
        attributes=told,
    )


def _fingerprint(row: rows.Row, totals: Totals, mark: int) -> str:
    """All that a page could show of the run row, and the sums; no rowid, no last_update of the row.

    `mark` is that of its attributes, 0 without any.

    Marking a run and taking the mark back again bumps the row's last_update, nothing else.
    """
    own = [row[name] for name in rows.RUN_COLUMNS if name not in {"id", "last_update"}]
    whole = repr((own, *totals, mark) if mark else (own, *totals))
    return hashlib.sha256(whole.encode()).hexdigest()[:32]


def _run_row(connection: AreaConnection, head: RunHead) -> rows.Row:
    found = select(connection, "runs", [*rows.RUN_COLUMNS, *head.keys], "id = ?", (head.run_id,))
    if not found or rows.text(found[0]["runname"]) != head.key.runname:
        run = "/".join([*head.key.target, head.key.runname])
        raise MissingError(f"{run} is not in {head.database} any more", "list the runs again")
    return {name: value for name, value in found[0].items() if name != "last_update"}


def _to_run(
    head: RunHead, row: rows.Row, tests: tuple[Test, ...], meta: Mapping[str, TestMeta]
) -> Run:
    return Run(
        key=head.key,
        keys=head.keys,
        state=State(rows.text(row["state"])),
        status=Status(rows.text(row["status"])),
        owner=rows.text(row["owner"]),
        contour=rows.text(row["contour"]),
        comment=rows.text(row["comment"]),
        event_time=rows.time(row["event_time"]),
        tests=tests,
        meta=meta,
    )


def _versions(connection: AreaConnection, there: AreaConnection) -> tuple[int, int]:
    return version(connection), version(there)


def _is_racy(sums: Totals) -> bool:
    """Whether a second change within the grain of last_update could hide behind the first."""
    return sums.newest_update() >= time.time() - RACY_SECONDS
