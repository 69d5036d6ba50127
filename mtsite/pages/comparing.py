"""A run beside the one before it and the last good one: frozen facts, as its page shows them."""

import math
from collections.abc import Iterator, Mapping, Sequence

from msgspec import Struct
from msgspec.structs import replace

from mtsite import comparison, urls
from mtsite.facts import Compared
from mtsite.measured import MOST_VARIABLES
from mtsite.model import Run, RunFacts, RunKey, TestDatum, TestName
from mtsite.pages import waived, words
from mtsite.pages.issues import NOTHING_KNOWN, Known, muted_of
from mtsite.pages.place import test_label
from mtsite.pages.shard import shard_bytes
from mtsite.pages.weight import weight, within
from mtsite.rollup import ABSENT

ROOM = 9_000
"""Bytes for the rows of each run compared with."""

VALUES_BYTES = 400_000
"""Measured values beyond that are left out of what the comparing page loads."""

KEY = "values"
SAID = {
    comparison.WORSE: "worse",
    comparison.BETTER: "better",
    comparison.BOTH_BAD: "bad in both",
    comparison.NOT_IN_SRC: "only here",
    comparison.NOT_IN_DEST: "only there",
    comparison.BOTH_INCOMPLETE: "without a verdict in both",
    comparison.CLEAN: "equal",
}
_HEADS = {
    comparison.WORSE: "Worse",
    comparison.BETTER: "Better",
    comparison.NOT_IN_SRC: "With a verdict only here",
    comparison.NOT_IN_DEST: "With a verdict only there",
    comparison.BOTH_INCOMPLETE: "Without a verdict in both",
}

Line = tuple[str, str, str]
"""(name, link, what it came to there and here)."""


class Beside(Struct, frozen=True):
    """One run compared with. `groups` are (head, how many, lines); `values` lines of data."""

    runname: str
    href: str
    compare: str
    said: str
    groups: tuple[tuple[str, int, tuple[Line, ...]], ...]
    values: tuple[Line, ...]
    values_total: int

    @property
    def cut(self) -> bool:
        """Whether something is counted that no line shows."""
        short = any(len(lines) < number for _, number, lines in self.groups)
        return short or len(self.values) < self.values_total


def shown(run: Run, facts: RunFacts, path: str, known: Known = NOTHING_KNOWN) -> tuple[Beside, ...]:
    """All runs that this one was compared with when its facts were frozen."""
    return tuple(_beside(run, one, path, _notes(facts, one, known)) for one in facts.compared)


def _notes(facts: RunFacts, one: Compared, known: Known) -> dict[TestName, str]:
    """What is said behind a test: that somebody knows of it, or how long it has been waived."""
    notes = dict.fromkeys(muted_of(known), ", known")
    for testname, item_path, _, now in one.rows:
        past = facts.tests.get((testname, item_path)) if now == waived.WAIVED else None
        if past is not None:
            notes[testname, item_path] = waived.note(facts, past.strip)
    return notes


def said_of(counts: Mapping[str, int]) -> str:
    """'3 worse, 5 better, 412 equal'."""
    return ", ".join(
        f"{words.number(counts[kind])} {SAID[kind]}"
        for kind in comparison.CLASSES
        if counts.get(kind)
    )


def _beside(run: Run, one: Compared, path: str, notes: Mapping[TestName, str]) -> Beside:
    there = replace(run.key, runname=one.runname)
    by_kind: dict[str, list[Line]] = {}
    for testname, item_path, before, now in one.rows:
        name = (testname, item_path)
        kind = comparison.kind_of(before, now)
        page = urls.test_page(there if now == ABSENT else run.key, name)
        said = f"{words.mark(before)[2]} → {words.mark(now)[2]}"
        line = (test_label(name), urls.relative(path, page), said + notes.get(name, ""))
        by_kind.setdefault(kind, []).append(line)
    room = ROOM
    groups = []
    for kind in (k for k in comparison.CLASSES if k in by_kind):
        lines = _within(by_kind[kind], room)
        room -= sum(map(_bytes, lines))
        groups.append((_HEADS.get(kind, kind), one.counts.get(kind, len(lines)), lines))
    values = _within(list(_values(run, one, path)), ROOM // 3)
    compare = urls.compare_page(there, run.key)
    return Beside(
        one.runname,
        urls.relative(path, urls.run_page(there)),
        urls.relative(path, compare[0]) + compare[1],
        said_of(one.counts),
        tuple(groups),
        values,
        one.values_total,
    )


def _values(run: Run, one: Compared, path: str) -> Iterator[Line]:
    data: dict[TestName, Sequence[TestDatum]] = {test.name: test.data for test in run.tests}
    for testname, item_path, place, before, now in one.values:
        name = (testname, item_path)
        rows = data.get(name, ())
        if place >= len(rows):
            continue
        datum = rows[place]
        label = f"{test_label(name)} {datum.variable or datum.category}"
        units = f" {datum.units}" if datum.units else ""
        said = f"{words.scalar(before)} → {words.scalar(now)}{units}"
        yield label, urls.relative(path, urls.test_page(run.key, name)) + "#data", said


def _within(lines: list[Line], room: int) -> tuple[Line, ...]:
    return within(lines, map(_bytes, lines), room)


def _bytes(line: Line) -> int:
    return 60 + weight(*line)


def values_shard(run: Run, letters: Sequence[str], known: Known = NOTHING_KNOWN) -> bytes:
    """The run as the page that compares two runs loads it.

    A test is [name, item, letter, seconds or -1, values, link where it is no plain one, 1 where an
    annotation knows of its failure]; a value [category, variable, value, units, status]. `cut` says
    that there were too many values.
    """
    page = urls.run_page(run.key)
    muted = muted_of(known)
    room = VALUES_BYTES
    cut = False
    tests: list[list[object]] = []
    for test, letter in zip(run.tests, letters, strict=True):
        if test.toplevel:
            continue
        values = [_value(datum) for datum in test.data[:MOST_VARIABLES]]
        room -= sum(len(str(cell)) + 4 for value in values for cell in value)
        left_out = room < 0 or len(test.data) > MOST_VARIABLES
        cut = cut or left_out
        took = -1 if test.run_duration is None else test.run_duration
        cells: list[object] = [*test.name, letter, took, [] if room < 0 else values]
        plain = "/".join(filter(None, test.name)) + "/index.html"
        href = urls.relative(page, urls.test_page(run.key, test.name))
        if test.name in muted:
            cells += ["" if href == plain else href, 1]
        elif href != plain:
            cells.append(href)
        tests.append(cells)
    key = run.key
    form = {"schema": "mtsite/shard-values/1"}
    named = {**form, "area": key.area, "target": key.target, "runname": key.runname}
    return shard_bytes(KEY, {**named, "time": run.event_time, "tests": tests, "cut": cut})


def moved_shard(key: RunKey, event_time: int | None, now: RunKey) -> bytes:
    """The same of a run whose area has another name now: it says where its own one lies."""
    named = {"area": key.area, "target": key.target, "runname": key.runname, "time": event_time}
    rest = {"tests": [], "cut": False, "moved": urls.run_dir(now)}
    return shard_bytes(KEY, {"schema": "mtsite/shard-values/1", **named, **rest})


def _value(datum: TestDatum) -> list[object]:
    value = datum.value
    if isinstance(value, float) and not math.isfinite(value):
        value = str(value)
    return [datum.category, datum.variable, value, datum.units, datum.status or ""]
