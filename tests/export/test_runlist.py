"""The fast list of runs is the list that a build works from."""

import tempfile
from pathlib import Path

import pytest
from areas import BASE, DAY, TestArea, make_area, run, step, test
from generations import BUILDERS
from hypothesis import given, settings
from hypothesis import strategies as st
from sites import make_site

from mtsite import notes
from mtsite.export.runs import RunReading
from mtsite.megatest.runlist import RunList

NAMES = ("w1", "w2", "w3")
STATES = (*notes.STATES, "")

MOVES = st.lists(
    st.tuples(
        st.sampled_from(NAMES),
        st.sampled_from(("completed", "satellite")),
        st.sampled_from(STATES),
        st.sampled_from(("stays", "goes", "marked", "anew")),
    ),
    max_size=4,
    unique_by=lambda move: move[:2],
)


def move(area: TestArea, satellite: TestArea, told: tuple[str, str, str, str]) -> None:
    """Copy a run to an archive, with a note or without, and do something to the row at home."""
    name, where, state, home = told
    target = area.completed if where == "completed" else satellite.database
    area.copy_run(name, target, note=state)
    run_id = area.run_id(name)
    if home == "goes":
        area.execute("DELETE FROM tests WHERE run_id = ?", (run_id,))
    elif home == "marked":
        area.execute("DELETE FROM tests WHERE run_id = ?", (run_id,))
        area.execute("UPDATE runs SET state = 'MOVED', comment = 'moved' WHERE id = ?", (run_id,))
    elif home == "anew":
        area.execute("UPDATE runs SET event_time = event_time + 5 WHERE id = ?", (run_id,))


@settings(max_examples=25)
@given(MOVES, st.booleans())
def test_each_run_is_chosen_as_a_build_chooses_it(
    moves: list[tuple[str, str, str, str]], deleted: bool
) -> None:
    with tempfile.TemporaryDirectory() as directory:
        root = Path(directory)
        area = make_area(root, "a", runs=[run("u/v", name, [test("t")]) for name in NAMES])
        satellite = make_area(root, "s")
        area.make_completed()
        for told in moves:
            move(area, satellite, told)
        if deleted:
            area.delete_run("w1")
        runs = RunList((area.settings, satellite.settings), {})
        fast, whole = list(runs), list(runs.whole())
        told_of = [(h.key, h.home, h.database, h.run_id, h.gone, h.moved_to) for h in fast]
        assert told_of == [(h.key, h.home, h.database, h.run_id, h.gone, h.moved_to) for h in whole]


def test_runs_of_all_areas_come_oldest_first(tmp_path: Path) -> None:
    areas = [
        make_area(tmp_path, name, runs=[run("u/v", f"{name}{n}", event_time=BASE + n * DAY)])
        for n, name in enumerate("cab")
    ]
    runs = RunList(tuple(area.settings for area in areas), {})
    assert [head.key.runname for head in runs] == ["c0", "a1", "b2"]


def test_an_area_that_cannot_be_read_is_named_and_the_others_are_listed(tmp_path: Path) -> None:
    areas = [make_area(tmp_path, name, runs=[run("u/v", "w1")]) for name in "ab"]
    areas[0].database.write_bytes(b"not a database at all" * 50)
    runs = RunList(tuple(area.settings for area in areas), {})
    assert [head.key.area for head in runs] == ["b"]
    (problem,) = runs.problems
    assert problem.startswith("area a: ")


@pytest.mark.parametrize("generation", BUILDERS)
def test_runs_of_every_generation_are_listed_and_read(tmp_path: Path, generation: str) -> None:
    rows = [run("u/v", f"w{n}", [test("t", steps=[step("sim", log="x\n")])]) for n in range(2)]
    area = make_area(tmp_path, "a", runs=rows, generation=generation)
    (tmp_path / "home").mkdir()
    config = make_site(tmp_path / "home", area).config()
    heads = list(RunList((area.settings,), {}))
    assert [head.key.runname for head in heads] == ["w0", "w1"]
    with RunReading(config, 0) as reading:
        for head in heads:
            ((shown, verdict),) = reading.shown(head, tests=True).tests()
            assert (verdict.name, [each.name for each in shown.steps]) == ("PASS", ["sim"])
