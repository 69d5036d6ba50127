"""The last run of each job, from `_status.json`, where the history of jobs was lost.

The history itself lies in the state directory alone. Without this, a site whose state was lost
would say on its page of jobs that none has run yet, and number them from 1 again.
"""

import json
import zlib
from collections.abc import Callable, Iterator
from typing import Any

from msgspec.structs import replace

from mtsite import jobhistory
from mtsite.config import Config
from mtsite.errors import MtsiteError
from mtsite.jobhistory import JobEntry
from mtsite.publish.destination import open_destination

STATUS = "_status.json"
UNKNOWN = "nothing more is known of it: the history of jobs was lost, and begins anew"
_LARGEST = 1_000_000
_LATEST = 1e11
_GZIP = b"\x1f\x8b"
_GZIP_WINDOW = 31


def recall_jobs(config: Config, say: Callable[[str], None], *, ask: bool) -> None:
    """Begin a lost history with what the tree, or else the destination, tells of each job.

    `ask`: whether the destination may be asked; one request. Trouble there is left to publish.
    """
    if (config.state_dir / jobhistory.FILE).exists():
        return
    entries = list(_entries(_status(config, ask=ask)))
    try:
        for entry in entries:
            jobhistory.end(config.state_dir, entry)
    except OSError:
        return  # whoever begins a job says why nothing can be written
    if entries:
        jobs = ", ".join(entry.job for entry in entries)
        say(f"the history of jobs was lost; their last runs are known from {STATUS}: {jobs}")


def _status(config: Config, *, ask: bool) -> bytes:
    try:
        with (config.site.output / STATUS).open("rb") as file:
            return file.read(_LARGEST)
    except (FileNotFoundError, NotADirectoryError):
        pass
    except OSError:
        return b""
    if not (ask and config.publish.destination):
        return b""
    try:
        destination = open_destination(config.publish.destination, config.publish)
        try:
            found = destination.get(STATUS)
        finally:
            destination.close()
        return _unpacked(found.content) if found is not None else b""
    except (MtsiteError, zlib.error):
        return b""


def _unpacked(content: bytes) -> bytes:
    if not content.startswith(_GZIP):
        return content
    return zlib.decompressobj(_GZIP_WINDOW).decompress(content, _LARGEST)


def _entries(status: bytes) -> Iterator[JobEntry]:
    """The jobs of a status, the one that began last with the sizes; what is no job is left out."""
    try:
        told = json.loads(status or b"{}")
        entries = [_entry(one) for one in told["jobs"]] if told else []
        sizes = {str(name): int(size) for name, size in told["sizes"].items()} if told else {}
    except (ValueError, TypeError, KeyError, AttributeError, OverflowError, RecursionError):
        return
    newest = max(entries, key=lambda entry: entry.begun, default=None)
    for entry in entries:
        yield replace(entry, sizes=sizes) if entry is newest else entry


def _entry(told: dict[str, Any]) -> JobEntry:
    state = str(told["state"])
    if state not in {jobhistory.RUNNING, jobhistory.DONE, *jobhistory.BAD}:
        raise ValueError(state)
    if not 0 < float(told["begun"]) < _LATEST:
        raise ValueError(told["begun"])
    return JobEntry(
        job=str(told["job"]),
        number=int(told["number"]),
        begun=float(told["begun"]),
        ended=None if told["ended"] is None else float(told["ended"]),
        exit=None if told["exit"] is None else int(told["exit"]),
        # One that ran when the state was lost is nobody's now.
        state=jobhistory.KILLED if state == jobhistory.RUNNING else state,
        told=str(told["told"]) or UNKNOWN,
    )
