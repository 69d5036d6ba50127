"""The loop over jobs where clocks jump: summer time by a real zone, and hands that set them."""

import datetime as real_datetime
import io
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace

import pytest
import schedule
from scheduling import runs

from mtsite.config import Config, load_config
from mtsite.scheduler import Loop
from mtsite.terminal import TerminalReport

JOB = """
def register(scheduler, config):
    {when}.do(work, config)

def work(config):
    with (config.root / "{name}.ran").open("a") as file:
        file.write("x")
"""
MINUTE = 60.0
SPRING, AUTUMN = "2026-03-28 20:00", "2026-10-24 20:00"
"""The evenings before Berlin's clocks are set: from 02:00 to 03:00, from 03:00 to 02:00."""


def loaded(tmp_path: Path, **jobs: str) -> tuple[Loop, io.StringIO]:
    """A loop with these jobs: name → when, in the words of `schedule`."""
    (tmp_path / "mtsite.toml").write_text("")
    (tmp_path / "jobs").mkdir()
    for name, when in jobs.items():
        text = JOB.replace("{when}", when).replace("{name}", name)
        (tmp_path / "jobs" / f"{name}.py").write_text(text)
    config: Config = load_config(tmp_path / "mtsite.toml", {})
    said = io.StringIO()
    loop = Loop(config, TerminalReport(said))
    loop.load([config.root / "jobs"])
    return loop, said


class Wall:
    """A clock on the wall of a zone, which loop and `schedule` look at; `now` is Unix time."""

    def __init__(self, zone: str, begin: str, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("TZ", zone)
        time.tzset()
        self.now = datetime.fromisoformat(begin).timestamp()
        wall = self

        class Clock(datetime):
            @classmethod
            def now(cls, tz: object = None) -> datetime:  # type: ignore[override]
                return datetime.fromtimestamp(wall.now)

        looked_at = SimpleNamespace(**{**vars(real_datetime), "datetime": Clock})
        monkeypatch.setattr(schedule, "datetime", looked_at)

    def local(self) -> datetime:
        return datetime.fromtimestamp(self.now)

    def live(
        self, loop: Loop, hours: float, ran: Callable[[], int], step: float = MINUTE
    ) -> list[float]:
        """Let the time pass, and the loop look each minute; when the job ran."""
        loop.clock = self.local
        times, before, end = [], ran(), self.now + hours * 3600
        while self.now < end:
            loop.run_due()
            if ran() != before:
                times.append(self.now)
                before = ran()
            self.now += step
        return times


@pytest.fixture
def unnoted(monkeypatch: pytest.MonkeyPatch) -> None:
    """What jobs did is not noted: its cost is none of the clock's."""
    monkeypatch.setattr(Loop, "_note", lambda *_: None)


@pytest.mark.usefixtures("unnoted")
@pytest.mark.parametrize("at", ["01:59", "02:00", "02:30", "03:00", "03:01"])
@pytest.mark.parametrize("evening", [SPRING, AUTUMN], ids=["spring", "autumn"])
def test_each_day_has_one_night_though_the_clock_is_set(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, evening: str, at: str
) -> None:
    wall = Wall("Europe/Berlin", evening, monkeypatch)
    loop, _ = loaded(tmp_path, night=f'scheduler.every().day.at("{at}")')
    times = wall.live(loop, 40, lambda: runs(tmp_path, "night"))
    days = [datetime.fromtimestamp(one).date() for one in times]
    assert len(days) == 2
    assert days[1] - days[0] == timedelta(days=1)
    late = [datetime.fromtimestamp(one).strftime("%H:%M") for one in times]
    missing = evening == SPRING and "02:00" <= at < "03:00"
    assert late == ["03:00" if missing else at, at]


@pytest.mark.usefixtures("unnoted")
@pytest.mark.parametrize("evening", [SPRING, AUTUMN], ids=["spring", "autumn"])
def test_what_runs_each_quarter_of_an_hour_never_waits_for_an_hour(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, evening: str
) -> None:
    wall = Wall("Europe/Berlin", evening, monkeypatch)
    loop, _ = loaded(tmp_path, often="scheduler.every(15).minutes")
    times = wall.live(loop, 10, lambda: runs(tmp_path, "often"))
    gaps = [later - earlier for earlier, later in pairwise(times)]
    assert len(times) >= 38
    assert max(gaps) <= 30 * MINUTE


@pytest.mark.usefixtures("unnoted")
def test_a_clock_that_a_hand_sets_back_by_a_day_costs_no_night(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wall = Wall("Europe/Berlin", "2026-05-10 20:00", monkeypatch)
    when = {"night": 'scheduler.every().day.at("02:00")', "often": "scheduler.every().hour"}
    loop, _ = loaded(tmp_path, **when)
    wall.live(loop, 16, lambda: runs(tmp_path, "night"))
    assert (runs(tmp_path, "night"), runs(tmp_path, "often")) == (1, 15)
    wall.now -= 86_400
    wall.live(loop, 24, lambda: runs(tmp_path, "night"))
    assert runs(tmp_path, "night") == 2
    assert runs(tmp_path, "often") >= 15 + 23


def test_a_night_that_was_missed_while_summer_time_began_is_made_up_for_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wall = Wall("Europe/Berlin", SPRING, monkeypatch)
    loop, said = loaded(tmp_path, night='scheduler.every().day.at("02:30")')
    wall.live(loop, 1, lambda: 0)
    (loop.config.state_dir).mkdir(exist_ok=True)
    (loop.config.state_dir / "schedule.json").write_text(f'{{"night": {wall.now - 86_400}}}')
    wall.now += 8 * 3600
    later = Loop(loop.config, loop.report, clock=wall.local)
    later.load([loop.config.root / "jobs"])
    later.make_up()
    later.make_up()
    assert runs(tmp_path, "night") == 1
    assert "job night: missed at 2026-03-29 02:30" in said.getvalue()


def at(loop: Loop, text: str) -> None:
    """The clock on the wall says this now."""
    loop.clock = lambda: datetime.fromisoformat(text)


def planned(loop: Loop, name: str) -> str:
    return str(dict(loop.jobs())[name])


@pytest.fixture
def two(tmp_path: Path) -> tuple[Loop, io.StringIO]:
    night = 'scheduler.every().day.at("02:30")'
    return loaded(tmp_path, night=night, often="scheduler.every(1).hours")


def plan(loop: Loop, name: str, text: str) -> None:
    for job, known in loop.names.items():
        if known == name:
            job.next_run = datetime.fromisoformat(text)


def test_in_spring_the_hour_that_is_missing_costs_no_night(
    two: tuple[Loop, io.StringIO], tmp_path: Path
) -> None:
    loop, said = two
    plan(loop, "night", "2026-03-29 02:30")
    plan(loop, "often", "2026-03-29 04:00")
    at(loop, "2026-03-29 03:00:01")
    loop.run_due()
    assert (runs(tmp_path, "night"), runs(tmp_path, "often")) == (1, 0)
    assert "job night: missed at 2026-03-29 02:30, runs once now" in said.getvalue()


def test_in_autumn_the_hour_that_comes_twice_makes_one_night(
    two: tuple[Loop, io.StringIO], tmp_path: Path
) -> None:
    """After 02:59 the clock says 02:00 again; the night of 02:30 is done, the hour's job is not."""
    loop, _ = two
    plan(loop, "night", "2026-10-26 02:30")
    plan(loop, "often", "2026-10-25 03:50")
    at(loop, "2026-10-25 02:00")
    loop.run_due()
    assert (runs(tmp_path, "night"), runs(tmp_path, "often")) == (0, 0)
    assert planned(loop, "night") == "2026-10-26 02:30:00"
    assert planned(loop, "often") == "2026-10-25 02:50:00"


def test_a_clock_that_was_set_back_by_a_day_keeps_no_job_waiting(
    two: tuple[Loop, io.StringIO],
) -> None:
    loop, _ = two
    plan(loop, "night", "2026-05-03 02:30")
    plan(loop, "often", "2026-05-02 12:30")
    at(loop, "2026-05-01 12:00")
    loop.run_due()
    assert planned(loop, "night") == "2026-05-02 02:30:00"
    assert planned(loop, "often") == "2026-05-01 12:30:00"


def test_a_clock_that_was_set_forward_by_a_week_runs_each_job_once(
    two: tuple[Loop, io.StringIO], tmp_path: Path
) -> None:
    loop, _ = two
    plan(loop, "night", "2026-05-02 02:30")
    plan(loop, "often", "2026-05-01 12:30")
    at(loop, "2026-05-08 12:00")
    loop.run_due()
    assert (runs(tmp_path, "night"), runs(tmp_path, "often")) == (1, 1)
