"""Writes docs/commands.md from the commands themselves; `make docs` runs it, a test checks it."""

from pathlib import Path

import click

from mtsite.cli import LazyGroup, group
from mtsite.invocation import EXITS

PAGE = Path(__file__).parent / "commands.md"
OPENING = """# Commands

Written by `make docs` from the commands' own help. Data goes to stdout, talk to stderr; `--json`
prints one document with `"schema": "mtsite/NAME/1"`. Settings come from `mtsite.toml`, found by
walking up from the current directory, or from `--config`, or from `MTSITE_CONFIG`; a variable such
as `MTSITE_SITE_TITLE` wins over the file. `NO_COLOR` is respected.
"""


def page() -> str:
    """The whole page."""
    parts = [OPENING, _exit_codes(), _section("mtsite", group, None)]
    context = click.Context(group, info_name="mtsite", max_content_width=100)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        parts += _sections(f"mtsite {name}", command, context)
    return "\n".join(parts)


def _sections(path: str, command: click.Command, parent: click.Context) -> list[str]:
    found = [_section(path, command, parent)]
    if isinstance(command, click.Group) and not isinstance(command, LazyGroup):
        context = click.Context(command, parent=parent, info_name=path.rpartition(" ")[2])
        for name, child in command.commands.items():
            found += _sections(f"{path} {name}", child, context)
    return found


def _section(path: str, command: click.Command, parent: click.Context | None) -> str:
    context = click.Context(
        command,
        parent=parent,
        info_name=path.rpartition(" ")[2],
        terminal_width=100,
        max_content_width=100,
        help_option_names=["-h", "--help"],
    )
    return f"## {path}\n\n```text\n{command.get_help(context)}\n```\n"


def _exit_codes() -> str:
    rows = "\n".join(f"| {code} | {meaning} |" for code, meaning in EXITS.items())
    return f"## Exit codes\n\n| code | meaning |\n|--:|---|\n{rows}\n"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
