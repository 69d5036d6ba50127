"""`mtsite area`: what the areas of this site are, as they stand now."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import click

from mtsite.errors import AreaUnreadableError, MissingError, PartlyDoneError
from mtsite.invocation import Invocation, exits

if TYPE_CHECKING:
    from mtsite.config import AreaConfig


@dataclass(frozen=True)
class AreaFacts:
    """What is told of one area; `error` says why nothing more could be read."""

    name: str
    path: str
    error: str = ""
    generation: str = ""
    keys: tuple[str, ...] = ()
    runs: int = 0
    linktree: str = ""
    databases: tuple[str, ...] = ()
    homehost: str = ""
    allow_runs: bool = True
    problems: tuple[str, ...] = ()


@click.group()
def command() -> None:
    """Look at the areas of this site."""


@command.command("ls", epilog=exits(3))
@click.pass_obj
def ls(invocation: Invocation) -> None:
    """One line per area: generation, keys, runs, where it lies."""
    found = [_facts(area, invocation.environ) for area in invocation.config().areas.values()]
    if invocation.as_json:
        invocation.print_json("area-list", {"areas": [vars(one) for one in found]})
    else:
        head = ("area", "generation", "keys", "runs", "path")
        rows = [
            (one.name, one.generation or "?", "/".join(one.keys), one.runs, one.path)
            for one in found
        ]
        invocation.print_table([head, *rows])
    unreadable = [one.error for one in found if one.error]
    if unreadable:
        raise PartlyDoneError("\n".join(unreadable), "mtsite config check")


@command.command("show", epilog=exits(10, 11))
@click.argument("area", metavar="AREA")
@click.pass_obj
def show(invocation: Invocation, area: str) -> None:
    """Everything about one area: databases, linktree, homehost, problems."""
    areas = invocation.config().areas
    if area not in areas:
        raise MissingError(f"no area {area} in this site", "mtsite area ls")
    found = _facts(areas[area], invocation.environ)
    if found.error:
        raise AreaUnreadableError(found.error, "mtsite config check")
    if invocation.as_json:
        invocation.print_json("area", vars(found))
        return
    rows = []
    for name, told in vars(found).items():
        lines = told if isinstance(told, tuple) and name != "keys" else [_one_line(told)]
        rows += [(f"{name}:", line) for line in lines if line != ""]
    invocation.print_table(rows)


def _one_line(told: object) -> str:
    if isinstance(told, tuple):
        return "/".join(told)
    return {True: "yes", False: "no"}.get(told, "") if isinstance(told, bool) else str(told)


def _facts(settings: "AreaConfig", environ: Mapping[str, str]) -> AreaFacts:
    from mtsite.megatest import database, merge, schema

    (listing,) = merge.list_areas([settings], environ)
    area = listing.area
    if area is None or listing.error:
        return AreaFacts(settings.name, str(settings.path), listing.error)
    with database.reading(area.databases[0]) as connection:
        generation = schema.detect(connection)
    return AreaFacts(
        name=settings.name,
        path=str(area.path),
        generation=f"{generation.name} ({generation.versions})",
        keys=area.fields,
        runs=len(listing.heads),
        linktree=str(area.linktree or ""),
        databases=tuple(str(path) for path in area.databases),
        homehost=area.homehost,
        allow_runs=area.allow_runs,
        problems=(*area.problems, *listing.problems),
    )
