"""The whole of the samples: three areas and a site's configuration below one directory."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from msgspec import Struct

from mtsite.errors import UsageError
from mtsite.provenance import Push
from mtsite.sample.annotations import write_annotations
from mtsite.sample.chipyard import CHIPYARD
from mtsite.sample.configs import write_configs, write_site_config
from mtsite.sample.history import SampleRun, plan_runs
from mtsite.sample.logtext import planted_tokens
from mtsite.sample.places import Places, places_below
from mtsite.sample.pushes import attributes_of, push_days, write_pushes
from mtsite.sample.rows import Tables, open_new, store, store_locks, store_meta
from mtsite.sample.rundirs import RunDirs
from mtsite.sample.satellite import Moved, mark_of_move, move_time, store_notes
from mtsite.sample.spec import AreaSpec
from mtsite.sample.webstack import WEBSTACK

ARCHIVE = "chipyard_archive"
ARCHIVE_TITLE = "Chip and firmware, older runs"


class SampleSite(Struct, frozen=True):
    """What was made: `areas` by name, `tokens` are the fake secrets that lie in one log."""

    root: Path
    config: Path
    areas: Mapping[str, Path]
    runs: int
    tests: int
    tokens: tuple[str, ...]


def make_samples(root: Path, *, seed: int, now: int, days: int = 90) -> SampleSite:
    """Make the areas chipyard, its satellite chipyard_archive, and webstack below `root`/areas.

    `now` is in Unix seconds: the newest run is in flight at that time, the oldest of the nightlies
    `days` older, those in the satellite older still. The same arguments give the same bytes.

    Raises:
        UsageError: there are areas below `root` already, or `days` is under 1.
    """
    root = root.resolve()
    if days < 1:
        raise UsageError(f"{days} days make no history", "give at least 1")
    if (root / "areas").exists():
        raise UsageError(f"{root}: there are areas already", "choose another directory")
    root.mkdir(parents=True, exist_ok=True)
    chipyard = _make_chipyard(root, plan_runs(CHIPYARD, seed, now, days, 1 + days // 8), seed, now)
    pushes = push_days(now, days, seed)
    write_pushes(root, pushes)
    webstack = _make_webstack(root, plan_runs(WEBSTACK, seed, now, days, 0), seed, pushes)
    titles = {CHIPYARD.name: CHIPYARD.title, WEBSTACK.name: WEBSTACK.title, ARCHIVE: ARCHIVE_TITLE}
    write_site_config(root / "mtsite.toml", titles)
    write_annotations(root / "annotations", now)
    runs = [*chipyard, *webstack]
    return SampleSite(
        root=root,
        config=root / "mtsite.toml",
        areas={name: root / "areas" / name for name in titles},
        runs=len(runs),
        tests=sum(len(run.tests) for run in runs),
        tokens=planted_tokens(),
    )


def _make_webstack(
    root: Path, runs: Sequence[SampleRun], seed: int, pushes: Sequence[Push]
) -> list[SampleRun]:
    """webstack, whose runs say which push and which build they tested."""
    places = places_below(root, WEBSTACK.name)
    write_configs(WEBSTACK, places)
    tables = Tables(WEBSTACK.keys)
    for run_id, run in enumerate(runs, 1):
        tables.add_run(run, run_id, places)
        tables.add_attributes(run_id, attributes_of(run, pushes))
    _store(places, WEBSTACK, tables, runs)
    _write_dirs(root, places, runs, seed)
    return list(runs)


def _make_chipyard(root: Path, runs: Sequence[SampleRun], seed: int, now: int) -> list[SampleRun]:
    """chipyard and its satellite: moved runs have their rows there and a mark here."""
    live = places_below(root, CHIPYARD.name)
    archive = Places(root / "areas" / ARCHIVE, live.linktree, live.disks)
    write_configs(CHIPYARD, live, archive=ARCHIVE)
    write_configs(CHIPYARD, archive, satellite_of=CHIPYARD.name)
    here = Tables(CHIPYARD.keys)
    there = Tables(CHIPYARD.keys, last=here.last)
    moves: list[Moved] = []
    for run_id, run in enumerate(runs, 1):
        if not run.moved:
            here.add_run(run, run_id, live)
            continue
        when = move_time(run, now)
        here.add_moved(run, run_id, mark_of_move(ARCHIVE, when), when)
        there.add_run(run, run_id, live)
        moves.append(Moved(run, run_id, CHIPYARD.name, live.area / "megatest.db", when))
    _store(live, CHIPYARD, here, runs)
    _store(archive, CHIPYARD, there, (), moves)
    _write_dirs(root, live, runs, seed)
    return list(runs)


def _store(
    places: Places,
    spec: AreaSpec,
    tables: Tables,
    runs: Sequence[SampleRun],
    moves: Sequence[Moved] = (),
) -> None:
    path = places.area / "megatest.db"
    connection = open_new(path, spec.keys)
    try:
        store(connection, tables)
        store_meta(connection, spec)
        store_locks(connection, runs)
        if moves:
            store_notes(connection, path, moves)
        connection.execute("COMMIT")
    finally:
        connection.close()


def _write_dirs(root: Path, places: Places, runs: Sequence[SampleRun], seed: int) -> None:
    dirs = RunDirs(root, places, seed)
    for run in runs:
        dirs.write(run)
