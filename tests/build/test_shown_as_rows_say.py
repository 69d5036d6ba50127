"""Grids, nights, strips and listings show what the rows of the database say, cell by cell."""

import csv
import random
import re
from zoneinfo import ZoneInfo

import pytest
from areas import BASE, DAY, TestArea, datum, make_area, run, step, test
from sites import TestSite, make_site

from mtsite.pages import words
from mtsite.pages.dates import night_of

LETTERS = {"PASS": "P", "FAIL": "F", "WARN": "W", "SKIP": "S", "ABORT": "A"}
NAMES = [("compile", ""), ("sweep", "fast"), ("sweep", "slow/big"), ("late", "")]
RUNS = 22
STEPS = [step("fetch"), step("build", log="cc\n"), step("link", log="ld\n")]
DATA = [
    datum("timing", "slack", value=-0.25, expected=0, tol=0.125, units="ns", comment="worst"),
    datum("area", "cells", value=48211, expected=48000, tol=500, units="cells", comment="all"),
]
ROW = re.compile(r'<tr data-row[^>]*><th scope="row">(.*?)</th>(.*?)</tr>', re.DOTALL)
CELL = re.compile(r'<td class="v-(.)"(?: colspan="(\d+)")?>')


@pytest.fixture(scope="module")
def area(tmp_path_factory: pytest.TempPathFactory) -> TestArea:
    """A target with many runs, and one with the newest alone; `late` is not in the first ones."""
    rnd = random.Random(5)
    made = make_area(tmp_path_factory.mktemp("rows"), fields=("os", "flow"))
    for number in range(RUNS + 1):
        at = min(number, RUNS - 1)
        statuses = {name: rnd.choice(["PASS", *LETTERS]) for name in NAMES}
        tests = [test("compile", status=statuses["compile", ""], steps=STEPS, data=DATA)]
        items = [test(item, status=statuses["sweep", item]) for item in ("fast", "slow/big")]
        tests.append(test("sweep", items=items))
        if at >= 4:
            tests.append(test("late", status=statuses["late", ""]))
        target = "u/nightly" if number < RUNS else "u/weekly"
        said = {"owner": f"owner{at}", "contour": "night", "comment": f"change {at}"}
        made.add_run(run(target, f"r{at:02d}", tests, event_time=BASE + at * DAY, **said))
    return made


@pytest.fixture(scope="module")
def site(area: TestArea, tmp_path_factory: pytest.TempPathFactory) -> TestSite:
    made = make_site(tmp_path_factory.mktemp("site"), area)
    made.build()
    return made


def letters(area: TestArea, target: str) -> dict[tuple[str, str], str]:
    """Test → its letters in the runs of a target, newest first, as SQL tells them."""
    rows = area.execute(
        "SELECT r.runname, t.testname, t.item_path, t.status FROM tests t"
        " JOIN runs r ON r.id = t.run_id WHERE r.flow = ? AND NOT (t.testname = 'sweep'"
        " AND t.item_path = '') ORDER BY r.event_time DESC",
        (target,),
    )
    found = {(name, test, item): LETTERS[status] for name, test, item, status in rows}
    runnames = list(dict.fromkeys(name for name, _, _ in found))
    return {
        name: "".join(found.get((runname, *name), ".") for runname in runnames) for name in NAMES
    }


def shown(page: str) -> dict[tuple[str, str], str]:
    """Test → letters of the cells of its row."""
    found = {}
    for head, cells in ROW.findall(page):
        name = re.findall("<bdi>(.*?)</bdi>", head)
        strip = "".join(letter * int(span or 1) for letter, span in CELL.findall(cells))
        found[name[0], "".join(name[1:])] = strip.replace("x", ".")
    return found


def read(site: TestSite, path: str) -> str:
    return (site.tree / "fullrun/u" / path).read_text("utf-8")


@pytest.mark.parametrize("path", ["index.html", "_runs/grid-30.html", "_runs/grid-100.html"])
def test_cells_of_a_grid_are_what_sql_says_newest_first(
    site: TestSite, area: TestArea, path: str
) -> None:
    assert shown(read(site, f"nightly/{path}")) == letters(area, "nightly")


def test_the_csv_of_a_grid_is_what_sql_says(site: TestSite, area: TestArea) -> None:
    head, *rows = csv.reader(read(site, "nightly/_runs/grid.csv").splitlines())
    assert head[2:] == [f"r{number:02d}" for number in reversed(range(RUNS))]
    said = {
        name: [words.WORDS[letter] if letter != "." else "" for letter in strip]
        for name, strip in letters(area, "nightly").items()
    }
    assert {(test, item): cells for test, item, *cells in rows} == said


def test_a_night_has_every_test_of_every_target(site: TestSite, area: TestArea) -> None:
    night = night_of(BASE + (RUNS - 1) * DAY, ZoneInfo("UTC"))
    page = (site.tree / f"fullrun/_nights/{night}.html").read_text("utf-8")
    nightly, weekly = letters(area, "nightly"), letters(area, "weekly")
    assert shown(page) == {name: nightly[name][0] + weekly[name] for name in NAMES}


@pytest.mark.parametrize("name", NAMES)
def test_the_strip_of_a_test_is_what_sql_says_and_leads_there(
    site: TestSite, area: TestArea, name: tuple[str, str]
) -> None:
    path = f"nightly/r{RUNS - 1}/{'/'.join(filter(None, name))}/index.html"
    strip = re.search(r'<ol class="past".*?</ol>', read(site, path), re.DOTALL)
    assert strip is not None
    cells = re.findall(r'<li><(?:a|span) class="v-(.)( here)?"(?: href="([^"]+)")?', strip[0])
    expected = letters(area, "nightly")[name][::-1]
    assert "".join(letter for letter, _, _ in cells).replace("x", ".") == expected
    for letter, here, href in cells:
        assert bool(href) == (letter != "x" and not here)
        assert not href or (site.tree / "fullrun/u" / path).parent.joinpath(href).is_file()


def test_steps_and_data_of_a_test_are_its_rows(site: TestSite, area: TestArea) -> None:
    page = read(site, f"nightly/r{RUNS - 2}/compile/index.html")
    here = (area.test_id(f"r{RUNS - 2}", "compile"),)
    names = area.execute(
        "SELECT stepname FROM test_steps WHERE test_id = ? GROUP BY stepname ORDER BY min(id)", here
    )
    shown_steps = re.search(r'<table class="steps".*?</table>', page, re.DOTALL)
    assert shown_steps is not None
    assert re.findall(r'<th scope="row".*?<bdi>(.*?)</bdi>', shown_steps[0]) == [
        n for (n,) in names
    ]
    columns = "category, variable, value, expected, tol, units, comment"
    rows = area.execute(f"SELECT {columns} FROM test_data WHERE test_id = ?", here)
    assert len(rows) == 2
    for row in rows:
        for value in row:
            said = f"{value:g}" if isinstance(value, float) else str(value)
            assert said.lstrip("-") in page, said


def test_listings_show_owner_contour_and_comment_of_each_run(site: TestSite) -> None:
    for path, runs in (("nightly/index.html", RUNS), ("weekly/_runs/2023-12.html", 1)):
        rows = re.findall(r'<th scope="row" class="name">.*?</tr>', read(site, path), re.DOTALL)
        assert len(rows) == runs
        for row in rows:
            number = re.search(r"<bdi>r(\d+)</bdi>", row)
            assert number is not None
            for said in (f"owner{int(number[1])}", "night", f"change {int(number[1])}"):
                assert f"<bdi>{said}</bdi>" in row
