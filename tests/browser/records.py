"""A handmade night that looks like a real one: for page tests, browser tests and the gallery."""

import random

from browser.pieces import AREA as AREA
from browser.pieces import DAY as DAY
from browser.pieces import (
    DEFINITIONS,
    HOSTILE,
    HOSTILE_DEFINITION,
    LINES,
    VALUES,
    letters,
    logs,
    names,
    test,
)
from browser.pieces import KEYS as KEYS
from browser.pieces import NOW as NOW
from browser.pieces import TARGET as TARGET
from msgspec.structs import replace

from mtsite import rollup
from mtsite.build.seal import Outcomes, with_comparisons
from mtsite.measured import Measured, measured_of
from mtsite.model import (
    FirstFailure,
    Run,
    RunFacts,
    RunKey,
    RunRecord,
    RunSummary,
    State,
    Status,
    TestFacts,
    TestMeta,
    TestName,
    TestRecord,
)


class Night:
    """One run with all that is known of it."""

    def __init__(self, seed: int = 7, *, runname: str = "ww47.5", hostile: bool = False) -> None:
        rnd = random.Random(seed)
        known = names()
        if hostile:
            known = sorted(
                [
                    *known[:40],
                    *((bad, "") for bad in HOSTILE),
                    ("hostile_items", ""),
                    *(("hostile_items", bad) for bad in HOSTILE),
                    ("hostile_items", "a//b"),
                ],
                key=lambda name: (
                    name[0].encode("utf-8", "surrogateescape"),
                    name[1].encode("utf-8", "surrogateescape"),
                ),
            )
        self.window = (*tuple(f"ww{42 + i // 5}.{i % 5 + 1}" for i in range(29)), runname)
        strips = {name: letters(rnd, name) for name in known}
        if hostile:
            strips.update(
                {
                    name: "P" * 28 + "FF"
                    for name in known
                    if name[0] in HOSTILE or name[1] in HOSTILE
                }
            )
        tests = []
        for name in known:
            made = test(name, strips[name][-1], rnd)
            tests.append(
                replace(
                    made,
                    toplevel=name
                    in {("synth_sweep", ""), ("soc_random", ""), ("hostile_items", "")},
                )
            )
        self.key = RunKey(AREA, TARGET, runname)
        self.run = Run(
            key=self.key,
            keys=KEYS,
            state=State("new"),
            status=Status("n/a"),
            owner="mrivera",
            contour="nightly",
            comment="first night on the new PHY model, see https://git.example/phy/compare/4c1...7aa",
            event_time=NOW,
            tests=tuple(tests),
            attributes=(
                ("repository", "https://git.example/phy"),
                ("revision", "27e624bb782b495a0a98f1625d758229f5da82f4"),
                ("build b31: artifact", "phy-4.2.tar.zst, sha256 " + "9f3c" * 16),
                *((f"java.property.{n}", f"value <{n}>") for n in range(14)),
            ),
            meta={
                "synth_sweep": TestMeta(
                    "Ada Quist",
                    "timing-team",
                    "Sweeps **corner × voltage** and checks slack.\n\n- needs `pdk` 4.2\n- see [the guide](https://wiki.example/sweep)",
                    "2026-10-01",
                    ("timing", "nightly"),
                    "synth",
                )
            },
        )
        self.verdicts = rollup.test_verdicts(self.run, NOW + DAY, 7 * DAY)
        self.records = {
            t.name: TestRecord(
                t.testname,
                t.item_path,
                v.value,
                t.toplevel,
                logs(v.value, i) if not t.toplevel else (),
            )
            for i, (t, v) in enumerate(zip(self.run.tests, self.verdicts, strict=True))
        }
        odd = dict.fromkeys((name for name, _ in known), HOSTILE_DEFINITION) if hostile else {}
        said = {**odd, **DEFINITIONS}
        self.record = RunRecord(self.key, KEYS, self.records, definitions=said)
        self.facts = self._facts(strips)
        self.summary = self._summary()
        self.strips = strips

    def _facts(self, strips: dict[TestName, str]) -> RunFacts:
        facts = {}
        fixed = []
        for name, strip in strips.items():
            bad, before = strip[-1] in "FDKBA", strip[-2] in "FDKBA"
            change = ("still" if before else "new") if bad else ("fixed" if before else "")
            if change == "fixed":
                fixed.append(name)
            stretch = len(strip) - len(strip.rstrip(strip[-1]))
            good = max((i for i, s in enumerate(strip) if s == "P"), default=-1)
            facts[name] = TestFacts(
                strip=strip,
                change=change,
                flaky=strip.count("F") > 2 and stretch < 3,
                usual=240,
                since=self.window[-stretch] if bad else "",
                since_runs=stretch if bad else 0,
                capped=False,
                last_good=self.window[good] if bad and good >= 0 else "",
                values=VALUES if name[0].startswith("synth") and name[1] else (),
                took=tuple(240 + (i * 37) % 90 + 5 * i for i in range(len(strip))),
            )
        found = RunFacts(
            self.window, self.window[-2], "ww45.2", facts, tuple(fixed), (("old_test", ""),)
        )
        now = {t.name: (strips[t.name][-1], t.run_duration) for t in self.run.tests}
        values = measured_of(self.run)

        def earlier(runname: str) -> tuple[Outcomes, Measured]:
            back = self.window.index(runname) - len(self.window)
            had: dict[TestName, tuple[str, int | None]] = {
                name: (strip[back], 240) for name, strip in strips.items() if strip[back] != "."
            }
            if runname == found.previous:
                had["old_test", ""] = ("P", 31)
            shifted = {
                name: tuple((key, v and v * 1.02) for key, v in rows)
                for i, (name, rows) in enumerate(values.items())
                if i % 3 == 0
            }
            return had, shifted

        return with_comparisons(found, (now, values), earlier)

    def _summary(self) -> RunSummary:
        counts = rollup.count(self.run, self.verdicts)
        changes = [self.facts.tests[t.name].change for t in self.run.tests if not t.toplevel]
        bad = [
            FirstFailure(t.testname, t.item_path, v.value, LINES[i % 5])
            for i, (t, v) in enumerate(zip(self.run.tests, self.verdicts, strict=True))
            if v.value in "FDKBA" and not t.toplevel
        ]
        return RunSummary(
            key=self.key,
            event_time=NOW,
            end_time=NOW + 4411,
            owner="mrivera",
            comment=self.run.comment,
            contour="nightly",
            state=self.run.state,
            status=self.run.status,
            counts=counts,
            verdict=rollup.run_verdict(counts).value,
            failures=tuple(bad[:20]),
            new=changes.count("new"),
            still=changes.count("still"),
            fixed=changes.count("fixed"),
            home=AREA,
        )
