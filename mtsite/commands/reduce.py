"""`mtsite reduce`: finished runs out of the live database."""

from typing import TYPE_CHECKING

import click

from mtsite.commands.moves import (
    finish,
    move_each,
    move_job,
    outcome_document,
    plan_document,
    print_plan,
)
from mtsite.commands.selection import selection_options, warn_of_target
from mtsite.invocation import Invocation, exits

if TYPE_CHECKING:
    from mtsite.archive.reduce import ReduceSummary
    from mtsite.config import AreaConfig
    from mtsite.megatest.selection import Selection


@click.command(epilog=exits(3, 10, 11, 12, 13))
@click.option("-n", "--dry-run", is_flag=True, help="Say what would move and why; move nothing.")
@selection_options
@click.option("--vacuum", is_flag=True, help="Then give the room back, if nobody works there.")
@click.option("--area-db-only", is_flag=True, help="Although the homehost is another: at rest.")
@click.argument("areas", nargs=-1, metavar="[AREA...]")
@click.pass_obj
def command(
    invocation: Invocation,
    dry_run: bool,
    vacuum: bool,
    area_db_only: bool,
    areas: tuple[str, ...],
    selection: "Selection",
) -> None:
    """Move finished runs of these areas (all, if none is named) into completed-runs.db.

    About twenty runs at a time are copied, read back and compared before they leave megatest.db;
    a death anywhere loses nothing, and calling again finishes. Rules: [reduce] in mtsite.toml.
    """
    from mtsite.archive.reduce import ReduceSummary, reduce_area

    job = move_job(
        invocation, dry_run=dry_run, area_db_only=area_db_only, vacuum=vacuum, chosen=selection
    )

    def move(settings: "AreaConfig") -> ReduceSummary:
        summary = reduce_area(settings, job)
        if not invocation.as_json:
            _print(invocation, summary, selection, dry_run)
        return summary

    done = move_each(invocation, areas, ReduceSummary, move)
    finish(invocation, "reduce", done, lambda: {"areas": [_document(one) for one in done]})


def _print(
    invocation: Invocation, summary: "ReduceSummary", selection: "Selection", dry_run: bool
) -> None:
    if summary.skipped:
        invocation.report.say(f"{summary.area}: skipped, {summary.skipped}")
        return
    if dry_run:
        print_plan(invocation, summary.area, summary.plan.moves)
    plan = summary.plan
    if all(one.rule == "not chosen" for one in plan.moves):
        targets = (one.run.target for one in plan.moves)
        warn_of_target(invocation, selection, targets)
    word = f"{len(plan.leaving)} would move" if dry_run else f"{len(summary.moved)} moved"
    invocation.report.say(f"{summary.area}: {word}, {len(plan.kept)} kept by a rule")
    if one := summary.vacuumed:
        done = one.why_not and f"not shrunk: {one.why_not}"
        done = done or f"{one.before} bytes before, {one.after} after"
        invocation.report.say(f"{summary.area}: {one.path.name} {done}")


def _document(summary: "ReduceSummary") -> dict[str, object]:
    one = summary.vacuumed
    return {
        **outcome_document(summary),
        "plan": plan_document(summary.plan.moves),
        "vacuumed": one and {"before": one.before, "after": one.after, "why_not": one.why_not},
    }
