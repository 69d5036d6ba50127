"""`mtsite publish`: the tree, as it is, to a bucket or a directory."""

import time
from pathlib import Path
from typing import TextIO

import click

from mtsite.errors import UsageError
from mtsite.invocation import Invocation, exits
from mtsite.options import DESTINATION


@click.command(epilog=exits(3, 10, 11, 12))
@click.option("-n", "--dry-run", is_flag=True, help="Say what would be sent; send nothing.")
@click.option(
    "--drop-area",
    "dropped_areas",
    multiple=True,
    metavar="NAME",
    help="Let an area go that the destination has and the tree lacks; may be repeated.",
)
@click.option(
    "--audit",
    is_flag=True,
    help="Compare all that lies there by listing it; put again what is missing or damaged.",
)
@click.option(
    "--changed-paths",
    type=click.File("w", encoding="utf-8", lazy=True),
    metavar="FILE",
    help="Write the paths that were put or deleted, one per line: for a cache in between.",
)
@click.argument("destination", required=False, metavar="[DESTINATION]")
@click.pass_obj
def command(
    invocation: Invocation,
    dry_run: bool,
    dropped_areas: tuple[str, ...],
    audit: bool,
    changed_paths: TextIO | None,
    destination: str | None,
) -> None:
    """Upload what changed: s3://bucket/prefix, or a directory.

    Readers never see a broken site: what leads to new pages is sent after them. Killed anywhere,
    it can be run again and sends nothing twice. Credentials come from boto3's own chain (AWS_…
    variables, ~/.aws, instance roles), never from mtsite.toml.
    """
    from mtsite.publish.upload import publish_site

    config = invocation.config(_flags(destination))
    summary = publish_site(
        config,
        now=time.time(),
        dry_run=dry_run,
        report=invocation.report.progress,
        dropped_areas=dropped_areas,
        audit=audit,
    )
    if changed_paths is not None:
        changed_paths.writelines(f"{path}\n" for path in summary.paths)
    if invocation.as_json:
        invocation.print_json("publish", summary.as_json())
        return
    invocation.print("\n".join(summary.lines()))
    invocation.report.say(summary.address)


def _flags(destination: str | None) -> dict[str, str]:
    if destination is None:
        return {}
    try:
        return {"publish.destination": str(DESTINATION.read(destination, Path.cwd()))}
    except ValueError as mistake:
        raise UsageError(f"DESTINATION: {mistake}") from None
