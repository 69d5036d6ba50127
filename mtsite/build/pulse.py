"""The volatile files of a site: the pages of jobs, `_status.json`, `_status.js`.

They tell of the clock, so they are no part of what builds promise: no build reads them, the law of
equal bytes leaves them out, and they are published last. A build only sees to it that they exist,
for the front page leads to them.
"""

from collections.abc import Mapping
from pathlib import Path

from mtsite import atomicfile, urls
from mtsite.build.framing import frame_of, theme_dirs
from mtsite.build.pen import json_bytes, load_theme
from mtsite.config import Config
from mtsite.jobhistory import DONE, RUNNING, JobEntry, JobHistory, read_history
from mtsite.pages import job
from mtsite.pages.job import JobPulse
from mtsite.pages.shard import shard_bytes

STATUS = "_status.json"
SHARD = "_status.js"


def write_pulse(config: Config, pulse: JobPulse) -> None:
    """Bring the volatile files up to date.

    Raises:
        OSError: one of them can't be written.
    """
    site = config.site.output
    theme = load_theme(theme_dirs(config), config.state_dir / "templates")
    frame = frame_of(config)
    history = pulse.history
    kept = {urls.jobs_page()}
    for entry in history.entries:
        if job.has_page(entry, history):
            path = urls.job_page(entry.job, entry.number)
            kept.add(path)
            if entry is history.last(entry.job) or not (site / path).exists():
                _put(site, path, theme.render(job.RUN_TEMPLATE, job.run_context(frame, entry)))
    _put(site, urls.jobs_page(), theme.render(job.TEMPLATE, job.context(frame, pulse)))
    _remove_others(site, kept)
    _put(site, SHARD, shard_bytes("status", _verdict(history)))
    _put(site, STATUS, json_bytes(_status(history, pulse.every)))


def begin_pulse(config: Config) -> None:
    """Make the volatile files where there are none yet: the front page leads to them."""
    wanted = (urls.jobs_page(), SHARD, STATUS)
    if not all((config.site.output / path).exists() for path in wanted):
        write_pulse(config, JobPulse(read_history(config.state_dir), {}))


def _put(site: Path, path: str, content: bytes) -> None:
    atomicfile.write(site / path, content)


def _remove_others(site: Path, kept: set[str]) -> None:
    for file in (site / "_jobs").glob("*.html"):
        if file.relative_to(site).as_posix() not in kept:
            file.unlink(missing_ok=True)


def _verdict(history: JobHistory) -> dict[str, object]:
    """What pages show of it: it moves only when how a job went does, not with each run."""
    last = {name: history.last(name) for name in history.jobs()}
    wrong = [name for name, one in last.items() if one and one.state not in {DONE, RUNNING}]
    return {"schema": "mtsite/shard-status/1", "wrong": sorted(wrong)}


def _status(history: JobHistory, every: Mapping[str, int]) -> dict[str, object]:
    """For monitors: times are Unix seconds, so that they can tell what is overdue."""
    jobs = [
        _job_status(one, every.get(one.job, 0))
        for name in history.jobs()
        if (one := history.last(name)) is not None
    ]
    sized = next((one for one in reversed(history.entries) if one.sizes), None)
    return {
        "schema": "mtsite/site-status/1",
        "ok": bool(jobs) and not _verdict(history)["wrong"],
        "jobs": jobs,
        "sizes": dict(sized.sizes) if sized else {},
    }


def _job_status(entry: JobEntry, every: int) -> dict[str, object]:
    return {
        "job": entry.job,
        "number": entry.number,
        "state": entry.state,
        "exit": entry.exit,
        "begun": int(entry.begun),
        "ended": None if entry.ended is None else int(entry.ended),
        "every": every,
        "late_after": every + max(3600, every // 10) if every else 0,
        "told": entry.told,
        "page": urls.job_page(entry.job, entry.number) if entry.has_news else urls.jobs_page(),
    }
