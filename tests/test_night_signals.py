"""Nights that a signal ends, at every step: nothing is lost, and the next night finishes."""

import io
import json
import os
import signal
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
from areas import DAY, TestArea, make_area, run
from crawl import crawl
from dying import ended, in_child, is_mark
from msgspec.structs import replace
from nights import NOTE, NOW, TESTS, night, site
from rows import Rows, RunName, runs_in
from sites import difference

from mtsite import cli, nightly, nightsteps
from mtsite.config import Config
from mtsite.jobhistory import KILLED, STOPPED, read_history
from mtsite.nightly import run_night
from mtsite.nightsteps import STEPS, Done, Night
from mtsite.terminal import TerminalReport

DEATHS = (
    (signal.SIGKILL, "reduce", "checkpoint"),
    (signal.SIGTERM, "automigrate", "checkpoint"),
    (signal.SIGKILL, "automigrate", "checkpoint"),
    (signal.SIGHUP, "retain", "its end"),
    (signal.SIGKILL, "retain", "its end"),
    (signal.SIGTERM, "build", "targets"),
    (signal.SIGHUP, "check", "checking"),
    (signal.SIGKILL, "publish", "publishing"),
)
"""Signal, step, and the moment in it, as the step tells how far it is."""


class Deadly(TerminalReport):
    """Sends its process a signal when a step has come so far."""

    def __init__(self, number: int, moment: str) -> None:
        super().__init__(io.StringIO())
        self.number, self.moment = number, moment

    def reach(self, moment: str) -> None:
        if moment == self.moment:
            os.kill(os.getpid(), self.number)

    def progress(self, label: str, done: int, total: int) -> None:
        if done:
            self.reach(label)


def die(config: Config, now: float, number: int, step: str, moment: str) -> None:
    """A night, in a process of its own, that a signal meets in a step."""
    for one in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(one, cli._stop)
    report = Deadly(number, moment)
    job = nightsteps._job

    def with_checkpoints(night: Night) -> object:
        return replace(job(night), checkpoint=lambda _: report.reach("checkpoint"))

    def deadly(work: Callable[[Night], Done]) -> Callable[[Night], Done]:
        def until_it_dies(now: Night) -> Done:
            nightsteps._job = with_checkpoints  # type: ignore[assignment] # in this child alone
            done = work(now)
            report.reach("its end")
            return done

        return until_it_dies

    steps = {name: deadly(work) if name == step else work for name, work in STEPS.items()}
    try:
        run_night(Night(config, report, now, {"USER": "tester"}), steps)
    except SystemExit as stopped:
        os._exit(int(str(stopped.code)))


@pytest.fixture
def place(tmp_path: Path) -> tuple[Config, TestArea]:
    """Runs of a week, of which each night reduces, moves and ends one; all was published once."""
    runs = [run("ubuntu/nfs", f"w{n:02}", tests=TESTS) for n in range(7)]
    rules = "[automigrate]\nold runname=%; age=9d\n"
    area = make_area(tmp_path, runs=runs, config=rules)
    satellite = make_area(tmp_path, name="old", config="[setup]\nallow-runs no\n")
    command = json.dumps([sys.executable, "-c", NOTE, str(tmp_path / "told")])
    config = site(
        tmp_path,
        f'[areas.fullrun]\npath = "{area.path}"\n[areas.old]\npath = "{satellite.path}"\n'
        f'[publish]\ndestination = "{tmp_path / "www"}"\n[retain]\nlogs = "0s"\nkeep_last = 7\n'
        f"[notify]\ncommand = {command}\n",
    )
    night(config)
    return config, area


def whole_runs(area: TestArea) -> list[tuple[RunName, Rows]]:
    """Each run that lies in some database, as often as it does; marks of moved ones left out."""
    databases = (
        area.database,
        area.path / "completed-runs.db",
        area.path.parent / "old" / "megatest.db",
    )
    return [
        (name, rows)
        for database in databases
        for name, rows in runs_in(database).items()
        if not is_mark(rows)
    ]


@pytest.mark.faults
def test_a_night_that_dies_at_any_step_is_finished_by_the_next(
    place: tuple[Config, TestArea], tmp_path: Path
) -> None:
    config, area = place
    model = dict(whole_runs(area))
    for day, (number, step, moment) in enumerate(DEATHS, start=1):
        (tmp_path / "told").unlink(missing_ok=True)
        area.add_run(run("ubuntu/nfs", f"w{6 + day:02}", tests=TESTS))
        model = dict(runs_in(area.database)) | model
        model = {name: rows for name, rows in model.items() if not is_mark(rows)}
        now = NOW + day * DAY
        died = ended(in_child(lambda: die(config, now, number, step, moment)))  # noqa: B023
        case = f"{number.name} at {step}"
        assert died == (-number if number == signal.SIGKILL else 128 + number), case
        entry = read_history(config.state_dir).entries[-1]
        assert entry.state == (KILLED if number == signal.SIGKILL else STOPPED), case
        told = json.loads((tmp_path / "told").read_text()) if entry.state == STOPPED else {}
        assert told.get("told", "") == ("" if not told else f"{number.name} came"), case
        found = whole_runs(area)
        assert all(rows in [r for n, r in found if n == name] for name, rows in model.items()), case
        summary, said = night(config, now=now + 60)
        assert nightly.failure(summary) is None, (case, said)
        assert ("left no word" in said) == (number == signal.SIGKILL), case
        assert Counter(name for name, _ in whole_runs(area)) == Counter(model.keys()), case
        assert dict(whole_runs(area)) == model, case
        assert differing(config, tmp_path / "www") == [], case
    assert len(runs_in(tmp_path / "old" / "megatest.db")) >= len(DEATHS)
    assert crawl(tmp_path / "www").dead == []


def differing(config: Config, www: Path) -> list[str]:
    paths = difference(config.site.output, www)
    return [path for path in paths if not path.startswith("_manifest/") and ".tmp-" not in path]


def test_who_presses_ctrl_c_is_not_told_of_it(
    place: tuple[Config, TestArea], tmp_path: Path
) -> None:
    config, _ = place

    def pressed(_: Night) -> Done:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        night(config, {"build": pressed})
    assert read_history(config.state_dir).entries[-1].state == STOPPED
    assert not (tmp_path / "told").exists()
