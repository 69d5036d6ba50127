"""An area made from nothing: megatest.config, an empty database of generation G4, a linktree."""

import re
from collections.abc import Sequence
from pathlib import Path

from mtsite import atomicfile
from mtsite.errors import UsageError
from mtsite.megatest.configuration import CONFIG_NAME
from mtsite.megatest.database import reading
from mtsite.megatest.layout import DATABASE_NAME
from mtsite.megatest.schema import check_fields, column_names, create_database

LINKTREE = "lt"
_FIELD = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def is_area(path: Path) -> bool:
    """Whether a directory is an area already."""
    return (path / CONFIG_NAME).exists()


def make_area(path: Path, fields: Sequence[str]) -> None:
    """Make an area with these keys; a death anywhere leaves what the next call finishes.

    `allow-runs no` says to Megatest, and to `mtsite reduce`, that nothing runs there.

    Raises:
        UsageError: a field name that Megatest could not use, or a directory of something else.
    """
    check_place(path, fields)
    (path / LINKTREE).mkdir(parents=True, exist_ok=True)
    database = path / DATABASE_NAME
    if database.exists():
        # Made by a call that died before it wrote the configuration, which comes last.
        _remove_empty(database)
    create_database(database, [(name, "TEXT") for name in fields])
    atomicfile.write_durable(path / CONFIG_NAME, _config(fields).encode())


def _remove_empty(database: Path) -> None:
    with reading(database) as connection:
        has_runs = (
            column_names(connection, "runs")
            and connection.execute("SELECT 1 FROM runs LIMIT 1").fetchone()
        )
    if has_runs:
        raise UsageError(
            f"{database} has runs, and there is no {CONFIG_NAME} beside it",
            "is its megatest.config missing?",
        )
    database.unlink()


def check_place(path: Path, fields: Sequence[str]) -> None:
    """Make sure that an area with these keys can be made there; nothing is written.

    Raises:
        UsageError: a field name that Megatest could not use, or a directory of something else.
    """
    for name in fields:
        if not _FIELD.fullmatch(name):
            raise UsageError(f"{name!r} can't be a key: letters, digits and _ can")
    try:
        check_fields([(name, "TEXT") for name in fields])
    except ValueError as error:
        raise UsageError(str(error), "choose another name for that key") from error
    ours = {LINKTREE, DATABASE_NAME, f"{DATABASE_NAME}-journal"}
    if path.exists() and not path.is_dir():
        raise UsageError(f"{path} is no directory", "name another one for the area")
    if path.is_dir() and any(
        each.name not in ours and not each.name.startswith((".mtsite", atomicfile.TEMPORARY_PREFIX))
        for each in path.iterdir()
    ):
        raise UsageError(
            f"{path} is there, and is no Megatest area: it has no {CONFIG_NAME}",
            "name a new directory, or an area",
        )


def _config(fields: Sequence[str]) -> str:
    lines = [
        "# Made by mtsite ingest: an area of Megatest whose runs come from elsewhere.",
        "[fields]",
        *(f"{name} TEXT" for name in fields),
        "",
        "[setup]",
        f"linktree #{{getenv MT_RUN_AREA_HOME}}/{LINKTREE}",
        "allow-runs no",
        "",
    ]
    return "\n".join(lines)
