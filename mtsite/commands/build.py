"""`mtsite build`: bring the site in line with the areas."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click
from msgspec import to_builtins

from mtsite.amounts import plural
from mtsite.commands.selection import require_areas
from mtsite.errors import (
    AreaUnreadableError,
    ConfigError,
    MissingError,
    MtsiteError,
    PartlyDoneError,
    UsageError,
    VerificationError,
)
from mtsite.invocation import Invocation, exits

if TYPE_CHECKING:
    from mtsite.build.state import BuildSummary
    from mtsite.config import Config
    from mtsite.engines.engine import Engine

ENGINE = click.option(
    "--engine",
    type=click.Choice(["inprocess", "processes", "dask"]),
    help="Who does the work, instead of [build] engine; the tree is the same.",
)


@click.command(epilog=exits(3, 10, 11, 13))
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), metavar="DIR", help="Where to build."
)
@click.option("--full", is_flag=True, help="Make every page again.")
@click.option(
    "--allow-drop", is_flag=True, help="Go on although over a tenth of the known runs are gone."
)
@click.option(
    "--verify", is_flag=True, help="Then build it clean beside the tree and compare every byte."
)
@click.option("-n", "--dry-run", is_flag=True, help="Say what would be made and why; make nothing.")
@click.option(
    "--area", "areas", multiple=True, metavar="AREA", help="Only the runs of this area; repeatable."
)
@ENGINE
@click.argument("area_dirs", nargs=-1, type=click.Path(path_type=Path), metavar="[AREA_DIR...]")
@click.pass_obj
def command(
    invocation: Invocation,
    output: Path | None,
    full: bool,
    allow_drop: bool,
    verify: bool,
    dry_run: bool,
    areas: tuple[str, ...],
    engine: str | None,
    area_dirs: list[Path],
) -> None:
    """Regenerate what changed.

    With AREA_DIR no mtsite.toml is needed: the site is written to ./site with all defaults. The
    first build of an old area begins with the newest runs; after [build] time_limit it stops with
    a tree that is whole, and the next builds go on.
    """
    config = _config(invocation, output, area_dirs, engine)
    require_areas(config, areas)
    _refuse_inside_an_area(config)
    from mtsite.build.site import build_site, preview_site
    from mtsite.build.state import BuildFlags
    from mtsite.engines.engine import open_engine
    from mtsite.publish.restore import recover

    flags = BuildFlags(full, allow_drop, areas)
    if dry_run:
        _show_preview(invocation, preview_site(config, flags, environ=invocation.environ))
        return
    lost = recover(config, invocation.report.progress, invocation.report.say)
    opened = open_engine(config.build.engine, config.build.workers, config.build.dask_scheduler)
    try:
        summary = build_site(
            config,
            opened,
            invocation.report.progress,
            flags,
            environ=invocation.environ,
        )
        differing = _differing(config, opened, invocation, summary.left) if verify else ()
    finally:
        opened.close()
    summary.problems[:0] = lost
    _show(invocation, config.site.output, summary)
    if differing:
        differ = plural(len(differing), "file differs", "files differ")
        raise VerificationError(
            "\n".join([f"{differ} from a clean build:", *differing]),
            "mtsite build --full, and please report it",
        )
    if summary.problems:
        none_read = summary.unreadable == len(config.areas) and not summary.runs
        raise _left_out(summary.problems, none_read=none_read)


def _differing(
    config: "Config", engine: "Engine", invocation: Invocation, left: int
) -> tuple[str, ...]:
    from mtsite.build.verify import verify_site

    if left:
        invocation.report.warn("nothing to compare with before all runs have their pages")
        return ()
    verified = verify_site(config, engine, invocation.report.progress, environ=invocation.environ)
    if not verified.differing:
        invocation.report.say(
            f"{plural(verified.files, 'file equals', 'files equal')} a clean build, byte for byte"
        )
        if verified.elsewhere:
            invocation.report.say(f"{verified.elsewhere} more, published and not here, by digest")
    return verified.differing


def _left_out(problems: list[str], *, none_read: bool) -> MtsiteError:
    """Partly done, unless there was nothing to do it with: no area at all could be read."""
    if none_read:
        return AreaUnreadableError(
            "\n".join(["no area could be read; what is published of them stays:", *problems]),
            "mtsite area ls",
        )
    return PartlyDoneError("\n".join(["left out:", *problems]), "mtsite area ls")


def _config(
    invocation: Invocation, output: Path | None, area_dirs: list[Path], engine: str | None
) -> "Config":
    if area_dirs:
        from mtsite.config import config_for_areas

        for directory in area_dirs:
            if not directory.is_dir():
                raise MissingError(
                    f"no area directory {directory}", "name one with megatest.config"
                )
        _refuse_beside_a_site(invocation, area_dirs)
        plain = config_for_areas(area_dirs, output or Path("site"), Path(".mtsite"))
        build = replace(plain.build, engine=engine or plain.build.engine)
        return replace(plain, build=build)
    given = {"site.output": output and str(output.absolute()), "build.engine": engine}
    config = invocation.config({name: value for name, value in given.items() if value})
    if not config.areas:
        raise ConfigError(
            [f"{config.file}: no area is named"],
            "add [areas.NAME] with path = …; `mtsite init AREA_DIR` shows how",
        )
    return config


def _refuse_beside_a_site(invocation: Invocation, area_dirs: list[Path]) -> None:
    """A look at some areas must not take the place of a site that has others, nor of its state."""
    from mtsite.config import FILE_NAME, load_config

    file = Path(FILE_NAME).absolute()
    if not file.is_file():
        return
    others = {area.path.resolve() for area in load_config(file, invocation.environ).areas.values()}
    if others - {directory.resolve() for directory in area_dirs}:
        raise UsageError(
            f"{file} is of a site with other areas: they would leave it",
            "mtsite build --area NAME builds one of them; to look at an area go to a directory"
            " of your own",
        )


def _refuse_inside_an_area(config: "Config") -> None:
    output = config.site.output.resolve()
    for area in config.areas.values():
        if output.is_relative_to(area.path.resolve()):
            raise UsageError(
                f"the site would be written into the area {area.name}: {output}",
                "name a place outside with -o DIR",
            )


def _show_preview(invocation: Invocation, found: dict[str, tuple[int, int]]) -> None:
    if invocation.as_json:
        rows = [{"why": why, "runs": r, "files": f} for why, (r, f) in sorted(found.items())]
        invocation.print_json("build-preview", {"planned": rows})
    elif found:
        rows_shown = [(why, r, f) for why, (r, f) in sorted(found.items())]
        invocation.print_table([("why", "runs", "files of theirs"), *rows_shown])
    else:
        invocation.report.say("nothing to do")


def _show(invocation: Invocation, output: Path, done: "BuildSummary") -> None:
    if invocation.as_json:
        invocation.print_json("build", {"output": str(output), **to_builtins(done)})
    else:
        invocation.report.say(
            f"{plural(done.runs, 'run')}, {done.read:,} read,"
            f" {plural(done.written, 'file')} written, {done.removed:,} removed"
        )
        if done.masked:
            told = ", ".join(f"{rule} {count}" for rule, count in sorted(done.masked.items()))
            invocation.report.say(f"secrets in the runs that were read: {told}")
        if done.left:
            left = plural(done.left, "run is", "runs are")
            invocation.report.say(f"stopped at [build] time_limit: {left} left to the next build")
        if done.older_rules:
            invocation.report.say(
                "some logs may have been judged by older rules: try `mtsite log reanalyse`"
            )
        invocation.report.say(f"open {output / 'index.html'}")
