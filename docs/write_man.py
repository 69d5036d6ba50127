"""Manual pages from the commands' own help: `mtsite.1`, and one for each command.

`make docs` writes them to docs/man, and the wheel carries them; a test compares.
"""

import re
from collections.abc import Iterator
from pathlib import Path

import click

from mtsite.cli import LazyGroup, group
from mtsite.invocation import EXITS

DIRECTORY = Path(__file__).parent / "man"


def pages() -> dict[str, str]:
    """File name → manual page."""
    context = click.Context(group, info_name="mtsite", help_option_names=["-h", "--help"])
    found = {"mtsite.1": _page("mtsite", group, context)}
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        child = click.Context(command, parent=context, info_name=name)
        found[f"mtsite-{name}.1"] = _page(f"mtsite-{name}", command, child)
    return found


def _page(title: str, command: click.Command, context: click.Context) -> str:
    lines = [f'.TH {_roff(title.upper())} 1 "" mtsite "mtsite manual"', ".SH NAME"]
    lines += [_roff(f"{title} - {command.get_short_help_str(300)}")]
    lines += [".SH SYNOPSIS", *_synopsis(command, context), ".SH DESCRIPTION"]
    lines += _paragraphs(command.help or "")
    lines += _options(command, context)
    if isinstance(command, click.Group):
        lines += _commands(command, context)
    lines += [".SH EXIT STATUS", *_exits(command), ".SH SEE ALSO"]
    lines.append(".BR man (1)" if title == "mtsite" else ".BR mtsite (1)")
    return "\n".join(lines) + "\n"


def _synopsis(command: click.Command, context: click.Context) -> list[str]:
    pieces = " ".join(command.collect_usage_pieces(context))
    return [f".B {_roff(context.command_path)}", _roff(pieces)]


def _paragraphs(text: str) -> Iterator[str]:
    for number, paragraph in enumerate(re.split(r"\n\s*\n", text.strip())):
        if number:
            yield ".PP"
        yield _roff(" ".join(paragraph.replace("\b", "").split()))


def _options(command: click.Command, context: click.Context) -> Iterator[str]:
    records = [param.get_help_record(context) for param in command.get_params(context)]
    if any(records):
        yield ".SH OPTIONS"
    for record in filter(None, records):
        yield from (".TP", f".B {_roff(record[0])}", _roff(record[1]))


def _commands(command: click.Group, context: click.Context) -> Iterator[str]:
    yield ".SH COMMANDS"
    for name in command.list_commands(context):
        child = command.get_command(context, name)
        assert child is not None
        if isinstance(command, LazyGroup):
            yield from (".TP", f".BR {_roff(f'mtsite-{name}')} (1)")
            yield _roff(child.get_short_help_str(300))
            continue
        inner = click.Context(child, parent=context, info_name=name)
        pieces = " ".join(child.collect_usage_pieces(inner))
        yield from (
            ".SS " + _roff(f"{inner.command_path} {pieces}"),
            *_paragraphs(child.help or ""),
        )
        for param in child.get_params(inner):
            if record := param.get_help_record(inner):
                yield from (".TP", f".B {_roff(record[0])}", _roff(record[1]))


def _exits(command: click.Command) -> Iterator[str]:
    told = re.findall(r"(\d+) ", (command.epilog or "").partition("Exit codes: ")[2])
    codes = [code for code in EXITS if str(code) in told] or list(EXITS)
    for code in codes:
        yield from (".TP", f".B {code}", _roff(EXITS[code]))


def _roff(text: str) -> str:
    """Text that roff shows as it is."""
    safe = text.replace("\\", "\\e").replace("-", "\\-").replace("\n", " ")
    return f"\\&{safe}" if safe[:1] in {".", "'"} else safe


def write() -> None:
    """Bring docs/man in line with the commands."""
    DIRECTORY.mkdir(exist_ok=True)
    made = pages()
    for path in DIRECTORY.glob("*.1"):
        if path.name not in made:
            path.unlink()
    for name, text in made.items():
        (DIRECTORY / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    write()
