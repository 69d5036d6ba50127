"""Rows → records, whatever the rows hold."""

import sqlite3
from contextlib import closing
from pathlib import Path

import areas
import pytest
from areas import datum, item, run, step
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from megatest.reading import RICH, head_of, heads_of, one_test, read

from mtsite.megatest import database, reader


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
