"""The night: reduce → automigrate → retain → build → publish, under one lock.

A step that fails stops no other that can run: the site is built although an area could not be
reduced, and it is published although a run could not be read. Only a build that did not end keeps
publish from running. What failed is in the summary, by step.
"""

import os
import sqlite3
import traceback
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from mtsite import lock
from mtsite.config import AreaConfig, Config
from mtsite.errors import MtsiteError, PartlyDoneError, UnmovableError
from mtsite.terminal import TerminalReport

if TYPE_CHECKING:
    from mtsite.archive.job import Job, MoveSummary
    from mtsite.engines.engine import Engine

COMMAND = "mtsite nightly"


@dataclass(frozen=True, slots=True)
class StepSummary:
    """What a step did in numbers; `error` is '' when all of it went well."""

    name: str
    counts: Mapping[str, int] = field(default_factory=dict)
    error: str = ""
    skipped: str = ""

    @property
    def ok(self) -> bool:
        """Whether nothing failed (a step that had nothing to do is fine)."""
        return not self.error


@dataclass(frozen=True, slots=True)
class NightSummary:
    """The steps of a night, in order."""

    steps: tuple[StepSummary, ...]

    @property
    def failed(self) -> tuple[StepSummary, ...]:
        """The steps that did not go well."""
        return tuple(step for step in self.steps if not step.ok)


@dataclass(frozen=True)
class Night:
    """What every step needs to know; `now` is Unix time."""

    config: Config
    report: TerminalReport
    now: float
    environ: Mapping[str, str]


Done = tuple[Mapping[str, int], str, str]
"""Counts, what failed, and why there was nothing to do."""

Steps = Mapping[str, Callable[[Night], Done]]


def run_night(
    config: Config,
    report: TerminalReport,
    *,
    now: float,
    environ: Mapping[str, str] = os.environ,
    steps: Steps | None = None,
    wait_seconds: float = 0,
) -> NightSummary:
    """Run the steps (all, unless `steps` are given) and tell how each went.

    Raises:
        BusyError: another night of this site is going on, after waiting for `wait_seconds`.
    """
    night = Night(config, report, now, environ)
    done: list[StepSummary] = []
    with lock.hold(config.state_dir, "nightly", COMMAND, wait_seconds=wait_seconds):
        for name, work in (STEPS if steps is None else steps).items():
            if name == "publish" and any(step.name == "build" and _broke(step) for step in done):
                done.append(StepSummary(name, skipped="the build did not end"))
            else:
                done.append(_step(name, work, night))
            _tell(report, done[-1])
    if any(step.counts for step in done):
        report.say(f"the site: {_address(config)}")
    return NightSummary(tuple(done))


def failure(summary: NightSummary) -> PartlyDoneError | None:
    """The error that names the steps that failed, or None."""
    if not summary.failed:
        return None
    told = [f"{step.name}: {step.error}" for step in summary.failed]
    return PartlyDoneError("\n".join(["the night was partly done", *told]), "mtsite nightly again")


def _address(config: Config) -> str:
    if config.site.base_url:
        return f"{config.site.base_url.rstrip('/')}/index.html"
    return str(config.site.output / "index.html")


def _step(name: str, work: Callable[[Night], Done], night: Night) -> StepSummary:
    try:
        counts, error, skipped = work(night)
    except MtsiteError as expected:
        return StepSummary(name, error=expected.message)
    except OSError as expected:
        where, what = expected.filename or name, expected.strerror or str(expected)
        return StepSummary(name, error=f"{where}: {what}")
    except sqlite3.Error as expected:
        return StepSummary(name, error=f"a database: {expected}; mtsite doctor says which")
    except Exception:
        # Only a bug comes here. It must not cost the night its other steps, whose work is safe
        # without this one's. The summary has its traceback, the step failed, the exit code is 3.
        return StepSummary(name, error=traceback.format_exc())
    finally:
        night.report.close()
    return StepSummary(name, counts, error, skipped)


def _broke(step: StepSummary) -> bool:
    """It ended early: there is an error and not even counts."""
    return bool(step.error) and not step.counts


def _tell(report: TerminalReport, step: StepSummary) -> None:
    if step.error:
        report.say(f"{step.name}: {'failed' if _broke(step) else 'partly done'}")
    elif step.skipped:
        report.say(f"{step.name}: skipped, {step.skipped}")
    else:
        told = ", ".join(f"{number} {what}" for what, number in step.counts.items())
        report.say(f"{step.name}: {told}")


def _reduce(night: Night) -> Done:
    from mtsite.archive.reduce import reduce_area

    job = _job(night)
    return _in_all_areas(night, lambda settings: reduce_area(settings, job))


def _automigrate(night: Night) -> Done:
    from mtsite.archive.migrate import automigrate_area

    job = _job(night)
    return _in_all_areas(night, lambda settings: automigrate_area(settings, job))


def _job(night: Night) -> "Job":
    from mtsite.archive.job import Job, Wishes
    from mtsite.holds import load_holds

    return Job(
        areas=night.config.areas,
        rules=night.config.reduce,
        now=int(night.now),
        state_dir=night.config.state_dir,
        wishes=Wishes(holds=load_holds(night.config.root)),
        environ=night.environ,
    )


def _in_all_areas(night: Night, move: "Callable[[AreaConfig], MoveSummary]") -> Done:
    counts: Counter[str] = Counter({"areas": 0, "moved": 0, "stayed": 0})
    errors = []
    for settings in night.config.areas.values():
        try:
            summary = move(settings)
        except UnmovableError:
            continue  # read and built like the others; there is nothing to be done about it
        except MtsiteError as error:
            errors.append(f"area {settings.name}: {error.message}")
            continue
        counts["areas"] += not summary.skipped
        counts["moved"] += len(summary.moved)
        counts["stayed"] += len(summary.stayed)
        errors += [
            f"area {settings.name}: {'/'.join(one.target)}/{one.runname}: {one.reason}"
            for one in summary.stayed
        ]
        if summary.error is not None:
            errors.append(f"area {settings.name}: {summary.error.message}")
    return counts, "\n".join(errors), ""


def _retain(night: Night) -> Done:
    from mtsite.archive.records import Who
    from mtsite.departures import RetainTerms, apply_retention
    from mtsite.holds import this_user
    from mtsite.manifest import FILE

    if night.config.retain.is_empty:
        return {}, "", "no clock in [retain]"
    if not (night.config.state_dir / FILE).exists():
        return {}, "", "nothing was built yet"
    who = Who(this_user(), int(night.now), COMMAND)
    # The build that follows makes the small pages; what nothing leads to then goes the next night.
    terms = RetainTerms(who, render=False, environ=night.environ)
    done = apply_retention(night.config, terms, night.report)
    rows = sum(not one.reason for one in done.rows)
    counts = {"runs ended": len(done.ended), "rows": rows, "logs deleted": len(done.blobs)}
    expired = [f"{one.run}: the hold expired: {one.told()}" for one in done.expired]
    for told in expired:
        night.report.warn(told)
    return counts, "\n".join(done.problems), ""


def _build(night: Night) -> Done:
    from mtsite.build.site import build_site
    from mtsite.publish.restore import recover

    lost = recover(night.config, night.report.progress, night.report.say)
    engine = _engine(night.config)
    try:
        done = build_site(night.config, engine, night.report.progress, environ=night.environ)
    finally:
        engine.close()
    counts = {"runs": done.runs, "read": done.read, "files written": done.written}
    if done.left:
        counts["left to the next build"] = done.left
    return counts, "\n".join([*lost, *done.problems]), ""


def _engine(config: Config) -> "Engine":
    from mtsite.engines.engine import open_engine

    return open_engine(config.build.engine, config.build.workers, config.build.dask_scheduler)


def _publish(night: Night) -> Done:
    if not night.config.publish.destination:
        return {}, "", "no [publish] destination"
    from mtsite.publish.upload import publish_site

    done = publish_site(night.config, now=night.now, report=night.report.progress)
    counts = {"new": done.new, "changed": done.changed, "deleted": done.deleted}
    return {**counts, "requests": done.requests.total()}, "", ""


STEPS: Steps = {
    "reduce": _reduce,
    "automigrate": _automigrate,
    "retain": _retain,
    "build": _build,
    "publish": _publish,
}
"""In the order of the night."""
