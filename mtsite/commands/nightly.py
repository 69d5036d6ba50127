"""`mtsite nightly`: the whole night, once."""

import socket
import time

import click

from mtsite import lock
from mtsite.commands.build import ENGINE
from mtsite.config import Config, parse_age
from mtsite.errors import UsageError
from mtsite.invocation import Invocation, exits
from mtsite.nightly import failure, run_night
from mtsite.nightsteps import STEPS, Night


@click.command(epilog=exits(3, 11))
@click.option(
    "--skip",
    multiple=True,
    type=click.Choice(list(STEPS)),
    help="Leave a step out; may be repeated.",
)
@click.option("--wait", metavar="AGE", default="0s", help="Wait so long for another night to end.")
@click.option("--job", metavar="NAME", default="nightly", help="What the history of jobs calls it.")
@ENGINE
@click.option(
    "--take-locks-of",
    "host",
    metavar="HOST",
    help="Remove the locks of a host that is gone for good.",
)
@click.pass_obj
def command(
    invocation: Invocation,
    skip: tuple[str, ...],
    wait: str,
    job: str,
    engine: str | None,
    host: str | None,
) -> None:
    """Reduce, build, check and publish under one lock.

    A step that fails, or is stopped at its limit in [nightly], stops no other that can run; the
    summary names it, and so do `mtsite status` and the site's page of jobs. With -q it is silent
    when all went well: fit for cron. The lock of a dead process of this host is taken over.
    """
    try:
        wait_seconds = parse_age(wait)
    except ValueError as mistake:
        raise UsageError(f"--wait: {mistake}") from None
    if not job.isprintable() or not 0 < len(job) <= 60:
        raise UsageError("--job: a name is one to 60 printable characters")
    config = invocation.config({"build.engine": engine} if engine else {})
    if host is not None:
        _take_locks(invocation, config, host)
    night = Night(config, invocation.report, time.time(), invocation.environ, job)
    steps = {name: work for name, work in STEPS.items() if name not in skip}
    summary = run_night(night, steps, wait_seconds=wait_seconds)
    if invocation.as_json:
        told = [
            {
                "name": step.name,
                "ok": step.ok,
                "counts": dict(step.counts),
                "error": step.error,
                "skipped": step.skipped,
                "seconds": round(step.seconds, 3),
            }
            for step in summary.steps
        ]
        invocation.print_json("nightly", {"job": job, "steps": told})
    error = failure(summary)
    if error is not None:
        raise error


def _take_locks(invocation: Invocation, config: Config, host: str) -> None:
    if host == socket.gethostname():
        raise UsageError(
            f"--take-locks-of {host}: that is this host",
            "locks of its dead processes are taken over without asking",
        )
    for directory in (config.state_dir, *(area.path for area in config.areas.values())):
        for told in lock.take_from_host(directory, host):
            invocation.report.warn(f"removed the lock {told}")
