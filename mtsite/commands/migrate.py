"""`mtsite migrate`: chosen runs of an area into another one with the same keys."""

import time
from typing import TYPE_CHECKING

import click

from mtsite.commands.moves import (
    Told,
    chosen_areas,
    outcome_document,
    plan_document,
    print_plan,
    told,
    wishes,
)
from mtsite.commands.selection import selection_options
from mtsite.errors import UsageError
from mtsite.invocation import Invocation, exits

if TYPE_CHECKING:
    from mtsite.archive.migrate import MigrateJob, MigrateSummary
    from mtsite.config import Config
    from mtsite.megatest.selection import Selection


@click.command(epilog=exits(3, 10, 11, 12, 13))
@click.option("-n", "--dry-run", is_flag=True, help="Say what would move and why; move nothing.")
@selection_options
@click.option("--destination", required=True, metavar="AREA|PATH", help="The area to move to.")
@click.option("--area-db-only", is_flag=True, help="Although the homehost is another: at rest.")
@click.argument("area")
@click.pass_obj
def command(
    invocation: Invocation,
    dry_run: bool,
    destination: str,
    area_db_only: bool,
    area: str,
    selection: "Selection",
) -> None:
    """Move chosen runs of an area into another area, from megatest.db or completed-runs.db.

    A row stays behind that says where the rows went; pages and addresses stay as they are. Copied,
    read back and compared as by mtsite reduce.
    """
    from mtsite.archive.migrate import migrate_area
    from mtsite.archive.rules import Migration

    if selection.is_everything:
        raise UsageError("which runs? migrate moves only what is chosen", "--runname ww4%")
    config = invocation.config()
    (settings,) = chosen_areas(config, (area,))
    migration = Migration(destination, selection, text="chosen on the command line")
    job = migrate_job(invocation, config, dry_run=dry_run, area_db_only=area_db_only)
    ended = Told("mtsite migrate")
    summary = migrate_area(settings, [migration], job)
    ended.done.append(summary)
    print_migration(invocation, summary, dry_run=dry_run)
    if invocation.as_json:
        invocation.print_json("migrate", migration_document(summary))
    ended.finish()


def migrate_job(
    invocation: Invocation, config: "Config", *, dry_run: bool, area_db_only: bool
) -> "MigrateJob":
    """The terms of this call."""
    from mtsite.archive.migrate import MigrateJob

    return MigrateJob(
        areas=config.areas,
        rules=config.reduce,
        now=int(time.time()),
        state_dir=config.state_dir,
        wishes=wishes(config, area_db_only=area_db_only),
        dry_run=dry_run,
        report=lambda outcome: invocation.report.say(f"  {told(outcome)}"),
        environ=invocation.environ,
    )


def print_migration(invocation: Invocation, summary: "MigrateSummary", *, dry_run: bool) -> None:
    """What became of one area's runs, for a person."""
    if invocation.as_json:
        return
    if summary.skipped:
        invocation.report.say(f"{summary.area}: skipped, {summary.skipped}")
        return
    if dry_run:
        print_plan(invocation, summary.area, summary.moves)
    leaving = sum(one.moves for one in summary.moves)
    word = f"{leaving} would move" if dry_run else f"{len(summary.moved)} moved"
    invocation.report.say(f"{summary.area}: {word}, {len(summary.moves) - leaving} stay")


def migration_document(summary: "MigrateSummary") -> dict[str, object]:
    """What became of one area's runs, for programs."""
    return {
        "area": summary.area,
        "skipped": summary.skipped,
        **outcome_document(summary),
        "plan": {name: plan_document(plan.moves) for name, plan in summary.plans.items()},
    }
