"""What handmade records are made of: names, verdicts, tests with their steps and data, logs."""

import random

from mtsite.facts import Unusual
from mtsite.model import (
    Finding,
    LogRecord,
    State,
    Status,
    Step,
    Test,
    TestDatum,
    TestDefinition,
    TestName,
)

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
