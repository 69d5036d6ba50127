"""Rows that leave their database for good: exported, compared, then let go as in a move.

    refuse        locked, in flight, younger than its clock, highest rowid, a move not finished,
                  in two databases
    export        on disk and read back, unless that was declined
    letting go    caches in /tmp first, then the database; only rows that equal what was exported
    note          the run's move notes go with the run row, in one transaction

Die anywhere, call again: what is still there is exported and let go again.
"""

import os
import socket
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path

from msgspec import Struct, field

from mtsite import lock, notes
from mtsite.archive import begun
from mtsite.archive.exports import RowExport, exported
from mtsite.archive.plan import Terms, plan_moves
from mtsite.archive.route import Checkpoint, ignore, open_cache, open_store
from mtsite.arealock import AREA_LOCK, lock_name
from mtsite.config import Config, ReduceConfig
from mtsite.errors import BusyError, MtsiteError
from mtsite.holds import load_holds
from mtsite.megatest import held as held_rows
from mtsite.megatest import transfer
from mtsite.megatest.activity import combine, key_names, read_activity
from mtsite.megatest.area import COMPLETED_NAME, DATABASE_NAME, TMP, Area
from mtsite.megatest.caches import cache_databases, is_this_host, living_server
from mtsite.megatest.crossing import crossing
from mtsite.megatest.database import area_errors, reading
from mtsite.megatest.held import Held
from mtsite.megatest.merge import join, look_at
from mtsite.megatest.movable import check_movable
from mtsite.megatest.reader import RunHead
from mtsite.megatest.shape import RUN, TESTS
from mtsite.megatest.transfer import Store, immediate
from mtsite.model import RunKey
from mtsite.urls import EMPTY_KEY_VALUE

COMMAND = "mtsite retain apply"

TWICE = "it lies in two databases: `mtsite archive verify` names them, `mtsite reduce` settles it"


class RowsOutcome(Struct, frozen=True):
    """What became of the rows of one run: `reason` is '' when they are gone, else why they stay.

    `export` is the name of the file that has them, '' when there was none to write.
    """

    key: RunKey
    reason: str = ""
    export: str = ""


class RowsJob(Struct, frozen=True):
    """Whose rows go and under which terms; `export` False takes them away unseen."""

    config: Config
    now: int
    export: bool = True
    environ: Mapping[str, str] = field(default_factory=lambda: os.environ)
    tmp: Path = TMP
    checkpoint: Checkpoint = ignore


def let_go_rows(job: RowsJob, keys: Iterable[RunKey]) -> Iterator[RowsOutcome]:
    """Take the rows of these runs out of the databases where they lie, one run at a time.

    A run that can't go is an outcome with a reason; the others go on.
    """
    settings = list(job.config.areas.values())
    looked = [look_at(one, job.environ, tmp=job.tmp) for one in settings]
    listings = join(settings, looked)
    copies = Counter(each.head.key for runs in looked for each in runs.found if each.head.tests)
    unreadable = [one.error for one in listings if one.error]
    heads = {head.key: head for one in listings for head in one.heads}
    areas = {one.name: one.area for one in listings if one.area is not None}
    places: dict[tuple[str, str], list[RunHead]] = {}
    for key in sorted(keys):
        head = heads.get(key)
        if head is None:
            yield RowsOutcome(key, f"not found: {unreadable[0]}" if unreadable else "")
            continue
        if copies[key] > 1:
            yield RowsOutcome(key, TWICE)
            continue
        name = COMPLETED_NAME if head.database.name == COMPLETED_NAME else DATABASE_NAME
        places.setdefault((head.home, name), []).append(head)
    for (home, name), some in sorted(places.items()):
        try:
            yield from _from_database(job, areas[home], name, some)
        except MtsiteError as error:
            yield from (RowsOutcome(head.key, error.message) for head in some)


def _from_database(
    job: RowsJob, area: Area, name: str, heads: Sequence[RunHead]
) -> list[RowsOutcome]:
    state_dir = job.config.state_dir
    check_movable(area)
    with (
        lock.hold(state_dir, lock_name(area.path), COMMAND),
        lock.hold(area.path, AREA_LOCK, COMMAND),
        _opened(area, name, job) as place,
    ):
        on_their_way = begun.elsewhere(area, place.source.path).on_their_way
        found = _look(job, place, on_their_way)
        export = RowExport(job.config.retain.exports, area.name, job.now)
        outcomes = []
        for head in heads:
            run_id, reason = found.get((head.key.target, head.key.runname), (0, ""))
            # Asked anew: somebody may have held it since the plan was made.
            if hold := load_holds(job.config.root).of(head.key, job.now):
                reason = hold.told()
            if run_id and not reason:
                reason = _run(job, place, (head.key, run_id), export if job.export else None)
            outcomes.append(RowsOutcome(head.key, reason))
        file = export.finish()
    return [RowsOutcome(one.key, one.reason, "" if one.reason else file) for one in outcomes]


class _Place(Struct, frozen=True):
    """A database that rows leave, with its caches in /tmp; `ready` raises while they must not.

    `is_live` says that Megatest makes runs there: it would hand the highest rowids out again.
    """

    source: Store
    caches: tuple[Store, ...]
    keys: tuple[str, ...]
    ready: Callable[[], None]
    is_live: bool

    @property
    def stores(self) -> tuple[Store, ...]:
        return (self.source, *self.caches)


def _look(
    job: RowsJob, place: _Place, on_their_way: Mapping[begun.RunName, Path]
) -> dict[begun.RunName, tuple[int, str]]:
    """(target, runname) → rowid, and '' or why it may not go by its own rows, whatever was planned.

    The rules are those of a move, with the age of the clock. A run on its way to an archive stays:
    who finishes its move later would bring back what was let go.
    """
    age = job.config.retain.rows
    assert age is not None, "no clock for rows, yet rows leave"
    rules = ReduceConfig(age, 0, job.config.reduce.dead_after)
    with reading(place.source.path) as connection:
        runs = read_activity(connection, settled_before=job.now - age)
        unfinished = {n.run_id for n in notes.read(connection) if n.state != notes.SETTLED}
    for cache in place.caches:
        with reading(cache.path) as connection:
            runs = combine(runs, read_activity(connection, settled_before=job.now - age))
    found: dict[begun.RunName, tuple[int, str]] = {}
    terms = Terms(rules, is_live=place.is_live)
    for one in plan_moves(runs, rules, job.now, terms).moves:
        reason = "" if one.moves else one.reason
        if one.run.run_id in unfinished:
            reason = "its move is not finished: `mtsite reduce` finishes it"
        if path := on_their_way.get(one.run.name):
            reason = begun.told(path)
        name = (tuple(value or EMPTY_KEY_VALUE for value in one.run.target), one.run.runname)
        if name in found:
            reason = "two runs of this name lie there"
        found[name] = (one.run.run_id, reason)
    return found


def _run(job: RowsJob, place: _Place, run: tuple[RunKey, int], export: RowExport | None) -> str:
    """'' when the rows of the run are gone, else why some stay."""
    key, run_id = run
    shapes = place.source.shapes
    with area_errors(place.source.path):
        if tied := crossing(place.source, run_id):
            return tied
        try:
            copy = transfer.gather(place.stores, shapes, place.keys, run_id)
        except LookupError as difference:
            return f"{difference}: sync it first (megatest -sync-to-megatest.db)"
        brought = notes.read(place.source.connection, run_id=run_id)
    if export is not None:
        export.add(exported(key, copy, shapes, place.source.path, brought))
        job.checkpoint("exported")
    held = Held.of(copy)
    for store in (*place.caches, place.source):
        _let_go(place, store, held, job.checkpoint)
    return _what_stays(place, held)


def _let_go(place: _Place, store: Store, held: Held, checkpoint: Checkpoint) -> None:
    shapes = place.source.shapes
    with area_errors(store.path):
        if not transfer.read_run_row(store, shapes, held.run_id):
            return
        place.ready()
        held_rows.let_go_run_level(store, shapes, held)
        checkpoint(f"let go: run level of {store.path.name}")
        test_ids = sorted(int(str(row[0])) for row in held.rows.get(TESTS, ()))
        for start in range(0, len(test_ids), held_rows.TESTS_AT_ONCE):
            some = test_ids[start : start + held_rows.TESTS_AT_ONCE]
            held_rows.let_go_tests(store, shapes, held, some)
            checkpoint(f"let go: tests of {store.path.name}")
        _let_go_run(place, store, held)
        checkpoint(f"let go: run of {store.path.name}")


def _let_go_run(place: _Place, store: Store, held: Held) -> None:
    """The run row and its notes together: a note without its run would look like a loss."""
    shapes = place.source.shapes
    with immediate(store.connection):
        same = transfer.read_run_row(store, shapes, held.run_id) == list(held.rows[RUN])
        if same and not held_rows.left_over(store, shapes, held.run_id):
            transfer.delete_rows(store, RUN, [held.run_id])
            notes.forget(store.connection, held.run_id)


def _what_stays(place: _Place, held: Held) -> str:
    found = []
    for store in place.stores:
        with area_errors(store.path):
            if transfer.read_run_row(store, place.source.shapes, held.run_id):
                rest = held_rows.left_over(store, place.source.shapes, held.run_id) or {RUN: 1}
                listed = ", ".join(f"{number} of {table}" for table, number in rest.items())
                found.append(f"{listed} in {store.path}")
    return f"rows changed or appeared and stay: {'; '.join(found)}" if found else ""


@contextmanager
def _opened(area: Area, name: str, job: RowsJob) -> Iterator[_Place]:
    path = area.live if name == DATABASE_NAME else area.path / name
    with ExitStack() as opened:
        source = opened.enter_context(open_store(path))
        caches: list[Store] = []
        if name == DATABASE_NAME:
            found = [
                opened.enter_context(open_cache(c)) for c in cache_databases(area.path, job.tmp)
            ]
            caches = [cache for cache in found if RUN in cache.shapes]
        ready = partial(_ready, area, job.now) if name == DATABASE_NAME else _always
        ready()
        is_live = name == DATABASE_NAME and area.allow_runs
        yield _Place(source, tuple(caches), key_names(source.connection), ready, is_live)


def _always() -> None:
    """No Megatest writes to completed-runs.db."""


def _ready(area: Area, now: int) -> None:
    if not is_this_host(area.homehost):
        raise BusyError(
            f"area {area.name}: its homehost is {area.homehost}, this is {socket.gethostname()}:"
            " the live database in /tmp there would bring the rows back",
            f"run it on {area.homehost}",
        )
    if log := living_server(area.path, now):
        raise BusyError(
            f"area {area.name}: a Megatest server is alive ({log} was just touched)",
            "run again when no runs are going on, or stop it with megatest -kill-servers",
        )
