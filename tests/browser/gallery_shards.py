"""The data that lies beside levels and grids of the gallery, as a build lays it there."""

from collections.abc import Iterator

from browser import past_records, pieces, records

from mtsite import urls
from mtsite.build.levels import BELOW
from mtsite.failing import FailingLine
from mtsite.logs.likeness import likeness
from mtsite.onhosts import hosts_of
from mtsite.pages import griddata, search
from mtsite.pages.shard import shard_bytes

SEARCHED = (("2026-10", 1), ("2026-11", 1), ("2026-11", 2))
LEAF = (records.AREA, records.TARGET)


def shards(night: records.Night) -> Iterator[tuple[str, bytes]]:
    """(path, content) of each, and of what tells of the jobs."""
    yield "_status.js", shard_bytes("status", {"wrong": []})
    names = [[value, f"{value}/index.html"] for value in ("other", records.TARGET[0], "third")]
    areas = [[one, f"{one}/index.html"] for one in (records.AREA, "webstack")]
    for path, below in ((urls.below_shard(records.AREA), names), (urls.below_shard(), areas)):
        yield path, shard_bytes(BELOW, {"total": len(below), "names": below})
    shown = past_records.grid(night)
    strips = griddata.strips(shown.runs, ((row.name, row.strip) for row in shown.rows))
    yield urls.grid_file(*LEAF, "grid.js"), shard_bytes("grid", strips)
    took = [
        {row.name: (row.strip[at], 240 + at * 7 % 19 + 600 * (at == 4)) for row in shown.rows}
        for at in range(len(shown.runs))
    ]
    why = [
        {row.name: ("COMPLETED/FAIL", "sim.log", 1482, pieces.LINES[at % 5]) for row in shown.rows}
        for at in range(len(shown.runs))
    ]
    known = [{("boot_emmc_stress", ""): "Bursts are <not> modelled yet"} for _ in why]
    cells = griddata.cells([run.key.runname for run in shown.runs], took, why, known)
    yield urls.grid_file(*LEAF, "cells.js"), shard_bytes("cells", cells)
    yield from search_shards(night)


def search_shards(night: records.Night) -> Iterator[tuple[str, bytes]]:
    """Two months: the newest run with its lines and a hostile one, the runs before, an old one."""
    earlier = past_records.past(night)[1:20]
    strips = {row.name: row.strip for row in past_records.grid(night).rows}
    drafts = {(month, number): search.Draft() for month, number in SEARCHED}
    for back, summary in reversed(list(enumerate(earlier, start=1))):
        letters = {name: (strip[back], 1) for name, strip in strips.items() if strip[back] != "."}
        which = ("2026-10", 1) if back > 8 else ("2026-11", 1)
        place = records.NOW - back * 86_400 * 3
        drafts[which].take(search.FoundRun(summary, place, letters))
    hostile = records.Night(seed=3, runname="hostile", hostile=True)
    for at, one in enumerate((hostile, night)):
        when = records.NOW - 3600 * (1 - at)
        pairs = zip(one.run.tests, one.verdicts, strict=True)
        letters = {test.name: (verdict.value, 1) for test, verdict in pairs}
        bad = [name for name, (letter, _) in letters.items() if letter == "F"]
        lines = [
            FailingLine(*likeness(text), text, 1 + 3 * n, bad[n], "sim.log", 1482, ("lnx07",))
            for n, text in enumerate(records.LINES[: len(bad)])
        ]
        hosts = hosts_of(one.run, one.verdicts)
        told = search.FoundRun(one.summary, when, letters, hosts, lines, len(lines) + 12)
        drafts["2026-11", 2].take(told)
    for (month, number), draft in drafts.items():
        yield urls.search_shard(month, number), draft.content(f"{month}-{number}")
