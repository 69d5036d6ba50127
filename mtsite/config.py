"""`mtsite.toml` → one frozen `Config`, every mistake reported at once.

Each section is a dataclass whose fields are declared options (`mtsite.options`): name, kind,
default and sentence in one place. Flags win over `MTSITE_*` variables, these over the file, the
file over the defaults.
"""

import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from mtsite.areaconfig import AreaConfig as AreaConfig
from mtsite.areaconfig import read_areas
from mtsite.chosenfiles import AttachmentsConfig
from mtsite.datasets import read_datasets
from mtsite.errors import ConfigError
from mtsite.operation import (
    CheckConfig,
    HomehostConfig,
    NightlyConfig,
    NotifyConfig,
    ScheduleConfig,
)
from mtsite.options import (
    AGE,
    AGE_OR_ALL,
    AGE_OR_FOREVER,
    DESTINATION,
    FLAG,
    PATH,
    SCHEDULER,
    SIZE,
    TEXT,
    TEXTS,
    WEB_ADDRESS,
    ZONE,
    one_of,
    option,
    whole_number,
)
from mtsite.options import parse_age as parse_age
from mtsite.ownrules import (
    REGEXES_BY_NAME,
    ClustersConfig,
    LogRule,
    OwnRule,
    read_clusters,
    read_own_rules,
)
from mtsite.tomlfile import TableReader, TomlFile

FILE_NAME = "mtsite.toml"
STATE_DIRECTORY = ".mtsite"


@dataclass(frozen=True)
class SiteConfig:
    """[site]: the site as a whole."""

    title: str = option(TEXT, "Test results", "The heading of the front page.")
    output: Path = option(PATH, "site", "The directory that the site is built into.")
    base_url: str = option(
        WEB_ADDRESS, "", "Where readers find the site; only feeds and cards need it."
    )
    timezone: str = option(ZONE, "UTC", "Decides months and nights (a night is noon to noon).")
    keep_local: int | None = option(
        AGE_OR_ALL, "all", "How long pages of sealed runs stay on this disk once published."
    )
    noindex: bool = option(FLAG, True, "Ask search engines to stay away.")


@dataclass(frozen=True)
class ReduceConfig:
    """[reduce]: which runs leave the live database for completed-runs.db."""

    older_than: int = option(AGE, "2d", "Age after which a finished run moves.")
    keep_live: int = option(
        whole_number(0, 100_000), 2, "Newest finished runs of each target that stay."
    )
    dead_after: int = option(
        AGE, "7d", "Silence after which a row that claims to run counts as ended."
    )


@dataclass(frozen=True)
class BuildConfig:
    """[build]: how pages are made."""

    settle: int = option(
        AGE, "1h", "How long nothing of an ended run must have moved before it is sealed."
    )
    engine: str = option(
        one_of("inprocess", "processes", "dask"), "processes", "Who does the work."
    )
    workers: int = option(whole_number(1, 1024), 2, "How many workers the engine uses.")
    dask_scheduler: str = option(SCHEDULER, "", "Of the engine dask: tcp://host:port, or its file.")
    time_limit: int = option(AGE, "0s", "Time after which a build begins no further run; 0s: none.")
    log_cap: int = option(SIZE, "256MiB", "The most that is read of one log.")


@dataclass(frozen=True)
class PublishConfig:
    """[publish]: where the site goes. Credentials come from boto3's own chain, never from here."""

    destination: str = option(DESTINATION, "", "s3://bucket/prefix, or a directory.")
    endpoint_url: str = option(WEB_ADDRESS, "", "The S3 server, if it is not Amazon's.")
    region: str = option(TEXT, "us-east-1", "The region that requests are signed for.")
    threads: int = option(whole_number(1, 256), 8, "Uploads at the same time.")
    grace: int = option(AGE, "7d", "How long a file that nothing refers to any more stays there.")
    max_deletes: int = option(
        whole_number(0, 10**9), 10_000, "How many objects one publish may delete; the rest waits."
    )


@dataclass(frozen=True)
class RetainConfig:
    """[retain]: three clocks, logs ≤ pages ≤ rows, which start when a run ends; None is for ever.

    What is kept is kept from all three; the last and the last good run of a target always are.
    """

    logs: int | None = option(
        AGE_OR_FOREVER, "forever", "When its logs end; findings and excerpts stay."
    )
    pages: int | None = option(
        AGE_OR_FOREVER, "forever", "When a run's pages end; a small page stays at each address."
    )
    rows: int | None = option(
        AGE_OR_FOREVER, "forever", "When its rows leave the databases, after they were exported."
    )
    keep_last: int = option(
        whole_number(0, 100_000), 0, "Newest finished runs of each target that are kept."
    )
    keep_within: int = option(
        AGE, "0s", "Runs that are kept because they ended this long before their target's newest."
    )
    exports: Path = option(
        PATH, "exports", "The directory that rows are exported to before they go."
    )

    @property
    def is_empty(self) -> bool:
        """Whether nothing ever ends."""
        return self.logs is None and self.pages is None and self.rows is None


@dataclass(frozen=True)
class RedactConfig:
    """[redact]: what is masked before anything is stored."""

    rules: tuple[str, ...] = option(TEXTS, ["default"], "Built-in sets of rules.")
    mode: str = option(
        one_of("mask", "fail", "report"),
        "mask",
        "mask: secrets are masked; fail: and a run that holds one is left out of the build;"
        " report: they are counted and stay, to try rules out.",
    )
    allow: tuple[tuple[str, tuple[str, ...]], ...] = option(
        REGEXES_BY_NAME, {}, "By rule, regular expressions of whole values that it leaves alone."
    )
    own: tuple[OwnRule, ...] = ()


@dataclass(frozen=True)
class LogsConfig:
    """[logs]: what judges logs. `settings` has the tables [logs.FAMILY] by family of rules."""

    settings: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    rules: tuple[LogRule, ...] = ()


@dataclass(frozen=True)
class Config:
    """All settings. `root` is the directory of the file, or the current one without a file.

    `origins` says for each "section.key" where its value comes from: "mtsite.toml:12",
    "environment MTSITE_SITE_TITLE", "command line" or "default".
    """

    file: Path | None
    root: Path
    state_dir: Path
    areas: Mapping[str, AreaConfig] = field(default_factory=dict)
    site: SiteConfig = field(default_factory=SiteConfig)
    reduce: ReduceConfig = field(default_factory=ReduceConfig)
    homehost: HomehostConfig = field(default_factory=HomehostConfig)
    build: BuildConfig = field(default_factory=BuildConfig)
    publish: PublishConfig = field(default_factory=PublishConfig)
    retain: RetainConfig = field(default_factory=RetainConfig)
    redact: RedactConfig = field(default_factory=RedactConfig)
    attachments: AttachmentsConfig = field(default_factory=AttachmentsConfig)
    logs: LogsConfig = field(default_factory=LogsConfig)
    clusters: ClustersConfig = field(default_factory=ClustersConfig)
    check: CheckConfig = field(default_factory=CheckConfig)
    nightly: NightlyConfig = field(default_factory=NightlyConfig)
    notify: NotifyConfig = field(default_factory=NotifyConfig)
    schedule: ScheduleConfig = field(default_factory=ScheduleConfig)
    origins: Mapping[str, str] = field(default_factory=dict, compare=False, repr=False)


SECTIONS: Mapping[str, type] = {
    "site": SiteConfig,
    "reduce": ReduceConfig,
    "homehost": HomehostConfig,
    "build": BuildConfig,
    "publish": PublishConfig,
    "retain": RetainConfig,
    "redact": RedactConfig,
    "attachments": AttachmentsConfig,
    "check": CheckConfig,
    "nightly": NightlyConfig,
    "notify": NotifyConfig,
    "schedule": ScheduleConfig,
}


_OF_ITS_OWN = ("areas", "logs", "clusters")
"""Sections that are no plain list of settings."""


def find_config(start: Path, explicit: Path | None, environ: Mapping[str, str]) -> Path | None:
    """The configuration file: `explicit`, else MTSITE_CONFIG, else the nearest walking up; or None.

    The first two are not checked: reading says what is wrong with them.
    """
    if explicit is not None:
        return explicit
    if named := environ.get("MTSITE_CONFIG"):
        return Path(named)
    here = start.absolute()
    for directory in (here, *here.parents):
        if (directory / FILE_NAME).is_file():
            return directory / FILE_NAME
    return None


def config_for_areas(dirs: Sequence[Path], output: Path, state_dir: Path) -> Config:
    """All defaults for these areas, named after their directories.

    Raises:
        ConfigError: two of them have one name or are one directory.
    """
    root = Path.cwd()
    areas: dict[str, AreaConfig] = {}
    mistakes = []
    for directory in dirs:
        path = root / directory
        name = path.resolve().name or "area"
        if name in areas:
            mistakes.append(f"{path}: there is another area {name}: {areas[name].path}")
        areas[name] = AreaConfig(name=name, path=path)
    if mistakes:
        raise ConfigError(mistakes, f"give them names in {FILE_NAME}: `mtsite init` writes one")
    origins = {f"areas.{name}.path": "command line" for name in areas}
    origins["site.output"] = "command line"
    return Config(
        file=None,
        root=root,
        state_dir=root / state_dir,
        areas=areas,
        site=SiteConfig(output=root / output),
        origins=origins,
    )


def load_config(
    path: Path, environ: Mapping[str, str], flags: Mapping[str, str] | None = None
) -> Config:
    """Read the file; `flags` ("site.output" → text) win over MTSITE_* variables, these over it.

    Relative paths are relative to the file's directory; those of variables and flags to the
    current one.

    Raises:
        ConfigError: every mistake, each with file, line and key.
    """
    reader = TableReader(TomlFile(path))
    tables = reader.file.tables
    for name in tables:
        if name not in {*SECTIONS, *_OF_ITS_OWN}:
            reader.unknown((name,), tables[name], [*SECTIONS, *_OF_ITS_OWN])
    own = read_own_rules(reader, tables, ("redact", "own"), OwnRule)
    logs = _logs(reader, tables)
    clusters = read_clusters(reader, tables)
    sections = {
        name: section(
            **reader.values(
                (name,),
                section,
                reader.table((name,), tables.get(name, {})),
                reader.overrides(name, section, environ, flags or {}),
            )
        )
        for name, section in SECTIONS.items()
    }
    config = Config(
        file=path,
        root=reader.root,
        state_dir=reader.root / STATE_DIRECTORY,
        areas=read_areas(reader),
        origins=reader.origins,
        **sections,
    )
    if not reader.mistakes:
        _check_together(reader, config)
    if reader.mistakes:
        hint = "correct these lines; `mtsite config check` says when all is well"
        raise ConfigError(reader.mistakes, hint)
    redact = replace(config.redact, own=own)
    return replace(config, redact=redact, logs=logs, clusters=clusters)


def _logs(reader: TableReader, tables: dict[str, Any]) -> LogsConfig:
    """[[logs.rule]], and the tables [logs.FAMILY]: the family itself reads its own."""
    rules = read_own_rules(reader, tables, ("logs", "rule"), LogRule)
    section = reader.table(("logs",), tables.get("logs", {}))
    for name, found in section.items():
        if not isinstance(found, dict):
            reader.mistake(("logs", name), "expected a table, as [logs.FAMILY]")
    settings = {name: found for name, found in section.items() if isinstance(found, dict)}
    if "migration" in settings:
        settings["migration"] = read_datasets(reader, settings["migration"])
    return LogsConfig(settings, rules)


def _check_together(reader: TableReader, config: Config) -> None:
    """What only several values together show."""
    paths: dict[str, str] = {}
    names = dict.fromkeys(config.areas, "")
    output = os.path.realpath(config.site.output)
    for name, area in config.areas.items():
        real = os.path.realpath(area.path)
        if real in paths:
            reader.mistake(("areas", name, "path"), f"is the directory of area {paths[real]} too")
        paths.setdefault(real, name)
        for alias in area.aliases:
            if alias in names:
                reader.mistake(("areas", name, "aliases"), f'"{alias}" is an area\'s name already')
            names[alias] = name
        if Path(real).is_relative_to(output):
            reader.mistake(("site", "output"), f"would hold area {name} itself ({area.path})")
    if config.publish.destination and os.path.realpath(config.publish.destination) == output:
        reader.mistake(("publish", "destination"), "is the directory of [site] output itself")
    clocks = [config.retain.logs, config.retain.pages, config.retain.rows]
    spans = [math.inf if age is None else age for age in clocks]
    if spans != sorted(spans):
        reader.mistake(("retain",), "logs may not outlive pages, nor pages rows")
