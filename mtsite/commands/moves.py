"""What the commands that move runs have in common: which areas, on which terms, how it is told."""

import time
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, TypeVar

from mtsite.commands.selection import require_areas
from mtsite.errors import MtsiteError, PartlyDoneError, UnmovableError
from mtsite.invocation import Invocation

if TYPE_CHECKING:
    from mtsite.archive.execute import Outcome
    from mtsite.archive.job import Job, MoveSummary
    from mtsite.archive.plan import PlannedMove
    from mtsite.config import AreaConfig, Config
    from mtsite.megatest.selection import Selection

S = TypeVar("S", bound="MoveSummary")


def move_each(
    invocation: Invocation, names: tuple[str, ...], made: type[S], move: "Callable[[AreaConfig], S]"
) -> list[S]:
    """Move in each of these areas, all where none is named; one that fails stops no other.

    An area whose generation is only read fails where it is named, and is passed over elsewhere.
    """
    summaries = []
    for settings in chosen_areas(invocation.config(), names):
        try:
            summaries.append(move(settings))
        except MtsiteError as error:
            if isinstance(error, UnmovableError) and settings.name not in names:
                invocation.report.say(f"{settings.name}: skipped, {error.message}")
            else:
                summaries.append(made(settings.name, error=error))
    return summaries


def finish(
    invocation: Invocation,
    name: str,
    summaries: "Sequence[MoveSummary]",
    document: Callable[[], dict[str, object]],
) -> None:
    """Print the document where one is asked for, then raise what the exit code must tell.

    Raises:
        MtsiteError: as it is, where the one area failed before anything had moved.
        PartlyDoneError: something else could not be moved; all of it is listed.
    """
    errors = [(one.area, one.error) for one in summaries if one.error is not None]
    if len(errors) == len(summaries) == 1 and not summaries[0].moved:
        raise errors[0][1]
    if invocation.as_json:
        invocation.print_json(name, document())
    stayed = [f"{one.area}: {told(out)}" for one in summaries for out in one.stayed]
    if errors or stayed:
        lines = [f"{area}: {error.message}{_way_out(error)}" for area, error in errors]
        message = "\n".join(["not all could be moved:", *lines, *stayed])
        raise PartlyDoneError(message, f"mtsite {name} -n")


def _way_out(error: MtsiteError) -> str:
    return f" ({error.hint})" if error.hint else ""


def chosen_areas(config: "Config", names: tuple[str, ...]) -> "list[AreaConfig]":
    """The areas of these names, all where none is named.

    Raises:
        MissingError: the site has no such area.
    """
    require_areas(config, names)
    return [config.areas[name] for name in dict.fromkeys(names or config.areas)]


def move_job(
    invocation: Invocation,
    *,
    dry_run: bool,
    area_db_only: bool,
    vacuum: bool = False,
    chosen: "Selection | None" = None,
) -> "Job":
    """The terms of this call, with the holds of the site."""
    from mtsite.archive.job import Job, Wishes
    from mtsite.holds import load_holds
    from mtsite.megatest.selection import Selection

    config = invocation.config()
    return Job(
        areas=config.areas,
        rules=config.reduce,
        now=int(time.time()),
        state_dir=config.state_dir,
        wishes=Wishes(chosen or Selection(), load_holds(config.root), area_db_only, vacuum),
        dry_run=dry_run,
        report=lambda outcome: invocation.report.say(f"  {told(outcome)}"),
        environ=invocation.environ,
    )


def told(outcome: "Outcome") -> str:
    """One run in words."""
    name = "/".join([*outcome.target, outcome.runname])
    return f"{name} stays: {outcome.reason}" if outcome.reason else f"{name} moved"


def print_plan(invocation: Invocation, area: str, moves: "Iterable[PlannedMove]") -> None:
    """Every run with the rule that moves or keeps it."""
    invocation.print_table(
        [(area, run_name(one), _verdict(one), one.rule, one.reason) for one in moves]
    )


def _verdict(one: "PlannedMove") -> str:
    if not one.moves:
        return "stays"
    return f"moves to {one.destination}" if one.destination else "moves"


def run_name(one: "PlannedMove") -> str:
    """Target and runname."""
    return "/".join([*one.run.target, one.run.runname])


def outcome_document(one: "MoveSummary") -> dict[str, object]:
    """What moved and what stayed in one area, for programs."""
    return {
        "area": one.area,
        "skipped": one.skipped,
        "error": one.error.message if one.error else "",
        "hint": one.error.hint if one.error else "",
        "moved": [[*out.target, out.runname] for out in one.moved],
        "stayed": [{"run": [*out.target, out.runname], "reason": out.reason} for out in one.stayed],
    }


def plan_document(moves: "Sequence[PlannedMove]") -> list[dict[str, object]]:
    """Every run with its rule, for programs."""
    return [
        {
            "run": [*one.run.target, one.run.runname],
            "moves": one.moves,
            "rule": one.rule,
            "reason": one.reason,
            "destination": one.destination,
        }
        for one in moves
    ]
