"""What a database migration may take: the limits of a Turbo-hipster dataset, in both key styles.

A dataset's JSON object has three tables: `maximum_migration_times` (seconds),
`XInnodb_rows_changed` and `Innodb_rows_read`. Their keys are steps, `"151->152"` since 2015 and
`"152"` (the schema reached) before, and `default`; keys that begin with `_` are notes. A table
that is missing limits nothing.
"""

import json
import math
from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

Table = Mapping[str, float]
_NO_LIMIT: Table = MappingProxyType({})

TIME, CHANGED, READ = "maximum_migration_times", "XInnodb_rows_changed", "Innodb_rows_read"
TABLES = (TIME, CHANGED, READ)


class Limits(NamedTuple):
    """The three tables of one dataset: step → the most that passes. Seconds, rows, rows."""

    time: Table = _NO_LIMIT
    changed: Table = _NO_LIMIT
    read: Table = _NO_LIMIT


def limits_of(content: bytes) -> Limits:
    """The limits in a dataset's configuration.

    Raises:
        ValueError: it is no JSON object, or a limit is no number; says which.
    """
    try:
        found = json.loads(content)
    except (ValueError, RecursionError) as wrong:
        raise ValueError(f"not JSON: {wrong}") from None
    if not isinstance(found, dict):
        raise ValueError("not a JSON object")
    return Limits(*(_table(name, found.get(name, {})) for name in TABLES))


def allowed(table: Table, source: int, target: int) -> float | None:
    """The most that the step from one schema to another may take; None: no limit."""
    for key in (f"{source}->{target}", str(target), "default"):
        if key in table:
            return table[key]
    return None


def _table(name: str, found: object) -> Table:
    if not isinstance(found, dict):
        raise ValueError(f"{name} is no object")
    limits = {key: limit for key, limit in found.items() if not key.startswith("_")}
    for key, limit in limits.items():
        if not isinstance(limit, int | float) or isinstance(limit, bool) or math.isnan(limit):
            raise ValueError(f'{name}: the limit of "{key}" is no number')
    return limits
