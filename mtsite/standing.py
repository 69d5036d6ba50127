"""How the site stands: is it fresh, which jobs ran and come next, who holds what, how it grows.

`mtsite status` tells it, the page of jobs and `_status.json` show it, and `tell_of` brings those
two and the owner's own program up to date when a job has ended.
"""

import json
import os
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from pathlib import Path

from msgspec import Struct

from mtsite import jobhistory, lock, notes
from mtsite.amounts import plural
from mtsite.config import Config
from mtsite.jobhistory import BAD, JobEntry, JobHistory
from mtsite.known import tree_totals
from mtsite.manifest import FILE as MANIFEST_FILE
from mtsite.terminal import TerminalReport

DAY = 86_400
PLAN_FILE = "plan.json"
"""What `mtsite schedule` is going to do, for others to tell."""

_PULSE_SECONDS = 120
_DATABASES = ("*.db", ".megatest/*.db", ".mtdb/*.db")


class JobPlan(Struct, frozen=True):
    """A job as it is expected: how often in seconds (0: that isn't known), and when next."""

    job: str
    every: int = 0
    next: float | None = None

    @property
    def late_after(self) -> int:
        """Seconds after its last beginning from which on it is overdue; 0: never."""
        return self.every + max(3600, self.every // 10) if self.every else 0


class JobStanding(Struct, frozen=True):
    """One job: its plan, its newest run, and whether it is overdue."""

    plan: JobPlan
    last: JobEntry | None
    overdue: bool


class Standing(Struct, frozen=True):
    """All of it. `fresh` is the answer, `told` says it in a line, `hint` what to do if not."""

    fresh: bool
    told: str
    hint: str
    jobs: tuple[JobStanding, ...]
    locks: Mapping[str, "lock.Holder | str"]
    unfinished: tuple[str, ...]
    sizes: Mapping[str, int]
    growth: Mapping[str, int]
    damaged: int


def standing(config: Config, now: float) -> Standing:
    """How the site stands at `now` (Unix time). Reads a few small files, no database's rows."""
    history = jobhistory.read_history(config.state_dir)
    jobs = tuple(_job(plan, history, now) for plan in plans(config, history, now))
    locks = lock.locks_in(config.state_dir)
    fresh, told, hint = _verdict(jobs, now)
    sizes = sizes_of(config)
    return Standing(
        fresh,
        told,
        hint,
        jobs,
        locks,
        tuple(_unfinished(config)),
        sizes,
        _growth(history, sizes, now),
        history.damaged,
    )


def plans(config: Config, history: JobHistory, now: float) -> list[JobPlan]:
    """What is expected of each job: by the schedule's own plan, else by the settings."""
    told = _told_plan(config.state_dir)
    known = {"nightly": JobPlan("nightly", DAY, _next_night(config, now))}
    minutes = config.schedule.refresh_minutes
    last = history.last("refresh")
    if minutes and last is not None:
        known["refresh"] = JobPlan("refresh", minutes * 60, last.begun + minutes * 60)
    known |= {job: JobPlan(job) for job in history.jobs() if job not in known}
    if lock.holder_of(config.state_dir, "schedule") is not None:
        known |= told
    return [known[name] for name in sorted(known)]


def sizes_of(config: Config) -> dict[str, int]:
    """Bytes of the site and of each area's databases, and the number of the site's files."""
    files, size = tree_totals(config.state_dir / MANIFEST_FILE)
    sizes = {"files": files, "site": size}
    for name, area in config.areas.items():
        sizes[f"database {name}"] = sum(map(_size, _databases(area.path)))
    return sizes


def tell_of(
    config: Config, entry: JobEntry, report: TerminalReport, *, send: bool, notice: bool = True
) -> None:
    """Bring the page of jobs and `_status.json` up to date, send them, and notify of a failure.

    None of this can fail the job: what goes wrong is a warning.
    """
    from mtsite.build.pulse import write_pulse
    from mtsite.errors import MtsiteError
    from mtsite.notify import failure_document, notify
    from mtsite.pages.job import JobPulse
    from mtsite.publish.upload import publish_pulse
    from mtsite.timelimit import StepOver, time_limit

    history = jobhistory.read_history(config.state_dir)
    expected = plans(config, history, entry.ended or entry.begun)
    every = {plan.job: plan.every for plan in expected}
    upcoming = {plan.job: plan.next for plan in expected if plan.next}
    try:
        write_pulse(config, JobPulse(history, every, upcoming))
        if send and config.publish.destination:
            with time_limit(_PULSE_SECONDS):
                publish_pulse(config)
    except (MtsiteError, OSError, StepOver) as error:
        told = getattr(error, "message", "") or str(error) or "it took too long"
        report.warn(f"the page of jobs is not up to date: {told}")
    if notice and entry.state in BAD:
        base = config.site.base_url.rstrip("/")
        address = f"{base}/_jobs/index.html" if base else ""
        notify(config.notify, failure_document(config.site.title, address, entry), report)


def _job(plan: JobPlan, history: JobHistory, now: float) -> JobStanding:
    last = history.last(plan.job)
    runs = last is not None and last.state == jobhistory.RUNNING
    late = last is not None and plan.late_after and now - last.begun > plan.late_after
    return JobStanding(plan, last, bool(late) and not runs)


def _verdict(jobs: tuple[JobStanding, ...], now: float) -> tuple[bool, str, str]:
    ran = [job.last for job in jobs if job.last is not None]
    if not ran:
        return (
            False,
            "not fresh: no job has run yet",
            "mtsite nightly, or start mtsite schedule; mtsite doctor tells what it would meet",
        )
    running = [one for one in ran if one.state == jobhistory.RUNNING]
    if running:
        one = running[0]
        return True, f"{one.job} is running since {clock(one.begun)} (pid {one.pid})", ""
    newest = max(ran, key=lambda one: one.begun)
    nights = [one for one in ran if one.job == "nightly"]
    for one in {id(each): each for each in (newest, *nights)}.values():
        if one.state in BAD:
            told = f"not fresh: {one.job} of {clock(one.begun)} was {_WORDS[one.state]}"
            return False, f"{told}: {one.told}" if one.told else told, _remedy(one)
    overdue = [job for job in jobs if job.overdue]
    if overdue:
        job = overdue[0]
        since = clock(job.last.begun) if job.last else "never"
        return (
            False,
            f"not fresh: {job.plan.job} is overdue, its last run began {since}",
            "is cron or mtsite schedule running? mtsite nightly brings the site up to date now",
        )
    return True, f"fresh: {newest.job} ended {ago(now - (newest.ended or now))} ago, all well", ""


_WORDS = {
    "partly": "partly done",
    "failed": "failing",
    "stopped": "stopped",
    "killed": "killed",
}


def _remedy(one: JobEntry) -> str:
    if any(step.name == "check" and "secret" in step.told for step in one.steps):
        return "mtsite check secrets names the files"
    return "mtsite nightly again; mtsite doctor looks for what stands in its way"


def clock(epoch: float) -> str:
    """A time as this host's clock shows it."""
    return datetime.fromtimestamp(epoch).strftime("%Y-%m-%d %H:%M")


def ago(seconds: float) -> str:
    """A span in its largest unit: '6 h'."""
    for unit, size in (("d", DAY), ("h", 3600), ("min", 60)):
        if seconds >= size:
            return f"{int(seconds // size)} {unit}"
    return f"{max(0, int(seconds))} s"


def _next_night(config: Config, now: float) -> float:
    hour, minute = config.schedule.nightly.split(":")
    today = datetime.fromtimestamp(now)
    due = today.replace(hour=int(hour), minute=int(minute), second=0, microsecond=0)
    return (due if due > today else due + timedelta(days=1)).timestamp()


def _told_plan(state_dir: Path) -> dict[str, JobPlan]:
    try:
        found = json.loads((state_dir / PLAN_FILE).read_bytes())
        return {
            str(name): JobPlan(str(name), int(one["every"]), one["next"] and float(one["next"]))
            for name, one in found.items()
        }
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return {}


def _unfinished(config: Config) -> Iterator[str]:
    """Moves that were begun and not finished: running the same again does that."""
    for name, area in config.areas.items():
        for archive in _databases(area.path):
            if number := notes.unsettled(archive):
                moves = plural(number, "move")
                yield f"{name}: {moves} into {archive.name} not finished: mtsite nightly does that"


def _databases(directory: Path) -> Iterator[Path]:
    for pattern in _DATABASES:
        yield from directory.glob(pattern)


def _size(path: Path) -> int:
    try:
        return os.stat(path).st_size  # noqa: PTH116  # a database may vanish meanwhile
    except OSError:
        return 0


def _growth(history: JobHistory, sizes: Mapping[str, int], now: float) -> dict[str, int]:
    """Bytes (and files) more than about a month ago; nothing where no entry is that old."""
    old = [one for one in history.entries if one.sizes and now - one.begun >= 7 * DAY]
    before = min(old, key=lambda one: abs(now - one.begun - 30 * DAY), default=None)
    if before is None:
        return {}
    days = max(1, int((now - before.begun) // DAY))
    grown = {name: size - before.sizes.get(name, size) for name, size in sizes.items()}
    return {"days": days, **grown}
