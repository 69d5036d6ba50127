"""What lies outside an area is never read; what is secret in it is in no byte of the tree."""

import os
import socket
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest
from areas import TestArea, datum, make_area, run, step, test
from crawl import crawl, pages
from sites import TestSite, difference, files_of, make_site, silent
from storage import connect as connect_to
from storage import insert

from mtsite import urls
from mtsite.build.site import build_site
from mtsite.engines.inprocess import InProcess
from mtsite.model import RunKey

OUTSIDE = "SENTINEL-of-another-user"
TOKEN = "ghp_" + "x9Fk2LmQ7Rt4Vw8Zb3Nc6Yd1Hj5Pg0Sa7Te2"
PASSWORD = "password=hunter2-Correct-Horse"
KEY = RunKey("fullrun", ("u", "v"), "w1")


@dataclass
class Confined:
    site: TestSite
    area: TestArea

    def page(self, testname: str, item_path: str = "") -> str:
        path = urls.test_page(KEY, (testname, item_path))
        return (self.site.tree / path).read_text(encoding="utf-8")

    def holding(self, secret: str) -> list[str]:
        """Files of the tree that hold these bytes, with names that do."""
        raw = secret.encode()
        found = files_of(self.site.tree).items()
        return [path for path, content in found if raw in content or secret in path]


@pytest.fixture(scope="module")
def confined(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Confined]:
    root = tmp_path_factory.mktemp("confined")
    secret = root / "elsewhere" / "secret.log"
    secret.parent.mkdir()
    secret.write_text(f"ERROR: {OUTSIDE}\n")
    plain = [
        *("by_dots", "by_link", "by_pipe", "by_socket", "by_directory", "dangling"),
        *("swapped", "linked_dir", "step_dots", "absolute"),
    ]
    tests = [test(name, log="fine\n") for name in plain]
    tests.append(test("moved_away", log="fine\n", rundir=str(secret.parent)))
    tests.append(test("up_and_out", log="fine\n", rundir="/proc/self/../../etc"))
    tests.append(test("everything", log="fine\n", rundir="/", shortdir="/"))
    area = make_area(root, runs=[run("u/v", "w1", tests)])

    def place(name: str) -> Path:
        return area.rundir("w1", name)

    def name_log(name: str, log: str) -> None:
        area.execute(
            "UPDATE tests SET final_logf = ? WHERE id = ?", (log, area.test_id("w1", name))
        )

    up = os.path.relpath(secret, place("by_dots").resolve())
    name_log("by_dots", up)
    name_log("absolute", str(secret))
    area.add_step("w1", "step_dots", step("out", logfile=up))
    (place("by_link") / "final.log").unlink()
    (place("by_link") / "final.log").symlink_to(secret)
    (place("by_pipe") / "final.log").unlink()
    os.mkfifo(place("by_pipe") / "final.log")
    (place("by_directory") / "final.log").unlink()
    (place("by_directory") / "final.log").mkdir()
    (place("dangling") / "final.log").unlink()
    (place("dangling") / "final.log").symlink_to(root / "nowhere.log")
    (place("swapped") / "more.log").symlink_to(secret)
    (area.linktree / "u/v/w1/linked_dir").unlink()
    (area.linktree / "u/v/w1/linked_dir").symlink_to(secret.parent)
    area.execute(
        "UPDATE tests SET shortdir = rundir WHERE id = ?", (area.test_id("w1", "linked_dir"),)
    )
    (place("by_socket") / "final.log").unlink()
    here = Path.cwd()
    os.chdir(place("by_socket"))
    try:
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind("final.log")
            os.chdir(here)
            (root / "home").mkdir()
            site = make_site(root / "home", area)
            assert site.build().problems == []
            yield Confined(site, area)
    finally:
        os.chdir(here)


REASONS = {
    "by_dots": "lies outside the run directory, the linktree and the area",
    "by_link": "lies outside the run directory, the linktree and the area",
    "absolute": "lies outside the run directory, the linktree and the area",
    "step_dots": "lies outside the run directory, the linktree and the area",
    "swapped": "lies outside the run directory, the linktree and the area",
    "by_pipe": "is a named pipe, not a regular file",
    "by_socket": "is a socket, not a regular file",
    "by_directory": "is a directory, not a regular file",
    "dangling": "leads nowhere",
    "linked_dir": "leaves the linktree by a symbolic link",
    "up_and_out": "run directory",
}


@pytest.mark.parametrize("name", sorted(REASONS))
def test_the_page_says_why_a_log_was_not_read(confined: Confined, name: str) -> None:
    assert REASONS[name] in confined.page(name)


@pytest.mark.parametrize("name", ["moved_away", "everything", "up_and_out"])
def test_a_run_directory_elsewhere_gives_way_to_the_one_on_the_disk(
    confined: Confined, name: str
) -> None:
    assert "root:" not in confined.page(name)
    assert OUTSIDE not in confined.page(name)


def test_nothing_from_outside_is_in_any_byte_of_the_tree(confined: Confined) -> None:
    assert confined.holding(OUTSIDE) == []


def test_no_blob_holds_what_is_not_a_log_of_the_area(confined: Confined) -> None:
    blobs = [path.read_bytes() for path in (confined.site.tree / "_blobs").rglob("*.*")]
    assert set(blobs) == {b"fine\n"}


# -- secrets


@pytest.fixture(scope="module")
def secret(tmp_path_factory: pytest.TempPathFactory) -> Confined:
    root = tmp_path_factory.mktemp("secret")
    planted = f"token {TOKEN} and {PASSWORD} here"
    rows = [
        datum("cat", "var", value=planted, expected=planted, tol=planted, units=planted),
        datum("cat", "remark", value=1.5, comment=planted),
        datum(planted, planted, value=2),
    ]
    tests = [
        test("logged", log=f"ERROR: {planted}\n", status="FAIL"),
        test("commented", comment=planted, status="FAIL", data=rows),
        test("stepped", steps=[step("s", comment=planted, log=f"{planted}\n")]),
        test("sums", items=["one", "two"], comment=planted),
    ]
    area = make_area(root, runs=[run("u/v", "w1", tests, comment=planted)])
    area.add_run(run("u/v", "moved", [test("t")]))
    area.mark_moved("moved", f"elsewhere {planted}")
    with closing(connect_to(area.database)) as connection, connection:
        columns = dict.fromkeys(("author", "owner", "description", "reviewed", "tags"), planted)
        insert(connection, "test_meta", {"testname": "commented", **columns})
    (root / "home").mkdir()
    site = make_site(root / "home", area)
    assert site.build().problems == []
    return Confined(site, area)


@pytest.mark.parametrize("planted", [TOKEN, PASSWORD.partition("=")[2]])
def test_a_planted_secret_is_in_no_byte_of_the_tree(secret: Confined, planted: str) -> None:
    assert secret.holding(planted) == []


def test_a_masked_comment_says_which_rule_masked_it(secret: Confined) -> None:
    page = secret.page("commented")
    assert "▮▮▮[" in page and "here" in page


def test_masks_stand_in_the_twin_and_in_listings(secret: Confined) -> None:
    tree = secret.site.tree
    assert "\\u25ae\\u25ae\\u25ae[" in (tree / urls.run_twin(KEY)).read_text()
    assert "▮▮▮[" in (tree / urls.area_page("fullrun", ("u", "v"))).read_text()


def test_a_new_rule_of_the_site_masks_rows_that_were_published(
    secret: Confined, tmp_path: Path
) -> None:
    assert secret.holding(" and ")
    own = '[[redact.own]]\nname = "joint"\nregex = "(token) "\n'
    areas = {secret.area.name: secret.area.path}
    secret.site.write_config(areas, own)
    secret.site.build()
    assert "▮▮▮[joint]▮▮▮" in secret.page("commented")
    assert difference(secret.site.tree, secret.site.build_clean(tmp_path / "clean")) == []
    secret.site.write_config(areas)
    secret.site.build()


def test_a_masked_tree_has_no_dead_link(secret: Confined) -> None:
    assert crawl(secret.site.tree, pages(secret.site.tree)).dead == []


def test_the_environment_of_a_build_is_not_kept_on_disk(tmp_path: Path) -> None:
    area = make_area(tmp_path, runs=[run("u/v", "w1", [test("t")])])
    (tmp_path / "home").mkdir()
    site = make_site(tmp_path / "home", area)
    build_site(site.config(), InProcess(1), silent, environ={"AWS_SECRET_ACCESS_KEY": TOKEN})
    assert TOKEN.encode() not in (site.state / "manifest.db").read_bytes()
