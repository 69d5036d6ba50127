"""`build --verify` compares the tree with a clean build of the same input."""

import subprocess
import sys
from pathlib import Path

from areas import make_area, run, test
from sites import TestSite, make_site, silent

from mtsite.build.verify import verify_site
from mtsite.engines.inprocess import InProcess


def site_with_two_runs(tmp_path: Path) -> TestSite:
    tests = [test("compile", status="FAIL", log="ERROR: no\n"), test("link")]
    runs = [run("ubuntu/nfs", "w01", tests), run("ubuntu/nfs", "w02", tests)]
    area = make_area(tmp_path, runs=runs)
    (tmp_path / "home").mkdir()
    site = make_site(tmp_path / "home", area)
    site.build()
    area.change_status("w02", "link", "FAIL")
    site.build()
    return site


def test_a_tree_that_equals_a_clean_build_has_no_difference(tmp_path: Path) -> None:
    site = site_with_two_runs(tmp_path)
    verified = verify_site(site.config(), InProcess(1), silent, environ={})
    assert verified.differing == ()
    assert verified.files > 20


def test_an_edited_a_lost_and_a_foreign_file_are_named(tmp_path: Path) -> None:
    site = site_with_two_runs(tmp_path)
    (site.tree / "index.html").write_text("edited")
    (site.tree / "404.html").unlink()
    (site.tree / "foreign.txt").write_text("?")
    verified = verify_site(site.config(), InProcess(1), silent, environ={})
    assert verified.differing == ("404.html", "foreign.txt", "index.html")


def test_verifying_leaves_nothing_behind(tmp_path: Path) -> None:
    site = site_with_two_runs(tmp_path)
    before = sorted(path.name for path in site.state.iterdir())
    verify_site(site.config(), InProcess(1), silent, environ={})
    assert sorted(path.name for path in site.state.iterdir()) == before


def test_the_command_exits_13_and_names_what_differs(tmp_path: Path) -> None:
    site = site_with_two_runs(tmp_path)
    command = [sys.executable, "-m", "mtsite", "build", "--verify"]
    good = subprocess.run(command, cwd=site.root, capture_output=True, text=True, check=False)
    assert (good.returncode, "equal a clean build" in good.stderr) == (0, True)
    (site.tree / "index.html").write_text("edited")
    bad = subprocess.run(command, cwd=site.root, capture_output=True, text=True, check=False)
    assert bad.returncode == 13
    assert "1 file differs from a clean build:\n  index.html" in bad.stderr
