"""The JSON twin of a run's page: schema mtsite/run/1, published in docs/schemas/run-1.json.

Complete, where the page is cut: every test, step, datum, log and finding. Bytes of a name that
are not UTF-8 become U+FFFD as on the page; `address` keeps such names apart. Numbers that JSON
can't hold (infinity, not-a-number) become text.
"""

import math
import re
from collections.abc import Mapping, Sequence

from mtsite import urls
from mtsite.facts import Compared, KnownIssue, Suspects
from mtsite.model import (
    Archive,
    Finding,
    LogRecord,
    Run,
    RunFacts,
    RunKey,
    RunRecord,
    RunSummary,
    Scalar,
    Step,
    Test,
    TestDatum,
    TestDefinition,
    TestFacts,
    TestMeta,
    TestName,
    TestRecord,
)
from mtsite.pages import attachments, attributes, disagreement
from mtsite.pages.disagreement import Differences

SCHEMA = "mtsite/run/1"
_LONE = re.compile("[\ud800-\udfff]")
NOTHING_KNOWN: Mapping[TestName, Sequence[KnownIssue]] = {}


def twin(
    run: Run,
    verdicts: Sequence[str],
    record: RunRecord,
    facts: RunFacts,
    summary: RunSummary,
    differences: Differences | None = None,
    known: Mapping[TestName, Sequence[KnownIssue]] = NOTHING_KNOWN,
) -> dict[str, object]:
    """All that is known of a run, as values that `json.dumps` takes; the order is fixed.

    `differences` is what `disagreement.of_all` finds, for who has it already; `known` are the
    annotations that fit tests that went wrong.
    """
    letters = [str(verdict) for verdict in verdicts]
    if differences is None:
        differences = disagreement.of_all(run, letters, record)
    tests = [
        _test(run, test, letter, record, facts.tests.get(test.name))
        | {"disagreements": _disagreements(differences.get(i, ()))}
        | {"known": [_known(one) for one in known.get(test.name, ())]}
        for i, (test, letter) in enumerate(zip(run.tests, letters, strict=True))
    ]
    present = {test.name for test in run.tests}
    return {
        "schema": SCHEMA,
        **_identity(run.key, run.keys),
        "gone": "",
        "state": _text(run.state),
        "status": _text(run.status),
        "verdict": summary.verdict,
        "counts": dict(sorted(summary.counts.items())),
        "new": summary.new,
        "still": summary.still,
        "fixed": summary.fixed,
        "known": summary.known,
        "event_time": run.event_time,
        "end_time": summary.end_time,
        "owner": _text(run.owner),
        "contour": _text(run.contour),
        "comment": _text(run.comment),
        "changed_while_read": run.in_flight_read,
        "archive": _archive(run.archive),
        "attributes": _pairs(run.attributes, "value"),
        **attributes.twin_of(run),
        "facts": _run_facts(facts),
        "meta": [_meta(name, run.meta[name]) for name in sorted(run.meta)],
        "definitions": [_definition(*each) for each in sorted(record.definitions.items())],
        "redacted": dict(sorted(record.redacted.items())),
        "tests": tests,
        "gone_tests": [
            _gone_test(record.key, name, kept)
            for name, kept in sorted(record.tests.items())
            if kept.gone and name not in present
        ],
    }


def gone_twin(record: RunRecord) -> dict[str, object]:
    """What remains of a run whose rows are no more: the same schema, tests under `gone_tests`."""
    summary = record.summary
    return {
        "schema": SCHEMA,
        **_identity(record.key, record.keys),
        "gone": _text(record.gone or (summary.gone if summary else "")) or "its rows are no more",
        "state": _text(summary.state) if summary else "",
        "status": _text(summary.status) if summary else "",
        "verdict": summary.verdict if summary else "N",
        "counts": dict(sorted(summary.counts.items())) if summary else {},
        "new": summary.new if summary else 0,
        "still": summary.still if summary else 0,
        "fixed": summary.fixed if summary else 0,
        "known": summary.known if summary else 0,
        "event_time": summary.event_time if summary else None,
        "end_time": summary.end_time if summary else None,
        "owner": _text(summary.owner) if summary else "",
        "contour": _text(summary.contour) if summary else "",
        "comment": _text(summary.comment) if summary else "",
        "changed_while_read": False,
        "archive": None,
        "facts": _run_facts(record.facts or RunFacts()),
        "meta": [],
        "definitions": [_definition(*each) for each in sorted(record.definitions.items())],
        "redacted": dict(sorted(record.redacted.items())),
        "tests": [],
        "gone_tests": [
            _gone_test(record.key, name, kept) for name, kept in sorted(record.tests.items())
        ],
    }


def _identity(key: RunKey, keys: Sequence[str]) -> dict[str, object]:
    return {
        "area": _text(key.area),
        "target": [
            {"key": _text(name), "value": _text(value)}
            for name, value in zip(keys, key.target, strict=False)
        ],
        "runname": _text(key.runname),
        "address": urls.run_page(key),
    }


def _gone_test(key: RunKey, name: TestName, kept: TestRecord) -> dict[str, object]:
    return {
        **_name(name),
        "address": urls.test_page(key, name),
        "toplevel": kept.toplevel,
        "verdict": kept.verdict,
        "logs": [_log(log) for log in kept.logs],
        **_attachments(kept),
    }


def _test(
    run: Run, test: Test, verdict: str, record: RunRecord, facts: TestFacts | None
) -> dict[str, object]:
    kept = record.tests.get(test.name)
    return {
        "testname": _text(test.testname),
        "item_path": _text(test.item_path),
        "address": urls.test_page(run.key, test.name),
        "toplevel": test.toplevel,
        "verdict": verdict,
        "state": _text(test.state),
        "status": _text(test.status),
        "event_time": test.event_time,
        "run_duration": test.run_duration,
        "host": _text(test.host),
        "uname": _text(test.uname),
        "cpuload": _number(test.cpuload),
        "diskfree": test.diskfree,
        "rundir": _text(test.rundir),
        "final_logf": _text(test.final_logf),
        "attemptnum": test.attemptnum,
        "archived": test.archived,
        "comment": _text(test.comment),
        "samples": [[at, _number(load), free] for at, load, free in test.samples],
        "steps": [_step(step) for step in test.steps],
        "data": [_datum(datum) for datum in test.data],
        "logs": [_log(log) for log in kept.logs] if kept else [],
        **_attachments(kept),
        "facts": _test_facts(facts) if facts else None,
    }


def _archive(archive: Archive | None) -> dict[str, object] | None:
    if archive is None:
        return None
    return {
        "branch": _text(archive.branch),
        "block_name": _text(archive.block_name),
        "blocks": [
            {"archived": number, "path": _text(path)}
            for number, path in sorted(archive.blocks.items())
        ],
        "disks": [_text(disk) for disk in archive.disks],
    }


def _disagreements(found: Sequence[disagreement.Disagreement]) -> list[dict[str, str]]:
    rows = disagreement.document(found)
    return [{name: _text(value) for name, value in row.items()} for row in rows]


def _known(issue: KnownIssue) -> dict[str, object]:
    return {
        "rule": issue.rule,
        "title": _text(issue.title),
        "link": _text(issue.link),
        "owner": _text(issue.owner),
        "until": issue.until,
        "over": issue.over,
    }


def _step(step: Step) -> dict[str, object]:
    return {
        "name": _text(step.name),
        "status": _text(step.status),
        "start": step.start,
        "end": step.end,
        "duration": step.duration,
        "logfile": _text(step.logfile),
        "comment": _text(step.comment),
    }


def _datum(datum: TestDatum) -> dict[str, object]:
    return {
        "category": _text(datum.category),
        "variable": _text(datum.variable),
        "value": _number(datum.value),
        "expected": _number(datum.expected),
        "tol": _number(datum.tol),
        "units": _text(datum.units),
        "status": _text(datum.status) if datum.status is not None else None,
        "type": _text(datum.type),
        "comment": _text(datum.comment),
    }


def _log(log: LogRecord) -> dict[str, object]:
    return {
        "name": _text(log.name),
        "kind": log.kind,
        "blob": log.blob,
        "size": log.size,
        "source_size": log.source_size,
        "lines": log.lines,
        "broken_bytes": log.broken_bytes,
        "redacted": dict(sorted(log.redacted.items())),
        "reported": log.reported,
        "finding_count": log.finding_count,
        "findings": [_finding(found) for found in log.findings],
        "around": [{"line": number, "text": _text(text)} for number, text in log.around],
        "warning_count": log.warning_count,
        "warnings": [_finding(found) for found in log.warnings],
        "dialect": log.dialect,
        "facts": _plain(log.facts),
        "note": _text(log.note),
    }


def _attachments(kept: TestRecord | None) -> dict[str, object]:
    """Nothing for most tests: they have none."""
    rows = [_plain(attachments.document(one)) for one in kept.attachments] if kept else []
    return {"attachments": rows} if rows else {}


def _finding(found: Finding) -> dict[str, object]:
    return {
        "rule": found.rule,
        "level": found.level,
        "first_line": found.first_line,
        "last_line": found.last_line,
        "excerpt": _text(found.excerpt),
        "masked": found.masked,
        "id": found.id,
        "title": _text(found.title),
        "link": _text(found.link),
    }


def _run_facts(facts: RunFacts) -> dict[str, object]:
    return {
        "window": [_text(name) for name in facts.window],
        "previous": _text(facts.previous),
        "last_good": _text(facts.last_good),
        "fixed": [_name(name) for name in facts.fixed],
        "vanished": [_name(name) for name in facts.vanished],
        "compared": [_compared(one) for one in facts.compared],
        "suspects": [_suspects(one) for one in facts.suspects],
    }


def _suspects(one: Suspects) -> dict[str, object]:
    return {
        "good": _text(one.good),
        "bad": _text(one.bad),
        "repository": _text(one.repository),
        "total": one.total,
        "pushes": [
            {"revision": _text(revision), "author": _text(author), "message": _text(message)}
            for revision, author, message in one.pushes
        ],
    }


def _compared(one: Compared) -> dict[str, object]:
    return {
        "runname": _text(one.runname),
        "counts": dict(one.counts),
        "rows": [
            {**_name((testname, item_path)), "there": there, "here": here}
            for testname, item_path, there, here in one.rows
        ],
        "values": [
            {**_name((name, item)), "row": row, "there": _number(there), "here": _number(here)}
            for name, item, row, there, here in one.values
        ],
        "values_total": one.values_total,
    }


def _test_facts(facts: TestFacts) -> dict[str, object]:
    return {
        "strip": facts.strip,
        "change": facts.change,
        "flaky": facts.flaky,
        "usual": facts.usual,
        "since": _text(facts.since),
        "since_runs": facts.since_runs,
        "capped": facts.capped,
        "last_good": _text(facts.last_good),
    }


def _meta(testname: str, meta: TestMeta) -> dict[str, object]:
    return {
        "testname": _text(testname),
        "author": _text(meta.author),
        "owner": _text(meta.owner),
        "description": _text(meta.description),
        "reviewed": _text(meta.reviewed),
        "tags": [_text(tag) for tag in meta.tags],
        "jobgroup": _text(meta.jobgroup),
    }


def _definition(testname: str, said: TestDefinition) -> dict[str, object]:
    return {
        "testname": _text(testname),
        "source": said.source,
        "author": _text(said.author),
        "owner": _text(said.owner),
        "description": _text(said.description),
        "reviewed": _text(said.reviewed),
        "tags": [_text(tag) for tag in said.tags],
        "jobgroup": _text(said.jobgroup),
        "runscript": _text(said.runscript),
        "waiton": [_text(name) for name in said.waiton],
        "requirements": _pairs(said.requirements, "value"),
        "itemmap": _pairs(said.itemmap, "map"),
        "ezsteps": _pairs(said.ezsteps, "command"),
        "iterated": said.iterated,
        "variables": _pairs(said.variables, "values"),
        "items": [_text(path) for path in said.items],
        "item_count": said.item_count,
        "unknown": _pairs(said.unknown, "needs"),
    }


def _pairs(pairs: Sequence[tuple[str, str]], value: str) -> list[dict[str, str]]:
    return [{"name": _text(name), value: _text(text)} for name, text in pairs]


def _name(name: TestName) -> dict[str, str]:
    return {"testname": _text(name[0]), "item_path": _text(name[1])}


def _plain(value: object) -> object:
    """JSON of a log's facts with texts as everywhere here."""
    if isinstance(value, Mapping):
        return {_text(str(key)): _plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    return _text(value) if isinstance(value, str) else value


def _text(text: str) -> str:
    return text if text.isascii() else _LONE.sub("\ufffd", text)


def _number(value: Scalar) -> Scalar:
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return _text(value) if isinstance(value, str) else value
