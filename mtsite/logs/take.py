"""Take one log: read → redact → digest → scan. What comes out is safe to store and to show."""

import hashlib
from pathlib import Path

from mtsite import urls
from mtsite.logs.families import RuleSet, built_in
from mtsite.logs.redact import Redactor
from mtsite.logs.scan import scan
from mtsite.logs.source import count_broken, count_lines, read_log
from mtsite.model import LogRecord


def take_log(
    name: str,
    path: Path,
    kind: str,
    *,
    redactor: Redactor,
    cap_bytes: int,
    rule_set: RuleSet | None = None,
) -> tuple[LogRecord, bytes, str]:
    """One log as its record, the redacted bytes to store, and their SHA-256 in hex.

    `name` is relative to the run directory, `path` the real path, `kind` final, step or file.
    The blob's path in the record is where the bytes must be put; it is '' (and so is the digest)
    when there is nothing to store, and the record's note says why. Never raises for what it finds.
    """
    source = read_log(path, cap_bytes)
    if source.note and not source.cut:
        record = LogRecord(
            name, kind, source_size=source.size, source_mtime_ns=source.mtime_ns, note=source.note
        )
        return record, b"", ""
    content, redacted = redactor.redact(source.content)
    digest = hashlib.sha256(content).hexdigest()
    rule_set = rule_set or built_in()
    judged = scan(content, rule_set, name)
    record = LogRecord(
        name=name,
        kind=kind,
        blob=urls.blob_file(digest, blob_extension(name)),
        size=len(content),
        source_size=source.size,
        source_mtime_ns=source.mtime_ns,
        lines=count_lines(content),
        broken_bytes=count_broken(content),
        redacted=redacted,
        findings=judged.findings,
        finding_count=judged.finding_count,
        note=source.note,
        warnings=judged.warnings,
        warning_count=judged.warning_count,
        dialect=judged.dialect,
        facts=judged.facts,
        rules=rule_set.digest,
        faults=judged.faults,
    )
    return record, content, digest


def blob_extension(name: str) -> str:
    """How a blob's name ends: 'log' or 'txt', so that every server gives it out as text."""
    return "log" if name.lower().endswith(".log") else "txt"
