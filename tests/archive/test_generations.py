"""Runs leave databases of G4, and of G5 where one database holds them whole; no others."""

import json
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from areas import BASE, TestArea, make_area, run, step, test
from generations import BUILDERS
from rows import runs_in

from mtsite.archive.job import Job
from mtsite.archive.reduce import ReduceSummary, reduce_area
from mtsite.cli import run as call
from mtsite.config import ReduceConfig
from mtsite.errors import UnmovableError
from mtsite.invocation import Invocation

NOW = BASE + 400 * 86_400
REFUSED = [name for name in BUILDERS if name[:2] in {"G1", "G2", "G3"}]
PATCHED = [name for name in BUILDERS if name.startswith("G4")]


def area_of(tmp_path: Path, generation: str) -> TestArea:
    tests = [test("compile", steps=[step("build")]), test("many", items=["a", "b"])]
    runs = [run("u/nfs", f"w{number}", tests) for number in range(5)]
    return make_area(tmp_path, runs=runs, generation=generation)


def reduce(tmp_path: Path, area: TestArea) -> ReduceSummary:
    job = Job({}, ReduceConfig(), NOW, tmp_path / "state", tmp=tmp_path / "tmp")
    return reduce_area(area.settings, job)


def files_of(path: Path) -> dict[Path, bytes]:
    return {one: one.read_bytes() for one in sorted(path.rglob("*")) if one.is_file()}


@pytest.mark.parametrize("generation", REFUSED)
def test_older_generations_are_never_changed(tmp_path: Path, generation: str) -> None:
    area = area_of(tmp_path, generation)
    before = files_of(area.path) | files_of(area.linktree)
    with pytest.raises(UnmovableError, match=f"generation {generation[:2]}") as caught:
        reduce(tmp_path, area)
    assert caught.value.exit_code == 2
    assert files_of(area.path) | files_of(area.linktree) == before


@pytest.mark.parametrize("generation", PATCHED)
def test_patched_databases_of_g4_are_reduced(tmp_path: Path, generation: str) -> None:
    area = area_of(tmp_path, generation)
    before = runs_in(area.live)
    assert [one.runname for one in reduce(tmp_path, area).moved] == ["w0", "w1", "w2"]
    assert runs_in(area.live) | runs_in(area.completed) == before


def test_one_whole_database_of_g5_is_reduced(tmp_path: Path) -> None:
    area = area_of(tmp_path, "G5 whole")
    main = area.path / ".mtdb" / "main.db"
    before = runs_in(main)
    assert [one.runname for one in reduce(tmp_path, area).moved] == ["w0", "w1", "w2"]
    assert runs_in(main) | runs_in(area.completed) == before


def test_runs_that_lie_in_several_databases_stay(tmp_path: Path) -> None:
    with pytest.raises(UnmovableError, match=r"main\.db has the runs, and not what is below"):
        reduce(tmp_path, area_of(tmp_path, "G5"))


def test_tests_in_a_second_database_of_g5_keep_all_runs(tmp_path: Path) -> None:
    area = area_of(tmp_path, "G5 whole")
    shutil.copy(area.path / ".mtdb/main.db", area.path / ".mtdb/1.db")
    with pytest.raises(UnmovableError, match=r"main\.db and 1\.db"):
        reduce(tmp_path, area)


def test_a_server_of_g5_that_may_be_alive_keeps_all_runs(tmp_path: Path) -> None:
    area = area_of(tmp_path, "G5 whole")
    (area.path / ".servinfo").mkdir()
    with pytest.raises(UnmovableError, match="server may be alive"):
        reduce(tmp_path, area)


def test_a_second_database_of_g5_that_can_not_be_read_keeps_all_runs(tmp_path: Path) -> None:
    area = area_of(tmp_path, "G5 whole")
    (area.path / ".mtdb/1.db").write_bytes(b"no database" * 100)
    with pytest.raises(UnmovableError, match=r"1\.db: not a SQLite database"):
        reduce(tmp_path, area)


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    old = area_of(tmp_path, "G2")
    live = make_area(tmp_path, "live", runs=[run("u/n", f"w{n}", [test("t")]) for n in range(4)])
    text = f'[areas.fullrun]\npath = "{old.path}"\n[areas.live]\npath = "{live.path}"\n'
    (tmp_path / "mtsite.toml").write_text(text)
    monkeypatch.chdir(tmp_path)
    return live.completed


def test_an_old_area_that_is_named_is_refused(
    site: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call(["reduce", "fullrun"], Invocation()) == 2
    err = capsys.readouterr().err
    assert "generation G2 (v1.5x)" in err and "try:" in err
    assert not site.exists()


def test_an_old_area_that_is_not_named_is_passed_over(
    site: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call(["reduce", "--json"], Invocation()) == 0
    captured = capsys.readouterr()
    (moved,) = json.loads(captured.out)["areas"]
    assert moved["area"] == "live"
    assert "fullrun: skipped" in captured.err
    with closing(sqlite3.connect(site)) as connection:
        assert connection.execute("SELECT count(*) FROM runs").fetchone() == (2,)
