"""The wheel holds all that mtsite needs, and works in an empty environment."""

import os
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
CARRIED = ("templates", "static", "jobs")


def run(*command: str | Path, cwd: Path) -> str:
    """Run to a good end, or show what it said."""
    child = subprocess.run(
        [str(word) for word in command],
        cwd=cwd,
        env={name: value for name, value in os.environ.items() if name != "PYTHONPATH"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert child.returncode == 0, child.stdout
    return child.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel as it would be published, built without a network."""
    place = tmp_path_factory.mktemp("wheel")
    run(sys.executable, "-m", "build", "--wheel", "--no-isolation", "-o", place, ROOT, cwd=place)
    (built,) = place.glob("*.whl")
    return built


def tracked_or_new(directory: str) -> set[str]:
    """The files of a directory of the repository, without what tools leave there."""
    return {
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / directory).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }


def test_manual_pages_travel_to_where_man_looks(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    pages = {name.rpartition("/")[2] for name in names if "data/share/man/man1/" in name}
    assert pages == {path.name for path in (ROOT / "docs/man").iterdir()}


@pytest.mark.parametrize("directory", CARRIED)
def test_what_stands_beside_the_package_travels_in_it(wheel: Path, directory: str) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    assert {f"mtsite/{name}" for name in tracked_or_new(directory)} <= names


def test_the_wheel_holds_the_package_its_licence_and_nothing_else(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    assert any(name.endswith("licenses/LICENSE") for name in names)
    assert {name.split("/")[0].split("-")[0] for name in names} == {"mtsite"}
    assert not [name for name in names if "__pycache__" in name or "tests/" in name]


@pytest.mark.slow
def test_the_demo_runs_from_the_wheel_in_an_empty_environment(wheel: Path, tmp_path: Path) -> None:
    venv.create(tmp_path / "venv", with_pip=True)
    binaries = tmp_path / "venv" / "bin"
    here = tmp_path / "here"
    here.mkdir()
    run(binaries / "python", "-m", "pip", "install", "--quiet", wheel, cwd=here)
    said = run(binaries / "mtsite", "demo", "d", "--days", "20", cwd=here)
    assert "d/site/index.html" in said
    site = here / "d" / "site"
    assert (site / "_assets" / "v1" / "site.css").stat().st_size > 1000
    assert len(list(site.rglob("_log/*.html"))) > 50
    jobs = run(binaries / "mtsite", "--config", "d/mtsite.toml", "schedule", "--list", cwd=here)
    assert {"nightly", "refresh"} <= set(jobs.split())
