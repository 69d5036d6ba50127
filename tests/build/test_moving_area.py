"""An area that moves or vanishes while a build reads it: named once, and nothing is dropped."""

from collections.abc import Callable
from pathlib import Path

import pytest
from areas import TestArea, make_area, run, test
from crawl import crawl, pages
from sites import TestSite, difference, files_of, make_site

from mtsite.build import around as build
from mtsite.build.read import ReadTask, RunRead, RunReader
from mtsite.megatest import linktree

Two = tuple[TestSite, TestArea, TestArea]


@pytest.fixture
def two(tmp_path: Path) -> Two:
    """Two areas of four runs with logs, not built yet."""
    areas = [
        make_area(
            tmp_path, name, runs=[run("u/v", f"w{n}", [test("t", log=f"{n}\n")]) for n in range(4)]
        )
        for name in ("stays", "moves")
    ]
    (tmp_path / "home").mkdir()
    return make_site(tmp_path / "home", *areas), areas[0], areas[1]


def away(directory: Path) -> Path:
    return directory.with_name(f"{directory.name}.elsewhere")


def go_at_the_second_run(area: TestArea) -> Callable[[RunReader, ReadTask], RunRead]:
    """Reading as ever, but the area is renamed after its first run was read."""
    read, seen = RunReader.__call__, []

    def reading(reader: RunReader, task: ReadTask) -> RunRead:
        if task.head.home == area.name:
            seen.append(task)
            if len(seen) == 2:
                area.path.rename(away(area.path))
        return read(reader, task)

    return reading


@pytest.mark.parametrize("built_before", [False, True])
def test_an_area_that_is_renamed_during_a_build_is_named_once_and_comes_back(
    two: Two, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, built_before: bool
) -> None:
    site, stays, moves = two
    if built_before:
        site.build()
        for area in (stays, moves):
            area.runs_made = 9
            for name in ("x1", "x2"):
                area.add_run(run("u/v", name, [test("t", status="FAIL", log=f"ERROR: {name}\n")]))
    before = files_of(site.tree)
    with monkeypatch.context() as patch:
        patch.setattr(RunReader, "__call__", go_at_the_second_run(moves))
        (problem,) = site.build().problems
    assert problem.startswith("area moves: moved or vanished during the build; ")
    assert before.keys() - files_of(site.tree).keys() == set()
    assert (site.tree / "stays/u/v" / ("x2" if built_before else "w3") / "index.json").exists()
    assert crawl(site.tree, pages(site.tree)).dead == []
    away(moves.path).rename(moves.path)
    assert site.build().problems == []
    assert difference(site.tree, site.build_clean(tmp_path / "clean")) == []


def test_an_area_that_moved_for_good_keeps_its_pages(
    two: Two, monkeypatch: pytest.MonkeyPatch
) -> None:
    site, _, moves = two
    site.build()
    moves.runs_made = 9
    for name in ("x1", "x2"):
        moves.add_run(run("u/v", name, [test("t")]))
    with monkeypatch.context() as patch:
        patch.setattr(RunReader, "__call__", go_at_the_second_run(moves))
        site.build()
    before = files_of(site.tree)
    (problem,) = site.build().problems
    assert problem.startswith("area moves: no directory")
    assert before.keys() - files_of(site.tree).keys() == set()
    site.write_config({"stays": site.config().areas["stays"].path, "moves": away(moves.path)})
    assert site.build().problems == []


def test_logs_that_went_away_with_the_linktree_do_not_pass_for_lost(
    two: Two, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site, _, moves = two
    find = linktree.find_logs

    def unmounted(roots: linktree.Roots, *rest: object) -> object:
        if roots.linktree == str(moves.linktree) and moves.linktree.exists():
            moves.linktree.rename(away(moves.linktree))
        return find(roots, *rest)

    with monkeypatch.context() as patch:
        patch.setattr(linktree, "find_logs", unmounted)
        assert len(site.build().problems) == 1
    assert not list((site.tree / "_record").glob("moves/u/v/w*"))
    away(moves.linktree).rename(moves.linktree)
    site.build()
    assert (site.tree / "moves/u/v/w0/t/_log/final.log.html").exists()
    assert difference(site.tree, site.build_clean(tmp_path / "clean")) == []


def test_an_area_that_vanishes_after_it_was_read_loses_nothing(
    two: Two, monkeypatch: pytest.MonkeyPatch
) -> None:
    site, _, moves = two
    write_targets = build._write_targets

    def vanish(state: object) -> None:
        moves.path.rename(away(moves.path))
        write_targets(state)

    with monkeypatch.context() as patch:
        patch.setattr(build, "_write_targets", vanish)
        assert site.build().problems == []
    assert (site.tree / "moves/u/v/w3/index.html").exists()
