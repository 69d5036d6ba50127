"""Unusual lines in a built site: frozen with the run, from whichever side the build came."""

from pathlib import Path

import pytest
from areas import BASE, DAY, TestArea, make_area, run, test
from sites import TestSite, difference, make_site

from mtsite import record
from mtsite.build import strange
from mtsite.model import RunKey, Unusual

LINES = "step one\nstep two took 17 s\nall fine\n"
BAD = "step one\nstep two took 99 s\nthe planted line\nERROR: gave up\n"


def history(root: Path, runs: int = 5) -> TestArea:
    """`breaks` went wrong in the two newest runs, `never` in all."""
    area = make_area(root, "a")
    for i in range(runs):
        broken = i >= runs - 2
        tests = [
            test("breaks", status="FAIL" if broken else "PASS", log=BAD if broken else LINES),
            test("never", status="FAIL", log=BAD),
            test("stays", log=LINES),
        ]
        area.add_run(run("u/v", f"r{i}", tests, event_time=BASE + i * DAY))
    (root / "home").mkdir()
    return area


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> TestSite:
    root = tmp_path_factory.mktemp("unusual")
    site = make_site(root / "home", history(root))
    site.build()
    return site


def kept(site: TestSite, runname: str) -> dict[tuple[str, str], Unusual]:
    found = record.load(site.tree, RunKey("a", ("u", "v"), runname))
    assert found is not None
    return dict(found.unusual)


def page(site: TestSite, path: str) -> str:
    return (site.tree / "a/u/v" / path).read_text()


def test_a_first_build_finds_them_though_it_writes_the_newest_run_first(built: TestSite) -> None:
    found = kept(built, "r3")
    assert found.keys() == {("breaks", "")}
    one = found["breaks", ""]
    assert (one.run, one.total) == ("r2", 2)
    assert [text for _, text, _ in one.lines] == ["the planted line", "ERROR: gave up"]


def test_the_page_of_the_test_and_of_its_log_show_them(built: TestSite) -> None:
    assert "the planted line" in page(built, "r4/breaks/index.html").split('id="unusual"')[1]
    log = next((built.tree / "a/u/v/r4/breaks/_log").glob("*.html")).read_text()
    assert "2 unusual against r2" in log
    assert 'id="unusual"' not in page(built, "r2/breaks/index.html")
    assert 'id="unusual"' not in page(built, "r4/never/index.html")


def test_run_by_run_gives_the_same_as_at_once(tmp_path: Path, built: TestSite) -> None:
    area = make_area(tmp_path, "a")
    (tmp_path / "home").mkdir()
    site = make_site(tmp_path / "home", area)
    whole = history(tmp_path / "other")
    for i in range(5):
        broken = i >= 3
        tests = [
            test("breaks", status="FAIL" if broken else "PASS", log=BAD if broken else LINES),
            test("never", status="FAIL", log=BAD),
            test("stays", log=LINES),
        ]
        area.add_run(run("u/v", f"r{i}", tests, event_time=BASE + i * DAY))
        site.build()
    other = make_site(tmp_path / "other" / "home", whole)
    other.build()
    assert {name: kept(site, name) for name in ("r3", "r4")} == {
        name: kept(other, name) for name in ("r3", "r4")
    }


def test_a_second_build_writes_nothing_and_a_clean_one_is_equal(
    tmp_path: Path, built: TestSite
) -> None:
    again = built.build()
    assert (again.written, again.removed, again.rendered) == (0, 0, 0)
    assert difference(built.tree, built.build_clean(tmp_path / "clean")) == []


def test_a_good_log_that_is_let_go_later_changes_nothing_frozen(tmp_path: Path) -> None:
    site = make_site(tmp_path / "home", history(tmp_path))
    site.build()
    before = kept(site, "r3")
    for blob in (site.tree / "_blobs").rglob("*.log"):
        if b"all fine" in blob.read_bytes():
            blob.unlink()
    site.build(full=True)
    assert kept(site, "r3") == before


def test_of_one_error_few_tests_are_compared(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(strange, "MOST_TESTS", 4)
    area = make_area(tmp_path, "a")
    for i, log in enumerate((LINES, BAD)):
        status = "FAIL" if i else "PASS"
        tests = [test(f"same{n}", status=status, log=log) for n in range(9)]
        own = [
            test(f"then{n}", status=status, log=f"{LINES}ERROR: {'abcdef'[n] * 5} broke\n")
            for n in range(4)
        ]
        area.add_run(run("u/v", f"r{i}", [*tests, *own], event_time=BASE + i * DAY))
    (tmp_path / "home").mkdir()
    site = make_site(tmp_path / "home", area)
    site.write_config({"a": area.path}, '[build]\nsettle = "0s"\n')
    site.build()
    assert sorted(name for name, _ in kept(site, "r1")) == ["same0", "same1", "same2", "then0"]
