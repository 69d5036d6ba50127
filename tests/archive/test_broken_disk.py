"""Any write or flush of a move fails: nothing is lost, and the next call finishes."""

import errno
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from dying import Place
from powercut import can_trace, fail

from mtsite.errors import MtsiteError

pytestmark = [
    pytest.mark.faults,
    pytest.mark.skipif(not can_trace(), reason="not applicable: another kind of machine"),
]
EVERY = 6


@pytest.fixture(scope="module")
def place() -> Iterator[Place]:
    memory = Path("/dev/shm")
    with TemporaryDirectory(dir=memory if memory.is_dir() else None) as directory:
        yield Place(Path(directory), tests=2, runs=3, cached=False)


@pytest.mark.parametrize(
    ("error", "at"),
    [(errno.EIO, 0), (errno.ENOSPC, 2), (errno.EROFS, 4)],
    ids=["EIO", "ENOSPC", "EROFS"],
)
def test_a_write_that_fails_loses_nothing(place: Place, error: int, at: int) -> None:
    def reduce() -> None:
        try:
            place.reduce()
        except MtsiteError as told:
            assert told.message
            assert told.hint

    place.put_back()
    while fail(reduce, place.root, at, error):
        place.assert_nothing_lost()
        place.assert_finished()
        place.put_back()
        at += EVERY
    assert at > 30
