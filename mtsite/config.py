"""`mtsite.toml` → one frozen `Config`, every mistake reported at once.

Each section is a dataclass whose fields are declared options (`mtsite.options`): name, kind,
default and sentence in one place. Flags win over `MTSITE_*` variables, these over the file, the
file over the defaults.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from mtsite.options import (
    AGE,
    AGE_OR_FOREVER,
    CLOCK,
    DESTINATION,
    FLAG,
    PATH,
    PREFIXES,
    REQUIRED,
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

FILE_NAME = "mtsite.toml"


@dataclass(frozen=True)
class SiteConfig:
    """[site]: the site as a whole."""

    title: str = option(TEXT, "Test results", "The heading of the front page.")
    output: Path = option(PATH, "site", "The directory that the site is built into.")
    base_url: str = option(
        WEB_ADDRESS, "", "Where readers find the site; only feeds and cards need it."
    )
    timezone: str = option(ZONE, "UTC", "Decides months and nights (a night is noon to noon).")
    noindex: bool = option(FLAG, True, "Ask search engines to stay away.")


@dataclass(frozen=True)
class AreaConfig:
    """[areas.NAME]: one Megatest area; NAME is the first part of its addresses, for ever."""

    name: str
    path: Path = option(PATH, REQUIRED, "The directory that holds megatest.config.")
    run_configured_commands: bool = option(
        FLAG, False, "Let shell, system and scriptinc forms of this area's config files run."
    )
    linktree: Path | None = option(
        PATH, None, "Stands in for [setup] linktree where a command would compute it."
    )
    testsuite: str = option(
        TEXT, "", "Stands in for [setup] area-name where a command would compute it.", key="name"
    )
    title: str = option(TEXT, "", "What readers see instead of NAME.")
    path_map: Mapping[str, str] = option(
        PREFIXES, {}, "Prefixes of stored paths and what they are called on this host."
    )
    aliases: tuple[str, ...] = option(
        TEXTS, [], "Former names of the area; their addresses lead here."
    )
    intro: Path | None = option(
        PATH, None, "A Markdown file shown on the area's page; a relative path is below `path`."
    )
    contact: str = option(TEXT, "", "Whom to ask about this area.")
    reduce: bool = option(FLAG, True, "Whether finished runs move to completed-runs.db.")


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
    time_limit: int = option(AGE, "0s", "Stop cleanly after this time, newest runs first; 0s: no limit.")
    log_cap: int = option(SIZE, "256MiB", "The most that is read of one log.")


@dataclass(frozen=True)
class PublishConfig:
    """[publish]: where the site goes. Credentials come from boto3's own chain, never from here."""

    destination: str = option(DESTINATION, "", "s3://bucket/prefix, or a directory.")
    endpoint_url: str = option(WEB_ADDRESS, "", "The S3 server, if it is not Amazon's.")
    region: str = option(TEXT, "us-east-1", "The region that requests are signed for.")
    threads: int = option(whole_number(1, 256), 8, "Uploads at the same time.")
    grace: int = option(AGE, "7d", "How long a file that nothing refers to any more stays there.")


@dataclass(frozen=True)
class RetainConfig:
    """[retain]: three clocks, logs ≤ pages ≤ rows; None is for ever."""

    logs: int | None = option(
        AGE_OR_FOREVER, "forever", "When blobs and log pages end; findings and excerpts stay."
    )
    pages: int | None = option(AGE_OR_FOREVER, "forever", "When a run's pages end.")
    rows: int | None = option(AGE_OR_FOREVER, "forever", "When a run's rows end.")


@dataclass(frozen=True)
class OwnRule:
    """[[redact.own]]: a mask of one's own; whatever `regex` (RE2) matches is masked."""

    name: str = option(TEXT, REQUIRED, "The name that the mask shows.")
    regex: str = option(TEXT, REQUIRED, "A regular expression in RE2's syntax.")


@dataclass(frozen=True)
class RedactConfig:
    """[redact]: what is masked before anything is stored."""

    rules: tuple[str, ...] = option(TEXTS, ["default"], "Built-in sets of rules.")
    own: tuple[OwnRule, ...] = ()


@dataclass(frozen=True)
class ScheduleConfig:
    """[schedule]: when `mtsite schedule` does what."""

    nightly: str = option(CLOCK, "02:00", "When the night's job starts, in the host's time.")
    refresh_minutes: int = option(
        whole_number(0, 1440), 15, "Minutes between builds during the day; 0: none."
    )


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
    build: BuildConfig = field(default_factory=BuildConfig)
    publish: PublishConfig = field(default_factory=PublishConfig)
    retain: RetainConfig = field(default_factory=RetainConfig)
    redact: RedactConfig = field(default_factory=RedactConfig)
    schedule: ScheduleConfig = field(default_factory=ScheduleConfig)
    origins: Mapping[str, str] = field(default_factory=dict, compare=False, repr=False)


def find_config(start: Path, explicit: Path | None, environ: Mapping[str, str]) -> Path | None:
    """The configuration file: `explicit`, else MTSITE_CONFIG, else found by walking up; or None."""
    raise NotImplementedError


def load_config(path: Path, environ: Mapping[str, str]) -> Config:
    """Read the file."""
    raise NotImplementedError


def config_for_areas(dirs: Sequence[Path], output: Path, state_dir: Path) -> Config:
    """All defaults for these areas: nothing but their directories is known."""
    raise NotImplementedError
