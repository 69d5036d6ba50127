"""Moves in tests commit after every step, and wait for no sync longer than they must."""

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from areas import make_area
from msgspec.structs import replace
from reducing import NOW, RULES, spec
from twohosts import Hosts

from mtsite.archive import execute
from mtsite.archive.job import Job
from mtsite.archive.reduce import reduce_area
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


@pytest.fixture
def area(tmp_path):
    return make_area(tmp_path, runs=[spec(f"w{number:02}") for number in range(4)])


@pytest.fixture
def reduce(tmp_path):
    def call(area, **changed):
        settings = changed.pop("settings", area.settings)
        job = Job({}, RULES, NOW, tmp_path / "state", tmp=tmp_path / "tmp")
        return reduce_area(settings, replace(job, **changed))

    return call


@pytest.fixture
def hosts(memory: Path) -> Hosts:
    return Hosts(memory)
