"""The record of a run: one file in `_record/` with all that its pages show beyond its rows.

A record outlives the run directory, the local state and the rows: log digests, findings, frozen
facts, and what remains of a run that is gone. It is JSON, one line per test, in a stable order,
so that two builds of one input write the same bytes.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from operator import attrgetter
from pathlib import Path
from typing import Any

from msgspec.structs import fields

from mtsite import atomicfile, attachment, urls
from mtsite.facts import Compared, Suspects, Unusual
from mtsite.fitting import fits
from mtsite.model import (
    Finding,
    FirstFailure,
    LetGo,
    LogRecord,
    RunFacts,
    RunKey,
    RunRecord,
    RunSummary,
    State,
    Status,
    Step,
    TestDatum,
    TestDefinition,
    TestFacts,
    TestName,
    TestRecord,
)

SCHEMA = "mtsite/record/1"
_FACTS = attrgetter(*TestFacts.__struct_fields__)
_DEFINITION = tuple((field.name, field.default) for field in fields(TestDefinition))
_FINDING = attrgetter(*Finding.__struct_fields__)
_STEP = attrgetter(*Step.__struct_fields__)
_DATUM = attrgetter(*TestDatum.__struct_fields__)
_COMPARED = attrgetter(*Compared.__struct_fields__)
_SUSPECTS = attrgetter(*Suspects.__struct_fields__)
_UNUSUAL = attrgetter(*Unusual.__struct_fields__)
_FAILURE = attrgetter(*FirstFailure.__struct_fields__)
_LET_GO = attrgetter(*LetGo.__struct_fields__)
_SUMMARY = tuple(RunSummary.__struct_fields__)
_LOG_MAPPINGS = ("redacted", "levels", "facts")
_LOG_FINDINGS = ("findings", "warnings")
_LOG = tuple(
    (field.name, field.default)
    for field in fields(LogRecord)
    if field.name not in {"name", "kind", *_LOG_MAPPINGS, *_LOG_FINDINGS}
)

_json = json.JSONEncoder(ensure_ascii=True, separators=(",", ":")).encode
"""One line of JSON; `json.dumps` would make an encoder for each of many."""

_NOTHING_OWN: tuple[Any, ...] = ((), (), None, (), ())
"""What a row of a test may leave out at its end."""


def encode(record: RunRecord) -> bytes:
    """The bytes of a record; equal records give equal bytes."""
    lines = ["{", f'"schema": {_json(SCHEMA)},']
    lines.append(f'"key": {_json(_key(record.key))},')
    lines.append(f'"keys": {_json(list(record.keys))},')
    lines.append(f'"gone": {_json(record.gone)},')
    lines.append(f'"sealed": {_json(record.sealed)},')
    lines.append(f'"summary": {_json(_summary(record.summary))},')
    lines.append(f'"facts": {_facts(record.facts)},')
    if record.definitions:
        rows = (_json(_definition(*each)) for each in sorted(record.definitions.items()))
        lines.append(f'"definitions": {_block(rows)},')
    if record.redacted:
        lines.append(f'"redacted": {_json(dict(sorted(record.redacted.items())))},')
    if record.unusual:
        strange = (_json([*name, *_UNUSUAL(one)]) for name, one in sorted(record.unusual.items()))
        lines.append(f'"unusual": {_block(strange)},')
    lines.append(f'"tests": {_block(_json(_test(t)) for _, t in sorted(record.tests.items()))}')
    lines.append("}")
    return ("\n".join(lines) + "\n").encode("ascii")


def decode(content: bytes) -> RunRecord:
    """The record in these bytes.

    Raises:
        ValueError: they are not a record that this version reads.
    """
    try:
        found = json.loads(content)
        if found["schema"] != SCHEMA:
            raise ValueError(f"a record of schema {found['schema']!r}, not {SCHEMA!r}")
        tests = [_read_test(row) for row in found["tests"]]
        return RunRecord(
            key=_read_key(found["key"]),
            keys=tuple(found["keys"]),
            tests={(test.testname, test.item_path): test for test in tests},
            facts=_read_facts(found["facts"]),
            sealed=found["sealed"],
            summary=read_summary(found["summary"]),
            gone=found["gone"],
            definitions=dict(_read_definition(row) for row in found.get("definitions", ())),
            unusual={
                (row[0], row[1]): Unusual(*map(_tuples, row[2:]))
                for row in found.get("unusual", ())
            },
            redacted=dict(found.get("redacted", {})),
        )
    except (KeyError, TypeError, IndexError, UnicodeDecodeError) as error:
        raise ValueError(f"not a record: {error!r}") from error


def decode_foreign(content: bytes) -> RunRecord:
    """The record in bytes that somebody else may have written: each value is what it should be.

    Raises:
        ValueError: they are not a record that this version reads and would write.
    """
    try:
        found = decode(content)
    except (AttributeError, RecursionError) as error:
        raise ValueError(f"not a record: {error!r}") from error
    if not fits(found, RunRecord):
        raise ValueError("not a record: some of its values are of another kind")
    return found


def load(site: Path, key: RunKey) -> RunRecord | None:
    """The record of a run in a site; None when there is none.

    Raises:
        ValueError: a file is there, but it is not a record.
    """
    try:
        content = (site / urls.record_file(key)).read_bytes()
    except FileNotFoundError:
        return None
    return decode(content)


def find(site: Path, text: str) -> tuple[RunRecord, list[str]] | None:
    """The run that AREA/KEY1/…/RUNNAME[/REST…] names, and the parts of the rest.

    Raises:
        ValueError: a file is there, but it is not a record.
    """
    parts = text.strip("/").split("/")
    for end in range(2, len(parts)):
        found = load(site, RunKey(parts[0], tuple(parts[1:end]), parts[end]))
        if found is not None:
            return found, parts[end + 1 :]
    return None


def save(site: Path, record: RunRecord) -> bytes:
    """Write the record where it differs from what is there; returns its bytes."""
    content = encode(record)
    atomicfile.write(site / urls.record_file(record.key), content)
    return content


def walk(site: Path) -> Iterator[RunRecord]:
    """Every readable record of a site, in the order of its paths."""
    for path in sorted((site / "_record").rglob("_run.json")):
        try:
            yield decode(path.read_bytes())
        except ValueError:
            continue


def summary_json(summary: RunSummary) -> str:
    """A summary as one line of JSON; `read_summary(json.loads(line))` gives it back."""
    return _json(_summary(summary))


def read_summary(row: Mapping[str, Any] | None) -> RunSummary | None:
    """The summary behind its JSON form."""
    if row is None:
        return None
    given = dict(row)
    given["key"] = _read_key(given["key"])
    given["state"] = State(given["state"])
    given["status"] = Status(given["status"])
    given["failures"] = tuple(FirstFailure(*failure) for failure in given["failures"])
    given["let_go"] = tuple(LetGo(*one) for one in given.get("let_go", ()))
    return RunSummary(**given)


def _block(lines: Iterator[str]) -> str:
    body = ",\n".join(lines)
    return f"[\n{body}\n]" if body else "[]"


def _key(key: RunKey) -> list[object]:
    return [key.area, list(key.target), key.runname]


def _read_key(row: Sequence[Any]) -> RunKey:
    return RunKey(row[0], tuple(row[1]), row[2])


def _summary(summary: RunSummary | None) -> dict[str, object] | None:
    if summary is None:
        return None
    plain: dict[str, object] = {name: getattr(summary, name) for name in _SUMMARY}
    plain["key"] = _key(summary.key)
    plain["counts"] = dict(summary.counts)
    plain["failures"] = [_FAILURE(failure) for failure in summary.failures]
    plain["let_go"] = [_LET_GO(one) for one in summary.let_go]
    if not summary.let_go:
        del plain["let_go"]
    if not summary.known:
        del plain["known"]
    if not summary.log_bytes:
        del plain["log_bytes"]
    return plain


def _facts(facts: RunFacts | None) -> str:
    if facts is None:
        return "null"
    rows = _block(_json(_test_facts(name, one)) for name, one in sorted(facts.tests.items()))
    head: dict[str, object] = {
        "window": facts.window,
        "previous": facts.previous,
        "last_good": facts.last_good,
        "fixed": facts.fixed,
        "vanished": facts.vanished,
    }
    if facts.compared:
        head["compared"] = [_COMPARED(one) for one in facts.compared]
    if facts.suspects:
        head["suspects"] = [_SUSPECTS(one) for one in facts.suspects]
    return f'{_json(head)[:-1]},"tests":{rows}}}'


def _test_facts(name: TestName, facts: TestFacts) -> list[object]:
    row = [*name, *_FACTS(facts)]
    while row[-1] == ():
        row.pop()
    return row


def _read_test_facts(row: Sequence[Any]) -> TestFacts:
    return TestFacts(*map(_tuples, row[2:]))


def _read_facts(row: Mapping[str, Any] | None) -> RunFacts | None:
    if row is None:
        return None
    return RunFacts(
        window=tuple(row["window"]),
        previous=row["previous"],
        last_good=row["last_good"],
        tests={(one[0], one[1]): _read_test_facts(one) for one in row["tests"]},
        fixed=_names(row["fixed"]),
        vanished=_names(row["vanished"]),
        compared=tuple(Compared(*map(_tuples, one)) for one in row.get("compared", ())),
        suspects=tuple(Suspects(*map(_tuples, one)) for one in row.get("suspects", ())),
    )


def _definition(testname: str, definition: TestDefinition) -> list[object]:
    found = {name: getattr(definition, name) for name, _ in _DEFINITION}
    return [testname, {name: found[name] for name, usual in _DEFINITION if found[name] != usual}]


def _read_definition(row: Sequence[Any]) -> tuple[str, TestDefinition]:
    testname, values = row
    return testname, TestDefinition(**{name: _tuples(value) for name, value in values.items()})


def _tuples(value: Any) -> Any:
    return tuple(map(_tuples, value)) if isinstance(value, list) else value


def _names(rows: Sequence[Sequence[str]]) -> tuple[TestName, ...]:
    return tuple((row[0], row[1]) for row in rows)


def _test(test: TestRecord) -> list[object]:
    row: list[object] = [
        test.testname,
        test.item_path,
        test.verdict,
        test.toplevel,
        test.gone,
        [_log(log) for log in test.logs],
    ]
    own = [
        [_STEP(step) for step in test.steps],
        [_DATUM(datum) for datum in test.data],
        test.duration,
        test.why,
        [attachment.to_row(one) for one in test.attachments],
    ]
    while own and not own[-1] and own[-1] != 0:
        own.pop()
    return row + own


def _read_test(row: Sequence[Any]) -> TestRecord:
    testname, item_path, verdict, toplevel, gone, logs, *own = row
    steps, data, duration, why, attached = (*own, *_NOTHING_OWN[len(own) :])
    return TestRecord(
        testname,
        item_path,
        verdict,
        toplevel,
        tuple(_read_log(log) for log in logs),
        gone,
        tuple(Step(*step) for step in steps),
        tuple(TestDatum(*datum) for datum in data),
        duration,
        tuple(why),
        tuple(map(attachment.of_row, attached)),
    )


def _log(log: LogRecord) -> dict[str, object]:
    plain: dict[str, object] = {"name": log.name, "kind": log.kind}
    for name, default in _LOG:
        value = getattr(log, name)
        if value != default:
            plain[name] = value
    for name in _LOG_MAPPINGS:
        if found := getattr(log, name):
            plain[name] = dict(sorted(found.items()))
    for name in _LOG_FINDINGS:
        if found := getattr(log, name):
            plain[name] = [_FINDING(finding) for finding in found]
    return plain


def _read_log(row: Mapping[str, Any]) -> LogRecord:
    given = dict(row)
    for name in _LOG_FINDINGS:
        if name in given:
            given[name] = tuple(Finding(*finding) for finding in given[name])
    if "around" in given:
        given["around"] = tuple((number, text) for number, text in given["around"])
    if "faults" in given:
        given["faults"] = tuple(given["faults"])
    return LogRecord(**given)
