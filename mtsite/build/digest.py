"""Digests of what pages are made from: equal input, equal digest, on every machine.

Everything goes through `ascii` of tuples of plain values: fast, and independent of hash seeds,
locale and the order of dictionaries. Fingerprints of pages, of which there are most, go through
MessagePack; digests of rows stand in records, and stay as they are.
"""

import hashlib
import json
from collections.abc import Mapping
from operator import attrgetter

import msgspec

from mtsite.attachment import to_row
from mtsite.model import (
    LogRecord,
    Run,
    Step,
    Test,
    TestDatum,
    TestDefinition,
    TestFacts,
    TestRecord,
)

_STEP = attrgetter(*Step.__struct_fields__)
_DATUM = attrgetter(*TestDatum.__struct_fields__)
_TEST = attrgetter(*(n for n in Test.__struct_fields__ if n not in ("steps", "data", "samples")))
_DEFINITION = attrgetter(*TestDefinition.__struct_fields__)
_FACTS = attrgetter(*TestFacts.__struct_fields__)
_LOG_MAPPINGS = attrgetter("redacted", "levels", "facts")

_LOG = attrgetter(
    *(
        name
        for name in LogRecord.__struct_fields__
        if name not in ("redacted", "levels", "facts", "source_mtime_ns", "rules")
    )
)


def of(*values: object) -> str:
    """A digest (32 hex) of plain values: text, numbers, None, tuples and lists of them."""
    return hashlib.sha256(ascii(values).encode()).hexdigest()[:32]


def of_page(*values: object) -> str:
    """The same for the fingerprint of a page, in a third of the time; another digest than `of`."""
    try:
        told = msgspec.msgpack.encode(values)
    except (TypeError, ValueError, OverflowError):
        # Names that are no UTF-8, numbers of more than 64 bits.
        return of(*values)
    return hashlib.sha256(told).hexdigest()[:32]


def of_bytes(content: bytes) -> str:
    """SHA-256 (64 hex) of a file's content: how the tree names what it holds."""
    return hashlib.sha256(content).hexdigest()


def test_values(test: Test) -> tuple[object, ...]:
    """A test with its steps and data as plain values."""
    return (
        _TEST(test),
        [_STEP(step) for step in test.steps],
        [_DATUM(datum) for datum in test.data],
    )


def archive_values(run: Run) -> object:
    """Where its archive lies, as plain values."""
    found = run.archive
    if found is None:
        return None
    return (found.branch, found.block_name, sorted(found.blocks.items()), found.disks)


def beside_values(run: Run) -> tuple[object, ...]:
    """What pages show of a run that does not seal it: archive, load samples, attributes."""
    sampled = [(test.name, test.samples) for test in run.tests if test.samples]
    # Most runs have no attributes: what was made of those stays.
    told = (run.attributes,) if run.attributes else ()
    return (archive_values(run), sampled, run.unsampled, *told)


def fact_values(facts: TestFacts) -> tuple[object, ...]:
    """What is said about one test, as plain values."""
    found: tuple[object, ...] = _FACTS(facts)
    return found


def log_values(log: LogRecord) -> tuple[object, ...]:
    """All of a log record that a page may show, as plain values."""
    redacted, levels, facts = _LOG_MAPPINGS(log)
    told = json.dumps(facts, sort_keys=True) if facts else ""
    return (_LOG(log), sorted(redacted.items()), sorted(levels.items()), told)


def attachment_values(test: TestRecord | None) -> list[object]:
    """What a page may show of a test's attachments; nothing where it has none."""
    rows = [to_row(one) for one in test.attachments] if test else []
    for row in rows:
        row.pop("source_mtime_ns", None)
    return [json.dumps(rows, sort_keys=True)] if rows else []


def definition_values(definitions: Mapping[str, TestDefinition]) -> tuple[object, ...]:
    """What testconfigs said, as plain values."""
    return tuple((name, _DEFINITION(one)) for name, one in sorted(definitions.items()))


def of_rows(run: Run) -> str:
    """A digest of the rows of a run; the same wherever the rows lie, whatever their rowids."""
    head = (
        run.key.area,
        run.key.target,
        run.key.runname,
        run.keys,
        run.state,
        run.status,
        run.owner,
        run.contour,
        run.comment,
        run.event_time,
        run.in_flight_read,
    )
    meta = [(name, repr(one)) for name, one in sorted(run.meta.items())]
    unread = [sorted(run.unread.items())] if run.unread else []
    return of(head, [test_values(test) for test in run.tests], meta, *unread)
