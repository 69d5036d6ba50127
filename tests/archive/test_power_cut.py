"""The power goes between any two writes of a move: nothing is lost, and the next call finishes.

Unlike a kill, a power cut also loses what was written and not flushed, and it may keep a later
write while it loses an earlier one.
"""

import os
import random
import shutil
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from areas import BASE, DAY
from dying import Place
from powercut import Files, Recording, can_trace, record

pytestmark = [
    pytest.mark.faults,
    pytest.mark.skipif(not can_trace(), reason="not applicable: another kind of machine"),
]
NOW = BASE + 100 * DAY
MIXTURES = 60


@pytest.fixture(scope="module")
def place() -> Iterator[Place]:
    """In memory where that can be: hundreds of restarts flush a lot."""
    memory = Path("/dev/shm")
    with TemporaryDirectory(dir=memory if memory.is_dir() else None) as directory:
        yield Place(Path(directory), tests=2, runs=3, cached=False)


@pytest.fixture(scope="module")
def recording(place: Place) -> Recording:
    place.put_back()
    found = record(place.reduce, place.root)
    assert found.changes > 100
    return found


def set_to(place: Place, files: Files) -> None:
    """Make the area's directory hold these files, as after a restart."""
    for path in place.area.path.glob("*.db*"):
        path.unlink()
    for path in place.area.path.glob(".*completed*"):
        path.unlink()
    shutil.rmtree(place.root / "state", ignore_errors=True)
    for name, content in files.items():
        file = place.root / name
        file.parent.mkdir(parents=True, exist_ok=True)
        if not file.exists() or file.read_bytes() != content:
            file.write_bytes(content)


def states(recording: Recording, how: str) -> list[Files]:
    """Every different state that a cut of this kind can leave."""
    found: dict[tuple[tuple[str, bytes], ...], Files] = {}
    for number in range(recording.changes):
        files = recording.cut(number, how)
        found.setdefault(tuple(sorted(files.items())), files)
    return list(found.values())


class Restarts:
    """The place after a cut; a state that was tried before is not tried again."""

    def __init__(self, place: Place) -> None:
        self.place = place
        self.tried: set[tuple[tuple[str, bytes], ...]] = set()

    def assert_recovers(self, files: Files) -> None:
        key = tuple(sorted(files.items()))
        if key not in self.tried:
            self.tried.add(key)
            set_to(self.place, files)
            self.place.assert_nothing_lost()
            self.place.assert_finished()


@pytest.fixture(scope="module")
def restarts(place: Place) -> Restarts:
    return Restarts(place)


@pytest.mark.parametrize("how", ["arrived", "flushed"])
def test_the_power_goes_between_any_two_writes(
    restarts: Restarts, recording: Recording, how: str
) -> None:
    seen = states(recording, how)
    assert len(seen) > 20
    for files in seen:
        restarts.assert_recovers(files)


def test_some_writes_arrived_and_earlier_ones_did_not(
    restarts: Restarts, recording: Recording
) -> None:
    chance = random.Random(20)
    for _ in range(MIXTURES):
        restarts.assert_recovers(recording.cut(chance.randrange(recording.changes), chance))


def test_a_recording_knows_what_was_flushed(tmp_path: Path) -> None:
    directory = tmp_path / "d"
    directory.mkdir()
    (directory / "old").write_bytes(b"old")

    def work() -> None:
        with (directory / "new").open("wb", buffering=0) as file:
            file.write(b"one")
            os.fsync(file.fileno())
            file.write(b"two")
        (directory / "old").unlink()

    found = record(work, directory)
    last = found.changes - 1
    assert found.cut(last, "arrived") == {"new": b"onetwo"}
    assert found.cut(last, "flushed") == {"old": b"old", "new": b"one"}
