"""`mtsite config`: what the settings are, where each comes from, and whether they can be used."""

from typing import TYPE_CHECKING

import click

from mtsite.amounts import plural
from mtsite.commands.selection import require_areas
from mtsite.errors import ConfigError, UsageError
from mtsite.invocation import Invocation, exits

if TYPE_CHECKING:
    from mtsite.config import Config


@click.group()
def command() -> None:
    """Show or check mtsite.toml."""


@command.command("show", epilog=exits(10))
@click.option("--origin", is_flag=True, help="Say where each value comes from.")
@click.option("--area", metavar="AREA", default="", help="Show this area's megatest.config.")
@click.option("--target", metavar="A/B/…", default="", help="As for this target (with --area).")
@click.option("--test", metavar="TEST", default="", help="Show its testconfig (with --area).")
@click.pass_obj
def show(invocation: Invocation, origin: bool, area: str, target: str, test: str) -> None:
    """Print the settings in effect, as TOML keys.

    With --area the values of an area's own files, includes and all: megatest.config, and with a
    target what runconfigs.config says for it; or the testconfig of one test.
    """
    from mtsite.settingstext import effective_values

    config = invocation.config()
    if area:
        rows = _area_values(invocation, config, area, target, test)
    elif target or test:
        raise UsageError("--target and --test belong to --area", "mtsite area ls")
    else:
        rows = [
            {"key": key, "value": text, "origin": where}
            for key, text, where in effective_values(config)
            if text
        ]
    if invocation.as_json:
        invocation.print_json("config", {"file": str(config.file), "settings": rows})
        return
    for row in rows:
        notes = [str(row["origin"])] if origin else []
        notes += [str(row["unknown"])] if row.get("unknown") else []
        invocation.print(f"{row['key']} = {row['value']}" + "".join(f"  # {n}" for n in notes))


def _area_values(
    invocation: Invocation, config: "Config", area: str, target: str, test: str
) -> list[dict[str, object]]:
    from mtsite.megatest import effective
    from mtsite.options import toml_key, toml_text

    require_areas(config, [area])
    settings, environ = config.areas[area], invocation.environ
    values = [value for value in target.split("/") if value]
    if test:
        found = effective.of_test(settings, environ, values, test)
    else:
        found = effective.of_area(settings, environ, values)
    for problem in found.problems:
        invocation.report.warn(problem)
    rows: list[dict[str, object]] = []
    for one in found.values:
        given = ".".join(map(toml_key, ["areas", area, *one.given]))
        row: dict[str, object] = {
            "key": f"{toml_key(one.section)}.{toml_key(one.key)}",
            "value": toml_text(one.text),
            "origin": config.origins.get(given, one.origin) if one.given else one.origin,
        }
        row |= {"replaced": list(one.replaced)} if one.replaced else {}
        row |= {"unknown": one.unknown} if one.unknown else {}
        rows.append(row)
    return rows


@command.command("check", epilog=exits(10))
@click.pass_obj
def check(invocation: Invocation) -> None:
    """Report every mistake at once, those of annotations/ and of the areas' own files included."""
    from mtsite.annotations import load_annotations
    from mtsite.errors import MtsiteError
    from mtsite.megatest.area import open_area

    config = invocation.config()
    mistakes = list(load_annotations(config.root).mistakes)
    for area in config.areas.values():
        try:
            found = open_area(area, invocation.environ)
        except MtsiteError as error:
            mistakes.append(error.message)
        else:
            for problem in found.problems:
                invocation.report.warn(f"area {area.name}: {problem}")
    if mistakes:
        raise ConfigError(
            mistakes, f"edit {config.file}, annotations/ or the area's megatest.config"
        )
    if invocation.as_json:
        invocation.print_json("config-check", {"file": str(config.file), "mistakes": []})
    else:
        invocation.report.say(f"{config.file}: fine, {plural(len(config.areas), 'area')}")
