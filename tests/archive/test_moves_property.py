"""Whatever an area holds, and whatever lies in its archive already, a move keeps all of it."""

import sqlite3
import string
import tempfile
from contextlib import closing
from pathlib import Path

from areas import BASE, DAY, make_area
from hypothesis import given, settings
from hypothesis import strategies as st
from rows import last_updates, runs_in
from storage import connect, insert

from mtsite.archive.job import Job
from mtsite.archive.reduce import reduce_area
from mtsite.config import ReduceConfig
from mtsite.megatest.schema import quote

NOW = BASE + 100 * DAY
NAMES = st.sampled_from(["a", "b", "A", "é", "x'\"y", "\udcff", "a/b", "", "1"])
VALUES = st.one_of(
    st.none(),
    st.integers(-(2**63), 2**63 - 1),
    st.floats(allow_nan=False),
    st.text(st.characters(codec="utf-8"), max_size=4),
    st.text(st.sampled_from(string.digits + ".e-"), max_size=4),
    st.binary(max_size=3),
    st.just("\udc80\x00z"),
)
TEST_TABLES = {
    "test_steps": ("stepname", "status", "logfile"),
    "test_data": ("category", "variable", "value", "status"),
    "test_rundat": ("update_time", "cpuload"),
    "archives": ("state", "du"),
    "shots": ("picture",),
}
CHILD = st.tuples(st.sampled_from(sorted(TEST_TABLES)), st.lists(VALUES, min_size=4, max_size=4))
TEST = st.tuples(
    NAMES, NAMES, st.sampled_from([0, -1, 1, 2, 9]), VALUES, st.lists(CHILD, max_size=4)
)
RUN = st.tuples(NAMES, NAMES, VALUES, st.lists(TEST, max_size=3), st.lists(VALUES, max_size=2))


def fill(database: Path, runs, first_id: int) -> None:
    """Store these runs; a row that a constraint refuses is left out."""
    with closing(connect(database)) as connection, connection:
        connection.execute("CREATE TABLE IF NOT EXISTS shots (test_id INTEGER, picture)")
        connection.execute("CREATE TABLE IF NOT EXISTS labels (run_id, label UNIQUE, extra)")
        for number, (target, runname, comment, tests, stats) in enumerate(runs):
            times = {"event_time": BASE + number, "last_update": BASE + number}
            row = {"id": first_id + number, "sysname": target, "fsname": "f", "runname": runname}
            run_id = store(connection, "runs", {**row, "comment": comment, **times})
            if not run_id:
                continue
            for label in stats:
                store(connection, "run_stats", {"run_id": run_id, "state": label, **UPDATED})
                store(connection, "labels", {"run_id": run_id, "extra": label})
            for name, item_path, archived, host, children in tests:
                named = {"run_id": run_id, "testname": name, "item_path": item_path}
                more = {"state": "COMPLETED", "archived": archived, "host": host, **times}
                test_id = store(connection, "tests", {**named, **more})
                for table, values in children if test_id else ():
                    columns = dict(zip(TEST_TABLES[table], values, strict=False))
                    store(connection, table, {"test_id": test_id, **columns})


UPDATED = {"last_update": BASE}


def store(connection, table: str, columns) -> int:
    names = ", ".join(quote(name) for name in columns)
    if "last_update" not in columns and table in {"test_steps", "test_data"}:
        return store(connection, table, {**columns, **UPDATED})
    clash = f"SELECT count(*) FROM {table}"
    before = connection.execute(clash).fetchone()
    try:
        return insert(connection, table, columns)
    except (sqlite3.Error, OverflowError, UnicodeError):
        assert names and connection.execute(clash).fetchone() == before
        return 0


@settings(max_examples=30)
@given(
    live=st.lists(RUN, max_size=4),
    archived=st.lists(RUN, max_size=2),
    blocks=st.lists(
        st.tuples(st.sampled_from([1, 2, 9]), st.sampled_from(["/a", "/b"])), max_size=2
    ),
    keep_live=st.integers(0, 1),
)
def test_a_move_keeps_the_union_of_all_rows(live, archived, blocks, keep_live):
    with tempfile.TemporaryDirectory() as directory:
        area = make_area(Path(directory))
        fill(area.database, live, 1)
        area.make_completed()
        # Their rowids clash with those of the live area; their names do not.
        fill(area.completed, [(f"old {target}", *rest) for target, *rest in archived], 1)
        for database, path in ((area.database, ""), (area.completed, "/old")):
            for number, disk_path in dict(blocks).items():
                sql = "INSERT INTO archive_blocks (id, disk_path) VALUES (?, ?)"
                area.execute(sql, (number, disk_path + path), database)
        before = runs_in(area.database) | runs_in(area.completed)
        updates = last_updates(area.database) + last_updates(area.completed)

        rules = ReduceConfig(older_than=2 * DAY, keep_live=keep_live, dead_after=7 * DAY)
        places = Path(directory)
        summary = reduce_area(
            area.settings, Job({}, rules, NOW, places / "state", tmp=places / "tmp")
        )

        here, there = runs_in(area.database), runs_in(area.completed)
        assert [one.reason for one in summary.stayed] == []
        assert len(summary.moved) == len(summary.plan.leaving)
        assert not here.keys() & there.keys()
        assert here | there == before
        assert last_updates(area.database) + last_updates(area.completed) == updates
