"""A build killed anywhere leaves a tree that the next build makes whole."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from areas import TestArea, make_area, run, step, test
from crawl import crawl, pages
from sites import TestSite, difference, make_site

from mtsite.atomicfile import TEMPORARY_PREFIX
from mtsite.build import around as build
from mtsite.build.state import BuildState

pytestmark = pytest.mark.faults

ROOT = Path(__file__).resolve().parents[2]
KILLS = 5
SCRIPT = """
import os, signal, sys
from pathlib import Path
from mtsite import atomicfile
from mtsite.build.site import build_site
from mtsite.build.state import BuildFlags
from mtsite.config import load_config
from mtsite.engines.inprocess import InProcess
from mtsite.manifest import Manifest

last, seen = int(sys.argv[2]), 0

def step():
    global seen
    seen += 1
    if seen == last:
        os.kill(os.getpid(), signal.SIGKILL)

def counted(work):
    def stepped(*given, **named):
        step()
        returned = work(*given, **named)
        step()
        return returned
    return stepped

atomicfile._put = counted(atomicfile._put)
Manifest.commit = counted(Manifest.commit)
config = load_config(Path(sys.argv[1]), {})
build_site(config, InProcess(1), lambda *_: None, BuildFlags(allow_drop=True), environ={})
print(seen)
"""
"""A build that kills itself before or after its n-th file or commit; else it tells how many."""


def make(root: Path) -> TestSite:
    """Two areas of 8 runs with logs, steps and items."""
    areas = []
    for name in ("a", "b"):
        area = make_area(root / "areas", name)
        for number in range(8):
            wrong = "FAIL" if number % 3 == 0 else "PASS"
            tests = [
                test("compile", status=wrong, log=f"ERROR: {name} {number}\n" * 20),
                test("regress", items=["fast", "slow/big"], steps=[step("sim", log="go\n")]),
                *(test(f"t{n}", status=wrong, log=f"line {n}\n") for n in range(2)),
            ]
            area.add_run(run(("u/nfs", "s/zfs")[number % 2], f"r{number:02d}", tests))
        areas.append(area)
    (root / "home").mkdir()
    return make_site(root / "home", *areas)


def change_rows(site: TestSite, root: Path) -> None:
    """New runs, a changed status, a late step, a run that is gone."""
    for name in ("a", "b"):
        area = area_of(root, name)
        area.runs_made = 8
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


def build_and_kill(site: TestSite, last: int) -> int:
    """Build up to this step; how many steps were taken when it came to its end, else 0."""
    child = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(site.root / "mtsite.toml"), str(last)],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert child.returncode in {0, -signal.SIGKILL}, child.stderr
    return int(child.stdout) if child.returncode == 0 else 0


def build_and_kill_after(site: TestSite, seconds: float) -> bool:
    """Whether a build was still going on when it was killed from outside."""
    words = [sys.executable, "-m", "mtsite", "-q", "build"]
    child = subprocess.Popen(words, cwd=site.root, env={**os.environ, "PYTHONPATH": str(ROOT)})
    try:
        child.wait(seconds)
    except subprocess.TimeoutExpired:
        child.kill()
    return child.wait() != 0


def restore(site: TestSite, saved: Path) -> None:
    """Tree and state as they were before the build that is to be killed."""
    for directory in (site.tree, site.state):
        shutil.rmtree(directory, ignore_errors=True)
        if (saved / directory.name).exists():
            shutil.copytree(saved / directory.name, directory, symlinks=True)


@pytest.mark.slow
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
    steps = build_and_kill(site, -1)
    clean = site.build_clean(tmp_path / "clean")
    assert difference(site.tree, clean) == []
    for number in range(KILLS):
        restore(site, saved)
        assert build_and_kill(site, 1 + (steps - 1) * number // (KILLS - 1)) == 0
        if number == 1:
            # Killed again where it went on: what the first left must not look finished.
            build_and_kill(site, steps // 4)
        site.build(allow_drop=True)
        assert difference(site.tree, clean) == [], f"killed at {number} of {KILLS}"
        left = [path for path in site.tree.rglob("*") if path.name.startswith(TEMPORARY_PREFIX)]
        assert left == []


@pytest.mark.parametrize("seconds", [0.5, 0.9])
def test_a_build_killed_from_outside_leaves_whole_pages_and_a_lock_that_is_taken_over(
    tmp_path: Path, seconds: float
) -> None:
    site = make(tmp_path)
    build_and_kill_after(site, seconds)
    for path in pages(site.tree):
        assert (site.tree / path).read_bytes().endswith(b"</html>\n"), path
    assert site.build().problems == []
    assert crawl(site.tree, pages(site.tree)).dead == []


class Killed(BaseException):
    """What no part of a build catches."""


def build_and_stop_before(site: TestSite, part: str, patch: pytest.MonkeyPatch) -> None:
    def stop(_state: BuildState) -> None:
        raise Killed

    with patch.context() as patched, pytest.raises(Killed):
        patched.setattr(build, part, stop)
        site.build()


def test_a_comment_reaches_the_listings_though_the_build_died_before_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = make(tmp_path)
    site.build()
    area_of(tmp_path, "a").execute("UPDATE runs SET comment = 'rerun by hand'")
    build_and_stop_before(site, "_write_targets", monkeypatch)
    site.build()
    assert difference(site.tree, site.build_clean(tmp_path / "clean")) == []


def test_the_title_of_an_area_reaches_its_page_though_the_build_died_before_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = make(tmp_path)
    site.build()
    file = site.root / "mtsite.toml"
    file.write_text(file.read_text().replace("[areas.a]", '[areas.a]\ntitle = "Chips"'))
    build_and_stop_before(site, "_write_levels", monkeypatch)
    site.build()
    assert difference(site.tree, site.build_clean(tmp_path / "clean")) == []
