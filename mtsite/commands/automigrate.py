"""`mtsite automigrate`: old runs into other areas, by the rules of megatest.config."""

from typing import TYPE_CHECKING

import click

from mtsite.commands.migrate import migration_document, print_migration
from mtsite.commands.moves import finish, move_each, move_job
from mtsite.invocation import Invocation, exits

if TYPE_CHECKING:
    from mtsite.config import AreaConfig


@click.command(epilog=exits(3, 10, 11, 12, 13))
@click.option("-n", "--dry-run", is_flag=True, help="Say what would move and why; move nothing.")
@click.option("--area-db-only", is_flag=True, help="Although the homehost is another: at rest.")
@click.argument("areas", nargs=-1, metavar="[AREA...]")
@click.pass_obj
def command(
    invocation: Invocation, dry_run: bool, area_db_only: bool, areas: tuple[str, ...]
) -> None:
    """Move runs of these areas (all, if none is named) by [automigrate] of their megatest.config.

    A rule is a line `AREA target=%/%/%; runname=%; age=30d`; the first that matches a run decides.
    """
    from mtsite.archive.migrate import MigrateSummary, automigrate_area

    job = move_job(invocation, dry_run=dry_run, area_db_only=area_db_only)

    def move(settings: "AreaConfig") -> MigrateSummary:
        summary = automigrate_area(settings, job)
        print_migration(invocation, summary, dry_run=dry_run)
        return summary

    done = move_each(invocation, areas, MigrateSummary, move)
    finish(invocation, "automigrate", done, lambda: {"areas": [*map(migration_document, done)]})
