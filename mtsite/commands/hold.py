"""`mtsite hold`: runs that stay, whatever the rules say."""

import time
from datetime import date, datetime
from typing import TYPE_CHECKING

import click

from mtsite import lock, urls
from mtsite.amounts import plural
from mtsite.errors import MissingError
from mtsite.invocation import Invocation, exits

if TYPE_CHECKING:
    from mtsite.config import Config
    from mtsite.holds import Hold


@click.group()
def command() -> None:
    """Keep runs whatever the rules say; they stand in holds.toml beside mtsite.toml."""


@command.command("add", epilog=exits(10, 11))
@click.option("--why", required=True, metavar="TEXT", help="The reason, for whoever wonders.")
@click.option(
    "--until",
    type=click.DateTime(["%Y-%m-%d"]),
    metavar="YYYY-MM-DD",
    help="The last day of it; without it the run is held for ever.",
)
@click.option("--who", metavar="NAME", help="Who wants it; you, if nobody is named.")
@click.argument("run", metavar="RUN")
@click.pass_obj
def add(
    invocation: Invocation, why: str, until: datetime | None, who: str | None, run: str
) -> None:
    """Hold RUN: it is neither reduced nor migrated, and retention lets nothing of it go.

    RUN is AREA/KEY1/.../KEYN/RUNNAME, as it stands in the head of its page.
    """
    from mtsite.archive.names import find_run
    from mtsite.holds import Hold, add_hold, this_user

    config = invocation.config()
    key = find_run(config, run, invocation.environ)
    last = until.date() if until else None
    hold = Hold(urls.run_dir(key), why, who if who is not None else this_user(), last)
    if hold.has_expired(int(time.time())):
        raise click.BadParameter(f"{last} is over", param_hint="--until")
    with lock.hold(config.state_dir, "holds", "mtsite hold", wait_seconds=10):
        add_hold(config.root, hold)
    invocation.report.say(f"{hold.run}: {hold.told()}")
    if invocation.as_json:
        invocation.print_json("hold", {"holds": [_document(hold)]})


@command.command("rm", epilog=exits(10, 11))
@click.argument("run", metavar="RUN")
@click.pass_obj
def remove(invocation: Invocation, run: str) -> None:
    """Hold RUN no longer: from now on the rules decide."""
    from mtsite.holds import load_holds, remove_holds

    config = invocation.config()
    with lock.hold(config.state_dir, "holds", "mtsite hold", wait_seconds=10):
        named = {one.run for one in load_holds(config.root).holds}
        address = run.strip("/")
        address = address if address in named else _address(invocation, config, address)
        removed = remove_holds(config.root, address)
    if not removed:
        raise MissingError(f"{address} is not held", "mtsite hold ls")
    for one in removed:
        invocation.report.say(f"{one.run}: no longer {one.told()}")
    if invocation.as_json:
        invocation.print_json("hold", {"removed": [_document(one) for one in removed]})


@command.command("ls", epilog=exits())
@click.pass_obj
def ls(invocation: Invocation) -> None:
    """The holds of this site; those that have expired are marked."""
    from mtsite.holds import load_holds

    now = int(time.time())
    found = load_holds(invocation.config().root)
    if invocation.as_json:
        documents = [{**_document(one), "expired": one.has_expired(now)} for one in found.holds]
        invocation.print_json("hold", {"holds": documents})
        return
    head = ("run", "who", "until", "why")
    rows = [(one.run, one.who, _until(one, now), one.why) for one in found.holds]
    invocation.print_table([head, *rows] if rows else [])
    if expired := found.expired(now):
        number = plural(len(expired), "hold has expired and keeps", "holds have expired and keep")
        invocation.report.warn(f"{number} nothing any more")


def _address(invocation: Invocation, config: "Config", run: str) -> str:
    from mtsite.archive.names import find_run

    return urls.run_dir(find_run(config, run, invocation.environ))


def _until(hold: "Hold", now: int) -> str:
    if hold.until is None:
        return "for ever"
    return f"{hold.until.isoformat()}{' (expired)' if hold.has_expired(now) else ''}"


def _document(hold: "Hold") -> dict[str, object]:
    until: date | None = hold.until
    return {
        "run": hold.run,
        "why": hold.why,
        "who": hold.who,
        "until": until.isoformat() if until else None,
    }
