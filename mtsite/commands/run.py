"""`mtsite run`: runs over all databases of the areas, as table, JSON, CSV or Megatest's lines."""

import os
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mtsite import csvtext
from mtsite.commands import runannotate, rundiff
from mtsite.commands.selection import (
    form_option,
    require_areas,
    selection_options,
    warn_of_target,
)
from mtsite.errors import PartlyDoneError, UsageError
from mtsite.invocation import Invocation, exits
from mtsite.refused import naming
from mtsite.terminal import plain, table

if TYPE_CHECKING:
    from mtsite.config import Config
    from mtsite.export.columns import Columns
    from mtsite.export.runs import ShownRun
    from mtsite.export.wanted import Wanted
    from mtsite.megatest.reader import RunHead
    from mtsite.megatest.runlist import RunList
    from mtsite.megatest.selection import Selection

_AREA = click.option("--area", "areas", multiple=True, metavar="AREA", help="Of this area.")
_LIVE = click.option("--live-only", is_flag=True, help="Of megatest.db alone.")
PAGE = 500
"""So many rows of a table share the widths of their columns: the first are there at once."""


@click.group()
def command() -> None:
    """Look at runs: megatest.db, completed-runs.db and satellites, each run once."""


command.add_command(rundiff.command)
command.add_command(runannotate.command)


@command.command("ls", epilog=exits(3, 10))
@selection_options
@_AREA
@_LIVE
@click.option("--fields", metavar="SPEC", help="Columns, as runs:runname,state+tests:; help: list.")
@form_option("--csv", "csv", "As CSV.")
@form_option("--lines", "lines", "As Megatest's -list-runs prints them.")
@click.argument("terms", nargs=-1, metavar="[FILTER...]")
@click.pass_obj
def ls(
    invocation: Invocation,
    selection: "Selection",
    areas: tuple[str, ...],
    live_only: bool,
    fields: str | None,
    form: str | None,
    terms: tuple[str, ...],
) -> None:
    """List runs, oldest first; deleted ones only if --state asks for them.

    FILTER is the language of the pages (docs/filter.md): s:fail 'target:v1.6/%' since:7d !@gates
    lists failing runs of these targets of a week, without those of a contour.

    --fields takes Megatest's -fields: groups runs, tests, steps, data; `tests:` alone has all
    columns of tests, a group that is not named is not shown.
    """
    from mtsite.export import columns as known
    from mtsite.export import lines, runs

    if fields == "help":
        invocation.print("\n".join(f"{g}: {', '.join(names)}" for g, names in known.GROUPS.items()))
        return
    config = invocation.config()
    wanted = _wanted(config, " ".join(terms))
    found = _runs(invocation, config, areas, live_only=live_only)
    spec = fields if fields is not None else lines.DEFAULTS if form == "lines" else None
    chosen = known.Columns() if spec is None else known.parse_columns(spec, found.keys())
    with runs.RunReading(config, _now()) as reading:
        heads = _heads(invocation, found, selection)
        shown = runs.read_chosen(reading, found, heads, chosen, wanted)
        _print(invocation, shown, chosen, form)
    _finish(found)


@command.command("show", epilog=exits(10))
@_LIVE
@form_option("--line", "line", "How it went, as one line for a chat.")
@form_option("--markdown", "markdown", "The same with its first failures.")
@click.argument("run", metavar="RUN[/TEST[/ITEM]]")
@click.pass_obj
def show(invocation: Invocation, live_only: bool, form: str | None, run: str) -> None:
    """One run with its tests, or one test with its steps and data.

    RUN is AREA/KEY1/.../KEYN/RUNNAME, the path of its page, or its URL.
    """
    from mtsite.export import columns, document, runs

    config = invocation.config()
    found = _runs(invocation, config, (), live_only=live_only)
    head, rest = runs.find_head(found, config, run)
    with runs.RunReading(config, _now()) as reading:
        shown = reading.shown(head, tests=True)
    if form is not None:
        if rest:
            raise UsageError(f"{run}: --{form} is for whole runs", f"mtsite run show {run}")
        invocation.print(runs.told(config, shown, form))
        return
    if not rest:
        if invocation.as_json:
            invocation.print_json("run-show", document.whole_run(shown, columns.EVERYTHING))
        else:
            _print_run(invocation, shown)
        return
    assert shown.run is not None
    index = runs.find_test(shown, rest)
    test, verdict = shown.run.tests[index], shown.verdicts[index]
    values = document.test_object(test, verdict, columns.EVERYTHING)
    if invocation.as_json:
        invocation.print_json("test-show", {"run": runs.name_of(head), **values})
    else:
        _print_test(invocation, values)


@command.command("export", epilog=exits(3, 10))
@selection_options
@_AREA
@_LIVE
@form_option("--csv", "csv", "CSV, a table per kind of row; needs -o DIR.")
@form_option("--junit", "junit", "JUnit XML of one run.")
@form_option("--html-single", "html", "One run as one HTML file, as for mail.")
@click.option("-o", "--output", type=click.Path(path_type=Path), metavar="PATH", help="Where to.")
@click.option("--filter", "terms", default="", metavar="TEXT", help="Those that `run ls` finds.")
@click.argument("names", nargs=-1, metavar="[RUN...]")
@click.pass_obj
def export(
    invocation: Invocation,
    selection: "Selection",
    areas: tuple[str, ...],
    live_only: bool,
    form: str | None,
    output: Path | None,
    terms: str,
    names: tuple[str, ...],
) -> None:
    """Whole runs as one JSON document (to -o FILE or stdout), or as CSV tables in -o DIR.

    Without RUN those that the options choose, else all. JUnit XML and HTML are of one run; what
    --junit writes, mtsite ingest junit reads back as the same run.
    """
    from mtsite.export import columns, runs

    if form == "csv" and output is None:
        raise UsageError("--csv writes several tables", "name a directory for them with -o DIR")
    config = invocation.config()
    wanted = _wanted(config, terms)
    found = _runs(invocation, config, areas, live_only=live_only)
    heads: Any = _heads(invocation, found, selection)
    if names:
        heads = [_whole_run(found, config, name) for name in names]
    with runs.RunReading(config, _now()) as reading:
        chosen = runs.read_chosen(reading, found, iter(heads), columns.EVERYTHING, wanted)
        _write(config, _one(chosen) if form in {"junit", "html"} else chosen, output, form)
    _finish(found)


def _heads(invocation: Invocation, found: "RunList", selection: "Selection") -> "Iterator[RunHead]":
    from mtsite.export.runs import choose_heads

    none = True
    for head in choose_heads(found, selection):
        none = False
        yield head
    if none and selection.target:
        warn_of_target(invocation, selection, (head.key.target for head in found))


def _wanted(config: "Config", terms: str) -> "Wanted":
    from mtsite.export.wanted import Wanted
    from mtsite.query import checked_query

    return Wanted(checked_query(terms, _now()), config.site.output)


def _whole_run(found: "RunList", config: "Config", name: str) -> Any:
    from mtsite.export import runs

    head, rest = runs.find_head(found, config, name)
    if rest:
        raise UsageError(f"{name}: whole runs are exported", f"mtsite run show {name}")
    return head


def _one(chosen: "Iterator[ShownRun]") -> "Iterator[ShownRun]":
    """The one run that is chosen, before anything is written of it."""
    first = next(chosen, None)
    if first is None or next(chosen, None) is not None:
        some = "no run is" if first is None else "several runs are"
        raise UsageError(f"{some} chosen, and this form is of one", "name the run")
    return iter([first])


def _write(
    config: "Config", shown: "Iterator[ShownRun]", output: Path | None, form: str | None
) -> None:
    from mtsite.export import columns, document, junit, single
    from mtsite.export.runs import attached_to, summary_of
    from mtsite.export.table import TableFiles

    whole = (one for one in shown if one.run is not None)
    if form == "csv" and output is not None:
        with naming(output), TableFiles(output) as tables:
            for one in whole:
                tables.add(one)
        return
    if form == "junit":
        pieces = junit.document(whole)
    elif form == "html":
        pieces = (
            single.page(one, *summary_of(config, one), attached_to(config, one)) for one in whole
        )
    else:
        objects = (document.whole_run(one, columns.EVERYTHING) for one in whole)
        pieces = document.document("run-export", objects)
    if output is None:
        _write_all(pieces)
    else:
        _write_file(output, pieces)


def _write_file(output: Path, pieces: "Iterable[str]") -> None:
    """The whole file or none: whoever reads it next can't tell that a half lacks something."""
    from mtsite import atomicfile

    if output.exists() and not output.is_file():
        with output.open("w", encoding="utf-8", newline="") as stream:
            stream.writelines(pieces)
        return
    output = output.resolve()
    output.parent.stat()
    with naming(output), atomicfile.draft(output.parent) as draft:
        for piece in pieces:
            draft.file.write(piece.encode())
        draft.keep(output)


def _runs(
    invocation: Invocation, config: "Config", areas: tuple[str, ...], *, live_only: bool
) -> "RunList":
    from mtsite.megatest.runlist import RunList

    require_areas(config, areas)
    return RunList(
        tuple(config.areas.values()),
        invocation.environ,
        live_only=live_only,
        only=frozenset(areas),
    )


def _now() -> int:
    import time

    return int(time.time())


def _print(
    invocation: Invocation, shown: "Iterator[ShownRun]", columns: "Columns", form: str | None
) -> None:
    from mtsite.export import document, lines
    from mtsite.export import table as tables

    if invocation.as_json:
        objects = (document.run_object(one, columns) for one in shown)
        _write_all(document.document("run-list", objects))
        invocation.told_json = True
    elif form == "lines":
        for one in shown:
            _write_all(f"{plain(line)}\n" for line in lines.run_lines(one, columns))
    elif form == "csv":
        _write_text(csvtext.line(tables.header(columns)))
        for one in shown:
            rows = tables.one_table(one, columns)
            _write_all(csvtext.line(row.values()) for row in rows)
    else:
        _print_table(shown, columns)


def _print_table(shown: "Iterator[ShownRun]", columns: "Columns") -> None:
    from mtsite.export import table as tables

    head = tuple(tables.header(columns))
    page: list[tuple[object, ...]] = [head]
    for one in shown:
        page += [
            tuple(_shown(name, row[name]) for name in head)
            for row in tables.one_table(one, columns)
        ]
        if len(page) > PAGE:
            _write_text(f"{table(page)}\n")
            page = []
    if page:
        _write_text(f"{table(page)}\n")


def _shown(name: str, value: object) -> object:
    """A time as people read it, in UTC; nothing for nothing."""
    if value is None:
        return ""
    if name.rpartition(".")[2] in {"event_time", "start", "end"} and isinstance(value, int):
        from datetime import UTC, datetime

        return datetime.fromtimestamp(value, UTC).strftime("%Y-%m-%d %H:%M:%S")
    return value


def _print_run(invocation: Invocation, shown: "ShownRun") -> None:
    invocation.print_table(
        [
            (f"{name}:", _shown(name, value))
            for name, value in shown.values.items()
            if value not in {"", None}
        ]
    )
    rows: list[tuple[object, ...]] = [
        (
            "/".join(filter(None, test.name)),
            test.state,
            test.status,
            v.name,
            test.host,
            "" if test.run_duration is None else f"{test.run_duration} s",
            test.comment,
        )
        for test, v in shown.tests()
    ]
    head = ("test", "state", "status", "verdict", "host", "took", "comment")
    if rows:
        invocation.print("")
        invocation.print_table([head, *rows])


def _print_test(invocation: Invocation, values: dict[str, Any]) -> None:
    own = [
        (f"{n}:", _shown(n, v)) for n, v in values.items() if not isinstance(v, list) and v != ""
    ]
    invocation.print_table(own)
    for kind in ("steps", "data"):
        rows = values[kind]
        if rows:
            invocation.print(f"\n{kind}")
            invocation.print_table(
                [tuple(rows[0]), *(tuple(_shown(n, v) for n, v in row.items()) for row in rows)]
            )


def _write_all(pieces: Iterable[str]) -> None:
    for piece in pieces:
        _write_text(piece)


def _write_text(text: str) -> None:
    """Text of a form; what the stream's encoding can't hold becomes '?'.

    Whoever reads only the first lines closes the pipe: nothing is left to do then.
    """
    encoding = sys.stdout.encoding or "utf-8"
    try:
        sys.stdout.write(text.encode(encoding, "replace").decode(encoding))
    except BrokenPipeError:
        # Python would complain once more when it flushes at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise SystemExit(0) from None


def _finish(found: "RunList") -> None:
    """Say what could not be read; nothing could be read at all: that is another exit code."""
    _write_text("")
    if found.problems:
        raise PartlyDoneError("\n".join(["left out:", *found.problems]), "mtsite area ls")
