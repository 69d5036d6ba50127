"""Histories and comparisons between runs that do not all have the same tests."""

import re
from pathlib import Path

import pytest
from areas import make_area, run, test
from crawl import crawl, pages
from sites import TestSite, make_site

from mtsite import urls
from mtsite.build.kinds import KINDS
from mtsite.build.pen import Look, load_theme
from mtsite.build.targets import TargetTask, TargetWriter
from mtsite.manifest import KnownRun, Manifest, Page
from mtsite.model import RunKey, RunSummary, State, Status
from mtsite.pages.page import SiteFrame


@pytest.fixture
def site(tmp_path: Path) -> TestSite:
    """`t` passes, is missing, then fails; `other` always passes."""
    area = make_area(tmp_path)
    area.add_run(run("u/v", "w1", [test("other"), test("t")]))
    area.add_run(run("u/v", "w2", [test("other")]))
    area.add_run(
        run("u/v", "w3", [test("other"), test("t", status="FAIL"), test("late", status="FAIL")])
    )
    (tmp_path / "home").mkdir()
    made = make_site(tmp_path / "home", area)
    assert made.build().problems == []
    return made


def test_a_history_begins_with_the_newest_verdict(site: TestSite) -> None:
    page = (site.tree / urls.history_page("fullrun", ("u", "v"), ("t", ""))).read_text()
    assert "Fail since w3." in page
    assert page.index("../../w3/t/") < page.index("../../w1/t/")


def test_a_run_without_the_test_is_linked_as_a_run(site: TestSite) -> None:
    page = (site.tree / urls.history_page("fullrun", ("u", "v"), ("t", ""))).read_text()
    assert 'href="../../w2/index.html"' in page
    assert "w2/t/" not in page


def test_a_failing_test_that_the_run_before_had_not_is_not_called_good_there(
    site: TestSite,
) -> None:
    page = (
        site.tree / urls.test_page(RunKey("fullrun", ("u", "v"), "w3"), ("late", ""))
    ).read_text()
    assert "it was not among the tests of" in page
    assert "it was good in" not in page


def test_only_pointers_that_exist_are_linked(site: TestSite) -> None:
    assert crawl(site.tree, pages(site.tree)).dead == []
    page = (site.tree / urls.area_page("fullrun", ("u", "v"))).read_text()
    assert 'href="last-good.html"' in page


def test_a_switch_in_every_run_leaves_pages_of_200_stretches(tmp_path: Path) -> None:
    """1,000 switches and more: older parts, each linked from the one after it."""
    letters = "PF" * 310
    with Manifest.open(tmp_path / "state") as manifest:
        for at, letter in enumerate(letters):
            note(manifest, at, letter)
        manifest.commit()
    tree, (pages, _) = tmp_path / "site", write_target(tmp_path, {})
    page = (tree / urls.history_page("a", ("x",), ("t", ""))).read_text()
    assert 200 < page.count("<li ") <= 401
    assert 'href="_part/0002.html"' in page
    part = (tree / urls.history_part("a", ("x",), ("t", ""), 2)).read_text()
    assert part.count("<li ") == 200
    assert 'href="0001.html"' in part
    assert max(one.size for one in pages.values()) < 300_000


def test_a_night_after_a_thousand_runs_changes_as_many_files(tmp_path: Path) -> None:
    changed = []
    for count in (40, 1000):
        root = tmp_path / str(count)
        with Manifest.open(root / "state") as manifest:
            for at in range(count):
                note(manifest, at, "P")
            manifest.commit()
        known, past = write_target(root, {})
        with Manifest.open(root / "state") as manifest:
            manifest.note_target("a", ("x",), "{}", past)
            note(manifest, count, "F")
            manifest.commit()
        after, _ = write_target(root, known)
        names = (re.sub(r"20\d\d-\d\d(-b\d+)?", "month", Path(path).name) for path in after)
        changed.append(sorted(names))
    assert changed[0] == changed[1]


def note(manifest: Manifest, at: int, letter: str) -> None:
    """A run an hour after the one before it, with one test."""
    key = RunKey("a", ("x",), f"r{at:04d}")
    when = 1_700_000_000 + at * 3600
    state = (State("new"), Status("n/a"))
    summary = RunSummary(key, when, None, "", "", "", *state, {letter: 1}, letter)
    known = KnownRun(urls.run_dir(key), key, "a", when, "f", True, "i")
    manifest.note_run(known, summary, {("t", ""): (letter, 5)})


def write_target(root: Path, known: dict[str, Page]) -> tuple[dict[str, Page], bytes]:
    """All pages of the target that moved, and what is remembered of its older runs."""
    (root / "site").mkdir(exist_ok=True)
    frame = SiteFrame("t")
    theme = load_theme((), root / "templates")
    recipes = {kind.TEMPLATE: theme.recipe(kind.TEMPLATE) for kind in KINDS}
    look = Look((), root / "templates", frame, recipes)
    task = TargetTask("a", ("x",), ("k",), known=known)
    written = TargetWriter(root / "site", root / "state", look)(task)
    return {page.path: page for page in written.pages}, written.past
