"""A source and an archive in one connection: which rows of a run have their equal in the copy.

SQLite does the comparing, column by column and by rowid, so that a run's rows need not pass
through Python again. What the archive renumbered is looked up in a temporary table. Equal means
the same type and the same value: where a column keeps any type, the types are compared as well.
"""

import os
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote as quote_path

from msgspec import Struct

from mtsite.megatest.schema import quote
from mtsite.megatest.shape import RUN, TESTS, Shapes, TableShape, run_tables, test_tables
from mtsite.megatest.transfer import Store, names_run, test_ids_of

ARCHIVE = "archive"
"""The name under which the archive is attached to a source's connection, for reading only."""

TESTS_AT_ONCE = 1000
"""Tests whose rows are compared in one query."""

_RENUMBERED = "temp.mtsite_renumbered"


@dataclass(frozen=True, slots=True)
class Pair:
    """An open source with its archive attached; `renumbered` are tables that lost rowids there.

    `conditions` keeps the SQL of comparisons by table and columns left out.
    """

    source: Store
    archive: Shapes
    renumbered: frozenset[str] = frozenset()
    conditions: dict[tuple[str, frozenset[str]], str] = field(
        default_factory=dict, compare=False, repr=False
    )

    @property
    def connection(self) -> sqlite3.Connection:
        """The source's connection, to which the archive is attached."""
        return self.source.connection


class Tally(Struct, frozen=True):
    """Rows of one table that belong to a run at the source; `other` have no equal in the copy."""

    rows: int
    other: int


def attach_to_read(connection: sqlite3.Connection, path: Path, name: str) -> None:
    """Attach a database to another's connection, so that it can only be read."""
    uri = f"file://{quote_path(os.fsencode(path.absolute()))}?mode=ro"
    connection.execute(f"ATTACH DATABASE ? AS {name}", (uri,))


def attach(source: Store, archive: Path) -> None:
    """Attach an archive's file to a source's connection, for comparing."""
    attach_to_read(source.connection, archive, ARCHIVE)
    source.connection.execute(
        "CREATE TEMP TABLE mtsite_renumbered (kind TEXT, old INTEGER, new INTEGER)"
    )
    source.connection.execute("CREATE INDEX temp.mtsite_by_old ON mtsite_renumbered (kind, old)")


def pair(
    source: Store, archive: Shapes, renumbered: Sequence[Mapping[str, Mapping[int, int]]]
) -> Pair:
    """The source with its archive, for runs whose rowids changed like this (new → old)."""
    entries = {
        (table, old, new)
        for one in renumbered
        for table, ids in one.items()
        for new, old in ids.items()
    }
    source.connection.execute(f"DELETE FROM {_RENUMBERED}")
    source.connection.executemany(f"INSERT INTO {_RENUMBERED} VALUES (?, ?, ?)", sorted(entries))
    return Pair(source, archive, frozenset(table for table, _old, _new in entries))


def compare_run(both: Pair, run_id: int) -> dict[str, Tally]:
    """Each table of a run at the source, in short queries, each of which ends its own lock."""
    found: dict[str, Tally] = {}
    tests = both.source.shapes[TESTS]
    for shape in (both.source.shapes[RUN], *run_tables(both.source.shapes)):
        if shape.name in both.archive:
            where = f"s.{shape.rowid} = ?" if shape.name == RUN else names_run(shape, tests, "s")
            _count(both, shape, f"{quote(shape.name)} AS s WHERE {where}", (run_id,), found)
    spans = list(test_spans(both.source, run_id))
    for shape in (tests, *test_tables(both.source.shapes)):
        if shape.name in both.archive:
            rows = rows_of_tests(shape, tests)
            for span in spans:
                _count(both, shape, rows, (run_id, *span), found)
    return found


def test_spans(source: Store, run_id: int) -> Iterator[tuple[int, int]]:
    """First and last rowid of each few tests of a run."""
    rowid = source.shapes[TESTS].rowid
    sql = f"SELECT count(*), min({rowid}), max({rowid}) FROM tests WHERE run_id = ?"
    number, first, last = source.connection.execute(sql, (run_id,)).fetchone()
    if 0 < number <= TESTS_AT_ONCE:
        yield first, last
        return
    ids = test_ids_of(source, run_id)
    for start in range(0, len(ids), TESTS_AT_ONCE):
        some = ids[start : start + TESTS_AT_ONCE]
        yield some[0], some[-1]


def rows_of_tests(shape: TableShape, tests: TableShape) -> str:
    """FROM and WHERE for the rows `s` of a table of tests, by run_id and span of test rowids.

    The `+` keeps SQLite from walking the whole table of tests by rowid; see `tests_index`.
    """
    chosen = f"run_id = ? AND +t.{tests.rowid} BETWEEN ? AND ?"
    if shape.name == TESTS:
        return f"tests AS s WHERE s.run_id = ? AND +s.{tests.rowid} BETWEEN ? AND ?"
    column = shape.column_for(TESTS)
    name = quote(shape.name)
    if column != shape.alias and column not in shape.indexed:
        ids = f"SELECT t.{tests.rowid} FROM tests AS t WHERE t.{chosen}"
        return f"{name} AS s WHERE s.{quote(column)} IN ({ids})"
    return (
        f"tests AS t CROSS JOIN {name} AS s ON s.{quote(column)} = t.{tests.rowid} WHERE t.{chosen}"
    )


def version(source: Store) -> int:
    """A number that is another one as soon as any other connection has written to the source."""
    return int(source.connection.execute("PRAGMA main.data_version").fetchone()[0])


def has_equal(both: Pair, table: str, but: frozenset[str] = frozenset()) -> str:
    """The condition under which the row `s` of a table of the source has its equal in the copy.

    Values of the columns `but`, in small letters, may differ.
    """
    if (table, but) not in both.conditions:
        both.conditions[table, but] = _has_equal(both, table, but)
    return both.conditions[table, but]


def _has_equal(both: Pair, table: str, but: frozenset[str]) -> str:
    source, copy = both.source.shapes[table], both.archive[table]
    same = " AND ".join(_same_columns(both, source, copy, but)) or "1"
    of_copy = f"SELECT 1 FROM {ARCHIVE}.{quote(table)} AS a WHERE a.{copy.rowid}"
    condition = f"EXISTS ({of_copy} = s.{source.rowid} AND {same})"
    if table in both.renumbered:
        condition += (
            f" OR EXISTS ({of_copy} IN ({_new_ids(table, f's.{source.rowid}')}) AND {same})"
        )
    return f"({condition})"


def _same_columns(
    both: Pair, source: TableShape, copy: TableShape, but: frozenset[str]
) -> Iterator[str]:
    for column in copy.columns:
        if column.lower() in but:
            continue
        own = source.own_name(column)
        if not own:
            yield f"a.{quote(column)} IS NULL"
            continue
        theirs = f"s.{quote(own)}"
        refers_to = copy.references.get(column, "")
        if refers_to in both.renumbered:
            theirs = f"coalesce(({_new_ids(refers_to, theirs)} LIMIT 1), {theirs})"
        yield f"a.{quote(column)} COLLATE BINARY IS {theirs}"
        # Elsewhere a column can't hold 1 and 1.0: its affinity makes one of the other.
        kinds = {source.affinities.get(own), copy.affinities.get(column)}
        if len(kinds) > 1 or "BLOB" in kinds:
            yield f"typeof(a.{quote(column)}) = typeof(s.{quote(own)})"


def of_other_kind(both: Pair, table: str) -> list[str]:
    """Columns of the copy, as TABLE.COLUMN, that store values in another way than the source."""
    source, copy = both.source.shapes[table], both.archive[table]
    return [
        f"{table}.{column} ({copy.affinities[column]})"
        for column in copy.columns
        if (own := source.own_name(column)) and source.affinities[own] != copy.affinities[column]
    ]


def _new_ids(table: str, old: str) -> str:
    name = table.replace("'", "''")
    return f"SELECT new FROM {_RENUMBERED} WHERE kind = '{name}' AND old = {old}"


def _count(
    both: Pair, shape: TableShape, rows: str, values: Sequence[int], found: dict[str, Tally]
) -> None:
    sql = f"SELECT count(*), coalesce(sum(NOT {has_equal(both, shape.name)}), 0) FROM {rows}"
    given = values if rows.count("?") == len(values) else [values[0]] * rows.count("?")
    number, other = both.connection.execute(sql, given).fetchone()
    before = found.get(shape.name, Tally(0, 0))
    found[shape.name] = Tally(before.rows + number, before.other + other)
