"""A run into an archive's database: rowids kept where they are free, else renumbered whole.

All functions work inside the caller's transaction: rows and note are committed together.
"""

import sqlite3
from collections.abc import Iterable, Mapping, Sequence

from msgspec import Struct
from msgspec.structs import replace

from mtsite.megatest.schema import quote
from mtsite.megatest.shape import RUN, TESTS, Row, Shapes, TableShape
from mtsite.megatest.transfer import (
    RunRows,
    Store,
    bound,
    delete_rows,
    fetch,
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


class Shared(Struct, frozen=True):
    """Rows that a run points to and that others may point to as well: they stay at the source."""

    blocks: tuple[Row, ...] = ()
    disks: tuple[Row, ...] = ()
    allocations: tuple[Row, ...] = ()


def gather_shared(stores: Sequence[Store], wanted: Shapes, run: RunRows) -> Shared:
    """What the tests of a run point to, from the first store that knows it."""
    tests = run.rows.get(TESTS, ())
    shape = wanted[TESTS]
    archived = shape.place("archived") if "archived" in shape.columns else None
    ids = {row[archived] for row in tests} - _NO_BLOCK if archived else set()
    if not ids:
        return Shared()
    blocks = _first_known(stores, wanted, BLOCKS, sorted(ids, key=str))
    disk_ids = {row[wanted[BLOCKS].place("archive_disk_id")] for row in blocks} - {None}
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
    )


def test_names(store: Store, run_ids: Iterable[int]) -> list[object]:
    """The names of the tests of some runs, each once."""
    found: set[object] = set()
    for run_id in run_ids:
        sql = "SELECT DISTINCT testname FROM main.tests WHERE run_id = ?"
        found.update(row[0] for row in fetch(store.connection, sql, (run_id,)))
    return sorted(found, key=str)


def gather_meta(stores: Sequence[Store], wanted: Shapes, names: Sequence[object]) -> Sequence[Row]:
    """What the authors of tests say about them."""
    return _first_known(stores, wanted, META, names, "testname")


def store_run(store: Store, run: RunRows, shared: Shared) -> dict[str, dict[int, int]]:
    """Insert a run with what it points to; the renumbering comes back. Fires no update trigger.

    Raises:
        sqlite3.IntegrityError: a constraint of the archive refuses a row.
    """
    moved = {table: _new_ids(store, table, rows) for table, rows in run.rows.items()}
    moved[BLOCKS] = _store_blocks(store, shared, _highest_block(store, run))
    for table, rows in run.rows.items():
        if refers_to := store.shapes[table].rowid_refers_to:
            known = moved.get(refers_to, {})
            moved[table] = {row[0]: known[row[0]] for row in rows if row[0] in known}
    for table in sorted(run.rows, key=lambda name: (name != RUN, name != TESTS, name)):
        shape = store.shapes[table]
        _insert(store, shape, _renumber(run.rows[table], moved[table], shape, moved))
    return {
        table: {new: _as_int(old) for old, new in ids.items()}
        for table, ids in moved.items()
        if ids
    }


def read_back(store: Store, run_id: int, renumbered: Renumbered) -> RunRows:
    """The archive's copy of a run, numbered as it was at its birth."""
    return as_at_birth(store.shapes, read_run(store, store.shapes, run_id), renumbered)


def as_at_birth(shapes: Shapes, run: RunRows, renumbered: Renumbered) -> RunRows:
    """A run as an archive has it, numbered as it was at its birth."""
    before = {table: dict[object, int](ids.items()) for table, ids in renumbered.items()}
    rows = {
        table: _renumber(found, before.get(table, {}), shapes[table], before)
        for table, found in run.rows.items()
    }
    return RunRows(renumbered.get(RUN, {}).get(run.run_id, run.run_id), rows)


def renumber_shared(shared: Shared, renumbered: Renumbered) -> Shared:
    """What a run points to, its archive blocks numbered as they were at its birth."""
    before = dict[object, int](renumbered.get(BLOCKS, {}).items())
    return replace(
        shared, blocks=tuple((before.get(row[0], row[0]), *row[1:]) for row in shared.blocks)
    )


def discard_run(store: Store, run_id: int) -> None:
    """Take a copy out again; what it points to stays."""
    there = read_run(store, store.shapes, run_id)
    for table in sorted(there.rows, key=lambda name: (name == RUN, name == TESTS)):
        delete_rows(store, table, [row[0] for row in there.rows[table]])


def _renumber(
    rows: Sequence[Row],
    own: Mapping[object, int],
    shape: TableShape,
    moved: Mapping[str, Mapping[object, int]],
) -> Sequence[Row]:
    """The rows under new rowids, with every column that refers to a renumbered row."""
    places = [
        (shape.place(column), moved[table])
        for column, table in shape.references.items()
        if table in {RUN, TESTS, BLOCKS, DISKS} and moved.get(table) and column != shape.alias
    ]
    if not places and not own:
        return rows
    renumbered = []
    for row in rows:
        values = [own.get(row[0], row[0]), *row[1:]]
        for place, mapping in places:
            values[place] = mapping.get(values[place], values[place])
        renumbered.append(tuple(values))
    return renumbered


def _new_ids(store: Store, table: str, rows: Sequence[Row]) -> dict[object, int]:
    """Old → new rowid of rows whose own is taken in the archive: one above all others."""
    shape = store.shapes[table]
    wanted = [_as_int(row[0]) for row in rows]
    once = len(set(wanted)) == len(wanted)
    if once and (not wanted or _is_free(store, shape, min(wanted), max(wanted))):
        return {}
    taken: set[int] = set()
    for start in range(0, len(wanted), _AT_ONCE):
        some = wanted[start : start + _AT_ONCE]
        sql = f"SELECT {shape.rowid} FROM {quote(table)} WHERE {shape.rowid} IN ({marks(some)})"
        taken.update(row[0] for row in store.connection.execute(sql, some))
    above = max([_highest(store, shape), *wanted])
    changed: dict[object, int] = {}
    for rowid in wanted:
        if rowid in taken:
            above += 1
            changed[rowid] = above
        taken.add(rowid)
    return changed


def _is_free(store: Store, shape: TableShape, first: int, last: int) -> bool:
    sql = f"SELECT 1 FROM {quote(shape.name)} WHERE {shape.rowid} BETWEEN ? AND ? LIMIT 1"
    return store.connection.execute(sql, (first, last)).fetchone() is None


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


def _store_blocks(store: Store, shared: Shared, highest: int) -> dict[object, int]:
    """Old id → new id of archive blocks that could not keep theirs; disks and allocations too."""
    if not shared.blocks:
        return {}
    disks = _store_known(store, DISKS, shared.disks, ("archive_area_name", "disk_path"), {})
    natural = ("archive_disk_id", "disk_path")
    moved = _store_known(store, BLOCKS, shared.blocks, natural, {DISKS: disks}, highest)
    if shared.allocations:
        columns = store.shapes[ALLOCATIONS].columns
        _store_known(store, ALLOCATIONS, shared.allocations, columns, {BLOCKS: moved})
    return moved


def _highest_block(store: Store, run: RunRows) -> int:
    """The highest number of a block that a test of this run or of the archive has, known or not."""
    shape = store.shapes[TESTS]
    if "archived" not in shape.columns:
        return 0
    place = shape.place("archived")
    own = [row[place] for row in run.rows.get(TESTS, ())]
    sql = "SELECT coalesce(max(archived), 0) FROM tests WHERE typeof(archived) = 'integer'"
    here = store.connection.execute(sql).fetchone()[0] if any(own) else 0
    return max(0, int(here), *(number for number in own if isinstance(number, int)))


def _store_known(
    store: Store,
    table: str,
    rows: Sequence[Row],
    natural: Sequence[str],
    moved: Mapping[str, Mapping[object, int]],
    above: int = 0,
) -> dict[object, int]:
    """Insert rows whose natural key the archive lacks; old → new rowid where they differ.

    A new rowid is higher than `above`: up to there tests may name rows that nobody knows.
    """
    shape = store.shapes[table]
    changed: dict[object, int] = {}
    used: set[int] = set()
    for row in _renumber(rows, {}, shape, moved):
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
        new = int(found[0]) if found and found[0] not in used else _place(store, shape, row, above)
        used.add(new)
        if new != row[0]:
            changed[row[0]] = new
    return changed


def _place(store: Store, shape: TableShape, row: Row, above: int = 0) -> int:
    new = _as_int(row[0])
    if new in (taken := _new_ids(store, shape.name, [row])):
        new = max(taken[new], above + 1)
    _insert(store, shape, [(new, *row[1:])])
    return new


def store_meta(store: Store, rows: Sequence[Row]) -> None:
    """Insert descriptions of tests that the archive has none of."""
    if not rows:
        return
    shape = store.shapes[META]
    place = shape.place("testname")
    names = [row[place] for row in rows]
    found = _first_known([store], store.shapes, META, names, "testname")
    known = {row[place] for row in found}
    for row in rows:
        if row[place] not in known:
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
