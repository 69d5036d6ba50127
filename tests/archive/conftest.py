"""Moves in tests commit after every step, and wait for no sync longer than they must."""

import pytest

from mtsite.archive import execute
from mtsite.megatest import letgo


@pytest.fixture(autouse=True)
def small_steps(monkeypatch):
    monkeypatch.setattr(letgo, "LOCK_SECONDS", 0.0)
    monkeypatch.setattr(letgo, "PAUSE_SECONDS", 0.0)
    monkeypatch.setattr(execute, "SYNC_SECONDS", 0.3)
