"""Any write or flush of a move fails: nothing is lost, and the next call finishes."""

import errno
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from dying import Far, Place
from powercut import can_trace, fail

from mtsite.errors import MtsiteError

pytestmark = [
    pytest.mark.faults,
    pytest.mark.skipif(not can_trace(), reason="not applicable: another kind of machine"),
]
EVERY, EVERY_FAR = 6, 25
ERRORS = pytest.mark.parametrize(
    ("error", "at"),
    [(errno.EIO, 0), (errno.ENOSPC, 2), (errno.EROFS, 4)],
    ids=["EIO", "ENOSPC", "EROFS"],
)


@pytest.fixture(scope="module")
def quick() -> Iterator[Path]:
    memory = Path("/dev/shm")
    with TemporaryDirectory(dir=memory if memory.is_dir() else None) as directory:
        yield Path(directory)


@pytest.fixture(scope="module")
def place(quick: Path) -> Place:
    return Place(quick / "near", tests=2, runs=3, cached=False)


@pytest.fixture(scope="module", params=["migrate", "automigrate", "restore"])
def far(request: pytest.FixtureRequest, quick: Path) -> Far:
    return Far(quick / request.param, tests=1, runs=3, verb=request.param)


def fails_at_each(place: Place | Far, error: int, at: int, every: int) -> int:
    """Let every so-manyth write fail, from this one on; how many writes there were, about."""

    def work() -> None:
        try:
            place.call()
        except MtsiteError as told:
            assert told.message
            assert told.hint

    place.put_back()
    while fail(work, place.root, at, error):
        place.assert_nothing_lost()
        place.assert_finished()
        place.put_back()
        at += every
    return at


@pytest.mark.slow
@ERRORS
def test_a_write_that_fails_loses_nothing(place: Place, error: int, at: int) -> None:
    assert fails_at_each(place, error, at, EVERY) > 30


@pytest.mark.slow
@ERRORS
def test_nor_does_one_on_the_way_to_a_satellite_or_back(far: Far, error: int, at: int) -> None:
    assert fails_at_each(far, error, 4 * at, EVERY_FAR) > 60
