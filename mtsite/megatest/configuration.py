"""What the configuration of an area says alone, whether or not it has a database yet.

A value that only a command could tell is said with its file and line, and with the line that
stands in for it in mtsite.toml.
"""

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from msgspec import Struct

from mtsite.config import AreaConfig
from mtsite.errors import AreaUnreadableError, ConfigError, MissingError
from mtsite.megatest.configfile import ConfigFile, read_config
from mtsite.megatest.expand import why_unknown
from mtsite.options import toml_key

CONFIG_NAME = "megatest.config"
HOMEHOST_NAME = ".homehost"
_NO = frozenset({"no", "n", "false", "0", "off"})


class Configuration(Struct, frozen=True):
    """An area as megatest.config describes it; `fields` are the names in [fields].

    `dbdir` is where versions 1.60 to 1.62 put their databases.
    """

    path: Path
    config: ConfigFile
    fields: tuple[str, ...]
    linktree: Path | None
    dbdir: Path | None
    disks: tuple[Path, ...]
    allow_runs: bool
    homehost: str
    problems: tuple[str, ...]


def read_configuration(
    settings: AreaConfig, environ: Mapping[str, str], target: Sequence[str] = ()
) -> Configuration:
    """Read megatest.config of an area, as for a target.

    Raises:
        MissingError: there is no such directory.
        AreaUnreadableError: no megatest.config, or one that can't be read.
    """
    path = settings.path.absolute()
    with directory_errors(settings.name):
        config = _config(settings, path, environ, target)
    linktree, problems = _linktree(settings, config, path, environ)
    return Configuration(
        path=path,
        config=config,
        fields=tuple(config.sections.get("fields", {})),
        linktree=linktree,
        dbdir=_dbdir(config, path, linktree),
        disks=_disks(config, path),
        allow_runs=_setting(config, "setup", "allow-runs").lower() not in _NO,
        homehost=_homehost(config, path),
        problems=(*config.problems, *problems),
    )


@contextmanager
def directory_errors(area_name: str) -> Iterator[None]:
    """A directory in the block that this user may not look into becomes a message.

    Raises:
        AreaUnreadableError: with the path and the reason.
    """
    try:
        yield
    except OSError as error:
        message = f"area {area_name}: {error.filename}: {error.strerror or error}"
        raise AreaUnreadableError(message, f"see `ls -ld {error.filename}`") from error


def given_values(table: Mapping[str, Mapping[str, str]]) -> dict[tuple[str, str], str]:
    """Values of mtsite.toml that stand in for those of a file, by (section, key)."""
    return {(name, key): text for name, values in table.items() for key, text in values.items()}


def stand_in(area_name: str, section: str, key: str, *, test: str = "") -> str:
    """The line of mtsite.toml that stands in for a value, and where to add it."""
    table = ["tests", test] if test else ["values"]
    line = ".".join(map(toml_key, [*table, section, key]))
    return f'add {line} = "…" below [areas.{toml_key(area_name)}] in mtsite.toml'


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
            why = why_unknown(config.unresolved_form("setup", key))
            raise ConfigError(
                [f"{_where(config, 'setup', key)}: [setup] {key} {why}"],
                f"{stand_in(settings.name, 'setup', key)}, or run_configured_commands = true",
            )
        if value := _setting(config, "setup", key):
            return value
    name = settings.path.absolute().name
    return environ.get("MT_TESTSUITE_NAME") or name.rpartition(".")[0] or name


def _config(
    settings: AreaConfig, path: Path, environ: Mapping[str, str], target: Sequence[str]
) -> ConfigFile:
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
        file,
        area_path=path,
        environ=environ,
        allow_commands=settings.run_configured_commands,
        target=target,
        given=given_values(settings.values),
    )
    if not config.found:
        reason = "; ".join(config.problems)
        raise AreaUnreadableError(f"area {settings.name}: {reason}", f"see `ls -l {file}`")
    return config


def _linktree(
    settings: AreaConfig, config: ConfigFile, path: Path, environ: Mapping[str, str]
) -> tuple[Path | None, list[str]]:
    problems: list[str] = []
    default = path / "lt"
    form = config.unresolved_form("setup", "linktree")
    configured = _setting(config, "setup", "linktree")
    given = configured if ("setup", "linktree") in config.given else ""
    chosen = settings.linktree or given or environ.get("MT_LINKTREE") or configured
    if not chosen:
        if form:
            problems.append(
                f"{_where(config, 'setup', 'linktree')}: [setup] linktree {why_unknown(form)};"
                f" {default} is used; {stand_in(settings.name, 'setup', 'linktree')}"
            )
        chosen = default
    linktree = Path(os.path.normpath(path / chosen))
    if linktree == Path(linktree.anchor):
        # Everything lies below it, so every file of the host would pass for a log.
        return None, [*problems, "[setup] linktree is the root directory: no logs are read"]
    return linktree, problems


def _dbdir(config: ConfigFile, path: Path, linktree: Path | None) -> Path | None:
    if configured := _setting(config, "setup", "dbdir"):
        return Path(os.path.normpath(path / configured))
    return linktree / ".db" if linktree is not None else None


def _disks(config: ConfigFile, path: Path) -> tuple[Path, ...]:
    disks: list[Path] = []
    for key, value in config.sections.get("disks", {}).items():
        if config.is_unresolved("disks", key) or not value.strip():
            continue
        disk = Path(os.path.normpath(path / value.strip()))
        if disk != Path(disk.anchor):
            disks.append(disk)
    return tuple(disks)


def archive_disks(config: ConfigFile) -> tuple[str, ...]:
    """The paths of [archive-disks], as they are written there."""
    found = config.sections.get("archive-disks", {}).items()
    return tuple(
        value.strip()
        for key, value in found
        if value.strip() and not config.is_unresolved("archive-disks", key)
    )


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
