"""What docs/security.md promises is shown by tests that exist."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs/security.md").read_text(encoding="utf-8")
NAMED = sorted(set(re.findall(r"`(test_\w+)`", PAGE)))


@pytest.fixture(scope="module")
def functions() -> set[str]:
    files = (ROOT / "tests").rglob("test_*.py")
    texts = (path.read_text(encoding="utf-8") for path in files)
    return {name for text in texts for name in re.findall(r"^\s*def (test_\w+)", text, re.M)}


@pytest.mark.parametrize("name", NAMED)
def test_a_test_that_the_threat_model_names_exists(name: str, functions: set[str]) -> None:
    assert name in functions


def test_every_row_of_the_threat_model_names_a_test() -> None:
    table = PAGE.partition("## What each can't do")[2].partition("What is *not*")[0]
    rows = [line for line in table.splitlines() if line.startswith("|")][2:]
    assert len(rows) > 12
    assert [row for row in rows if "`test_" not in row] == []
