"""[areas.NAME] of `mtsite.toml`: where an area lies, and what its pages say of it.

A section like those in `config.py`, which puts them all together.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from mtsite.chosenfiles import PATTERNS
from mtsite.options import (
    AGE_OR_FOREVER,
    FLAG,
    LINKS,
    PATH,
    PREFIXES,
    REQUIRED,
    TEST_VALUES,
    TEXT,
    TEXTS,
    VALUES,
    few_of,
    option,
)
from mtsite.tomlfile import TableReader


@dataclass(frozen=True)
class AreaConfig:
    """[areas.NAME]: one Megatest area; NAME is the first part of its addresses, for ever."""

    name: str
    path: Path = option(PATH, REQUIRED, "The directory that holds megatest.config.")
    run_configured_commands: bool = option(
        FLAG, False, "Let shell, system and scriptinc forms of this area's config files run."
    )
    linktree: Path | None = option(
        PATH, None, "Stands in for [setup] linktree where a command would compute it."
    )
    testsuite: str = option(
        TEXT, "", "Stands in for [setup] area-name where a command would compute it.", key="name"
    )
    values: Mapping[str, Mapping[str, str]] = option(
        VALUES, {}, "`section.key` = text: stands in for a value of megatest.config."
    )
    tests: Mapping[str, Mapping[str, Mapping[str, str]]] = option(
        TEST_VALUES, {}, "`TEST.section.key` = text: stands in for a value of a testconfig."
    )
    title: str = option(TEXT, "", "What readers see instead of NAME.")
    path_map: Mapping[str, str] = option(
        PREFIXES, {}, "Prefixes of stored paths and what they are called on this host."
    )
    aliases: tuple[str, ...] = option(
        TEXTS, [], "Former names of the area: what was published under them leads to NAME."
    )
    intro: str = option(TEXT, "", "A Markdown file in the area, shown on the area's page.")
    contact: str = option(TEXT, "", "Whom to ask about this area, shown on its page.")
    expected: int | None = option(
        AGE_OR_FOREVER,
        "0s",
        "How often each target is expected to get a run; 0s: as often as it did; forever: never.",
    )
    grid_heads: tuple[str, ...] = option(
        few_of(3, "owner", "contour", "comment", "home"),
        [],
        "Facts of a run that stand above the grid of its target, at most three.",
    )
    grid_metric: str = option(
        TEXT,
        "",
        "What cells of the grid show instead of a symbol: duration, or CATEGORY/VARIABLE of the"
        " test data.",
    )
    links: Mapping[str, str] = option(
        LINKS,
        {},
        "Links on each run's page, address by title; {area}, {target}, {runname} and key names in"
        " braces are filled in, escaped.",
    )
    attachments: tuple[str, ...] = option(
        PATTERNS, [], "Stands in for [attachments] include where it has a pattern."
    )
    reduce: bool = option(FLAG, True, "Whether finished runs move to completed-runs.db.")


def read_areas(reader: TableReader) -> dict[str, AreaConfig]:
    """[areas.NAME] of the file; what is wrong is noted in the reader."""
    areas: dict[str, AreaConfig] = {}
    for name, found in reader.table(("areas",), reader.file.tables.get("areas", {})).items():
        key = ("areas", name)
        if not name or not name.isprintable():
            reader.mistake(key, "an area's name is one or more printable characters")
        table = reader.table(key, found)
        areas[name] = AreaConfig(name=name, **reader.values(key, AreaConfig, table))
        for inner in ("values", "tests"):
            reader.note_origins((*key, inner), table.get(inner))
    return areas
