"""Nights on a disk that is really full: before they begin, and while they work."""

import json
import os
import sys
from collections import Counter
from pathlib import Path

import pytest
from areas import DAY, TestArea, make_area, run
from areas import test as row
from crawl import crawl
from dying import ended, in_child, is_mark, told
from namespaces import may_have_own_disk, own_disk
from nights import NOTE, NOW, TESTS, night, site
from rows import Rows, RunName, runs_in
from sites import difference

from mtsite import nightly
from mtsite.config import Config
from mtsite.errors import MtsiteError

DISK_BYTES = 48 << 20
LEFT_BYTES = (0, 64 << 10, 160 << 10, 320 << 10, 640 << 10)
"""What is free when a night begins: the more, the later in the night the disk is full."""


def make_place(root: Path) -> tuple[Config, TestArea]:
    """An area, its satellite, site and destination, all on one disk; published once."""
    rules = "[automigrate]\nold runname=%; age=9d\n"
    runs = [run("ubuntu/nfs", f"w{n:02}", tests=TESTS) for n in range(6)]
    area = make_area(root, runs=runs, config=rules)
    satellite = make_area(root, name="old", config="[setup]\nallow-runs no\n")
    command = json.dumps([sys.executable, "-c", NOTE, str(root.parent / "told")])
    config = site(
        root,
        f'[areas.fullrun]\npath = "{area.path}"\n[areas.old]\npath = "{satellite.path}"\n'
        f'[publish]\ndestination = "{root / "www"}"\n[notify]\ncommand = {command}\n',
    )
    night(config)
    return config, area


def places_of(area: TestArea) -> list[tuple[RunName, Rows]]:
    """Each run that lies in some database, as often as it does."""
    satellite = area.path.parent / "old" / "megatest.db"
    databases = (area.database, area.path / "completed-runs.db", satellite)
    found = [pair for database in databases for pair in runs_in(database).items()]
    return [(name, rows) for name, rows in found if not is_mark(rows)]


def fill(disk: Path, left: int) -> Path:
    """A file that takes all but so many bytes."""
    ballast = disk / "ballast"
    status = os.statvfs(disk)
    with ballast.open("wb") as file:
        os.posix_fallocate(file.fileno(), 0, status.f_bavail * status.f_frsize - left)
    return ballast


def nights_on_a_full_disk(root: Path) -> None:
    own_disk(root, DISK_BYTES)
    config, area = make_place(root)
    met = set()
    for day, left in enumerate(LEFT_BYTES, start=1):
        (root.parent / "told").unlink(missing_ok=True)
        log = f"a log of its own {day}\n" * 4000
        area.add_run(run("ubuntu/nfs", f"w{5 + day:02}", tests=[*TESTS, row("big", log=log)]))
        model = dict(places_of(area))
        ballast = fill(root, left)
        met |= failed_steps(config, NOW + day * DAY)
        found = places_of(area)
        assert all(rows in [r for n, r in found if n == name] for name, rows in model.items())
        assert crawl(root / "www").dead == []
        ballast.unlink()
        summary, said = night(config, now=NOW + day * DAY + 60)
        assert nightly.failure(summary) is None, (left, said)
        assert Counter(name for name, _ in places_of(area)) == Counter(model.keys())
        assert dict(places_of(area)) == model
        differing = difference(config.site.output, root / "www")
        assert [path for path in differing if not path.startswith("_manifest/")] == []
    assert {"the lock", "reduce", "build", "publish"} <= met


def failed_steps(config: Config, now: float) -> set[str]:
    """What a night could not do for want of room; nothing of it is a traceback."""
    try:
        summary, said = night(config, now=now)
    except MtsiteError as error:
        assert "nightly.lock can't be written: No space left on device" in error.message
        told = json.loads((config.root.parent / "told").read_text())
        assert (told["state"], told["told"]) == ("failed", error.message)
        return {"the lock"}
    assert "Traceback" not in said + "".join(step.error for step in summary.steps), said
    return {step.name for step in summary.failed}


@pytest.mark.faults
def test_no_row_is_lost_on_a_full_disk_and_the_next_night_finishes(tmp_path: Path) -> None:
    if not may_have_own_disk():
        pytest.skip("not applicable: nobody may mount here")
    disk = tmp_path / "disk"
    disk.mkdir()
    assert ended(in_child(lambda: told(lambda: nights_on_a_full_disk(disk)))) == 0
