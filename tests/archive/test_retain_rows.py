"""Retention of rows: exported, then let go where they lie, and kept when in doubt."""

import hashlib
import json
from collections import Counter
from pathlib import Path

import pytest
from archive.retaining import apply, day, exported_rows, spec, text, w, whole
from archive.retaining import area as area
from archive.retaining import both as both
from archive.retaining import once as once
from archive.retaining import site as site
from areas import TestArea, make_area
from msgspec.structs import replace
from rows import make_caches, runs_in
from sites import TestSite, make_site

from mtsite import lock
from mtsite.archive import rows
from mtsite.archive.job import Job
from mtsite.archive.migrate import migrate_area
from mtsite.archive.reduce import reduce_area
from mtsite.archive.rows import RowsJob, let_go_rows
from mtsite.archive.rules import Migration
from mtsite.config import ReduceConfig
from mtsite.megatest.selection import Selection
from mtsite.model import RunKey


def all_rows(area: TestArea, runname: str, database: Path | None = None) -> Counter[object]:
    """The same, from the database."""
    run_id = area.execute("SELECT id FROM runs WHERE runname = ?", (runname,), database)[0][0]
    tests = "test_id IN (SELECT id FROM tests WHERE run_id = ?)"
    found: Counter[object] = Counter()
    for table, where in (
        ("runs", "id = ?"),
        ("tests", "run_id = ?"),
        ("test_steps", tests),
        ("test_data", tests),
    ):
        for row in area.execute(f"SELECT * FROM {table} WHERE {where}", (run_id,), database):
            found[json.dumps([table, list(row)])] += 1
    return found


def test_rows_are_exported_and_then_leave(site: TestSite, area: TestArea) -> None:
    before, wanted = runs_in(area.database), all_rows(area, "w00")
    summary = apply(site, day(90), allow_drop=True)
    assert [one.reason for one in summary.rows] == [""]
    assert runs_in(area.database) == {k: v for k, v in before.items() if k[-1] != "w00"}
    (file,) = (site.root / "exports").glob("*.jsonl.gz")
    assert exported_rows(file) == {"w00": wanted}
    assert file.name in text(site, f"{w(0)}/index.html")
    whole(site)


def test_an_export_is_dated_and_carries_its_digest(site: TestSite) -> None:
    apply(site, day(90), allow_drop=True)
    path = site.root / "exports" / "fullrun-2024-02-12T231320Z.jsonl.gz"
    told = (site.root / "exports" / f"{path.name}.sha256").read_text()
    assert told == f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}\n"


def test_without_an_export_when_that_is_asked_for(site: TestSite, area: TestArea) -> None:
    apply(site, day(90), allow_drop=True, export=False)
    assert not (site.root / "exports").exists()
    assert len(runs_in(area.database)) == 5
    assert "not exported" in text(site, f"{w(0)}/index.html")


def test_rows_leave_completed_runs_with_their_notes(site: TestSite, area: TestArea) -> None:
    area.make_completed()
    for name in ("w00", "w01"):
        area.copy_run(name, area.completed)
        area.drop_run(name)
    site.build()
    summary = apply(site, day(90), allow_drop=True)
    assert [one.reason for one in summary.rows] == [""]
    assert [name[-1] for name in runs_in(area.completed)] == ["w01"]
    assert area.execute("SELECT birth_runname FROM mtsite_moves", (), area.completed) == [("w01",)]
    whole(site)


def test_rows_leave_the_satellite_where_they_lie(tmp_path: Path) -> None:
    area = make_area(tmp_path, runs=[spec(number) for number in range(6)])
    old = make_area(tmp_path, "old")
    (tmp_path / "home").mkdir()
    site = make_site(tmp_path / "home", area, old)
    settings = '[retain]\nlogs = "30d"\npages = "60d"\nrows = "90d"\n[build]\nengine = "inprocess"'
    site.write_config({area.name: area.path, old.name: old.path}, settings)
    for name in ("w00", "w01", "w02"):
        area.copy_run(name, old.database)
        area.mark_moved(name, "old")
    site.build()
    assert [o.reason for o in apply(site, day(90), allow_drop=True).rows] == [""]
    assert [name[-1] for name in runs_in(old.database)] == ["w01", "w02"]
    assert "its rows ended" in text(site, f"{w(0)}/index.html").lower()
    whole(site)


def test_rows_of_caches_in_tmp_go_first(site: TestSite, area: TestArea, tmp_path: Path) -> None:
    caches = make_caches(area, tmp_path / "tmp")
    steps: list[str] = []
    job = RowsJob(site.config(), day(90), environ={}, tmp=tmp_path / "tmp", checkpoint=steps.append)
    (outcome,) = let_go_rows(job, [RunKey("fullrun", ("ubuntu", "nfs"), "w00")])
    assert outcome.reason == ""
    for database in (*caches, area.database):
        assert len(runs_in(database)) == 5


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ("UPDATE runs SET state = 'locked' WHERE runname = 'w00'", "locked in Megatest"),
        ("UPDATE tests SET state = 'RUNNING', event_time = {now}", "in flight"),
    ],
)
def test_the_rows_themselves_are_asked_again(
    site: TestSite, area: TestArea, change: str, told: str
) -> None:
    area.execute(change.format(now=day(90)))
    (outcome,) = apply(site, day(90), allow_drop=True).rows
    assert told in outcome.reason
    assert len(runs_in(area.database)) == 6


def test_the_run_with_the_highest_rowid_stays(site: TestSite, area: TestArea) -> None:
    job = RowsJob(site.config(), day(400), environ={})
    (outcome,) = let_go_rows(job, [RunKey("fullrun", ("ubuntu", "nfs"), "w05")])
    assert "highest" in outcome.reason
    assert len(runs_in(area.database)) == 6


def test_a_hold_that_came_after_the_plan_keeps_the_rows(site: TestSite, area: TestArea) -> None:
    (site.root / "holds.toml").write_text(f'[[hold]]\nrun = "{w(0)}"\nwhy = "release"\n')
    job = RowsJob(site.config(), day(90), environ={})
    (outcome,) = let_go_rows(job, [RunKey("fullrun", ("ubuntu", "nfs"), "w00")])
    assert "held: release" in outcome.reason
    assert ("ubuntu", "nfs", "w00") in runs_in(area.database)


def test_rows_that_change_meanwhile_stay_and_are_listed(site: TestSite, area: TestArea) -> None:
    def late(step: str) -> None:
        if step == "exported":
            area.change_status("w00", "compile", "PASS")

    job = RowsJob(site.config(), day(90), environ={}, checkpoint=late)
    (outcome,) = let_go_rows(job, [RunKey("fullrun", ("ubuntu", "nfs"), "w00")])
    assert "1 of tests" in outcome.reason
    assert ("ubuntu", "nfs", "w00") in runs_in(area.database)


def test_an_area_that_is_being_moved_is_left_alone(site: TestSite, area: TestArea) -> None:
    with lock.hold(area.path, rows.AREA_LOCK, "mtsite reduce"):
        (outcome,) = apply(site, day(90), allow_drop=True).rows
    assert "mtsite reduce" in outcome.reason
    assert len(runs_in(area.database)) == 6


class Died(Exception):
    """As a death at a checkpoint."""


@pytest.mark.parametrize("told", [True, False], ids=["satellite of the site", "unknown satellite"])
@pytest.mark.parametrize("where", ["copied", "verified", "letting go", "let go: tests", "settled"])
def test_a_run_whose_move_was_begun_stays_until_it_is_finished(
    tmp_path: Path, where: str, told: bool
) -> None:
    """Who finishes the move would bring back what was let go."""
    area = make_area(tmp_path, runs=[spec(number) for number in range(6)])
    old = make_area(tmp_path, "old", config="[setup]\nallow-runs no\n")
    site = make_site(tmp_path, area)
    listed = {area.name: area.path} | ({old.name: old.path} if told else {})
    site.write_config(listed, '[retain]\nlogs = "90d"\npages = "90d"\nrows = "90d"\n')

    def die(step: str) -> None:
        if step.startswith(where):
            raise Died

    chosen = [Migration(str(old.path), Selection(runname="w00"))]
    job = Job(site.config().areas, ReduceConfig(keep_live=0), day(90), tmp_path / "state")
    with pytest.raises(Died):
        migrate_area(area.settings, chosen, replace(job, checkpoint=die))
    before = [runs_in(database) for database in (area.database, old.database)]
    terms = RowsJob(site.config(), day(90), environ={})
    key = RunKey("fullrun", ("ubuntu", "nfs"), "w00")
    if where != "settled":
        (outcome,) = let_go_rows(terms, [key])
        assert any(word in outcome.reason for word in ("two databases", "begun", "not finished"))
        assert [runs_in(database) for database in (area.database, old.database)] == before
        migrate_area(area.settings, chosen, job)
    assert ("ubuntu", "nfs", "w00") in runs_in(old.database)
    (outcome,) = let_go_rows(terms, [key])
    assert outcome.reason == ("" if told else "its rows went to another area")
    assert (runs_in(old.database) == {}) == told


def test_a_run_that_came_back_lies_twice_and_stays(site: TestSite, area: TestArea) -> None:
    saved = area.database.read_bytes()
    job = Job({}, ReduceConfig(keep_live=0), day(90), site.root / "state", environ={})
    reduce_area(area.settings, job)
    area.database.write_bytes(saved)
    key = RunKey("fullrun", ("ubuntu", "nfs"), "w00")
    (outcome,) = let_go_rows(RowsJob(site.config(), day(90), environ={}), [key])
    assert "in two databases" in outcome.reason
    assert ("ubuntu", "nfs", "w00") in runs_in(area.completed)
