"""What the suite promises about itself."""

from fnmatch import fnmatch
from pathlib import Path

import pytest
from longest import LONG

TESTS = Path(__file__).parent


def test_no_room_of_tests_is_passed_over(pytestconfig: pytest.Config) -> None:
    passed_over = [str(pattern) for pattern in pytestconfig.getini("norecursedirs")]
    rooms = {file.parent.relative_to(TESTS) for file in TESTS.rglob("test_*.py")}
    lost = [
        str(room)
        for room in sorted(rooms)
        if any(fnmatch(part, pattern) for part in room.parts for pattern in passed_over)
    ]
    assert "build" in map(str, rooms)
    assert lost == []


def test_files_that_go_first_are_there() -> None:
    assert [file for file in LONG if not (TESTS / file).is_file()] == []
