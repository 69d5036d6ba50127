"""The `mtsite` command: options that all commands share, exit codes, how errors are shown.

A command is loaded when it is called: `mtsite --version` must not pay for boto3, Jinja or rich.
"""

import atexit
import errno
import gc
import os
import signal
import sys
from importlib import import_module
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn

import click

from mtsite import __version__
from mtsite.amounts import plural
from mtsite.errors import MtsiteError
from mtsite.invocation import FORM, Invocation
from mtsite.refused import what_and_what_next
from mtsite.terminal import plain

COMMANDS = (
    "demo init doctor status config area ingest reduce restore migrate automigrate homehost explain"
    " hold annotations retain purge archive build check serve destination publish nightly"
    " schedule link log run anonymize gate completion"
).split()
"""In the order in which a new user meets them; `mtsite/commands/NAME.py` has `command`."""

SQLITE_FULL = 13
"""What SQLite says on a full disk (sqlite3.SQLITE_FULL); not every command loads it."""

HEAD_LINES, TAIL_LINES = 24, 6
"""How much of a long message is shown without -v."""


class LazyGroup(click.Group):
    """A group whose commands lie in `mtsite.commands`, one module each."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """All commands, in the order of `COMMANDS`."""
        return list(COMMANDS)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """As click does it; its advice about a name that isn't known needs all names."""
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as unknown:
            if args[0].startswith("-"):
                raise
            import difflib

            close = difflib.get_close_matches(args[0], COMMANDS, n=1)
            meant = f" Did you mean '{close[0]}'?" if close else ""
            raise click.UsageError(f"{unknown.message}{meant}", ctx) from None

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the command of that name; options that all share are added to it."""
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = import_module(f"mtsite.commands.{cmd_name}").command
        _share_options(command)
        return command


def _share_options(command: click.Command) -> None:
    if isinstance(command, click.Group):
        for child in command.commands.values():
            _share_options(child)
        return
    taken = {name for param in command.params for name in (param.name, *param.opts)}
    for option in _shared_options():
        if not taken.intersection(option.opts):
            command.params.append(option)


def _shared_options() -> list[click.Option]:
    return [
        click.Option(
            ["--json", "as_json"],
            is_flag=True,
            expose_value=False,
            callback=_set_json,
            help="Print one JSON document.",
        ),
        click.Option(
            ["-q", "--quiet"],
            count=True,
            expose_value=False,
            callback=_quieter,
            help="Say nothing but what went wrong.",
        ),
        click.Option(
            ["-v", "--verbose"],
            count=True,
            expose_value=False,
            callback=_louder,
            help="Say more.",
        ),
    ]


def _set_json(ctx: click.Context, _: click.Parameter, value: bool) -> None:
    if value and FORM in ctx.meta:
        raise click.UsageError(f"{ctx.meta[FORM]} and --json are two forms: choose one", ctx)
    if value:
        ctx.ensure_object(Invocation).as_json = True


def _quieter(ctx: click.Context, _: click.Parameter, value: int) -> None:
    ctx.ensure_object(Invocation).set_verbosity(-value)


def _louder(ctx: click.Context, _: click.Parameter, value: int) -> None:
    ctx.ensure_object(Invocation).set_verbosity(value)


@click.group(
    cls=LazyGroup,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    params=_shared_options(),
    epilog="Start with: mtsite demo. Exit codes stand in each command's help.",
)
@click.option(
    "--config",
    "config_file",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="The site's mtsite.toml; else MTSITE_CONFIG, else found by walking up.",
)
@click.version_option(__version__, message="mtsite %(version)s")
@click.pass_context
def group(ctx: click.Context, config_file: Path | None) -> None:
    """Regression results of Megatest as a permanent, static website."""
    ctx.ensure_object(Invocation).config_file = config_file


def program() -> NoReturn:
    """`main` as a process of its own, which ends at once.

    To take five hundred modules apart one by one lasts as long as a twelfth of a build with one
    new run. Workers and locks are closed by now; what was registered for the end is done.
    """
    try:
        main()
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 1
        atexit._run_exitfuncs()
        try:
            sys.stdout.flush()
            sys.stderr.flush()
        except OSError:
            code = code or 1
        os._exit(code)


def main(arguments: list[str] | None = None) -> NoReturn:
    """Run a command and leave with its exit code; a traceback means a bug."""
    # Rows by the ten thousand and no cycles among them: looking for some is a fifth of the time.
    gc.set_threshold(100_000, 20, 100)
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _stop)
    invocation = Invocation()
    try:
        code = run(arguments, invocation)
    finally:
        invocation.report.close()
    sys.exit(code)


def run(arguments: list[str] | None, invocation: Invocation) -> int:
    """Run a command; expected trouble becomes a message and an exit code."""
    try:
        returned: Any = group.main(
            arguments, prog_name="mtsite", standalone_mode=False, obj=invocation
        )
    except click.exceptions.Exit as finished:
        return finished.exit_code
    except click.ClickException as mistake:
        mistake.show()
        # Words that can't be read may hide --json from the parser: it is looked for in all of them.
        if invocation.as_json or "--json" in (sys.argv[1:] if arguments is None else arguments):
            _print_mistake(invocation, mistake)
        return mistake.exit_code
    except click.Abort:
        _show(invocation, "stopped", "")
        return 130
    except MtsiteError as error:
        _show(invocation, error.message, error.hint, error.exit_code)
        return error.exit_code
    except BrokenPipeError:
        # Whoever read stdout has enough (`… | head`): what is left has nowhere to go.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except OSError as error:
        told = what_and_what_next(error)
        if told is None or invocation.verbosity > 0:
            raise
        _show(invocation, *told, 1)
        return 1
    except Exception as error:
        if getattr(error, "sqlite_errorcode", None) != SQLITE_FULL or invocation.verbosity > 0:
            raise
        told = what_and_what_next(OSError(errno.ENOSPC, "no room for a database"))
        assert told is not None
        _show(invocation, *told, 1)
        return 1
    return returned if isinstance(returned, int) else 0


def _print_mistake(invocation: Invocation, mistake: click.ClickException) -> None:
    context = getattr(mistake, "ctx", None)
    hint = f"{context.command_path} --help" if context is not None else ""
    told = {"message": mistake.format_message(), "hint": hint, "exit_code": mistake.exit_code}
    invocation.print_json("error", told)


def _show(invocation: Invocation, message: str, hint: str, exit_code: int | None = None) -> None:
    invocation.report.close()
    lines = [plain(line) for line in message.split("\n")]
    if invocation.verbosity <= 0 and len(lines) > HEAD_LINES + TAIL_LINES:
        cut = len(lines) - HEAD_LINES - TAIL_LINES
        lines[HEAD_LINES:-TAIL_LINES] = [f"... {plural(cut, 'more line')}; -v shows all"]
    print("\n".join([f"error: {lines[0]}", *(f"  {line}" for line in lines[1:])]), file=sys.stderr)
    if hint:
        print(f"  try: {plain(hint)}", file=sys.stderr)
    if invocation.as_json and not invocation.told_json and exit_code is not None:
        invocation.print_json("error", {"message": message, "hint": hint, "exit_code": exit_code})


def _stop(number: int, _: FrameType | None) -> NoReturn:
    """Leave through all `finally` blocks, so that locks are let go."""
    sys.exit(128 + number)
