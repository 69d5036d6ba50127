"""Moves in tests commit after every step, and wait for no sync longer than they must."""

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from mtsite.archive import execute
from mtsite.megatest import letgo


@pytest.fixture(autouse=True)
def small_steps(monkeypatch):
    monkeypatch.setattr(letgo, "LOCK_SECONDS", 0.0)
    monkeypatch.setattr(letgo, "PAUSE_SECONDS", 0.0)
    monkeypatch.setattr(execute, "SYNC_SECONDS", 0.3)


@pytest.fixture
def memory() -> Iterator[Path]:
    """A directory in memory where that can be: hundreds of restarts flush a lot."""
    there = Path("/dev/shm")
    with TemporaryDirectory(dir=there if there.is_dir() else None) as directory:
        yield Path(directory)
