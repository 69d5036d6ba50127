"""Take one log: read → redact → digest → store → judge. What is stored is safe to show.

A log of up to a megabyte is taken in memory and stored as text. A larger one is stored in members
(`blocks`), in a file beside the blobs that gets its name when its digest is known; its text goes
into a second one, is judged as mapped from there, and is not kept.
"""

import hashlib
import itertools
import mmap
import os
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO

from msgspec import Struct, field
from msgspec.structs import replace

from mtsite import atomicfile, urls
from mtsite.errors import DamagedLogError
from mtsite.logs import blocks
from mtsite.logs.around import lines_around
from mtsite.logs.blocks import BlockedText, BlockWriter
from mtsite.logs.families import RuleSet, built_in
from mtsite.logs.levels import shown_levels
from mtsite.logs.masking import DEFAULT_SIZES, Masking, Sizes
from mtsite.logs.opened import open_log
from mtsite.logs.redact import Redactor
from mtsite.logs.scan import scan
from mtsite.logs.source import Content, count_broken, count_lines
from mtsite.model import LogRecord, RunKey, TestName

SMALL_BYTES = 1 << 20
"""A log of at most so much text is stored as it is."""

Known = dict[str, Any]
"""Fields of a log's record with what is known of them: the record is made once, of all."""

PACKED_SUFFIXES = (".gz", ".xz", ".zst")


class Taker(Struct, frozen=True):
    """How the logs of a site are taken: masked by what, judged by what, at most how much of each.

    `site` is where `_blobs/` lies; a blob that is there already is left as it is.
    """

    site: Path
    redactor: Redactor
    cap_bytes: int
    rule_set: RuleSet = field(default_factory=built_in)
    sizes: Sizes = DEFAULT_SIZES
    small_bytes: int = SMALL_BYTES
    block_bytes: int = blocks.BLOCK_BYTES

    def take(self, name: str, path: Path, kind: str, place: str = "") -> LogRecord:
        """Store the log at a resolved path, and say what is known of it.

        `name` is relative to the run directory, `kind` final, step or file. The record's blob is
        '' when there is nothing to store, and its note says why. Never raises for what it finds.
        """
        with open_log(path, self.cap_bytes) as log:

            def record(**known: Any) -> LogRecord:
                known |= {"source_size": log.size, "source_mtime_ns": log.mtime_ns}
                return LogRecord(name, kind, note=log.note, **known)

            if log.refused:
                return record()
            masking = Masking(self.redactor, self.sizes)
            pieces = masking.blocks(log.read)
            begun = [next(pieces, b"")]
            if not begun[0] and log.note:
                return record()
            size = len(begun[0])
            while size <= self.small_bytes and (piece := next(pieces, b"")):
                begun.append(piece)
                size += len(piece)
            if size <= self.small_bytes:
                known = self._store(name, b"".join(begun), place)
            else:
                known = self._store_large(name, itertools.chain(begun, pieces), place)
            # What was masked and what is missing is known when all was read.
            reported = self.redactor.reports and bool(masking.counts)
            found = dict(sorted(masking.counts.items()))
            return record(redacted=found, reported=reported, **known)

    def _store(self, name: str, text: bytes, place: str) -> Known:
        blob = blob_of(name, hashlib.sha256(text).hexdigest())
        atomicfile.write(f"{self.site}/{blob}", text)
        judged = _judged(name, text, self.rule_set, place, shown_levels(text))
        return judged | {"blob": blob, "size": len(text), "broken_bytes": count_broken(text)}

    def _store_large(self, name: str, pieces: Iterator[bytes], place: str) -> Known:
        digest = hashlib.sha256()
        size = broken = 0
        store = self.site / "_blobs"
        with atomicfile.draft(store) as plain, atomicfile.draft(store) as packed:
            writer = BlockWriter(packed.file, self.block_bytes)
            for piece in pieces:
                digest.update(piece)
                plain.file.write(piece)
                writer.write(piece)
                size += len(piece)
                broken += count_broken(piece)
            writer.close()
            blob = urls.blob_file(digest.hexdigest(), blocks.SUFFIX[1:])
            if not _is_whole(self.site / blob, size):
                packed.keep(self.site / blob)
            plain.file.flush()
            with mapped(plain.file) as text:
                judged = _judged(name, text, self.rule_set, place, writer.levels)
                return judged | {"blob": blob, "size": size, "broken_bytes": broken}


def judge(record: LogRecord, text: Content, rule_set: RuleSet, place: str = "") -> LogRecord:
    """The record with what a rule set says of the stored text."""
    return replace(record, **_judged(record.name, text, rule_set, place, shown_levels(text)))


def _judged(
    name: str, text: Content, rule_set: RuleSet, place: str, levels: Mapping[str, int]
) -> Known:
    judged = scan(text, rule_set, name, place=place)
    return {
        "findings": judged.findings,
        "finding_count": judged.finding_count,
        "warnings": judged.warnings,
        "warning_count": judged.warning_count,
        "dialect": judged.dialect,
        "facts": judged.facts,
        "rules": rule_set.digest,
        "faults": judged.faults,
        "levels": levels,
        "lines": sum(levels.values()) or count_lines(text),
        "around": lines_around(text, judged.findings[0]) if judged.findings else (),
    }


def stored_text(path: Path) -> Content:
    """The text of a blob; a large one is mapped, one in members from a file that nobody sees.

    Raises:
        FileNotFoundError: it is not in this site.
        DamagedLogError: it is not what was stored.
    """
    if path.suffix == blocks.SUFFIX:
        return _gathered(text for _, text in BlockedText(path).texts())
    return text_at(str(path))


def text_at(name: str) -> Content:
    """The text of a blob that is not in members; a large one is mapped.

    Raises:
        FileNotFoundError: it is not in this site.
    """
    # A build asks for tens of thousands of small ones: plain calls, no objects of pathlib and io.
    descriptor = os.open(name, os.O_RDONLY | os.O_CLOEXEC)
    try:
        size = os.fstat(descriptor).st_size
        if size <= DEFAULT_SIZES.block:
            return os.read(descriptor, size)
        return mmap.mmap(descriptor, 0, access=mmap.ACCESS_READ)
    finally:
        os.close(descriptor)


def stored_around(path: Path, first: int, last: int) -> tuple[int, Content]:
    """What of a blob holds these lines, and the number of its first: of members only those.

    Raises:
        FileNotFoundError: it is not in this site.
        DamagedLogError: it is not what was stored.
    """
    if path.suffix != blocks.SUFFIX:
        return 1, stored_text(path)
    number, texts = BlockedText(path).around(first, last)
    return number, _gathered(texts)


def _gathered(texts: Iterable[bytes]) -> Content:
    with tempfile.TemporaryFile() as whole:
        whole.writelines(texts)
        whole.flush()
        return mapped(whole) if whole.tell() else b""


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
    except (FileNotFoundError, DamagedLogError):
        return record


def mapped(file: BinaryIO) -> mmap.mmap:
    """An open file's content, to be read without taking it into memory."""
    return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)


def blob_of(name: str, digest: str) -> str:
    """Where the text of a log of this name lies below the site, when it is not large."""
    return urls.blob_file(digest, blob_extension(name))


def blob_extension(name: str) -> str:
    """How a blob's name ends: 'log' or 'txt', so that every server gives it out as text."""
    plain = name.lower()
    for suffix in PACKED_SUFFIXES:
        plain = plain.removesuffix(suffix)
    return "log" if plain.endswith(".log") else "txt"


def _is_whole(path: Path, size: int) -> bool:
    """Whether a large log of so much text lies there, to its end."""
    try:
        return BlockedText(path).size == size
    except (FileNotFoundError, DamagedLogError):
        return False
