"""Nights for tests: a site of one area, its night at a time that doesn't pass, what it said."""

import io
from pathlib import Path

from areas import TestArea, make_area, run
from areas import test as row

from mtsite.config import Config, load_config
from mtsite.nightly import NightSummary, run_night
from mtsite.nightsteps import Done, Night, Steps
from mtsite.terminal import TerminalReport

NOW = 1_700_900_000
TESTS = (row("good", log="fine\n"), row("bad", status="FAIL", log="error: no\n"))
NOTE = "import sys; open(sys.argv[1], 'a').write(sys.stdin.read())"
"""A program for [notify] that keeps what it is told."""


def site(tmp_path: Path, text: str = "") -> Config:
    tmp_path.mkdir(exist_ok=True)
    engine = '[build]\nengine = "inprocess"\n'
    (tmp_path / "mtsite.toml").write_text(engine + text)
    return load_config(tmp_path / "mtsite.toml", {})


def night(config: Config, steps: Steps | None = None, now: float = NOW) -> tuple[NightSummary, str]:
    said = io.StringIO()
    summary = run_night(Night(config, TerminalReport(said), now, {"USER": "tester"}), steps)
    return summary, said.getvalue()


def fine(_: Night) -> Done:
    return {"things": 1}, "", ""


def areas(tmp_path: Path, count: int) -> TestArea:
    return make_area(
        tmp_path, runs=[run("ubuntu/nfs", f"w{n:02}", tests=TESTS) for n in range(count)]
    )


def published(tmp_path: Path, text: str = "", runs: int = 1) -> Config:
    """A site of one area with a directory as its destination."""
    area = areas(tmp_path, runs)
    where = (
        f'[areas.fullrun]\npath = "{area.path}"\n[publish]\ndestination = "{tmp_path / "www"}"\n'
    )
    return site(tmp_path, where + text)
