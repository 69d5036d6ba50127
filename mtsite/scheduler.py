"""The jobs of `jobs/*.py` by the clock, in a loop that one bad job can't end.

    load the jobs → say what was missed while nobody looked → run what is due → sleep → …

The `schedule` library neither catches a job's exception nor makes up for a missed time: the first
is done here, the second is said, and the job runs once. What is due runs one after another, so a
long night delays the next refresh and never meets it. SIGTERM goes on to the mtsite command that
runs, which stops at its next safe point; then the loop ends. A job that takes longer than
[schedule] job_limit is stopped the same way. What each did goes to the history of jobs, unless the
command did that itself, as `mtsite nightly` does.
"""

import importlib.util
import json
import os
import select
import signal
import subprocess
import sys
import traceback
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from pathlib import Path
from types import FrameType
from typing import Any, Protocol, cast

import schedule
from msgspec import Struct, field
from msgspec.structs import replace

from mtsite import atomicfile, jobhistory
from mtsite.config import Config
from mtsite.errors import MtsiteError
from mtsite.jobhistory import JobEntry
from mtsite.notify import listening
from mtsite.options import show_age
from mtsite.plugins import STOPPING, is_stop
from mtsite.standing import PLAN_FILE, tell_of
from mtsite.terminal import TerminalReport
from mtsite.timelimit import StepOver, time_limit

LONGEST_SLEEP_SECONDS = 60.0
LATE_SECONDS = 90.0
"""A job that starts later than this after its time has missed it."""

LOAD_SECONDS = 20.0
"""A job file that takes longer to register is left out."""

LAST_WORDS_SECONDS = 60.0
"""What is told to stop has so long to reach its next safe point."""

MOST_CLOCK_CHANGE = timedelta(hours=2)
"""A clock set back by no more than this, as in autumn, does not make a daily job run twice."""

STATE_FILE = "schedule.json"


class JobModule(Protocol):
    """What a file in `jobs/` must have."""

    def register(self, scheduler: "Scheduler", config: Config) -> None:
        """Name a time and a verb."""


class JobError(MtsiteError):
    """A command that a job ran did not end well."""


class Running(Struct):
    """The mtsite command that runs now, if any, and the signal that asked the loop to end.

    `pids` are those of the job's commands, `told` whether each told of its end itself.
    """

    command: "subprocess.Popen[bytes] | None" = None
    stopped_by: int = 0
    pids: list[int] = field(default_factory=list)
    told: list[bool] = field(default_factory=list)


class Scheduler(schedule.Scheduler):
    """What `register` gets: `schedule`'s own scheduler, and `mtsite` as the verb of a job."""

    def __init__(self, config: Config, running: Running) -> None:
        super().__init__()
        self._config = config
        self._running = running

    def mtsite(self, *words: str) -> None:
        """Run `mtsite WORDS` for this site as a process of its own, and wait for it.

        Its memory ends with it, and nothing that it does can end the loop.

        Raises:
            JobError: it ended with another exit code than 0.
        """
        file = ["--config", str(self._config.file)] if self._config.file else []
        command = [sys.executable, "-m", "mtsite", *file, "--quiet", *words]
        with (
            listening(self._running.told) as ear,
            subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                pass_fds=(ear.mouth,),
                env={**os.environ, **ear.environ},
            ) as child,
        ):
            self._running.command = child
            self._running.pids.append(child.pid)
            if self._running.stopped_by:
                child.terminate()
            try:
                code = child.wait()
            except StepOver:
                _stop(child)
                raise
            finally:
                self._running.command = None
        if code and not self._running.stopped_by:
            raise JobError(f"mtsite {' '.join(words)} ended with exit code {code}")


class Loop(Struct, dict=True):
    """The jobs of one site; `clock` is local time, as crontabs have it."""

    config: Config
    report: TerminalReport
    clock: Callable[[], datetime] = datetime.now
    running: Running = field(default_factory=Running)

    def __post_init__(self) -> None:
        """No jobs yet."""
        self.scheduler = Scheduler(self.config, self.running)
        self.names: dict[schedule.Job, str] = {}

    def load(self, directories: Iterable[Path]) -> None:
        """Register the jobs of these directories; of two files of one name the first counts.

        A file that can't be loaded is told and left out.
        """
        for name, path in sorted(_job_files(directories).items()):
            before = len(self.scheduler.jobs)
            try:
                with time_limit(LOAD_SECONDS):
                    _module(name, path).register(self.scheduler, self.config)
            except StepOver:
                del self.scheduler.jobs[before:]
                took = f"it did not register within {LOAD_SECONDS:.0f} s"
                self.report.warn(f"job {name} is left out: {path}: {took}")
            except (Exception, SystemExit) as error:
                # A job file is its author's program and may raise anything, or leave: it is named
                # with its traceback, none of its jobs stays, and the other files are loaded.
                if is_stop(error):
                    raise
                del self.scheduler.jobs[before:]
                self.report.warn(f"job {name} is left out: {path}\n{traceback.format_exc()}")
            for number, job in enumerate(self.scheduler.jobs[before:]):
                self.names[job] = f"{name} {number + 1}" if number else name

    def jobs(self) -> list[tuple[str, datetime | None]]:
        """Name and next time of each job, the next first."""
        jobs = sorted(self.scheduler.jobs, key=lambda job: job.next_run or datetime.max)
        return [(self.names[job], job.next_run) for job in jobs]

    def make_up(self) -> None:
        """Run what fell due since its last start while no loop was there: once, and say so."""
        last = _read_state(self.config.state_dir)
        for job in list(self.scheduler.jobs):
            started = last.get(self.names[job])
            if started is None or job.next_run is None or job.unit is None:
                continue
            due = job.next_run - timedelta(**{job.unit: job.interval})
            if started < due.timestamp() and not self.running.stopped_by:
                self._run(job, f"missed at {due:%Y-%m-%d %H:%M}, runs once now")

    def run_due(self) -> None:
        """Run every job whose time has come, in the order of their times."""
        now = self.clock()
        self._follow_clock(now)
        due = (job for job in self.scheduler.jobs if job.next_run and job.next_run <= now)
        for job in sorted(due, key=lambda job: job.next_run or now):
            if self.running.stopped_by:
                return
            late = (now - (job.next_run or now)).total_seconds()
            missed = f"missed at {job.next_run:%Y-%m-%d %H:%M}, runs once now"
            self._run(job, missed if late > LATE_SECONDS else "")

    def run_until_stopped(self) -> int:
        """Loop; returns the number of the signal that ended it."""
        with _signals(self.running) as wake:
            self.make_up()
            while not self.running.stopped_by:
                self.run_due()
                self._tell_plan()
                if not self.running.stopped_by:
                    _sleep(wake, self._idle_seconds())
        return self.running.stopped_by

    def _follow_clock(self, now: datetime) -> None:
        """After a clock was set back, no job waits for longer than its own period."""
        for job in self.scheduler.jobs:
            period = _period(job)
            if job.next_run is None or not period:
                continue
            slack = MOST_CLOCK_CHANGE if period >= timedelta(days=1) else timedelta(0)
            while job.next_run - now > period + slack:
                job.next_run -= period

    def _idle_seconds(self) -> float:
        """To the next job, and never long: the clock may be set meanwhile."""
        times = [job.next_run for job in self.scheduler.jobs if job.next_run]
        if not times:
            return LONGEST_SLEEP_SECONDS
        until = (min(times) - self.clock()).total_seconds()
        return min(max(until, 0.0), LONGEST_SLEEP_SECONDS)

    def _run(self, job: schedule.Job, note: str) -> None:
        name = self.names[job]
        if note:
            self.report.warn(f"job {name}: {note}")
        started = self.clock().timestamp()
        with suppress(OSError):  # a full disk must not keep a job from running that frees it
            _write_state(self.config.state_dir, name, started)
        work: Any = job.job_func
        told: list[str] = []
        self.running.pids.clear()
        self.running.told.clear()
        try:
            job.job_func = self._guarded(name, work, told)
            if job.run() is schedule.CancelJob:  # type: ignore[no-untyped-call]  # not theirs
                self.scheduler.cancel_job(job)
        finally:
            job.job_func = work
        self._note(name, started, "".join(told))

    def _guarded(self, name: str, work: Callable[[], object], told: list[str]) -> Any:
        """The job, but its failure is told and goes no further."""
        limit = self.config.schedule.job_limit

        def guarded() -> object:
            try:
                with time_limit(limit):
                    return work()
            except StepOver:
                told.append(f"stopped after {show_age(limit)}, [schedule] job_limit")
                self.report.warn(f"job {name} failed: {told[0]}")
            except MtsiteError as error:
                told.append(error.message)
                self.report.warn(f"job {name} failed: {error.message}")
            except (Exception, SystemExit) as error:
                # Signals don't raise here: it is the job that leaves, and the loop stays.
                told.append(f"{type(error).__name__}: {error}")
                self.report.warn(f"job {name} failed:\n{traceback.format_exc()}")
            return None

        return guarded

    def _note(self, name: str, started: float, failed: str) -> None:
        """What a job did, where its command did not note that itself."""
        state_dir = self.config.state_dir
        known = jobhistory.read_history(state_dir).entries
        own = [one for one in known if one.pid in self.running.pids and one.begun >= started - 1]
        if any(one.state != jobhistory.KILLED for one in own):
            return
        entry = own[-1] if own else self._new_entry(name, started, failed)
        # A command that can note nothing, as on a full disk, may have told its owner all the same.
        tell_of(self.config, entry, self.report, send=True, notice=not any(self.running.told))

    def _new_entry(self, name: str, started: float, failed: str) -> JobEntry:
        state_dir, command = self.config.state_dir, f"job {name}"
        state = jobhistory.FAILED if failed else jobhistory.DONE
        if self.running.stopped_by:
            state = jobhistory.STOPPED
        entry = JobEntry(name, 0, started, command)
        ended = self.clock().timestamp()
        try:
            entry = jobhistory.begin(state_dir, name, started, command)
            entry = replace(entry, ended=ended, state=state, told=failed)
            jobhistory.end(state_dir, entry)
        except OSError as error:
            # A full disk is what the owner must be told of.
            self.report.warn(f"the history of jobs can't be written: {error.strerror}")
        return replace(entry, ended=ended, state=state, told=failed)

    def _tell_plan(self) -> None:
        plan = {
            name: {
                "every": int(_period(job).total_seconds()),
                "next": job.next_run and job.next_run.timestamp(),
            }
            for job, name in self.names.items()
            if job in self.scheduler.jobs
        }
        with suppress(OSError):
            told = json.dumps(plan, sort_keys=True).encode()
            atomicfile.write(self.config.state_dir / PLAN_FILE, told)


def job_directories(config: Config) -> list[Path]:
    """Where jobs lie: beside mtsite.toml, then those that come with mtsite."""
    package = Path(__file__).parent
    packaged = [package / "jobs", package.parent / "jobs"]
    return [config.root / "jobs", next((path for path in packaged if path.is_dir()), packaged[0])]


def _period(job: schedule.Job) -> timedelta:
    """The longest time between two runs of a job; 0 for one that has no unit."""
    longest = max(job.interval, job.latest or 0)
    return timedelta(**{job.unit: longest}) if job.unit else timedelta(0)


def _stop(child: "subprocess.Popen[bytes]") -> None:
    """End a command at its next safe point, or at last anywhere: the next run finishes."""
    child.terminate()
    try:
        child.wait(LAST_WORDS_SECONDS)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()


def _job_files(directories: Iterable[Path]) -> Mapping[str, Path]:
    found: dict[str, Path] = {}
    for directory in directories:
        for path in directory.glob("*.py"):
            found.setdefault(path.stem, path)
    return found


def _module(name: str, path: Path) -> JobModule:
    spec = importlib.util.spec_from_file_location(f"mtsite_job_{name}", path)
    if spec is None or spec.loader is None:
        raise ImportError(f"{path} is no Python file")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return cast(JobModule, module)  # a file of anyone's: checked by calling it


def _read_state(state_dir: Path) -> dict[str, float]:
    """Job → its last start in Unix seconds; a file that can't be read is as good as none."""
    with suppress(OSError, ValueError):
        found = json.loads((state_dir / STATE_FILE).read_bytes())
        if isinstance(found, dict):
            return {str(k): float(v) for k, v in found.items() if isinstance(v, int | float)}
    return {}


def _write_state(state_dir: Path, name: str, started: float) -> None:
    state = _read_state(state_dir) | {name: started}
    atomicfile.write(state_dir / STATE_FILE, json.dumps(state, sort_keys=True).encode())


@contextmanager
def _signals(running: Running) -> Iterator[int]:
    """While open, a stopping signal is noted, goes on to the running command, and ends a sleep."""
    wake, waker = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)

    def stop(number: int, _: FrameType | None) -> None:
        running.stopped_by = number
        if running.command is not None:
            running.command.terminate()
        with suppress(OSError):
            os.write(waker, b"x")

    before = {number: signal.signal(number, stop) for number in STOPPING}
    try:
        yield wake
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        os.close(wake)
        os.close(waker)


def _sleep(wake: int, seconds: float) -> None:
    select.select([wake], [], [], seconds)
