"""The area that runs are to go to: by name or path, refused before anything is written."""

import os
from collections.abc import Mapping
from pathlib import Path

from mtsite.config import AreaConfig
from mtsite.errors import DestinationError, MissingError
from mtsite.megatest.activity import key_names
from mtsite.megatest.area import TMP, Area, open_area
from mtsite.megatest.caches import cache_databases, living_server
from mtsite.megatest.configfile import ConfigFile
from mtsite.megatest.database import open_for_writing, reading
from mtsite.megatest.movable import check_movable

_ALLOW = ("setup", "allow-runs")


def find_destination(told: str, source: Area, areas: Mapping[str, AreaConfig]) -> AreaConfig:
    """The area of a name in megatest.config's [areas], else in mtsite.toml, else at a path.

    Raises:
        MissingError: there is no such area.
    """
    path = _configured(told, source.config, source.path)
    if path is None and told in areas:
        return areas[told]
    if path is None:
        path = Path(os.path.normpath(source.path / told))
        if "/" not in told and not path.is_dir():
            raise MissingError(
                f"area {source.name}: no area {told} to move runs to",
                f"name it in [areas] of {source.config.path} or of mtsite.toml, or give its path",
            )
    real = os.path.realpath(path)
    known = [one for one in areas.values() if os.path.realpath(one.path) == real]
    return known[0] if known else AreaConfig(name=path.name, path=path)


def open_destination_area(
    settings: AreaConfig, source: Area, now: int, environ: Mapping[str, str], *, tmp: Path = TMP
) -> Area:
    """The area, when runs of `source` may go there; nothing is written.

    Raises:
        DestinationError: other keys, an area that takes runs of its own, or the same area.
        UnmovableError: a generation that nothing writes any more.
        MissingError, AreaBusyError: it can't be read or written.
    """
    area = open_area(settings, environ, tmp=tmp)
    if os.path.realpath(area.path) == os.path.realpath(source.path):
        raise DestinationError(f"area {area.name}: runs can't move to their own area")
    check_movable(area)
    if why_not := _why_not_a_satellite(area, now, tmp):
        raise DestinationError(
            f"area {area.name} can't take runs of others: {why_not}",
            f"say `allow-runs no` under [setup] in {area.config.path}",
        )
    here, there = _keys(source), _keys(area)
    if [key.lower() for key in here] != [key.lower() for key in there]:
        raise DestinationError(
            f"area {area.name} has other keys: {'/'.join(there)}, and not {'/'.join(here)}",
            "choose an area with the same [fields] in the same order",
        )
    open_for_writing(area.live).close()
    return area


def _configured(told: str, config: ConfigFile, area_path: Path) -> Path | None:
    """The path of a line `NAME path=<dir>; …` of [areas]."""
    for part in (config.get("areas", told) or "").split(";"):
        name, _equals, value = part.strip().partition("=")
        if name.strip() == "path" and value.strip():
            return Path(os.path.normpath(area_path / value.strip()))
    return None


def _why_not_a_satellite(area: Area, now: int, tmp: Path) -> str:
    if not area.allow_runs:
        return ""
    if said := (area.config.get(*_ALLOW) or "").strip():
        return f"its allow-runs is {said}"
    if log := living_server(area.path, now):
        return f"Megatest works there ({log} was just touched)"
    if caches := cache_databases(area.path, tmp):
        return f"Megatest has worked there ({caches[0]})"
    return ""


def _keys(area: Area) -> tuple[str, ...]:
    with reading(area.live) as connection:
        return key_names(connection)
