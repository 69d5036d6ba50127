"""A record outlives everything else: what goes in comes out, and equal records are equal bytes."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mtsite import record
from mtsite.facts import Compared
from mtsite.model import (
    Finding,
    FirstFailure,
    LogRecord,
    RunFacts,
    RunKey,
    RunRecord,
    RunSummary,
    State,
    Status,
    Step,
    TestDatum,
    TestFacts,
    TestRecord,
)

TEXT = st.text(st.characters(exclude_categories=()), max_size=12)
NUMBER = st.integers(0, 2**40)
NAMES = st.tuples(TEXT, TEXT)
FINDINGS = st.builds(Finding, TEXT, TEXT, NUMBER, NUMBER, TEXT, TEXT)
LOGS = st.builds(
    LogRecord,
    name=TEXT,
    kind=st.sampled_from(["final", "step", "file"]),
    blob=TEXT,
    size=NUMBER,
    source_mtime_ns=NUMBER,
    redacted=st.dictionaries(TEXT, NUMBER, max_size=2),
    findings=st.lists(FINDINGS, max_size=2).map(tuple),
    note=TEXT,
)
KEYS = st.builds(RunKey, TEXT, st.lists(TEXT, min_size=1, max_size=3).map(tuple), TEXT)
SUMMARIES = st.builds(
    RunSummary,
    key=KEYS,
    event_time=st.none() | NUMBER,
    end_time=st.none() | NUMBER,
    owner=TEXT,
    comment=TEXT,
    contour=TEXT,
    state=TEXT.map(State),
    status=TEXT.map(Status),
    counts=st.dictionaries(st.sampled_from("PFW"), NUMBER),
    verdict=st.sampled_from("PFW"),
    failures=st.lists(st.builds(FirstFailure, TEXT, TEXT, TEXT, TEXT), max_size=2).map(tuple),
)
COMPARED = st.builds(
    Compared,
    runname=TEXT,
    counts=st.dictionaries(st.sampled_from(["WORSE", "CLEAN"]), NUMBER),
    rows=st.lists(st.tuples(TEXT, TEXT, TEXT, TEXT), max_size=2).map(tuple),
    values=st.lists(st.tuples(TEXT, TEXT, NUMBER, NUMBER, NUMBER), max_size=2).map(tuple),
    values_total=NUMBER,
)
FACTS = st.builds(
    RunFacts,
    window=st.lists(TEXT, max_size=3).map(tuple),
    previous=TEXT,
    last_good=TEXT,
    tests=st.dictionaries(NAMES, st.builds(TestFacts, strip=TEXT, usual=st.none() | NUMBER)),
    fixed=st.lists(NAMES, max_size=2).map(tuple),
    vanished=st.lists(NAMES, max_size=2).map(tuple),
    compared=st.lists(COMPARED, max_size=2).map(tuple),
)


@st.composite
def records(draw: st.DrawFn) -> RunRecord:
    tests = {
        name: TestRecord(*name, "P", draw(st.booleans()), tuple(draw(st.lists(LOGS, max_size=2))))
        for name in draw(st.sets(NAMES, max_size=3))
    }
    return RunRecord(
        key=draw(KEYS),
        keys=("a", "b"),
        tests=tests,
        facts=draw(st.none() | FACTS),
        sealed=draw(TEXT),
        summary=draw(st.none() | SUMMARIES),
        gone=draw(TEXT),
    )


@given(records())
def test_a_record_reads_back_as_it_was(written: RunRecord) -> None:
    assert record.decode(record.encode(written)) == written


@given(records())
def test_equal_records_are_equal_bytes_whatever_order_they_were_made_in(one: RunRecord) -> None:
    turned = record.decode(record.encode(one))
    tests = dict(reversed(list(turned.tests.items())))
    other = RunRecord(
        one.key, one.keys, tests, turned.facts, turned.sealed, turned.summary, turned.gone
    )
    assert record.encode(other) == record.encode(one)


@given(st.binary(max_size=60))
def test_what_is_no_record_is_a_value_error(content: bytes) -> None:
    with pytest.raises(ValueError):
        record.decode(content)


def test_a_record_of_another_schema_is_refused() -> None:
    content = record.encode(RunRecord(RunKey("a", ("b",), "c"), ("k",)))
    with pytest.raises(ValueError, match="mtsite/record/9"):
        record.decode(content.replace(b"mtsite/record/1", b"mtsite/record/9"))


def test_walk_finds_every_record_and_passes_over_broken_ones(tmp_path: Path) -> None:
    kept = RunRecord(RunKey("a", ("b",), "c"), ("k",))
    record.save(tmp_path, kept)
    record.save(tmp_path, RunRecord(RunKey("a", ("b",), "d"), ("k",)))
    broken = tmp_path / "_record/a/b/d/_run.json"
    broken.write_bytes(b"{")
    assert list(record.walk(tmp_path)) == [kept]


def test_what_is_kept_of_the_rows_of_a_test_survives() -> None:
    one = Step("s", 1, None, Status("0"), None, "s.log", "caf\udce9")
    measured = TestDatum("c", "v", 1.5, 2, ">", "", "", None, "")
    why = ("COMPLETED/FAIL", "s.log", "")
    kept = TestRecord("t", "a/b", "P", steps=(one,), data=(measured,))
    plain = TestRecord("t", "", "P", duration=0)
    wrong = TestRecord("t", "c", "F", duration=7, why=why)
    key = RunKey("a", ("u",), "r")
    tests = {(each.testname, each.item_path): each for each in (kept, plain, wrong)}
    record_of = RunRecord(key, ("k",), tests)
    assert record.decode(record.encode(record_of)) == record_of


def test_a_record_from_before_durations_and_reasons_says_that_nobody_knows() -> None:
    key = RunKey("a", ("u",), "r")
    older = record.encode(RunRecord(key, ("k",), {("t", ""): TestRecord("t", "", "F")}))
    assert b'["t","","F",false,false,[]]' in older
    one = record.decode(older).tests["t", ""]
    assert (one.duration, one.why) == (None, ())
