"""Calls of mtsite, in this process or in one of its own, and how they ended."""

import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from mtsite import cli
from mtsite.invocation import Invocation
from mtsite.terminal import TerminalReport

ROOT = Path(__file__).resolve().parent.parent


@dataclass
class Ended:
    code: int
    out: str
    err: str


def mtsite(*words: str, cwd: Path, **environ: str) -> Ended:
    """One call as a process of its own."""
    child = subprocess.run(
        [sys.executable, "-m", "mtsite", *words],
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": str(ROOT), **environ},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    return Ended(child.returncode, child.stdout, child.stderr)


def called(
    words: Sequence[str], capsys: pytest.CaptureFixture[str], invocation: Invocation | None = None
) -> Ended:
    """One call inside this process."""
    code = cli.run(list(words), invocation or Invocation(report=TerminalReport(sys.stderr)))
    captured = capsys.readouterr()
    return Ended(code, captured.out, captured.err)
