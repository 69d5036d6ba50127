"""Take one log: read → redact → digest → store → judge. What is stored is safe to show.

A log that fits into one block is taken in memory; a larger one goes through a file beside the
blobs that gets its name when its digest is known, and is judged as mapped from there.
"""

import hashlib
import itertools
import mmap
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import BinaryIO

from mtsite import atomicfile, urls
from mtsite.logs.around import lines_around
from mtsite.logs.families import RuleSet, built_in
from mtsite.logs.levels import shown_levels
from mtsite.logs.masking import DEFAULT_SIZES, Masking, Sizes
from mtsite.logs.opened import OpenLog, open_log
from mtsite.logs.redact import Redactor
from mtsite.logs.scan import scan
from mtsite.logs.source import Content, count_broken, count_lines
from mtsite.model import LogRecord, RunKey, TestName

PACKED_SUFFIXES = (".gz", ".xz", ".zst")


@dataclass(frozen=True, slots=True)
class Taker:
    """How the logs of a site are taken: masked by what, judged by what, at most how much of each.

    `site` is where `_blobs/` lies; a blob that is there already is left as it is.
    """

    site: Path
    redactor: Redactor
    cap_bytes: int
    rule_set: RuleSet = field(default_factory=built_in)
    sizes: Sizes = DEFAULT_SIZES

    def take(self, name: str, path: Path, kind: str, place: str = "") -> LogRecord:
        """Store the log at a resolved path, and say what is known of it.

        `name` is relative to the run directory, `kind` final, step or file. The record's blob is
        '' when there is nothing to store, and its note says why. Never raises for what it finds.
        """
        with open_log(path, self.cap_bytes) as log:
            record = LogRecord(name, kind, source_size=log.size, source_mtime_ns=log.mtime_ns)
            if log.refused:
                return replace(record, note=log.note)
            masking = Masking(self.redactor, self.sizes)
            blocks = masking.blocks(log.read)
            first, second = next(blocks, b""), next(blocks, None)
            if not first and log.note:
                return replace(record, note=log.note)
            if second is None:
                stored = self._store(record, first, place)
            else:
                whole = itertools.chain((first, second), blocks)
                stored = self._store_large(record, whole, place)
            return _with_losses(stored, log, masking)

    def _store(self, record: LogRecord, text: bytes, place: str) -> LogRecord:
        blob = blob_of(record.name, hashlib.sha256(text).hexdigest())
        target = self.site / blob
        if not _has_size(target, len(text)):
            atomicfile.write(target, text)
        kept = replace(record, blob=blob, size=len(text), broken_bytes=count_broken(text))
        return _counted(judge(kept, text, self.rule_set, place), text)

    def _store_large(self, record: LogRecord, blocks: Iterator[bytes], place: str) -> LogRecord:
        digest = hashlib.sha256()
        size = broken = 0
        with atomicfile.draft(self.site / "_blobs") as draft:
            for block in blocks:
                digest.update(block)
                draft.file.write(block)
                size += len(block)
                broken += count_broken(block)
            blob = blob_of(record.name, digest.hexdigest())
            if not _has_size(self.site / blob, size):
                draft.keep(self.site / blob)
            draft.file.flush()
            with mapped(draft.file) as text:
                kept = replace(record, blob=blob, size=size, broken_bytes=broken)
                return _counted(judge(kept, text, self.rule_set, place), text)


def judge(record: LogRecord, text: Content, rule_set: RuleSet, place: str = "") -> LogRecord:
    """The record with what a rule set says of the stored text."""
    judged = scan(text, rule_set, record.name, place=place)
    return replace(
        record,
        findings=judged.findings,
        finding_count=judged.finding_count,
        warnings=judged.warnings,
        warning_count=judged.warning_count,
        dialect=judged.dialect,
        facts=judged.facts,
        rules=rule_set.digest,
        faults=judged.faults,
        levels=shown_levels(text),
        around=lines_around(text, judged.findings[0]) if judged.findings else (),
    )


def stored_text(path: Path) -> Content:
    """The text of a blob; a large one is mapped.

    Raises:
        FileNotFoundError: it is not in this site.
    """
    with path.open("rb") as file:
        if path.stat().st_size <= DEFAULT_SIZES.block:
            return file.read()
        return mapped(file)


def place_of(key: RunKey, name: TestName) -> str:
    """Whose a log is, for dialects that have settings by test: AREA/KEY1/…/RUNNAME/TEST[/ITEM]."""
    return "/".join((key.area, *key.target, key.runname, *filter(None, name)))


def judge_stored(site: Path, record: LogRecord, rule_set: RuleSet, place: str = "") -> LogRecord:
    """The record with what a rule set says of the text that lies in the site.

    As it is where the same rule set has judged it, or where its text is not there.
    """
    if not record.blob or record.rules == rule_set.digest:
        return record
    try:
        return judge(record, stored_text(site / record.blob), rule_set, place)
    except FileNotFoundError:
        return record


def mapped(file: BinaryIO) -> mmap.mmap:
    """An open file's content, to be read without taking it into memory."""
    return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)


def blob_of(name: str, digest: str) -> str:
    """Where the text of a log of this name lies below the site."""
    return urls.blob_file(digest, blob_extension(name))


def blob_extension(name: str) -> str:
    """How a blob's name ends: 'log' or 'txt', so that every server gives it out as text."""
    plain = name.lower()
    for suffix in PACKED_SUFFIXES:
        plain = plain.removesuffix(suffix)
    return "log" if plain.endswith(".log") else "txt"


def _with_losses(record: LogRecord, log: OpenLog, masking: Masking) -> LogRecord:
    """What was masked, and what is missing: known when all was read."""
    return replace(record, redacted=dict(sorted(masking.counts.items())), note=log.note)


def _counted(record: LogRecord, text: Content) -> LogRecord:
    """The record with the number of lines: that of all levels, where it is known."""
    return replace(record, lines=sum(record.levels.values()) or count_lines(text))


def _has_size(path: Path, size: int) -> bool:
    try:
        return path.stat().st_size == size
    except FileNotFoundError:
        return False
