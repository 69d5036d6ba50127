"""The jobs of the site: one page for all, one for each run of a job. They live beside the pages of
runs and are made when a job has ended; no build reads them.
"""

from collections.abc import Mapping, Sequence

from msgspec import Struct, field

from mtsite import urls
from mtsite.jobhistory import (
    DONE,
    FAILED,
    KILLED,
    PARTLY,
    RUNNING,
    STOPPED,
    JobEntry,
    JobHistory,
    StepEntry,
)
from mtsite.pages import words
from mtsite.pages.charts import growth
from mtsite.pages.page import SiteFrame, frame_context

EDITION = 1
TEMPLATE = "jobs.html"
RUN_TEMPLATE = "job.html"
STRIP = 30
RECENT = 40
MONTHS = 13

LETTERS: Mapping[str, str] = {
    DONE: "P",
    PARTLY: "W",
    FAILED: "F",
    STOPPED: "A",
    KILLED: "K",
    RUNNING: "R",
    "skipped": "S",
}
SAID: Mapping[str, str] = {
    DONE: "done",
    PARTLY: "partly done",
    FAILED: "failed",
    STOPPED: "stopped",
    KILLED: "killed",
    RUNNING: "running",
    "skipped": "skipped",
}
_COLUMNS = (
    ("moved", ("reduce: moved", "automigrate: moved")),
    ("files written", ("build: files written",)),
    ("findings", ("check: findings",)),
    ("requests", ("publish: requests",)),
    ("sent", ("publish: bytes sent",)),
)


class JobPulse(Struct, frozen=True):
    """What the pages of jobs tell.

    `every` has the seconds between two runs of each job, 0 where that isn't known, `upcoming` when
    the next one begins.
    """

    history: JobHistory
    every: Mapping[str, int]
    upcoming: Mapping[str, float] = field(default_factory=dict)


def context(frame: SiteFrame, pulse: JobPulse) -> dict[str, object]:
    """All jobs: how the last run of each went, what each of the newest did, how things grow."""
    path = urls.jobs_page()
    history = pulse.history
    jobs = [_job(path, job, pulse) for job in _order(history.jobs())]
    lead = _lead(history)
    letter = _worst(history)
    folded = _folded(history)
    return frame_context(frame, path, (), title="Jobs", description=lead) | {
        "letter": letter,
        "symbol": words.SYMBOLS[letter],
        "word": next((SAID[s] for s, one in LETTERS.items() if one == letter), "not run"),
        "lead": lead,
        "jobs": tuple(jobs),
        "recent": tuple(_row(path, one, history) for one in folded[:RECENT]),
        "recent_total": len(history.entries),
        "recent_shown": sum(len(one) for one in folded[:RECENT]),
        "columns": tuple(name for name, _ in _COLUMNS),
        "growth": growth(_sizes(history)),
        "months": tuple(_month(*pair) for pair in _by_month(history)),
        "damaged": history.damaged,
    }


def run_context(frame: SiteFrame, entry: JobEntry) -> dict[str, object]:
    """One run of a job: its steps, what each did, what it said."""
    path = urls.job_page(entry.job, entry.number)
    letter = LETTERS.get(entry.state, "F")
    lead = _upper(words.first_line(entry.told)) or _did(entry)
    shown = frame_context(
        frame,
        path,
        [("jobs", urls.relative(path, urls.jobs_page()), "all jobs")],
        title=f"{words.SYMBOLS[letter]} {entry.job} {entry.number}",
        description=lead,
    )
    return shown | {
        "letter": letter,
        "symbol": words.SYMBOLS[letter],
        "word": SAID.get(entry.state, entry.state),
        "job": entry.job,
        "number": entry.number,
        "lead": lead,
        "begun": words.when(int(entry.begun)),
        "took": _took(entry),
        "host": entry.host,
        "exit": "" if entry.exit is None else str(entry.exit),
        "command": entry.command,
        "steps": tuple(map(_step, entry.steps)),
        "sizes": tuple(
            (name, words.number(size) if name == "files" else words.size(size))
            for name, size in sorted(entry.sizes.items())
        ),
        "said": "\n".join(entry.said),
    }


def has_page(entry: JobEntry, history: JobHistory) -> bool:
    """Whether a run of a job has a page of its own, which a later one has not taken yet."""
    last = history.last(entry.job)
    newest = last.number if last else 0
    return entry.has_news and entry.ended is not None and entry.number > newest - urls.JOB_PAGES


def _order(jobs: Sequence[str]) -> list[str]:
    return sorted(jobs, key=lambda job: (job != "nightly", job != "refresh", job))


def _lead(history: JobHistory) -> str:
    entry = _telling(history)
    if entry is None:
        return "No job has run yet."
    if entry.state == RUNNING:
        return f"The {entry.job} is running."
    if entry.state == DONE:
        did = _did(entry)
        return f"The last {entry.job} did all it had to: {did[0].lower()}{did[1:]}"
    told = words.first_line(entry.told)
    said = "failed" if entry.state == FAILED else f"was {SAID[entry.state]}"
    return f"The last {entry.job} {said}" + (f": {told}" if told else ".")


def _telling(history: JobHistory) -> JobEntry | None:
    """The entry that says how the site stands: the newest run of a job that went wrong, if any."""
    last = [one for job in history.jobs() if (one := history.last(job))]
    wrong = [one for one in last if one.state not in {DONE, RUNNING}]
    return max(wrong or last, key=lambda one: one.begun, default=None)


def _worst(history: JobHistory) -> str:
    entry = _telling(history)
    return LETTERS.get(entry.state, "F") if entry else "N"


def _did(entry: JobEntry) -> str:
    """What a run of a job did, in a sentence."""
    counts = entry.counts
    moved = sum(counts.get(f"{step}: moved", 0) for step in ("reduce", "automigrate"))
    written = counts.get("build: files written", 0)
    parts = []
    if moved:
        parts.append(f"{words.plural(moved, 'run')} moved")
    if written:
        parts.append(f"{words.plural(written, 'file')} written")
    sent = counts.get("publish: bytes sent", 0)
    if sent and entry.has_news:
        parts.append(f"{words.size(sent)} sent")
    return (", ".join(parts) or "Nothing was new") + "."


def _job(path: str, job: str, pulse: JobPulse) -> dict[str, object]:
    entries = pulse.history.of(job)
    last = entries[-1]
    every = pulse.every.get(job, 0)
    strip = "".join(LETTERS.get(one.state, "F") for one in entries[-STRIP:])
    counted = ", ".join(
        f"{strip.count(letter)} {SAID[state]}"
        for state, letter in LETTERS.items()
        if letter in strip
    )
    return {
        **_row(path, [last], pulse.history),
        "next": words.when(int(pulse.upcoming[job])) if job in pulse.upcoming else (),
        "every": f"expected every {_span(every)}" if every else "",
        "late": every + max(3600, every // 10) if every else 0,
        "strip": words.joined(strip),
        "strip_words": f"last {words.plural(len(strip), 'run')}: {counted}",
    }


def _span(seconds: int) -> str:
    for size, one, many in ((86_400, "day", "days"), (3600, "hour", "h"), (60, "minute", "min")):
        if seconds % size == 0:
            return one if seconds == size else f"{seconds // size} {many}"
    return words.duration(seconds)


def _folded(history: JobHistory) -> list[list[JobEntry]]:
    """The newest first; runs of one job in a row that had nothing new stand together."""
    groups: list[list[JobEntry]] = []
    for one in reversed(history.entries):
        last = groups[-1][-1] if groups else None
        is_quiet = last is not None and not one.has_news and not last.has_news
        if is_quiet and last is not None and last.job == one.job:
            groups[-1].append(one)
        else:
            groups.append([one])
    return groups


def _row(path: str, entries: Sequence[JobEntry], history: JobHistory) -> dict[str, object]:
    """A run of a job, or several that had nothing new, the newest first."""
    entry, first = entries[0], entries[-1]
    letter = LETTERS.get(entry.state, "F")
    cells = []
    for name, sources in _COLUMNS:
        known = [e.counts[source] for e in entries for source in sources if source in e.counts]
        number = sum(known)
        shown = words.size(number) if name == "sent" else words.number(number)
        cells.append(shown if known else "")
    page = urls.job_page(entry.job, entry.number)
    quiet = f"nothing new, {len(entries)} times" if len(entries) > 1 else "nothing new"
    return {
        "job": entry.job,
        "number": f"{first.number}–{entry.number}" if len(entries) > 1 else str(entry.number),
        "href": urls.relative(path, page) if has_page(entry, history) else "",
        "letter": letter,
        "symbol": words.SYMBOLS[letter],
        "word": SAID.get(entry.state, entry.state),
        "begun": words.when(int(entry.begun)),
        "took": _took(entry),
        "cells": tuple(cells),
        "told": words.first_line(entry.told) or ("" if entry.has_news else quiet),
    }


def _took(entry: JobEntry) -> str:
    return "" if entry.ended is None else words.duration(entry.ended - entry.begun)


def _step(step: StepEntry) -> dict[str, object]:
    letter = LETTERS.get(step.state, "F")
    counts = [_counted(what, number) for what, number in step.counts.items()]
    return {
        "name": step.name,
        "letter": letter,
        "symbol": words.SYMBOLS[letter],
        "word": SAID.get(step.state, step.state),
        "took": words.duration(step.seconds) if step.seconds >= 1 else _moment(step.seconds),
        "counts": ", ".join(counts),
        "told": step.told,
    }


def _moment(seconds: float) -> str:
    return f"{seconds:.2f}{words.THIN}s" if seconds else ""


def _counted(what: str, number: int) -> str:
    if what.startswith("bytes "):
        return f"{words.size(number)} {what.removeprefix('bytes ')}"
    return f"{words.number(number)} {what}"


def _sizes(history: JobHistory) -> list[tuple[int, int, int]]:
    """(time, bytes of the site, bytes of all databases) of each entry that knows them."""
    return [(int(one.begun), one.sizes["site"], _databases(one)) for one in _sized(history)]


def _sized(history: JobHistory) -> list[JobEntry]:
    return [one for one in history.entries if one.sizes.get("site")]


def _databases(entry: JobEntry) -> int:
    return sum(size for name, size in entry.sizes.items() if name.startswith("database "))


def _by_month(history: JobHistory) -> list[tuple[JobEntry, JobEntry | None]]:
    """The newest entry of each month with that of the month before, the newest first."""
    months: dict[str, JobEntry] = {}
    for one in _sized(history):
        months[words.when(int(one.begun))[0][:7]] = one
    kept = list(months.values())[-MONTHS - 1 :]
    pairs = list(zip(kept, [None, *kept], strict=False))
    return list(reversed(pairs))[:MONTHS]


def _month(entry: JobEntry, before: JobEntry | None) -> dict[str, str]:
    site, databases = entry.sizes["site"], _databases(entry)
    old = (before.sizes["site"], _databases(before)) if before else (site, databases)
    return {
        "when": words.when(int(entry.begun))[0][:10],
        "site": words.size(site),
        "site_grown": _grown(site - old[0]) if before else "",
        "files": words.number(entry.sizes.get("files", 0)),
        "databases": words.size(databases),
        "databases_grown": _grown(databases - old[1]) if before else "",
    }


def _grown(number: int) -> str:
    return f"{'+' if number >= 0 else '−'}{words.size(abs(number))}"


def _upper(text: str) -> str:
    return words.upper_first(text) if text else ""
