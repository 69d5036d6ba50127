"""What reduce moves, what it leaves, and that nothing is lost or altered on the way."""

import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path

import pytest
from areas import BASE, DAY, make_area, run, test
from reducing import LATER, NOW, named, spec
from rows import last_updates, runs_in

from mtsite import notes
from mtsite.config import AreaConfig, ReduceConfig


def test_finished_runs_move_and_every_row_is_where_it_belongs(area, reduce):
    before = runs_in(area.database)
    summary = reduce(area)
    assert named(summary.moved) == ["w00", "w01", "w02"]
    here, there = runs_in(area.database), runs_in(area.completed)
    assert not here.keys() & there.keys()
    assert here | there == before


def test_last_update_arrives_unchanged(area, reduce):
    before = last_updates(area.database)
    reduce(area)
    assert last_updates(area.database) + last_updates(area.completed) == before


def test_rowids_stay_where_they_are_free(area, reduce):
    sql = "SELECT id, run_id, testname FROM tests WHERE run_id = 2 ORDER BY id"
    before = area.execute(sql)
    reduce(area)
    assert area.execute(sql, database=area.completed) == before


def test_taken_rowids_are_renumbered_with_all_references(area, reduce):
    before = runs_in(area.database)
    area.make_completed()
    area.execute(
        "INSERT INTO runs (id, sysname, fsname, runname) VALUES (1, 'a', 'b', 'other')",
        database=area.completed,
    )
    for test_id in range(1, 9):
        area.execute(
            "INSERT INTO tests (id, run_id, testname) VALUES (?, 1, ?)",
            (test_id, f"t{test_id}"),
            database=area.completed,
        )
    area.execute("INSERT INTO test_steps (id, test_id) VALUES (1, 1)", database=area.completed)
    reduce(area)
    there = runs_in(area.completed)
    del there[("a", "b", "other")]
    assert runs_in(area.database) | there == before


def test_a_second_call_has_nothing_to_do(area, reduce):
    reduce(area)
    before = area.completed.read_bytes()
    summary = reduce(area)
    assert summary.outcomes == ()
    assert area.completed.read_bytes() == before


def test_the_archive_is_a_complete_database_of_the_same_schema(area, reduce):
    reduce(area)
    sql = "SELECT name, sql FROM sqlite_master WHERE name <> 'mtsite_moves' ORDER BY name"
    assert area.execute(sql, database=area.completed) == area.execute(sql)
    for table in ("keys", "metadat"):
        rows = f"SELECT * FROM {table}"
        assert area.execute(rows, database=area.completed) == area.execute(rows)


def test_the_sqlite3_shell_reads_the_archive(area, reduce):
    reduce(area)
    shell = subprocess.run(
        ["sqlite3", area.completed, ".schema", "PRAGMA integrity_check", "PRAGMA journal_mode"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert "CREATE TRIGGER update_tests_trigger" in shell.stdout
    assert shell.stdout.splitlines()[-2:] == ["ok", "delete"]


def test_the_live_database_gains_no_object(area, reduce):
    sql = "SELECT name, sql FROM sqlite_master ORDER BY name"
    before = area.execute(sql)
    reduce(area)
    assert area.execute(sql) == before
    assert sorted(p.name for p in area.path.glob("*.db*")) == ["completed-runs.db", "megatest.db"]


def test_each_move_leaves_a_settled_note(area, reduce):
    reduce(area)
    with closing(sqlite3.connect(area.completed)) as connection:
        first, *_rest = found = notes.read(connection)
    assert [note.birth_runname for note in found] == ["w00", "w01", "w02"]
    assert {note.state for note in found} == {notes.SETTLED}
    assert (first.birth_area, first.birth_target) == ("fullrun", ("ubuntu", "nfs"))
    assert (first.birth_run_id, first.event_time, first.old_state) == (1, BASE, "new")
    assert first.counts["tests"] == 4
    assert (first.started, first.finished, first.source) == (NOW, NOW, str(area.database))


def test_a_dry_run_tells_the_plan_and_touches_nothing(area, reduce, tmp_path):
    before = area.database.read_bytes()
    summary = reduce(area, dry_run=True)
    assert [one.run.runname for one in summary.plan.leaving] == ["w00", "w01", "w02"]
    assert area.database.read_bytes() == before
    assert not area.completed.exists()
    assert not (tmp_path / "state").exists()


def test_unknown_columns_and_tables_travel_unchanged(area, reduce):
    area.execute('ALTER TABLE tests ADD COLUMN "odd ""name" TEXT')
    area.execute('UPDATE tests SET "odd ""name" = \'x\' || id')
    area.execute("CREATE TABLE shots (test_id INTEGER, picture BLOB)")
    area.execute("INSERT INTO shots SELECT id, x'00ff' FROM tests")
    area.execute("CREATE TABLE labels (id INTEGER PRIMARY KEY, run_id INTEGER, label)")
    area.execute("INSERT INTO labels (run_id, label) SELECT id, 1.0 FROM runs")
    area.execute("CREATE TABLE both_of (run_id, test_id, x)")
    area.execute("INSERT INTO both_of SELECT run_id, id, 'b' FROM tests")
    area.execute("INSERT INTO both_of SELECT NULL, id, 'n' FROM tests")
    area.execute("CREATE TABLE unrelated (x)")
    area.execute("INSERT INTO unrelated VALUES (1)")
    before = runs_in(area.database)
    counts = [area.execute(f"SELECT count(*) FROM {t}")[0][0] for t in ("shots", "both_of")]
    assert len(reduce(area, now=LATER).moved) == 3
    assert runs_in(area.database) | runs_in(area.completed) == before
    there = [
        area.execute(f"SELECT count(*) FROM {t}", database=area.completed)[0][0]
        for t in ("shots", "both_of")
    ]
    assert [n * 3 // 4 for n in counts] == there
    assert area.execute("SELECT x FROM unrelated") == [(1,)]


def test_tables_with_one_row_per_run_or_test_are_renumbered_along(area, reduce):
    area.execute("CREATE TABLE per_run (run_id INTEGER PRIMARY KEY, x)")
    area.execute("INSERT INTO per_run SELECT id, 'r' || id FROM runs")
    area.execute("CREATE TABLE per_test (test_id INTEGER PRIMARY KEY, x) WITHOUT ROWID")
    area.execute("INSERT INTO per_test SELECT id, 't' || id FROM tests")
    area.make_completed()
    sql = "INSERT INTO runs (id, runname) SELECT 1, 'x' UNION SELECT 2, 'y'"
    area.execute(sql, database=area.completed)
    sql = "INSERT INTO tests (id, run_id, testname) SELECT 2, 1, 't'"
    area.execute(sql, database=area.completed)
    before = runs_in(area.database)
    assert len(reduce(area).moved) == 3
    there = {name: rows for name, rows in runs_in(area.completed).items() if name in before}
    assert runs_in(area.database) | there == before
    assert area.execute("SELECT count(*) FROM per_run", database=area.completed) == [(3,)]


def test_columns_that_the_source_gains_later_are_taken_over(area, reduce):
    reduce(area)
    area.add_run(spec("w10"))
    area.add_run(spec("w11"))
    area.execute("ALTER TABLE tests ADD COLUMN later TEXT DEFAULT 'd'")
    area.execute("CREATE TABLE labels (id INTEGER PRIMARY KEY, run_id INTEGER, label)")
    area.execute("INSERT INTO labels (run_id, label) SELECT id, 'x' FROM runs")
    before = runs_in(area.database)
    assert named(reduce(area, now=LATER).moved) == ["w03", "w10"]
    there = {name: rows for name, rows in runs_in(area.completed).items() if name in before}
    assert runs_in(area.database) | there == before


def test_null_text_in_numbers_broken_bytes_and_nul_travel_unchanged(area, reduce):
    area.execute("UPDATE test_data SET value = 'n/a', expected = NULL, status = NULL")
    area.execute("UPDATE tests SET comment = CAST(x'ff0041' AS TEXT), host = x'ff00'")
    area.execute("UPDATE runs SET owner = CAST(x'e9' AS TEXT), comment = NULL")
    before = runs_in(area.database)
    assert len(reduce(area, now=LATER).moved) == 3
    assert runs_in(area.database) | runs_in(area.completed) == before


def test_names_that_are_not_utf8_move(tmp_path, reduce):
    broken = "w\udcff"
    area = make_area(tmp_path, runs=[spec(broken), spec("w2"), spec("w3")])
    assert named(reduce(area).moved) == [broken, "w2"]
    with closing(sqlite3.connect(area.completed)) as connection:
        assert notes.read(connection)[0].birth_runname == broken


def test_shared_rows_are_copied_and_stay_at_the_source(area, reduce):
    area.execute(
        "INSERT INTO archive_disks (id, archive_area_name, disk_path) VALUES (3, 'd', '/a')"
    )
    area.execute(
        "INSERT INTO archive_blocks (id, archive_disk_id, disk_path) VALUES (5, 3, '/a/2024_q1')"
    )
    area.execute(
        "INSERT INTO archive_allocations (archive_block_id, testname, item_path)"
        " VALUES (5, 'compile', ''), (5, 'nobody', '')"
    )
    area.execute("INSERT INTO test_meta (testname, author) VALUES ('compile', 'm'), ('other', 'x')")
    area.execute("UPDATE tests SET archived = 5 WHERE run_id = 1")
    area.execute("UPDATE tests SET archived = -1 WHERE run_id = 2")
    area.make_completed()
    area.execute(
        "INSERT INTO archive_blocks (id, disk_path) VALUES (5, '/elsewhere')",
        database=area.completed,
    )
    before = runs_in(area.database)
    reduce(area, now=LATER)
    assert runs_in(area.database) | runs_in(area.completed) == before
    joined = (
        "SELECT DISTINCT b.disk_path, d.disk_path FROM tests t"
        " JOIN archive_blocks b ON b.id = t.archived"
        " JOIN archive_disks d ON d.id = b.archive_disk_id"
    )
    assert area.execute(joined, database=area.completed) == [("/a/2024_q1", "/a")]
    allocated = "SELECT testname FROM archive_allocations"
    assert area.execute(allocated, database=area.completed) == [("compile",)]
    meta = "SELECT testname FROM test_meta ORDER BY 1"
    assert area.execute(meta, database=area.completed) == [("compile",)]
    assert area.execute(meta) == [("compile",), ("other",)]


@pytest.mark.parametrize("state", ["locked", "deleted", "MOVED"])
def test_runs_in_special_states_stay(area, reduce, state):
    area.execute("UPDATE runs SET state = ? WHERE runname = 'w01'", (state,))
    area.execute("UPDATE runs SET last_update = event_time")
    assert "w01" not in named(reduce(area, now=LATER).moved)


def test_the_run_with_the_highest_test_id_stays(area, reduce):
    area.add_test("w01", test("late"))
    assert named(reduce(area).moved) == ["w00", "w02"]


def test_the_run_with_the_highest_run_id_stays(area, reduce):
    area.add_run(spec("x", target="old/one", event_time=BASE - 50 * DAY))
    rules = ReduceConfig(older_than=2 * DAY, keep_live=0, dead_after=7 * DAY)
    assert named(reduce(area, rules=rules).moved) == ["w00", "w01", "w02", "w03"]


def test_an_area_whose_config_forbids_runs_is_skipped(tmp_path, reduce):
    area = make_area(tmp_path, runs=[spec("w1"), spec("w2")], config="[setup]\nallow-runs no\n")
    summary = reduce(area)
    assert (summary.outcomes, "allow-runs" in summary.skipped) == ((), True)
    assert not area.completed.exists()


def test_an_area_that_is_not_to_be_reduced_is_skipped(area, reduce):
    summary = reduce(area, settings=AreaConfig(name="fullrun", path=area.path, reduce=False))
    assert "reduce = false" in summary.skipped


def test_another_run_of_the_same_name_is_a_conflict_and_both_stay(area, reduce):
    area.make_completed()
    area.execute(
        "INSERT INTO runs (sysname, fsname, runname, comment) VALUES ('ubuntu', 'nfs', 'w01', 'c')",
        database=area.completed,
    )
    before = runs_in(area.database), runs_in(area.completed)
    summary = reduce(area)
    assert named(summary.moved) == ["w00", "w02"]
    ((stayed),) = summary.stayed
    assert (stayed.runname, "another run" in stayed.reason) == ("w01", True)
    name = ("ubuntu", "nfs", "w01")
    assert runs_in(area.database)[name] == before[0][name]
    assert runs_in(area.completed)[name] == before[1][name]


def test_a_new_run_under_the_name_of_a_moved_one_is_a_conflict(area, reduce):
    reduce(area)
    area.add_run(spec("w00", event_time=BASE + 50 * DAY))
    area.add_run(spec("w99", event_time=BASE + 60 * DAY))
    summary = reduce(area)
    assert ["another run" in one.reason for one in summary.stayed] == [True]


def test_a_run_that_changes_after_its_copy_stays_whole(area, reduce):
    def interfere(where):
        if where == "copied" and not changed:
            changed.append(area.change_status("w00", "compile", "PASS"))

    changed = []
    summary = reduce(area, checkpoint=interfere)
    assert named(summary.moved) == ["w01", "w02"]
    assert "changed while it was copied" in summary.stayed[0].reason
    assert len(runs_in(area.database)[("ubuntu", "nfs", "w00")]) == 10
    assert ("ubuntu", "nfs", "w00") not in runs_in(area.completed)


@pytest.mark.parametrize("when", [notes.VERIFIED, notes.LETTING_GO])
def test_a_run_that_is_locked_at_the_last_moment_stays_whole(area, reduce, when):
    def interfere(where):
        if where == when:
            area.execute("UPDATE runs SET state = 'locked' WHERE runname = 'w00'")

    before = runs_in(area.database)[("ubuntu", "nfs", "w00")]
    summary = reduce(area, checkpoint=interfere)
    assert named(summary.stayed) == ["w00"]
    stayed = runs_in(area.database)[("ubuntu", "nfs", "w00")]
    assert sum((stayed - before).values()) == 1
    assert ("ubuntu", "nfs", "w00") not in runs_in(area.completed)


def test_rows_that_change_or_appear_while_letting_go_stay_and_are_listed(area, reduce):
    def interfere(where):
        if where == "let go: run level of megatest.db" and not done:
            done.append(area.change_status("w00", "compile", "PASS"))
            area.add_test("w00", test("late"))

    done = []
    summary = reduce(area, checkpoint=interfere)
    assert "2 of tests" in summary.stayed[0].reason
    left = runs_in(area.database)[("ubuntu", "nfs", "w00")]
    kinds = sorted((row[0], row[1] if len(row) > 2 else "") for row in left)
    whole_test = [("test_steps", "compile")] * 4
    assert kinds == [("runs", ""), *whole_test, ("tests", ""), ("tests", "")]
    assert named(reduce(area).stayed) == ["w00"]


def test_rows_that_a_sync_brought_back_are_let_go_again(area, reduce):
    saved = area.database.read_bytes()
    reduce(area)
    area.database.write_bytes(saved)
    before = runs_in(area.completed)
    assert named(reduce(area).moved) == ["w00", "w01", "w02"]
    assert list(runs_in(area.database)) == [("ubuntu", "nfs", "w03")]
    assert runs_in(area.completed) == before


def test_a_move_that_was_begun_is_taken_back_when_the_run_may_not_leave_any_more(area, reduce):
    class Died(Exception):
        pass

    def die(where):
        raise Died

    with pytest.raises(Died):
        reduce(area, checkpoint=die)
    area.execute("UPDATE runs SET state = 'locked' WHERE runname = 'w00'")
    summary = reduce(area)
    assert "taken back" in summary.stayed[0].reason
    assert ("ubuntu", "nfs", "w00") not in runs_in(area.completed)
    assert len(runs_in(area.database)[("ubuntu", "nfs", "w00")]) == 10


def test_a_copy_that_does_not_read_back_keeps_the_source(area, reduce):
    def spoil(where):
        if where == "copied" and not done:
            done.append(
                area.execute("UPDATE tests SET comment = 'x' WHERE id = 1", (), area.completed)
            )

    done = []
    before = runs_in(area.database)
    summary = reduce(area, checkpoint=spoil)
    name = ("ubuntu", "nfs", "w00")
    assert "does not read back" in summary.stayed[0].reason
    assert runs_in(area.database)[name] == before[name]
    assert named(summary.moved) == ["w01", "w02"]


def test_an_empty_run_moves_and_an_area_without_runs_is_fine(tmp_path, reduce):
    area = make_area(tmp_path, runs=[run("a/b", "empty"), spec("w1"), spec("w2")])
    assert named(reduce(area).moved) == ["empty", "w1"]
    assert reduce(make_area(tmp_path, name="nothing")).outcomes == ()


def test_a_leftover_of_a_half_made_archive_is_replaced(area, reduce):
    (area.path / ".completed-runs.db.new").write_bytes(b"half")
    area.completed.touch()
    assert len(reduce(area).moved) == 3
    assert sorted(Path(p).name for p in area.path.glob("*completed*")) == ["completed-runs.db"]


@pytest.fixture
def many(tmp_path):
    runs = [run("u/v", f"n{number:02}", tests=[test("t")]) for number in range(27)]
    return make_area(tmp_path, name="many", runs=runs)


def test_about_twenty_runs_are_copied_in_one_transaction(many, reduce):
    steps = []
    assert len(reduce(many, checkpoint=steps.append).moved) == 26
    assert steps.count(notes.COPIED) == 3


def test_fewer_runs_at_once_while_somebody_else_writes(many, reduce):
    def write(step):
        if step == notes.SETTLED:
            many.execute("UPDATE tests SET comment = comment || 'x' WHERE run_id = 27")
        steps.append(step)

    steps = []
    assert len(reduce(many, checkpoint=write).moved) == 26
    assert steps.count(notes.COPIED) == 13
