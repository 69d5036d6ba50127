"""The data that lies beside levels and grids of the gallery, as a build lays it there."""

from collections.abc import Iterator

from browser import pieces, records

from mtsite import urls
from mtsite.build.levels import BELOW
from mtsite.pages import griddata
from mtsite.pages.shard import shard_bytes

LEAF = (records.AREA, records.TARGET)


def shards(night: records.Night) -> Iterator[tuple[str, bytes]]:
    """(path, content) of each, and of what tells of the jobs."""
    yield "_status.js", shard_bytes("status", {"wrong": []})
    names = [[value, f"{value}/index.html"] for value in ("other", records.TARGET[0], "third")]
    areas = [[one, f"{one}/index.html"] for one in (records.AREA, "webstack")]
    for path, below in ((urls.below_shard(records.AREA), names), (urls.below_shard(), areas)):
        yield path, shard_bytes(BELOW, {"total": len(below), "names": below})
    shown = records.grid(night)
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
    cells = griddata.cells([run.key.runname for run in shown.runs], took, why)
    yield urls.grid_file(*LEAF, "cells.js"), shard_bytes("cells", cells)
