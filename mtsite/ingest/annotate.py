"""The verb `annotate_run`: which build and push a run belongs to, said by who knows."""

from collections.abc import Mapping
from pathlib import Path

from mtsite import lock
from mtsite.arealock import AREA_LOCK
from mtsite.config import AreaConfig
from mtsite.errors import UsageError
from mtsite.ingest.place import check_text
from mtsite.megatest.attributes import list_attributes, read_attributes
from mtsite.megatest.database import area_errors, open_for_writing
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
                    change_attributes(connection, head.run_id, told)
                place = list_attributes(connection).get(head.run_id, (0, 0, 0))
                return read_attributes(connection, head.run_id, place)
        finally:
            connection.close()
