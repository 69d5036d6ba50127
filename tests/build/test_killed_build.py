"""A build killed anywhere leaves a tree that the next build makes whole."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from areas import TestArea, make_area, run, step, test
from crawl import crawl, pages
from sites import TestSite, difference, make_site

from mtsite.atomicfile import TEMPORARY_PREFIX

pytestmark = pytest.mark.faults

ROOT = Path(__file__).resolve().parents[2]
KILLS = 4
SCRIPT = """
import sys
from pathlib import Path
from mtsite.build.site import build_site
from mtsite.config import load_config
from mtsite.engines.inprocess import InProcess
config = load_config(Path(sys.argv[1]), {})
sys.stdout.write("ready\\n")
sys.stdout.flush()
sys.stdin.readline()
build_site(config, InProcess(1), lambda *_: None, environ={}, allow_drop=True)
"""


def make(root: Path) -> TestSite:
    """Two areas of 12 runs with logs, steps and items: about half a second of building."""
    areas = []
    for name in ("a", "b"):
        area = make_area(root / "areas", name)
        for number in range(12):
            wrong = "FAIL" if number % 3 == 0 else "PASS"
            tests = [
                test("compile", status=wrong, log=f"ERROR: {name} {number}\n" * 20),
                test("regress", items=["fast", "slow/big"], steps=[step("sim", log="go\n")]),
                *(test(f"t{n}", status=wrong, log=f"line {n}\n") for n in range(6)),
            ]
            area.add_run(run(("u/nfs", "s/zfs")[number % 2], f"r{number:02d}", tests))
        areas.append(area)
    (root / "home").mkdir()
    return make_site(root / "home", *areas)


def change_rows(site: TestSite, root: Path) -> None:
    """New runs, a changed status, a late step, a run that is gone."""
    for name in ("a", "b"):
        area = area_of(root, name)
        area.runs_made = 12
        area.add_run(run("u/nfs", "new", [test("compile", status="FAIL", log="ERROR: new\n")]))
        area.change_status("r04", "compile", "FAIL")
        area.add_step("r05", "t1", step("late", log="late\n"))
        area.delete_run("r06")


def edit_template(site: TestSite, root: Path) -> None:
    own = site.root / "templates"
    own.mkdir()
    text = '{% extends "mtsite/test.html" %}{% block kind %}edited{% endblock %}'
    (own / "test.html").write_text(text)


def nothing(site: TestSite, root: Path) -> None:
    """The first build of all."""


def area_of(root: Path, name: str) -> TestArea:
    base = root / "areas"
    fields = ("sysname", "fsname")
    return TestArea(name, base / name, fields, base / f"{name}_links", base / f"{name}_disk")


def begin(site: TestSite) -> "subprocess.Popen[str]":
    """A build in a process of its own, that waits for its start."""
    child = subprocess.Popen(
        [sys.executable, "-c", SCRIPT, str(site.root / "mtsite.toml")],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert child.stdout is not None
    assert child.stdout.readline() == "ready\n"
    return child


def start(child: "subprocess.Popen[str]") -> None:
    assert child.stdin is not None
    child.stdin.write("\n")
    child.stdin.flush()


def build_and_kill(site: TestSite, seconds: float) -> bool:
    """Whether the build was still going on when it was killed."""
    child = begin(site)
    start(child)
    try:
        child.wait(seconds)
    except subprocess.TimeoutExpired:
        child.send_signal(signal.SIGKILL)
    code = child.wait()
    for stream in (child.stdin, child.stdout):
        assert stream is not None
        stream.close()
    assert code in {0, -signal.SIGKILL}
    return code != 0


def seconds_of_a_build(site: TestSite) -> float:
    child = begin(site)
    before = time.monotonic()
    start(child)
    child.communicate()
    assert child.returncode == 0
    return time.monotonic() - before


def restore(site: TestSite, saved: Path) -> None:
    """Tree and state as they were before the build that is to be killed."""
    for directory in (site.tree, site.state):
        shutil.rmtree(directory, ignore_errors=True)
        if (saved / directory.name).exists():
            shutil.copytree(saved / directory.name, directory, symlinks=True)


@pytest.mark.parametrize(
    "change", [nothing, change_rows, edit_template], ids=lambda change: change.__name__
)
def test_a_killed_build_is_made_whole_by_the_next(
    tmp_path: Path, change: Callable[[TestSite, Path], None]
) -> None:
    site = make(tmp_path)
    saved = tmp_path / "saved"
    if change is not nothing:
        site.build()
        for directory in (site.tree, site.state):
            shutil.copytree(directory, saved / directory.name, symlinks=True)
        change(site, tmp_path)
    whole = seconds_of_a_build(site)
    clean = site.build_clean(tmp_path / "clean")
    assert difference(site.tree, clean) == []
    killed = 0
    for number in range(KILLS):
        restore(site, saved)
        killed += build_and_kill(site, whole * (number + 0.5) / KILLS)
        if number == 1:
            # Killed again where it went on: what the first left must not look finished.
            killed += build_and_kill(site, whole * 0.4)
        site.build(allow_drop=True)
        assert difference(site.tree, clean) == [], f"killed at {number} of {KILLS}"
        left = [path for path in site.tree.rglob("*") if path.name.startswith(TEMPORARY_PREFIX)]
        assert left == []
    assert killed >= KILLS - 1


def test_no_page_is_ever_half_a_page(tmp_path: Path) -> None:
    site = make(tmp_path)
    whole = seconds_of_a_build(site)
    restore(site, tmp_path / "saved")
    assert build_and_kill(site, whole * 0.6)
    for path in pages(site.tree):
        assert (site.tree / path).read_bytes().endswith(b"</html>\n"), path


def test_a_lock_of_a_killed_build_is_taken_over(tmp_path: Path) -> None:
    site = make(tmp_path)
    assert build_and_kill(site, 0.2)
    assert site.build().problems == []
    assert crawl(site.tree, pages(site.tree)).dead == []
