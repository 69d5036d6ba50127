"""`mtsite migrate`: chosen runs of an area into another one with the same keys."""

from typing import TYPE_CHECKING

import click

from mtsite.commands.moves import (
    chosen_areas,
    finish,
    move_job,
    outcome_document,
    plan_document,
    print_plan,
)
from mtsite.commands.selection import selection_options, warn_of_target
from mtsite.errors import UsageError
from mtsite.invocation import Invocation, exits

if TYPE_CHECKING:
    from mtsite.archive.migrate import MigrateSummary
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
    (settings,) = chosen_areas(invocation.config(), (area,))
    migration = Migration(destination, selection, text="chosen on the command line")
    job = move_job(invocation, dry_run=dry_run, area_db_only=area_db_only)
    summary = migrate_area(settings, [migration], job)
    print_migration(invocation, summary, dry_run=dry_run)
    if not any(one.moves for one in summary.moves):
        warn_of_target(invocation, selection, (one.run.target for one in summary.moves))
    finish(invocation, "migrate", [summary], lambda: migration_document(summary))


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
        **outcome_document(summary),
        "plan": {name: plan_document(plan.moves) for name, plan in summary.plans.items()},
    }
