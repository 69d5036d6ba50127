"""What lies around a handmade night: runs before it, front pages, grids and histories."""

import random

from browser.pieces import AREA, DAY, DEFINITIONS, KEYS, LINES, NOW, TARGET
from browser.records import Night
from msgspec.structs import replace

from mtsite.model import (
    FirstFailure,
    RunKey,
    RunSummary,
)
from mtsite.pages import words
from mtsite.pages.page import Grid, GridRow, NodeSummary, Stretch
from mtsite.stability import Stability
from mtsite.stability import stability as find_stability


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
