"""A first build that may not take long: newest runs first, whole at every stop, done in the end."""

import json
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import pytest
from areas import BASE, DAY, TestArea, make_area, run, test
from calling import called
from crawl import crawl, pages
from sites import TestSite, difference, files_of, make_site

from mtsite.build.state import BuildState
from mtsite.manifest import Manifest

LIMIT = '[build]\ntime_limit = "{}s"\n'


def ticking() -> Callable[[], float]:
    """A clock that goes on by a second whenever it is looked at."""
    seconds = count()
    return lambda: float(next(seconds))


def history(root: Path, runs: int = 6, *, targets: tuple[str, ...] = ("u/v", "s/z")) -> TestArea:
    """One run a day and target; tests that fail for long, now and then, and in a row of runs."""
    area = make_area(root, "a")
    for number in range(runs):
        for target in targets:
            tests = [
                test("always", status="FAIL", log="ERROR: as ever\n"),
                test("flaky", status="FAIL" if number % 3 else "PASS"),
                test("broke", status="FAIL" if number * 2 > runs else "PASS"),
                test("steady", items=["one", "two/three"] if number % 2 else ["one"]),
                *([test("rare")] if number % 5 == 0 else []),
            ]
            when = BASE + number * DAY
            area.add_run(run(target, f"r{number:03d}", tests, event_time=when))
    return area


def limited(root: Path, area: TestArea, seconds: int) -> TestSite:
    root.mkdir()
    site = make_site(root, area)
    site.write_config({area.name: area.path}, LIMIT.format(seconds))
    return site


def stops(site: TestSite, most: int = 60) -> Iterator[int]:
    """Build until nothing is left; how many runs were left at each stop."""
    for _ in range(most):
        left = site.build(clock=ticking()).left
        yield left
        if not left:
            return
    raise AssertionError(f"not done after {most} builds")


def at_once(root: Path, area: TestArea) -> TestSite:
    root.mkdir()
    site = make_site(root, area)
    site.build()
    return site


@dataclass
class Past:
    """An area that nobody changes, and the tree that one build makes of it."""

    area: TestArea
    tree: Path


@pytest.fixture(scope="module")
def past(tmp_path_factory: pytest.TempPathFactory) -> Past:
    root = tmp_path_factory.mktemp("past")
    area = history(root)
    return Past(area, at_once(root / "whole", area).tree)


@pytest.mark.parametrize("seconds", [1, 6])
def test_every_stop_is_whole_and_the_last_equals_one_build(
    tmp_path: Path, past: Past, seconds: int
) -> None:
    site = limited(tmp_path / "home", past.area, seconds)
    seen = []
    for left in stops(site):
        seen.append(left)
        assert crawl(site.tree, pages(site.tree)).dead == []
    assert len(seen) > 1
    assert seen == sorted(seen, reverse=True)
    assert difference(site.tree, past.tree) == []


@pytest.mark.slow
def test_facts_that_look_back_at_a_hundred_runs_are_those_of_one_build(tmp_path: Path) -> None:
    area = make_area(tmp_path, "a")
    for number in range(125):
        tests = [
            test("always", status="FAIL"),
            test("broke", status="FAIL" if number > 8 else "PASS"),
            test("mends", status="PASS" if number > 90 else "FAIL"),
        ]
        area.add_run(run("u/v", f"r{number:03d}", tests))
    site = limited(tmp_path / "home", area, 12)
    next(stops(site))
    assert crawl(site.tree, pages(site.tree)).dead == []
    assert list(stops(site))[-1] == 0
    assert difference(site.tree, at_once(tmp_path / "whole", area).tree) == []


def test_the_newest_night_of_every_target_comes_first(tmp_path: Path, past: Past) -> None:
    site = limited(tmp_path / "home", past.area, 5)
    next(stops(site))
    made = {
        target: [page.parent.name for page in sorted((site.tree / "a" / target).glob("r*/*.json"))]
        for target in ("u/v", "s/z")
    }
    for names in made.values():
        assert names == [f"r{number:03d}" for number in range(6 - len(names), 6)]
    assert abs(len(made["u/v"]) - len(made["s/z"])) <= 1


def test_listings_say_how_many_older_runs_are_to_come(tmp_path: Path, past: Past) -> None:
    site = limited(tmp_path / "home", past.area, 5)
    left = next(stops(site))
    listed = [(site.tree / path).read_text() for path in ("index.html", "a/index.html")]
    assert all(f"{left} older runs still to come" in text for text in listed)
    assert "still to come" in (site.tree / "a/u/v/index.html").read_text()
    assert list(stops(site))[-1] == 0
    everywhere = "".join(path.read_text() for path in site.tree.rglob("*.html"))
    assert "still to come" not in everywhere


def test_a_linked_run_without_pages_says_so_at_its_address(tmp_path: Path, past: Past) -> None:
    site = limited(tmp_path / "home", past.area, 5)
    next(stops(site))
    for page in ("r000/index.html", "r000/always/index.html"):
        assert "still to come" in (site.tree / "a/u/v" / page).read_text()
    assert not (site.tree / "_record/a/u/v/r000").exists()


def test_a_run_that_goes_before_its_turn_leaves_nothing_behind(tmp_path: Path) -> None:
    area = history(tmp_path)
    site = limited(tmp_path / "home", area, 5)
    next(stops(site))
    area.drop_run("r001", "u/v")
    next(stops(site))
    assert not (site.tree / "a/u/v/r001").is_dir() or not list(
        (site.tree / "a/u/v/r001").rglob("*.html")
    )
    site.write_config({area.name: area.path})
    site.build()
    assert difference(site.tree, site.build_clean(tmp_path / "clean")) == []


def test_a_run_that_comes_meanwhile_goes_before_the_older_ones(tmp_path: Path) -> None:
    area = history(tmp_path)
    site = limited(tmp_path / "home", area, 5)
    before = next(stops(site))
    area.add_run(run("u/v", "r999", [test("always")], event_time=BASE + 99 * DAY))
    assert next(stops(site)) < before
    assert (site.tree / "a/u/v/r999/index.json").exists()
    assert list(stops(site))[-1] == 0
    assert difference(site.tree, site.build_clean(tmp_path / "clean")) == []


def test_a_lost_state_in_the_middle_is_made_up_for(tmp_path: Path, past: Past) -> None:
    site = limited(tmp_path / "home", past.area, 6)
    next(stops(site))
    shutil.rmtree(site.state)
    for _ in stops(site):
        assert crawl(site.tree, pages(site.tree)).dead == []
    assert difference(site.tree, past.tree) == []


def test_an_edited_template_reaches_all_pages_though_the_time_is_up(tmp_path: Path) -> None:
    area = history(tmp_path, 4)
    site = at_once(tmp_path / "home", area)
    own = site.root / "templates"
    own.mkdir()
    text = '{% extends "mtsite/test.html" %}{% block kind %}edited{% endblock %}'
    (own / "test.html").write_text(text)
    site.write_config({area.name: area.path}, LIMIT.format(5))
    for _ in stops(site):
        assert crawl(site.tree, pages(site.tree)).dead == []
    assert difference(site.tree, site.build_clean(tmp_path / "clean")) == []


def test_only_the_named_area_is_built(tmp_path: Path) -> None:
    areas = [make_area(tmp_path, name, runs=[run("u/v", "w1", [test("t")])]) for name in "ab"]
    (tmp_path / "home").mkdir()
    site = make_site(tmp_path / "home", *areas)
    site.build(areas=("b",))
    assert not (site.tree / "a/u/v/w1").exists()
    assert (site.tree / "b/u/v/w1/index.html").exists()
    site.build()
    assert difference(site.tree, site.build_clean(tmp_path / "clean")) == []


def test_an_area_that_was_left_out_gets_the_new_pages_later(tmp_path: Path) -> None:
    areas = [make_area(tmp_path, name, runs=[run("u/v", "w1", [test("t")])]) for name in "ab"]
    (tmp_path / "home").mkdir()
    site = make_site(tmp_path / "home", *areas)
    site.build()
    site.title = "Another title"
    site.write_config({area.name: area.path for area in areas})
    site.build(areas=("b",))
    site.build()
    assert difference(site.tree, site.build_clean(tmp_path / "clean")) == []


class Killed(BaseException):
    """What no part of a build catches."""


@pytest.mark.faults
@pytest.mark.parametrize("commits", [2, 5, 8])
def test_a_kill_in_the_middle_is_made_up_for(
    tmp_path: Path, past: Past, monkeypatch: pytest.MonkeyPatch, commits: int
) -> None:
    site = limited(tmp_path / "home", past.area, 5)
    next(stops(site))
    commit, seen = Manifest.commit, count(1)

    def dying(manifest: Manifest) -> None:
        if next(seen) == commits:
            raise Killed
        commit(manifest)

    with monkeypatch.context() as patch, pytest.raises(Killed):
        patch.setattr(Manifest, "commit", dying)
        list(stops(site))
    for _ in stops(site):
        assert crawl(site.tree, pages(site.tree)).dead == []
    assert difference(site.tree, past.tree) == []


def test_a_stop_is_told_and_is_no_failure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    site = limited(tmp_path / "home", history(tmp_path, 3), 5)
    monkeypatch.chdir(site.root)
    monkeypatch.setattr(BuildState, "is_over", lambda _: True)
    ended = called(["build"], capsys)
    assert (ended.code, "5 runs are left to the next build" in ended.err) == (0, True)
    assert json.loads(called(["--json", "build"], capsys).out)["left"] == 4


def test_a_dry_run_names_runs_and_reasons_and_writes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    area = history(tmp_path, 3)
    site = limited(tmp_path / "home", area, 0)
    monkeypatch.chdir(site.root)
    assert called(["build", "-n"], capsys).out.splitlines()[1].split() == ["new", "6", "40"]
    assert [path.name for path in site.root.iterdir()] == ["mtsite.toml"]
    site.build()
    before = files_of(site.root)
    site.title = "another"
    site.write_config({area.name: area.path})
    found = json.loads(called(["--json", "build", "--dry-run"], capsys).out)["planned"]
    assert [(one["why"], one["runs"]) for one in found] == [("recipe", 6)]
    site.title = "Nightly"
    site.write_config({area.name: area.path}, LIMIT.format(0))
    assert files_of(site.root) == before


def test_a_night_says_what_is_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    site = limited(tmp_path / "home", history(tmp_path, 2), 5)
    monkeypatch.chdir(site.root)
    monkeypatch.setattr(BuildState, "is_over", lambda _: True)
    ended = called(["nightly"], capsys)
    assert (ended.code, "left to the next build" in ended.err) == (0, True)
