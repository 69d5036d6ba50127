"""Generation G2: steps and data in testdat.db of each run directory."""

from collections.abc import Callable
from pathlib import Path

import pytest
from areas import TestArea, TestRow, datum, make_area, run, step, test
from areas_read import listed, query, read, update
from spoiled import LOCKS, a_directory, cut, dangling, foreign, locked, missing, outside, pipe

from mtsite.model import Test


def g2(tmp_path: Path, *tests: TestRow) -> TestArea:
    return make_area(tmp_path, runs=[run("u/v", "w1", list(tests))], generation="G2")


def only_test(area: TestArea) -> tuple[Test, str]:
    (found,) = [read(head) for head in listed(area).heads]
    (one,) = found.tests
    return one, found.unread.get(one.name, "")


def own_database(area: TestArea) -> Path:
    return area.rundir("w1", "t") / "testdat.db"


def test_steps_of_a_rebuilt_area_are_told_by_their_directory(tmp_path: Path) -> None:
    area = g2(tmp_path, test("t", steps=[step("s")], data=[datum("c", "v", value=1)]))
    update(own_database(area), "UPDATE test_steps SET test_id = 777")
    one, note = only_test(area)
    assert [each.name for each in one.steps] == ["s"]
    assert len(one.data) == 1
    assert note == ""


def test_steps_that_g1_left_in_the_central_database_stay(tmp_path: Path) -> None:
    steps = [step("s")]
    area = g2(tmp_path, test("old", steps=steps), test("new", steps=steps))
    ((number,),) = query(area.live, "SELECT id FROM tests WHERE testname = 'old'")
    update(
        area.live,
        f"INSERT INTO test_steps (test_id, stepname, state, event_time)"
        f" VALUES ({number}, 'central', 'start', 5)",
    )
    (area.rundir("w1", "old") / "testdat.db").unlink()
    (found,) = [read(head) for head in listed(area).heads]
    assert {one.testname: [s.name for s in one.steps] for one in found.tests} == {
        "old": ["central"],
        "new": ["s"],
    }
    assert found.unread == {}


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (missing, "testdat.db is missing"),
        (dangling, "testdat.db leads nowhere"),
        (cut, "malformed"),
        (foreign, "not a SQLite database"),
        (pipe, "named pipe"),
        (a_directory, "a directory"),
        (outside, "lies outside"),
        (locked, "locked"),
    ],
    ids=lambda one: getattr(one, "__name__", ""),
)
def test_a_testdat_that_can_not_be_read_is_a_note(
    tmp_path: Path, spoil: Callable[[Path], None], told: str
) -> None:
    area = g2(tmp_path, test("t", steps=[step("s")]))
    spoil(own_database(area))
    try:
        one, note = only_test(area)
    finally:
        while LOCKS:
            LOCKS.pop().close()
    assert one.steps == ()
    assert told in note and "steps and test data are not known" in note
    assert listed(area).error == ""


def test_a_test_without_a_directory_misses_nothing(tmp_path: Path) -> None:
    area = g2(tmp_path, test("t", state="NOT_STARTED", rundir="n/a", shortdir=""))
    assert only_test(area)[1] == ""
