"""`mtsite anonymize`: a copy of an area that is fit to be shared."""

from pathlib import Path
from typing import TYPE_CHECKING

import click
from msgspec import to_builtins

from mtsite.amounts import plural
from mtsite.errors import MissingError, UsageError
from mtsite.invocation import Invocation, exits

if TYPE_CHECKING:
    from mtsite.anonymize.copy import Anonymized

SHOWN = 40


@click.command(epilog=exits(10, 11, 12, 13))
@click.option(
    "--key-file",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="The key of the pseudonyms: the same key, the same ones; else one that nobody keeps.",
)
@click.option(
    "--word", "words", multiple=True, metavar="TEXT", help="Replace this, too; repeatable."
)
@click.option("--keep", multiple=True, metavar="TEXT", help="Leave this as it is; repeatable.")
@click.option("--plan", is_flag=True, help="Say what is done to which column; make nothing.")
@click.option("-n", "--dry-run", is_flag=True, help="The same as --plan.")
@click.argument("src", type=click.Path(path_type=Path))
@click.argument("dst", type=click.Path(path_type=Path), required=False)
@click.pass_obj
def command(
    invocation: Invocation,
    key_file: Path | None,
    words: tuple[str, ...],
    keep: tuple[str, ...],
    plan: bool,
    dry_run: bool,
    src: Path,
    dst: Path | None,
) -> None:
    """Copy the area SRC to DST without users, hosts, addresses, directories and secrets.

    Equal names become equal pseudonyms in all tables, paths, file names and logs; ids, times,
    states, counts and lines stay, so a site of the copy looks like one of the area. At the end all
    of the copy is searched for what was replaced; a word that is left ends with 13, without copy.
    """
    from mtsite.anonymize.copy import Wishes, anonymize_area, plan_copy, read_key

    src = _area(invocation, src)
    wishes = Wishes(words, keep)
    planned = plan or dry_run
    if planned:
        done = plan_copy(src, wishes)
    elif dst is None:
        raise UsageError("where to? name the directory of the copy", "mtsite anonymize SRC DST")
    else:
        key = read_key(key_file)
        if key_file is not None and key_file.resolve().is_relative_to(src.resolve()):
            raise UsageError(f"key file {key_file} lies in the area", "keep it elsewhere")
        done = anonymize_area(src, dst, key, wishes, invocation.report.progress)
    invocation.report.close()
    _show(invocation, done, planned=planned)


def _area(invocation: Invocation, src: Path) -> Path:
    """The directory of that name, else that of the area of this site.

    Raises:
        MissingError: there is neither.
    """
    from mtsite.config import find_config

    if src.exists():
        return src
    file = find_config(Path.cwd(), invocation.config_file, invocation.environ)
    areas = invocation.config().areas if file is not None else {}
    if str(src) in areas:
        return areas[str(src)].path
    raise MissingError(f"no directory {src.absolute()}, and no area of that name", "mtsite area ls")


def _show(invocation: Invocation, done: "Anonymized", *, planned: bool) -> None:
    if invocation.as_json:
        invocation.print_json("anonymize", {"done": not planned, **to_builtins(done)})
        return
    if planned:
        rows = [(f"{one.table}.{one.column}", one.rule, one.rows) for one in done.columns]
        invocation.print_table([("column", "rule", "rows"), *rows])
    told = ", ".join(f"{count} {kind}" for kind, count in done.words.items()) or "none"
    invocation.report.say(f"words to replace: {told}" if planned else f"words replaced: {told}")
    if done.spared:
        few = ", ".join(done.spared[:SHOWN])
        invocation.report.say(f"values that stay, they say nothing: {few}")
    for path, why in done.left_out[:SHOWN]:
        invocation.report.warn(f"left out, {why}: {path}")
    if not planned:
        rows_total = sum(done.rows.values())
        invocation.report.say(
            f"{plural(done.databases, 'database')} with {plural(rows_total, 'row')},"
            f" {plural(done.files, 'file')}; none of {plural(done.originals, 'word')} is left"
        )
