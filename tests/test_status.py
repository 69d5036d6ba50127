"""What `status` says: the first line first, and what to do."""

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest
from areas import make_area, run
from areas import test as row
from msgspec.structs import replace

from mtsite import jobhistory, lock, notes
from mtsite.cli import run as command
from mtsite.config import Config, load_config
from mtsite.invocation import Invocation
from mtsite.jobhistory import DONE, FAILED, PARTLY, STOPPED, StepEntry
from mtsite.standing import DAY, standing

NOW = 1_800_000_000


def site(tmp_path: Path, text: str = "") -> Config:
    (tmp_path / "mtsite.toml").write_text(f"[site]\n{text}")
    return load_config(tmp_path / "mtsite.toml", {})


def ran(
    config: Config, ago: float, state: str = DONE, job: str = "nightly", **rest: object
) -> None:
    entry = jobhistory.begin(config.state_dir, job, NOW - ago, "")
    jobhistory.end(
        config.state_dir,
        replace(entry, ended=NOW - ago + 60, state=state, **rest),  # type: ignore[arg-type]
    )


def first_line(config: Config) -> str:
    return standing(config, NOW).told


def test_before_the_first_job_it_says_how_to_begin(tmp_path: Path) -> None:
    found = standing(site(tmp_path), NOW)
    assert not found.fresh
    assert found.told == "not fresh: no job has run yet"
    assert found.hint.startswith("mtsite nightly")


def test_after_a_good_night_the_site_is_fresh(tmp_path: Path) -> None:
    config = site(tmp_path)
    ran(config, 3 * 3600)
    found = standing(config, NOW)
    assert (found.fresh, found.hint) == (True, "")
    assert found.told == "fresh: nightly ended 2 h ago, all well"


@pytest.mark.parametrize(
    ("state", "word"), [(PARTLY, "partly done"), (FAILED, "failing"), (STOPPED, "stopped")]
)
def test_a_night_that_did_not_go_well_is_named(tmp_path: Path, state: str, word: str) -> None:
    config = site(tmp_path)
    ran(config, 3600, state, told="publish: the bucket says no")
    found = standing(config, NOW)
    assert not found.fresh
    assert f"was {word}: publish: the bucket says no" in found.told
    assert "mtsite nightly again" in found.hint


def test_a_good_refresh_does_not_hide_a_night_that_failed(tmp_path: Path) -> None:
    config = site(tmp_path)
    ran(config, 9000, FAILED, told="reduce: no")
    ran(config, 600, job="refresh")
    assert "nightly of" in first_line(config)


def test_secrets_lead_to_the_check(tmp_path: Path) -> None:
    config = site(tmp_path)
    step = StepEntry("check", "partly", 1, {}, "secrets: x.html: password")
    ran(config, 60, PARTLY, steps=(step,))
    assert standing(config, NOW).hint.startswith("mtsite check secrets")


def test_a_night_that_is_late_is_overdue(tmp_path: Path) -> None:
    config = site(tmp_path)
    ran(config, DAY + 2 * 3600)
    assert first_line(config).startswith("fresh")
    config = site(tmp_path)
    ran(config, 0)
    later = standing(config, NOW + 2 * DAY)
    assert not later.fresh
    assert "nightly is overdue" in later.told
    assert [job.overdue for job in later.jobs] == [True]


def test_a_job_that_runs_is_told_with_its_pid(tmp_path: Path) -> None:
    config = site(tmp_path)
    entry = jobhistory.begin(config.state_dir, "nightly", NOW - 100, "")
    assert "nightly is running since" in first_line(config)
    assert f"pid {entry.pid}" in first_line(config)


def test_a_killed_night_is_told(tmp_path: Path) -> None:
    config = site(tmp_path)
    entry = jobhistory.begin(config.state_dir, "nightly", NOW - 100, "")
    jobhistory.end(config.state_dir, replace(entry, started="another boot/1"))
    assert "was killed" in first_line(config)


def test_sizes_and_their_growth_are_told(tmp_path: Path) -> None:
    area = make_area(tmp_path, runs=[run("ubuntu/nfs", "w1", tests=[row("t")])])
    config = site(tmp_path, f'\n[areas.fullrun]\npath = "{area.path}"\n')
    ran(config, 30 * DAY, sizes={"site": 0, "database fullrun": 1000})
    found = standing(config, NOW)
    size = found.sizes["database fullrun"]
    assert size == area.database.stat().st_size
    assert (found.growth["days"], found.growth["database fullrun"]) == (30, size - 1000)


def test_a_move_that_is_not_finished_is_told(tmp_path: Path) -> None:
    area = make_area(tmp_path, runs=[run("ubuntu/nfs", "w1", tests=[row("t")])])
    config = site(tmp_path, f'\n[areas.fullrun]\npath = "{area.path}"\n')
    assert standing(config, NOW).unfinished == ()
    import sqlite3

    with sqlite3.connect(area.path / "completed-runs.db") as connection:
        notes.create(connection)
        notes.add(connection, notes.Note(1, "fullrun", ("ubuntu", "nfs"), "w1", 1))
    (told,) = standing(config, NOW).unfinished
    assert "1 move into completed-runs.db not finished" in told


def ask(config: Config, *words: str) -> int:
    return command(["--config", str(config.file), "status", *words], Invocation())


def test_a_database_that_cannot_be_opened_costs_its_moves_alone(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "megatest.db").mkdir()
    config = site(tmp_path, f'[areas.a]\npath = "{tmp_path / "a"}"\n')
    assert standing(config, NOW).told == "not fresh: no job has run yet"


def test_the_command_tells_locks_and_damage(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = site(tmp_path)
    ran(config, 60)
    with (config.state_dir / jobhistory.FILE).open("a") as file:
        file.write("{torn")
    (config.state_dir / "odd.lock").write_text("")
    with lock.hold(config.state_dir, "nightly", "mtsite nightly"):
        assert ask(config) == 0
    told = capsys.readouterr().out
    assert "lock nightly: `mtsite nightly` on" in told
    assert "lock odd: tells nothing: it is empty" in told
    assert "1 line of the history of jobs can't be read" in told


def test_strict_ends_with_20_when_the_site_is_not_fresh(tmp_path: Path) -> None:
    config = site(tmp_path)
    assert (ask(config), ask(config, "--strict")) == (0, 20)


def test_the_document_has_the_first_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = site(tmp_path)
    ran(config, 60)
    ask(config, "--json")
    document = json.loads(capsys.readouterr().out)
    assert document["jobs"][0]["last"]["state"] == "done"


def test_status_loads_nothing_that_it_does_not_need(tmp_path: Path) -> None:
    """What makes it fast: less than 0.4 s, most of it the start of Python."""
    config = site(tmp_path)
    script = (
        "import sys; from mtsite.cli import run; from mtsite.invocation import Invocation\n"
        "run(['--config', sys.argv[1], 'status'], Invocation())\n"
        "heavy = {'boto3', 'jinja2', 'rich', 'sqlite_utils', 'schedule', 'markdown_it'}\n"
        "sys.exit(','.join(sorted(heavy & sys.modules.keys())) or 0)"
    )
    command_line = [sys.executable, "-c", script, str(config.file)]
    begun = time.monotonic()
    done = subprocess.run(command_line, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert time.monotonic() - begun < 10
