"""`mtsite ingest`: what other tools measured, as runs of an area."""

import shlex
import time
from pathlib import Path
from typing import TYPE_CHECKING

import click
from msgspec import to_builtins

from mtsite.amounts import plural
from mtsite.errors import PartlyDoneError, UsageError
from mtsite.invocation import Invocation, exits

if TYPE_CHECKING:
    from mtsite.config import AreaConfig
    from mtsite.ingest.junit import IngestSummary


@click.group()
def command() -> None:
    """Take what other tools measured into an area, made if it is absent."""


@command.command("junit", epilog=exits(3, 10, 11, 13))
@click.option("-n", "--dry-run", is_flag=True, help="Read all of it and say so; write nothing.")
@click.option(
    "--area", required=True, metavar="AREA|DIR", help="An area of this site, or a directory."
)
@click.option(
    "--target", required=True, metavar="A/B/...", help="Values of its keys, or KEY=A/KEY=B."
)
@click.option("--runname", required=True, metavar="NAME", help="What the run is called.")
@click.option("--replace", is_flag=True, help="Put these files in the place of a run from others.")
@click.option("--keep-going", is_flag=True, help="Leave out broken files, and list them.")
@click.argument(
    "paths", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="FILE|DIR|-..."
)
@click.pass_obj
def junit(
    invocation: Invocation,
    dry_run: bool,
    area: str,
    target: str,
    runname: str,
    replace: bool,
    keep_going: bool,
    paths: tuple[Path, ...],
) -> None:
    """JUnit XML of any runner as one run: groups become tests, their cases items.

    Of a directory all *.xml below it. The same files again change nothing. An area that is absent
    is made; a target like os=linux/python=3.12 then names its keys.
    """
    from mtsite.ingest.junit import JunitOrder, ingest_junit, preview_junit
    from mtsite.ingest.place import check_text, parse_target

    if not runname or "\0" in runname:
        raise UsageError("--runname is empty", "--runname 2026-07-01")
    check_text("--runname", runname)
    order = JunitOrder(
        paths=paths,
        settings=_area(invocation, area),
        target=parse_target(target),
        runname=runname,
        owner=invocation.environ.get("USER", ""),
        now=int(time.time()),
        replace=replace,
        keep_going=keep_going,
    )
    verb = preview_junit if dry_run else ingest_junit
    done = verb(order, invocation.environ, invocation.report.progress)
    if invocation.as_json:
        invocation.print_json("ingest", {"dry_run": dry_run, **to_builtins(done)})
    else:
        _say(invocation, done, order.settings.path, dry_run=dry_run)
    if done.refused:
        raise PartlyDoneError("\n".join(["left out:", *done.refused]), "mend or remove these files")


@command.command("objects", epilog=exits(3, 10, 11))
@click.option("-n", "--dry-run", is_flag=True, help="Say what would be taken; write nothing.")
@click.option(
    "--area", required=True, metavar="AREA|DIR", help="An area of this site, or a directory."
)
@click.argument(
    "paths", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="FILE|DIR..."
)
@click.pass_obj
def objects(invocation: Invocation, dry_run: bool, area: str, paths: tuple[Path, ...]) -> None:
    """JSON objects that say what jobs, builds, pushes and machines are: *.json and *.jsonl.

    A push on one platform becomes a run, its jobs become tests. A broken object goes to quarantine
    with its reason and the rest goes on; the same objects again change nothing.
    """
    from mtsite.ingest.objects import ingest_objects, preview_objects

    settings = _area(invocation, area)
    if dry_run:
        done = preview_objects(paths, settings)
    else:
        done = ingest_objects(paths, settings, int(time.time()), invocation.environ)
    if invocation.as_json:
        broken = [{"object": name, "reason": reason} for name, reason in done.broken]
        told = {"dry_run": dry_run, **to_builtins(done), "broken": broken}
        invocation.print_json("ingest-objects", told)
    else:
        word = "would be taken" if dry_run else "taken"
        invocation.report.say(
            f"{done.area}: {plural(done.taken, 'object')} {word}, {done.known} known already,"
            f" {plural(done.runs, 'run')} written"
        )
    told_of = [f"{name[:12]}: {reason}" for name, reason in done.broken] + done.problems
    if told_of:
        raise PartlyDoneError(
            "\n".join(["not taken into runs:", *told_of]),
            f"see {settings.path / 'objects/quarantine'}",
        )


@command.command("pushes", epilog=exits(10, 11))
@click.option("-n", "--dry-run", is_flag=True, help="Say what would be added; write nothing.")
@click.option(
    "--repository", required=True, metavar="NAME", help="What runs call it in `repository`."
)
@click.argument(
    "paths", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="FILE|-..."
)
@click.pass_obj
def pushes(invocation: Invocation, dry_run: bool, repository: str, paths: tuple[Path, ...]) -> None:
    """What came into a repository, in order: a log of git, or a pushlog of Mercurial (JSON).

    git log --format='%H%x09%P%x09%ct%x09%an%x09%s' | mtsite ingest pushes - --repository chip

    They are added to pushes/NAME.jsonl beside mtsite.toml; the same ones again change nothing.
    """
    from mtsite.ingest.place import check_text
    from mtsite.ingest.pushes import ingest_pushes

    if not repository.strip():
        raise UsageError("--repository is empty", "--repository chip")
    check_text("--repository", repository)
    root = invocation.config().root
    done = ingest_pushes(root, repository.strip(), paths, dry_run=dry_run)
    if invocation.as_json:
        invocation.print_json("ingest-pushes", {"dry_run": dry_run, **to_builtins(done)})
        return
    word = "would be added" if dry_run else "added"
    invocation.report.say(
        f"{done.repository}: {plural(done.added, 'push', 'pushes')} {word},"
        f" {plural(done.pushes, 'push', 'pushes')} of {plural(done.commits, 'commit')} in all"
    )


def _area(invocation: Invocation, area: str) -> "AreaConfig":
    """An area of mtsite.toml by its name, else the directory of that name; no file is needed."""
    from mtsite.config import AreaConfig, find_config
    from mtsite.options import without_dots

    file = find_config(Path.cwd(), invocation.config_file, invocation.environ)
    known = invocation.config().areas if file is not None else {}
    if area in known:
        return known[area]
    path = without_dots(Path(area).absolute())
    return next((one for one in known.values() if one.path == path), AreaConfig(path.name, path))


def _say(invocation: Invocation, done: "IngestSummary", path: Path, *, dry_run: bool) -> None:
    say = invocation.report.say
    name = "/".join((done.area, done.target, done.runname))
    if done.made_area:
        say(f"{'would make' if dry_run else 'made'} the area {path}")
    if done.done == "unchanged":
        say(f"{name} is there already, from these very files")
        return
    totals = done.totals
    word = {"new": "ingested", "replaced": "replaced"}[done.done]
    say(
        f"{f'would be {word}' if dry_run else word}: {name}, {plural(totals.items, 'item')} of"
        f" {plural(totals.tests, 'test')} from {plural(done.files, 'file')}:"
        f" {totals.passed} passed, {totals.failed} failed, {plural(totals.error, 'error')},"
        f" {totals.skipped} skipped"
        + (f"; {plural(totals.attempts, 'further attempt')}" if totals.attempts else "")
    )
    if done.attachments:
        say(f"{plural(done.attachments, 'attachment')} taken over")
    for told in done.left_out:
        say(f"left out: {told}")
    if done.not_attached > len(done.left_out):
        say(f"left out: {plural(done.not_attached - len(done.left_out), 'more attachment')}")
    for told in done.passed_over:
        say(f"passed over: {told}")
    if not dry_run:
        say(f"next: {_next(invocation, path)}")


def _next(invocation: Invocation, path: Path) -> str:
    """What makes pages of an area: it may lie in no site yet."""
    from mtsite.config import find_config
    from mtsite.options import toml_text

    file = find_config(Path.cwd(), invocation.config_file, invocation.environ)
    if file is None:
        here = path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path
        return f"mtsite build {shlex.quote(str(here))}"
    if any(one.path == path for one in invocation.config().areas.values()):
        return "mtsite build"
    name, where = toml_text(path.name), toml_text(str(path))
    return f"add [areas.{name}] with path = {where} to {file}, then mtsite build"
