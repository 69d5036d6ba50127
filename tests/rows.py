"""All rows of a database by natural names, read without any of mtsite's own code for moving.

Two databases hold the same runs exactly when `runs_in` of them are equal: rowids are left out,
a row of a test is named by testname and item path, an archive block by its path.
"""

import shutil
import sqlite3
from collections import Counter
from contextlib import closing
from pathlib import Path

from areas import TestArea
from storage import connect

RunName = tuple[object, ...]
Rows = Counter[tuple[object, ...]]


def runs_in(database: Path) -> dict[RunName, Rows]:
    """Run name (key values, runname) → all its rows, NULL columns left out."""
    if not database.exists():
        return {}
    with closing(connect(database)) as connection:
        connection.row_factory = sqlite3.Row
        keys = [row[0] for row in connection.execute("SELECT fieldname FROM keys ORDER BY id")]
        found: dict[RunName, Rows] = {}
        names: dict[int, RunName] = {}
        for run in connection.execute("SELECT * FROM runs").fetchall():
            name = (*(run[key] for key in keys), run["runname"])
            names[run["id"]] = name
            found[name] = Counter([("runs", _columns(connection, run, {}))])
        tests = {row["id"]: row for row in connection.execute("SELECT * FROM tests").fetchall()}
        for table in _tables(connection):
            for row in connection.execute(f'SELECT * FROM "{table}"').fetchall():
                _add(connection, found, (names, tests), (table, row))
        return found


def last_updates(database: Path) -> Counter[tuple[object, ...]]:
    """(table, last_update) of every row that has one."""
    with closing(connect(database)) as connection:
        return Counter(
            (table, row[0])
            for table in ("runs", "tests", "test_steps", "test_data", "run_stats")
            for row in connection.execute(f"SELECT last_update FROM {table}").fetchall()
        )


def make_caches(area: TestArea, tmp: Path, user: str = "matt") -> list[Path]:
    """What Megatest keeps in /tmp on a homehost: live and reference copy, equal to the area's."""
    directory = tmp / user / "megatest_localdb" / area.name / str(area.path).replace("/", ".")
    directory.mkdir(parents=True)
    caches = [directory / "megatest.db", directory / "megatest_ref.db"]
    for cache in caches:
        shutil.copyfile(area.database, cache)
    return caches


def _add(connection, found, known, entry) -> None:
    names, tests = known
    table, row = entry
    columns = row.keys()
    test = tests.get(row["test_id"]) if "test_id" in columns else None
    if "test_id" in columns and test is None and "run_id" not in columns:
        return
    run_id = row["run_id"] if "run_id" in columns else test["run_id"]
    if run_id in names:
        place = (test["testname"], test["item_path"]) if test is not None else ()
        found[names[run_id]][(table, *place, _columns(connection, row, {}))] += 1


def _columns(connection, row, _known) -> tuple[object, ...]:
    values = {
        name: row[name]
        for name in row.keys()  # noqa: SIM118 # a sqlite3.Row iterates over values
        if name not in {"id", "run_id", "test_id"} and row[name] is not None
    }
    if values.get("archived"):
        block = connection.execute(
            "SELECT disk_path FROM archive_blocks WHERE id = ?", (values["archived"],)
        ).fetchone()
        values["archived"] = block[0] if block else values["archived"]
    return tuple(sorted((name, type(value).__name__, value) for name, value in values.items()))


def _tables(connection) -> list[str]:
    tables = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
    return [
        table
        for (table,) in tables
        if table != "mtsite_moves"
        and {"run_id", "test_id"}
        & {row[1] for row in connection.execute(f'PRAGMA table_info("{table}")')}
    ]
