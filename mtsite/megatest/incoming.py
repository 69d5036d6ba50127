"""A run into an archive's database: rowids kept where they are free, else renumbered whole.

All functions work inside the caller's transaction: rows and note are committed together.
"""

import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from mtsite.megatest.schema import quote
from mtsite.megatest.shape import RUN, TESTS, Row, Shapes, TableShape
from mtsite.megatest.transfer import (
    RunRows,
    Store,
    bound,
    delete_rows,
    mark_of,
    marks,
    read_run,
)

BLOCKS, DISKS, ALLOCATIONS, META = (
    "archive_blocks",
    "archive_disks",
    "archive_allocations",
    "test_meta",
)
_NO_BLOCK = frozenset({None, 0, -1})
_AT_ONCE = 500

Renumbered = Mapping[str, Mapping[int, int]]
"""Table → rowid in the archive → rowid at birth, for rows that could not keep theirs."""


@dataclass(frozen=True, slots=True)
class Shared:
    """Rows that a run points to and that others may point to as well: they stay at the source."""

    blocks: tuple[Row, ...] = ()
    disks: tuple[Row, ...] = ()
    allocations: tuple[Row, ...] = ()
    meta: tuple[Row, ...] = ()


def gather_shared(stores: Sequence[Store], wanted: Shapes, run: RunRows) -> Shared:
    """What the tests of a run point to, from the first store that knows it."""
    tests = run.rows.get(TESTS, ())
    shape = wanted[TESTS]
    archived = shape.place("archived") if "archived" in shape.columns else None
    ids = {row[archived] for row in tests} - _NO_BLOCK if archived else set()
    blocks = _first_known(stores, wanted, BLOCKS, sorted(ids, key=str))
    disk_ids = {row[wanted[BLOCKS].place("archive_disk_id")] for row in blocks} - {None}
    names = {row[shape.place("testname")] for row in tests}
    pairs = {(row[shape.place("testname")], row[shape.place("item_path")]) for row in tests}
    known = [row[0] for row in blocks]
    allocations = _first_known(stores, wanted, ALLOCATIONS, known, "archive_block_id")
    return Shared(
        blocks=blocks,
        disks=_first_known(stores, wanted, DISKS, sorted(disk_ids, key=str)),
        allocations=tuple(
            row
            for row in allocations
            if _values(wanted[ALLOCATIONS], row, ("testname", "item_path")) in pairs
        ),
        meta=_first_known(stores, wanted, META, sorted(names, key=str), "testname"),
    )


def store_run(store: Store, run: RunRows, shared: Shared) -> dict[str, dict[int, int]]:
    """Insert a run with what it points to; the renumbering comes back. Fires no update trigger.

    Raises:
        sqlite3.IntegrityError: a constraint of the archive refuses a row.
    """
    blocks = _store_blocks(store, shared)
    new_ids = {table: _free_ids(store, table, rows) for table, rows in run.rows.items()}
    moved: dict[str, dict[object, int]] = {
        table: {
            row[0]: new
            for row, new in zip(run.rows.get(table, ()), new_ids.get(table, ()), strict=True)
            if row[0] != new
        }
        for table in (RUN, TESTS)
    }
    moved[BLOCKS] = blocks
    for table, rows in run.rows.items():
        if refers_to := store.shapes[table].rowid_refers_to:
            new_ids[table] = [moved[refers_to].get(row[0], _as_int(row[0])) for row in rows]
    for table in sorted(run.rows, key=lambda name: (name != RUN, name != TESTS, name)):
        rows = _renumber(run.rows[table], new_ids[table], store.shapes[table], moved)
        _insert(store, store.shapes[table], rows)
    _store_meta(store, shared.meta)
    renumbered = {
        table: {
            new: _as_int(row[0])
            for row, new in zip(rows, new_ids[table], strict=True)
            if row[0] != new
        }
        for table, rows in run.rows.items()
    }
    renumbered[BLOCKS] = {new: _as_int(old) for old, new in blocks.items()}
    return {table: ids for table, ids in renumbered.items() if ids}


def read_back(store: Store, run_id: int, renumbered: Renumbered) -> RunRows:
    """The archive's copy of a run, numbered as it was at its birth."""
    there = read_run(store, store.shapes, run_id)
    moved = {
        table: dict[object, int](renumbered.get(table, {}).items())
        for table in (RUN, TESTS, BLOCKS)
    }
    rows = {}
    for table, found in there.rows.items():
        own = renumbered.get(table, {})
        ids = [own.get(_as_int(row[0]), _as_int(row[0])) for row in found]
        rows[table] = _renumber(found, ids, store.shapes[table], moved)
    return RunRows(renumbered.get(RUN, {}).get(run_id, run_id), rows)


def discard_run(store: Store, run_id: int) -> None:
    """Take a copy out again; what it points to stays."""
    there = read_run(store, store.shapes, run_id)
    for table in sorted(there.rows, key=lambda name: (name == RUN, name == TESTS)):
        delete_rows(store, table, [row[0] for row in there.rows[table]])


def _renumber(
    rows: Sequence[Row],
    ids: Sequence[int],
    shape: TableShape,
    moved: Mapping[str, Mapping[object, int]],
) -> Sequence[Row]:
    """The rows under these rowids, with every column that refers to a renumbered row."""
    places = [
        (shape.place(column), moved[table])
        for column, table in shape.references.items()
        if moved.get(table) and column != shape.alias
    ]
    if not places and all(row[0] == new for row, new in zip(rows, ids, strict=True)):
        return rows
    renumbered = []
    for row, new in zip(rows, ids, strict=True):
        values = [new, *row[1:]]
        for place, mapping in places:
            values[place] = mapping.get(values[place], values[place])
        renumbered.append(tuple(values))
    return renumbered


def _free_ids(store: Store, table: str, rows: Sequence[Row]) -> list[int]:
    """A rowid for each row: its own where the archive has it free, else one above all others."""
    shape = store.shapes[table]
    wanted = [_as_int(row[0]) for row in rows]
    taken: set[int] = set()
    for start in range(0, len(wanted), _AT_ONCE):
        some = wanted[start : start + _AT_ONCE]
        sql = f"SELECT {shape.rowid} FROM {quote(table)} WHERE {shape.rowid} IN ({marks(some)})"
        taken.update(row[0] for row in store.connection.execute(sql, some))
    above = max([_highest(store, shape), *wanted])
    given = []
    for rowid in wanted:
        if rowid in taken:
            above += 1
            given.append(above)
        else:
            taken.add(rowid)
            given.append(rowid)
    return given


def _highest(store: Store, shape: TableShape) -> int:
    sql = f"SELECT coalesce(max({shape.rowid}), 0) FROM {quote(shape.name)}"
    return int(store.connection.execute(sql).fetchone()[0])


def _insert(store: Store, shape: TableShape, rows: Sequence[Row]) -> None:
    listed = ", ".join([shape.rowid, *(quote(column) for column in shape.columns)])
    into = f"INSERT INTO {quote(shape.name)} ({listed}) VALUES"
    connection = store.connection
    connection.execute("SAVEPOINT rows_of_one_table")
    try:
        if rows:
            connection.executemany(f"{into} ({marks(rows[0])})", rows)
    except UnicodeEncodeError:
        # Text that is not UTF-8: each such value goes in as bytes and is made text there.
        connection.execute("ROLLBACK TO rows_of_one_table")
        for row in rows:
            placeholders = ", ".join(mark_of(value) for value in row)
            connection.execute(f"{into} ({placeholders})", [bound(value) for value in row])
    connection.execute("RELEASE rows_of_one_table")


def _store_blocks(store: Store, shared: Shared) -> dict[object, int]:
    """Old id → new id of archive blocks that could not keep theirs; disks and allocations too."""
    if not shared.blocks:
        return {}
    disks = _store_known(store, DISKS, shared.disks, ("archive_area_name", "disk_path"), {})
    moved = _store_known(
        store, BLOCKS, shared.blocks, ("archive_disk_id", "disk_path"), {DISKS: disks}
    )
    if shared.allocations:
        columns = store.shapes[ALLOCATIONS].columns
        _store_known(store, ALLOCATIONS, shared.allocations, columns, {BLOCKS: moved})
    return moved


def _store_known(
    store: Store,
    table: str,
    rows: Sequence[Row],
    natural: Sequence[str],
    moved: Mapping[str, Mapping[object, int]],
) -> dict[object, int]:
    """Insert rows whose natural key the archive lacks; old → new rowid where they differ."""
    shape = store.shapes[table]
    changed: dict[object, int] = {}
    used: set[int] = set()
    for row in _renumber(rows, [_as_int(row[0]) for row in rows], shape, moved):
        values = _values(shape, row, natural)
        condition = " AND ".join(
            f"{quote(column)} IS {mark_of(value)}"
            for column, value in zip(natural, values, strict=True)
        )
        found = store.connection.execute(
            f"SELECT {shape.rowid} FROM {quote(table)} WHERE {condition}"
            f" ORDER BY {shape.rowid} <> ?",
            [*map(bound, values), row[0]],
        ).fetchone()
        # Two blocks of one run stay two, so that their numbers can be told apart on the way back.
        new = int(found[0]) if found and found[0] not in used else _place(store, shape, row)
        used.add(new)
        if new != row[0]:
            changed[row[0]] = new
    return changed


def _place(store: Store, shape: TableShape, row: Row) -> int:
    (new,) = _free_ids(store, shape.name, [row])
    if new != row[0] and shape.name == BLOCKS:
        # Not a number that some archived test here refers to without its block being known.
        tests = store.shapes[TESTS]
        if "archived" in tests.columns:
            sql = "SELECT coalesce(max(archived), 0) FROM tests WHERE typeof(archived) = 'integer'"
            new = max(new, int(store.connection.execute(sql).fetchone()[0]) + 1)
    _insert(store, shape, [(new, *row[1:])])
    return new


def _store_meta(store: Store, rows: Iterable[Row]) -> None:
    for row in rows:
        shape = store.shapes[META]
        name = row[shape.place("testname")]
        known = store.connection.execute(
            f"SELECT 1 FROM test_meta WHERE testname IS {mark_of(name)}", [bound(name)]
        ).fetchone()
        if not known:
            _place(store, shape, row)


def _first_known(
    stores: Sequence[Store],
    wanted: Shapes,
    table: str,
    values: Sequence[object],
    column: str = "",
) -> tuple[Row, ...]:
    """Rows of a table by rowid (or another column), each value from the first store that has it."""
    found: list[Row] = []
    missing = list(values)
    for store in stores:
        if not missing or table not in store.shapes or table not in wanted:
            continue
        shape = store.shapes[table]
        name = quote(column) if column else shape.rowid
        rows: list[Row] = []
        for start in range(0, len(missing), _AT_ONCE):
            some = missing[start : start + _AT_ONCE]
            rows += store.connection.execute(
                f"SELECT {shape.selected(wanted[table])} FROM {quote(table)}"
                f" WHERE {name} IN ({', '.join(map(mark_of, some))})",
                [bound(value) for value in some],
            ).fetchall()
        found += rows
        place = wanted[table].place(column) if column else 0
        have = {row[place] for row in rows}
        missing = [value for value in missing if value not in have]
    return tuple(found)


def _values(shape: TableShape, row: Row, columns: Sequence[str]) -> tuple[object, ...]:
    return tuple(row[shape.place(column)] for column in columns)


def _as_int(value: object) -> int:
    if isinstance(value, int):
        return value
    raise sqlite3.IntegrityError(f"a rowid that is no number: {value!r}")
