"""Files that patterns choose: below the run directory, in one order, however many lie there."""

import os
from pathlib import Path

import areas

from mtsite.chosenfiles import Chooser
from mtsite.megatest import database, linktree, reader
from mtsite.megatest.attached import DEEPEST, Choice, find_attached
from mtsite.model import RunKey

KEY = RunKey("fullrun", ("ubuntu", "nfs"), "w01")


def chosen(area: areas.TestArea, *patterns: str, most: int = 100) -> Choice:
    with database.reading(area.database) as connection:
        (head,) = reader.list_runs(connection, area.name, area.fields)
        (test,) = reader.read_run(connection, head).tests
    roots = linktree.roots_of(area.path, area.linktree, [area.disk], {})
    return find_attached(roots, (KEY, test), Chooser(patterns), most)


def made(tmp_path: Path, *names: str) -> areas.TestArea:
    files = dict.fromkeys(names, "x")
    runs = [areas.run("ubuntu/nfs", "w01", [areas.test("t", files=files)])]
    return areas.make_area(tmp_path, runs=runs)


def test_files_are_found_in_the_order_of_their_names(tmp_path: Path) -> None:
    area = made(tmp_path, "b.png", "a/z.png", "é.png", "a/y/x.png", "c.txt")
    found = chosen(area, "**/*.png")
    assert [one.name for one in found.files] == ["a/y/x.png", "a/z.png", "b.png", "é.png"]
    assert (found.more, found.notes) == (0, ())


def test_a_file_that_several_patterns_choose_is_taken_once(tmp_path: Path) -> None:
    assert len(chosen(made(tmp_path, "a.png"), "*.png", "**", "a*").files) == 1


def test_of_ten_thousand_files_the_first_are_looked_at_and_the_rest_counted(tmp_path: Path) -> None:
    area = made(tmp_path)
    rundir = area.rundir("w01", "t")
    for number in range(10_000):
        (rundir / f"f{number:05d}").symlink_to("none")
    found = chosen(area, "*", most=3)
    assert [one.name for one in found.files] == ["f00000", "f00001", "f00002"]
    assert (found.more, {one.refused for one in found.files}) == (9_997, {"leads nowhere"})


def test_what_is_no_regular_file_of_the_run_directory_is_refused(tmp_path: Path) -> None:
    area = made(tmp_path, "a.png")
    rundir = area.rundir("w01", "t")
    os.mkfifo(rundir / "pipe.png")
    (rundir / "out.png").symlink_to("/etc/hostname")
    refused = {one.name: one.refused for one in chosen(area, "*.png").files}
    assert refused == {
        "a.png": "",
        "out.png": "lies outside the run directory, the linktree and the area",
        "pipe.png": "is a named pipe, not a regular file",
    }


def test_a_link_that_leads_to_itself_hides_no_other_file(tmp_path: Path) -> None:
    area = made(tmp_path, "a.png", "z.png")
    (area.rundir("w01", "t") / "loop.png").symlink_to("loop.png")
    found = chosen(area, "*.png")
    assert [(one.name, one.refused) for one in found.files] == [
        ("a.png", ""),
        ("loop.png", "leads nowhere"),
        ("z.png", ""),
    ]
    assert found.notes == ()


def test_links_to_directories_lead_nowhere(tmp_path: Path) -> None:
    area = made(tmp_path, "a/b.png")
    rundir = area.rundir("w01", "t")
    (rundir / "again").symlink_to(rundir)
    (rundir / "etc").symlink_to("/etc")
    assert [one.name for one in chosen(area, "**").files] == ["a/b.png"]


def test_a_directory_that_is_too_deep_or_shut_is_said(tmp_path: Path) -> None:
    area = made(tmp_path, "d/" * DEEPEST + "deep.png", "d/shallow.png")
    found = chosen(area, "**/*.png")
    assert [one.name for one in found.files] == ["d/shallow.png"]
    assert found.notes == (f"directories more than {DEEPEST} deep were not looked into",)


def test_a_test_without_a_directory_has_none(tmp_path: Path) -> None:
    runs = [areas.run("ubuntu/nfs", "w01", [areas.test("t", rundir="n/a", shortdir="n/a")])]
    assert chosen(areas.make_area(tmp_path, runs=runs), "**") == Choice([])
