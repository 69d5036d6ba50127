"""Writes docs/commands.md and docs/man from the commands, docs/json.md from the schemas.

`make docs` runs it; a test compares.
"""

import json
from pathlib import Path

import click

from mtsite.cli import LazyGroup, group
from mtsite.invocation import EXITS

PAGE = Path(__file__).parent / "commands.md"
JSON_PAGE = Path(__file__).parent / "json.md"
SCHEMAS = Path(__file__).parent / "schemas"
JSON_OPENING = """# JSON documents

Written by `make docs` from the JSON Schemas in docs/schemas. Every document names its form in its
member `schema`, such as `mtsite/run/1`: the number rises when a program that reads it would break,
and a new member alone is no such change. The schemas travel with the package (`mtsite/schemas`);
those of the documents and shards that a site holds are published with it, in
`_assets/v1/schema/`. A shard is a script `mtShard("key", "JSON")`. Times are Unix seconds.
"""
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


def json_page() -> str:
    """The page of all documents."""
    rows = []
    for file in sorted(SCHEMAS.glob("*.json")):
        schema = json.loads(file.read_text("utf-8"))
        members = ", ".join(f"`{name}`" for name in schema["properties"] if name != "schema")
        rows.append(f"| [{schema['$id']}](schemas/{file.name}) | {schema['title']} | {members} |")
    table = "\n".join(["| schema | what it is | members |", "|---|---|---|", *rows])
    return f"{JSON_OPENING}\n{table}\n"


if __name__ == "__main__":
    JSON_PAGE.write_text(json_page(), encoding="utf-8")
    PAGE.write_text(page(), encoding="utf-8")
    import write_man

    write_man.write()
