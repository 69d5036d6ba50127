"""Real deaths: SIGKILL at every step and at random instants, a full disk, broken files.

A child process (a fork) moves runs of a fresh copy of one area and is killed. After each death
every run is whole in at least one database; after one more call each is in exactly one.
"""

import os
import random
import re
import resource
import signal
import time

import pytest
from dying import NOW, RULES, Place, ended, in_child
from rows import runs_in

from mtsite.archive.job import Job
from mtsite.archive.reduce import reduce_area
from mtsite.errors import AreaUnreadableError, MtsiteError, PartlyDoneError

pytestmark = pytest.mark.faults

RANDOM_DEATHS = 120


def test_killed_at_every_step(memory):
    place = Place(memory, tests=3, runs=3, cached=True)
    place.put_back()
    steps: list[str] = []
    place.reduce(steps.append)
    place.assert_finished()
    assert len(steps) > 20

    for number in range(len(steps)):
        place.put_back()
        seen: list[str] = []

        def die(where: str, number: int = number, seen: list[str] = seen) -> None:
            seen.append(where)
            if len(seen) > number:
                os.kill(os.getpid(), signal.SIGKILL)

        assert ended(in_child(lambda die=die: place.reduce(die))) == -signal.SIGKILL
        place.assert_nothing_lost()
        place.assert_finished()


@pytest.mark.slow
@pytest.mark.parametrize("cached", [False, True])
def test_killed_at_random_instants(memory, cached):
    place = Place(memory, tests=40, runs=3, cached=cached)
    place.put_back()
    began = time.monotonic()
    assert ended(in_child(place.reduce)) == 0
    lasts = time.monotonic() - began
    rng = random.Random(7)
    killed = 0
    for _ in range(RANDOM_DEATHS // 2):
        place.put_back()
        pid = in_child(place.reduce)
        time.sleep(rng.random() * lasts)
        os.kill(pid, signal.SIGKILL)
        if ended(pid) == -signal.SIGKILL:
            killed += 1
        else:
            lasts *= 0.9  # Others had the machine when it was measured.
        place.assert_nothing_lost()
        place.assert_finished()
    assert killed > RANDOM_DEATHS // 4


def test_killed_twice_before_it_can_finish(tmp_path):
    place = Place(tmp_path, tests=3, runs=2, cached=False)
    for first in range(1, 7):
        place.put_back()
        for _ in range(2):
            seen: list[str] = []

            def die(where: str, first: int = first, seen: list[str] = seen) -> None:
                seen.append(where)
                if len(seen) >= first:
                    os.kill(os.getpid(), signal.SIGKILL)

            ended(in_child(lambda die=die: place.reduce(die)))
            place.assert_nothing_lost()
        place.assert_finished()


@pytest.mark.parametrize("share", [0.0, 0.2, 0.5, 0.8, 0.95])
def test_a_full_disk_keeps_the_source_and_says_so(tmp_path, share):
    place = Place(tmp_path, tests=60, runs=3, cached=False)
    place.put_back()
    place.reduce()
    size = int(place.area.completed.stat().st_size * share)
    place.put_back()
    told = tmp_path / "told"

    def work() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (max(size, 8192), resource.RLIM_INFINITY))
        try:
            summary = place.reduce()
            error = summary.error or PartlyDoneError(summary.stayed[0].reason)
        except MtsiteError as refused:
            error = refused
        unlimited = (resource.RLIM_INFINITY, resource.RLIM_INFINITY)
        resource.setrlimit(resource.RLIMIT_FSIZE, unlimited)
        told.write_text(f"{type(error).__name__} {error.message}\n{error.hint}")

    assert ended(in_child(work)) == 0
    expected = r"DestinationError .*completed-runs\.db can't be written: .*\n.*df "
    assert re.match(expected, told.read_text())
    place.assert_nothing_lost()
    place.assert_finished()


def test_an_archive_that_is_no_database_is_refused(tmp_path):
    place = Place(tmp_path, tests=2, runs=2, cached=False)
    place.put_back()
    place.area.completed.write_bytes(b"not a database at all" * 1000)
    with pytest.raises(AreaUnreadableError, match=r"completed-runs\.db"):
        place.reduce()
    assert runs_in(place.area.database) == place.model


def test_two_movers_of_different_sites_lose_nothing(tmp_path):
    place = Place(tmp_path, tests=40, runs=6, cached=False)
    for _ in range(5):
        place.put_back()

        def other() -> None:
            job = Job({}, RULES, NOW, tmp_path / "other", tmp=place.tmp)
            reduce_area(place.area.settings, job)

        pids = [in_child(place.reduce), in_child(other)]
        # The one that comes later is refused: an exception, by which its fork ends with 9.
        assert {ended(pid) for pid in pids} <= {0, 9}
        place.assert_nothing_lost()
        place.assert_finished()
