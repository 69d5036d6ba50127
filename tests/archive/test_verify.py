"""`archive verify`: a whole archive is clean, and whatever is wrong with one is named."""

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from areas import BASE, DAY, TestArea, datum, make_area, run, step, test
from calling import called

from mtsite import notes
from mtsite.archive.job import Job
from mtsite.archive.reduce import reduce_area
from mtsite.archive.verify import Verification, verify_areas
from mtsite.config import ReduceConfig

NOW = BASE + 100 * DAY
RULES = ReduceConfig(older_than=2 * DAY, keep_live=1, dead_after=7 * DAY)


def spec(number: int):
    tests = [
        test("compile", steps=[step("build"), step("link", status="1")], status="FAIL"),
        test("regress", items=["fast", "slow/big"], data=[datum("c", "v", value=1.5, tol=">")]),
    ]
    return run("ubuntu/nfs", f"w{number}", tests=tests)


@pytest.fixture
def area(tmp_path: Path) -> TestArea:
    """An area of five runs, four of them in completed-runs.db."""
    made = make_area(tmp_path, runs=[spec(number) for number in range(5)])
    job = Job({}, RULES, NOW, tmp_path / "state", tmp=tmp_path / "tmp")
    assert len(reduce_area(made.settings, job).moved) == 4
    return made


def verified(*areas: TestArea) -> Verification:
    found = {area.name: area.settings for area in areas}
    (told, *_) = verify_areas(found, found, lambda *_: None, environ={})
    return told


def named(told: Verification) -> list[tuple[str, str]]:
    return [(one.check, one.what) for one in told.problems]


def test_what_was_moved_is_clean(area: TestArea) -> None:
    told = verified(area)
    assert (told.runs, told.notes, len(told.databases)) == (5, 4, 2)
    assert (told.problems, told.notices) == ([], [])


def test_verifying_changes_nothing(area: TestArea) -> None:
    before = [path.read_bytes() for path in sorted(area.path.glob("*.db"))]
    verified(area)
    assert [path.read_bytes() for path in sorted(area.path.glob("*.db"))] == before


def flip(database: Path, text: bytes) -> None:
    """Change one bit of the first place where this text lies in a file."""
    content = bytearray(database.read_bytes())
    assert content.count(text) >= 1
    content[content.index(text)] ^= 1
    database.write_bytes(bytes(content))


def test_one_flipped_byte_in_a_moved_row_is_named_by_run_table_and_test(area: TestArea) -> None:
    area.execute(
        "UPDATE test_data SET comment = 'a needle in the row'"
        " WHERE test_id = (SELECT id FROM tests WHERE run_id = 5 AND item_path = '')",
    )
    data = "INSERT INTO test_data (test_id, category, variable, comment) VALUES (?, 'c', 'x', ?)"
    area.execute(data, (area.test_id("w4", "regress", "slow/big"), "a needle in the row"))
    area.add_run(run("ubuntu/nfs", "w5", [test("t")], event_time=BASE + 20 * DAY))
    job = Job({}, RULES, NOW + 10**9, area.path.parent / "state")
    assert [one.runname for one in reduce_area(area.settings, job).moved] == ["w4"]
    assert verified(area).problems == []
    flip(area.completed, b"a needle in the row")
    (found,) = verified(area).problems
    assert found.check == "digest"
    assert found.where.endswith("completed-runs.db: fullrun/ubuntu/nfs/w4")
    assert found.what == "not what was copied: test_data; of test regress/slow/big"


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (
            "UPDATE tests SET comment = 'x' WHERE testname = 'compile' AND run_id = 2",
            "not what was copied: tests; of test compile",
        ),
        (
            "UPDATE runs SET owner = 'mallory' WHERE id = 2",
            "not what was copied: runs",
        ),
        (
            "DELETE FROM test_steps WHERE stepname = 'link' AND test_id IN"
            " (SELECT id FROM tests WHERE run_id = 2)",
            "2 rows in test_steps, not 4",
        ),
    ],
)
def test_a_changed_row_is_named(area: TestArea, change: str, told: str) -> None:
    area.execute(change, (), area.completed)
    ((check, what),) = named(verified(area))
    assert check == "digest"
    assert told in what


def test_a_row_that_names_a_test_that_is_not_there(area: TestArea) -> None:
    area.execute(
        "INSERT INTO test_steps (test_id, stepname) VALUES (4711, 'x')", (), area.completed
    )
    assert named(verified(area)) == [("references", "1 row names a test that is not there")]


def test_what_megatest_leaves_behind_in_a_live_database_is_a_notice(area: TestArea) -> None:
    area.execute("INSERT INTO test_data (test_id, category) VALUES (4711, 'x')")
    told = verified(area)
    assert told.problems == []
    assert [one.check for one in told.notices] == ["references"]


def test_a_damaged_page_is_found(area: TestArea) -> None:
    with area.completed.open("r+b") as file:
        file.seek(3 * 4096)
        file.write(b"\xff" * 4096)
    assert "integrity" in {check for check, _ in named(verified(area))}


def test_a_run_that_came_back_lies_in_two_places(area: TestArea, tmp_path: Path) -> None:
    back = sqlite3.connect(area.completed)
    with closing(back):
        (row,) = back.execute("SELECT * FROM runs WHERE id = 2").fetchall()
        tests = back.execute("SELECT * FROM tests WHERE run_id = 2").fetchall()
    for table, rows in (("runs", [row]), ("tests", tests)):
        for one in rows:
            area.execute(f"INSERT INTO {table} VALUES ({', '.join('?' * len(one))})", one)
    ((check, what),) = named(verified(area))
    assert check == "places"
    assert "completed-runs.db" in what
    assert "/megatest.db" in what


def test_a_note_whose_run_is_nowhere_is_a_loss(area: TestArea) -> None:
    for table, column in (("tests", "run_id"), ("runs", "id")):
        area.execute(f"DELETE FROM {table} WHERE {column} = 2", (), area.completed)
    assert ("places", "its rows are in no database") in named(verified(area))


def test_a_new_run_under_an_old_name_is_no_trouble(area: TestArea) -> None:
    area.add_run(run("ubuntu/nfs", "w0", [test("t")], event_time=BASE + 30 * DAY))
    assert verified(area).problems == []


def test_a_move_that_was_not_finished_is_named(area: TestArea) -> None:
    area.execute(
        f"UPDATE {notes.TABLE} SET state = 'letting go' WHERE run_id = 2", (), area.completed
    )
    told = verified(area)
    assert told.problems == []
    (notice,) = told.notices
    assert (notice.check, notice.what) == ("note", "its move is not finished: letting go")


def test_an_area_that_can_not_be_read_is_told(area: TestArea) -> None:
    (area.path / "megatest.db").write_bytes(b"no database")
    assert verified(area).problems


def test_the_command_lists_what_it_found_and_leaves_with_13(
    area: TestArea, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    root = area.path.parent
    (root / "mtsite.toml").write_text(f'[areas.fullrun]\npath = "{area.path}"\n')
    monkeypatch.chdir(root)
    assert called(["archive", "verify"], capsys).code == 0
    area.execute("UPDATE runs SET owner = 'mallory' WHERE id = 2", (), area.completed)
    ended = called(["archive", "verify", "fullrun", "--json"], capsys)
    assert ended.code == 13
    document = json.loads(ended.out)
    assert document["schema"] == "mtsite/archive-verify/1"
    ((problem,),) = [one["problems"] for one in document["areas"]]
    assert problem["where"].endswith("fullrun/ubuntu/nfs/w1")
    assert called(["archive", "verify", "nowhere"], capsys).code == 10
