"""`mtsite purge`: content taken back now, from the site and from where it was published."""

import re
import time
from typing import TYPE_CHECKING

import click

from mtsite.amounts import plural
from mtsite.errors import PartlyDoneError, UsageError
from mtsite.invocation import Invocation, exits

if TYPE_CHECKING:
    from mtsite.archive.purge import PurgePlan
    from mtsite.config import Config
    from mtsite.departures import PurgeSummary

_BLOB = re.compile(r"(?:.*_blobs/.*)|[0-9a-f]{8,64}")


@click.command(epilog=exits(3, 10, 11, 12))
@click.option("--why", required=True, metavar="TEXT", help="The reason; it stands on the stub.")
@click.option(
    "--rule", metavar="NAME", help="Mask again, by this rule of [redact], what is stored."
)
@click.option("--yes", is_flag=True, help="Do it; without this, only say what would be done.")
@click.option("-n", "--dry-run", is_flag=True, help="Only say it; the same as without --yes.")
@click.argument("what", required=False, metavar="[RUN|BLOB]")
@click.pass_obj
def command(
    invocation: Invocation, why: str, rule: str | None, yes: bool, dry_run: bool, what: str | None
) -> None:
    """Take content back: a run's, one stored log, or all that a redaction rule matches.

    RUN is AREA/KEY1/.../KEYN/RUNNAME, BLOB the path or digest of a stored log. Stubs that say so
    take its place, here and at the [publish] destination, and then it is deleted there at once.
    Rows in databases are not touched. A bucket that keeps old versions keeps them.
    """
    from mtsite.archive.records import Who
    from mtsite.departures import PurgeSummary, RetainTerms, purge
    from mtsite.holds import this_user

    config = invocation.config()
    really = yes and not dry_run
    plan = _plan(invocation, config, rule, what, store=really)
    if not really:
        _show(invocation, PurgeSummary(plan), really=False)
        return
    who = Who(this_user(), int(time.time()), "mtsite purge")
    terms = RetainTerms(who, environ=invocation.environ)
    done = purge(config, plan, terms, why, invocation.report)
    _show(invocation, done, really=True)
    if done.problems:
        raise PartlyDoneError("\n".join(["partly done:", *done.problems]), "the same call again")


def _plan(
    invocation: Invocation, config: "Config", rule: str | None, what: str | None, *, store: bool
) -> "PurgePlan":
    from mtsite.archive.names import find_run
    from mtsite.archive.purge import plan_blob, plan_rule, plan_run

    if (rule is None) == (what is None):
        raise UsageError("name a run, a stored log, or a rule with --rule", "mtsite purge --help")
    if rule is not None:
        return plan_rule(config, rule, invocation.report.progress, store=store)
    assert what is not None
    if _BLOB.fullmatch(what):
        return plan_blob(config, what)
    return plan_run(config, find_run(config, what, invocation.environ))


def _show(invocation: Invocation, done: "PurgeSummary", *, really: bool) -> None:
    from mtsite import urls

    plan = done.plan
    if invocation.as_json:
        document = {
            "what": plan.what,
            "done": really,
            "runs": [urls.run_dir(key) for key in plan.runs],
            "blobs": list(plan.blobs),
            "shared": dict(plan.shared),
            "masked_again": {old: new.blob for old, new in plan.remasked.items()},
            "destination": done.destination,
            "deleted_there": done.deleted,
            "problems": list(done.problems),
        }
        invocation.print_json("purge", document)
        return
    word = "deleted" if really else "would be deleted"
    invocation.report.say(
        f"{plan.what}: pages of {plural(len(plan.runs), 'run')},"
        f" {plural(len(plan.blobs), 'stored log')} {word}"
    )
    invocation.print_table([(blob, word) for blob in plan.blobs])
    for blob, runs in plan.shared.items():
        other = plural(runs, "other run has", "other runs have")
        invocation.report.warn(f"{blob} stays: {other} it; purge it by that name")
    if really and done.destination:
        invocation.report.say(f"{plural(done.deleted, 'object')} deleted at {done.destination}")
    if not really:
        invocation.report.say("nothing was done; --yes does it")
