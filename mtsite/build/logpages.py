"""The pages of the logs of one test: the log, its parts, its index. A worker's."""

from collections.abc import Sequence

from mtsite import urls
from mtsite.build import digest
from mtsite.build.pen import Pen
from mtsite.errors import DamagedLogError
from mtsite.facts import Unusual
from mtsite.logs.blocks import BlockedText
from mtsite.logs.lines import Lines, PlainLines, lines_of
from mtsite.model import LogRecord, RunRecord, TestName, TestRecord
from mtsite.pages import gone, log, part, strange
from mtsite.pages.logindex import index_document, index_key
from mtsite.pages.shard import shard_bytes
from mtsite.rollup import Verdict


def log_pages(
    pen: Pen,
    kept: RunRecord,
    one: TestRecord,
    verdict: Verdict,
    values: Sequence[tuple[object, ...]],
) -> None:
    """The pages of all logs of a test, and what stays of those that were let go.

    `values` are the logs as plain values.
    """
    for entry, plain in zip(one.logs, values, strict=True):
        if entry.blob:
            _log_page(pen, kept, one, (verdict, plain), entry)
        elif entry.ended:
            _ended_log(pen, kept, one, entry)


def _log_page(
    pen: Pen,
    kept: RunRecord,
    one: TestRecord,
    said: tuple[Verdict, tuple[object, ...]],
    entry: LogRecord,
) -> None:
    verdict, plain = said
    name = (one.testname, one.item_path)
    path = urls.log_page(kept.key, name, entry.name)
    siblings = [log.name for log in one.logs if log.blob]
    found = _unusual_in(kept, name, entry)
    told = (verdict.value, plain, siblings, pen.recipes[part.TEMPLATE])
    shown: tuple[object, ...] = (*told, repr(found)) if found else told
    fingerprint = pen.fresh(log, path, repr(kept.key), kept.keys, name, *shown)
    whose = part.Whose(kept.key, name, kept.keys, verdict.value)
    if not fingerprint:
        pen.keep(_part_dir(whose, entry))
        return
    try:
        text = lines_of(f"{pen.site}/{entry.blob}")
        _log_parts(pen, whose, entry, text, fingerprint)
        made = _log_context(pen, whose, verdict, entry, text, siblings)
    except (FileNotFoundError, DamagedLogError) as error:
        why = error if isinstance(error, DamagedLogError) else "it is not in this site"
        lost = PlainLines(f"(the stored text {entry.blob} can't be read: {why})\n".encode())
        made = _log_context(pen, whose, verdict, entry, lost, siblings)
    made["unusual"] = strange.shown(kept.key, found, path)
    pen.page(log, path, fingerprint, made)


def _log_context(
    pen: Pen,
    whose: part.Whose,
    verdict: Verdict,
    entry: LogRecord,
    text: Lines,
    siblings: list[str],
) -> dict[str, object]:
    key, name, keys, _ = whose
    return log.context(pen.frame, key, name, verdict, entry, text, keys=keys, siblings=siblings)


def _unusual_in(kept: RunRecord, name: TestName, entry: LogRecord) -> Unusual | None:
    """What is unusual in this log, if it was compared."""
    found = kept.unusual.get(name)
    return found if found is not None and found.log == entry.name else None


def _log_parts(
    pen: Pen, whose: part.Whose, entry: LogRecord, text: Lines, fingerprint: str
) -> None:
    """What a log's page leads to: its lines in parts, and the index of a large one."""
    for number in part.parts_of(entry, text.lines):
        path = urls.log_part(whose.key, whose.name, entry.name, number)
        pen.page(part, path, fingerprint, part.context(pen.frame, whose, entry, text, number))
    if isinstance(text, BlockedText):
        document = index_document(text)
        key = index_key(document)
        path = urls.log_index(whose.key, whose.name, entry.name, key)
        pen.write(path, shard_bytes(key, document), fingerprint)


def _part_dir(whose: part.Whose, entry: LogRecord) -> str:
    return urls.log_part(whose.key, whose.name, entry.name, 1).rpartition("/")[0] + "/"


def _ended_log(pen: Pen, kept: RunRecord, one: TestRecord, entry: LogRecord) -> None:
    """What stays at the address of a log whose text was let go."""
    name = (one.testname, one.item_path)
    path = urls.log_page(kept.key, name, entry.name)
    values = (repr(kept.key), kept.keys, name, one.verdict, digest.log_values(entry))
    fingerprint = pen.fresh(gone, path, values)
    if fingerprint:
        pen.page(gone, path, fingerprint, gone.log_context(pen.frame, kept, name, entry))
