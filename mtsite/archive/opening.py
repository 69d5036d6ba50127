"""Opening what a move needs: whether the area may be touched, and the route with its databases."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from msgspec import Struct, field

from mtsite.archive.route import (
    Route,
    Watch,
    archive_errors,
    attach_archive,
    host_name,
    open_cache,
    open_store,
    user_name,
)
from mtsite.errors import BusyError, DestinationError
from mtsite.megatest.activity import RunActivity, key_names
from mtsite.megatest.area import TMP, Area
from mtsite.megatest.caches import cache_databases, is_this_host, living_server
from mtsite.megatest.compare import attach_to_read
from mtsite.megatest.completed import catch_up, make_completed, open_completed
from mtsite.megatest.direct import SOURCE
from mtsite.megatest.letgo import Leave
from mtsite.megatest.shape import RUN, Shapes, read_shapes
from mtsite.megatest.transfer import Store

CACHE_KIB = 32 << 10
"""How much of a database each of the two connections that write may keep in memory."""

QUIET_SECONDS = 1800
"""An area rests when nothing stirred for so long, as before a homehost may move."""


class Way(Struct, frozen=True):
    """From which database of which area runs go into which, and what they leave behind.

    `caches` are the copies of the source in /tmp; `now` is in Unix seconds.
    """

    area: Area
    source: Path
    caches: tuple[Path, ...]
    archive: Path
    now: int
    leave: Leave = field(default_factory=Leave)


def caches_of(area: Area, source: Path, tmp: Path = TMP) -> tuple[Path, ...]:
    """The copies of a database in /tmp on this host: megatest.db has some, archives have none."""
    return tuple(cache_databases(area.path, tmp)) if source == area.live else ()


def check_homehost(area: Area, command: str, *, area_db_only: bool = False) -> None:
    """Make sure that no live database on another host would bring rows back.

    Raises:
        BusyError: the homehost is another one; says which, and what to run there.
    """
    if is_this_host(area.homehost) or area_db_only:
        return
    raise BusyError(
        f"area {area.name}: its homehost is {area.homehost}, this is {host_name()}:"
        " the live database in /tmp there would bring the rows back",
        f"run {command} on {area.homehost}; or, if nobody works in the area, with --area-db-only",
    )


def check_at_rest(area: Area, runs: Sequence[RunActivity], now: int) -> None:
    """Make sure that nobody works in an area whose homehost is another one.

    Raises:
        BusyError: a server is alive, or something stirred within half an hour.
    """
    if is_this_host(area.homehost):
        return
    newest = max((run.activity for run in runs if run.activity is not None), default=0)
    log = living_server(area.path, now)
    if log or 0 <= now - newest < QUIET_SECONDS or any(run.busy for run in runs):
        what = f"{log} was just touched" if log else "its runs changed within half an hour"
        raise BusyError(
            f"area {area.name} is not at rest: {what}; --area-db-only is for areas that are",
            f"run it on {area.homehost}",
        )


@contextmanager
def open_route(way: Way) -> Iterator[Route]:
    """Everything open for the time of a block; the archive has all columns and tables it needs.

    Raises:
        BusyError: a cache belongs to somebody else and can't be written.
        DestinationError: the archive can't be written, or can't have a table that it needs.
    """
    with ExitStack() as opened:
        source = opened.enter_context(open_store(way.source))
        found = [opened.enter_context(open_cache(one)) for one in way.caches]
        caches = tuple(cache for cache in found if RUN in cache.shapes)
        with archive_errors(way.archive):
            make_completed(source.connection, way.archive)
            archive = open_completed(way.archive)
            opened.callback(archive.close)
            for store in (source, *caches):
                catch_up(store.connection, archive)
            shapes = read_shapes(archive)
        _check_tables((source, *caches), shapes, way.archive)
        attach_archive((source, *caches), way.archive)
        with archive_errors(way.archive):
            attach_to_read(archive, way.source, SOURCE)
        for connection in (source.connection, archive):
            # A batch fits in: a page that is written out early costs a flush of the journal.
            connection.execute(f"PRAGMA main.cache_size = -{CACHE_KIB}")
        yield Route(
            area=way.area.name,
            keys=key_names(source.connection),
            source=source,
            caches=caches,
            archive=Store(way.archive, archive, shapes),
            who=user_name(),
            host=host_name(),
            now=way.now,
            watch=Watch(way.area.path, way.now),
            leave=way.leave,
        )


def _check_tables(stores: Sequence[Store], shapes: Shapes, archive: Path) -> None:
    """A view, or a table of other letters, may stand where the rows of a run would have to go."""
    for store in stores:
        for shape in store.shapes.values():
            if (shape.of_runs or shape.of_tests) and shape.name not in shapes:
                raise DestinationError(
                    f"{archive} can't have the table {shape.name} of {store.path}:"
                    " something else there bears that name",
                    "rename one of them, or choose another destination",
                )
