"""The verbs of retention: what would end, and ending it in the site's records.

    records say so first → rows leave, after their export → records say that, too
    → a build makes the small pages → blobs that no record names are deleted (`pending.sweep`)

Dying anywhere leaves rubbish that the next call clears, never a page that leads nowhere.
"""

from collections.abc import Iterable

from msgspec.structs import replace

from mtsite import urls
from mtsite.archive import pending
from mtsite.archive.records import Who, load_record, note, save, without_logs, writing
from mtsite.config import Config, RetainConfig
from mtsite.errors import MissingError, MtsiteError, UsageError
from mtsite.holds import Holds, load_holds
from mtsite.manifest import FILE, Manifest
from mtsite.model import LetGo, RunRecord
from mtsite.retention import (
    LOGS,
    PAGES,
    ROWS,
    PlannedRun,
    RetainPlan,
    day_of,
    plan_retention,
    setting,
    standing_of,
)

ALLOW_DROP = "--allow-drop"


def plan_site(config: Config, now: int) -> tuple[RetainPlan, Holds]:
    """What of every run of the site ends at `now` (Unix seconds), and the holds that were asked.

    Raises:
        MissingError: nothing was built yet: only what has a page can be let go.
        ConfigError: a hold that can't be read.
    """
    if not (config.state_dir / FILE).exists():
        raise MissingError(f"nothing is built in {config.site.output}", "run `mtsite build` first")
    holds = load_holds(config.root)
    with Manifest.open(config.state_dir) as manifest:
        known = manifest.known_runs()
        runs = [standing_of(one, manifest.summary(run_dir)) for run_dir, one in known.items()]
    return plan_retention(runs, config.retain, holds, now), holds


def refuse(plan: RetainPlan, rules: RetainConfig, *, allow_drop: bool) -> None:
    """Stop before anything is let go.

    Raises:
        UsageError: no clock ends anything.
        MtsiteError: more than a fifth would go at once, and nobody said that it may.
    """
    if rules.is_empty:
        raise UsageError(
            "[retain] ends nothing: logs, pages and rows are kept for ever",
            'set a clock in mtsite.toml, as logs = "180d" under [retain]',
        )
    too_much = plan.too_much()
    if too_much and not allow_drop:
        raise MtsiteError(
            f"{too_much}: more than a fifth at once",
            f"look at `mtsite retain plan`; if that is meant, add {ALLOW_DROP}",
        )


def end_in_records(config: Config, ending: Iterable[PlannedRun], who: Who) -> list[PlannedRun]:
    """Say in the records that logs and pages of these runs ended; those without a record are left.

    Raises:
        BusyError: a build of this site is going on.
    """
    done = []
    with writing(config, who) as manifest:
        known = manifest.known_runs()
        batch = []
        for one in ending:
            kept = load_record(config, known.get(urls.run_dir(one.run.key)))
            if kept is not None:
                batch.append((known[urls.run_dir(one.run.key)], kept, one))
                done.append(one)
        pending.add(
            config.state_dir,
            ((blob, old.dir) for old, kept, _ in batch for blob in pending.blobs_of(kept)),
        )
        for old, kept, one in batch:
            save(config, manifest, old, ended(kept, one.ends, config.retain, who))
            note(config, who, {"run": old.dir, "what": list(one.ends), "rule": one.reason})
    return done


def end_rows_in_records(config: Config, gone: Iterable[tuple[PlannedRun, str]], who: Who) -> None:
    """Say in the records that the rows of these runs are gone, each with the name of its export."""
    with writing(config, who) as manifest:
        known = manifest.known_runs()
        for one, export in gone:
            old = known.get(urls.run_dir(one.run.key))
            kept = load_record(config, old)
            if old is None or kept is None or kept.summary is None:
                continue
            rule = setting(config.retain, ROWS)
            where = f"; exported to {export}" if export else "; not exported"
            reason = f"its rows ended on {day_of(who.now)}: {rule}{where}"
            let_go = (*kept.summary.let_go, LetGo(ROWS, rule, who.now, who.name))
            summary = replace(kept.summary, gone=reason, let_go=let_go)
            save(config, manifest, old, replace(kept, gone=reason, summary=summary))
            note(config, who, {"run": old.dir, "what": [ROWS], "rule": rule, "export": export})


def ended(kept: RunRecord, clocks: Iterable[str], rules: RetainConfig, who: Who) -> RunRecord:
    """The record once these clocks are over; rows are not spoken of while they are there."""
    summary = kept.summary
    assert summary is not None, "a run with pages has a summary"
    day = day_of(who.now)
    for clock in clocks:
        if clock == ROWS or summary.lets_go_of(clock):
            continue
        rule = setting(rules, clock)
        summary = replace(summary, let_go=(*summary.let_go, LetGo(clock, rule, who.now, who.name)))
        if clock == LOGS:
            kept = without_logs(kept, f"let go on {day}: {rule}")
        if clock == PAGES:
            before = f"{kept.gone}; " if kept.gone else ""
            reason = f"{before}its pages ended on {day}: {rule}"
            kept = replace(without_logs(kept, f"let go on {day}: {rule}"), gone=reason)
            summary = replace(summary, gone=reason)
    return replace(kept, summary=summary)
