"""`mtsite homehost`: which host has the live database of an area, and moving it to this one."""

import time
from pathlib import Path
from typing import TYPE_CHECKING

import click
from msgspec.structs import replace

from mtsite.commands.selection import require_areas
from mtsite.errors import BusyError, NotQuietError
from mtsite.invocation import Invocation, exits

if TYPE_CHECKING:
    from mtsite.archive.homehost import HomehostJob, HomehostPlan
    from mtsite.config import AreaConfig
    from mtsite.megatest.homehost import Host

DRY_RUN = click.option("-n", "--dry-run", is_flag=True, help="Say what would be done; do nothing.")


@click.group()
def command() -> None:
    """The host with the live database of an area: look at it, move it when the area is quiet."""


@command.command("show", epilog=exits(10, 11))
@click.argument("area", metavar="AREA")
@click.pass_obj
def show(invocation: Invocation, area: str) -> None:
    """Which host it is, whether the area is quiet, what keeps it from that, and its caches here."""
    from mtsite.archive.homestate import look_at_homehost

    settings, job = _job(invocation, area)
    found = look_at_homehost(settings, job)
    if invocation.as_json:
        invocation.print_json("homehost", found.document())
        return
    here = "this host" if found.is_here else f"another host than this, {job.here.name}"
    invocation.print(f"{area}: {found.homehost or 'none yet'} ({here}), {found.told_by or 'unset'}")
    invocation.print("quiet" if not found.signs else "not quiet:")
    for sign in found.signs:
        invocation.print(f"  {sign.kind} {sign.name} {sign.told}")
    for cache in found.caches:
        only = ", ".join(f"{number} of {table}" for table, number in cache.only_there.items())
        invocation.print(f"{cache.path} ({cache.owner}): rows that megatest.db lacks: {only or 0}")
    if found.handover:
        invocation.print(f"handed over: {found.handover}")


@command.command("hand-over", epilog=exits(10, 11, 12, 13))
@DRY_RUN
@click.argument("area", metavar="AREA")
@click.pass_obj
def hand_over_command(invocation: Invocation, dry_run: bool, area: str) -> None:
    """On the homehost: copy its caches into the area, for the next homehost to take.

    Needed where that host can't see this one's /tmp. Changes nothing of Megatest's.
    """
    from mtsite.archive.homehost import hand_over

    settings, job = _job(invocation, area)
    done = hand_over(settings, replace(job, dry_run=dry_run))
    _tell(invocation, done, dry_run, "would be handed over" if dry_run else "handed over")


@command.command("move", epilog=exits(10, 11, 12, 13))
@DRY_RUN
@click.option(
    "--old-tmp",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Where /tmp of the old homehost is seen from here.",
)
@click.option("--without-old-cache", is_flag=True, help="Give up what only its /tmp holds.")
@click.option("--if-quiet", is_flag=True, help="Where somebody works, say so and end well.")
@click.argument("area", metavar="AREA")
@click.argument("host", metavar="[HOST]", required=False)
@click.pass_obj
def move(
    invocation: Invocation,
    dry_run: bool,
    old_tmp: Path | None,
    without_old_cache: bool,
    if_quiet: bool,
    area: str,
    host: str | None,
) -> None:
    """Make this host the homehost of an area; run it on the host that it moves to.

    Only when the area is quiet ([homehost] quiet). The caches of the old host come from its
    hand-over, or from --old-tmp; each is compared before .homehost is written.
    """
    from mtsite.archive.homehost import HomehostPlan, move_homehost

    settings, job = _job(invocation, area)
    job = replace(job, dry_run=dry_run, without_old_cache=without_old_cache)
    if old_tmp is not None:
        job = replace(job, old_tmp=old_tmp)
    try:
        done = move_homehost(settings, replace(job, here=_named(job.here, host)))
    except NotQuietError as error:
        if not if_quiet:
            raise
        done = HomehostPlan(area, "", left_alone=error.message)
    _tell(invocation, done, dry_run, _moved(done, dry_run))


def _moved(done: "HomehostPlan", dry_run: bool) -> str:
    if done.left_alone:
        return f"left alone: {done.left_alone}"
    if not done.entry:
        return f"its homehost is this host already ({done.homehost})"
    word = "would move" if dry_run else "moved"
    return f"its homehost {word} from {done.homehost or 'nowhere'} to {done.entry}"


def _named(here: "Host", host: str | None) -> "Host":
    if host is None:
        return here
    if not host or not here.is_named(host):
        raise BusyError(
            f"this is {here.name} ({here.address}), not {host}",
            f"run it on {host}: only there its /tmp can be filled",
        )
    return replace(here, address=host)


def _job(invocation: Invocation, name: str) -> "tuple[AreaConfig, HomehostJob]":
    from mtsite.archive.homehost import HomehostJob
    from mtsite.megatest.configuration import read_configuration
    from mtsite.megatest.homehost import Terms, this_host

    config = invocation.config()
    require_areas(config, [name])
    settings = config.areas[name]
    old = read_configuration(settings, invocation.environ).homehost
    template = config.homehost.old_tmp
    return settings, HomehostJob(
        here=this_host(),
        terms=Terms(int(time.time()), config.homehost.quiet, config.reduce.dead_after),
        state_dir=config.state_dir,
        # An entry that is no name of a host must not lead elsewhere.
        old_tmp=Path(template.replace("{host}", old.replace("/", ""))) if template else None,
        environ=invocation.environ,
    )


def _tell(invocation: Invocation, done: "HomehostPlan", dry_run: bool, told: str) -> None:
    if invocation.as_json:
        invocation.print_json("homehost-move", {**done.document(), "dry_run": dry_run})
        return
    for one in done.carried:
        invocation.print(f"{one.source} -> {one.place}")
    for path in done.aside:
        invocation.print(f"what lay there is in {path}")
    for path in done.left:
        invocation.report.say(f"{path} of another user holds nothing of its own: left there")
    for user in done.unseen:
        invocation.report.warn(f"/tmp/{user} may not be looked into: a cache there would stay")
    invocation.report.say(f"{done.area}: {told}")
