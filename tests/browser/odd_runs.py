"""Runs that no design thinks of first: none, very many, all bad, long names, every state."""

import random
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache

from browser import pieces, records
from msgspec.structs import replace

from mtsite import rollup
from mtsite.model import (
    RunFacts,
    RunKey,
    State,
    Status,
    Test,
    TestFacts,
    TestName,
    TestRecord,
)

LONG = "a_name_of_200_letters_" * 9 + "zz"
RTL = ("بناء_النواة", "בדיקת_זיכרון", "mixed_עברית_end", "\u202eevil", "اختبار/عنصر")


class Odd(records.Night):
    """A run made of given verdicts."""

    def __init__(self, runname: str, letters: Mapping[TestName, str]) -> None:
        super().__init__()
        rnd = random.Random(runname)
        self.key = RunKey(records.AREA, records.TARGET, runname)
        named = sorted(letters, key=lambda n: (n[0].encode(), n[1].encode()))
        iterated = {name for name, item in named if item}
        tests = [
            replace(_made(name, letters[name], rnd), toplevel=not name[1] and name[0] in iterated)
            for name in named
        ]
        self.run = replace(self.run, key=self.key, tests=tuple(tests), meta={})
        self.verdicts = [rollup.Verdict(letters[name]) for name in named]
        self.window = (*self.window[:29], runname)
        self.records = dict(self._kept(named, letters))
        self.facts = self._past(named, letters)
        counts = rollup.count(self.run, self.verdicts)
        changes = [self.facts.tests[t.name].change for t in tests if not t.toplevel]
        verdict = rollup.run_verdict(counts).value
        self.summary = replace(
            self.summary,
            key=self.key,
            counts=counts,
            verdict=verdict,
            failures=(),
            new=changes.count("new"),
            still=changes.count("still"),
            fixed=changes.count("fixed"),
        )
        self.record = replace(
            self.record,
            key=self.key,
            tests=self.records,
            summary=self.summary,
            definitions={},
        )

    def _kept(
        self, named: Sequence[TestName], letters: Mapping[TestName, str]
    ) -> Iterable[tuple[TestName, TestRecord]]:
        for which, name in enumerate(named):
            logs = pieces.logs(letters[name], which)[:2]
            yield name, TestRecord(*name, letters[name], logs=logs)

    def _past(self, named: Sequence[TestName], letters: Mapping[TestName, str]) -> RunFacts:
        tests = {}
        for i, name in enumerate(named):
            now = letters[name]
            bad = now in "DFKBA"
            past = "F" if bad and i % 3 else "P"
            change = ("still" if past == "F" else "new") if bad else "fixed" if i % 97 == 1 else ""
            since = self.window[20] if change == "still" else ""
            strip = "P" * 20 + past * 9 + now
            tests[name] = TestFacts(
                strip=strip,
                change=change,
                flaky=i % 50 == 7,
                usual=600,
                since=since,
                since_runs=10 if since else 0,
            )
        fixed = tuple(name for name, facts in tests.items() if facts.change == "fixed")
        return RunFacts(self.window, self.window[-2], self.window[3], tests, fixed)


def _made(name: TestName, letter: str, rnd: random.Random) -> Test:
    made = replace(pieces.test(name, letter, rnd), data=(), comment="")
    # A row that waits did not run anywhere yet.
    return replace(made, host="n/a", run_duration=0, steps=()) if letter == "N" else made


def many(count: int, bad_each: int, runname: str = "") -> Odd:
    """So many tests in 40 groups, every `bad_each`-th failed."""
    letters = {
        (f"block{i % 40:02d}_case_{i:05d}", ""): "F" if i % bad_each == 0 else "PPPPPPPSWV"[i % 10]
        for i in range(count)
    }
    return Odd(runname or f"many{count}", letters)


def all_bad(count: int = 5000) -> Odd:
    return Odd("all_bad", {(f"b{i % 30:02d}_t{i:05d}", ""): "F" for i in range(count)})


def long_names(count: int = 400) -> Odd:
    letters = {(f"{LONG}{i:04d}"[-200:], ""): "FPPP"[i % 4] for i in range(count)}
    letters |= {(f"{RTL[i % 5]}_{i}", ""): "FP"[i % 2] for i in range(10)}
    return Odd("long_names", letters)


def only_items() -> Odd:
    letters = {("sweep", f"corner={c}/v{v}"): "PF"[v == 3] for c in "abc" for v in range(5)}
    return Odd("only_items", letters | {("sweep", ""): "F"})


def all_running() -> Odd:
    return Odd("all_running", {(f"t{i:02d}", ""): "RRRN"[i % 4] for i in range(30)})


def all_dead() -> Odd:
    return Odd("all_dead", {(f"t{i:02d}", ""): "D" for i in range(30)})


def in_future() -> Odd:
    """Its clock is ahead by years, and it ended before it began."""
    made = Odd("in_future", {(f"t{i}", ""): "PPF"[i % 3] for i in range(6)})
    when = records.NOW + 4000 * records.DAY
    tests = tuple(replace(t, event_time=when, run_duration=-5) for t in made.run.tests)
    made.run = replace(made.run, tests=tests, event_time=when)
    made.summary = replace(made.summary, event_time=when, end_time=when - 60)
    return made


def empty() -> Odd:
    made = Odd("empty", {})
    made.facts = RunFacts()
    made.run = replace(made.run, owner="", comment="", contour="", event_time=None)
    made.summary = replace(made.summary, event_time=None, end_time=None)
    return made


def moved() -> Odd:
    """Its rows are in a satellite; what stayed behind says so."""
    made = Odd("moved", {(f"t{i}", ""): "PPWF"[i % 4] for i in range(12)})
    comment = "moved to fullrun_2024 on 2026-11-02 by mrivera"
    made.run = replace(made.run, state=State("MOVED"), status=Status("n/a"), comment=comment)
    return made


def with_gone() -> Odd:
    """Some of its tests were deleted from the database after they had pages."""
    made = Odd("with_gone", {(f"t{i}", ""): "PPF"[i % 3] for i in range(12)})
    gone = {
        (f"deleted_{i}", ""): TestRecord(f"deleted_{i}", "", "PF"[i % 2], gone=True)
        for i in range(5)
    }
    made.record = replace(made.record, tests={**made.records, **gone})
    return made


NAMES = (
    "empty many5000 all_bad long_names only_items all_running all_dead in_future moved with_gone"
).split()


@lru_cache(maxsize=1)
def every_odd_run() -> dict[str, Odd]:
    made = [
        empty(),
        many(5000, 50),
        all_bad(),
        long_names(),
        only_items(),
        all_running(),
        all_dead(),
        in_future(),
        moved(),
        with_gone(),
    ]
    return {one.key.runname: one for one in made}
