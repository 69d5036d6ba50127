"""`mtsite restore`: runs back into megatest.db."""

from typing import TYPE_CHECKING

import click

from mtsite.commands.moves import chosen_areas, finish, move_job, outcome_document
from mtsite.commands.selection import selection_options
from mtsite.invocation import Invocation, exits

if TYPE_CHECKING:
    from mtsite.archive.restore import Found, RestoreSummary
    from mtsite.megatest.selection import Selection


@click.command(epilog=exits(3, 10, 11, 13))
@click.option("-n", "--dry-run", is_flag=True, help="Say what would come back; move nothing.")
@selection_options
@click.option("--area-db-only", is_flag=True, help="Although the homehost is another: at rest.")
@click.argument("area")
@click.pass_obj
def command(
    invocation: Invocation, dry_run: bool, area_db_only: bool, area: str, selection: "Selection"
) -> None:
    """Bring chosen runs of an area back into its megatest.db, as they were.

    They come from completed-runs.db or from a satellite, wherever they lie. The next mtsite reduce
    moves them again unless they are held (mtsite hold add RUN).
    """
    from mtsite.archive.restore import restore_area

    (settings,) = chosen_areas(invocation.config(), (area,))
    job = move_job(invocation, dry_run=dry_run, area_db_only=area_db_only)
    summary = restore_area(settings, selection, job)
    if not invocation.as_json:
        _print(invocation, summary, dry_run)
    finish(invocation, "restore", [summary], lambda: _document(summary))


def _print(invocation: Invocation, summary: "RestoreSummary", dry_run: bool) -> None:
    if dry_run:
        invocation.print_table(
            [
                (summary.area, _name(one), "comes back", f"from {one.database}")
                for one in summary.found
            ]
        )
    number = len(summary.found) if dry_run else len(summary.moved)
    word = "would come back" if dry_run else "came back"
    invocation.report.say(f"{summary.area}: {number} {word} into megatest.db")
    if not summary.found:
        invocation.report.say(
            f"  none of its runs that moved away is chosen: `mtsite run ls --area {summary.area}`"
            " lists all, `mtsite explain RUN` says where one lies"
        )


def _document(summary: "RestoreSummary") -> dict[str, object]:
    return {
        **outcome_document(summary),
        "plan": [
            {"run": [*one.outcome.target, one.outcome.runname], "database": str(one.database)}
            for one in summary.found
        ],
    }


def _name(one: "Found") -> str:
    return "/".join([*one.outcome.target, one.outcome.runname])
