"""Records changed outside a build: what was let go of a run, on purpose, and a journal of it.

A record is changed while no build goes on, and the manifest learns of it in the same breath: the
next build makes the pages of that run again.
"""

import hashlib
import json
import os
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from msgspec import Struct
from msgspec.structs import replace

from mtsite import lock, record, urls
from mtsite.archive import pending
from mtsite.config import Config
from mtsite.manifest import KnownRun, Manifest, Page
from mtsite.model import Attachment, LogRecord, RunRecord

JOURNAL = "let-go.jsonl"


class Who(Struct, frozen=True):
    """On whose behalf something is let go, by which command, and when (Unix seconds)."""

    name: str
    now: int
    command: str


@contextmanager
def writing(config: Config, who: Who) -> Iterator[Manifest]:
    """The manifest while no build goes on; what was noted counts once the files are on disk.

    Raises:
        BusyError: a build of this site is going on.
    """
    with (
        lock.hold(config.state_dir, "build", who.command),
        Manifest.open(config.state_dir) as manifest,
    ):
        try:
            yield manifest
        finally:
            os.sync()
            manifest.commit()


def load_record(config: Config, known: KnownRun | None) -> RunRecord | None:
    """The record of a known run with its summary; None when there is none that can be read."""
    if known is None:
        return None
    try:
        kept = record.load(config.site.output, known.key)
    except ValueError:
        return None
    return kept if kept is not None and kept.summary is not None else None


def save(config: Config, manifest: Manifest, old: KnownRun, kept: RunRecord) -> None:
    """Put a changed record in its place; the next build makes its pages again."""
    content = record.save(config.site.output, kept)
    digest = hashlib.sha256(content).hexdigest()
    path = urls.record_file(kept.key)
    manifest.note_pages([Page(path, digest, len(content), digest, old.dir)])
    assert kept.summary is not None, "load_record gives no other"
    known = replace(
        old,
        gone=kept.gone,
        let_go=tuple(one.what for one in kept.summary.let_go),
        fingerprint="" if kept.gone else pending.LET_GO,
    )
    manifest.note_run(known, kept.summary, None)


def without_logs(kept: RunRecord, reason: str) -> RunRecord:
    """The record with no stored text or attachment: what was found in the logs stays."""

    def ended(log: LogRecord) -> LogRecord:
        return replace(log, blob="", ended=reason) if log.blob else log

    def ended_file(one: Attachment) -> Attachment:
        return replace(one, blob="", ended=reason) if one.blob else one

    tests = {
        name: replace(
            test,
            logs=tuple(map(ended, test.logs)),
            attachments=tuple(map(ended_file, test.attachments)),
        )
        for name, test in kept.tests.items()
    }
    return replace(kept, tests=tests)


def note(config: Config, who: Who, told: Mapping[str, object]) -> None:
    """One line in the journal of what was let go: who, when, from where, and what."""
    line = {"when": who.now, "who": who.name, "host": socket.gethostname(), **told}
    with (config.state_dir / JOURNAL).open("a", encoding="utf-8") as journal:
        journal.write(json.dumps({"command": who.command, **line}) + "\n")
        journal.flush()
        os.fsync(journal.fileno())
