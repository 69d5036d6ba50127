"""Handmade records that look like a real area: for page tests, browser tests and the gallery."""

import random
from collections.abc import Iterator
from dataclasses import replace

from mtsite import rollup, urls
from mtsite.build.seal import Outcomes, with_comparisons
from mtsite.facts import Unusual
from mtsite.failing import Cluster, FailingLine, Occurrence
from mtsite.holds import Hold
from mtsite.measured import Measured, measured_of
from mtsite.model import (
    Finding,
    FirstFailure,
    LetGo,
    LogRecord,
    Run,
    RunFacts,
    RunKey,
    RunRecord,
    RunSummary,
    State,
    Status,
    Step,
    Test,
    TestDatum,
    TestDefinition,
    TestFacts,
    TestMeta,
    TestName,
    TestRecord,
)
from mtsite.pages import words
from mtsite.pages.leaving import Departures, Held
from mtsite.pages.page import Grid, GridRow, NodeSummary, Stretch
from mtsite.retention import CLOCKS, Leaving, Standing
from mtsite.stability import Stability
from mtsite.stability import stability as find_stability

DAY = 86_400
NOW = 1_795_140_000  # 2026-11-20 02:00 UTC
AREA = "chipyard"
KEYS = ("os", "fs", "flow")
TARGET = ("rhel9", "nfs", "nightly")
HOSTILE = (
    "<script>alert(1)</script>",
    "../../etc/passwd",
    "quo\"te's & <b>bold</b>",
    "%2e%2e~~",
    "новый_тест_\u202e_evil",
    "bytes_\udcff\udc80",
    "line\nbreak\ttab",
    "n" * 300,
    "index.html",
    "_assets",
    "javascript:alert(2)",
)

_BLOCKS = {
    "alu": "add sub mul div shift rotate carry saturate flags bypass hazard".split(),
    "cache": "fill evict snoop flush warm alias ecc victim prefetch lock".split(),
    "ddr": "init train refresh zq selfrefresh burst mask scrub".split(),
    "pcie": "link_up l0s l1 hotreset dma_read dma_write msi aer retry".split(),
    "uart": "loopback parity baud break fifo".split(),
    "boot": "rom spi emmc secure recovery".split(),
    "lint": "rtl tb sdc".split(),
}
LINES = (
    "UVM_ERROR /src/tb/pcie/pcie_scoreboard.sv(412) @ 184223 ns: uvm_test_top.env.sb [SB] "
    "completion for tag 0x1f never came back",
    "AssertionError: expected 64 beats, counted 63 (burst 0x3f, channel 2)",
    "ddr_train.c:219:14: error: 'struct phy_regs' has no member named 'vref_step'",
    "Segmentation fault (core dumped) while replaying trace cache_snoop.vpd",
    "*** TIMEOUT after 3600 s waiting for `link_up`, last state POLLING.COMPLIANCE",
)
_RULES = ("uvm", "python", "compiler", "shell", "severity")


def names() -> list[TestName]:
    """About 430 tests: plain ones, and two iterated ones with their toplevel rows."""
    plain = [
        (f"{block}_{what}_{mode}", "")
        for block, whats in _BLOCKS.items()
        for what in whats
        for mode in ("smoke", "random", "stress", "directed", "gate", "lowpower", "reset")
    ]
    corners = [
        ("synth_sweep", f"corner={corner},v=0.{volt}")
        for corner in ("ss", "tt", "ff")
        for volt in (65, 68, 72, 75, 80, 85)
    ]
    seeds = [("soc_random", f"seed/{n:03d}") for n in range(60)]
    return sorted([*plain, ("synth_sweep", ""), *corners, ("soc_random", ""), *seeds])


def letters(rnd: random.Random, name: TestName) -> str:
    """30 letters, oldest first."""
    dice = rnd.random()
    if name[0].startswith("pcie_retry") or name == ("synth_sweep", "corner=ss,v=0.65"):
        return "P" * 23 + "F" * 7
    if name[0].startswith("ddr_train"):
        return "P" * 29 + "F"
    if dice < 0.012:
        return "P" * 29 + "F"
    if dice < 0.024:
        good = rnd.randrange(12, 27)
        return "P" * good + "F" * (30 - good)
    if dice < 0.05:
        return "".join(rnd.choice("PPPPF") for _ in range(30))
    if dice < 0.055:
        return "P" * 20 + "V" * 10
    if dice < 0.065:
        return "P" * 26 + rnd.choice(("A", "K", "B", "D")) * 4
    if dice < 0.085:
        return "P" * 18 + "F" * 9 + "P" * 3
    if dice < 0.1:
        return "." * 22 + "P" * 8
    if dice < 0.115:
        return "P" * 12 + "W" * 18
    if dice < 0.125:
        return "S" * 30
    if dice < 0.13:
        return "P" * 29 + "C"
    return "P" * 30


_STATE = {
    "P": ("COMPLETED", "PASS"),
    "F": ("COMPLETED", "FAIL"),
    "W": ("COMPLETED", "WARN"),
    "V": ("COMPLETED", "WAIVED"),
    "S": ("COMPLETED", "SKIP"),
    "C": ("COMPLETED", "CHECK"),
    "A": ("COMPLETED", "ABORT"),
    "K": ("KILLED", "FAIL"),
    "B": ("NOT_STARTED", "PREQ_FAIL"),
    "D": ("DEAD", "DEAD"),
    "R": ("RUNNING", "n/a"),
    "N": ("NOT_STARTED", "n/a"),
}


def test(name: TestName, letter: str, rnd: random.Random) -> Test:
    state, status = _STATE[letter]
    start = NOW + rnd.randrange(3000)
    took = rnd.randrange(8, 900)
    edge = start + took // 6
    failed = Status("1" if letter == "F" else "0")
    steps = (
        Step("setup", start, start + 4, Status("0"), 4, "setup.log", ""),
        Step("build", start + 4, edge, Status("0"), took // 6, "build.log", ""),
        Step("simulate", edge, start + took - 3, failed, took - took // 6, "sim.log", "seed 7731"),
        Step("check", start + took - 3, start + took, Status("pass"), 3, "check.log", ""),
    )
    data = (
        TestDatum("timing", "slack_ns", -0.031, 0.0, 0.02, "ns", "setup, worst", "fail", ""),
        TestDatum("timing", "fmax_mhz", 812.4, 800, ">=", "MHz", "", "pass", ""),
        TestDatum("power", "leakage_mw", 12.7, 12.5, 0.5, "mW", "", "pass", ""),
        TestDatum("area", "cells", 48_211, 48_000, 500, "", "", "pass", ""),
        TestDatum("notes", "netlist", "rev 4c1", None, None, "", "as delivered", None, ""),
    )
    return Test(
        testname=name[0],
        item_path=name[1],
        state=State(state),
        status=Status(status),
        host=f"lnx{rnd.randrange(12):02d}" if letter != "K" else "lnx07",
        uname="Linux 5.14.0-427 x86_64",
        cpuload=round(rnd.random() * 8, 2),
        diskfree=48_200_000,
        rundir=f"/proj/runs/chipyard/rhel9/nfs/nightly/ww47.5/{name[0]}/{name[1]}".rstrip("/"),
        shortdir="",
        final_logf="sim.log",
        run_duration=took,
        comment="waived until tape-out, see https://tracker.example/CHIP-4471"
        if letter == "V"
        else "",
        event_time=start,
        attemptnum=1,
        archived=0,
        steps=steps,
        data=data if name[0].startswith("synth") and name[1] else (),
    )


def logs(letter: str, which: int) -> tuple[LogRecord, ...]:
    digest = f"{which:064x}"
    line = LINES[which % len(LINES)]
    excerpt = "\n".join(
        (
            line,
            "    at tb/pcie/pcie_env.sv:118, phase run, 184223 ns",
            "    outstanding tags: 0x1f 0x22; credits: 12 posted, 0 non-posted",
            "--- giving up after 3 retries",
        )
    )
    found = Finding(
        _RULES[which % 5], "error", 1482 + which, 1485 + which, excerpt, f"{which % 5:016x}"
    )
    bad = letter in "FDKA"
    return (
        LogRecord(
            name="sim.log",
            kind="final",
            blob=f"_blobs/{digest[:2]}/{digest}.log",
            size=184_221,
            lines=2_310,
            broken_bytes=3 if which % 7 == 0 else 0,
            redacted={"aws-key": 1} if which % 3 == 0 else {},
            findings=(found,) if bad else (),
            finding_count=7 if bad else 0,
            warning_count=12 if bad else 0,
            around=_around(found) if bad else (),
        ),
        LogRecord(
            name="build.log",
            kind="step",
            blob=f"_blobs/{digest[:2]}/b{digest[1:]}.log",
            size=9_121,
            lines=140,
        ),
        LogRecord(
            name="check.log",
            kind="step",
            note="leaves the run directory by a symbolic link: not read",
        ),
    )


def _around(found: Finding) -> tuple[tuple[int, str], ...]:
    first = found.first_line
    before = [(first - 3 + i, f"UVM_INFO @ 18{i} ns: credit {i} of 12 returned") for i in range(3)]
    after = [(found.last_line + 1 + i, "UVM_INFO @ 184223 ns: shutting down") for i in range(2)]
    return (*before, *enumerate(found.excerpt.split("\n"), start=first), *after)


DEFINITIONS = {
    "pcie_retry_smoke": TestDefinition(
        source=TestDefinition.RUN,
        owner="phy-team",
        author="Ada Quist",
        description="Forces **replay** on the link and looks for lost credits.",
        tags=("pcie", "smoke"),
        waiton=("synth_sweep", "build_everything"),
        requirements=(("mode", "normal"), ("priority", "5"), ("runtimelim", "20m")),
        ezsteps=(
            ("compile", "make -C $MT_RUN_AREA_HOME/rtl pcie"),
            ("sim", "{VAR=seed} run_sim.sh --test retry --seed $MT_SEED --waves off " * 3),
        ),
    ),
    "synth_sweep": TestDefinition(
        source=TestDefinition.AREA,
        owner="nobody",
        itemmap=(("build_everything", "corner=([a-z]+),.* \\1"), ("", ".*/")),
        iterated=True,
        variables=(("CORNER", "ss tt ff"), ("V", "0.65 0.75 0.85")),
        items=("ss/0.65", "corner=ss,v=0.65", "tt/0.75"),
        item_count=9,
        unknown=(("ezsteps.sim", "shell"), ("requirements.waiton", "getenv DEPS")),
    ),
}
HOSTILE_TEXT = "<img src=x onerror=alert(1)> \u202e \udcff " + "long" * 100
HOSTILE_DEFINITION = TestDefinition(
    owner=HOSTILE_TEXT,
    description=f"[x](javascript:alert(1)) {HOSTILE_TEXT}",
    tags=(HOSTILE_TEXT,),
    waiton=(HOSTILE_TEXT,),
    requirements=((HOSTILE_TEXT, HOSTILE_TEXT),),
    itemmap=((HOSTILE_TEXT, HOSTILE_TEXT),),
    ezsteps=((HOSTILE_TEXT, HOSTILE_TEXT),),
    variables=((HOSTILE_TEXT, HOSTILE_TEXT),),
    items=(HOSTILE_TEXT,),
    item_count=1,
    unknown=((HOSTILE_TEXT, "shell"),),
)
VALUES = (
    tuple(0.004 - 0.0018 * i - (0.006 if i == 13 else 0) for i in range(20)),
    tuple(None if i == 4 else 812.4 for i in range(20)),
    tuple(12.1 + (i * 7 % 5) / 9 for i in range(8)),
)


UNUSUAL = Unusual(
    log="sim.log",
    run="ww46.3",
    good="ab" * 32,
    total=14,
    lines=(
        (1482, "UVM_ERROR @ 184223 ns: completion for tag 0x1f never came back", 1),
        (1391, "<b>credit</b> watchdog: 12 posted, none returned in 4096 beats", 3),
        *((1400 + i, f"retry buffer replays sequence {i} of lane {i % 4}", 1) for i in range(9)),
    ),
    note="after 100,000 kinds of lines the rest was left out",
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


def departures(night: Night) -> Departures:
    """Runs that leave soon, holds, and what ended; hostile names among them."""
    names = ["ww21.3", "ww21.4", "a run with a long name " * 4, *HOSTILE]
    keys = [RunKey(AREA, TARGET, name) for name in names]
    soon = tuple(
        Leaving(
            Standing(key, NOW - 180 * DAY, NOW - 180 * DAY),
            CLOCKS[: 1 + number % 3],
            f"ended 2026-05-2{number % 10}: [retain] {CLOCKS[number % 3]} = 180d",
            NOW + number * DAY,
        )
        for number, key in enumerate(keys)
    )
    holds = (
        Held(Hold(urls.run_dir(keys[0]), "tape-out of <b>rev B</b>", "maria"), keys[0], False),
        Held(Hold("chipyard/rhel9/nfs/nightly/ww19.1", "bisect of the retry bug"), None, True),
    )
    ended = tuple(
        replace(
            summary,
            let_go=(
                LetGo("logs", "[retain] logs = 180d", NOW - 3 * DAY, "nightly"),
                LetGo("purge", "a customer's name was in the log", NOW - DAY, "maria"),
            ),
        )
        for summary in past(night)[-3:]
    )
    return Departures(NOW, soon, holds, ended)


def log_text(lines: int = 1_700) -> bytes:
    """A log as simulators write them, with colours, a carriage return and broken bytes."""
    return b"\n".join(_log_lines(lines)) + b"\n"


def _log_lines(lines: int) -> Iterator[bytes]:
    rnd = random.Random(3)
    for n in range(1, lines + 1):
        if n == 1482:
            yield b"\x1b[1;31m" + LINES[0].encode() + b"\x1b[0m"
        elif n % 211 == 0:
            yield b"\x1b[33mUVM_WARNING\x1b[0m @ %d ns: credit low \xff\xfe" % (n * 124)
        elif n % 97 == 0:
            yield b"progress 10%\rprogress 60%\rprogress 100%"
        else:
            yield b"UVM_INFO @ %d ns: uvm_test_top.env.agent%d [DRV] sent packet %04x len %d" % (
                n * 124,
                n % 4,
                rnd.randrange(65536),
                rnd.randrange(64),
            )


def stability(night: Night) -> Stability:
    """What is unsteady in the runs of the window."""
    rows = [(name, strip[::-1]) for name, strip in night.strips.items()]
    return find_stability(night.window[::-1], rows, 20)


def clusters(night: Night) -> list[Cluster]:
    """Failures that are alike, in this run and before."""
    made = []
    for i, text in enumerate((*LINES, HOSTILE[0])):
        found = FailingLine(
            f"ab{i:010x}", f"{i:016x}", text, 3 + i, ("pcie_retry_smoke", ""), "sim.log", 1482
        )
        seen = [
            Occurrence(
                replace(night.key, runname=name),
                NOW - back * DAY,
                replace(found, exact=f"{back:016x}", hosts=(f"lnx0{back}",)),
            )
            for back, name in enumerate(night.window[::-1][: i + 1])
        ]
        made.append(
            Cluster(found.cluster, 40 * i + 4, i + 1, i + 1, (AREA,), seen[-1], tuple(seen))
        )
    return made
