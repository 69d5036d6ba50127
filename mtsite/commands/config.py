"""`mtsite config`: what the settings are, where each comes from, and whether they can be used."""

from dataclasses import fields
from typing import TYPE_CHECKING

import click

from mtsite.errors import ConfigError
from mtsite.invocation import Invocation, exits

if TYPE_CHECKING:
    from mtsite.config import Config


@click.group()
def command() -> None:
    """Show or check mtsite.toml."""


@command.command("show", epilog=exits())
@click.option("--origin", is_flag=True, help="Say where each value comes from.")
@click.pass_obj
def show(invocation: Invocation, origin: bool) -> None:
    """Print the settings in effect, as TOML keys."""
    config = invocation.config()
    shown = _settings(config)
    if invocation.as_json:
        rows = [
            {"key": key, "value": text, "origin": config.origins.get(key, "default")}
            for key, text in shown.items()
        ]
        invocation.print_json("config", {"file": str(config.file), "settings": rows})
        return
    for key, text in shown.items():
        where = f"  # {config.origins.get(key, 'default')}" if origin else ""
        invocation.print(f"{key} = {text}{where}")


@command.command("check", epilog=exits(10))
@click.pass_obj
def check(invocation: Invocation) -> None:
    """Report every mistake at once, those of the areas' own files included."""
    from mtsite.errors import MtsiteError
    from mtsite.megatest.area import open_area

    config = invocation.config()
    mistakes: list[str] = []
    for area in config.areas.values():
        try:
            found = open_area(area, invocation.environ)
        except MtsiteError as error:
            mistakes.append(error.message)
        else:
            for problem in found.problems:
                invocation.report.warn(f"area {area.name}: {problem}")
    if mistakes:
        raise ConfigError(mistakes, f"edit {config.file} or the area's megatest.config")
    if invocation.as_json:
        invocation.print_json("config-check", {"file": str(config.file), "mistakes": []})
    else:
        invocation.report.say(f"{config.file}: fine, {len(config.areas)} areas")


def _settings(config: "Config") -> dict[str, str]:
    from mtsite.config import SECTIONS, AreaConfig

    shown = {}
    for name, section in SECTIONS.items():
        shown.update(_values(name, section, getattr(config, name)))
    for area in config.areas.values():
        shown.update(_values(f"areas.{area.name}", AreaConfig, area))
    return shown


def _values(prefix: str, section: type, values: object) -> dict[str, str]:
    from mtsite.options import options_of, toml_text

    shown = {
        f"{prefix}.{name}": each.kind.show(getattr(values, each.attribute))
        for name, each in options_of(section).items()
        if getattr(values, each.attribute) is not None or each.default is not None
    }
    for rest in fields(section):
        if "kind" not in rest.metadata and rest.name != "name":
            found = getattr(values, rest.name)
            for number, rule in enumerate(found):
                shown[f"{prefix}.{rest.name}.{number}"] = toml_text(
                    {"name": rule.name, "regex": rule.regex}
                )
    return shown
