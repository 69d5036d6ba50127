"""Runs whose rows go to a satellite or an archive keep their pages and records."""

from pathlib import Path

import pytest
from areas import TestArea, make_area, run, test
from sites import TestSite, difference, files_of, make_site

from mtsite.build.read import ReadTask, RunRead, RunReader

RUNS = [run("u/v", f"w{n}", [test(f"t{i}") for i in range(3)]) for n in range(12)]


def make(root: Path) -> tuple[TestSite, TestArea, TestArea]:
    """A site over an area of 12 runs and an empty satellite, built."""
    area, old = make_area(root, "a", runs=RUNS), make_area(root, "old")
    (root / "home").mkdir()
    site = make_site(root / "home", area, old)
    site.build()
    return site, area, old


def of_run(tree: Path, name: str) -> dict[str, bytes]:
    return {p: c for p, c in files_of(tree).items() if p.startswith(f"a/u/v/{name}/")}


def test_a_run_that_lies_elsewhere_now_has_the_record_of_a_clean_build(tmp_path: Path) -> None:
    site, area, old = make(tmp_path)
    area.copy_run("w1", old.database)
    area.mark_moved("w1", "old")
    site.build()
    assert difference(site.tree, site.build_clean(tmp_path / "clean")) == []


def test_a_moved_run_stays_while_its_satellite_is_unreadable(tmp_path: Path) -> None:
    site, area, old = make(tmp_path)
    area.copy_run("w1", old.database)
    area.mark_moved("w1", "old")
    site.build()
    before = of_run(site.tree, "w1")
    old.database.rename(old.path / "away.db")
    site.build()
    assert of_run(site.tree, "w1") == before
    site.build(full=True)
    assert of_run(site.tree, "w1") == before


def test_a_run_that_was_read_while_it_was_let_go_is_read_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site, area, _ = make(tmp_path)
    whole = of_run(site.tree, "w1")
    area.make_completed()
    area.copy_run("w1", area.completed, note="copied")
    run_id = area.run_id("w1")
    read = RunReader.__call__

    def late(reader: RunReader, task: ReadTask) -> RunRead:
        area.execute("DELETE FROM tests WHERE testname = 't1' AND run_id = ?", (run_id,))
        return read(reader, task)

    with monkeypatch.context() as patch:
        patch.setattr(RunReader, "__call__", late)
        site.build(full=True)
    area.execute("UPDATE mtsite_moves SET state = 'settled'", database=area.completed)
    area.drop_run("w1")
    site.build()
    assert of_run(site.tree, "w1") == whole
