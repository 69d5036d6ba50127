"""What lies beside the rows of tests, on their pages: Megatest's archive, load samples."""

from pathlib import Path

import pytest
from areas import BASE, TestArea, make_area, run, test
from sites import TestSite, difference, make_site

PAGE = "fullrun/ubuntu/nfs/w1/sim/index.html"


@pytest.fixture
def area(tmp_path: Path) -> TestArea:
    made = make_area(
        tmp_path, runs=[run("ubuntu/nfs", "w1", [test("sim", archived=7), test("other")])]
    )
    made.execute("INSERT INTO archive_blocks (id, disk_path) VALUES (7, '/arch/2023_q4/x_12345')")
    _sample(made, BASE + 30)
    _sample(made, BASE + 60)
    return made


@pytest.fixture
def site(tmp_path: Path, area: TestArea) -> TestSite:
    (tmp_path / "home").mkdir()
    made = make_site(tmp_path / "home", area)
    made.build()
    return made


def _sample(area: TestArea, at: int) -> None:
    number = area.test_id("w1", "sim")
    area.execute(
        "INSERT INTO test_rundat (test_id, update_time, cpuload, diskfree) VALUES (?, ?, 2.5, 900)",
        (number, at),
    )


def page(site: TestSite) -> str:
    return (site.tree / PAGE).read_text("utf-8")


def test_the_page_names_the_command_that_brings_its_files_back(
    site: TestSite, area: TestArea
) -> None:
    branch = f"fullrun-{area.run_id('w1')}"
    place = f"/{branch}/latest/ubuntu/nfs/w1/sim"
    assert f"<code>bup -d /arch/2023_q4/x_12345 restore -C . {place}</code>" in page(site)


def test_the_page_has_curves_of_its_load(site: TestSite) -> None:
    assert 'aria-label="CPU load: 2.5 to 2.5, at the end 2.5"' in page(site)


def test_samples_that_come_later_change_the_page_of_their_test_only(
    site: TestSite, area: TestArea, tmp_path: Path
) -> None:
    other = (site.tree / PAGE.replace("/sim/", "/other/")).stat()
    _sample(area, BASE + 90)
    area.change_status("w1", "sim", "WARN")
    site.build()
    assert '<td class="num">+1' in page(site)
    assert (site.tree / PAGE.replace("/sim/", "/other/")).stat().st_ino == other.st_ino
    assert difference(site.tree, site.build_clean(tmp_path / "clean")) == []
