"""An area directory: its name, its fields, its linktree, its databases. Reads, never writes."""

import os
import pwd
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from mtsite.config import AreaConfig
from mtsite.errors import AreaUnreadableError, ConfigError, MissingError
from mtsite.megatest import schema
from mtsite.megatest.configfile import ConfigFile, read_config
from mtsite.megatest.database import AreaConnection, DatabaseMark, mark, reading

CONFIG_NAME = "megatest.config"
DATABASE_NAME = "megatest.db"
COMPLETED_NAME = "completed-runs.db"
HOMEHOST_NAME = ".homehost"
TMP = Path("/tmp")
_NO = frozenset({"no", "n", "false", "0", "off"})


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
    path = settings.path.absolute()
    config = _config(settings, path, environ)
    testsuite = testsuite_name(settings, config, environ)
    live = path / DATABASE_NAME
    if not live.exists():
        raise AreaUnreadableError(
            f"area {settings.name}: no {DATABASE_NAME} in {path}",
            "areas of generation G4 have one; run Megatest there once",
        )
    problems = list(config.problems)
    fields, field_problems = _fields(live, config)
    linktree, linktree_problems = _linktree(settings, config, path, environ)
    return Area(
        name=settings.name or testsuite,
        path=path,
        testsuite=testsuite,
        fields=fields,
        linktree=linktree,
        disks=_disks(config, path),
        config=config,
        databases=find_databases(path, testsuite, tmp=tmp),
        allow_runs=_setting(config, "setup", "allow-runs").lower() not in _NO,
        homehost=_homehost(config, path),
        settings=settings,
        problems=(*problems, *field_problems, *linktree_problems),
    )


def find_databases(path: Path, testsuite: str, *, tmp: Path = TMP) -> tuple[Path, ...]:
    """megatest.db, or its /tmp cache where that is newer; completed-runs.db if there is one."""
    live, completed = path / DATABASE_NAME, path / COMPLETED_NAME
    newest = cache_of(path, testsuite, live, tmp) or live
    return (newest, completed) if completed.exists() else (newest,)


def testsuite_name(settings: AreaConfig, config: ConfigFile, environ: Mapping[str, str]) -> str:
    """The area's name by Megatest's own rule; `settings.testsuite` stands in for a command.

    The directory's name loses its extension: an area in `v1.65` is called `v1`.

    Raises:
        ConfigError: the name would have to be computed by a command.
    """
    if settings.testsuite:
        return settings.testsuite
    for key in ("area-name", "testsuite"):
        if config.is_unresolved("setup", key):
            where = _where(config, "setup", key)
            raise ConfigError(
                [f"{where}: [setup] {key} is computed by a command"],
                f'say name = "…" in [areas.{settings.name}], or run_configured_commands = true',
            )
        if value := _setting(config, "setup", key):
            return value
    name = settings.path.absolute().name
    return environ.get("MT_TESTSUITE_NAME") or name.rpartition(".")[0] or name


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


def _config(settings: AreaConfig, path: Path, environ: Mapping[str, str]) -> ConfigFile:
    if not path.is_dir():
        raise MissingError(
            f"area {settings.name}: no directory {path}",
            f"correct path in [areas.{settings.name}], or mount it",
        )
    file = path / CONFIG_NAME
    if not file.is_file():
        raise AreaUnreadableError(
            f"area {settings.name}: no {CONFIG_NAME} in {path}", "is that an area's directory?"
        )
    config = read_config(
        file, area_path=path, environ=environ, allow_commands=settings.run_configured_commands
    )
    if not config.found:
        reason = "; ".join(config.problems)
        raise AreaUnreadableError(f"area {settings.name}: {reason}", f"see `ls -l {file}`")
    return config


def _fields(live: Path, config: ConfigFile) -> tuple[tuple[str, ...], list[str]]:
    fields = tuple(name for name, _kind in read_fields(live))
    configured = tuple(config.sections.get("fields", {}))
    if configured == fields or not configured:
        return fields, []
    return fields, [
        f"[fields] says {'/'.join(configured)}, the database's keys are {'/'.join(fields)};"
        " the database is followed"
    ]


def _linktree(
    settings: AreaConfig, config: ConfigFile, path: Path, environ: Mapping[str, str]
) -> tuple[Path | None, list[str]]:
    problems: list[str] = []
    default = path / "lt"
    unresolved = config.is_unresolved("setup", "linktree")
    configured = _setting(config, "setup", "linktree")
    chosen = settings.linktree or environ.get("MT_LINKTREE") or configured
    if not chosen:
        if unresolved:
            problems.append(
                f"{_where(config, 'setup', 'linktree')}: [setup] linktree is computed by a"
                f" command; {default} is used. Say linktree in [areas.{settings.name}]"
            )
        chosen = default
    linktree = Path(os.path.normpath(path / chosen))
    if linktree == Path(linktree.anchor):
        # Everything lies below it, so every file of the host would pass for a log.
        return None, [*problems, "[setup] linktree is the root directory: no logs are read"]
    return linktree, problems


def _disks(config: ConfigFile, path: Path) -> tuple[Path, ...]:
    disks: list[Path] = []
    for key, value in config.sections.get("disks", {}).items():
        if config.is_unresolved("disks", key) or not value.strip():
            continue
        disk = Path(os.path.normpath(path / value.strip()))
        if disk != Path(disk.anchor):
            disks.append(disk)
    return tuple(disks)


def _homehost(config: ConfigFile, path: Path) -> str:
    if configured := _setting(config, "server", "homehost"):
        return configured
    file = path / HOMEHOST_NAME
    try:
        if not file.is_file():
            return ""
        with file.open("rb") as opened:
            first = opened.read(256).split(b"\n")[0]
    except OSError:
        return ""
    return first.decode("utf-8", "replace").strip()


def _setting(config: ConfigFile, section: str, key: str) -> str:
    """The value without blanks around it; '' where there is none or only a command could tell."""
    if config.is_unresolved(section, key):
        return ""
    return (config.get(section, key) or "").strip()


def _where(config: ConfigFile, section: str, key: str) -> str:
    file, line = config.where(section, key)
    return f"{file}:{line}"


def _text(value: object) -> str:
    if isinstance(value, bytes):
        return value.decode("utf-8", "surrogateescape")
    return "" if value is None else str(value)
