"""Rows of one run: read whole, stored elsewhere, compared, let go test by test."""

import sqlite3
from contextlib import closing

import pytest
from areas import BASE, datum, make_area, run, step, test

from mtsite.errors import AreaUnreadableError
from mtsite.megatest import transfer
from mtsite.megatest.activity import combine, key_names, read_activity
from mtsite.megatest.caches import cache_databases, is_this_host, living_server
from mtsite.megatest.compare import attach, compare_run, has_equal, pair, rows_of_tests, version
from mtsite.megatest.completed import make_completed
from mtsite.megatest.database import open_for_writing
from mtsite.megatest.digest import covered_columns, digest_run
from mtsite.megatest.incoming import Shared, discard_run, read_back, store_run
from mtsite.megatest.letgo import Leave, let_go_runs
from mtsite.megatest.shape import read_shapes
from mtsite.megatest.transfer import Store, immediate


@pytest.fixture
def area(tmp_path):
    tests = [
        test("compile", steps=[step("build")], data=[datum("c", "v", value=1.5)]),
        test("regress", items=["fast", "slow"]),
    ]
    return make_area(tmp_path, runs=[run("u/nfs", name, tests=tests) for name in ("w1", "w2")])


@pytest.fixture
def source(area):
    with closing(open_for_writing(area.database)) as connection:
        yield Store(area.database, connection, read_shapes(connection))


@pytest.fixture
def archive(area, source):
    make_completed(source.connection, area.completed)
    with closing(open_for_writing(area.completed)) as connection:
        yield Store(area.completed, connection, read_shapes(connection))


def test_a_run_is_read_with_all_that_belongs_to_it(source):
    found = transfer.read_run(source, source.shapes, 1)
    assert found.counts == {"runs": 1, "test_data": 1, "test_steps": 2, "tests": 4}


def test_a_run_that_is_not_there_has_no_rows(source):
    assert transfer.read_run(source, source.shapes, 77).counts == {}


def test_a_run_is_found_by_name_and_not_by_rowid(source, archive):
    (row,) = transfer.read_run_row(source, archive.shapes, 2)
    keys = key_names(source.connection)
    assert transfer.find_run(source, keys, row, archive.shapes["runs"]) == 2
    assert transfer.find_run(archive, keys, row, archive.shapes["runs"]) is None


def test_what_is_stored_reads_back_equal(source, archive):
    here = transfer.read_run(source, archive.shapes, 1)
    with immediate(archive.connection):
        renumbered = store_run(archive, here, Shared())
    assert renumbered == {}
    assert read_back(archive, 1, renumbered) == here


def test_a_renumbered_run_reads_back_under_its_old_numbers(source, archive):
    first = transfer.read_run(source, archive.shapes, 1)
    with immediate(archive.connection):
        store_run(archive, first, Shared())
        archive.connection.execute("UPDATE runs SET runname = 'other'")
        renumbered = store_run(archive, first, Shared())
    ((new, old),) = renumbered["runs"].items()
    assert old == 1
    assert new != 1
    assert read_back(archive, new, renumbered) == first


def test_the_digest_does_not_see_rowids(source, archive):
    here = transfer.read_run(source, archive.shapes, 1)
    columns = covered_columns(here, archive.shapes)
    digest = digest_run(here, archive.shapes, columns)
    with immediate(archive.connection):
        store_run(archive, here, Shared())
        archive.connection.execute("UPDATE runs SET runname = 'other'")
        new = max(store_run(archive, here, Shared())["runs"])
    there = transfer.read_run(archive, archive.shapes, new)
    assert digest_run(there, archive.shapes, columns) == digest


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE test_data SET value = 2.5",
        "UPDATE test_data SET value = NULL",
        "UPDATE test_steps SET comment = 'x' WHERE id = 1",
        "UPDATE runs SET comment = 'x' WHERE id = 1",
        "DELETE FROM test_steps WHERE id = 1",
        "INSERT INTO run_stats (run_id, count) VALUES (1, 3)",
        "UPDATE tests SET item_path = 'other' WHERE item_path = 'fast'",
        "UPDATE test_steps SET test_id = 3 WHERE id = 1",
    ],
)
def test_the_digest_sees_every_change(area, source, change):
    def digest():
        found = transfer.read_run(source, source.shapes, 1)
        return digest_run(found, source.shapes, covered_columns(found, source.shapes))

    # Without the trigger that would change last_update as well.
    for name in ("update_tests_trigger", "update_runs_trigger"):
        area.execute(f"DROP TRIGGER {name}")
    area.execute("DROP TRIGGER update_teststeps_trigger")
    area.execute("DROP TRIGGER update_test_data_trigger")
    before = digest()
    area.execute(change)
    assert digest() != before


def test_a_column_added_later_changes_no_digest(area, source):
    found = transfer.read_run(source, source.shapes, 1)
    columns = covered_columns(found, source.shapes)
    before = digest_run(found, source.shapes, columns)
    area.execute("ALTER TABLE tests ADD COLUMN later TEXT DEFAULT 'x'")
    shapes = read_shapes(source.connection)
    after = transfer.read_run(Store(source.path, source.connection, shapes), shapes, 1)
    assert digest_run(after, shapes, columns) == before


@pytest.fixture
def both(source, archive):
    """Run 1 copied into the archive, which is attached to the source."""
    with immediate(archive.connection):
        store_run(archive, transfer.read_run(source, archive.shapes, 1), Shared())
    attach(source, archive.path)
    return pair(source, archive.shapes, [])


def let_go(both, equal_at=None):
    let_go_runs(
        both, [1], Leave(), equal_at=equal_at, ready=lambda: None, committed=lambda step: None
    )


def other_rows(both):
    return {table: tally.other for table, tally in compare_run(both, 1).items() if tally.other}


def test_a_faithful_copy_has_no_other_rows(both):
    assert other_rows(both) == {}
    assert compare_run(both, 1)["test_steps"].rows == 2


@pytest.mark.parametrize(
    ("change", "table"),
    [
        ("UPDATE test_data SET value = NULL WHERE test_id = 1", "test_data"),
        ("UPDATE test_data SET value = '1.5x' WHERE test_id = 1", "test_data"),
        ("UPDATE test_steps SET stepname = 'BUILD' WHERE id = 1", "test_steps"),
        ("UPDATE runs SET comment = CAST('' AS BLOB) WHERE id = 1", "runs"),
        ("UPDATE tests SET comment = 'x' WHERE id = 2", "tests"),
        ("INSERT INTO run_stats (run_id, count) VALUES (1, 3)", "run_stats"),
        ("INSERT INTO test_rundat (test_id) VALUES (1)", "test_rundat"),
    ],
)
def test_a_row_that_changed_or_appeared_is_told(area, both, change, table):
    area.execute("DROP TRIGGER update_tests_trigger")
    area.execute(change)
    assert other_rows(both) == {table: 1}


def test_types_count_where_a_column_keeps_any_type(area, source):
    area.execute("CREATE TABLE shots (test_id INTEGER, picture)")
    area.execute("INSERT INTO shots VALUES (1, 1)")
    fresh = Store(source.path, source.connection, read_shapes(source.connection))
    make_completed(source.connection, area.completed)
    with closing(open_for_writing(area.completed)) as connection:
        archive = Store(area.completed, connection, read_shapes(connection))
        with immediate(connection):
            store_run(archive, transfer.read_run(fresh, archive.shapes, 1), Shared())
    attach(fresh, area.completed)
    area.execute("UPDATE shots SET picture = 1.0")
    assert other_rows(pair(fresh, archive.shapes, [])) == {"shots": 1}


def test_runs_are_compared_by_the_index_of_tests(both):
    for table in ("tests", "test_steps", "test_data"):
        rows = rows_of_tests(both.source.shapes[table], both.source.shapes["tests"])
        sql = f"EXPLAIN QUERY PLAN SELECT {has_equal(both, table)} FROM {rows}"
        plan = [row[3] for row in both.connection.execute(sql, (1, 1, 4)).fetchall()]
        assert not [step for step in plan if step.startswith("SCAN") and "CONSTANT" not in step]
        assert "(run_id=?" in plan[0]


def test_only_tests_that_equal_their_copy_are_let_go(area, both):
    area.execute("UPDATE test_steps SET comment = 'x' WHERE test_id = 1")
    let_go(both)
    assert transfer.test_ids_of(both.source, 1) == [1]
    assert area.execute("SELECT count(*) FROM test_steps WHERE test_id = 1") == [(2,)]


def test_nothing_is_compared_again_while_nobody_else_has_written(both):
    let_go(both, version(both.source))
    assert not transfer.read_run_row(both.source, both.source.shapes, 1)


def test_everything_is_compared_again_once_somebody_else_has_written(area, both):
    seen = version(both.source)
    area.execute("UPDATE tests SET comment = 'x' WHERE id = 2")
    let_go(both, seen)
    assert transfer.test_ids_of(both.source, 1) == [2]


def test_the_run_row_goes_only_when_nothing_names_it(area, both):
    area.execute("INSERT INTO run_stats (run_id, count) VALUES (1, 3)")
    let_go(both)
    assert transfer.read_run_row(both.source, both.source.shapes, 1)
    area.execute("DELETE FROM run_stats")
    let_go(both)
    assert not transfer.read_run_row(both.source, both.source.shapes, 1)


def test_nothing_of_a_run_is_let_go_when_its_row_has_changed(area, both):
    area.execute("UPDATE runs SET state = 'locked' WHERE id = 1")
    let_go(both)
    assert len(transfer.test_ids_of(both.source, 1)) == 4


def test_a_discarded_copy_leaves_the_other_runs(source, archive):
    with immediate(archive.connection):
        for run_id in (1, 2):
            store_run(archive, transfer.read_run(source, archive.shapes, run_id), Shared())
        discard_run(archive, 1)
    assert transfer.read_run(archive, archive.shapes, 1).counts == {}
    assert transfer.read_run(archive, archive.shapes, 2).counts["tests"] == 4


def test_a_failed_transaction_leaves_no_trace(area, source):
    with pytest.raises(sqlite3.IntegrityError), immediate(source.connection):
        source.connection.execute("DELETE FROM tests")
        source.connection.execute("INSERT INTO runs (id) VALUES (1)")
    assert area.execute("SELECT count(*) FROM tests") == [(8,)]


def test_steps_are_found_by_their_index(source):
    plan = source.connection.execute(
        "EXPLAIN QUERY PLAN SELECT * FROM test_steps WHERE test_id IN (1, 2)"
    ).fetchall()
    assert all(row[3].startswith("SEARCH") for row in plan)


def test_a_table_of_runs_without_rowids_is_refused(area, source):
    area.execute("CREATE TABLE odd (run_id, x, PRIMARY KEY (run_id, x)) WITHOUT ROWID")
    area.execute("CREATE TABLE fine (x PRIMARY KEY) WITHOUT ROWID")
    with pytest.raises(AreaUnreadableError, match="odd"):
        read_shapes(source.connection)


def test_activity_is_the_newest_sign_of_life(area, source):
    (first, _second) = read_activity(source.connection, settled_before=0)
    assert (first.tests, first.activity) == (3, BASE + 70)
    area.execute("INSERT INTO test_rundat (test_id, update_time) VALUES (1, ?)", (BASE + 500,))
    late = read_activity(source.connection, settled_before=BASE * 2)[0]
    assert late.activity == BASE + 500


def test_toplevel_deleted_and_placeholder_rows_are_not_counted(area, source):
    area.execute("UPDATE tests SET state = 'RUNNING' WHERE id = 2")
    area.execute(
        "INSERT INTO tests (run_id, testname, item_path, state) VALUES"
        " (1, 'bogustest', 'nowherepath', 'RUNNING'), (1, 'gone', '', 'DELETED')"
    )
    first = read_activity(source.connection, settled_before=0)[0]
    assert (first.tests, first.busy) == (3, 0)


def test_busy_waiting_and_unknown_states_are_told_apart(area, source):
    for test_id, state in ((1, "RUNNING"), (3, "NOT_STARTED"), (4, "WEIRD")):
        area.execute("UPDATE tests SET state = ? WHERE id = ?", (state, test_id))
    first = read_activity(source.connection, settled_before=0)[0]
    assert (first.busy, first.waiting, first.unknown) == (1, 1, ("WEIRD",))
    assert first.heard == BASE + 10
    area.execute("UPDATE tests SET event_time = 'never' WHERE id = 1")
    assert read_activity(source.connection, settled_before=0)[0].heard is None


def test_the_trigger_without_where_makes_test_times_worthless(area, source):
    area.execute("DROP TRIGGER update_tests_trigger")
    area.execute(
        "CREATE TRIGGER update_tests_trigger AFTER UPDATE ON tests FOR EACH ROW BEGIN"
        " UPDATE tests SET last_update = (strftime('%s','now')); END"
    )
    area.execute("UPDATE tests SET comment = 'x' WHERE id = 8")
    first = read_activity(source.connection, settled_before=0)[0]
    assert first.activity == BASE + 70


def test_the_highest_rowids_are_named(area, source):
    area.add_test("w1", test("late"))
    first, second = read_activity(source.connection, settled_before=0)
    assert (first.holds_highest, second.holds_highest) == (("tests.id",), ("runs.id",))


def test_a_cache_can_lock_a_run_or_make_it_younger(source):
    base = read_activity(source.connection, settled_before=0)
    live = [type(run)(**{**_values(run), "state": "locked", "activity": 2 * BASE}) for run in base]
    both = combine(base, live[:1])
    assert (both[0].state, both[0].activity) == ("locked", 2 * BASE)
    assert both[1] == base[1]


def test_caches_of_all_users_are_found_live_ones_first(tmp_path):
    place = tmp_path / "proj" / "fullrun"
    place.mkdir(parents=True)
    for user in ("anna", "matt"):
        directory = tmp_path / user / "megatest_localdb" / "x" / str(place).replace("/", ".")
        directory.mkdir(parents=True)
        for name in ("megatest.db", "megatest_ref.db", "no-sync.db"):
            (directory / name).touch()
    found = [
        (path.relative_to(tmp_path).parts[0], path.name)
        for path in cache_databases(place, tmp_path)
    ]
    live = [("anna", "megatest.db"), ("matt", "megatest.db")]
    assert found == [*live, ("anna", "megatest_ref.db"), ("matt", "megatest_ref.db")]


def test_a_server_lives_while_it_touches_its_log(tmp_path):
    log = tmp_path / "logs" / "server-1-h.log"
    log.parent.mkdir()
    log.touch()
    touched = int(log.stat().st_mtime)
    assert living_server(tmp_path, touched + 5) == log
    assert living_server(tmp_path, touched + 60) is None


@pytest.mark.parametrize(
    ("name", "is_here"),
    [("", True), ("localhost", True), ("127.0.0.1", True), ("203.0.113.9", False)],
)
def test_this_host_is_known_by_name_and_address(name, is_here):
    assert is_this_host(name) is is_here


def _values(run) -> dict[str, object]:
    return {name: getattr(run, name) for name in run.__struct_fields__}
