"""An area that can't be read: the others go on, its pages stay, and it comes back as it was."""

import os
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from areas import TestArea, make_area, run, step, test
from crawl import crawl, pages
from sites import TestSite, difference, files_of, make_site

from mtsite import urls
from mtsite.build.state import BuildSummary
from mtsite.megatest import database
from mtsite.model import RunKey

Break = Callable[[TestArea], None]


def no_database(area: TestArea) -> None:
    area.database.unlink()


def empty_database(area: TestArea) -> None:
    area.database.write_bytes(b"")


def half_a_database(area: TestArea) -> None:
    content = area.database.read_bytes()
    area.database.write_bytes(content[: len(content) // 2])


def damaged_pages(area: TestArea) -> None:
    content = area.database.read_bytes()
    noise = bytes(range(256)) * (len(content) // 256)
    area.database.write_bytes(content[:4096] + noise[4096:])


def random_bytes(area: TestArea) -> None:
    area.database.write_bytes(bytes(range(255, -1, -1)) * 32)


def another_programs_database(area: TestArea) -> None:
    area.database.unlink()
    with closing(sqlite3.connect(area.database)) as connection:
        connection.execute("CREATE TABLE bookmarks (url TEXT)")
        connection.commit()


def directory_as_database(area: TestArea) -> None:
    area.database.unlink()
    area.database.mkdir()


def pipe_as_database(area: TestArea) -> None:
    area.database.unlink()
    os.mkfifo(area.database)


def dangling_database(area: TestArea) -> None:
    area.database.unlink()
    area.database.symlink_to("/nowhere/megatest.db")


def no_config(area: TestArea) -> None:
    (area.path / "megatest.config").unlink()


def directory_as_config(area: TestArea) -> None:
    (area.path / "megatest.config").unlink()
    (area.path / "megatest.config").mkdir()


def pipe_as_config(area: TestArea) -> None:
    (area.path / "megatest.config").unlink()
    os.mkfifo(area.path / "megatest.config")


def no_directory(area: TestArea) -> None:
    shutil.rmtree(area.path)


def file_as_directory(area: TestArea) -> None:
    shutil.rmtree(area.path)
    area.path.write_text("an area was here\n")


def damaged_completed(area: TestArea) -> None:
    area.completed.write_bytes(b"SQLite format 3\0" + b"?" * 4080)


BREAKS: tuple[Break, ...] = (
    no_database,
    empty_database,
    half_a_database,
    damaged_pages,
    random_bytes,
    another_programs_database,
    directory_as_database,
    pipe_as_database,
    dangling_database,
    no_config,
    directory_as_config,
    pipe_as_config,
    no_directory,
    file_as_directory,
    damaged_completed,
)


class Two:
    """A site of a good area and of one that will be broken, built once."""

    def __init__(self, root: Path) -> None:
        tests = [test("t", log="fine\n"), test("bad", status="FAIL", log="ERROR: no\n")]
        runs = [run("u/v", f"w{n}", tests) for n in range(3)]
        self.good = make_area(root, "good", runs=runs)
        self.area = make_area(root, "area", runs=[*runs, run("u/other", "w1", tests)])
        (root / "home").mkdir()
        self.site = make_site(root / "home", self.good, self.area)
        assert self.build().problems == []
        self.whole = files_of(self.site.tree)
        self.saved = root / "saved"
        shutil.copytree(self.area.path, self.saved, symlinks=True)

    def build(self, **flags: bool) -> BuildSummary:
        return self.site.build(**flags)

    def mend(self) -> None:
        """Put the area back as it was, time stamps and all."""
        if self.area.path.is_dir():
            shutil.rmtree(self.area.path)
        else:
            self.area.path.unlink(missing_ok=True)
        shutil.copytree(self.saved, self.area.path, symlinks=True)

    def page(self, path: str) -> str:
        return (self.site.tree / path).read_text(encoding="utf-8")

    def moved(self) -> list[str]:
        """Paths whose content is not what it was when all was well."""
        now = files_of(self.site.tree)
        return sorted(p for p in now.keys() | self.whole.keys() if now.get(p) != self.whole.get(p))


OWN_PAGES = ["area/index.html", "area/index.json", "index.html", "index.json"]
"""Those that say that it can't be read, and their twins."""


@pytest.fixture
def two(tmp_path: Path) -> Two:
    return Two(tmp_path)


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Two:
    return Two(tmp_path_factory.mktemp("two"))


@pytest.mark.parametrize("spoil", BREAKS, ids=lambda spoil: spoil.__name__)
def test_an_unreadable_area_is_told_keeps_its_pages_and_comes_back(
    shared: Two, spoil: Break
) -> None:
    spoil(shared.area)
    try:
        (problem,) = shared.build().problems
        assert problem.startswith("area area: "), problem
        assert str(shared.area.path) in problem
        assert problem.count("area area:") == 1
        assert problem.endswith(")"), f"no hint: {problem}"
        assert shared.moved() == OWN_PAGES
        told = shared.page("area/index.html")
        assert "Notices" in told and str(shared.area.path) in told
        assert crawl(shared.site.tree, pages(shared.site.tree)).dead == []
    finally:
        shared.mend()
    assert shared.build().problems == []
    assert shared.moved() == []


def test_an_area_locked_for_good_is_told_as_such(two: Two, monkeypatch: pytest.MonkeyPatch) -> None:
    for opener in (database.open_read_only, database.reading.__wrapped__):  # type: ignore[attr-defined] # contextmanager keeps it
        monkeypatch.setitem(opener.__kwdefaults__, "busy_seconds", 0.2)
    two.good.add_run(run("u/v", "w9", [test("t")]))
    two.area.add_run(run("u/v", "w9", [test("t")]))
    with closing(sqlite3.connect(two.area.database, isolation_level=None)) as writer:
        writer.execute("BEGIN EXCLUSIVE")
        (problem,) = two.build().problems
        assert "locked" in problem and "run again later" in problem
        writer.execute("ROLLBACK")
    new = "u/v/w9/index.html"
    assert not (two.site.tree / "area" / new).exists()
    assert (two.site.tree / "good" / new).exists()
    assert two.build().problems == []
    assert (two.site.tree / "area" / new).exists()


def test_an_area_that_was_never_readable_has_a_page_that_says_so(tmp_path: Path) -> None:
    area = make_area(tmp_path)
    area.database.write_bytes(b"no database")
    (tmp_path / "home").mkdir()
    site = make_site(tmp_path / "home", area)
    assert len(site.build().problems) == 1
    assert "not a SQLite database" in (site.tree / "fullrun/index.html").read_text()
    assert "not a SQLite database" in (site.tree / "index.html").read_text()


def test_new_runs_of_a_readable_area_appear_beside_an_unreadable_one(two: Two) -> None:
    no_database(two.area)
    two.good.add_run(run("u/v", "w9", [test("t")]))
    assert len(two.build().problems) == 1
    assert (two.site.tree / urls.run_page(RunKey("good", ("u", "v"), "w9"))).is_file()
    assert [path for path in two.moved() if path.startswith("area/")] == OWN_PAGES[:2]


def edit_template(site: TestSite, kind: str) -> None:
    own = site.root / "templates"
    own.mkdir(exist_ok=True)
    edited = "{% block kind %}edited{% endblock %}"
    (own / kind).write_text(f'{{% extends "mtsite/{kind}" %}}{edited}')


@pytest.mark.parametrize("kind", ["run.html", "test.html", "target.html", "history.html"])
def test_a_template_edited_meanwhile_reaches_the_area_when_it_is_back(
    two: Two, kind: str, tmp_path: Path
) -> None:
    no_database(two.area)
    edit_template(two.site, kind)
    two.build()
    two.mend()
    two.build()
    clean = two.site.build_clean(tmp_path / "clean")
    assert difference(two.site.tree, clean) == []


def test_a_full_build_takes_no_page_of_an_unreadable_area_away(two: Two, tmp_path: Path) -> None:
    no_database(two.area)
    assert len(two.build(full=True).problems) == 1
    assert two.moved() == OWN_PAGES
    two.mend()
    assert two.build().problems == []
    assert two.moved() == []


def test_a_build_without_its_state_takes_no_page_of_an_unreadable_area_away(two: Two) -> None:
    no_database(two.area)
    shutil.rmtree(two.site.state)
    assert len(two.build().problems) == 1
    assert two.moved() == OWN_PAGES
    two.build()
    assert two.moved() == OWN_PAGES
    two.mend()
    assert two.build().problems == []
    assert two.moved() == []


def test_a_damaged_state_is_made_anew(two: Two) -> None:
    (two.site.state / "manifest.db").write_bytes(b"SQLite format 3\0" + b"?" * 5000)
    assert two.build().problems == []
    assert two.moved() == []


def test_a_record_that_is_none_is_made_anew(two: Two) -> None:
    record = two.site.tree / urls.record_file(RunKey("area", ("u", "v"), "w0"))
    record.write_bytes(b"{")
    two.area.add_step("w0", "t", step("late"))
    assert two.build().problems == []
    assert crawl(two.site.tree, pages(two.site.tree)).dead == []
    assert record.stat().st_size > 100


def test_a_circle_of_includes_and_garbage_are_told_on_the_page(two: Two) -> None:
    config = two.area.path / "megatest.config"
    text = config.read_text()
    config.write_bytes(text.encode() + b"\n[include megatest.config]\n\x00\xff\xfe garbage\n")
    assert two.build().problems == []
    told = two.page("area/index.html")
    assert "Notices" in told and f"{config}:" in told


@pytest.mark.parametrize("dangling", [False, True], ids=["missing", "dangling"])
def test_a_linktree_that_is_not_there_is_told_and_its_logs_are_kept(
    two: Two, dangling: bool
) -> None:
    elsewhere = two.area.linktree.rename(two.area.linktree.with_name("elsewhere"))
    if dangling:
        two.area.linktree.symlink_to("/nowhere/at/all")
    assert two.build().problems == []
    assert f"linktree {two.area.linktree}" in two.page("area/index.html")
    assert two.moved() == OWN_PAGES
    two.area.linktree.unlink(missing_ok=True)
    elsewhere.rename(two.area.linktree)
    two.build()
    assert two.moved() == []


def test_without_a_linktree_logs_are_found_by_the_shape_of_their_place(tmp_path: Path) -> None:
    area = make_area(tmp_path, runs=[run("u/v", "w1", [test("t", log="ERROR: seen\n")])])
    (area.path / "megatest.config").write_text("[fields]\nsysname TEXT\nfsname TEXT\n")
    (area.path / "lt").unlink()
    (tmp_path / "home").mkdir()
    site = make_site(tmp_path / "home", area)
    assert site.build().problems == []
    page = site.tree / urls.test_page(RunKey("fullrun", ("u", "v"), "w1"), ("t", ""))
    assert "ERROR: seen" in page.read_text()
    assert "linktree" not in (site.tree / "fullrun/index.html").read_text()
