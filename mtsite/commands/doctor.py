"""`mtsite doctor`: what would go wrong tonight, and how to mend it."""

import time

import click

from mtsite.amounts import plural
from mtsite.doctor import Finding, examine
from mtsite.errors import FindingsError
from mtsite.invocation import Invocation, exits


@click.command(epilog=exits(2, 20))
@click.option("--offline", is_flag=True, help="Leave the destination out: ask nobody.")
@click.pass_obj
def command(invocation: Invocation, offline: bool) -> None:
    """Check configuration, areas, disk, clock and every right that publishing needs.

    An object of its own is put at the destination and taken away again.
    """
    config = invocation.config()
    found: list[Finding] = []
    for each in examine(config, invocation.environ, now=time.time(), offline=offline):
        found.append(each)
        if not invocation.as_json:
            invocation.print(f"{'ok  ' if each.well else 'FAIL'}  {each.what}: {each.told}")
            if each.hint:
                invocation.print(f"      try: {each.hint}")
    wrong = sum(not each.well for each in found)
    if invocation.as_json:
        invocation.print_json("doctor", {"checks": [each._asdict() for each in found]})
    if wrong:
        raise FindingsError(
            f"{wrong} of {plural(len(found), 'check')} failed", "mend them, then run it again"
        )
