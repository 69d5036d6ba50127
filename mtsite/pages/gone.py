"""What stays at the address of a run, or of a test, whose rows are no more."""

from collections.abc import Sequence

from msgspec import Struct

from mtsite import urls
from mtsite.model import Attachment, LogRecord, RunKey, RunRecord, TestName, TestRecord
from mtsite.pages import charts, markdown, words
from mtsite.pages.page import Crumb, SiteFrame, crumbs_to, frame_context
from mtsite.pages.place import run_label, test_label
from mtsite.pages.twin import gone_twin as twin

__all__ = ["EDITION", "TEMPLATE", "context", "log_context", "test_context", "twin"]

EDITION = 5
TEMPLATE = "gone.html"
MAX_TESTS = 2000


def context(frame: SiteFrame, record: RunRecord) -> dict[str, object]:
    """The stub of a run: why its rows are gone, its counts, first failing lines, logs kept."""
    path = urls.run_page(record.key)
    label = run_label(record.key)
    summary = record.summary
    reason = record.gone or (summary.gone if summary else "") or "its rows are no more"
    crumbs = crumbs_to(path, record.key.area, record.key.target, record.keys)
    lead = words.outcome(summary.counts) if summary and summary.counts else ""
    style, symbol, word = words.mark(summary.verdict if summary else "N")
    title = f"{symbol} was {word} {label} · gone"
    description = f"Gone: {reason}. {lead}".strip()
    shown = frame_context(frame, path, crumbs, title=title, description=description)
    names = sorted(record.tests)
    failures = summary.failures if summary else ()
    return shown | {
        "kind": "run",
        "letter": style,
        "symbol": symbol,
        "word": f"was: {word}",
        "name": record.key.runname,
        "area": record.key.area,
        "target": tuple(zip(record.keys, record.key.target, strict=False)),
        "reason": words.upper_first(reason),
        "lead": lead,
        "started": words.when(summary.event_time if summary else None),
        "owner": summary.owner if summary else "",
        "comment": markdown.folded_comment(summary.comment if summary else ""),
        "bar": charts.pass_bar(summary.counts) if summary else (),
        "bar_label": words.counted(summary.counts) if summary else "",
        "failures": tuple(
            (
                *words.mark(f.verdict),
                test_label((f.testname, f.item_path)),
                urls.relative(path, urls.test_page(record.key, (f.testname, f.item_path))),
                words.first_line(f.line),
            )
            for f in failures
        ),
        "failures_total": words.bad(summary.counts) if summary else 0,
        "tests": tuple(_test(path, record, name) for name in names[:MAX_TESTS]),
        "tests_total": len(names),
        "logs": (),
    }


def test_context(frame: SiteFrame, record: RunRecord, name: TestName) -> dict[str, object]:
    """The stub of one test of a run: the run may live on or be gone with it."""
    path = urls.test_page(record.key, name)
    kept = record.tests.get(name)
    crumbs = crumbs_to(path, record.key.area, record.key.target, record.keys)
    crumbs.append((record.key.runname, urls.relative(path, urls.run_page(record.key)), "run"))
    stub = _Stub(
        "test",
        test_label(name),
        record.gone or "this test is no longer among the rows of its run",
        kept.verdict if kept else "N",
        _files(path, record.key, name, kept) if kept else (),
    )
    return _small(frame, path, crumbs, stub, record.key)


def log_context(
    frame: SiteFrame, record: RunRecord, name: TestName, log: LogRecord
) -> dict[str, object]:
    """The stub of one log whose text was let go: what was found in it remains."""
    path = urls.log_page(record.key, name, log.name)
    kept = record.tests[name]
    crumbs = crumbs_to(path, record.key.area, record.key.target, record.keys)
    crumbs.append((record.key.runname, urls.relative(path, urls.run_page(record.key)), "run"))
    test = urls.relative(path, urls.test_page(record.key, name))
    crumbs.append((test_label(name), test, "test"))
    row = _log(path, record.key, name, log) | {"note": log.note}
    stub = _Stub("log", log.name, log.ended, kept.verdict, (row,) if log.findings else ())
    return _small(frame, path, crumbs, stub, record.key)


class _Stub(Struct, frozen=True):
    """A small page for something below a run: `logs` are what remains of them."""

    kind: str
    name: str
    reason: str
    verdict: str
    logs: tuple[dict[str, object], ...]


def _small(
    frame: SiteFrame, path: str, crumbs: Sequence[Crumb], stub: _Stub, key: RunKey
) -> dict[str, object]:
    style, symbol, word = words.mark(stub.verdict)
    shown = frame_context(
        frame,
        path,
        crumbs,
        title=f"{symbol} was {word} {stub.name} · gone · {run_label(key)}",
        description=f"Gone: {stub.reason}. It was: {word}.",
    )
    return shown | {
        "kind": stub.kind,
        "letter": style,
        "symbol": symbol,
        "word": f"was: {word}",
        "name": stub.name,
        "area": key.area,
        "target": (),
        "reason": words.upper_first(stub.reason),
        "lead": "",
        "started": ("", ""),
        "owner": "",
        "comment": ("", ""),
        "bar": (),
        "bar_label": "",
        "failures": (),
        "failures_total": 0,
        "tests": (),
        "tests_total": 0,
        "logs": stub.logs,
    }


def _test(path: str, record: RunRecord, name: TestName) -> tuple[str, str, str, str, str]:
    kept = record.tests[name]
    link = urls.relative(path, urls.test_page(record.key, name))
    return (*words.mark(kept.verdict), test_label(name), link)


def _files(
    path: str, key: RunKey, name: TestName, kept: TestRecord
) -> tuple[dict[str, object], ...]:
    logs = (_log(path, key, name, log) for log in kept.logs)
    return (*logs, *(_attachment(path, one) for one in kept.attachments if one.name))


def _attachment(path: str, one: Attachment) -> dict[str, object]:
    link = urls.relative(path, one.blob) if one.blob else ""
    return {
        "name": one.name,
        "href": link,
        "raw": "",
        "extent": words.size(one.size) if one.blob else "",
        "note": " · ".join(note for note in (one.note, one.ended) if note),
        "findings": (),
        "findings_total": 0,
    }


def _log(path: str, key: RunKey, name: TestName, log: LogRecord) -> dict[str, object]:
    page = urls.relative(path, urls.log_page(key, name, log.name)) if log.blob else ""
    return {
        "name": log.name,
        "href": page,
        "raw": urls.relative(path, log.blob) if log.blob else "",
        "extent": f"{words.size(log.size)} · {words.plural(log.lines, 'line')}" if log.blob else "",
        "note": " · ".join(note for note in (log.note, log.ended) if note),
        "findings": tuple(
            (found.first_line, words.first_line(found.excerpt)) for found in log.findings
        ),
        "findings_total": log.finding_count,
    }
