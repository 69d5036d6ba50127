"""Settings of what runs by itself: the check of the tree, the night, the schedule, notices.

They are sections of `mtsite.toml` like those in `config.py`, which puts them all together.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from mtsite.options import AGE, CLOCK, SIZE, TEXT, TEXTS, ages_by, one_of, option, whole_number

LEVEL = one_of("error", "warn", "off")
NIGHT_STEPS = ("reduce", "automigrate", "retain", "build", "check", "publish")
"""In the order of the night."""


@dataclass(frozen=True)
class CheckConfig:
    """[check]: how much each rule of `mtsite check` matters, and the largest files."""

    links: str = option(LEVEL, "error", "A link that leads to no file of the site.")
    fragments: str = option(LEVEL, "error", "A link to a place that its page doesn't have.")
    secrets: str = option(
        LEVEL,
        "error",
        "A file that holds what [redact] masks; an error keeps nightly from publish.",
    )
    budgets: str = option(LEVEL, "error", "A page, style or script over its size below.")
    csp: str = option(LEVEL, "error", "What the strict policy forbids, or a page without it.")
    schemas: str = option(LEVEL, "error", "A JSON file that doesn't keep its schema.")
    orphans: str = option(
        LEVEL, "error", "A file that no build made or no page leads to; nightly leaves this out."
    )
    landmarks: str = option(LEVEL, "error", "A page without language, title, heading, main part.")
    page: int = option(SIZE, "1MiB", "The largest HTML page.")
    style: int = option(SIZE, "20KiB", "The largest style, packed.")
    script: int = option(SIZE, "40KiB", "The largest script, packed.")

    @property
    def levels(self) -> Mapping[str, str]:
        """Rule → error, warn or off."""
        return {
            "links": self.links,
            "fragments": self.fragments,
            "secrets": self.secrets,
            "budgets": self.budgets,
            "csp": self.csp,
            "schemas": self.schemas,
            "orphans": self.orphans,
            "landmarks": self.landmarks,
        }


@dataclass(frozen=True)
class NightlyConfig:
    """[nightly]: how long the steps of a night may take."""

    time_limit: int = option(
        AGE, "12h", "Time after which a step is stopped at a safe point; 0s: never."
    )
    time_limits: Mapping[str, int] = option(
        ages_by(*NIGHT_STEPS), {}, 'The same for single steps, as { build = "4h" }.'
    )

    def limit_of(self, step: str) -> int:
        """Seconds that a step may take; 0 for no limit."""
        return self.time_limits.get(step, self.time_limit)


@dataclass(frozen=True)
class NotifyConfig:
    """[notify]: who is told when a job fails."""

    command: tuple[str, ...] = option(
        TEXTS, [], "A program and its arguments, run without a shell; it gets JSON on stdin."
    )
    time_limit: int = option(AGE, "1m", "Time after which that program is ended.")


@dataclass(frozen=True)
class ScheduleConfig:
    """[schedule]: when `mtsite schedule` does what."""

    nightly: str = option(CLOCK, "02:00", "When the night's job starts, in the host's time.")
    refresh_minutes: int = option(
        whole_number(0, 1440), 15, "Minutes between builds during the day; 0: none."
    )
    job_limit: int = option(
        AGE, "1d", "Time after which a job is stopped at its next safe point; 0s: never."
    )


@dataclass(frozen=True)
class HomehostConfig:
    """[homehost]: when an area may get another homehost."""

    quiet: int = option(AGE, "30m", "How long no run may have been touched.")
    take: tuple[str, ...] = option(
        TEXTS, [], "Areas that `mtsite schedule` gives its own host as homehost, when quiet."
    )
    old_tmp: str = option(
        TEXT, "", "Where /tmp of another host is seen, as /net/{host}/tmp; {host} is filled in."
    )
