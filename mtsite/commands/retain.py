"""`mtsite retain`: what ends when, and ending it."""

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from mtsite.amounts import plural
from mtsite.errors import PartlyDoneError
from mtsite.invocation import Invocation, exits

if TYPE_CHECKING:
    from mtsite.departures import RetainSummary
    from mtsite.holds import Hold
    from mtsite.retention import PlannedRun, RetainPlan


@click.group()
def command() -> None:
    """End logs, pages and rows by the clocks of [retain] in mtsite.toml."""


@command.command("plan", epilog=exits(10))
@click.option("--all", "everything", is_flag=True, help="Also runs of which nothing ends.")
@click.pass_obj
def plan(invocation: Invocation, everything: bool) -> None:
    """Name every run of which something ends now, and the rule; changes nothing."""
    from mtsite.archive.retain import plan_site

    found, holds = plan_site(invocation.config(), int(time.time()))
    expired = holds.expired(int(time.time()))
    if invocation.as_json:
        invocation.print_json("retain-plan", _document(found, expired))
        return
    _print(invocation, found, expired, everything=everything)


@command.command("apply", epilog=exits(3, 10, 11, 12))
@click.option("-n", "--dry-run", is_flag=True, help="Say what would end and why; end nothing.")
@click.option("--allow-drop", is_flag=True, help="Let more than a fifth of all runs end at once.")
@click.option("--no-export", is_flag=True, help="Take rows away without exporting them first.")
@click.pass_obj
def apply(invocation: Invocation, dry_run: bool, allow_drop: bool, no_export: bool) -> None:
    """End what `mtsite retain plan` names; a small page stays at each address.

    Rows are exported as compressed JSON lines before they leave their database. A death anywhere
    leaves rubbish at most, and calling again finishes.
    """
    from mtsite.archive.records import Who
    from mtsite.departures import RetainTerms, apply_retention
    from mtsite.holds import this_user

    who = Who(this_user(), int(time.time()), "mtsite retain apply")
    terms = RetainTerms(who, dry_run, allow_drop, not no_export, environ=invocation.environ)
    done = apply_retention(invocation.config(), terms, invocation.report)
    if invocation.as_json:
        invocation.print_json("retain", _document(done.plan, done.expired) | _done(done))
    elif dry_run:
        _print(invocation, done.plan, done.expired, everything=False)
    else:
        rows = sum(not one.reason for one in done.rows)
        invocation.report.say(
            f"{plural(len(done.ended), 'run')} ended in part or whole, rows of {rows} left their"
            f" database, {plural(len(done.blobs), 'stored log')} deleted"
        )
        for export in sorted({one.export for one in done.rows if one.export}):
            invocation.report.say(f"rows exported to {export}")
    if done.problems:
        raise PartlyDoneError(
            "\n".join(["not all could end:", *done.problems]), "mtsite retain plan"
        )


def _print(
    invocation: Invocation, found: "RetainPlan", expired: "Sequence[Hold]", *, everything: bool
) -> None:
    shown = found.runs if everything else found.leaving
    invocation.print_table(
        [(_name(one), " ".join(one.ends) or "stays", one.rule, one.reason) for one in shown]
    )
    counts = {
        what: sum(what in one.ends for one in found.runs) for what in ("logs", "pages", "rows")
    }
    told = ", ".join(f"{what} of {number}" for what, number in counts.items())
    invocation.report.say(f"{plural(len(found.runs), 'run')}: {told} would end")
    for one in expired:
        invocation.report.warn(f"{one.run}: the hold expired: {one.told()}")
    if too_much := found.too_much():
        invocation.report.warn(f"{too_much}: `mtsite retain apply` asks for --allow-drop")


def _document(found: "RetainPlan", expired: "Sequence[Hold]") -> dict[str, object]:
    return {
        "runs": [
            {
                "run": _name(one),
                "kept": not one.ends,
                "ends": list(one.ends),
                "rule": one.rule,
                "reason": one.reason,
                "due": one.due,
            }
            for one in found.runs
        ],
        "expired_holds": [one.run for one in expired],
    }


def _done(done: "RetainSummary") -> dict[str, object]:
    return {
        "ended": [_name(one) for one in done.ended],
        "rows": [
            {
                "run": "/".join((one.key.area, *one.key.target, one.key.runname)),
                "reason": one.reason,
                "export": one.export,
            }
            for one in done.rows
        ],
        "blobs": list(done.blobs),
        "problems": list(done.problems),
    }


def _name(one: "PlannedRun") -> str:
    from mtsite import urls

    return urls.run_dir(one.run.key)
