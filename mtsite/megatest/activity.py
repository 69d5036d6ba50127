"""What a move must know of each run without reading its rows: has it ended, when did it last stir.

Counted are tests that are not DELETED, no toplevel row of an iterated test and no placeholder.
Everything is read in short queries over some runs at a time.
"""

import re
import sqlite3
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence

from msgspec import Struct
from msgspec.structs import replace

from mtsite.megatest.schema import column_names, quote
from mtsite.rollup import BUSY_STATES, TERMINAL_STATES

CHUNK_SECONDS = 0.05
_WAITING = ("NOT_STARTED", "BLOCKED", "")
_PLACEHOLDER = "NOT (testname IS 'bogustest' AND item_path IS 'nowherepath')"
_Numbers = tuple[int | None, ...]


class RunActivity(Struct, frozen=True):
    """One run row, and what its tests add up to; times are Unix seconds.

    `activity` is the newest sign of life of the run, None when no row has a time. `busy` counts
    tests that claim to run; `heard` is the newest sign of life among them, None when one of them
    has no time (nobody can call it dead). `waiting` counts tests not started. `unknown` are states
    outside Megatest's vocabulary. `holds_highest` names the rowids ('runs.id', 'tests.id') that
    SQLite would hand out again if this run went. Where only the run row was read, `looked_at` is
    False: nothing is known of the tests, and the run may be younger than `activity` says; `damage`
    is why they can't be read.
    """

    run_id: int
    target: tuple[str, ...]
    runname: str
    state: str
    event_time: int | None
    activity: int | None
    tests: int = 0
    busy: int = 0
    heard: int | None = None
    waiting: int = 0
    unknown: tuple[str, ...] = ()
    holds_highest: tuple[str, ...] = ()
    status: str = ""
    looked_at: bool = True
    damage: str = ""

    @property
    def name(self) -> tuple[tuple[str, ...], str]:
        """Its identity inside the area: target and runname."""
        return (self.target, self.runname)


def key_names(connection: sqlite3.Connection) -> tuple[str, ...]:
    """The key columns of `runs`, in key order."""
    columns = set(column_names(connection, "runs"))
    rows = connection.execute("SELECT fieldname FROM keys ORDER BY id").fetchall()
    return tuple(row[0] for row in rows if row[0] in columns)


def read_activity(connection: sqlite3.Connection, *, settled_before: int) -> list[RunActivity]:
    """Every run of a database, ordered by id.

    Steps and load samples are only looked at where the run itself was silent since
    `settled_before`: they can make a run younger, never older.
    """
    return look_at(connection, read_run_rows(connection), settled_before=settled_before)


def read_run_rows(connection: sqlite3.Connection) -> list[RunActivity]:
    """Every run of a database by its row alone, ordered by id: one short query."""
    highest = _highest(connection)
    return [
        replace(run, holds_highest=tuple(what for what, owner in highest if owner == run.run_id))
        for run in _run_rows(connection)
    ]


def look_at(
    connection: sqlite3.Connection, runs: Sequence[RunActivity], *, settled_before: int
) -> list[RunActivity]:
    """The same runs with what their tests add up to; `settled_before` as in `read_activity`."""
    trusted = tests_update_times_are_trusted(connection)
    found: list[RunActivity] = []
    for some in _in_chunks(runs):
        try:
            found += _look_at(connection, some, settled_before, trusted=trusted)
        except sqlite3.DatabaseError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_CORRUPT:
                raise
            # One of them lies on a damaged page: the others must not wait for it.
            found += [_look_alone(connection, run, settled_before, trusted=trusted) for run in some]
    return found


def _look_at(
    connection: sqlite3.Connection,
    some: Sequence[RunActivity],
    settled_before: int,
    *,
    trusted: bool,
) -> list[RunActivity]:
    facts = _test_facts(connection, [run.run_id for run in some], trusted=trusted)
    looked = [_with_tests(run, facts.get(run.run_id, {})) for run in some]
    silent = [r.run_id for r in looked if r.activity is None or r.activity <= settled_before]
    late = _late_signs(connection, silent)
    return [replace(run, activity=_newest(run.activity, late.get(run.run_id))) for run in looked]


def _look_alone(
    connection: sqlite3.Connection, run: RunActivity, settled_before: int, *, trusted: bool
) -> RunActivity:
    try:
        return _look_at(connection, [run], settled_before, trusted=trusted)[0]
    except sqlite3.DatabaseError as error:
        if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_CORRUPT:
            raise
        return replace(run, looked_at=True, damage=str(error))


def combine(base: Sequence[RunActivity], cache: Iterable[RunActivity]) -> list[RunActivity]:
    """The runs of an area's database with what a live copy of it knows better.

    A run counts as locked, busy, younger or highest as soon as either of them says so.
    """
    newer = {run.name: run for run in cache}
    return [_both(run, newer[run.name]) if run.name in newer else run for run in base]


def tests_update_times_are_trusted(connection: sqlite3.Connection) -> bool:
    """False where a trigger of early 2016 without WHERE sets all tests' last_update at once."""
    rows = connection.execute(
        "SELECT sql FROM sqlite_master WHERE type = 'trigger' AND tbl_name = 'tests'"
    ).fetchall()
    bodies = [re.split(r"\bBEGIN\b", str(sql), flags=re.IGNORECASE)[-1] for (sql,) in rows]
    return all(
        re.search(r"\bWHERE\b", body, re.IGNORECASE)
        for body in bodies
        if re.search(r"\bUPDATE\s+\W?tests\b", body, re.IGNORECASE)
    )


def _run_rows(connection: sqlite3.Connection) -> list[RunActivity]:
    keys = key_names(connection)
    update = _time("last_update") if "last_update" in column_names(connection, "runs") else "NULL"
    status = "status" if "status" in column_names(connection, "runs") else "NULL"
    fixed = ["id", "runname", "state", _time("event_time"), update, status]
    listed = ", ".join([*fixed, *(quote(key) for key in keys)])
    rows = connection.execute(f"SELECT {listed} FROM runs ORDER BY id").fetchall()
    return [
        RunActivity(
            run_id=row[0],
            target=tuple(_text(value) for value in row[6:]),
            runname=_text(row[1]),
            state=_text(row[2]),
            status=_text(row[5]),
            event_time=row[3],
            activity=_newest(row[3], row[4] or None),
            looked_at=False,
        )
        for row in rows
    ]


def _test_facts(
    connection: sqlite3.Connection, run_ids: Sequence[int], *, trusted: bool
) -> dict[int, dict[str, _Numbers]]:
    """run_id → class of state → (tests, newest life of them, rows without time, last stirred)."""
    if not run_ids:
        return {}
    columns = column_names(connection, "tests")
    update = _time("last_update") if trusted and "last_update" in columns else "NULL"
    # A toplevel row is one that has items beside it; deleted items count for that.
    toplevel = (
        "coalesce(item_path, '') = '' AND EXISTS (SELECT 1 FROM tests AS item WHERE"
        " item.run_id = tests.run_id AND item.testname = tests.testname AND item.item_path > '')"
    )
    rows = connection.execute(
        f"""SELECT run_id, coalesce(state, ''),
              upper(coalesce(state, '')) <> 'DELETED' AND {_PLACEHOLDER} AND NOT ({toplevel})
                AS counted,
              count(*), max({_life()}), sum({_life()} IS NULL), nullif(max({update}), 0)
            FROM tests WHERE run_id IN ({_marks(run_ids)}) GROUP BY run_id, 2, counted""",
        run_ids,
    ).fetchall()
    facts: dict[int, dict[str, _Numbers]] = {}
    for run_id, state, counted, number, life, timeless, stirred in rows:
        kind = _kind(_text(state)) if counted else "not counted"
        facts.setdefault(run_id, {})
        before = facts[run_id].get(kind, (0, None, 0, None))
        facts[run_id][kind] = (
            (before[0] or 0) + number,
            _newest(before[1], life),
            (before[2] or 0) + timeless,
            _newest(before[3], stirred),
        )
    return facts


def _kind(state: str) -> str:
    if state in BUSY_STATES:
        return "busy"
    if state in TERMINAL_STATES:
        return "ended"
    return "waiting" if state in _WAITING else f"unknown {state}"


def _with_tests(run: RunActivity, facts: Mapping[str, _Numbers]) -> RunActivity:
    counted = {kind: numbers for kind, numbers in facts.items() if kind != "not counted"}
    busy = counted.get("busy", (0, None, 0, None))
    signs = [sign for numbers in facts.values() for sign in (numbers[1], numbers[3])]
    return replace(
        run,
        activity=_newest(run.activity, *signs),
        looked_at=True,
        tests=sum(numbers[0] or 0 for numbers in counted.values()),
        busy=busy[0] or 0,
        heard=None if busy[2] else busy[1],
        waiting=counted.get("waiting", (0,))[0] or 0,
        unknown=tuple(
            sorted(k.removeprefix("unknown ") for k in counted if k.startswith("unknown "))
        ),
    )


def _late_signs(connection: sqlite3.Connection, run_ids: Sequence[int]) -> dict[int, int]:
    """run_id → newest time of its steps and load samples."""
    found: dict[int, int] = {}
    if not run_ids:
        return found
    for table, column in (("test_steps", "event_time"), ("test_rundat", "update_time")):
        if not {column, "test_id"} <= set(column_names(connection, table)):
            continue
        rows = connection.execute(
            f"""SELECT tests.run_id, max({_time(column, "one.")}) FROM tests
                JOIN {table} AS one ON one.test_id = tests.id
                WHERE tests.run_id IN ({_marks(run_ids)}) GROUP BY tests.run_id""",
            run_ids,
        ).fetchall()
        for run_id, newest in rows:
            if newest is not None:
                found[run_id] = max(newest, found.get(run_id, newest))
    return found


def _highest(connection: sqlite3.Connection) -> list[tuple[str, int | None]]:
    run = connection.execute("SELECT max(id) FROM runs").fetchone()[0]
    test = connection.execute("SELECT run_id FROM tests ORDER BY id DESC LIMIT 1").fetchone()
    return [("runs.id", run), ("tests.id", test[0] if test else None)]


def _both(base: RunActivity, live: RunActivity) -> RunActivity:
    timeless = any(run.busy and run.heard is None for run in (base, live))
    return replace(
        base,
        state=live.state if live.state.lower() == "locked" else base.state,
        activity=_newest(base.activity, live.activity),
        tests=max(base.tests, live.tests),
        busy=max(base.busy, live.busy),
        heard=None if timeless else _newest(base.heard, live.heard),
        waiting=max(base.waiting, live.waiting),
        unknown=tuple(sorted({*base.unknown, *live.unknown})),
        holds_highest=tuple(sorted({*base.holds_highest, *live.holds_highest})),
        looked_at=base.looked_at and live.looked_at,
        damage=base.damage or live.damage,
    )


def _in_chunks(rows: Sequence[RunActivity]) -> Iterator[Sequence[RunActivity]]:
    """Runs in groups whose size follows the time that the last group took."""
    size, start = 8, 0
    while start < len(rows):
        began = time.monotonic()
        yield rows[start : start + size]
        start += size
        took = time.monotonic() - began
        size = max(1, size // 2) if took > CHUNK_SECONDS else min(256, size * 2)


def _life() -> str:
    """When a test was last heard of: its launch plus what it says it has run."""
    return f"({_time('event_time')} + coalesce({_time('run_duration')}, 0))"


def _time(column: str, prefix: str = "") -> str:
    """A number column that may hold text; text is no time."""
    name = prefix + quote(column)
    return f"CASE WHEN typeof({name}) IN ('integer', 'real') THEN CAST({name} AS INTEGER) END"


def _marks(values: Sequence[object]) -> str:
    return ", ".join("?" * len(values))


def _newest(*times: int | None) -> int | None:
    return max((one for one in times if one is not None), default=None)


def _text(value: object) -> str:
    return "" if value is None else str(value)
