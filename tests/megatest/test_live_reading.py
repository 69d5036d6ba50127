"""Reading an area while a writer in another process commits every 20 ms."""

import json
from pathlib import Path

import pytest

from benchmarks import live_writer
from mtsite.config import AreaConfig
from mtsite.megatest.database import reading
from mtsite.megatest.merge import list_areas
from mtsite.megatest.reader import read_run
from mtsite.model import Run

RUNS, TESTS, SECONDS = 10, 150, 3.0


@pytest.fixture
def area(tmp_path: Path) -> AreaConfig:
    (tmp_path / "megatest.config").write_text("[fields]\nsysname TEXT\nfsname TEXT\n")
    live_writer.fill(tmp_path / "megatest.db", RUNS, TESTS)
    return AreaConfig(name="fullrun", path=tmp_path)


def read_all(area: AreaConfig) -> list[Run]:
    (listing,) = list_areas([area], {})
    assert listing.error == ""
    assert len(listing.heads) == RUNS
    runs = []
    for head in listing.heads:
        with reading(head.database) as connection:
            runs.append(read_run(connection, head))
    return runs


def comments(run: Run) -> set[str]:
    """The writer gives all tests of a run and their steps one comment in one transaction."""
    steps = {step.comment for test in run.tests for step in test.steps}
    return steps | {test.comment for test in run.tests}


def test_a_busy_writer_never_fails_and_what_is_read_is_whole(area: AreaConfig) -> None:
    writer = live_writer.start_writer(area.path / "megatest.db", SECONDS)
    read: list[Run] = []
    while writer.poll() is None:
        read += read_all(area)
    assert writer.stdout is not None
    with writer.stdout as output:
        took = json.loads(output.read())
    assert writer.returncode == 0
    assert len(took) > SECONDS / live_writer.PERIOD / 4
    whole = [run for run in read if not run.in_flight_read]
    assert len(whole) > RUNS
    assert all(len(run.tests) == TESTS for run in read)
    assert [run.key.runname for run in whole if len(comments(run)) != 1] == []
    assert any(comments(run) != {""} for run in whole)


def test_reading_leaves_nothing_beside_a_live_database(area: AreaConfig) -> None:
    writer = live_writer.start_writer(area.path / "megatest.db", 0.5)
    while writer.poll() is None:
        read_all(area)
    assert writer.stdout is not None
    writer.stdout.close()
    assert sorted(each.name for each in area.path.iterdir()) == ["megatest.config", "megatest.db"]
