"""One run explained: where its rows lie, its notes and holds, and the rule that keeps or moves it.

Reads only; every database is looked at as plans look at it.
"""

from collections.abc import Mapping
from pathlib import Path

from msgspec import Struct

from mtsite import notes
from mtsite.archive.job import Job, Wishes
from mtsite.archive.migrate import automigrate_area
from mtsite.archive.plan import PlannedMove
from mtsite.archive.reduce import reduce_area
from mtsite.config import Config
from mtsite.errors import MtsiteError
from mtsite.holds import Hold, load_holds
from mtsite.manifest import FILE, KnownRun, Manifest
from mtsite.megatest.area import TMP
from mtsite.megatest.database import reading
from mtsite.megatest.merge import list_areas
from mtsite.megatest.reader import RunHead
from mtsite.model import RunKey
from mtsite.notes import Note
from mtsite.urls import EMPTY_KEY_VALUE, run_dir


class Judged(Struct, frozen=True):
    """What a command would do with the run: `verdict` is 'moves', 'stays' or '' (can't tell)."""

    command: str
    verdict: str
    rule: str
    reason: str


class Explained(Struct, frozen=True):
    """All that is known of one run; `head` is None where no database has rows of it.

    `rebuilt` says why its pages were or would be made anew.
    """

    key: RunKey
    head: RunHead | None
    found: tuple[tuple[Path, Note], ...]
    hold: Hold | None
    judged: tuple[Judged, ...]
    rebuilt: str


def explain_run(
    config: Config, key: RunKey, now: int, environ: Mapping[str, str], *, tmp: Path = TMP
) -> Explained:
    """Explain a run at `now` (Unix seconds).

    Raises:
        ConfigError: holds that can't be read.
    """
    listings = list_areas(config.areas.values(), environ, tmp=tmp)
    heads = {head.key: head for one in listings for head in one.heads}
    head = heads.get(key)
    paths = [path for one in listings if one.area for path in one.area.databases]
    holds = load_holds(config.root)
    job = Job(
        config.areas, config.reduce, now, config.state_dir, Wishes(holds=holds), dry_run=True,
        environ=environ, tmp=tmp,
    )  # fmt: skip
    judged = _judge(config, key, head.home, job) if head else ()
    return Explained(
        key, head, _notes(paths, key), holds.of(key, now), judged, _rebuilt(config, key, head)
    )


def _notes(paths: list[Path], key: RunKey) -> tuple[tuple[Path, Note], ...]:
    found = []
    for path in paths:
        try:
            with reading(path) as connection:
                known = notes.read(connection)
        except MtsiteError:
            continue  # Its area's page says so.
        found += [(path, note) for note in known if _key(note) == key]
    return tuple(found)


def _key(note: Note) -> RunKey:
    target = tuple(value or EMPTY_KEY_VALUE for value in note.birth_target)
    return RunKey(note.birth_area, target, note.birth_runname)


def _judge(config: Config, key: RunKey, home: str, job: Job) -> tuple[Judged, ...]:
    settings = config.areas.get(home)
    if settings is None:
        return ()
    found = []
    try:
        summary = reduce_area(settings, job)
        found.append(_told("reduce", summary.skipped, summary.plan.moves, key))
    except MtsiteError as error:
        found.append(Judged("reduce", "", "", error.message))
    try:
        migrated = automigrate_area(settings, job)
        found.append(_told("automigrate", migrated.skipped, migrated.moves, key))
    except MtsiteError as error:
        found.append(Judged("automigrate", "", "", error.message))
    return tuple(found)


def _told(command: str, skipped: str, moves: tuple[PlannedMove, ...], key: RunKey) -> Judged:
    if skipped:
        return Judged(command, "stays", "skipped", skipped)
    for one in moves:
        target = tuple(value or EMPTY_KEY_VALUE for value in one.run.target)
        is_marked = one.rule == "moved" and not one.run.tests
        if (target, one.run.runname) == (key.target, key.runname) and not is_marked:
            to = f" to {one.destination}" if one.destination else ""
            return Judged(command, f"moves{to}" if one.moves else "stays", one.rule, one.reason)
    return Judged(command, "stays", "elsewhere", "its rows lie in no database that it looks at")


def _rebuilt(config: Config, key: RunKey, head: RunHead | None) -> str:
    known = _known(config, key)
    if known is None:
        return "no build has seen it yet"
    if known.gone:
        return f"gone: {known.gone}"
    if not known.fingerprint:
        return "it had not ended when it was read: each build reads it again"
    if head is None or head.fingerprint != known.fingerprint:
        return "its rows have changed since its pages were made: the next build makes them anew"
    sealed = "sealed" if known.sealed else "not sealed yet"
    return f"its pages show the rows as they are ({sealed}; their input is {known.input[:12]})"


def _known(config: Config, key: RunKey) -> KnownRun | None:
    if not (config.state_dir / FILE).exists():
        return None
    with Manifest.open(config.state_dir) as manifest:
        return manifest.known_runs().get(run_dir(key))
