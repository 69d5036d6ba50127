"""The story `gate`: on a copy of each dataset everything that a night does to an area, and back.

    copy → rows as they are → reduce → automigrate → restore → rows again → build → check

Each step is timed against the dataset's limits. The verdict is Turbo-hipster's: SUCCESS, or one
message per thing that is wrong; a warning fails the gate just as a failure does.
"""

import dataclasses
import os
import shutil
import sqlite3
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from msgspec import Struct, field
from msgspec.structs import replace

from mtsite.amounts import plural
from mtsite.archive.job import Job, MoveSummary
from mtsite.archive.migrate import migrate_area
from mtsite.archive.reduce import reduce_area
from mtsite.archive.restore import restore_area
from mtsite.archive.rules import Migration, read_rules
from mtsite.build.site import build_site
from mtsite.build.themefiles import schemas_dir
from mtsite.check.site import Wishes, check_site
from mtsite.config import AreaConfig, Config, ReduceConfig, SiteConfig
from mtsite.engines.engine import Engine
from mtsite.errors import MtsiteError, NoDatabaseError
from mtsite.gatecopy import Dataset, copy_with_includes
from mtsite.gatewords import (
    FIND,
    FINDINGS,
    HELP,
    IMPORT,
    LEFT_OUT,
    NOT_ENDED,
    NOTHING,
    ROWS,
    SETUP,
    STAYED,
    TEXTS,
    TOO_LONG,
)
from mtsite.megatest.area import COMPLETED_NAME, DATABASE_NAME, Area, open_area
from mtsite.megatest.configuration import Configuration, read_configuration
from mtsite.megatest.emptyarea import make_empty_area
from mtsite.megatest.selection import Selection
from mtsite.megatest.union import Rows, RunName, differing_runs, union_of

_LEVELS = ("links", "fragments", "secrets", "budgets", "csp", "schemas", "landmarks")
_DETAIL = 500
_NOWHERE = "not-copied"
"""In a copy: nothing lies there."""


class Message(Struct, frozen=True):
    """One thing that is wrong with a dataset; `detail` is what the step itself said."""

    code: str
    text: str
    detail: str = ""


class TimedStep(Struct, frozen=True):
    """A step that ran: seconds it took and may take (None: any), and what it did in numbers."""

    name: str
    seconds: float
    limit: int | None
    counts: Mapping[str, int] = field(default_factory=dict)

    @property
    def too_long(self) -> bool:
        """Whether it took longer than it may; just as long passes."""
        return self.limit is not None and self.seconds > self.limit


class DatasetVerdict(Struct):
    """What became of one dataset; `runs` and `rows` are what its databases held at the start."""

    name: str
    messages: list[Message] = field(default_factory=list)
    steps: list[TimedStep] = field(default_factory=list)
    runs: int = 0
    rows: int = 0

    @property
    def success(self) -> bool:
        """Any message means that it failed."""
        return not self.messages

    @property
    def result(self) -> str:
        """SUCCESS, or all messages, one a line."""
        return "\n".join(one.text for one in self.messages) or "SUCCESS"

    def say(self, code: str, step: str = "", detail: str = "") -> None:
        """One more message."""
        self.messages.append(Message(code, TEXTS[code].format(step=step), detail[:_DETAIL]))


Report = Callable[[str, int, int], None]


def rehearse(
    dataset: Dataset, engine: Engine, report: Report, *, scratch: Path | None = None
) -> DatasetVerdict:
    """Do to a copy of the dataset what a night does, and judge it; the dataset is only read.

    The copy lies below `scratch` (the usual place of temporary files) and is taken away again.
    Never raises for what is wrong with a dataset.
    """
    verdict = DatasetVerdict(dataset.name)
    with tempfile.TemporaryDirectory(prefix="mtsite-gate-", dir=scratch) as directory:
        try:
            if dataset.trouble is not None:
                raise dataset.trouble
            report(f"{dataset.name}: copy", 0, 0)
            root = Path(directory).resolve()
            copy = copy_with_includes(dataset, root)
            rehearsal = _Rehearsal(copy, root, engine, verdict, report)
        except NoDatabaseError as error:
            verdict.say(FIND, detail=error.message)
        except (MtsiteError, sqlite3.Error, OSError) as error:
            verdict.say(SETUP, detail=str(error))
        else:
            rehearsal.run()
            rehearsal.clear()
        # Where the copy lay says nothing to anybody.
        here = f"{Path(directory).resolve()}/"
        verdict.messages = [
            replace(one, detail=one.detail.replace(here, "")) for one in verdict.messages
        ]
    return verdict


class _Rehearsal:
    """One dataset on its way there and back.

    Raises:
        MtsiteError: the copy is no area that can be read.
    """

    def __init__(
        self,
        copy: Dataset,
        directory: Path,
        engine: Engine,
        verdict: DatasetVerdict,
        report: Report,
    ) -> None:
        self._engine = engine
        self._verdict = verdict
        self._report = report
        self._copy = copy
        settings = _settings(copy)
        area = open_area(settings, {}, tmp=directory / "tmp")
        if not area.live.is_file():
            raise NoDatabaseError(f"there is no {area.live.name} in {copy.area.name}")
        satellites, self._migrations = _satellites(area, directory / "satellites")
        config = Config(
            file=None,
            root=directory,
            state_dir=directory / "state",
            areas={one.name: one for one in (settings, *satellites)},
            site=SiteConfig(title="gate", output=directory / "site"),
        )
        self._config = config
        self._settings = settings
        now = int(time.time())
        rules = ReduceConfig(older_than=0, keep_live=0)
        self._job = Job(
            config.areas, rules, now, config.state_dir, environ={}, tmp=directory / "tmp"
        )
        self._before = self._union()
        verdict.runs = len(self._before)
        verdict.rows = sum(rows.count for rows in self._before.values())

    def run(self) -> None:
        """All steps; one that breaks ends those that move, and the site is built all the same."""
        moved = 0
        for step, work in (
            ("reduce", self._reduce),
            ("automigrate", self._automigrate),
            ("restore", self._restore),
        ):
            summary = self._timed(step, work)
            if not isinstance(summary, MoveSummary):
                return
            moved += len(summary.moved)
            for one in summary.stayed[:1]:
                told = f"{'/'.join([*one.target, one.runname])}: {one.reason}"
                self._verdict.say(STAYED, step, f"{len(summary.stayed)}, the first {told}")
            if summary.error is not None:
                self._verdict.say(NOT_ENDED, step, summary.error.message)
        if not moved:
            self._verdict.say(NOTHING, detail="no finished run that may move")
        self._compare()
        self._timed("build", self._build)
        self._timed("check", self._check)

    def clear(self) -> None:
        """Take the site away again, which is most of what lies there, with all workers."""
        runs = [path for path in self._config.site.output.glob("*/*/*/*") if path.is_dir()]
        for _ in self._engine.map(_remove, runs):
            pass

    def _timed(self, step: str, work: Callable[[], tuple[object, dict[str, int]]]) -> object:
        self._report(f"{self._copy.name}: {step}", 0, 0)
        started = time.monotonic()
        done: object = None
        counts: dict[str, int] = {}
        try:
            done, counts = work()
        except ImportError as error:
            self._verdict.say(IMPORT, detail=str(error))
        except (MtsiteError, sqlite3.Error, OSError) as error:
            self._verdict.say(NOT_ENDED, step, str(error))
        timed = TimedStep(
            step, round(time.monotonic() - started, 3), self._copy.limit(step), counts
        )
        self._verdict.steps.append(timed)
        if timed.too_long:
            self._verdict.say(TOO_LONG, step, f"{timed.seconds} s; allowed are {timed.limit} s")
        return done

    def _reduce(self) -> tuple[MoveSummary, dict[str, int]]:
        return _counted(reduce_area(self._settings, self._job))

    def _automigrate(self) -> tuple[MoveSummary, dict[str, int]]:
        return _counted(migrate_area(self._settings, self._migrations, self._job))

    def _restore(self) -> tuple[MoveSummary, dict[str, int]]:
        return _counted(restore_area(self._settings, Selection(runname="%"), self._job))

    def _build(self) -> tuple[object, dict[str, int]]:
        # Satellites have nothing left; a site of an area alone is what the dataset's owner has.
        config = dataclasses.replace(self._config, areas={self._settings.name: self._settings})
        done = build_site(config, self._engine, self._report, environ={})
        if done.problems:
            self._verdict.say(LEFT_OUT, "build", f"{len(done.problems)}: {done.problems[0]}")
        return done, {"runs": done.read, "files": done.written}

    def _check(self) -> tuple[object, dict[str, int]]:
        wishes = Wishes(dict.fromkeys(_LEVELS, "error"), schemas_dir(), keep=False)
        done = check_site(self._config, self._engine, self._report, wishes)
        for level, one in done.findings[:1]:
            told = f"{done.count(level)}, the first {one.rule}: {one.path}: {one.told}"
            self._verdict.say(FINDINGS, "check", told)
        return done, {"files": done.looked, "errors": done.count("error")}

    def _compare(self) -> None:
        differing = differing_runs(self._before, self._union())
        if differing:
            first = "/".join(map(str, differing[0]))
            self._verdict.say(ROWS, detail=f"{plural(len(differing), 'run')}, the first {first}")

    def _union(self) -> dict[RunName, Rows]:
        return union_of(_databases(self._config.areas.values()))


def _remove(directory: Path) -> None:
    shutil.rmtree(directory, ignore_errors=True)


def _settings(copy: Dataset) -> AreaConfig:
    """The copy as an area; what its rows say of the original's linktree leads to its own.

    Any other place that a row or its configuration names is not of the dataset, and is not read
    though it be there.
    """
    before = read_configuration(AreaConfig(name=copy.name, path=copy.area), {})
    path_map = {"/": f"{copy.path}/{_NOWHERE}/"}
    if before.linktree:
        path_map[f"{before.linktree}/"] = f"{copy.linktree}/"
    return AreaConfig(
        name=copy.name,
        path=copy.area,
        linktree=copy.linktree,
        values=_places_inside(copy, before),
        path_map=path_map,
    )


def _places_inside(copy: Dataset, before: Configuration) -> dict[str, dict[str, str]]:
    """What stands in for values of its megatest.config that name places outside of the copy."""
    sections = before.config.sections
    named = [("setup", "dbdir", before.dbdir)] if before.dbdir else []
    for section in ("disks", "tests-paths"):
        places = sections.get(section, {}).items()
        named += [(section, key, copy.area / value.strip()) for key, value in places]
    values: dict[str, dict[str, str]] = {}
    for section, key, place in named:
        place = Path(os.path.normpath(place))
        if place.is_relative_to(copy.path):
            continue
        inside = copy.path / _NOWHERE
        if before.linktree and place.is_relative_to(before.linktree):
            inside = copy.linktree / place.relative_to(before.linktree)
        values.setdefault(section, {})[key] = str(inside)
    return values


def _counted(summary: MoveSummary) -> tuple[MoveSummary, dict[str, int]]:
    return summary, {"moved": len(summary.moved), "stayed": len(summary.stayed)}


def _databases(areas: Iterable[AreaConfig]) -> Iterator[Path]:
    for settings in areas:
        for name in (DATABASE_NAME, COMPLETED_NAME):
            if (path := settings.path / name).is_file():
                yield path


def _satellites(area: Area, root: Path) -> tuple[list[AreaConfig], list[Migration]]:
    """An empty area for each destination of the dataset's own rules, and rules that lead there.

    Its own destinations are real areas: nothing of a rehearsal may go to them. Without rules all
    runs go to one.
    """
    rules = read_rules(area.config) or (Migration("all", Selection(), text="every run"),)
    told = dict.fromkeys(one.destination for one in rules)
    names = {one: f"gate-{number}" for number, one in enumerate(told, start=1)}
    for name in names.values():
        make_empty_area(area, root / name)
    settings = [AreaConfig(name=name, path=root / name) for name in names.values()]
    return settings, [replace(one, destination=f"{root}/{names[one.destination]}") for one in rules]


def document_of(verdicts: Sequence[DatasetVerdict]) -> dict[str, object]:
    """All of it as plain values: what `--json` prints and gate.json holds."""
    return {
        "success": all(one.success for one in verdicts),
        "datasets": [
            {
                "name": one.name,
                "result": one.result,
                "success": one.success,
                "runs": one.runs,
                "rows": one.rows,
                "messages": [
                    {"code": m.code, "text": m.text, "detail": m.detail, "help": HELP[m.code]}
                    for m in one.messages
                ],
                "steps": [
                    {
                        "name": step.name,
                        "seconds": step.seconds,
                        "limit": step.limit,
                        "too_long": step.too_long,
                        "counts": dict(step.counts),
                    }
                    for step in one.steps
                ],
            }
            for one in verdicts
        ],
    }
