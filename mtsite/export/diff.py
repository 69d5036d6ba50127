"""Two whole runs side by side, with values and durations: what `mtsite run diff` tells."""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from msgspec import Struct, field
from msgspec.structs import asdict

from mtsite import comparison, urls
from mtsite.comparison import MovedValue, Row
from mtsite.export.pushes import PushesBetween, pushes_between
from mtsite.export.runs import ShownRun, name_of
from mtsite.model import Run, Test, TestDatum, TestName
from mtsite.pages import waived

USUAL = "usual"
THERE = "there"


class Slower(Struct, frozen=True):
    """A test that took longer than the seconds in `expected`; `by` says where those are from.

    USUAL: the middle of its earlier good results, as the site knows them; THERE: the other run.
    """

    testname: str
    item_path: str
    took: int
    expected: int
    by: str


class RunDiff(Struct, frozen=True):
    """All tests of two runs, the values that moved (furthest first), tests that took longer.

    `known` has the title of the issue of tests of the later run, `waived` where waivers come from;
    both as its page in the site says. `pushes` lie between the two, where somebody told of them.
    """

    there: str
    here: str
    rows: Sequence[Row]
    counts: Mapping[str, int]
    values: Sequence[MovedValue]
    slower: Sequence[Slower]
    known: Mapping[TestName, str] = field(default_factory=dict)
    waived: Mapping[TestName, str] = field(default_factory=dict)
    pushes: PushesBetween | None = None

    @property
    def worse(self) -> int:
        """For how many tests the later run is the worse one; known failures are no news."""
        return sum(row.is_worse and _name(row) not in self.known for row in self.rows)

    @property
    def known_total(self) -> int:
        """How many tests are listed that go wrong as an annotation knows."""
        return sum(_name(row) in self.known for row in self.rows)

    def note(self, row: Row) -> str:
        """'known: TITLE' or where its waiver comes from; '' for neither."""
        known = self.known.get(_name(row))
        return f"known: {known}" if known is not None else self.waived.get(_name(row), "")

    def document(self) -> dict[str, object]:
        """The form of schema mtsite/run-diff/1: CLEAN tests are counted, not listed."""
        told = [
            {
                "class": row.kind,
                "testname": row.testname,
                "item_path": row.item_path,
                "there": row.there,
                "here": row.here,
                "known": self.known.get(_name(row)),
                "waived": self.waived.get(_name(row)),
            }
            for row in self.rows
            if row.kind != comparison.CLEAN
        ]
        return {
            "there": self.there,
            "here": self.here,
            "worse": self.worse,
            "known": self.known_total,
            "counts": {kind: self.counts.get(kind, 0) for kind in comparison.CLASSES},
            "tests": told,
            "values": [asdict(value) for value in self.values],
            "slower": [asdict(one) for one in self.slower],
            "pushes": self.pushes and self.pushes.document(worse=self.worse > 0),
        }


def diff_runs(there: ShownRun, here: ShownRun, site: Path, root: Path) -> RunDiff:
    """The later run against the earlier one; `site` is asked for what is usual.

    In `root` lies mtsite.toml, and beside it the pushlogs.
    """
    assert there.run is not None
    assert here.run is not None
    rows = comparison.compare(_letters(there), _letters(here))
    before = {test.name: test for test in there.run.tests}
    twin = _twin(site, here.run)
    both = [(before[test.name], test) for test in here.run.tests if test.name in before]
    return RunDiff(
        name_of(there.head),
        name_of(here.head),
        rows,
        comparison.counts_of(rows),
        _values(both),
        list(_slower(both, _usual(twin))),
        _known(twin),
        _waived(twin),
        pushes_between(root, there.run, here.run),
    )


def _letters(shown: ShownRun) -> dict[TestName, str]:
    return {test.name: verdict.value for test, verdict in shown.tests() if not test.toplevel}


def _values(both: Sequence[tuple[Test, Test]]) -> list[MovedValue]:
    moved = [(value, one) for there, here in both for value, one in _moved(there, here)]
    moved.sort(key=lambda pair: -pair[0])
    return [one for _, one in moved]


def _moved(there: Test, here: Test) -> Iterator[tuple[float, MovedValue]]:
    """(how far, what) for the values that both have: one without a name can't be matched twice."""
    before: dict[tuple[str, str], TestDatum] = {}
    for datum in there.data:
        before.setdefault((datum.category, datum.variable), datum)
    for datum in here.data:
        old = before.pop((datum.category, datum.variable), None)
        if old is not None and (by := comparison.moved_by(old.value, datum.value)):
            yield (
                by,
                MovedValue(
                    *here.name,
                    datum.category,
                    datum.variable,
                    old.value,
                    datum.value,
                    datum.units,
                    datum.status or "",
                ),
            )


def _twin(site: Path, run: Run) -> Mapping[str, Any]:
    """The JSON of the run's page; nothing where the site has none."""
    try:
        found = json.loads((site / urls.run_twin(run.key)).read_bytes())
        return found if isinstance(found, dict) else {}
    except (OSError, ValueError):
        return {}


def _tests(twin: Mapping[str, Any]) -> Iterator[tuple[TestName, Mapping[str, Any]]]:
    for one in twin.get("tests", ()):
        yield (one["testname"], one["item_path"]), one


def _usual(twin: Mapping[str, Any]) -> Mapping[TestName, int]:
    """What the JSON of the run's page says is usual."""
    facts = ((name, one.get("facts") or {}) for name, one in _tests(twin))
    return {name: known["usual"] for name, known in facts if known.get("usual")}


def _known(twin: Mapping[str, Any]) -> Mapping[TestName, str]:
    """The tests with an issue that is not over, and its title."""
    issues = ((name, one.get("known") or ()) for name, one in _tests(twin))
    return {name: told[0]["title"] for name, told in issues if told and not told[0]["over"]}


def _waived(twin: Mapping[str, Any]) -> Mapping[TestName, str]:
    """The waived tests, and where their waivers come from."""
    window = (twin.get("facts") or {}).get("window", ())
    waivers = ((n, one) for n, one in _tests(twin) if one.get("verdict") == waived.WAIVED)
    chains = (
        (n, waived.chain(window, (one["facts"] or {}).get("strip", ""))) for n, one in waivers
    )
    return {name: f"waived {chain.told}" for name, chain in chains if chain.runs}


def _name(row: Row) -> TestName:
    return (row.testname, row.item_path)


def _slower(both: Sequence[tuple[Test, Test]], usual: Mapping[TestName, int]) -> Iterator[Slower]:
    for there, here in both:
        expected = usual.get(here.name) or there.run_duration
        if here.toplevel or not comparison.is_slower(here.run_duration, expected):
            continue
        assert here.run_duration is not None
        assert expected is not None
        by = USUAL if here.name in usual else THERE
        yield Slower(*here.name, here.run_duration, expected, by)
