"""The options that choose runs, the same for every command that is about runs."""

import functools
from collections.abc import Callable
from typing import Any

import click

from mtsite.options import parse_age


def _age(_ctx: click.Context, _option: click.Parameter, value: str | None) -> int | None:
    try:
        return None if value is None else parse_age(value)
    except ValueError as reason:
        raise click.BadParameter(str(reason)) from None


_OPTIONS = (
    click.option("--target", default="", metavar="PATTERN", help="Of these targets, as u/%/none."),
    click.option("--runname", default="", metavar="PATTERN", help="With these names, as ww4%."),
    click.option("--older-than", callback=_age, metavar="AGE", help="Silent for so long, as 30d."),
    click.option("--newer-than", callback=_age, metavar="AGE", help="Changed since, as 7d."),
    click.option("--state", default="", metavar="PATTERN", help="With this state of the run."),
    click.option("--status", default="", metavar="PATTERN", help="With this status of the run."),
)
_NAMES = ("target", "runname", "older_than", "newer_than", "state", "status")


def selection_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command `--target --runname --older-than --newer-than --state --status`.

    It is called with all of them as one `selection: Selection`.
    """

    @functools.wraps(command)
    def with_selection(*args: Any, **given: Any) -> Any:
        from mtsite.megatest.selection import Selection

        chosen = Selection(**{name: given.pop(name) for name in _NAMES})
        return command(*args, **given, selection=chosen)

    for option in reversed(_OPTIONS):
        option(with_selection)
    return with_selection
