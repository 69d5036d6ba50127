"""Readers of what others wrote keep their promises for any bytes; how: targets.py, explore.py."""

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

ROOM = Path(__file__).parent
sys.path.insert(0, str(ROOM))
import targets  # noqa: E402 # lies beside this file, where explore.py finds it, too

NAMES = sorted(targets.TARGETS)
SECONDS = 20


@pytest.mark.parametrize("name", NAMES)
def test_what_was_kept_of_earlier_runs_breaks_nothing(name: str) -> None:
    kept = sorted((targets.CORPUS / name).glob("*"))
    assert kept
    for path in kept:
        targets.TARGETS[name](path.read_bytes())


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=25)
@given(st.data())
def test_no_bytes_break_a_promise(name: str, data: st.DataObject) -> None:
    words = [*targets.WORDS.get(name, ()), b"\n", b'"', b"=", b" "]
    piece = st.one_of(st.binary(max_size=30), st.sampled_from(words))
    targets.TARGETS[name](b"".join(data.draw(st.lists(piece, max_size=12))))


@pytest.mark.slow
@pytest.mark.skipif(importlib.util.find_spec("atheris") is None, reason="no atheris here")
@pytest.mark.parametrize("name", NAMES)
def test_exploring_for_a_while_finds_nothing(name: str, tmp_path: Path) -> None:
    found = subprocess.run(
        [sys.executable, str(ROOM / "explore.py"), name, str(SECONDS)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert found.returncode == 0, found.stderr[-3000:]
