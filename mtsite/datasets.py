"""[logs.migration.NAME] in mtsite.toml: the datasets of database migrations and their limits.

A dataset's limits stand in a file of their own, as Turbo-hipster has them. It is read with the
configuration, so that what is wrong in it is told then, and a changed limit is a changed rule set.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mtsite.limits import TABLES, limits_of
from mtsite.options import PATH, REQUIRED, TEXTS, option, whole_number
from mtsite.tomlfile import KeyPath, TableReader

PLACE = ("logs", "migration")
_LARGEST_BYTES = 1 << 20


@dataclass(frozen=True)
class DatasetConfig:
    """[logs.migration.NAME]: which logs are of a dataset, and what a migration of it may take."""

    logs: tuple[str, ...] = option(
        TEXTS,
        REQUIRED,
        "Patterns of AREA/KEY1/…/RUNNAME/TEST[/ITEM]/LOG; * stands for any text, / too.",
    )
    limits: Path | None = option(
        PATH, None, "The dataset's JSON file with its three tables of limits; none: no limits."
    )
    expected_schema: int | None = option(
        whole_number(0, 10**9), None, "The schema that a database ends at; none: not compared."
    )


def read_datasets(reader: TableReader, tables: object) -> dict[str, dict[str, Any]]:
    """The datasets by name as the family of rules takes them, in the order of the file."""
    found = reader.table(PLACE, tables)
    return {name: _dataset(reader, (*PLACE, name), given) for name, given in found.items()}


def _dataset(reader: TableReader, key: KeyPath, given: object) -> dict[str, Any]:
    one = DatasetConfig(**reader.values(key, DatasetConfig, reader.table(key, given)))
    shown = given.get("limits") if isinstance(given, Mapping) else None
    return {
        "logs": list(one.logs or ()),
        "limits": _limits(reader, (*key, "limits"), one.limits) if one.limits else {},
        "limits_source": shown if isinstance(shown, str) else "",
        "expected_schema": one.expected_schema,
    }


def _limits(reader: TableReader, key: KeyPath, path: Path) -> dict[str, dict[str, float]]:
    try:
        with path.open("rb") as file:
            content = file.read(_LARGEST_BYTES)
        limits = limits_of(content)
    except OSError as trouble:
        reader.mistake(key, f"{path} can't be read: {trouble.strerror or trouble}")
        return {}
    except ValueError as wrong:
        reader.mistake(key, f"{path}: {wrong}")
        return {}
    return {name: dict(table) for name, table in zip(TABLES, limits, strict=True)}
