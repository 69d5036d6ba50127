"""`mtsite area`: what the areas of this site are, as they stand now."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import click
from msgspec import Struct, to_builtins
from msgspec.structs import asdict, replace

from mtsite.commands.selection import require_areas
from mtsite.errors import AreaUnreadableError, NoDatabaseError, PartlyDoneError
from mtsite.invocation import Invocation, exits

if TYPE_CHECKING:
    from mtsite.config import AreaConfig
    from mtsite.megatest.survey import SurveyedTest

SHOWN_ITEMS = 60
"""Characters of item paths in one line of the list of tests."""


class TestLine(Struct, frozen=True):
    """What is told of one test; `items` are cut at a thousand, `item_count` is all of them.

    `waiton` and `item_count` are None where they can't be told, which a problem explains.
    """

    name: str
    path: str
    owner: str
    waiton: tuple[str, ...] | None
    iterated: bool
    item_count: int | None
    items: tuple[str, ...]
    problems: tuple[str, ...]


class AreaFacts(Struct, frozen=True):
    """What is told of one area; `error` says why nothing, or not all, could be read.

    `rows` says in which databases its rows lie, `moves` whether runs may leave them.
    """

    name: str
    path: str
    error: str = ""
    generation: str = ""
    rows: str = ""
    moves: str = ""
    keys: tuple[str, ...] = ()
    runs: int = 0
    linktree: str = ""
    databases: tuple[str, ...] = ()
    homehost: str = ""
    allow_runs: bool = True
    problems: tuple[str, ...] = ()
    tests: tuple[TestLine, ...] = ()


@click.group()
def command() -> None:
    """Look at the areas of this site."""


@command.command("ls", epilog=exits(3))
@click.pass_obj
def ls(invocation: Invocation) -> None:
    """One line per area: generation, keys, runs, where it lies."""
    found = [_facts(area, invocation.environ) for area in invocation.config().areas.values()]
    if invocation.as_json:
        invocation.print_json("area-list", {"areas": [_listed(one) for one in found]})
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


@command.command("show", epilog=exits(3, 10, 11))
@click.argument("area", metavar="AREA")
@click.option("--target", metavar="A/B/…", default="", help="Read the tests as for this target.")
@click.pass_obj
def show(invocation: Invocation, area: str, target: str) -> None:
    """Everything about one area: databases, linktree, homehost, tests, problems.

    An area without a database yet is shown by its configuration alone. Each test comes with its
    items and what it waits for, or with what of that is not known, where and why.
    """
    config = invocation.config()
    require_areas(config, [area])
    found = _with_tests(config.areas[area], invocation.environ, target)
    if found.error and not found.generation:
        raise AreaUnreadableError(found.error, "mtsite config check")
    if invocation.as_json:
        invocation.print_json("area", to_builtins(found, enc_hook=str))
    else:
        _print_facts(invocation, found)
    if found.error:
        raise PartlyDoneError(found.error, "mtsite build shows the runs that can be read")


def _print_facts(invocation: Invocation, found: AreaFacts) -> None:
    rows = []
    for name, told in asdict(found).items():
        if name != "tests":
            lines = told if isinstance(told, tuple) and name != "keys" else [_one_line(told)]
            rows += [(f"{name}:", line) for line in lines if line != ""]
    invocation.print_table([*rows, ("tests:", len(found.tests))])
    if found.tests:
        invocation.print("")
        head = ("test", "owner", "waits for", "items", "")
        invocation.print_table([head, *map(_row, found.tests)])
    told = [problem for one in found.tests for problem in one.problems]
    if told:
        invocation.print("\n" + "\n".join(told))


def _row(one: TestLine) -> tuple[object, ...]:
    shown = " ".join(one.items)
    cut = shown if len(shown) <= SHOWN_ITEMS else f"{shown[:SHOWN_ITEMS]}…"
    count = "" if not one.iterated else "?" if one.item_count is None else one.item_count
    return one.name, one.owner, "?" if one.waiton is None else " ".join(one.waiton), count, cut


def _listed(one: AreaFacts) -> dict[str, object]:
    return {name: told for name, told in asdict(one).items() if name != "tests"}


def _one_line(told: object) -> str:
    if isinstance(told, tuple):
        return "/".join(told)
    return {True: "yes", False: "no"}.get(told, "") if isinstance(told, bool) else str(told)


def _with_tests(settings: "AreaConfig", environ: Mapping[str, str], target: str) -> AreaFacts:
    from mtsite.megatest.area import open_area
    from mtsite.megatest.configuration import read_configuration
    from mtsite.megatest.survey import missing_includes, survey, unknown_roots

    configuration = read_configuration(settings, environ)
    try:
        open_area(settings, environ)
    except NoDatabaseError:
        found = AreaFacts(
            name=settings.name,
            path=str(configuration.path),
            generation="no database yet",
            keys=configuration.fields,
            linktree=str(configuration.linktree or ""),
            homehost=configuration.homehost,
            allow_runs=configuration.allow_runs,
            problems=configuration.problems,
        )
    else:
        found = _facts(settings, environ)
    config = configuration.config
    absent = [*missing_includes(config), *unknown_roots(settings.name, config)]
    if not found.keys:
        absent.append(f"{config.path}: no [fields], so no keys")
    values = [value for value in target.split("/") if value]
    tests = survey(settings, configuration, environ, values)
    return replace(found, problems=(*found.problems, *absent), tests=tuple(map(_line, tests)))


def _line(one: "SurveyedTest") -> TestLine:
    said = one.read.definition
    return TestLine(
        name=one.read.name,
        path=str(one.read.path),
        owner=said.owner,
        waiton=None if one.read.waiton_unknown else said.waiton,
        iterated=said.iterated,
        item_count=None if one.read.items_unknown else said.item_count,
        items=said.items,
        problems=one.problems,
    )


def _facts(settings: "AreaConfig", environ: Mapping[str, str]) -> AreaFacts:
    from mtsite.megatest import merge, movable

    (listing,) = merge.list_areas([settings], environ)
    area = listing.area
    if area is None:
        return AreaFacts(settings.name, str(settings.path), listing.error)
    generation = area.generation
    places = (generation.runs_in, generation.tests_in, generation.steps_in)
    return AreaFacts(
        name=settings.name,
        path=str(area.path),
        error=listing.error,
        generation=f"{generation.name} ({generation.versions})",
        rows="runs in {}, tests in {}, steps in {}".format(*places),
        moves=movable.why_unmovable(area) or "yes",
        keys=area.fields,
        runs=sum(not (head.gone or head.moved_to) for head in listing.heads),
        linktree=str(area.linktree or ""),
        databases=tuple(str(path) for path in area.databases),
        homehost=area.homehost,
        allow_runs=area.allow_runs,
        problems=listing.problems,
    )
