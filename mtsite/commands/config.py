"""`mtsite config`: what the settings are, where each comes from, and whether they can be used."""

import click

from mtsite.errors import ConfigError
from mtsite.invocation import Invocation, exits


@click.group()
def command() -> None:
    """Show or check mtsite.toml."""


@command.command("show", epilog=exits())
@click.option("--origin", is_flag=True, help="Say where each value comes from.")
@click.pass_obj
def show(invocation: Invocation, origin: bool) -> None:
    """Print the settings in effect, as TOML keys."""
    from mtsite.settingstext import effective_values

    config = invocation.config()
    values = [each for each in effective_values(config) if each[1]]
    if invocation.as_json:
        rows = [{"key": key, "value": text, "origin": where} for key, text, where in values]
        invocation.print_json("config", {"file": str(config.file), "settings": rows})
        return
    for key, text, where in values:
        invocation.print(f"{key} = {text}" + (f"  # {where}" if origin else ""))


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
