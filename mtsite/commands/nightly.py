"""`mtsite nightly`: the whole night, once."""

import time

import click

from mtsite.config import parse_age
from mtsite.errors import UsageError
from mtsite.invocation import Invocation, exits
from mtsite.nightly import STEPS, failure, run_night


@click.command(epilog=exits(3, 11))
@click.option(
    "--skip",
    multiple=True,
    type=click.Choice(list(STEPS)),
    help="Leave a step out; may be repeated.",
)
@click.option("--wait", metavar="AGE", default="0s", help="Wait so long for another night to end.")
@click.pass_obj
def command(invocation: Invocation, skip: tuple[str, ...], wait: str) -> None:
    """Reduce, build and publish under one lock.

    A step that fails stops no other that can run; the summary names it. With -q it is silent when
    all went well: fit for cron.
    """
    try:
        wait_seconds = parse_age(wait)
    except ValueError as mistake:
        raise UsageError(f"--wait: {mistake}") from None
    summary = run_night(
        invocation.config(),
        invocation.report,
        now=time.time(),
        environ=invocation.environ,
        steps={name: work for name, work in STEPS.items() if name not in skip},
        wait_seconds=wait_seconds,
    )
    if invocation.as_json:
        steps = [
            {
                "name": step.name,
                "ok": step.ok,
                "counts": dict(step.counts),
                "error": step.error,
                "skipped": step.skipped,
            }
            for step in summary.steps
        ]
        invocation.print_json("nightly", {"steps": steps})
    error = failure(summary)
    if error is not None:
        raise error
