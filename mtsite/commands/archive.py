"""`mtsite archive`: what lies in the archives."""

from typing import TYPE_CHECKING

import click

from mtsite.amounts import plural
from mtsite.commands.selection import require_areas
from mtsite.errors import VerificationError
from mtsite.invocation import Invocation, exits

if TYPE_CHECKING:
    from mtsite.archive.verify import Finding, Verification


@click.group()
def command() -> None:
    """Look after completed-runs.db and satellites."""


@command.command("verify", epilog=exits(10, 13))
@click.argument("areas", nargs=-1, metavar="[AREA...]")
@click.pass_obj
def verify(invocation: Invocation, areas: tuple[str, ...]) -> None:
    """Make sure that every moved run is what was copied; all areas, if none is named.

    Looks at the integrity of each database, at references, at every note's digest made anew from
    the rows, and for runs that lie in two places. Changes nothing.
    """
    from mtsite.archive.verify import verify_areas

    config = invocation.config()
    require_areas(config, areas)
    chosen = list(dict.fromkeys(areas or config.areas))
    done: list[Verification] = []
    for told in verify_areas(
        config.areas, chosen, invocation.report.progress, environ=invocation.environ
    ):
        done.append(told)
        if not invocation.as_json:
            _show(invocation, told)
    if invocation.as_json:
        invocation.print_json("archive-verify", {"areas": [_document(one) for one in done]})
    wrong = [f"{one.where}: {one.what}" for told in done for one in told.problems]
    if wrong:
        raise VerificationError(
            "\n".join([f"{len(wrong)} found:", *wrong]),
            "put the database back from a backup, beside it, and compare",
        )


def _show(invocation: Invocation, told: "Verification") -> None:
    invocation.report.say(
        f"{told.area}: {plural(told.runs, 'run')}, {plural(told.notes, 'note')}"
        f" in {plural(len(told.databases), 'database')}, {plural(len(told.problems), 'problem')}"
    )
    invocation.print_table([(told.area, one.check, one.where, one.what) for one in told.problems])
    for one in told.notices:
        invocation.report.warn(f"{one.where}: {one.what}")


def _document(told: "Verification") -> dict[str, object]:
    return {
        "area": told.area,
        "databases": told.databases,
        "runs": told.runs,
        "notes": told.notes,
        "problems": [_finding(one) for one in told.problems],
        "notices": [_finding(one) for one in told.notices],
    }


def _finding(one: "Finding") -> dict[str, str]:
    return {"check": one.check, "where": one.where, "what": one.what}
