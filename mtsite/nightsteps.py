"""The steps of a night: each calls one verb for the whole site and tells what it did in numbers."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from msgspec import Struct

from mtsite.config import AreaConfig, Config
from mtsite.errors import MtsiteError, UnmovableError
from mtsite.terminal import TerminalReport
from mtsite.timelimit import StepOver

if TYPE_CHECKING:
    from mtsite.archive.job import Job, MoveSummary
    from mtsite.engines.engine import Engine

COMMAND = "mtsite nightly"
NAMED = 5
"""How many findings of `check` are named in the summary."""


class Night(Struct, frozen=True):
    """What every step needs to know; `now` is Unix time, `job` whose name the history has."""

    config: Config
    report: TerminalReport
    now: float
    environ: Mapping[str, str]
    job: str = "nightly"


Done = tuple[Mapping[str, int], str, str]
"""Counts, what failed, and why there was nothing to do."""

Steps = Mapping[str, Callable[[Night], Done]]


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
    counts: Counter[str] = Counter({"areas": 0, "moved": 0})
    errors = []
    for settings in night.config.areas.values():
        try:
            summary = move(settings)
        except UnmovableError:
            continue  # read and built like the others; there is nothing to be done about it
        except MtsiteError as error:
            errors.append(_of_area(settings.name, error))
            continue
        counts["areas"] += not summary.skipped
        counts["moved"] += len(summary.moved)
        if summary.stayed:
            counts["not moved"] += len(summary.stayed)
        errors += [
            f"area {settings.name}: {'/'.join(one.target)}/{one.runname}: {one.reason}"
            for one in summary.stayed
        ]
        if summary.error is not None:
            errors.append(_of_area(settings.name, summary.error))
    return counts, "\n".join(errors), ""


def _of_area(name: str, error: MtsiteError) -> str:
    hint = f" ({error.hint})" if error.hint else ""
    return f"area {name}: {error.message.removeprefix(f'area {name}: ')}{hint}"


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

    config = _with_limit(night.config)
    lost = recover(config, night.report.progress, night.report.say)
    with _engine(config) as engine:
        done = build_site(config, engine, night.report.progress, environ=night.environ)
    counts = {"runs": done.runs, "read": done.read, "files written": done.written}
    if done.left:
        counts["left to the next build"] = done.left
    return counts, "\n".join([*lost, *done.problems]), ""


def _with_limit(config: Config) -> Config:
    """A build that may not take longer stops by itself, with a tree that is whole."""
    limits = [one for one in (config.build.time_limit, config.nightly.limit_of("build")) if one]
    return replace(config, build=replace(config.build, time_limit=min(limits, default=0)))


@contextmanager
def _engine(config: Config) -> "Iterator[Engine]":
    from multiprocessing import active_children

    from mtsite.engines.engine import open_engine

    engine = open_engine(config.build.engine, config.build.workers, config.build.dask_scheduler)
    try:
        yield engine
    except StepOver:
        for child in active_children():
            child.terminate()  # it may be what took so long
        raise
    finally:
        engine.close()


def _check(night: Night) -> Done:
    from mtsite.build.themefiles import schemas_dir
    from mtsite.check.site import Wishes, check_site

    config = night.config
    wishes = Wishes(config.check.levels, schemas_dir(), changed=True)
    if set(wishes.levels.values()) == {"off"}:
        return {}, "", "every rule of [check] is off"
    with _engine(config) as engine:
        done = check_site(config, engine, night.report.progress, wishes)
    errors = [one for level, one in done.findings if level == "error"]
    for one in [one for level, one in done.findings if level == "warn"][:NAMED]:
        night.report.warn(f"check: {one.rule}: {one.path}: {one.told}")
    counts = {"files": done.looked, "findings": len(done.findings)}
    if secrets := done.by_rule("error")["secrets"]:
        counts["secrets"] = secrets
    errors.sort(key=lambda one: one.rule != "secrets")
    named = [f"{one.rule}: {one.path}: {one.told}" for one in errors[:NAMED]]
    if len(errors) > NAMED:
        named.append(f"and {len(errors) - NAMED} more: mtsite check names them")
    return counts, "\n".join(named), ""


def _publish(night: Night) -> Done:
    if not night.config.publish.destination:
        return {}, "", "no [publish] destination"
    from mtsite.publish.upload import publish_site

    done = publish_site(night.config, now=night.now, report=night.report.progress)
    counts = {"new": done.new, "changed": done.changed, "deleted": done.deleted}
    return {**counts, "requests": done.requests.total(), "bytes sent": done.sent_bytes}, "", ""


STEPS: Steps = {
    "reduce": _reduce,
    "automigrate": _automigrate,
    "retain": _retain,
    "build": _build,
    "check": _check,
    "publish": _publish,
}
"""In the order of the night."""
