"""`mtsite init`: a commented, working mtsite.toml for these areas."""

from pathlib import Path

import click

from mtsite.errors import MissingError, UsageError
from mtsite.invocation import Invocation, exits

AREA_FILE = "megatest.config"


@click.command(epilog=exits(10))
@click.option("-n", "--dry-run", is_flag=True, help="Print the file instead of writing it.")
@click.argument("area_dirs", nargs=-1, type=click.Path(path_type=Path), metavar="[AREA_DIR...]")
@click.pass_obj
def command(invocation: Invocation, dry_run: bool, area_dirs: list[Path]) -> None:
    """Write a commented mtsite.toml for these areas into the current directory.

    Without AREA_DIR: for the area that the current directory is. A file that is there stays.
    """
    from mtsite.config import FILE_NAME, config_for_areas
    from mtsite.settingstext import default_toml

    dirs = area_dirs or [Path()]
    for directory in dirs:
        _require_area(directory.absolute())
    areas = config_for_areas([path.absolute() for path in dirs], Path("site"), Path()).areas
    text = default_toml([(_name(name), area.path) for name, area in areas.items()])
    file = invocation.config_file or Path(FILE_NAME)
    if not dry_run:
        _write(file, text)
        invocation.report.say(f"wrote {file.absolute()}; next: mtsite build")
    if invocation.as_json:
        told = {"file": str(file.absolute()), "written": not dry_run, "text": text}
        invocation.print_json("init", told)
    elif dry_run:
        invocation.print(text.rstrip("\n"))


def _require_area(directory: Path) -> None:
    hint = f"name the directory that holds {AREA_FILE}; mtsite demo makes areas to look at"
    if not directory.exists():
        raise MissingError(f"there is no {directory}", hint)
    if not (directory / AREA_FILE).is_file():
        message = f"{directory} is no Megatest area: it has no {AREA_FILE}"
        raise MissingError(message, hint)


def _write(file: Path, text: str) -> None:
    """A new file, whole or not at all: half of one would keep the next call from making it."""
    try:
        with file.open("x", encoding="utf-8") as stream:
            try:
                stream.write(text)
                stream.flush()
            except OSError:
                file.unlink()
                raise
    except FileExistsError:
        raise UsageError(
            f"{file.absolute()} is there already, nothing was changed",
            "edit it, or print a fresh one with mtsite init -n",
        ) from None
    except OSError as error:
        raise UsageError(
            f"{file.absolute()} can't be written: {error.strerror}",
            "go to a directory of your own, or name the file: mtsite --config FILE init AREA_DIR",
        ) from error


def _name(directory: str) -> str:
    """A name that mtsite.toml takes; the owner may choose a better one."""
    return "".join(c if c.isprintable() else "_" for c in directory)
