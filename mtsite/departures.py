"""What leaves on purpose, over several verbs: retention, and content that is taken back.

The order is that of a site that readers may look at: first the records say what is gone, then the
pages, then nothing leads to the content any more, and only then it goes.
"""

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace

from msgspec import Struct, field

from mtsite.archive import pending
from mtsite.archive.exports import find_export
from mtsite.archive.purge import PurgePlan, forget_taken_back, read_taken_back, take_back
from mtsite.archive.records import Who
from mtsite.archive.retain import end_in_records, end_rows_in_records, plan_site, refuse
from mtsite.archive.rows import RowsJob, RowsOutcome, let_go_rows
from mtsite.config import Config
from mtsite.holds import Hold
from mtsite.retention import ROWS, PlannedRun, RetainPlan
from mtsite.terminal import TerminalReport


class RetainTerms(Struct, frozen=True):
    """How retention is applied; `render` makes the small pages at once."""

    who: Who
    dry_run: bool = False
    allow_drop: bool = False
    export: bool = True
    render: bool = True
    environ: Mapping[str, str] = field(default_factory=lambda: os.environ)


class RetainSummary(Struct, frozen=True):
    """What `apply_retention` did: runs whose records say so now, rows, and blobs that are gone.

    `problems` are runs that could not go, or pages that could not be made, in words.
    """

    plan: RetainPlan
    expired: tuple[Hold, ...] = ()
    ended: Sequence[PlannedRun] = ()
    rows: Sequence[RowsOutcome] = ()
    blobs: Sequence[str] = ()
    problems: Sequence[str] = ()


def apply_retention(config: Config, terms: RetainTerms, report: TerminalReport) -> RetainSummary:
    """Let go what the plan says; dying anywhere, and calling again, ends as one call would.

    Raises:
        UsageError: no clock ends anything.
        MtsiteError: more than a fifth would go at once.
        BusyError: a build goes on.
    """
    plan, holds = plan_site(config, terms.who.now)
    expired = holds.expired(terms.who.now)
    refuse(plan, config.retain, allow_drop=terms.allow_drop)
    if terms.dry_run:
        return RetainSummary(plan, expired)
    # Asked before the sweep: what is left of a call that died may be pages alone.
    unmade = pending.awaits_build(config.state_dir)
    swept = pending.sweep(config)
    ended = end_in_records(config, plan.leaving, terms.who)
    outcomes = _rows(config, [one for one in ended if ROWS in one.ends], terms, report)
    problems = [f"{_name(one)}: {one.reason}" for one in outcomes if one.reason]
    if terms.render and (ended or unmade):
        problems += rebuild(config, report, terms.environ)
        swept += pending.sweep(config)
    return RetainSummary(plan, expired, ended, outcomes, swept, problems)


class PurgeSummary(Struct, frozen=True):
    """What `purge` did: blobs gone here, objects deleted at the destination ('' is none).

    `problems` say what is not done yet; the same call again goes on.
    """

    plan: PurgePlan
    blobs: Sequence[str] = ()
    destination: str = ""
    deleted: int = 0
    problems: Sequence[str] = ()


def purge(
    config: Config, plan: PurgePlan, terms: RetainTerms, why: str, report: TerminalReport
) -> PurgeSummary:
    """Take content back: from the records, the pages, the store, and the destination at once.

    Stubs are put before anything is deleted. What a call that died had begun is finished, too.

    Raises:
        BusyError: a build or a publish of this site is going on.
        DestinationError: the destination refused; the site here is done, and calling again goes on.
    """
    take_back(config, plan, terms.who, why)
    # What is taken back must not wait for older runs that a time limit puts off.
    unhurried = replace(config, build=replace(config.build, time_limit=0))
    problems = rebuild(unhurried, report, terms.environ)
    swept = pending.sweep(config)
    waiting = set(read_taken_back(config))
    here = sorted(blob for blob in waiting if (config.site.output / blob).exists())
    if here:
        problems.append(f"still in the site, because pages lead to it: {', '.join(here)}")
    if not config.publish.destination:
        forget_taken_back(config)
        return PurgeSummary(plan, swept, problems=problems)
    from mtsite.publish.upload import publish_site

    # The first call puts the stubs and lets the objects go, the second one deletes them, and every
    # page that is no more: it may show what is taken back.
    gone = waiting - set(here)
    at_once = replace(config, publish=replace(config.publish, grace=0))
    done, again = (
        publish_site(at_once, now=terms.who.now, report=report.progress, at_once=gone)
        for _ in range(2)
    )
    if not here:
        forget_taken_back(config)
    return PurgeSummary(plan, swept, done.destination, done.deleted + again.deleted, problems)


def rebuild(config: Config, report: TerminalReport, environ: Mapping[str, str]) -> list[str]:
    """Make the pages that the records ask for; what could not be made, in words."""
    from mtsite.build.site import build_site
    from mtsite.engines.engine import open_engine

    engine = open_engine(config.build.engine, config.build.workers, config.build.dask_scheduler)
    try:
        return build_site(config, engine, report.progress, environ=environ).problems
    finally:
        engine.close()


def _rows(
    config: Config, leaving: Sequence[PlannedRun], terms: RetainTerms, report: TerminalReport
) -> list[RowsOutcome]:
    """Take rows away; each lot is in the records before the next begins."""
    job = RowsJob(config, terms.who.now, terms.export, terms.environ)
    by_key = {one.run.key: one for one in leaving}
    outcomes = []
    for done, outcome in enumerate(let_go_rows(job, by_key) if by_key else (), start=1):
        outcomes.append(outcome)
        report.progress("rows", done, len(by_key))
    directory = config.retain.exports
    gone = [
        (by_key[one.key], one.export or find_export(directory, one.key))
        for one in outcomes
        if not one.reason
    ]
    if gone:
        end_rows_in_records(config, gone, terms.who)
    return outcomes


def _name(outcome: RowsOutcome) -> str:
    return "/".join((outcome.key.area, *outcome.key.target, outcome.key.runname))
