"""Which host has the live database of an area, and whether anybody is at work there."""

import os
import socket
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from pathlib import Path

from msgspec import Struct

from mtsite.megatest.activity import key_names, read_activity, tests_update_times_are_trusted
from mtsite.megatest.area import Area
from mtsite.megatest.caches import cache_directories, is_this_host, living_server
from mtsite.megatest.configuration import HOMEHOST_NAME
from mtsite.megatest.database import AreaConnection, reading
from mtsite.megatest.schema import quote
from mtsite.rollup import BUSY_STATES

SYNC_SECONDS = 60
"""A sync that began or ended within this time may be followed by another."""

LOCK_SECONDS = 300
"""Megatest's own lock files expire after this."""

SKEW_SECONDS = 86_400
"""Clocks of hosts differ; a time further ahead than this is no clock's but a mistake."""

AREA_SIGNS = frozenset({".mtsite-move.lock"})
"""Lock files of mtsite itself, which are no sign of Megatest."""

NO_SYNC_NAME = "no-sync.db"
"""Beside a cache database: when it was synced, and named locks."""

SYNC_TIMES = frozenset({"LAST_UPDATE", "LAST_FULL_UPDATE"})
"""What is no lock there."""

_Name = tuple[str, str]


class Host(Struct, frozen=True):
    """One host: `address` is what Megatest would write into .homehost for it.

    `is_named` says whether an entry there, a name or an address, means this host.
    """

    name: str
    address: str
    is_named: Callable[[str], bool]


class Terms(Struct, frozen=True):
    """When an area counts as quiet; all in seconds, `now` since 1970.

    A test that claims to run and was not heard of for `dead_after` counts as ended.
    """

    now: int
    quiet: int
    dead_after: int


class Sign(Struct, frozen=True):
    """One sign that somebody works in an area.

    `kind` is test, run, task (a runner in tasks_queue), server, sync or lock.
    """

    kind: str
    name: str
    told: str


def this_host() -> Host:
    """The host that this runs on, as Megatest would call it: by its IPv4 address."""
    return Host(socket.gethostname(), _own_address(), is_this_host)


def told_by(area: Area) -> str:
    """Where the homehost of an area is written: a file with a line, .homehost, or '' for nowhere.

    An entry in megatest.config overrides the file .homehost.
    """
    if (area.config.get("server", "homehost") or "").strip():
        file, line = area.config.where("server", "homehost")
        return f"{file}:{line}"
    return str(area.path / HOMEHOST_NAME) if area.homehost else ""


def signs_of_work(area: Area, caches: Sequence[Path], terms: Terms) -> tuple[Sign, ...]:
    """What keeps an area from being quiet, the tests first; `caches` are read beside its database.

    Raises:
        AreaBusyError, AreaUnreadableError: one of the databases can't be read.
    """
    found: dict[_Name, Sign] = {}
    for database in (area.live, *caches):
        with reading(database) as connection:
            for sign in _in_database(connection, terms):
                found.setdefault((sign.kind, sign.name), sign)
    for cache in caches:
        no_sync = cache.with_name(NO_SYNC_NAME)
        if no_sync.is_file():
            with reading(no_sync) as connection:
                for sign in _locks(connection, no_sync, terms):
                    found.setdefault((sign.kind, sign.name), sign)
    # The tests are what a reader can do something about; runs are touched because of them.
    ordered = sorted(found.values(), key=lambda sign: (sign.kind != "test", sign.name))
    return (*ordered, *_files(area, [cache.parent for cache in caches], terms))


def live_caches(area: Area, tmp: Path) -> tuple[Path, ...]:
    """The live databases of an area below a directory like /tmp, one per user at most."""
    found = [directory / "megatest.db" for directory in cache_directories(area.path, tmp)]
    return tuple(path for path in found if path.is_file())


def _tables(connection: AreaConnection) -> set[str]:
    rows = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
    return {name for (name,) in rows}


def _in_database(connection: AreaConnection, terms: Terms) -> Iterator[Sign]:
    tables = _tables(connection)
    if {"runs", "tests"} <= tables:
        yield from _tests(connection, terms)
        yield from _runs(connection, terms)
    if "tasks_queue" in tables:
        yield from _tasks(connection, terms)


def _tasks(connection: AreaConnection, terms: Terms) -> Iterator[Sign]:
    """Runners note themselves here; one that died leaves its row, which ends as tests do."""
    rows = connection.execute(
        "SELECT action, target, name, state, params, creation_time, execution_time"
        " FROM tasks_queue WHERE state IN ('new', 'running') ORDER BY id"
    ).fetchall()
    for action, target, name, state, params, created, begun in rows:
        heard = _newest(_number(created), _number(begun))
        if terms.now - heard > terms.dead_after or _has_ended_here(str(params or "")):
            continue
        what = "/".join(str(part) for part in (target, name) if part)
        told = f"is {state} for {action or 'something'}, noted {_ago(terms.now, heard)}"
        yield Sign("task", what or str(action), told)


def _has_ended_here(runner: str) -> bool:
    """Whether "host pid" names a program of this host that is no more."""
    host, _, pid = runner.partition(" ")
    if host not in {socket.gethostname(), os.uname().nodename} or not pid.isdecimal():
        return False
    return not Path("/proc", pid).exists() and Path("/proc/self").exists()


def _locks(connection: AreaConnection, path: Path, terms: Terms) -> Iterator[Sign]:
    """Named locks: a row is a lock, and its value when it was taken; nobody removes a dead one."""
    if "no_sync_metadat" not in _tables(connection):
        return
    rows = connection.execute("SELECT var, val FROM no_sync_metadat ORDER BY var").fetchall()
    for name, value in rows:
        taken = _epoch(value)
        if name not in SYNC_TIMES and -SKEW_SECONDS < terms.now - taken < terms.quiet:
            yield Sign("lock", f"{path}: {name}", f"was taken {_ago(terms.now, taken)}")


def _tests(connection: AreaConnection, terms: Terms) -> Iterator[Sign]:
    trusted = tests_update_times_are_trusted(connection)
    update = "t.last_update" if trusted and "last_update" in connection.columns("tests") else "NULL"
    keys = key_names(connection)
    rows = connection.execute(
        f"""SELECT t.testname, t.item_path, t.state, t.event_time, t.run_duration, {update},
              r.runname{"".join(f", r.{quote(key)}" for key in keys)}
            FROM tests AS t JOIN runs AS r ON r.id = t.run_id
            WHERE t.state IN ({", ".join("?" * len(BUSY_STATES))})
              AND lower(coalesce(r.state, '')) <> 'deleted' ORDER BY t.id""",
        sorted(BUSY_STATES),
    ).fetchall()
    for testname, item_path, state, launched, lasted, updated, runname, *target in rows:
        heard = _newest(_number(launched) + _number(lasted), _number(updated))
        if heard and terms.now - heard > terms.dead_after:
            continue
        name = "/".join(str(part or "") for part in (*target, runname, testname, item_path) if part)
        yield Sign("test", name, f"is {state}, last heard of {_ago(terms.now, heard)}")


def _runs(connection: AreaConnection, terms: Terms) -> Iterator[Sign]:
    for run in read_activity(connection, settled_before=terms.now - terms.quiet):
        age = terms.now - (run.activity or 0)
        if -SKEW_SECONDS < age < terms.quiet:
            name = "/".join((*run.target, run.runname))
            yield Sign("run", name, f"was touched {_ago(terms.now, run.activity or 0)}")


def _files(area: Area, directories: Iterable[Path], terms: Terms) -> Iterator[Sign]:
    if server := living_server(area.path, terms.now):
        yield Sign("server", str(server), "was just touched: a server is alive")
    for directory in directories:
        started, ended = (_mtime(directory / name) for name in (".start-sync", ".end-sync"))
        if terms.now - max(started, ended) < SYNC_SECONDS or (
            started > ended and terms.now - started < terms.quiet
        ):
            yield Sign("sync", str(directory), "a sync with megatest.db goes on, or just ended")
    for directory in (area.path, *directories):
        for path in (*directory.glob("megatest*.lock"), *directory.glob("megatest*.db-journal")):
            if path.name not in AREA_SIGNS and terms.now - _mtime(path) < LOCK_SECONDS:
                yield Sign("lock", str(path), "is there: somebody writes")


def _mtime(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return 0


def _ago(now: int, when: int) -> str:
    if not when:
        return "at an unknown time"
    minutes = (now - when) // 60
    if minutes < 0:
        return f"{-minutes} min ahead of this host's clock"
    return f"{minutes} min ago" if minutes < 120 else f"{minutes // 60} h ago"


def _epoch(text: object) -> int:
    try:
        return int(float(str(text)))
    except (ValueError, OverflowError):
        return 0


def _number(value: object) -> int:
    return int(value) if isinstance(value, int | float) else 0


def _newest(*times: int) -> int:
    return max(times, default=0)


def _own_address() -> str:
    """The IPv4 address that packets to elsewhere leave from; the host's name where it has none."""
    with closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as probe:
        try:
            # TEST-NET-1: connecting a datagram socket chooses a route and sends nothing.
            probe.connect(("192.0.2.1", 9))
            address = str(probe.getsockname()[0])
        except OSError:
            address = ""
    if address and not address.startswith("127."):
        return address
    return os.uname().nodename
