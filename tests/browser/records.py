"""Handmade records that look like a real area: for page tests, browser tests and the gallery."""

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
from mtsite.pages import words
from mtsite.pages.page import Grid, GridRow, NodeSummary, Stretch
from mtsite.stability import Stability
from mtsite.stability import stability as find_stability


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


def past(night: Night, *, area: str = AREA, target: tuple[str, ...] = TARGET) -> list[RunSummary]:
    """Summaries of all runs of the window, newest first."""
    rnd = random.Random(11)
    made = [replace(night.summary, key=replace(night.key, area=area, target=target))]
    for back, name in enumerate(reversed(night.window[:-1]), start=1):
        bad = rnd.choice((0, 0, 3, 9, 14, 26))
        counts = {"P": 396 - bad, "W": 3, "F": bad} if bad else {"P": 396, "W": 3}
        verdict = "F" if bad else "W"
        if back == 9:
            counts, verdict = {"P": 310, "F": 2, "A": 84}, "A"
        made.append(
            replace(
                night.summary,
                key=RunKey(area, target, name),
                event_time=NOW - back * DAY,
                end_time=NOW - back * DAY + 3900 + bad * 60,
                counts=counts,
                verdict=verdict,
                failures=(FirstFailure("pcie_retry_smoke", "", "F", LINES[back % 5]),)
                if bad
                else (),
                new=bad // 3,
                still=bad - bad // 3,
                fixed=rnd.randrange(4),
                comment="",
                home="chipyard_2025" if back > 25 else area,
            )
        )
    running = replace(
        made[0],
        key=RunKey(area, target, "ww48.1"),
        event_time=NOW + DAY,
        end_time=None,
        counts={"P": 180, "F": 2, "R": 24, "N": 200},
        verdict="F",
        new=0,
        still=2,
        fixed=0,
    )
    return [running, *made]


def node(
    area: str,
    values: tuple[str, ...],
    newest: RunSummary | None,
    *,
    runs: int = 312,
    satellite_of: str = "",
    problems: tuple[str, ...] = (),
    title: str = "",
    targets: int = 4,
) -> NodeSummary:
    rnd = random.Random(area + "/".join(values))
    trend = []
    for back in range(13, -1, -1):
        if rnd.random() < 0.12:
            continue
        total = rnd.choice((400, 404, 410))
        day = 20 - back
        trend.append((f"2026-11-{day:02d}", total - rnd.choice((0, 0, 3, 12, 40)), total))
    return NodeSummary(
        area=area,
        values=values,
        keys=KEYS,
        runs=runs,
        counts=newest.counts if newest else {},
        verdict=newest.verdict if newest else "N",
        newest=newest,
        trend=tuple(trend) if newest else (),
        targets=targets,
        problems=problems,
        satellite_of=satellite_of,
        title=title,
        expected_seconds=DAY if newest and not satellite_of else 0,
        late_seconds=DAY * 3 // 2 if newest and not satellite_of else 0,
        new=newest.new if newest else 0,
        still=newest.still if newest else 0,
        fixed=newest.fixed if newest else 0,
        bad_targets=min(targets, 2) if newest and words.bad(newest.counts) else 0,
        log_bytes=runs * 41_000 if newest else 0,
    )


def nodes(night: Night) -> list[NodeSummary]:
    """The front page: a bad area, good ones, one unreadable, one without runs, a satellite."""
    runs = past(night)
    good = replace(
        runs[1],
        key=RunKey("webstack", ("debian12", "ext4"), "2026-11-20"),
        counts={"P": 1288, "W": 4, "S": 12},
        verdict="W",
        new=0,
        still=0,
        fixed=3,
        failures=(),
    )
    old = replace(
        runs[20],
        key=RunKey("chipyard_2025", TARGET, "ww02.1"),
        event_time=NOW - 300 * DAY,
        counts={"P": 380},
        verdict="P",
        new=0,
        still=0,
        fixed=0,
    )
    firmware = replace(
        good,
        key=RunKey("firmware", ("arm64",), "b4471"),
        counts={"P": 12_044, "F": 1, "V": 3},
        verdict="F",
        new=1,
        event_time=NOW - 3 * DAY,
    )
    return [
        node("webstack", (), good, title="browser and API tests", targets=3, runs=1204),
        node(AREA, (), runs[1], title="SoC regressions", targets=6, runs=2871),
        node("firmware", (), firmware, targets=1, runs=88),
        node("chipyard_2025", (), old, satellite_of=AREA, targets=6, runs=14_002),
        node(
            "lab_bench",
            (),
            None,
            problems=("megatest.db is not a database: file is encrypted or is not a database",),
            runs=0,
            targets=0,
        ),
        node("quiet_area", (), None, runs=0, targets=0),
    ]


def grid(night: Night) -> Grid:
    runs = tuple(past(night)[1:31])
    rows = tuple(GridRow(name, "".join(reversed(strip))) for name, strip in night.strips.items())
    owners = {name: one.owner for name, one in DEFINITIONS.items()}
    return Grid(runs, rows, ("owner", "home"), owners=owners)


def long_grid(night: Night) -> Grid:
    """A hundred runs, how long each test took in them, and whose the tests are."""
    near = past(night)[1:]
    far = [
        replace(near[-1], key=RunKey(AREA, TARGET, f"ww{41 - n // 5}.{5 - n % 5}"))
        for n in range(100 - len(near))
    ]
    aged = (
        replace(run, event_time=NOW - n * DAY) for n, run in enumerate((*near, *far)) if n < 100
    )
    rows = tuple(
        GridRow(
            name,
            strip[::-1] + strip[0] * 70,
            tuple(None if at % 9 == 8 else 12.5 * (at % 40) ** 2 for at in range(100)),
        )
        for name, strip in night.strips.items()
    )
    owners = {name: ("mrivera", "Ada Quist")[len(name) % 2] for name, _ in night.strips}
    return Grid(tuple(aged), rows, (), "duration", owners)


def stretches(night: Night) -> list[Stretch]:
    w = night.window
    return [
        Stretch("F", w[23], NOW - 6 * DAY),
        Stretch("P", w[9], NOW - 20 * DAY, w[22], NOW - 7 * DAY, 14),
        Stretch("W", w[6], NOW - 23 * DAY, w[8], NOW - 21 * DAY, 3),
        Stretch("A", w[5], NOW - 24 * DAY, w[5], NOW - 24 * DAY, 1),
        Stretch("P", w[0], NOW - 30 * DAY, w[4], NOW - 25 * DAY, 5),
    ]


def stability(night: Night) -> Stability:
    """What is unsteady in the runs of the window."""
    rows = [(name, strip[::-1]) for name, strip in night.strips.items()]
    return find_stability(night.window[::-1], rows, 20)
