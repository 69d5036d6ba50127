"""The rows below one run → its tests, with their steps, data and descriptions."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence

from msgspec.structs import replace

from mtsite.megatest import rows
from mtsite.megatest.database import AreaConnection
from mtsite.megatest.query import Pace, select
from mtsite.megatest.samples import read_samples
from mtsite.megatest.testdat import OwnRows
from mtsite.model import Step, Test, TestDatum, TestMeta, TestName

OwnRowsOf = Callable[[Test, int], OwnRows]
"""The rows that a test keeps outside the database, by the test and its rowid."""

_Chunk = tuple[
    list[dict[str, object]], Mapping[int, tuple[Step, ...]], Mapping[int, tuple[TestDatum, ...]]
]


def read_tests(
    connection: AreaConnection, run_id: int, own_rows: OwnRowsOf | None
) -> tuple[tuple[Test, ...], dict[TestName, str], bool]:
    """The tests of a run by name, and of which of them something could not be read, and why.

    Last, whether their load samples were too many to be looked through.
    """
    # The index has all of this query's columns: it costs next to nothing, however long the run.
    named = select(connection, "tests", ["id", "testname", "item_path"], "run_id = ?", (run_id,))
    iterated = {rows.text(row["testname"]) for row in named if rows.text(row["item_path"])}
    found: dict[TestName, Test] = {}
    unread: dict[TestName, str] = {}
    ids = sorted(rows.rowid(row) for row in named)
    sampled = read_samples(connection, ids)
    samples = sampled or {}
    for chunk, steps, data in _chunks(connection, ids):
        for row in chunk:
            name = (rows.text(row["testname"]), rows.text(row["item_path"]))
            if rows.is_deleted(row["state"]) or name == rows.PLACEHOLDER:
                continue
            number = rows.rowid(row)
            test = rows.to_test(
                row,
                toplevel=not name[1] and name[0] in iterated,
                steps=steps.get(number, ()),
                data=data.get(number, ()),
            )
            if own_rows is not None and not (test.toplevel or test.steps or test.data):
                own = own_rows(test, number)
                test = replace(test, steps=own.steps, data=own.data)
                unread |= {name: own.note} if own.note else {}
            found[name] = replace(test, samples=samples[number]) if number in samples else test
    tests = tuple(found[name] for name in sorted(found, key=_byte_order))
    return tests, unread, sampled is None


def read_meta(connection: AreaConnection, tests: Sequence[Test]) -> dict[str, TestMeta]:
    """What the authors of these tests say about them, by testname."""
    names = sorted({test.testname for test in tests}, key=_bytes)
    meta: dict[str, TestMeta] = {}
    for start in range(0, len(names), 500):
        some = [_bytes(name) for name in names[start : start + 500]]
        marks = ", ".join(["CAST(? AS TEXT)"] * len(some))
        where = f"testname IN ({marks})"
        for row in select(connection, "test_meta", rows.META_COLUMNS, where, some):
            meta[rows.text(row["testname"])] = rows.to_meta(row)
    return meta


def _chunks(connection: AreaConnection, ids: Sequence[int]) -> Iterator[_Chunk]:
    """Tests in the order of their rowids with their steps and data, a query's worth at a time."""
    pace = Pace(128, 4096)
    done = 0
    while done < len(ids):
        some = ids[done : done + pace.start()]
        marks = ", ".join("?" * len(some))
        listed = f"id IN ({marks}) ORDER BY id"
        of_tests = f"test_id IN ({marks})"
        tests = select(connection, "tests", rows.TEST_COLUMNS, listed, some)
        step_rows = select(connection, "test_steps", rows.STEP_COLUMNS, of_tests, some)
        in_order = f"{of_tests} ORDER BY id"
        datum_rows = select(connection, "test_data", rows.DATUM_COLUMNS, in_order, some)
        pace.stop()
        done += len(some)
        steps = {number: rows.pair_steps(group) for number, group in _by_test(step_rows).items()}
        data = {
            number: tuple(rows.to_datum(r) for r in group if not rows.is_deleted(r["status"]))
            for number, group in _by_test(datum_rows).items()
        }
        yield tests, steps, data


def _by_test(found: Sequence[dict[str, object]]) -> Mapping[int, list[dict[str, object]]]:
    groups: defaultdict[int, list[dict[str, object]]] = defaultdict(list)
    for row in found:
        groups[rows.integer(row["test_id"]) or 0].append(row)
    return groups


def _byte_order(name: TestName) -> tuple[bytes, bytes]:
    return _bytes(name[0]), _bytes(name[1])


def _bytes(name: str) -> bytes:
    return name.encode("utf-8", "surrogateescape")
