"""What the commands that move runs have in common: which areas, how outcomes are told."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from mtsite.errors import MissingError, MtsiteError, PartlyDoneError
from mtsite.invocation import Invocation

if TYPE_CHECKING:
    from mtsite.archive.execute import Outcome
    from mtsite.archive.plan import PlannedMove
    from mtsite.archive.reduce import Wishes
    from mtsite.config import AreaConfig, Config
    from mtsite.megatest.selection import Selection


class Summary(Protocol):
    """What a verb tells of one area."""

    @property
    def area(self) -> str:
        """Its name."""

    @property
    def moved(self) -> "tuple[Outcome, ...]":
        """Runs that moved."""

    @property
    def stayed(self) -> "tuple[Outcome, ...]":
        """Runs that were to move and did not."""

    @property
    def error(self) -> MtsiteError | None:
        """What ended it early."""


@dataclass
class Told:
    """What became of all areas; `failed` are those in which nothing was done, and why."""

    command: str
    done: list[Summary] = field(default_factory=list)
    failed: list[tuple[str, MtsiteError]] = field(default_factory=list)

    def finish(self) -> None:
        """Raise what the exit code must tell; an error alone keeps its own code."""
        early = [(one.area, one.error) for one in self.done if one.error is not None]
        errors = [*self.failed, *early]
        stayed = [f"{one.area}: {told(out)}" for one in self.done for out in one.stayed]
        moved = any(one.moved for one in self.done)
        if len(errors) == 1 and len(self.done) + len(self.failed) == 1 and not moved:
            raise errors[0][1]
        if errors or stayed:
            lines = [f"{area}: {error.message}{_way_out(error)}" for area, error in errors]
            raise PartlyDoneError(
                "\n".join(["not all could be moved:", *lines, *stayed]), f"{self.command} -n"
            )


def _way_out(error: MtsiteError) -> str:
    return f" ({error.hint})" if error.hint else ""


def chosen_areas(config: "Config", names: tuple[str, ...]) -> "list[AreaConfig]":
    """The areas of these names, all where none is named.

    Raises:
        MissingError: the site has no such area.
    """
    unknown = [name for name in names if name not in config.areas]
    if unknown:
        raise MissingError(f"no area {', '.join(unknown)} in this site", "mtsite area ls")
    return [config.areas[name] for name in dict.fromkeys(names or config.areas)]


def wishes(
    config: "Config", chosen: "Selection | None" = None, *, area_db_only: bool, vacuum: bool = False
) -> "Wishes":
    """What was asked for, with the holds of the site."""
    from mtsite.archive.reduce import Wishes
    from mtsite.holds import load_holds
    from mtsite.megatest.selection import Selection

    holds = load_holds(config.root)
    return Wishes(chosen or Selection(), holds, area_db_only, vacuum)


def told(outcome: "Outcome") -> str:
    """One run in words."""
    name = "/".join([*outcome.target, outcome.runname])
    return f"{name} stays: {outcome.reason}" if outcome.reason else f"{name} moved"


def print_plan(invocation: Invocation, area: str, moves: "Iterable[PlannedMove]") -> None:
    """Every run with the rule that moves or keeps it."""
    invocation.print_table([(area, run_name(one), _verdict(one), one.reason) for one in moves])


def _verdict(one: "PlannedMove") -> str:
    if not one.moves:
        return "stays"
    return f"moves to {one.destination}" if one.destination else "moves"


def run_name(one: "PlannedMove") -> str:
    """Target and runname."""
    return "/".join([*one.run.target, one.run.runname])


def outcome_document(one: Summary) -> dict[str, object]:
    """What moved and what stayed, for programs."""
    return {
        "error": one.error.message if one.error else "",
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
