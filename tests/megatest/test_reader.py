"""Rows → records, and fingerprints that move exactly when a run does."""

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import areas
import pytest
from areas import datum, item, run, step
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mtsite.errors import MissingError
from mtsite.megatest import database, reader, rows
from mtsite.megatest.reader import RunHead
from mtsite.model import Run

RICH = [
    run(
        "ubuntu/nfs",
        "w01",
        [
            areas.test("plain", steps=[step("build"), step("check", status="1")], comment="fine"),
            areas.test("iterated", items=["fast", item("slow/big", status="FAIL")]),
            areas.test("measured", data=[datum("c", "v", value=1.5, expected=2, tol=">")]),
        ],
        comment="first",
    ),
    run("ubuntu/nfs", "w02", [areas.test("plain", status="FAIL")]),
    run("suse/local", "w01", [areas.test("plain", state="RUNNING", status="n/a")]),
]


def heads_of(area: areas.TestArea, path: Path | None = None) -> list[RunHead]:
    with database.reading(path or area.database) as connection:
        return reader.list_runs(connection, area.name, area.fields)


def head_of(area: areas.TestArea, runname: str = "w01", path: Path | None = None) -> RunHead:
    (found,) = [head for head in heads_of(area, path) if head.key.runname == runname]
    return found


def read(area: areas.TestArea, runname: str = "w01", path: Path | None = None) -> Run:
    head = head_of(area, runname, path)
    with database.reading(head.database) as connection:
        return reader.read_run(connection, head)


def one_test(tmp_path: Path, **rest: object) -> areas.TestArea:
    return areas.make_area(tmp_path, runs=[run("a/b", "w01", [areas.test("t", **rest)])])


def test_heads_say_who_and_where(tmp_path: Path) -> None:
    area = areas.make_area(tmp_path, runs=RICH)
    heads = heads_of(area)
    assert [(head.key.target, head.key.runname) for head in heads] == [
        (("ubuntu", "nfs"), "w01"),
        (("ubuntu", "nfs"), "w02"),
        (("suse", "local"), "w01"),
    ]
    first = heads[0]
    assert (first.key.area, first.home, first.keys) == ("fullrun", "fullrun", area.fields)
    assert (first.owner, first.comment, first.state) == ("matt", "first", "new")
    assert first.event_time == areas.BASE
    assert first.tests == 5
    assert first.database == area.database


def test_a_run_comes_with_tests_in_byte_order(tmp_path: Path) -> None:
    names = ["b", "B", "é", "a", "\udcff", "𝄞"]
    area = areas.make_area(tmp_path, runs=[run("a/b", "w01", [areas.test(n) for n in names])])
    found = [test.testname for test in read(area).tests]
    assert found == sorted(names, key=lambda name: name.encode("utf-8", "surrogateescape"))


def test_keys_may_stand_at_the_end_and_have_any_name(tmp_path: Path) -> None:
    area = areas.make_area(tmp_path, fields=('sys"name', "select"), runs=[run("a/b", "w01")])
    area.execute('ALTER TABLE runs ADD COLUMN "new key" TEXT')
    area.execute("UPDATE runs SET \"new key\" = 'c'")
    with database.reading(area.database) as connection:
        (head,) = reader.list_runs(connection, "x", ("new key", "select", 'sys"name'))
    assert head.key.target == ("c", "b", "a")


@pytest.mark.parametrize("value", ["", None])
def test_an_empty_key_value_is_called_x(tmp_path: Path, value: str | None) -> None:
    area = one_test(tmp_path)
    area.execute("UPDATE runs SET fsname = ?", (value,))
    assert head_of(area).key.target == ("a", "x")


def test_the_toplevel_row_is_the_one_with_items(tmp_path: Path) -> None:
    area = areas.make_area(
        tmp_path,
        runs=[
            run(
                "a/b",
                "w01",
                [
                    areas.test("iterated", items=["one"]),
                    areas.test("never_ran", uname="n/a", state="NOT_STARTED"),
                    areas.test("was_iterated", items=[item("old", state="DELETED")]),
                ],
            )
        ],
    )
    toplevel = {test.name: test.toplevel for test in read(area).tests}
    assert toplevel == {
        ("iterated", ""): True,
        ("iterated", "one"): False,
        ("never_ran", ""): False,
        ("was_iterated", ""): True,
    }


def test_placeholders_and_deleted_tests_are_left_out(tmp_path: Path) -> None:
    tests = [areas.test("kept"), areas.test("gone", state="deleted")]
    area = areas.make_area(tmp_path, runs=[run("a/b", "w01", tests)])
    area.execute(
        "INSERT INTO tests (id, run_id, testname, item_path, state)"
        " VALUES (30000, 1, 'bogustest', 'nowherepath', 'DELETED')"
    )
    assert [test.testname for test in read(area).tests] == ["kept"]
    assert head_of(area).tests == 1


def test_a_deleted_run_is_gone(tmp_path: Path) -> None:
    area = one_test(tmp_path)
    area.delete_run("w01")
    head = head_of(area)
    assert (head.gone, head.tests) == (reader.GONE, 0)


def test_a_moved_run_says_where_to(tmp_path: Path) -> None:
    area = one_test(tmp_path)
    area.mark_moved("w01", "archive")
    assert head_of(area).moved_to == "moved to archive on 2026-01-02 by matt"


def test_a_moved_row_that_has_tests_again_is_a_run(tmp_path: Path) -> None:
    area = one_test(tmp_path)
    area.mark_moved("w01", "archive")
    area.add_test("w01", areas.test("again"))
    assert (head_of(area).moved_to, head_of(area).tests) == ("", 1)


def test_nulls_and_text_in_numeric_columns_are_no_trouble(tmp_path: Path) -> None:
    area = one_test(tmp_path)
    area.execute(
        "UPDATE tests SET host = NULL, cpuload = 'n/a', diskfree = -1, run_duration = '#f',"
        " event_time = 'soon', attemptnum = NULL, comment = NULL, archived = NULL, item_path = NULL"
    )
    area.execute("UPDATE runs SET state = NULL, owner = NULL, event_time = 'x', comment = NULL")
    (test,) = read(area).tests
    assert (test.host, test.comment, test.item_path, test.archived) == ("", "", "", 0)
    assert (test.cpuload, test.diskfree, test.run_duration) == (None, None, None)
    assert (test.event_time, test.attemptnum) == (None, None)
    assert (head_of(area).state, head_of(area).event_time) == ("", None)


def test_times_beyond_any_calendar_are_none(tmp_path: Path) -> None:
    area = one_test(tmp_path)
    area.execute("UPDATE tests SET event_time = 9223372036854775807, run_duration = 1e300")
    (test,) = read(area).tests
    assert (test.event_time, test.run_duration) == (None, None)
    assert head_of(area).fingerprint


def test_missing_columns_have_megatests_meaning(tmp_path: Path) -> None:
    area = one_test(tmp_path, steps=[step("s")], data=[datum("c", "v")])
    area.execute("INSERT INTO test_meta (testname, author) VALUES ('t', 'ann')")
    for table, column in (
        ("runs", "contour"), ("tests", "shortdir"), ("tests", "archived"),
        ("test_steps", "logfile"), ("test_data", "type"), ("test_meta", "jobgroup"),
    ):  # fmt: skip
        area.execute(f"ALTER TABLE {table} DROP COLUMN {column}")
    found = read(area)
    (test,) = found.tests
    assert found.contour == ""
    assert (test.shortdir, test.archived) == (test.rundir, 0)
    assert test.steps[0].logfile == test.data[0].type == ""
    assert found.meta["t"].jobgroup == "default"


def test_test_data_keep_text_numbers_and_null(tmp_path: Path) -> None:
    values = [
        datum("c", "a", value="n/a", expected="", tol=">=", status=None, units=None),
        datum("c", "b", value=1, expected=1.5, tol=0.5, status="pass", units="ms"),
        datum("c", "d", value=float("inf"), status="DELETED"),
        datum("c", "e", value=float("inf"), status="fail"),
    ]
    (test,) = read(one_test(tmp_path, data=values)).tests
    first, second, third = test.data
    assert (first.value, first.expected, first.tol, first.status) == ("n/a", "", ">=", None)
    assert (second.value, second.expected, second.units) == (1, 1.5, "ms")
    assert third.value == "inf"


def test_descriptions_of_the_runs_tests_are_read(tmp_path: Path) -> None:
    area = one_test(tmp_path)
    area.execute(
        "INSERT INTO test_meta (testname, author, owner, description, reviewed, tags)"
        " VALUES ('t', 'ann', 'bob', 'what', 'never', 'a, b,,c'), ('other', '', '', '', '', '')"
    )
    (name,) = read(area).meta
    meta = read(area).meta[name]
    assert (meta.author, meta.owner, meta.description) == ("ann", "bob", "what")
    assert (meta.reviewed, meta.tags, meta.jobgroup) == ("never", ("a", "b", "c"), "default")


def test_a_long_run_is_read_whole_in_many_queries(tmp_path: Path) -> None:
    tests = [areas.test(f"t{number}", steps=[step("s")]) for number in range(700)]
    area = areas.make_area(tmp_path, runs=[run("a/b", "w01", tests)])
    found = read(area)
    assert len(found.tests) == 700
    assert all(len(test.steps) == 1 for test in found.tests)


def pair(*given_rows: tuple[str, str, object, str]) -> list[tuple[object, ...]]:
    """Steps from (stepname, state, event_time, status) in the order of their rowids."""
    made = [
        {"id": n, "stepname": row[0], "state": row[1], "event_time": row[2], "status": row[3]}
        | {"logfile": f"{row[1]}.log" if row[1] == "end" else "", "comment": ""}
        for n, row in enumerate(given_rows)
    ]
    return [(s.name, s.start, s.end, s.status, s.duration) for s in rows.pair_steps(made)]


def test_start_and_end_make_one_step() -> None:
    assert pair(("a", "start", 100, "-"), ("a", "end", 175, "0")) == [("a", 100, 175, "0", 75)]


def test_steps_come_by_start_time_not_by_rowid() -> None:
    found = pair(("b", "start", 200, "-"), ("a", "start", 100, "-"))
    assert [name for name, *_rest in found] == ["a", "b"]


def test_a_step_without_an_end_has_none() -> None:
    assert pair(("a", "start", 100, "-")) == [("a", 100, None, "-", None)]


def test_a_step_without_a_start_is_shown() -> None:
    assert pair(("a", "end", 100, "1")) == [("a", None, 100, "1", None)]


def test_a_step_that_runs_again_has_no_end_yet() -> None:
    found = pair(("a", "end", 50, "0"), ("a", "start", 100, "-"))
    assert found == [("a", 100, None, "0", None)]


def test_a_clock_that_went_back_gives_no_negative_duration() -> None:
    assert pair(("a", "start", 100, "-"), ("a", "end", 90, "0")) == [("a", 100, 90, "0", 0)]


def test_deleted_steps_are_hidden() -> None:
    assert pair(("a", "start", 100, "DELETED"), ("a", "end", 101, "DELETED")) == []


def test_text_as_time_is_no_time() -> None:
    assert pair(("a", "start", "noon", "-"), ("a", "end", 5, "0")) == [("a", None, 5, "0", None)]


EVENT_TIMES = st.one_of(st.none(), st.integers(-10, 10), st.text(max_size=3), st.floats())
STEP_ROWS = st.tuples(
    st.sampled_from("ab"), st.sampled_from(["start", "end", "odd"]), EVENT_TIMES, st.text()
)


@given(st.lists(STEP_ROWS, max_size=8))
def test_no_duration_is_ever_negative(made: list[tuple[str, str, object, str]]) -> None:
    for _name, start, end, _status, duration in pair(*made):
        assert duration is None or duration >= 0
        assert duration is None or (start is not None and end is not None)


def copied(area: areas.TestArea, runname: str) -> Path:
    """A faithful copy of one run in a database where all its rowids differ."""
    path = area.make_completed()
    area.execute("INSERT INTO runs (id, runname) VALUES (500, 'other')", database=path)
    area.execute("INSERT INTO tests (id, run_id) VALUES (7000, 500)", database=path)
    area.copy_run(runname, path)
    return path


def test_a_faithful_copy_has_the_same_fingerprint_and_records(tmp_path: Path) -> None:
    area = areas.make_area(tmp_path, runs=RICH[:1])
    before, run_before = head_of(area), read(area)
    path = copied(area, "w01")
    after = head_of(area, path=path)
    assert before.fingerprint and after.run_id != before.run_id
    assert after.fingerprint == before.fingerprint
    assert after.newest_update == before.newest_update
    assert read(area, path=path) == run_before


def test_fingerprints_differ_between_runs(tmp_path: Path) -> None:
    heads = heads_of(areas.make_area(tmp_path, runs=RICH))
    assert len({head.fingerprint for head in heads}) == 3


CHANGES = [
    "UPDATE tests SET status = 'WARN' WHERE testname = 'plain'",
    "UPDATE tests SET comment = 'looked at' WHERE testname = 'plain'",
    "DELETE FROM tests WHERE testname = 'plain'",
    "INSERT INTO tests (run_id, testname, last_update) VALUES (1, 'new', 1)",
    "INSERT INTO test_steps (test_id, stepname, last_update) VALUES (1, 'new', 1)",
    "DELETE FROM test_steps WHERE stepname = 'check'",
    "UPDATE test_steps SET comment = 'x' WHERE stepname = 'check' AND state = 'end'",
    "UPDATE test_data SET value = 7",
    "UPDATE runs SET comment = 'good one'",
    "UPDATE runs SET state = 'locked'",
]


@pytest.mark.parametrize("change", CHANGES)
def test_every_change_of_a_run_moves_its_fingerprint(tmp_path: Path, change: str) -> None:
    area = areas.make_area(tmp_path, runs=RICH[:1])
    before = head_of(area).fingerprint
    area.execute(change)
    assert head_of(area).fingerprint not in (before, "")


def test_an_older_row_that_comes_late_moves_the_fingerprint(tmp_path: Path) -> None:
    area = areas.make_area(tmp_path, runs=RICH[:1])
    area.execute("UPDATE tests SET comment = 'newest' WHERE testname = 'measured'")
    before = head_of(area)
    row = "SELECT * FROM tests WHERE testname = 'plain'"
    with closing(sqlite3.connect(area.database)) as connection, connection:
        cursor = connection.execute(row)
        columns = [column[0] for column in cursor.description]
        values = dict(zip(columns, cursor.fetchone(), strict=True))
        values |= {"comment": "from a sync", "last_update": values["last_update"] + 1}
        marks = ", ".join("?" * len(columns))
        connection.execute(f"INSERT OR REPLACE INTO tests VALUES ({marks})", [*values.values()])
    after = head_of(area)
    assert after.newest_update == before.newest_update
    assert after.fingerprint != before.fingerprint


def test_another_run_does_not_move_it(tmp_path: Path) -> None:
    area = areas.make_area(tmp_path, runs=RICH[:2])
    before = head_of(area).fingerprint
    area.change_status("w02", "plain", "PASS")
    assert head_of(area).fingerprint == before


def test_marking_and_taking_the_mark_back_does_not_move_it(tmp_path: Path) -> None:
    area = areas.make_area(tmp_path, runs=RICH[:1])
    before = head_of(area).fingerprint
    area.execute("UPDATE runs SET state = 'locked'")
    area.execute("UPDATE runs SET state = 'new'")
    assert head_of(area).fingerprint == before


@pytest.mark.parametrize(
    "spoil",
    [
        "DROP TRIGGER update_teststeps_trigger",
        "UPDATE runs SET comment = 'x'",
        "UPDATE tests SET last_update = NULL WHERE testname = 'plain'",
        "ALTER TABLE test_data DROP COLUMN last_update",
    ],
)
def test_where_no_time_tells_of_a_change_the_rows_do(tmp_path: Path, spoil: str) -> None:
    area = areas.make_area(tmp_path, runs=RICH[:1])
    for table in ("tests", "test_data"):
        area.execute(f"DROP TRIGGER update_{table}_trigger")
    area.execute(spoil)
    seen = [head_of(area).fingerprint]
    assert head_of(area).fingerprint == seen[0]
    for change in (
        "UPDATE tests SET comment = 'seen' WHERE testname = 'plain'",
        "UPDATE test_steps SET logfile = 'other.log'",
        "UPDATE test_data SET tol = 17",
    ):
        area.execute(change)
        seen.append(head_of(area).fingerprint)
    assert len(set(seen)) == len(seen)


def test_the_newest_update_and_activity_are_the_largest_of_all_rows(tmp_path: Path) -> None:
    area = one_test(tmp_path, steps=[step("s", seconds=50)], seconds=10)
    head = head_of(area)
    assert head.newest_update == areas.BASE + 50
    assert head.activity_time == areas.BASE + 50
    area.execute("UPDATE runs SET event_time = event_time + 1000")
    assert head_of(area).newest_update == areas.BASE + 50
    assert head_of(area).activity_time > areas.BASE + 1000


def test_a_run_that_left_meanwhile_is_missing(tmp_path: Path) -> None:
    area = areas.make_area(tmp_path, runs=RICH[:1])
    head = head_of(area)
    area.drop_run("w01")
    area.add_run(run("other/one", "w99"))
    with database.reading(area.database) as connection, pytest.raises(MissingError):
        reader.read_run(connection, head)


class Interrupted(database.AreaConnection):
    """A connection that lets somebody commit between two queries for tests."""

    def execute(self, sql: str, *rest: Sequence[object]) -> sqlite3.Cursor:
        if "FROM tests WHERE id IN" in sql and self.changes:
            area, change = self.changes.pop()
            area.execute(change)
        return super().execute(sql, *rest)


def interrupted(area: areas.TestArea, changes: int) -> Run:
    head = head_of(area)
    connection = sqlite3.connect(area.database, isolation_level=None, factory=Interrupted)
    connection.path = area.database
    connection.text_factory = database.decode
    connection.changes = [
        (area, f"UPDATE tests SET comment = 'change {number}'") for number in range(changes)
    ]
    with closing(connection):
        return reader.read_run(connection, head)


def test_a_run_that_changed_once_while_read_is_read_again(tmp_path: Path) -> None:
    found = interrupted(one_test(tmp_path), changes=1)
    assert not found.in_flight_read
    assert found.tests[0].comment == "change 0"


def test_a_run_that_keeps_changing_is_shown_as_in_flight(tmp_path: Path) -> None:
    assert interrupted(areas.make_area(tmp_path, runs=RICH[:1]), changes=2).in_flight_read


def test_a_commit_to_another_run_is_no_change(tmp_path: Path) -> None:
    area = areas.make_area(tmp_path, runs=RICH[:2])
    head = head_of(area)
    connection = sqlite3.connect(area.database, isolation_level=None, factory=Interrupted)
    connection.path = area.database
    connection.text_factory = database.decode
    other = f"UPDATE tests SET comment = 'x' WHERE run_id = {area.run_id('w02')}"
    connection.changes = [(area, other), (area, other)]
    with closing(connection):
        assert not reader.read_run(connection, head).in_flight_read
    assert len(connection.changes) == 1


def test_no_query_scans_a_table_of_tests_or_steps(tmp_path: Path) -> None:
    area = areas.make_area(tmp_path, runs=RICH)
    queries: list[str] = []
    with database.reading(area.database) as connection:
        connection.set_trace_callback(queries.append)
        heads = reader.list_runs(connection, area.name, area.fields)
        reader.read_run(connection, heads[0])
        connection.set_trace_callback(None)
        plans = [
            row[3]
            for query in queries
            if query.startswith("SELECT")
            for row in connection.execute(f"EXPLAIN QUERY PLAN {query}")
        ]
    assert any("USING INDEX" in plan for plan in plans)
    scans = [plan for plan in plans if plan.startswith("SCAN") and "sqlite_master" not in plan]
    assert scans == []


def test_the_pace_follows_how_long_queries_take() -> None:
    now = iter([0, 0, 0.001, 1, 1.2, 2, 2.03])
    pace = reader.Pace(8, 100, clock=lambda: next(now))
    sizes = []
    for _query in range(3):
        pace.start()
        pace.stop()
        sizes.append(pace.size)
    assert sizes == [16, 8, 8]


HOSTILE = st.one_of(
    st.none(),
    st.integers(-(2**63), 2**63 - 1),
    st.floats(),
    st.text(max_size=8),
    st.binary(max_size=8),
)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(values=st.lists(HOSTILE, min_size=12, max_size=12))
def test_no_value_makes_reading_fail(tmp_path: Path, values: list[object]) -> None:
    path = tmp_path / "hostile" / "megatest.db"
    if not path.exists():
        one = areas.test("t", steps=[step("s")], data=[datum("c", "v")])
        areas.make_area(tmp_path, "hostile", runs=[run("a/b", "w01", [one])])
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(
            "UPDATE tests SET testname = ?, item_path = ?, state = ?, status = ?,"
            " event_time = ?, run_duration = ?, cpuload = ?",
            values[:7],
        )
        connection.execute("UPDATE test_steps SET event_time = ?, status = ?", values[7:9])
        connection.execute("UPDATE test_data SET value = ?, status = ?", values[9:11])
        connection.execute("UPDATE runs SET event_time = ?", values[11:])
    with database.reading(path) as opened:
        (head,) = reader.list_runs(opened, "hostile", ("sysname", "fsname"))
        assert reader.read_run(opened, head).key == head.key


def test_a_text_among_the_times_hides_no_newest(tmp_path: Path) -> None:
    tests = [areas.test("t", last_update=1_800_000_000), areas.test("u", last_update="x")]
    area = areas.make_area(tmp_path, runs=[run("a/b", "w01", tests)])
    assert head_of(area).newest_update == 1_800_000_000
