"""Rows → records: the runs of a database as heads, and one whole run.

A live database is read in short queries, each fetched whole before any work is done on it, so
that a writer never waits for more than one of them; the number of runs or tests in a query adapts
to `QUERY_SECONDS`. What changed between the queries of one run is found by counts, newest
`last_update` and sums over its rows, before and after.
"""

import hashlib
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from mtsite.errors import MissingError
from mtsite.megatest import rows, schema
from mtsite.megatest.database import AreaConnection
from mtsite.megatest.totals import Sums, Totals
from mtsite.model import Run, RunKey, State, Status, Step, Test, TestDatum, TestMeta
from mtsite.urls import EMPTY_KEY_VALUE

QUERY_SECONDS = 0.05
READ_ATTEMPTS = 2
RACY_SECONDS = 2

GONE = "deleted in Megatest"

_RUN_COLUMNS = "id runname state status owner event_time comment contour last_update".split()
_TEST_COLUMNS = (
    "id testname item_path state status host uname cpuload diskfree rundir shortdir final_logf"
    " run_duration comment event_time attemptnum archived".split()
)
_STEP_COLUMNS = "id test_id stepname state status event_time comment logfile".split()
_DATUM_COLUMNS = "id test_id category variable value expected tol units comment status type".split()
_META_COLUMNS = "testname author owner description reviewed tags jobgroup".split()


@dataclass(frozen=True, slots=True)
class RunHead:
    """A run as its row and the sums over its tests tell, without its tests.

    `key` is its birth identity, `home` the area whose database holds the rows now. `fingerprint`
    is equal as long as nothing of the run changed, in whichever database its rows lie and under
    whatever rowids; '' says that this database can't tell: always read it. `newest_update` is the
    largest `last_update` of its tests, steps and data: a grain of one second. `activity_time` is
    when anything last happened to it. `moved_to` is the text of a MOVED row that has no tests,
    `gone` says why there is nothing to read; both are '' for a run that is here.
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


class Pace:
    """How many runs or tests the next query may take, so that it lasts about `QUERY_SECONDS`."""

    def __init__(self, size: int, most: int, clock: Callable[[], float] = time.monotonic) -> None:
        self.size = size
        self._most = most
        self._clock = clock
        self._started = clock()

    def start(self) -> int:
        """The clock starts; the size of the next query."""
        self._started = self._clock()
        return self.size

    def stop(self) -> None:
        """The rows are fetched: the next query grows or shrinks."""
        seconds = self._clock() - self._started
        if seconds > QUERY_SECONDS:
            self.size = max(1, self.size // 2)
        elif seconds < QUERY_SECONDS / 3:
            self.size = min(self._most, self.size * 2)


def list_runs(connection: AreaConnection, area_name: str, fields: Sequence[str]) -> list[RunHead]:
    """Every run of a database by rowid, deleted and moved ones too, named as it is named here."""
    sums = Sums(connection)
    pace = Pace(16, 2048)
    here = _Here(connection.path, area_name, tuple(fields))
    heads: list[RunHead] = []
    last = -1
    while True:
        where = f"id > ? AND typeof(id) = 'integer' ORDER BY id LIMIT {pace.start()}"
        found = _select(connection, "runs", [*_RUN_COLUMNS, *fields], where, (last,))
        if not found:
            return heads
        last = _id(found[-1])
        totals = sums.of_runs(_id(found[0]), last)
        pace.stop()
        heads += [_head(row, totals[_id(row)], here, sums) for row in found]


def read_run(connection: AreaConnection, head: RunHead) -> Run:
    """One run with all its tests, steps, data and test descriptions, as of one moment.

    A run that changes while it is read is read once more; if it changes again, what was read
    last comes back with `in_flight_read`.

    Raises:
        MissingError: its rows are not in this database any more.
    """
    sums = Sums(connection)
    version, before, row = (
        _version(connection),
        sums.of_run(head.run_id),
        _run_row(connection, head),
    )
    for _attempt in range(READ_ATTEMPTS):
        tests = _read_tests(connection, head.run_id)
        meta = _read_meta(connection, tests)
        now = _version(connection)
        if now == version:
            return _to_run(head, row, tests, meta)
        after, fresh = sums.of_run(head.run_id), _run_row(connection, head)
        if (after, fresh) == (before, row) and not _is_racy(after):
            return _to_run(head, row, tests, meta)
        version, before, row = now, after, fresh
    return _to_run(head, row, tests, meta, in_flight=True)


def is_as_listed(connection: AreaConnection, head: RunHead) -> bool:
    """Whether a run still has the fingerprint that it was listed with; True if none can tell.

    Raises:
        MissingError: its rows are not in this database any more.
    """
    if not head.fingerprint:
        return True
    totals = Sums(connection).of_run(head.run_id)
    return _fingerprint(_run_row(connection, head), totals) == head.fingerprint


@dataclass(frozen=True, slots=True)
class _Here:
    """Where rows are read: what all heads of a database share."""

    database: Path
    area: str
    fields: tuple[str, ...]


def _head(row: rows.Row, totals: Totals, here: _Here, sums: Sums) -> RunHead:
    target = tuple(rows.text(row[name]) or EMPTY_KEY_VALUE for name in here.fields)
    state, comment = rows.text(row["state"]), rows.text(row["comment"])
    event_time = rows.time(row["event_time"])
    moved = state.upper() == "MOVED" and not totals.tests.live
    own_times = (event_time or 0, rows.time(row["last_update"]) or 0)
    return RunHead(
        key=RunKey(here.area, target, rows.text(row["runname"])),
        database=here.database,
        run_id=_id(row),
        home=here.area,
        keys=here.fields,
        state=State(state),
        status=Status(rows.text(row["status"])),
        owner=rows.text(row["owner"]),
        contour=rows.text(row["contour"]),
        comment=comment,
        event_time=event_time,
        tests=totals.tests.live,
        fingerprint=_fingerprint(row, totals) if sums.can_tell and not totals.untimed else "",
        newest_update=totals.newest_update(),
        activity_time=max(totals.activity_time(), *own_times),
        moved_to=(comment or "moved") if moved else "",
        gone=GONE if rows.is_deleted(state) else "",
    )


def _fingerprint(row: rows.Row, totals: Totals) -> str:
    """All that a page could show of the run row, and the sums; no rowid, no last_update of the row.

    Marking a run and taking the mark back again bumps the row's last_update, nothing else.
    """
    own = [row[name] for name in _RUN_COLUMNS if name not in {"id", "last_update"}]
    whole = repr((own, totals.tests, totals.steps, totals.data))
    return hashlib.sha256(whole.encode()).hexdigest()[:32]


def _run_row(connection: AreaConnection, head: RunHead) -> rows.Row:
    found = _select(connection, "runs", [*_RUN_COLUMNS, *head.keys], "id = ?", (head.run_id,))
    if not found or rows.text(found[0]["runname"]) != head.key.runname:
        run = "/".join([*head.key.target, head.key.runname])
        raise MissingError(f"{run} is not in {head.database} any more", "list the runs again")
    return {name: value for name, value in found[0].items() if name != "last_update"}


def _to_run(
    head: RunHead,
    row: rows.Row,
    tests: tuple[Test, ...],
    meta: Mapping[str, TestMeta],
    *,
    in_flight: bool = False,
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
        in_flight_read=in_flight,
    )


def _read_tests(connection: AreaConnection, run_id: int) -> tuple[Test, ...]:
    # The index has all of this query's columns: it costs next to nothing, however long the run.
    named = _select(connection, "tests", ["id", "testname", "item_path"], "run_id = ?", (run_id,))
    iterated = {rows.text(row["testname"]) for row in named if rows.text(row["item_path"])}
    found: dict[tuple[str, str], Test] = {}
    for chunk, steps, data in _chunks(connection, sorted(_id(row) for row in named)):
        for row in chunk:
            name = (rows.text(row["testname"]), rows.text(row["item_path"]))
            if rows.is_deleted(row["state"]) or name == rows.PLACEHOLDER:
                continue
            number = _id(row)
            found[name] = rows.to_test(
                row,
                toplevel=not name[1] and name[0] in iterated,
                steps=steps.get(number, ()),
                data=data.get(number, ()),
            )
    return tuple(found[name] for name in sorted(found, key=_byte_order))


_Chunk = tuple[
    list[dict[str, object]], Mapping[int, tuple[Step, ...]], Mapping[int, tuple[TestDatum, ...]]
]


def _chunks(connection: AreaConnection, ids: Sequence[int]) -> Iterator[_Chunk]:
    """Tests in the order of their rowids with their steps and data, a query's worth at a time."""
    pace = Pace(128, 4096)
    done = 0
    while done < len(ids):
        some = ids[done : done + pace.start()]
        marks = ", ".join("?" * len(some))
        tests = _select(connection, "tests", _TEST_COLUMNS, f"id IN ({marks}) ORDER BY id", some)
        step_rows = _select(connection, "test_steps", _STEP_COLUMNS, f"test_id IN ({marks})", some)
        datum_rows = _select(
            connection, "test_data", _DATUM_COLUMNS, f"test_id IN ({marks}) ORDER BY id", some
        )
        pace.stop()
        done += len(some)
        steps = {number: rows.pair_steps(group) for number, group in _by_test(step_rows).items()}
        data = {
            number: tuple(rows.to_datum(r) for r in group if not rows.is_deleted(r["status"]))
            for number, group in _by_test(datum_rows).items()
        }
        yield tests, steps, data


def _by_test(found: Sequence[dict[str, object]]) -> Mapping[int, list[dict[str, object]]]:
    groups: defaultdict[int, list[dict[str, object]]] = defaultdict(list)
    for row in found:
        groups[rows.integer(row["test_id"]) or 0].append(row)
    return groups


def _read_meta(connection: AreaConnection, tests: Sequence[Test]) -> dict[str, TestMeta]:
    names = sorted({test.testname for test in tests}, key=_bytes)
    meta: dict[str, TestMeta] = {}
    for start in range(0, len(names), 500):
        some = [_bytes(name) for name in names[start : start + 500]]
        marks = ", ".join(["CAST(? AS TEXT)"] * len(some))
        for row in _select(connection, "test_meta", _META_COLUMNS, f"testname IN ({marks})", some):
            meta[rows.text(row["testname"])] = rows.to_meta(row)
    return meta


def _select(
    connection: AreaConnection,
    table: str,
    columns: Sequence[str],
    where: str,
    values: Sequence[object],
) -> list[dict[str, object]]:
    """Rows as column → value, all fetched; a column that the table lacks reads as NULL."""
    present = connection.columns(table)
    if not present:
        return []
    listed = ", ".join(
        schema.quote(name) if name.lower() in present else "NULL" for name in columns
    )
    found = connection.execute(f"SELECT {listed} FROM {table} WHERE {where}", values).fetchall()
    return [dict(zip(columns, row, strict=True)) for row in found]


def _version(connection: AreaConnection) -> int:
    """A number that changes when another connection has committed since it was last asked for."""
    return int(connection.execute("PRAGMA data_version").fetchone()[0])


def _is_racy(sums: Totals) -> bool:
    """Whether a second change within the grain of last_update could hide behind the first."""
    return sums.newest_update() >= time.time() - RACY_SECONDS


def _id(row: rows.Row) -> int:
    return rows.integer(row["id"]) or 0


def _byte_order(name: tuple[str, str]) -> tuple[bytes, bytes]:
    return _bytes(name[0]), _bytes(name[1])


def _bytes(name: str) -> bytes:
    return name.encode("utf-8", "surrogateescape")
