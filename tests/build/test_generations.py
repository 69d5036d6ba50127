"""Areas of every generation become the same pages, and follow what changes in their databases."""

import shutil
from pathlib import Path

import pytest
from areas import TestArea, item, make_area, run, step, test
from crawl import crawl, pages
from generations import BUILDERS
from sites import TestSite, difference, files_of, make_site

from mtsite import urls
from mtsite.build.state import BuildSummary
from mtsite.model import RunKey

OTHERS = list(BUILDERS)
TESTS = [
    test("compile", log="fine\n", steps=[step("build", log="cc -c x.c\n"), step("link")]),
    test("many", status="FAIL", items=["a", item("b/c", status="FAIL", log="ERROR: no\n")]),
]
RUNS = [run("u/nfs", f"w{number}", TESTS) for number in range(4)]


def area_and_site(tmp_path: Path, generation: str) -> tuple[TestArea, TestSite]:
    area = make_area(tmp_path, runs=RUNS, generation=generation)
    (tmp_path / "home").mkdir()
    return area, make_site(tmp_path / "home", area)


def page(site: TestSite, runname: str, *name: str) -> str:
    key = RunKey("fullrun", ("u", "nfs"), runname)
    path = urls.test_page(key, (name[0], name[1])) if name else urls.run_page(key)
    return (site.tree / path).read_text(encoding="utf-8")


@pytest.fixture(scope="module", params=OTHERS)
def built(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> tuple[TestSite, BuildSummary]:
    """A site of one generation and what its first build said."""
    _area, site = area_and_site(tmp_path_factory.mktemp("built"), request.param)
    return site, site.build()


def test_a_tree_has_the_pages_of_runs_and_tests_with_their_steps(
    built: tuple[TestSite, BuildSummary],
) -> None:
    site, summary = built
    assert (summary.problems, summary.runs) == ([], 4)
    assert "many" in page(site, "w1")
    assert "link" in page(site, "w1", "compile", "")
    assert "ERROR: no" in page(site, "w1", "many", "b/c")
    assert crawl(site.tree, pages(site.tree)).dead == []


def test_nothing_new_writes_nothing(built: tuple[TestSite, BuildSummary]) -> None:
    site, _ = built
    before = files_of(site.tree)
    again = site.build()
    assert (again.written, again.removed) == (0, 0)
    assert again.read <= 2  # the newest of a target is not sealed yet
    assert files_of(site.tree) == before


@pytest.mark.parametrize("generation", OTHERS)
def test_after_a_change_the_tree_is_a_clean_one(tmp_path: Path, generation: str) -> None:
    area, site = area_and_site(tmp_path, generation)
    site.build()
    area.change_status("w1", "many", "PASS", item_path="b/c")
    area.add_run(run("u/nfs", "w9", TESTS))
    area.drop_run("w0")
    area.write_databases()
    if generation.startswith("G3"):
        (area.linktree / ".db" / "1.db").unlink()
    site.build(allow_drop=True)
    assert "w9" in page(site, "w9")
    assert "gone" in page(site, "w0")
    assert difference(site.tree, site.build_clean(tmp_path / "clean")) == []


@pytest.mark.parametrize("generation", ["G1", "G2", "G3 of 2013", "G4 of NULL times"])
def test_a_run_whose_rows_did_not_move_is_not_read_again(tmp_path: Path, generation: str) -> None:
    area, site = area_and_site(tmp_path, generation)
    site.build()
    area.change_status("w1", "compile", "WARN")
    area.write_databases()
    assert site.build().read <= 3  # that run, the newest, and what follows it


def test_a_broken_testdat_is_a_note_on_the_page_of_its_test(tmp_path: Path) -> None:
    area, site = area_and_site(tmp_path, "G2")
    (area.rundir("w1", "compile") / "testdat.db").write_bytes(b"no database at all" * 300)
    assert site.build().problems == []
    told = page(site, "w1", "compile", "")
    assert "not a SQLite database" in told and "steps and test data are not known" in told
    assert "not known" not in page(site, "w2", "compile", "")
    assert difference(site.tree, site.build_clean(tmp_path / "clean")) == []


def test_steps_of_run_directories_that_are_gone_are_shown_as_they_were(tmp_path: Path) -> None:
    area, site = area_and_site(tmp_path, "G2")
    site.build()
    assert "link" in page(site, "w1", "compile", "")
    shutil.rmtree(area.disk / "u")
    shutil.rmtree(site.state)
    shutil.rmtree(site.tree / "fullrun")
    own = site.root / "templates"
    own.mkdir()
    (own / "test.html").write_text(
        '{% extends "mtsite/test.html" %}{% block kind %}edited{% endblock %}'
    )
    assert site.build().problems == []
    told = page(site, "w1", "compile", "")
    assert "link" in told and "edited" in told
    assert "shown as they were read before" in told
    assert difference(site.tree, site.build_clean(tmp_path / "clean")) == []


def test_secrets_of_kept_steps_are_masked(tmp_path: Path) -> None:
    secret = "AKIA" + "IOSFODNN7EXAMPLE"
    tests = [test("t", steps=[step("s", comment=f"key {secret}")])]
    area = make_area(tmp_path, runs=[run("u/nfs", "w1", tests)], generation="G2")
    (tmp_path / "home").mkdir()
    site = make_site(tmp_path / "home", area)
    site.build()
    assert not any(secret.encode() in content for content in files_of(site.tree).values())


def test_runs_without_their_database_answer_at_their_address(tmp_path: Path) -> None:
    area, site = area_and_site(tmp_path, "G3 of 2013")
    (area.linktree / ".db/2.db").unlink()
    assert site.build().problems == []
    told = page(site, "w1")
    assert "2.db: no such file" in told
    assert crawl(site.tree, pages(site.tree)).dead == []
    assert difference(site.tree, site.build_clean(tmp_path / "clean")) == []


def test_published_tests_stay_when_their_database_is_deleted(tmp_path: Path) -> None:
    area, site = area_and_site(tmp_path, "G3 of 2013")
    site.build()
    (area.linktree / ".db/2.db").unlink()
    site.build(allow_drop=True)
    assert "2.db: no such file" in page(site, "w1")
    assert "gone" in page(site, "w1", "many", "b/c")
    area.write_databases()
    site.build()
    assert "ERROR: no" in page(site, "w1", "many", "b/c")
    assert crawl(site.tree, pages(site.tree)).dead == []


def test_one_area_that_moved_does_not_make_others_be_listed_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from mtsite.megatest import merge

    built = [make_area(tmp_path, name, runs=RUNS) for name in ("a", "b", "bad")]
    built[2].database.write_bytes(b"no database")
    (tmp_path / "home").mkdir()
    site = make_site(tmp_path / "home", *built)
    site.build()
    looked: list[str] = []
    real = merge.look_at

    def look_at(settings, environ, **rest):  # type: ignore[no-untyped-def] # passes on as it is
        looked.append(settings.name)
        return real(settings, environ, **rest)

    monkeypatch.setattr(merge, "look_at", look_at)
    built[0].add_run(run("u/nfs", "w9", TESTS))
    site.build()
    assert looked == ["a", "bad"]
