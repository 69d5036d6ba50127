"""`mtsite annotations`: the rules for failures that somebody knows of."""

import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from mtsite.amounts import plural
from mtsite.invocation import Invocation, exits

if TYPE_CHECKING:
    from datetime import datetime

    from mtsite.annotated import Fitting
    from mtsite.annotations import Annotation


@click.group()
def command() -> None:
    """Failures that somebody knows of: the rules of annotations/*.toml beside mtsite.toml."""


@command.command("ls", epilog=exits(20))
@click.pass_obj
def ls(invocation: Invocation) -> None:
    """All rules with what they fit in the site; those that fit nothing, or ended, are marked.

    Exit code 20: a rule can't be used, fits nothing, or its last day is over.
    """
    from mtsite.annotations import load_annotations
    from mtsite.errors import FindingsError

    config = invocation.config()
    told = load_annotations(config.root)
    fits = _fittings(config.state_dir)
    zone = config.site.timezone
    states = [_state(one, fits.get(one.id), zone) for one in told.rules]
    told_of = [
        (one, fits.get(one.id), state) for one, state in zip(told.rules, states, strict=True)
    ]
    if invocation.as_json:
        rows = [_document(*each) for each in told_of]
        invocation.print_json("annotations", {"rules": rows, "mistakes": list(told.mistakes)})
    elif told.rules:
        head = ("state", "title", "until", "owner", "failures", "runs", "stands in")
        invocation.print_table([head, *(_row(*each) for each in told_of)])
    for mistake in told.mistakes:
        invocation.report.warn(mistake)
    found = len(told.mistakes) + sum(state != "known" for state in states)
    if found:
        raise FindingsError(
            f"{found} of {plural(len(told.rules) + len(told.mistakes), 'rule')}"
            f" {'needs' if found == 1 else 'need'} a look",
            "edit annotations/*.toml; `mtsite annotations test` tries a line",
        )


@command.command("test", epilog=exits())
@click.option("--test", "test", metavar="NAME[/ITEM]", default="", help="The test that fails.")
@click.option("--target", metavar="A/B/…", default="", help="Its target.")
@click.option("--area", metavar="AREA", default="", help="Its area.")
@click.option(
    "--on", "day", type=click.DateTime(["%Y-%m-%d"]), metavar="YYYY-MM-DD", help="When it ran."
)
@click.argument("line", metavar="LINE")
@click.pass_obj
def test(
    invocation: Invocation, test: str, target: str, area: str, day: "datetime | None", line: str
) -> None:
    """Which rules fit a failing LINE of such a test, as a list of failures shows it."""
    from zoneinfo import ZoneInfo

    from mtsite.annotations import load_annotations
    from mtsite.build.issues import Judge
    from mtsite.model import RunKey

    config = invocation.config()
    told = load_annotations(config.root)
    testname, _, item_path = test.partition("/")
    key = RunKey(area, tuple(target.split("/")) if target else (), "")
    judge = Judge(told.rules, config.site.timezone)
    zone = ZoneInfo(config.site.timezone)
    when = int(day.replace(tzinfo=zone).timestamp()) if day else None
    found = judge.of_line(key, (testname, item_path), when, line)
    if invocation.as_json:
        told_rules = [{**_said(one), "over": over} for one, over in found]
        invocation.print_json("annotations-test", {"rules": told_rules})
        return
    rows = [(one.title, "ended" if over else "known", one.place) for one, over in found]
    invocation.print_table(rows)
    if not rows:
        invocation.report.say("no rule fits")


def _fittings(state_dir: Path) -> "dict[str, Fitting]":
    """What the site that was built last says; nothing before the first build."""
    from mtsite.manifest import FILE, Manifest

    if not (state_dir / FILE).exists():
        return {}
    with Manifest.open(state_dir) as manifest:
        return manifest.annotated.fittings()


def _state(one: "Annotation", fit: "Fitting | None", zone: str) -> str:
    """What is to be done about a rule; 'known' for nothing."""
    from zoneinfo import ZoneInfo

    from mtsite.pages.issues import state_of

    ended = one.is_over(int(time.time()), ZoneInfo(zone))
    return state_of(fit, ended=ended) or "known"


def _row(one: "Annotation", fit: "Fitting | None", state: str) -> tuple[object, ...]:
    until = one.until.isoformat() if one.until else ""
    tests = fit.tests + fit.over_tests if fit else 0
    runs = fit.runs + fit.over_runs if fit else 0
    return (state, one.title, until, one.owner, tests, runs, one.place)


def _said(one: "Annotation") -> dict[str, object]:
    return {
        "rule": one.id,
        "title": one.title,
        "pattern": one.pattern,
        "test": one.test,
        "target": one.target,
        "area": one.area,
        "until": one.until.isoformat() if one.until else "",
        "link": one.link,
        "owner": one.owner,
        "place": one.place,
    }


def _document(one: "Annotation", fit: "Fitting | None", state: str) -> dict[str, object]:
    counts = (fit.tests, fit.runs, fit.over_tests, fit.over_runs) if fit else (0, 0, 0, 0)
    names = ("failures", "runs", "failures_after", "runs_after")
    return {**_said(one), "state": state, **dict(zip(names, counts, strict=True))}
