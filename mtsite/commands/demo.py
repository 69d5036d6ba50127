"""`mtsite demo`: sample areas, a whole night on them, and what to open then."""

import os
import shlex
import time
from pathlib import Path

import click

from mtsite.amounts import plural
from mtsite.invocation import Invocation, exits

DAY_SECONDS = 86_400
MORNING_SECONDS = 6 * 3600
SEED = 1
_NOT_OURS = ("MTSITE_", "MT_")


@click.command(epilog=exits(3, 11))
@click.argument("directory", type=click.Path(path_type=Path), default="mtsite-demo")
@click.option(
    "--days",
    type=click.IntRange(1, 3000),
    default=90,
    show_default=True,
    help="How many days of nightlies to make up.",
)
@click.pass_obj
def command(invocation: Invocation, directory: Path, days: int) -> None:
    """Make sample areas in DIRECTORY, run the night on them, and say what to open.

    DIRECTORY (default: mtsite-demo) must be empty, or one that an earlier demo made: then it is
    made anew.
    """
    from mtsite.config import load_config
    from mtsite.nightly import failure, run_night
    from mtsite.nightsteps import Night
    from mtsite.sample.areas import make_samples
    from mtsite.sample.directory import prepare_directory

    report = invocation.report
    if prepare_directory(directory):
        report.say(f"{directory}: an earlier demo was there, making it anew")
    now = last_morning(time.time())
    samples = make_samples(directory, seed=SEED, now=now, days=days)
    report.say(
        f"made {plural(samples.runs, 'run')} with {plural(samples.tests, 'test')}"
        f" in {plural(len(samples.areas), 'area')}"
    )
    # Variables that are meant for another site must not lead the demo to its bucket or linktree.
    environ = {k: v for k, v in invocation.environ.items() if not k.startswith(_NOT_OURS)}
    config = load_config(samples.config, environ)
    summary = run_night(Night(config, report, now, environ))
    if (config.site.output / "index.html").is_file():
        _tell(invocation, samples.config, config.site.output)
    error = failure(summary)
    if error is not None:
        raise error


def last_morning(now: float) -> int:
    """The last 06:00 UTC at or before `now`, in Unix seconds: a day's demos are all the same."""
    since = int(now) - MORNING_SECONDS
    return since - since % DAY_SECONDS + MORNING_SECONDS


def _tell(invocation: Invocation, config_file: Path, output: Path) -> None:
    index = output / "index.html"
    near = os.path.relpath(config_file)
    shown = near if len(near) < len(str(config_file)) else str(config_file)
    serve = f"mtsite --config {shlex.quote(shown)} serve"
    if invocation.as_json:
        found = {"config": str(config_file), "index": str(index), "serve": serve}
        invocation.print_json("demo", found)
        return
    invocation.print(f"open  {index}\nor    {serve}")
