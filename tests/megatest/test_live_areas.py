"""Areas that others work on: caches of other users, a homehost elsewhere, file systems not ours."""

import json
import os
import pwd
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import areas
import pytest
from areas import run, step, test

from mtsite.megatest import query
from mtsite.megatest.area import Area, layout_now, open_area
from mtsite.megatest.database import reading
from mtsite.megatest.merge import list_areas
from mtsite.megatest.reader import read_run

NOBODY = 65_534
ROOT = os.geteuid() == 0
RUNS = [run("u/v", f"w{n}", [test("t", steps=[step("s")])]) for n in range(3)]


def opened(area: areas.TestArea, tmp: Path) -> Area:
    return open_area(area.settings, {}, tmp=tmp)


def make_cache(built: areas.TestArea, tmp: Path, user: str, *, newer: bool = True) -> Path:
    """A copy of the area's database where Megatest has that of `user`, newer than the area's."""
    place = tmp / user / "megatest_localdb" / "fullrun" / str(built.path).replace("/", ".")
    place.mkdir(parents=True)
    cache = place / "megatest.db"
    shutil.copy(built.database, cache)
    own = built.database.stat().st_mtime
    os.utime(cache, (own + (60 if newer else -60),) * 2)
    return cache


def owner_of(path: Path) -> str:
    return pwd.getpwuid(path.stat().st_uid).pw_name


# -- caches in /tmp


def test_a_cache_in_another_users_directory_is_named_and_not_read(tmp_path: Path) -> None:
    built = areas.make_area(tmp_path, runs=RUNS)
    cache = make_cache(built, tmp_path / "cache", "somebody")
    if ROOT:
        os.chown(cache, 12345, -1)
        told = f"{cache} belongs to 12345"
    else:
        told = ""  # it is the owner's own file in a place where Megatest does not look
    area = opened(built, tmp_path / "cache")
    assert area.databases == (built.database,)
    assert any(told in problem for problem in area.problems) or not told


@pytest.mark.skipif(not ROOT, reason="not applicable: only root can give a file away")
def test_what_another_user_put_into_a_cache_reaches_no_page(tmp_path: Path) -> None:
    built = areas.make_area(tmp_path, runs=RUNS)
    cache = make_cache(built, tmp_path / "cache", owner_of(built.path))
    with closing(sqlite3.connect(cache)) as connection, connection:
        connection.execute("UPDATE runs SET runname = 'forged' || id")
    os.chown(cache, NOBODY, -1)
    (listing,) = list_areas([built.settings], {}, tmp=tmp_path / "cache")
    assert [head.key.runname for head in listing.heads] == ["w0", "w1", "w2"]
    assert any(str(cache) in problem and "not read" in problem for problem in listing.problems)


def test_the_owners_newer_cache_is_read_and_not_named(tmp_path: Path) -> None:
    built = areas.make_area(tmp_path, runs=RUNS)
    cache = make_cache(built, tmp_path / "cache", owner_of(built.path))
    area = opened(built, tmp_path / "cache")
    assert area.databases == (cache,)
    assert area.problems == ()


def test_a_cache_that_appears_is_noticed(tmp_path: Path) -> None:
    built = areas.make_area(tmp_path, runs=RUNS)
    area = opened(built, tmp_path / "cache")
    assert layout_now(area, tmp=tmp_path / "cache") == area.layout
    make_cache(built, tmp_path / "cache", owner_of(built.path))
    assert layout_now(area, tmp=tmp_path / "cache") != area.layout


# -- a homehost elsewhere


def test_a_homehost_elsewhere_is_said_with_the_age_of_what_is_read(tmp_path: Path) -> None:
    built = areas.make_area(tmp_path, runs=RUNS)
    (built.path / ".homehost").write_text("203.0.113.9\n")
    os.utime(built.database, (1_700_000_000, 1_700_000_000))
    (told,) = opened(built, tmp_path / "cache").problems
    assert "homehost of this area is 203.0.113.9" in told
    assert f"{built.database} as it was last synchronised, 2023-11-14 22:13 UTC" in told


@pytest.mark.parametrize("homehost", ["127.0.0.1", "localhost", ""])
def test_a_homehost_that_is_this_host_is_not_worth_a_word(tmp_path: Path, homehost: str) -> None:
    built = areas.make_area(tmp_path, runs=RUNS)
    (built.path / ".homehost").write_text(f"{homehost}\n")
    assert opened(built, tmp_path / "cache").problems == ()


# -- file systems that can't be written, files that may not be read


@pytest.fixture
def place() -> Iterator[Path]:
    """A directory that other users can reach, which pytest's own are not."""
    found = Path(tempfile.mkdtemp(prefix="mtsite-test-"))
    found.chmod(0o755)
    yield found
    for path in [found, *found.rglob("*")]:
        if not path.is_symlink():
            path.chmod(0o755)
    shutil.rmtree(found)


READ_AS_NOBODY = """
import json, os, sys
from pathlib import Path
from mtsite.config import AreaConfig
from mtsite.megatest.database import reading
from mtsite.megatest.merge import list_areas
from mtsite.megatest.reader import read_run
settings = AreaConfig(name="a", path=Path(sys.argv[1]))
list_areas([settings], {}, tmp=Path("/nonexistent"))  # what is imported late may lie out of reach
if os.geteuid() == 0:
    os.setgroups([]); os.setgid(65534); os.setuid(65534)
(found,) = list_areas([settings], {}, tmp=Path("/nonexistent"))
steps = 0
for head in found.heads:
    with reading(head.database) as connection:
        steps += sum(len(test.steps) for test in read_run(connection, head).tests)
print(json.dumps([len(found.heads), steps, found.error, found.problems]))
"""
"""Reads an area as a user who may write nowhere in it, root's rights given up."""


def read_as_nobody(area: Path) -> tuple[int, int, str, list[str]]:
    environ = {"PATH": os.defpath, "PYTHONPATH": os.pathsep.join(sys.path), "TMPDIR": "/tmp"}
    ended = subprocess.run(
        [sys.executable, "-c", READ_AS_NOBODY, str(area)],
        capture_output=True,
        text=True,
        check=False,
        env=environ,
        cwd="/",
    )
    assert ended.returncode == 0, ended.stderr
    runs, steps, error, problems = json.loads(ended.stdout)
    return runs, steps, error, problems


def without_rights_to_write(root: Path) -> None:
    """Everything below may be read by all and written by nobody, as on a read-only mount."""
    for path in [root, *root.rglob("*")]:
        if not path.is_symlink():
            path.chmod(0o555 if path.is_dir() else 0o444)


DIE = """
import os, sqlite3, sys
c = sqlite3.connect(sys.argv[1], isolation_level=None)
c.execute("PRAGMA cache_size = 1")
c.execute("BEGIN")
c.execute("UPDATE tests SET comment = hex(randomblob(4000))")
os._exit(0)
"""


@pytest.fixture(params=["G2", "G3 of 2013", "G4", "G5"])
def read_only(request: pytest.FixtureRequest, place: Path) -> areas.TestArea:
    return areas.make_area(place, runs=RUNS, generation=request.param)


def test_an_area_that_can_not_be_written_is_read(read_only: areas.TestArea, place: Path) -> None:
    without_rights_to_write(place)
    assert read_as_nobody(read_only.path) == (3, 3, "", [])


def test_a_dead_writers_journal_on_a_read_only_file_system_is_undone(place: Path) -> None:
    area = areas.make_area(place, runs=RUNS)
    subprocess.run([sys.executable, "-c", DIE, str(area.database)], check=True)
    assert Path(f"{area.database}-journal").exists()
    without_rights_to_write(place)
    runs, steps, error, problems = read_as_nobody(area.path)
    assert (runs, steps, error) == (3, 3, "")
    assert any("left its journal" in problem for problem in problems)


def test_a_write_ahead_log_on_a_read_only_file_system_is_read_with_it(place: Path) -> None:
    area = areas.make_area(place, runs=RUNS[:2])
    area.execute("PRAGMA journal_mode = wal")
    writer = sqlite3.connect(area.database)
    area.add_run(RUNS[2])
    kept = {path: path.read_bytes() for path in area.path.glob("megatest.db*")}
    writer.close()
    for path, content in kept.items():
        if not path.name.endswith("-shm"):
            path.write_bytes(content)
    without_rights_to_write(place)
    runs, _steps, error, problems = read_as_nobody(area.path)
    assert (runs, error) == (3, "")
    assert any("write-ahead log" in problem for problem in problems)


@pytest.mark.parametrize("generation", ["G4", "G3 of 2013", "G5"])
def test_a_database_that_may_not_be_read_is_named(place: Path, generation: str) -> None:
    area = areas.make_area(place, runs=RUNS, generation=generation)
    bad = {
        "G4": area.live,
        "G3 of 2013": area.linktree / ".db/2.db",
        "G5": area.path / ".mtdb/2.db",
    }[generation]
    without_rights_to_write(place)
    bad.chmod(0)
    runs, _steps, error, _problems = read_as_nobody(area.path)
    assert f"{bad}: can't be read: Permission denied" in error and "ls -l" in error
    assert runs == (0 if generation == "G4" else 2)


def test_a_testdat_that_may_not_be_read_costs_steps_only(place: Path) -> None:
    area = areas.make_area(place, runs=RUNS, generation="G2")
    without_rights_to_write(place)
    (area.disk / "u/v/w1/t/testdat.db").chmod(0)
    assert read_as_nobody(area.path) == (3, 2, "", [])


def test_a_directory_of_databases_that_is_closed_is_said(place: Path) -> None:
    area = areas.make_area(place, runs=RUNS, generation="G3")
    without_rights_to_write(place)
    (area.linktree / ".db").chmod(0)
    runs, _steps, error, problems = read_as_nobody(area.path)
    assert (runs, error) == (3, "")
    assert any(f"{area.linktree / '.db'}: Permission denied" in told for told in problems)


@pytest.mark.parametrize("closed", ["area", "parent"])
def test_an_area_in_a_closed_directory_is_named(place: Path, closed: str) -> None:
    area = areas.make_area(place / "closed", runs=RUNS)
    (area.path if closed == "area" else area.path.parent).chmod(0)
    runs, _steps, error, _problems = read_as_nobody(area.path)
    assert runs == 0
    assert f"{area.path}" in error and "Permission denied" in error and "ls -l" in error


MOUNTED = 'mount --bind "$1" "$1" && mount -o remount,bind,ro "$1" && shift && exec "$@"'
MAY_MOUNT = shutil.which("unshare") is not None and not (
    subprocess.run(["unshare", "-rm", "true"], capture_output=True, check=False).returncode
)


@pytest.mark.skipif(not MAY_MOUNT, reason="not applicable: nobody may mount here")
def test_an_area_on_a_read_only_mount_is_read_with_what_a_dead_writer_left(tmp_path: Path) -> None:
    area = areas.make_area(tmp_path, runs=RUNS)
    subprocess.run([sys.executable, "-c", DIE, str(area.database)], check=True)
    code = READ_AS_NOBODY.replace("os.geteuid() == 0", "False")
    wrapped = ["unshare", "-rm", "sh", "-c", MOUNTED, "sh", str(tmp_path)]
    ended = subprocess.run(
        [*wrapped, sys.executable, "-c", code, str(area.path)],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "TMPDIR": "/tmp"},
    )
    assert ended.returncode == 0, ended.stderr
    runs, steps, error, problems = json.loads(ended.stdout)
    assert (runs, steps, error) == (3, 3, "")
    assert any("left its journal" in problem for problem in problems)


# -- slow file systems


def test_on_a_slow_file_system_queries_become_smaller(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = iter(range(10_000))
    sizes: list[int] = []

    class Slow(query.Pace):
        def __init__(self, size: int, most: int) -> None:
            super().__init__(size, most, clock=lambda: float(next(clock)))

        def start(self) -> int:
            sizes.append(super().start())
            return sizes[-1]

    monkeypatch.setattr("mtsite.megatest.testrows.Pace", Slow)
    tests = [test(f"t{n:03}", steps=[step("s")]) for n in range(300)]
    area = areas.make_area(tmp_path, runs=[run("u/v", "w1", tests)])
    (listing,) = list_areas([area.settings], {}, tmp=tmp_path / "cache")
    with reading(area.database) as connection:
        found = read_run(connection, listing.heads[0])
    assert len(found.tests) == 300
    assert sizes[:8] == [128, 64, 32, 16, 8, 4, 2, 1]
