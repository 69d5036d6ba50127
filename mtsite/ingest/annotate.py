"""The verb `annotate_run`: which build and push a run belongs to, said by who knows."""

from collections.abc import Mapping
from pathlib import Path

from mtsite import lock
from mtsite.arealock import AREA_LOCK
from mtsite.config import AreaConfig
from mtsite.errors import MissingError, UsageError
from mtsite.ingest.place import MOVED, check_text
from mtsite.megatest.attributes import list_attributes, read_attributes
from mtsite.megatest.database import AreaConnection, area_errors, open_for_writing
from mtsite.megatest.newrun import OWN, change_attributes
from mtsite.megatest.reader import RunHead
from mtsite.megatest.transfer import immediate

Attributes = tuple[tuple[str, str], ...]


def parse_attributes(words: tuple[str, ...]) -> dict[str, str]:
    """NAME=VALUE for each; an empty value takes the attribute away.

    Raises:
        UsageError: a word without a name, or one of mtsite's own.
    """
    told = {}
    for word in words:
        check_text("NAME=VALUE", word)
        name, equals, value = word.partition("=")
        if not equals or not name.strip() or "\0" in word:
            raise UsageError(f"{word!r} is no NAME=VALUE", "mtsite run annotate RUN build=b31")
        if name.startswith(OWN):
            raise UsageError(f"{name}: names that begin with {OWN} are mtsite's own")
        told[name] = value
    return told


def annotate_run(
    head: RunHead, areas: Mapping[str, AreaConfig], told: Mapping[str, str]
) -> Attributes:
    """Set attributes of a run where its rows lie; all that it has then.

    Raises:
        UsageError: its rows lie in no database of an area, but in a copy of one in /tmp.
        AreaBusyError, BusyError: somebody else writes there.
        MissingError: the run was moved away meanwhile.
    """
    where: Path = head.database
    if where.parent not in {area.path for area in areas.values()}:
        raise UsageError(
            f"the row of {head.key.runname} is read in {where}, which is no area's own database",
            "wait until Megatest's server has ended",
        )
    with lock.hold(where.parent, AREA_LOCK, "mtsite run annotate"):
        connection = open_for_writing(where)
        try:
            with area_errors(where):
                with immediate(connection):
                    _check_still_there(connection, head)
                    change_attributes(connection, head.run_id, told)
                place = list_attributes(connection).get(head.run_id, (0, 0, 0))
                return read_attributes(connection, head.run_id, place)
        finally:
            connection.close()


def _check_still_there(connection: AreaConnection, head: RunHead) -> None:
    """The row was found before the lock was held; another run may have its number by now."""
    row = connection.execute(
        "SELECT runname, state FROM runs WHERE id = ?", (head.run_id,)
    ).fetchone()
    if row is None or row[0] != head.key.runname or row[1] == MOVED:
        raise MissingError(f"{head.key.runname} was moved just now", "the same call again")
