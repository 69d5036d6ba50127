"""The night: reduce → automigrate → retain → build → check → publish, under one lock.

A step that fails, or that is stopped at its time limit, stops no other that can run: the site is
built although an area could not be reduced, and it is published although a run could not be read.
Only a build that did not end and a secret that `check` found keep publish from running. What
failed is in the summary, by step, in the job history, and on the site's page of jobs.
"""

import dataclasses
import signal
import sqlite3
import time
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress

from msgspec import Struct, field
from msgspec.structs import replace

from mtsite import jobhistory, lock
from mtsite.amounts import counted
from mtsite.config import Config
from mtsite.errors import BusyError, MtsiteError, PartlyDoneError
from mtsite.jobhistory import JobEntry, StepEntry
from mtsite.nightsteps import COMMAND, STEPS, Done, Night, Steps
from mtsite.notify import tell_loop
from mtsite.options import show_age
from mtsite.terminal import TerminalReport
from mtsite.timelimit import StepOver, time_limit

RECALL_SECONDS = 60
"""How long a destination may take to tell of jobs whose history was lost."""

LAST_WORDS_SECONDS = 20
"""How long the page of jobs, and then a notice, may take once a signal has come."""


class StepSummary(Struct, frozen=True):
    """What a step did in numbers; `error` is '' when all of it went well."""

    name: str
    counts: Mapping[str, int] = field(default_factory=dict)
    error: str = ""
    skipped: str = ""
    seconds: float = 0

    @property
    def ok(self) -> bool:
        """Whether nothing failed (a step that had nothing to do is fine)."""
        return not self.error

    @property
    def broke(self) -> bool:
        """Whether it ended early: there is an error and not even counts."""
        return bool(self.error) and not self.counts

    @property
    def entry(self) -> StepEntry:
        """The step as the job history has it."""
        state = "failed" if self.broke else "partly" if self.error else "done"
        if self.skipped:
            state = "skipped"
        return StepEntry(
            self.name, state, round(self.seconds, 2), dict(self.counts), self.error or self.skipped
        )


class NightSummary(Struct, frozen=True):
    """The steps of a night, in order."""

    steps: tuple[StepSummary, ...]

    @property
    def failed(self) -> tuple[StepSummary, ...]:
        """The steps that did not go well."""
        return tuple(step for step in self.steps if not step.ok)


def run_night(night: Night, steps: Steps | None = None, *, wait_seconds: float = 0) -> NightSummary:
    """Run the steps (all, unless `steps` are given) and tell how each went.

    Raises:
        BusyError: another night of this site is going on, after waiting for `wait_seconds`.
    """
    from mtsite.standing import tell_of

    config = night.config
    with _alone(night, wait_seconds):
        entry, begun = _begin(night), time.monotonic()
        done: list[StepSummary] = []
        try:
            for name, work in (STEPS if steps is None else steps).items():
                why = _withheld(done) if name == "publish" else ""
                done.append(StepSummary(name, skipped=why) if why else _step(name, work, night))
                _tell(night.report, done[-1])
        except BaseException as stop:
            entry = _end(night, _stopped(entry, stop), done, begun)
            if isinstance(stop, SystemExit):  # who pressed ^C knows it
                _tell_of_stop(night, entry)
            raise
        entry = _end(night, entry, done, begun)
        tell_of(config, entry, night.report, send="publish" in (steps or STEPS))
        tell_loop(night.environ)
    if any(step.counts for step in done):
        night.report.say(f"the site: {_address(config)}")
    return NightSummary(tuple(done))


@contextmanager
def _alone(night: Night, wait_seconds: float) -> Iterator[None]:
    """Hold the night's lock; that it can't be made, as on a full disk, is told as a failure."""
    from mtsite.standing import tell_of

    with ExitStack() as held:
        try:
            held.enter_context(
                lock.hold(night.config.state_dir, "nightly", COMMAND, wait_seconds=wait_seconds)
            )
        except BusyError:
            raise
        except MtsiteError as error:
            entry = JobEntry(
                night.job, 0, night.now, COMMAND, ended=night.now, exit=error.exit_code
            )
            failed = replace(entry, state=jobhistory.FAILED, told=error.message)
            tell_of(night.config, failed, night.report, send=False)
            tell_loop(night.environ)
            raise
        yield


def _begin(night: Night) -> JobEntry:
    from mtsite.publish.lastjobs import recall_jobs

    state_dir = night.config.state_dir
    with suppress(StepOver), time_limit(RECALL_SECONDS):
        recall_jobs(night.config, night.report.say, ask=True)
    before = jobhistory.read_history(state_dir).last(night.job)
    if before is not None and before.state == jobhistory.KILLED:
        began = time.strftime("%Y-%m-%d %H:%M", time.localtime(before.begun))
        night.report.warn(f"the {night.job} of {began} left no word; this one finishes its work")
    try:
        return jobhistory.begin(state_dir, night.job, night.now, f"{COMMAND} --job {night.job}")
    except OSError as error:
        night.report.warn(f"the job history can't be written: {error.strerror}")
        return JobEntry(night.job, 0, night.now)


def _stopped(entry: JobEntry, stop: BaseException) -> JobEntry:
    code = stop.code if isinstance(stop, SystemExit) and isinstance(stop.code, int) else 130
    told = f"{signal.Signals(code - 128).name} came" if 128 < code < 160 else ""
    return replace(entry, state=jobhistory.STOPPED, exit=code, told=told)


def _tell_of_stop(night: Night, entry: JobEntry) -> None:
    """Notify before the end, and soon: whoever sent the signal waits for it."""
    from mtsite.standing import tell_of

    config = night.config
    limit = min(config.notify.time_limit or LAST_WORDS_SECONDS, LAST_WORDS_SECONDS)
    quick = dataclasses.replace(config, notify=dataclasses.replace(config.notify, time_limit=limit))
    with suppress(StepOver), time_limit(LAST_WORDS_SECONDS):
        tell_of(quick, entry, night.report, send=False)
        tell_loop(night.environ)


def _end(night: Night, entry: JobEntry, done: list[StepSummary], begun: float) -> JobEntry:
    """Note how it ended; the time is that of the clock that `night.now` was read from.

    `begun` is when it began by the monotonic clock.
    """
    from mtsite.standing import sizes_of

    failed = [step for step in done if not step.ok]
    broke = [step for step in failed if step.broke]
    if entry.state == jobhistory.RUNNING:
        state = jobhistory.FAILED if broke else jobhistory.PARTLY if failed else jobhistory.DONE
        told = "; ".join(f"{step.name}: {step.error.splitlines()[0]}" for step in failed)
        entry = replace(entry, state=state, exit=3 if failed else 0, told=told)
    entry = replace(
        entry,
        ended=night.now + time.monotonic() - begun,
        steps=tuple(step.entry for step in done),
        sizes=sizes_of(night.config),
        said=tuple(night.report.said),
    )
    try:
        jobhistory.end(night.config.state_dir, entry)
    except OSError as error:
        night.report.warn(f"the job history can't be written: {error.strerror}")
    return entry


def _withheld(done: list[StepSummary]) -> str:
    """Why publish must not run, if it must not."""
    for step in done:
        if step.name == "build" and step.broke:
            return "the build did not end"
        if step.name == "check" and step.counts.get("secrets"):
            return "check found secrets: mtsite check secrets names them"
    return ""


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
    begun = time.monotonic()
    summary = _carried_out(name, work, night)
    return replace(summary, seconds=time.monotonic() - begun)


def _carried_out(name: str, work: Callable[[Night], Done], night: Night) -> StepSummary:
    seconds = night.config.nightly.limit_of(name)
    try:
        with time_limit(seconds * (2 if name == "build" else 1)):
            counts, error, skipped = work(night)
    except StepOver:
        told = f"stopped after {show_age(seconds)}, the limit of [nightly]"
        return StepSummary(name, error=f"{told}; the next night goes on")
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


def _tell(report: TerminalReport, step: StepSummary) -> None:
    if step.error:
        report.say(f"{step.name}: {'failed' if step.broke else 'partly done'}")
    elif step.skipped:
        report.say(f"{step.name}: skipped, {step.skipped}")
    else:
        told = ", ".join(counted(number, what) for what, number in step.counts.items())
        report.say(f"{step.name}: {told}")
