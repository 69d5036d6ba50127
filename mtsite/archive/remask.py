"""Stored logs and records masked again, by one rule that was not there when they were taken."""

import hashlib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from mtsite import atomicfile
from mtsite.config import RedactConfig
from mtsite.errors import UsageError
from mtsite.facts import Suspects
from mtsite.logs import ansi
from mtsite.logs.attach import EXTENSIONS, UNPACKED_BYTES, secrets_in
from mtsite.logs.blocks import SUFFIX, BlockWriter, open_text
from mtsite.logs.masking import BLOCK_BYTES, Masking
from mtsite.logs.opened import open_log
from mtsite.logs.redact import Redactor, make_redactor
from mtsite.logs.redact_definition import masked_definition
from mtsite.logs.unpack import MAGIC_BYTES, is_packed
from mtsite.model import Attachment, Finding, FirstFailure, LogRecord, RunRecord, RunSummary

_LONGEST = 2000
_HEAD_BYTES = 1 << 14
"""More than `_LONGEST` characters, also where there are colours between them."""
_NO_TEXT = frozenset((".bin", *(f".{extension}" for extension in EXTENSIONS.values())))

Report = Callable[[str, int, int], None]


class Remasked(Struct, frozen=True):
    """A stored text once it is masked again: where it lies then, and the new masks per rule.

    `size` is in bytes. Of a file that is no text nothing is left: its `blob` is ''.
    """

    blob: str
    size: int
    counts: Mapping[str, int]


def redactor_named(settings: RedactConfig, name: str) -> Redactor:
    """What masks by one rule of [redact] alone.

    Raises:
        UsageError: there is no such rule in it.
    """
    own = [(rule.name, rule.regex) for rule in settings.own if rule.name == name]
    allow = [one for one in settings.allow if name in ("default", one[0])]
    try:
        if own:
            return make_redactor([], own, allow)
        if name == "default" or "default" in settings.rules or name in settings.rules:
            return make_redactor([name], allow=allow)
    except ValueError as error:
        raise UsageError(str(error), "`mtsite config show` lists [redact]") from error
    raise UsageError(
        f"[redact] has no rule {name}: what comes later would not be masked",
        "add it to mtsite.toml first: rules, or [[redact.own]] with name and regex",
    )


def mask_blobs(
    site: Path, redactor: Redactor, report: Report, *, store: bool
) -> dict[str, Remasked]:
    """Every stored log in which the rule finds something → what it becomes."""
    found: dict[str, Remasked] = {}
    paths = sorted((site / "_blobs").glob("??/*"))
    for done, path in enumerate(paths, start=1):
        report("stored logs", done, len(paths))
        if path.name.startswith(atomicfile.TEMPORARY_PREFIX):
            continue
        remasked = _mask_blob(site, path, redactor, store=store)
        if remasked is not None:
            found[path.relative_to(site).as_posix()] = remasked
    return found


def _secrets_of(path: Path, redactor: Redactor) -> dict[str, int]:
    """What can be seen in a file that is no text, and in what it unpacks to."""
    with path.open("rb") as file, open_log(path, UNPACKED_BYTES) as opened:
        seen = secrets_in(file.read, redactor)
        file.seek(0)
        packed = is_packed(file.read(MAGIC_BYTES))
        return secrets_in(opened.read, redactor) | seen if packed else seen


def mask_record(
    kept: RunRecord, redactor: Redactor, remasked: Mapping[str, Remasked], site: Path
) -> RunRecord:
    """The record with its texts masked, leading to the newly masked blobs."""
    tests = {
        name: replace(
            test,
            logs=tuple(_log(log, redactor, remasked, site) for log in test.logs),
            attachments=tuple(_attachment(one, redactor, remasked) for one in test.attachments),
            why=(*test.why[:2], *map(redactor.redact_text, test.why[2:])),
        )
        for name, test in kept.tests.items()
    }
    summary = kept.summary and _summary(kept.summary, redactor)
    definitions = {n: masked_definition(said, redactor) for n, said in kept.definitions.items()}
    facts = kept.facts and replace(
        kept.facts, suspects=tuple(_suspects(one, redactor) for one in kept.facts.suspects)
    )
    return replace(
        kept,
        tests=tests,
        facts=facts,
        summary=summary,
        gone=redactor.redact_text(kept.gone),
        definitions=definitions,
    )


def _suspects(one: Suspects, redactor: Redactor) -> Suspects:
    """What people said of their changes is frozen there."""
    mask = redactor.redact_text
    pushes = tuple((revision, mask(who), mask(said)) for revision, who, said in one.pushes)
    return replace(one, pushes=pushes)


def _mask_blob(site: Path, path: Path, redactor: Redactor, *, store: bool) -> Remasked | None:
    if path.suffix in _NO_TEXT:
        found = _secrets_of(path, redactor)
        return Remasked("", 0, found) if found else None
    masking = Masking(redactor)
    digest = hashlib.sha256()
    size = 0
    with open_text(path) as read, atomicfile.draft(site / "_blobs") as draft:
        writer = BlockWriter(draft.file) if path.suffix == SUFFIX else None
        put = writer.write if writer else draft.file.write
        for block in masking.blocks(read):
            digest.update(block)
            size += len(block)
            if store:
                put(block)
        if not masking.counts:
            return None
        name = f"{digest.hexdigest()}{path.suffix}"
        blob = f"_blobs/{name[:2]}/{name}"
        if store:
            if writer:
                writer.close()
            draft.keep(site / blob)
    return Remasked(blob, size, dict(sorted(masking.counts.items())))


def _log(
    log: LogRecord, redactor: Redactor, remasked: Mapping[str, Remasked], site: Path
) -> LogRecord:
    new = remasked.get(log.blob)
    texts = changed_lines(site / log.blob, redactor) if new is not None else {}

    def finding(found: Finding) -> Finding:
        lines = found.excerpt.split("\n")
        clean = [texts.get(found.first_line + i, line) for i, line in enumerate(lines)]
        return replace(found, excerpt=redactor.redact_text("\n".join(clean)))

    log = replace(
        log,
        findings=tuple(finding(found) for found in log.findings),
        warnings=tuple(finding(found) for found in log.warnings),
        facts=_plain(log.facts, redactor),
        around=tuple(
            (number, redactor.redact_text(texts.get(number, line))) for number, line in log.around
        ),
        note=redactor.redact_text(log.note),
    )
    if new is None:
        return log
    # What was only reported is counted again, now that it is masked.
    before = {} if log.reported else log.redacted
    counts = Counter(before) + Counter(new.counts)
    masked = dict(sorted(counts.items()))
    return replace(log, blob=new.blob, size=new.size, redacted=masked, reported=False)


def _attachment(
    one: Attachment, redactor: Redactor, remasked: Mapping[str, Remasked]
) -> Attachment:
    new = remasked.get(one.blob)
    if new is None:
        return one
    before = {} if one.reported else one.redacted
    masked = dict(sorted((Counter(before) + Counter(new.counts)).items()))
    one = replace(one, redacted=masked, reported=False)
    if not new.blob:
        return replace(
            one, blob="", size=0, ended="taken back: holds a secret that can't be masked"
        )
    return replace(one, blob=new.blob, size=new.size)


def changed_lines(path: Path, redactor: Redactor) -> dict[int, str]:
    """Line number → text of the lines of a stored log that a rule masks, each cut to a piece.

    A rule may need more than the excerpt to see its secret. None where there is no such log.
    """
    try:
        with open_text(path) as before, open_text(path) as again:
            masked = Masking(redactor).blocks(again)
            old = _lines(iter(lambda: before(BLOCK_BYTES), b""))
            pairs = enumerate(zip(old, _lines(masked), strict=True), start=1)
            return {
                number: ansi.strip(new[0])[:_LONGEST].decode("utf-8", "replace")
                for number, (was, new) in pairs
                if was != new
            }
    except FileNotFoundError:
        return {}


def _lines(pieces: Iterator[bytes]) -> Iterator[tuple[bytes, bytes]]:
    """Each line's beginning and a digest of its rest: a line may be as long as a log."""
    head, rest = b"", None
    for piece in pieces:
        for ends_before, part in enumerate(piece.split(b"\n")):
            if ends_before:
                yield head, rest.digest() if rest else b""
                head, rest = b"", None
            room = _HEAD_BYTES - len(head)
            head += part[:room]
            if len(part) > room:
                rest = rest or hashlib.sha256()
                rest.update(part[room:])
    yield head, rest.digest() if rest else b""


def _summary(summary: RunSummary, redactor: Redactor) -> RunSummary:
    def failure(one: FirstFailure) -> FirstFailure:
        return replace(one, line=redactor.redact_text(one.line))

    return replace(
        summary,
        comment=redactor.redact_text(summary.comment),
        gone=redactor.redact_text(summary.gone),
        failures=tuple(failure(one) for one in summary.failures),
    )


def _plain(value: Any, redactor: Redactor) -> Any:
    """JSON with its texts masked, whatever its shape."""
    if isinstance(value, str):
        return redactor.redact_text(value)
    if isinstance(value, Mapping):
        return {key: _plain(one, redactor) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(one, redactor) for one in value]
    return value
