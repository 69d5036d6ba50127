"""`mtsite schedule`: the jobs by the clock, in the foreground."""

import sys

import click

from mtsite import lock
from mtsite.invocation import Invocation, exits


@click.command(epilog=exits(11))
@click.option("--list", "only_list", is_flag=True, help="Print the jobs and their next times.")
@click.pass_obj
def command(invocation: Invocation, only_list: bool) -> None:
    """Run the jobs of jobs/*.py at their times until a signal comes.

    A job that fails, or takes longer than [schedule] job_limit, stops no other; a time that was
    missed is made up for once. SIGTERM ends after the current safe point: fit for systemd.
    """
    from mtsite.scheduler import Loop, job_directories

    config = invocation.config()
    loop = Loop(config, invocation.report)
    loop.load(job_directories(config))
    jobs = [(name, f"{time:%Y-%m-%d %H:%M}" if time else "never") for name, time in loop.jobs()]
    if invocation.as_json:
        rows = [{"job": name, "next": time} for name, time in jobs]
        invocation.print_json("schedule", {"jobs": rows})
    elif only_list:
        invocation.print_table([("job", "next"), *jobs])
    if only_list or invocation.as_json:
        return
    for name, time in jobs:
        invocation.report.say(f"job {name}: next at {time}")
    with lock.hold(config.state_dir, "schedule", "mtsite schedule"):
        number = loop.run_until_stopped()
    sys.exit(128 + number)
