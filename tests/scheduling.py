"""Sites with jobs of a few lines, and loops over them."""

import io
from datetime import datetime, timedelta
from pathlib import Path

from mtsite.config import Config, load_config
from mtsite.scheduler import Loop
from mtsite.terminal import TerminalReport

JOB = """
def register(scheduler, config):
    scheduler.every().day.at("02:00").do(work, config)

def work(config):
    with (config.root / "{name}.ran").open("a") as file:
        file.write("x")
"""


def site(tmp_path: Path, text: str = "") -> Config:
    (tmp_path / "mtsite.toml").write_text(text)
    (tmp_path / "jobs").mkdir(exist_ok=True)
    return load_config(tmp_path / "mtsite.toml", {})


def add_job(tmp_path: Path, name: str, text: str = JOB) -> None:
    (tmp_path / "jobs" / f"{name}.py").write_text(text.replace("{name}", name))


def loaded(config: Config) -> tuple[Loop, io.StringIO]:
    said = io.StringIO()
    loop = Loop(config, TerminalReport(said))
    loop.load([config.root / "jobs"])
    return loop, said


def make_due(loop: Loop, late: timedelta = timedelta(seconds=1)) -> None:
    for job in loop.scheduler.jobs:
        job.next_run = datetime.now() - late


def runs(tmp_path: Path, name: str) -> int:
    ran = tmp_path / f"{name}.ran"
    return len(ran.read_text()) if ran.exists() else 0
