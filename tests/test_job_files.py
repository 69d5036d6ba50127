"""What lies in jobs/: crontab, units of systemd and the packaged jobs name commands that exist."""

import re
import shutil
import subprocess
from datetime import datetime
from pathlib import Path

import click
import cronsim
import pytest

from mtsite.cli import group

JOBS = Path(__file__).parent.parent / "jobs"


def _taken(words: str) -> None:
    """These words are a command of mtsite that would be carried out."""
    program, name, *options = words.split()
    assert program == "mtsite"
    found = group.get_command(click.Context(group), name)
    assert found is not None
    found.make_context(name, options, resilient_parsing=False)


def test_the_crontab_example_names_times_and_commands_that_exist() -> None:
    lines = (JOBS / "crontab.example").read_text().splitlines()
    jobs = [line.split(None, 5) for line in lines if line and not re.match(r"#|[A-Z_]+=", line)]
    assert len(jobs) == 2
    for *times, words in jobs:
        first = next(cronsim.CronSim(" ".join(times), datetime(2026, 5, 1, 12, 0)))
        assert first > datetime(2026, 5, 1, 12, 0)
        _taken(words)


@pytest.mark.parametrize("unit", sorted(JOBS.glob("mtsite-*.*")), ids=lambda unit: unit.name)
def test_the_units_name_commands_that_exist(unit: Path) -> None:
    text = unit.read_text()
    commands = re.findall(r"(?m)^ExecStart=/usr/bin/env (.+)$", text)
    assert len(commands) == (unit.suffix == ".service")
    for words in commands:
        _taken(words)


def test_systemd_finds_nothing_wrong_with_the_units(tmp_path: Path) -> None:
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd-analyze is not installed")
    for unit in JOBS.glob("mtsite-*.*"):
        shutil.copy(unit, tmp_path)
    units = [str(path) for path in tmp_path.iterdir()]
    assert len(units) == 3
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", *units], capture_output=True, text=True
    )
    told = [line for line in done.stderr.splitlines() if "mtsite-" in line]
    assert (done.returncode, told) == (0, [])


@pytest.mark.parametrize("job", sorted(JOBS.glob("*.py")), ids=lambda job: job.name)
def test_a_job_is_a_time_and_a_verb(job: Path) -> None:
    assert len(job.read_text().splitlines()) < 20
