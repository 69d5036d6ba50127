"""Whether runs may leave an area: only where this version knows every database that has them."""

from pathlib import Path

from mtsite.errors import MtsiteError, UnmovableError
from mtsite.megatest.area import Area, message_of
from mtsite.megatest.database import AreaConnection, reading
from mtsite.megatest.layout import MTDB_NAME
from mtsite.megatest.schema import quote
from mtsite.megatest.shape import read_shapes

SERVER_FILES = ".servinfo"
"""What servers of v1.70 and later leave in an area while they are alive."""

_ALSO_WRITTEN = frozenset({"runs", "test_meta", "archive_disks"})

_BELOW = ("tests", "test_steps", "test_data")


def check_movable(area: Area) -> None:
    """Make sure that runs may be moved out of this area.

    Raises:
        UnmovableError: its generation is only read, or its runs lie in more than one database,
            or a trigger would change rows that come in.
        AreaBusyError, AreaUnreadableError: its database can't be looked at.
    """
    if reason := why_unmovable(area) or _why_altered(area.live):
        raise UnmovableError(
            f"area {area.name}: its runs can't be moved: {reason}",
            "they are read, listed and built where they lie",
        )


def why_unmovable(area: Area) -> str:
    """Why runs may not leave the area; '' when they may. Looks into the databases of G5."""
    generation = area.generation
    if not generation.movable:
        return (
            f"its databases are of generation {generation.name} ({generation.versions}),"
            " which no Megatest writes any more; only those of v1.6208 and later are changed"
        )
    if not generation.whole_only:
        return ""
    try:
        return _why_not_whole(area)
    except MtsiteError as error:
        return message_of(error)


def _why_not_whole(area: Area) -> str:
    main = area.live
    servers = sorted(area.path.glob(f"{SERVER_FILES}*")) + sorted(
        (area.path / MTDB_NAME).glob(f"{SERVER_FILES}*")
    )
    if servers:
        return f"a server may be alive ({servers[0]})"
    with reading(main) as connection:
        lacking = [table for table in _BELOW if not connection.columns(table)]
        if lacking or not _has_rows(connection):
            return f"{main} has the runs, and not what is below them"
    for part in area.layout.parts:
        if _holds_tests(part):
            return f"its runs lie in {main.name} and {part.name}, not in one database alone"
    return ""


def _why_altered(path: Path) -> str:
    """Whether rows would fire a trigger on their way in: it may change them, or any others."""
    if not path.exists():
        return ""
    with reading(path) as connection:
        for shape in read_shapes(connection).values():
            if not shape.references and shape.name not in _ALSO_WRITTEN:
                continue
            # SQLite's own word for a trigger that a statement fires, whatever its text looks like.
            sql = f"EXPLAIN INSERT INTO {quote(shape.name)} DEFAULT VALUES"
            if any(step[1] == "Program" for step in connection.execute(sql)):
                return f"a trigger on INSERT INTO {shape.name} in {path} would change what arrives"
    return ""


def _holds_tests(part: Path) -> bool:
    with reading(part) as connection:
        return bool(connection.columns("tests")) and _has_rows(connection)


def _has_rows(connection: AreaConnection) -> bool:
    return connection.execute("SELECT 1 FROM tests LIMIT 1").fetchone() is not None
