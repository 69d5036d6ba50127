"""Who moves runs, when and on which terms; and what the verbs tell of one area."""

import os
from collections.abc import Mapping
from functools import partial
from pathlib import Path

from msgspec import Struct, field

from mtsite.archive.execute import Outcome, Report, say_nothing
from mtsite.archive.route import Checkpoint, ignore
from mtsite.config import AreaConfig, ReduceConfig
from mtsite.errors import MtsiteError
from mtsite.holds import Holds
from mtsite.megatest.activity import RunActivity
from mtsite.megatest.area import TMP
from mtsite.megatest.selection import Selection
from mtsite.model import RunKey
from mtsite.urls import EMPTY_KEY_VALUE


class Wishes(Struct, frozen=True):
    """What a caller may ask for beside the rules; all of it has a harmless default.

    `chosen` narrows what may move, `holds` keeps runs whatever the rules say. `area_db_only` moves
    although the homehost is another host, if the area rests. `vacuum` shrinks megatest.db after.
    """

    chosen: Selection = field(default_factory=Selection)
    holds: Holds = field(default_factory=Holds)
    area_db_only: bool = False
    vacuum: bool = False


class Job(Struct, frozen=True):
    """One call that moves runs, in whatever direction.

    `areas` are those of the site: destinations and satellites. `now` is in Unix seconds,
    `state_dir` where locks lie, `tmp` where Megatest has its caches.
    """

    areas: Mapping[str, AreaConfig]
    rules: ReduceConfig
    now: int
    state_dir: Path
    wishes: Wishes = field(default_factory=Wishes)
    dry_run: bool = False
    report: Report = say_nothing
    checkpoint: Checkpoint = ignore
    environ: Mapping[str, str] = field(default_factory=lambda: os.environ)
    tmp: Path = TMP


class MoveSummary(Struct, frozen=True):
    """What became of one area's runs: `skipped` says why nothing was done, `error` what ended it.

    Some may have moved before `error` stopped all others.
    """

    area: str
    skipped: str = ""
    outcomes: tuple[Outcome, ...] = ()
    error: MtsiteError | None = None

    @property
    def moved(self) -> tuple[Outcome, ...]:
        """Runs that are now where they were to go, and were not before."""
        return tuple(one for one in self.outcomes if not one.reason)

    @property
    def stayed(self) -> tuple[Outcome, ...]:
        """Runs that were to move and did not."""
        return tuple(one for one in self.outcomes if one.reason)


def held_by(holds: Holds, area: str, now: int) -> "partial[str]":
    """Why a run of an area is held at `now`, as plans ask for it."""
    return partial(_held, holds, area, now)


def _held(holds: Holds, area: str, now: int, run: RunActivity) -> str:
    if not holds.holds:
        return ""
    target = tuple(value or EMPTY_KEY_VALUE for value in run.target)
    hold = holds.of(RunKey(area, target, run.runname), now)
    return hold.told() if hold else ""
