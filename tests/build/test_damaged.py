"""Damaged databases of every generation: named, the rest is built, published pages stay."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from areas import TestArea, make_area, run, step, test
from calling import mtsite
from crawl import crawl, pages
from sites import TestSite, files_of, make_site

PAGE = 4096
RUNS = [
    run(
        "u/v",
        f"w{number}",
        [
            test(f"t{n:02}", comment=f"<w{number} t{n:02}>" * 150, steps=[step("s")])
            for n in range(12)
        ],
    )
    for number in range(4)
]
"""Each run fills some pages of the table alone."""

WHERE: dict[str, Callable[[TestArea], Path]] = {
    "G1": lambda area: area.live,
    "G2": lambda area: area.live,
    "G3 of 2013": lambda area: area.linktree / ".db/3.db",
    "G4": lambda area: area.live,
    "G4 patched": lambda area: area.live,
    "G5": lambda area: area.path / ".mtdb/1.db",
    "G5 whole": lambda area: area.path / ".mtdb/main.db",
}
"""The database that has the tests of run w2."""


def corrupt_page(database: Path, marker: bytes) -> None:
    """Overwrite the one page that has this text."""
    content = bytearray(database.read_bytes())
    start = content.index(marker) // PAGE * PAGE
    content[start : start + PAGE] = b"\xa5" * PAGE
    database.write_bytes(content)


def area_and_site(tmp_path: Path, generation: str) -> tuple[TestArea, TestSite]:
    area = make_area(tmp_path, runs=RUNS, generation=generation)
    (tmp_path / "home").mkdir()
    return area, make_site(tmp_path / "home", area)


def run_pages(site: TestSite) -> set[str]:
    return {path.parent.name for path in site.tree.glob("fullrun/u/v/w*/index.html")}


@pytest.mark.parametrize("generation", WHERE)
def test_one_corrupt_page_costs_its_run_alone(tmp_path: Path, generation: str) -> None:
    area, site = area_and_site(tmp_path, generation)
    damaged = WHERE[generation](area)
    corrupt_page(damaged, b"<w2 t06><w2 t06>")
    (problem,) = site.build().problems
    assert str(damaged) in problem and "malformed" in problem and "quick_check" in problem
    if generation != "G3 of 2013":  # there the run is all that the file has
        assert "u/v/w2 can't be read" in problem
    assert run_pages(site) == {"w0", "w1", "w3"}
    told = (site.tree / "fullrun/index.html").read_text()
    assert str(damaged) in told
    assert crawl(site.tree, pages(site.tree)).dead == []


def test_a_corrupt_page_leaves_published_pages_as_they_were(tmp_path: Path) -> None:
    area, site = area_and_site(tmp_path, "G4")
    assert site.build().problems == []
    before = {p: c for p, c in files_of(site.tree).items() if "/w2/" in p}
    whole = area.live.read_bytes()
    corrupt_page(area.live, b"<w2 t06><w2 t06>")
    assert len(site.build().problems) == 1
    assert {p: c for p, c in files_of(site.tree).items() if "/w2/" in p} == before
    area.live.write_bytes(whole)
    assert site.build().problems == []


def cut_in_half(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def empty(path: Path) -> None:
    path.write_bytes(b"")


def of_another_program(path: Path) -> None:
    path.unlink()
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("CREATE TABLE bookmarks (url TEXT)")


def a_text(path: Path) -> None:
    path.write_text("not a database\n" * 400)


MAINS: dict[str, Callable[[TestArea], Path]] = {
    "G1": lambda area: area.live,
    "G3 of 2013": lambda area: area.linktree / ".db/main.db",
    "G5": lambda area: area.path / ".mtdb/main.db",
}


@pytest.mark.parametrize("generation", MAINS)
@pytest.mark.parametrize("spoil", [cut_in_half, empty, of_another_program, a_text])
def test_a_bad_main_database_is_named_and_other_areas_go_on(
    tmp_path: Path, generation: str, spoil: Callable[[Path], None]
) -> None:
    small = [run("u/v", f"w{n}", [test("t"), test("other")]) for n in range(40)]
    bad = make_area(tmp_path, "bad", runs=small, generation=generation)
    good = make_area(tmp_path, "good", runs=small[:1])
    (tmp_path / "home").mkdir()
    site = make_site(tmp_path / "home", bad, good)
    main = MAINS[generation](bad)
    spoil(main)
    (problem,) = site.build().problems
    assert problem.startswith("area bad: ") and str(main) in problem
    assert problem.endswith(")"), f"no hint: {problem}"
    assert (site.tree / "good/u/v/w0/index.html").is_file()
    assert str(main) in (site.tree / "bad/index.html").read_text()


def test_a_damaged_run_makes_the_command_partly_done(tmp_path: Path) -> None:
    area, site = area_and_site(tmp_path, "G5")
    corrupt_page(area.path / ".mtdb/1.db", b"<w2 t06><w2 t06>")
    ended = mtsite("build", cwd=site.root)
    assert ended.code == 3
    assert "Traceback" not in ended.err
    assert "u/v/w2 can't be read" in ended.err
    shown = mtsite("area", "show", "fullrun", cwd=site.root)
    assert shown.code == 3
    assert "G5 (v1.70 and v1.80)" in shown.out and "1.db" in shown.err
