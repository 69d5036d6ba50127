"""`mtsite automigrate`: old runs into other areas, by the rules of megatest.config."""

import click

from mtsite.commands.migrate import migrate_job, migration_document, print_migration
from mtsite.commands.moves import Told, chosen_areas
from mtsite.errors import MtsiteError, UnmovableError
from mtsite.invocation import Invocation, exits


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
    from mtsite.archive.migrate import automigrate_area

    config = invocation.config()
    job = migrate_job(invocation, config, dry_run=dry_run, area_db_only=area_db_only)
    ended = Told("mtsite automigrate")
    documents = []
    for settings in chosen_areas(config, areas):
        try:
            summary = automigrate_area(settings, job)
        except MtsiteError as error:
            if isinstance(error, UnmovableError) and settings.name not in areas:
                invocation.report.say(f"{settings.name}: skipped, {error.message}")
            else:
                ended.failed.append((settings.name, error))
            continue
        ended.done.append(summary)
        documents.append(migration_document(summary))
        print_migration(invocation, summary, dry_run=dry_run)
    if invocation.as_json and documents:
        invocation.print_json("automigrate", {"areas": documents})
    ended.finish()
