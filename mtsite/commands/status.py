"""`mtsite status`: is the site fresh, and if not what to do."""

import time
from typing import TYPE_CHECKING

import click

from mtsite.amounts import plural
from mtsite.invocation import Invocation, exits

if TYPE_CHECKING:
    from mtsite.jobhistory import JobEntry
    from mtsite.standing import JobStanding, Standing


@click.command(epilog=exits(20))
@click.option("--strict", is_flag=True, help="End with 20 when the site is not fresh.")
@click.pass_obj
def command(invocation: Invocation, strict: bool) -> None:
    """Say whether the site is fresh, and if not what to do.

    Below that: the last and the next run of each job, what is overdue, locks, moves that are not
    finished, sizes and how they grew. Reads a few small files; nobody is disturbed.
    """
    from mtsite.standing import standing

    now = time.time()
    found = standing(invocation.config(), now)
    if invocation.as_json:
        invocation.print_json("status", _document(found))
    else:
        invocation.print(found.told)
        if found.hint:
            invocation.print(f"  try: {found.hint}")
        _print_rest(invocation, found, now)
    if strict and not found.fresh:
        invocation.report.close()
        raise click.exceptions.Exit(20)


def _print_rest(invocation: Invocation, found: "Standing", now: float) -> None:
    from mtsite.lock import Holder

    if found.jobs:
        heads = ("job", "last", "state", "took", "next", "")
        rows = [_row(one, now) for one in found.jobs]
        invocation.print("")
        invocation.print_table([heads, *rows])
    for name, holder in found.locks.items():
        told = f"tells nothing: it {holder}"
        if isinstance(holder, Holder):
            told = f"`{holder.command}` on {holder.host}, pid {holder.pid}, {_since(holder, now)}"
        invocation.print(f"lock {name}: {told}")
    for told in found.unfinished:
        invocation.print(told)
    if found.damaged:
        invocation.print(
            f"{plural(found.damaged, 'line')} of the history of jobs can't be read: left out"
        )
    if found.sizes:
        invocation.print("")
        days = found.growth.get("days")
        heads2 = ("what", "size", f"in {plural(days, 'day')}" if days else "")
        invocation.print_table([heads2, *_sizes(found)])


def _since(holder: "object", now: float) -> str:
    from mtsite.standing import ago

    return f"since {ago(now - float(getattr(holder, 'since', now)))}"


def _row(one: "JobStanding", now: float) -> tuple[object, ...]:
    from mtsite.standing import ago, clock

    last = one.last
    told = "overdue" if one.overdue else ""
    upcoming = clock(one.plan.next) if one.plan.next else ""
    if last is None:
        return (one.plan.job, "never", "", "", upcoming, told)
    took = ago(last.ended - last.begun) if last.ended is not None else ""
    return (one.plan.job, clock(last.begun), last.state, took, upcoming, told or last.told[:80])


def _sizes(found: "Standing") -> list[tuple[object, ...]]:
    rows: list[tuple[object, ...]] = []
    for name, size in found.sizes.items():
        grown = found.growth.get(name)
        shown = f"{size:,}" if name == "files" else f"{size / 1e6:,.1f} MB"
        more = "" if grown is None else f"{grown:+,}" if name == "files" else f"{grown / 1e6:+,.1f}"
        rows.append((name, shown, more))
    return rows


def _document(found: "Standing") -> dict[str, object]:
    from mtsite.lock import Holder

    locks = [
        {"lock": name, "host": one.host, "pid": one.pid, "command": one.command, "since": one.since}
        if isinstance(one, Holder)
        else {"lock": name, "told": one}
        for name, one in found.locks.items()
    ]
    return {
        "fresh": found.fresh,
        "told": found.told,
        "hint": found.hint,
        "jobs": [
            {
                "job": one.plan.job,
                "every": one.plan.every,
                "next": one.plan.next,
                "overdue": one.overdue,
                "last": None if one.last is None else _entry(one.last),
            }
            for one in found.jobs
        ],
        "locks": locks,
        "unfinished": list(found.unfinished),
        "sizes": dict(found.sizes),
        "growth": dict(found.growth),
        "damaged": found.damaged,
    }


def _entry(entry: "JobEntry") -> dict[str, object]:
    return {
        "number": entry.number,
        "state": entry.state,
        "exit": entry.exit,
        "begun": entry.begun,
        "ended": entry.ended,
        "told": entry.told,
        "steps": [
            {"name": s.name, "state": s.state, "told": s.told, "counts": dict(s.counts)}
            for s in entry.steps
        ],
    }
