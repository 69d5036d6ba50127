"""`mtsite reduce`: finished runs out of the live database."""

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import click

from mtsite.errors import MissingError, MtsiteError, PartlyDoneError, UnmovableError
from mtsite.invocation import Invocation, exits

if TYPE_CHECKING:
    from mtsite.archive.execute import Outcome
    from mtsite.archive.plan import PlannedMove
    from mtsite.archive.reduce import ReduceSummary
    from mtsite.config import AreaConfig, Config


@dataclass(frozen=True)
class Failed:
    """An area that nothing was done in, and why."""

    area: str
    error: MtsiteError


@click.command(epilog=exits(3, 10, 11, 12, 13))
@click.option("-n", "--dry-run", is_flag=True, help="Say what would move and why; move nothing.")
@click.argument("areas", nargs=-1, metavar="[AREA...]")
@click.pass_obj
def command(invocation: Invocation, dry_run: bool, areas: tuple[str, ...]) -> None:
    """Move finished runs of these areas (all, if none is named) into completed-runs.db.

    Each run is copied, read back and compared before it leaves megatest.db; a death anywhere loses
    nothing, and calling again finishes. Rules: [reduce] in mtsite.toml.
    """
    config = invocation.config()
    done: list[ReduceSummary] = []
    failed: list[Failed] = []
    for settings in _chosen(config, areas):
        try:
            done.append(_reduce(invocation, config, settings, dry_run))
        except UnmovableError as error:
            if areas:
                failed.append(Failed(settings.name, error))
            else:
                invocation.report.say(f"{settings.name}: skipped, {error.message}")
        except MtsiteError as error:
            failed.append(Failed(settings.name, error))
    if invocation.as_json and done:
        invocation.print_json("reduce", {"areas": [_document(one) for one in done]})
    _finish(done, failed)


def _chosen(config: "Config", names: tuple[str, ...]) -> "list[AreaConfig]":
    unknown = [name for name in names if name not in config.areas]
    if unknown:
        raise MissingError(f"no area {', '.join(unknown)} in this site", "mtsite area ls")
    return [config.areas[name] for name in dict.fromkeys(names or config.areas)]


def _reduce(
    invocation: Invocation, config: "Config", settings: "AreaConfig", dry_run: bool
) -> "ReduceSummary":
    from mtsite.archive.reduce import reduce_area

    summary = reduce_area(
        settings,
        config.reduce,
        now=int(time.time()),
        state_dir=config.state_dir,
        dry_run=dry_run,
        report=lambda outcome: invocation.report.say(f"  {_told(outcome)}"),
        environ=invocation.environ,
    )
    if not invocation.as_json:
        _print(invocation, summary, dry_run)
    return summary


def _print(invocation: Invocation, summary: "ReduceSummary", dry_run: bool) -> None:
    if summary.skipped:
        invocation.report.say(f"{summary.area}: skipped, {summary.skipped}")
        return
    if dry_run:
        invocation.print_table(
            [
                (summary.area, _name(one), "moves" if one.moves else "stays", one.reason)
                for one in summary.plan.moves
            ]
        )
    plan = summary.plan
    word = f"{len(plan.leaving)} would move" if dry_run else f"{len(summary.moved)} moved"
    invocation.report.say(f"{summary.area}: {word}, {len(plan.kept)} kept by a rule")


def _document(summary: "ReduceSummary") -> dict[str, object]:
    return {
        "area": summary.area,
        "skipped": summary.skipped,
        "error": summary.error.message if summary.error else "",
        "moved": [[*one.target, one.runname] for one in summary.moved],
        "stayed": [
            {"run": [*one.target, one.runname], "reason": one.reason} for one in summary.stayed
        ],
        "plan": [
            {
                "run": [*one.run.target, one.run.runname],
                "moves": one.moves,
                "rule": one.rule,
                "reason": one.reason,
            }
            for one in summary.plan.moves
        ],
    }


def _finish(done: "list[ReduceSummary]", failed: list[Failed]) -> None:
    """Raise what the exit code must tell; an error alone keeps its own code."""
    errors = [*failed, *(Failed(one.area, one.error) for one in done if one.error)]
    stayed = [f"{one.area}: {_told(out)}" for one in done for out in one.stayed]
    if len(errors) == 1 and len(done) + len(failed) == 1 and not any(one.moved for one in done):
        raise errors[0].error
    if errors or stayed:
        told = [f"{one.area}: {one.error.message}" for one in errors]
        raise PartlyDoneError(
            "\n".join(["not all could be moved:", *told, *stayed]), "mtsite reduce -n"
        )


def _told(outcome: "Outcome") -> str:
    name = "/".join([*outcome.target, outcome.runname])
    return f"{name} stays: {outcome.reason}" if outcome.reason else f"{name} moved"


def _name(one: "PlannedMove") -> str:
    return "/".join([*one.run.target, one.run.runname])
