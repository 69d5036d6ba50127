"""A build that finds nothing moved looks at nothing that is made from all runs, and misses none."""

import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest
from areas import TestArea, make_area, run, test
from sites import TestSite, difference, files_of, make_site

from mtsite import manifest
from mtsite.build import around
from mtsite.build.state import BuildState

NEWEST = 1_700_600_000


@pytest.fixture
def area(tmp_path: Path) -> TestArea:
    area = make_area(tmp_path)
    for number in range(3):
        tests = [test("a", log="fine\n"), test("b", status="FAIL", log="ERROR: 7 is not 8\n")]
        area.add_run(run("ubuntu/nfs", f"r{number}", tests, event_time=NEWEST - number * 86_400))
    return area


@pytest.fixture
def site(tmp_path: Path, area: TestArea) -> TestSite:
    """A site of a run that is not sealed and two that are, built until nothing is due."""
    (tmp_path / "home").mkdir()
    site = make_site(tmp_path / "home", area)
    for _ in range(3):
        site.build()
    return site


def looks_around(site: TestSite, patch: pytest.MonkeyPatch) -> bool:
    """Whether the next build looks at what is made from all runs."""
    seen = []
    whole = around.write_around

    def look(state: BuildState, plan: object) -> None:
        seen.append(state)
        whole(state, plan)  # type: ignore[arg-type]

    with patch.context() as patched:
        patched.setattr(around, "write_around", look)
        site.build()
    return bool(seen)


def test_with_nothing_new_only_the_run_that_is_not_sealed_is_read(
    site: TestSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = files_of(site.tree)
    assert not looks_around(site, monkeypatch)
    assert site.build().read == 1
    assert files_of(site.tree) == before


def log_goes_on(site: TestSite, area: TestArea) -> None:
    log = next(path for path in area.path.parent.rglob("*.log") if "r0" in path.parts)
    log.write_text("ERROR: another one\n")


def state_is_changed_by_another(site: TestSite, area: TestArea) -> None:
    with manifest.Manifest.open(site.state) as known:
        known.put("elsewhere", "x")
        known.commit()


def page_of_jobs_is_lost(site: TestSite, area: TestArea) -> None:
    (site.tree / "_jobs" / "index.html").unlink()


def run_is_held(site: TestSite, area: TestArea) -> None:
    (site.root / "holds.toml").write_text('[[hold]]\nrun = "x"\nwhy = "y"\n')


def failure_gets_known(site: TestSite, area: TestArea) -> None:
    (site.root / "annotations").mkdir()
    rule = '[[known]]\ntitle = "it"\npattern = "is not"\n'
    (site.root / "annotations" / "one.toml").write_text(rule)


def style_is_added(site: TestSite, area: TestArea) -> None:
    (site.root / "static" / "css").mkdir(parents=True)
    (site.root / "static" / "css" / "own.css").write_text("p { color: red }\n")


def title_is_changed(site: TestSite, area: TestArea) -> None:
    site.title = "Weekly"
    site.write_config({area.name: area.path})


def row_is_changed(site: TestSite, area: TestArea) -> None:
    with sqlite3.connect(area.database) as connection:
        connection.execute("UPDATE runs SET comment = 'news', last_update = 1800000000")


@pytest.mark.parametrize(
    "change",
    [
        log_goes_on,
        state_is_changed_by_another,
        page_of_jobs_is_lost,
        run_is_held,
        failure_gets_known,
        style_is_added,
        title_is_changed,
        row_is_changed,
    ],
)
def test_whatever_moves_is_looked_at(
    site: TestSite,
    area: TestArea,
    change: Callable[[TestSite, TestArea], None],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    change(site, area)
    assert looks_around(site, monkeypatch)
    assert difference(site.tree, site.build_clean(tmp_path / "clean")) == []


def test_a_build_that_left_something_out_is_gone_on_with(
    site: TestSite, area: TestArea, monkeypatch: pytest.MonkeyPatch
) -> None:
    away = area.path.rename(area.path.with_name("away"))
    assert site.build().problems
    assert looks_around(site, monkeypatch)
    away.rename(area.path)
    assert looks_around(site, monkeypatch)
