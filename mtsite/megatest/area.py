"""An area directory: its name, its fields, its linktree, its databases. Reads, never writes."""

import pwd
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from mtsite.config import AreaConfig
from mtsite.errors import AreaUnreadableError, MissingError, NoDatabaseError
from mtsite.megatest import schema
from mtsite.megatest.configfile import ConfigFile
from mtsite.megatest.configuration import read_configuration, testsuite_name
from mtsite.megatest.database import AreaConnection, DatabaseMark, mark, reading

DATABASE_NAME = "megatest.db"
COMPLETED_NAME = "completed-runs.db"
TMP = Path("/tmp")


@dataclass(frozen=True)
class Area:
    """One area as it is now.

    `testsuite` is Megatest's own name for it, part of the path of its /tmp cache and of its
    archives; `name` is the site's. `fields` are the key names in key order. `databases` are
    megatest.db, or the /tmp cache of it where that is newer, then completed-runs.db if there is
    one. `disks` are where run directories physically lie. `problems` are for the area's page.
    """

    name: str
    path: Path
    testsuite: str
    fields: tuple[str, ...]
    linktree: Path | None
    disks: tuple[Path, ...]
    config: ConfigFile
    databases: tuple[Path, ...]
    allow_runs: bool
    homehost: str
    settings: AreaConfig
    problems: tuple[str, ...]


def open_area(settings: AreaConfig, environ: Mapping[str, str], *, tmp: Path = TMP) -> Area:
    """Read an area's configuration and find its databases. `tmp` is where caches lie (/tmp).

    Raises:
        MissingError: there is no such directory.
        AreaUnreadableError: no megatest.config, no megatest.db, or one that can't be read.
        ConfigError: a value that is needed would have to be computed by a command.
    """
    configuration = read_configuration(settings, environ)
    path, config = configuration.path, configuration.config
    testsuite = testsuite_name(settings, config, environ)
    live = path / DATABASE_NAME
    if not live.exists():
        raise NoDatabaseError(
            f"area {settings.name}: no {DATABASE_NAME} in {path}",
            "areas of generation G4 have one; run Megatest there once",
        )
    fields, problems = _fields(live, configuration.fields)
    return Area(
        name=settings.name or testsuite,
        path=path,
        testsuite=testsuite,
        fields=fields,
        linktree=configuration.linktree,
        disks=configuration.disks,
        config=config,
        databases=find_databases(path, testsuite, tmp=tmp),
        allow_runs=configuration.allow_runs,
        homehost=configuration.homehost,
        settings=settings,
        problems=(*configuration.problems, *problems),
    )


def find_databases(path: Path, testsuite: str, *, tmp: Path = TMP) -> tuple[Path, ...]:
    """megatest.db, or its /tmp cache where that is newer; completed-runs.db if there is one."""
    live, completed = path / DATABASE_NAME, path / COMPLETED_NAME
    newest = cache_of(path, testsuite, live, tmp) or live
    return (newest, completed) if completed.exists() else (newest,)


def read_fields(database: Path) -> tuple[tuple[str, str], ...]:
    """The key columns (name, type) of a database in key order: by ascending `keys.id`.

    Raises:
        AreaUnreadableError: not a Megatest database, of an older generation, or without a key.
    """
    with reading(database) as connection:
        check_generation(connection)
        rows = connection.execute(
            "SELECT fieldname, fieldtype FROM keys WHERE fieldname IS NOT NULL ORDER BY id"
        ).fetchall()
        columns = {name.lower() for name in schema.column_names(connection, "runs")}
    fields = tuple((_text(name), _text(kind) or "TEXT") for name, kind in rows)
    absent = [name for name, _kind in fields if name.lower() not in columns]
    if absent or not fields:
        what = f"keys without a column in runs: {', '.join(absent)}" if absent else "no keys"
        raise AreaUnreadableError(f"{database}: {what}", "Megatest's -cleanup-db adds them")
    return fields


def check_generation(connection: AreaConnection) -> None:
    """Make sure that this version of mtsite can read the database.

    Raises:
        AreaUnreadableError: not a Megatest database, or one of another generation.
    """
    try:
        generation = schema.detect(connection)
    except AreaUnreadableError as error:
        raise AreaUnreadableError(f"{connection.path}: {error.message}", error.hint) from error
    if not generation.readable:
        shape = f"generation {generation.name} ({generation.versions})"
        raise AreaUnreadableError(
            f"{connection.path}: {shape}: not read yet",
            "areas of v1.6208 to v1.65 are read",
        )


def cache_of(path: Path, testsuite: str, live: Path, tmp: Path) -> Path | None:
    """The owner's cache of the area's database on this host, if it is there and newer.

    Another user could have put a file at that place: only one that the area's owner owns counts.
    """
    try:
        owner = path.stat().st_uid
        user = pwd.getpwuid(owner).pw_name
    except (KeyError, OSError):
        return None
    for place in dict.fromkeys((path, path.resolve())):
        directory = tmp / user / "megatest_localdb" / testsuite / str(place).replace("/", ".")
        cache = directory / DATABASE_NAME
        try:
            status = cache.lstat()
            if not stat.S_ISREG(status.st_mode) or status.st_uid != owner:
                continue
            if _newest(mark(cache)) > _newest(mark(live)):
                return cache
        except (OSError, MissingError):
            continue
    return None


def _newest(seen: DatabaseMark) -> int:
    """The newest mtime (ns) of a database and its journals, as Megatest compares them."""
    return max(seen.mtime_ns, *(side[1] for side in (seen.journal, seen.wal) if side), 0)


def _fields(live: Path, configured: tuple[str, ...]) -> tuple[tuple[str, ...], list[str]]:
    fields = tuple(name for name, _kind in read_fields(live))
    if configured == fields or not configured:
        return fields, []
    return fields, [
        f"[fields] says {'/'.join(configured)}, the database's keys are {'/'.join(fields)};"
        " the database is followed"
    ]


def _text(value: object) -> str:
    if isinstance(value, bytes):
        return value.decode("utf-8", "surrogateescape")
    return "" if value is None else str(value)
