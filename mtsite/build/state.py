"""What all steps of one build share: where things lie, what is known, what was touched so far."""

import json
import math
import os
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from msgspec import Struct, field
from msgspec.structs import replace

from mtsite.annotations import Annotations
from mtsite.build.listing import SiteListing
from mtsite.build.nodes import Target
from mtsite.build.pen import Look
from mtsite.build.plan import BuildPlan
from mtsite.config import Config
from mtsite.engines.engine import Engine
from mtsite.manifest import KnownRun, Manifest, Page
from mtsite.model import RunKey

Report = Callable[[str, int, int], None]
"""Called as report(what, done, total) while the build goes on; total 0 means unknown."""


class BuildFlags(Struct, frozen=True):
    """What was asked of one build beyond the settings.

    `full` forgets what is known of the tree and makes every page again. `allow_drop` lets more
    than a tenth of the known runs go. `areas` are those whose runs are looked at, () for all.
    `clock` counts the seconds of [build] time_limit; nothing that a page shows comes from it.
    """

    full: bool = False
    allow_drop: bool = False
    areas: tuple[str, ...] = ()
    clock: Callable[[], float] = time.monotonic


class BuildSummary(Struct):
    """What a build did. `problems` are troubles that left something out, in words.

    `unreadable` counts the areas that could not be read, or not in full. `coming` are the runs
    that have rows and no pages yet, `left` all that later builds have to look at.
    `older_rules`: some logs may have been judged by an older rule set, and `mtsite log reanalyse`
    judges them again. `masked` counts by rule the secrets in the runs that were read.
    """

    runs: int = 0
    read: int = 0
    sealed: int = 0
    gone: int = 0
    rendered: int = 0
    written: int = 0
    removed: int = 0
    unreadable: int = 0
    left: int = 0
    coming: int = 0
    older_rules: bool = False
    masked: dict[str, int] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)


class BuildState(Struct):
    """One build while it goes on. `looked_at` is when the areas were listed.

    `all_pages`: the recipe of some page moved, so every run is expanded. `interrupted`: the last
    build died, so what it left of shared pages is not relied on. `stored`: files were written
    that must reach the disk before the manifest says so. `unfinished`: targets
    whose pages could not be written, left to the next build. `left`: planned runs that are not
    done yet. `skipped`: runs of areas that this build was not asked to look at. `unread`: runs
    whose outcomes in the manifest may be of another day. `unwritten`: runs that were read and
    could not be written. `shelves`: of clusters that moved;
    `annotated`: known issues fit other runs than before.
    `ends`: when, by `clock`, nothing new is begun, once the build has `got_on`: done one of the
    runs that are `due`. `there`: which directories of an area were there when its first run was
    read; `went_away`: areas that moved or vanished since, and how many runs could not be read for
    it.
    """

    config: Config
    engine: Engine
    report: Report
    manifest: Manifest
    look: Look
    recipe: str
    looked_at: float
    recipes_made_from: str = ""
    annotations: Annotations = field(default_factory=Annotations)
    known: Mapping[str, KnownRun] = field(default_factory=dict)
    listed: SiteListing = field(default_factory=lambda: SiteListing({}, {}, {}, 0))
    all_pages: bool = False
    interrupted: bool = False
    areas_moved: bool = False
    stored: bool = False
    touched: set[Target] = field(default_factory=set)
    unfinished: set[Target] = field(default_factory=set)
    due: set[str] = field(default_factory=set)
    got_on: bool = False
    left: set[str] = field(default_factory=set)
    skipped: set[str] = field(default_factory=set)
    unread: set[str] = field(default_factory=set)
    shelves: set[str] = field(default_factory=set)
    annotated: bool = False
    unwritten: set[str] = field(default_factory=set)
    clock: Callable[[], float] = time.monotonic
    ends: float = math.inf
    there: dict[Path, tuple[Path, ...]] = field(default_factory=dict)
    went_away: dict[str, int] = field(default_factory=dict)
    summary: BuildSummary = field(default_factory=BuildSummary)

    @property
    def site(self) -> Path:
        """The root of the tree."""
        return self.config.site.output

    @property
    def spool(self) -> Path:
        """Where runs wait between being read and being written."""
        return self.config.state_dir / "spool"

    def read_again(self, plan: BuildPlan, run_dir: str, why: str) -> None:
        """Add a run to the plan; one that can't be read now will be read when it can."""
        run = self.known.get(run_dir)
        if run is None or run.gone:
            return
        if run_dir in self.listed.heads:
            plan.read.setdefault(run_dir, why)
        else:
            self.manifest.begin_runs([run_dir])

    def is_over(self) -> bool:
        """Whether the time that this build may take is up."""
        return self.clock() >= self.ends

    def touch(self, key: RunKey) -> None:
        """The pages of this run's target must be looked at."""
        self.touched.add((key.area, key.target))

    def save_touched(self) -> None:
        """Remember on disk what is touched, so that the next build finishes it after a kill."""
        rows = [[area, list(values)] for area, values in sorted(self.touched)]
        pending = rows or self.areas_moved
        self.manifest.put("pending", json.dumps(rows) if pending else "")
        self.commit()

    def load_touched(self) -> None:
        """What a build that died had touched."""
        pending = self.manifest.get("pending")
        self.interrupted = bool(pending or self.manifest.get("clusters pending"))
        self.touched = {(area, tuple(values)) for area, values in json.loads(pending or "[]")}

    def note_clusters(self, touched: set[str]) -> None:
        """These clusters have moved; said on disk first, so that a kill forgets none."""
        if touched and not self.shelves:
            self.manifest.put("clusters pending", "1")
        self.shelves.update(name[:2] for name in touched)

    def pages_of(self, owner: str, *, trusted: bool) -> dict[str, Page]:
        """The files of an owner; where the last build may have died, without fingerprints."""
        known = self.manifest.owned(owner)
        if trusted:
            return known
        return {path: replace(page, fingerprint="") for path, page in known.items()}

    def commit(self) -> None:
        """Make what was noted permanent, once the files that it speaks of are on disk."""
        if self.stored:
            os.sync()
            self.stored = False
        self.manifest.commit()

    def note_files(self, pages: Sequence[Page], removed: Sequence[str], rendered: int) -> None:
        """These files were written and taken away."""
        self.manifest.note_pages(pages)
        self.manifest.forget_pages(removed)
        self.stored = self.stored or bool(pages)
        self.summary.written += len(pages)
        self.summary.removed += len(removed)
        self.summary.rendered += rendered

    def told(self, problems: Sequence[str]) -> None:
        """What many tasks may meet is a problem once."""
        self.summary.problems += [one for one in problems if one not in self.summary.problems]

    def failed(self, what: str, error: str) -> None:
        """One task came to nothing; the rest goes on."""
        last = error.strip().rsplit("\n", 1)[-1]
        self.summary.problems.append(f"{what}: {last}")
