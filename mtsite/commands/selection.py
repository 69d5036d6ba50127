"""The options that choose runs, the same for every command that is about runs."""

import functools
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

import click

from mtsite.errors import MissingError
from mtsite.invocation import FORM, Invocation
from mtsite.options import parse_age

if TYPE_CHECKING:
    from mtsite.config import Config
    from mtsite.megatest.selection import Selection


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


def warn_of_target(
    invocation: Invocation, selection: "Selection", targets: Iterable[Sequence[str]]
) -> None:
    """Nothing was chosen of these targets: say so where the pattern lacks parts."""
    keys = min((len(target) for target in targets), default=0)
    if told := selection.parts_lacking(keys):
        invocation.report.warn(told)


def form_option(flag: str, form: str, sentence: str) -> Callable[..., Any]:
    """A flag that chooses the form of what is printed; the command gets `form`, or None.

    One call has one form: two of these flags, or one beside --json, are a mistake.
    """

    def choose(context: click.Context, option: click.Parameter, chosen: bool) -> None:
        context.params.setdefault("form", None)
        if not chosen:
            return
        others = ["--json"] if context.ensure_object(Invocation).as_json else []
        others += [context.meta[FORM]] if FORM in context.meta else []
        if others:
            raise click.UsageError(f"{others[0]} and {flag} are two forms: choose one", context)
        context.meta[FORM] = flag
        context.params["form"] = form

    return click.option(flag, is_flag=True, expose_value=False, callback=choose, help=sentence)


def require_areas(config: "Config", names: Iterable[str]) -> None:
    """Make sure that the site has areas of these names.

    Raises:
        MissingError: it has not; the nearest name is told.
    """
    unknown = [name for name in names if name not in config.areas]
    if unknown:
        import difflib

        close = difflib.get_close_matches(unknown[0], list(config.areas), n=1)
        meant = f"; did you mean {close[0]}?" if close else ""
        raise MissingError(f"no area {', '.join(unknown)} in this site{meant}", "mtsite area ls")
