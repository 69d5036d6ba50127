"""Retention applied: what ends, what stays at its address, and that dying loses nothing."""

import gzip
import hashlib
import json
import shutil
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from areas import BASE, DAY, TestArea, datum, make_area, run, step, test
from calling import called
from crawl import crawl, pages
from rows import make_caches, runs_in
from sites import TestSite, difference, make_site

from mtsite import departures, lock, record
from mtsite.archive import pending, retain, rows
from mtsite.archive.job import Job
from mtsite.archive.migrate import migrate_area
from mtsite.archive.records import Who
from mtsite.archive.reduce import reduce_area
from mtsite.archive.rows import RowsJob, let_go_rows
from mtsite.archive.rules import Migration
from mtsite.config import ReduceConfig
from mtsite.departures import RetainSummary, RetainTerms, apply_retention
from mtsite.errors import BusyError, MtsiteError, UsageError
from mtsite.megatest.selection import Selection
from mtsite.model import RunKey
from mtsite.terminal import TerminalReport

LOG = "make[1]: error: no rule to make target `x' of {}\n"


def spec(number: int, **columns: object):
    tests = [
        test("compile", status="FAIL", log=LOG.format(number), steps=[step("build", log="same\n")]),
        test("regress", items=["fast", "slow/big"], data=[datum("c", "v", value=1.5, tol=">")]),
    ]
    return run("ubuntu/nfs", f"w{number:02}", tests=tests, **columns)


@pytest.fixture
def area(tmp_path: Path) -> TestArea:
    return make_area(tmp_path, runs=[spec(number) for number in range(6)])


@pytest.fixture
def site(tmp_path: Path, area: TestArea) -> TestSite:
    """A built site of six runs, a day apart; none of them is good."""
    made = make_site(tmp_path, area)
    retain_for(made, area, 'logs = "30d"\npages = "60d"\nrows = "90d"')
    made.build()
    return made


def retain_for(site: TestSite, area: TestArea, settings: str) -> None:
    site.write_config(
        {area.name: area.path}, f'[retain]\n{settings}\n[build]\nengine = "inprocess"\n'
    )


def day(number: float) -> int:
    """So many days after the first run."""
    return int(BASE + 3600 + number * DAY)


Apply = Callable[..., RetainSummary]


def apply(site: TestSite, now: int, **terms: bool) -> RetainSummary:
    who = Who("matt", now, "mtsite retain apply")
    return apply_retention(site.config(), RetainTerms(who, **terms), TerminalReport(verbosity=-1))


def w(number: int) -> str:
    return f"fullrun/ubuntu/nfs/w{number:02}"


def text(site: TestSite, path: str) -> str:
    return (site.tree / path).read_text(encoding="utf-8")


def blobs(site: TestSite) -> set[str]:
    found = (site.tree / "_blobs").glob("??/*")
    return {path.relative_to(site.tree).as_posix() for path in found}


def whole(site: TestSite) -> None:
    """No dead link from any page, and the tree is the one that a clean build makes."""
    assert crawl(site.tree, pages(site.tree)).dead == []
    clean = site.build_clean(site.root / "clean")
    assert difference(site.tree, clean) == []
    shutil.rmtree(clean.parent)


# -- logs -----------------------------------------------------------------------------------------


def test_logs_end_and_what_was_found_in_them_stays(site: TestSite) -> None:
    before = blobs(site)
    summary = apply(site, day(30))
    assert [one.run.key.runname for one in summary.ended] == ["w00"]
    assert len(before) - len(blobs(site)) == len(summary.blobs) == 1
    page = text(site, f"{w(0)}/compile/index.html")
    assert "no rule to make target" in page
    assert "let go on 2023-12-14: [retain] logs = 30d" in page
    whole(site)


def test_history_and_grids_survive_the_end_of_logs(site: TestSite) -> None:
    target = site.tree / "fullrun/ubuntu/nfs"
    paths = ("_tests/compile/index.html", "_runs/grid-30.html", "_runs/grid.js", "_runs/grid.csv")
    before = [(target / path).read_bytes() for path in paths]
    cells = (target / "_runs/cells.js").read_text()
    apply(site, day(30))
    site.build()
    assert [(target / path).read_bytes() for path in paths] == before
    left = (target / "_runs/cells.js").read_text()
    assert "no rule to make target" in left
    assert cells.count("final.log") - left.count("final.log") <= 1
    whole(site)


def test_a_log_that_ended_answers_at_its_address(site: TestSite) -> None:
    apply(site, day(30))
    page = text(site, f"{w(0)}/compile/_log/final.log.html")
    assert "[retain] logs = 30d" in page
    assert "no rule to make target" in page


def test_a_blob_that_another_run_names_stays(site: TestSite) -> None:
    shared = {blob for blob in blobs(site) if (site.tree / blob).read_text() == "same\n"}
    apply(site, day(30))
    assert shared
    assert shared <= blobs(site)


def test_a_log_that_ended_is_not_taken_again(site: TestSite, tmp_path: Path) -> None:
    apply(site, day(30))
    kept = blobs(site)
    site.build(full=True)
    assert blobs(site) == kept
    shutil.rmtree(site.state)
    site.build()
    assert blobs(site) == kept
    whole(site)


def test_a_held_run_keeps_its_logs(site: TestSite) -> None:
    (site.root / "holds.toml").write_text(f'[[hold]]\nrun = "{w(0)}"\nwhy = "release"\n')
    assert apply(site, day(30)).ended == []


# -- pages ----------------------------------------------------------------------------------------


def test_pages_end_and_each_address_says_what_remains(site: TestSite) -> None:
    apply(site, day(60), allow_drop=True)
    page = text(site, f"{w(0)}/index.html")
    assert "Its pages ended on 2024-01-13: [retain] pages = 60d" in page
    assert "compile" in page
    for below in ("compile/index.html", "regress/fast/index.html", "compile/_log/final.log.html"):
        assert "gone" in text(site, f"{w(0)}/{below}")
    whole(site)


def test_the_run_before_one_that_ended_no_longer_leads_there(site: TestSite) -> None:
    (site.root / "holds.toml").write_text(f'[[hold]]\nrun = "{w(0)}"\nwhy = "release"\n')
    apply(site, day(61), allow_drop=True)
    assert "w01" not in text(site, f"{w(0)}/index.html")
    whole(site)


def test_pages_stay_ended_while_the_rows_are_there(site: TestSite, area: TestArea) -> None:
    apply(site, day(60), allow_drop=True)
    before = text(site, f"{w(0)}/index.html")
    assert len(runs_in(area.database)) == 6
    for again in (lambda: site.build(), lambda: site.build(full=True)):
        again()
        assert text(site, f"{w(0)}/index.html") == before


def test_what_ended_is_remembered_when_the_state_is_lost(site: TestSite) -> None:
    apply(site, day(60), allow_drop=True)
    before = text(site, f"{w(0)}/index.html")
    shutil.rmtree(site.state)
    site.build()
    assert text(site, f"{w(0)}/index.html") == before
    whole(site)


def test_the_history_of_a_test_outlives_its_runs(site: TestSite) -> None:
    path = "fullrun/ubuntu/nfs/_tests/compile/index.html"
    before = text(site, path)
    apply(site, day(60), allow_drop=True)
    assert text(site, path) == before


def test_a_new_run_under_an_old_name_is_shown(site: TestSite, area: TestArea) -> None:
    apply(site, day(60), allow_drop=True)
    area.drop_run("w00")
    area.add_run(spec(0, event_time=BASE + 50 * DAY))
    site.build()
    assert "[retain]" not in text(site, f"{w(0)}/index.html")
    assert (site.tree / w(0) / "compile/_log/final.log.html").exists()
    whole(site)


# -- rows -----------------------------------------------------------------------------------------


def exported_rows(path: Path) -> dict[str, Counter[object]]:
    """Run → its rows, as the file has them: read with nothing but the standard library."""
    found: dict[str, Counter[object]] = {}
    name = ""
    for line in gzip.decompress(path.read_bytes()).splitlines():
        told = json.loads(line)
        if isinstance(told, dict) and "run" in told:
            name = told["run"][2]
            found[name] = Counter()
        elif isinstance(told, list):
            found[name][json.dumps(told)] += 1
    return found


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


# -- refusals, dying ------------------------------------------------------------------------------


def test_an_empty_policy_is_refused(site: TestSite, area: TestArea) -> None:
    retain_for(site, area, "keep_last = 3")
    with pytest.raises(UsageError, match="ends nothing"):
        apply(site, day(90))


def test_more_than_a_fifth_at_once_is_refused(site: TestSite) -> None:
    before = blobs(site)
    with pytest.raises(MtsiteError) as caught:
        apply(site, day(90))
    assert "the logs of 5 of 6 runs" in caught.value.message
    assert "--allow-drop" in caught.value.hint
    assert blobs(site) == before


def test_a_dry_run_changes_nothing(site: TestSite, area: TestArea) -> None:
    before, had = blobs(site), runs_in(area.database)
    summary = apply(site, day(90), allow_drop=True, dry_run=True)
    assert len(summary.plan.leaving) == 5
    assert (blobs(site), runs_in(area.database)) == (before, had)
    assert site.build().written == 0


def test_a_second_call_has_nothing_to_do(site: TestSite) -> None:
    apply(site, day(90), allow_drop=True)
    again = apply(site, day(90))
    assert (again.ended, again.rows, again.blobs) == ([], [], [])


def test_who_and_when_stand_in_the_record_and_the_journal(site: TestSite) -> None:
    apply(site, day(30))
    kept = record.load(site.tree, RunKey("fullrun", ("ubuntu", "nfs"), "w00"))
    assert kept is not None
    assert kept.summary is not None
    assert [(one.what, one.who, one.when) for one in kept.summary.let_go] == [
        ("logs", "matt", day(30))
    ]
    (line,) = (site.state / "let-go.jsonl").read_text().splitlines()
    told = json.loads(line)
    assert (told["who"], told["run"], told["what"]) == ("matt", w(0), ["logs"])


class Killed(Exception):
    """Stands for a death of the process."""


STEPS = {
    "before the records": (retain, "save"),
    "before the rows": (departures, "let_go_rows"),
    "before the records of the rows": (departures, "end_rows_in_records"),
    "before the pages": (departures, "rebuild"),
    "before the blobs": (pending, "named_blobs"),
}


@pytest.mark.parametrize("step_name", STEPS)
def test_dying_between_two_steps_leaves_no_hole_and_is_finished_by_the_next_call(
    site: TestSite, area: TestArea, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step_name: str
) -> None:
    other = tmp_path / "other"
    shutil.copytree(site.tree, other / "site")
    shutil.copytree(site.state, other / ".mtsite")
    before = runs_in(area.database)

    def die(*_: object, **__: object) -> None:
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr(*STEPS[step_name], die)
        with pytest.raises(Killed):
            apply(site, day(90), allow_drop=True)
    assert crawl(site.tree, pages(site.tree)).dead == []
    (file,) = [*(tmp_path / "exports").glob("*.jsonl.gz")] or [None]
    saved = exported_rows(file).keys() if file else set()
    assert {name[-1] for name in before} == {n[-1] for n in runs_in(area.database)} | saved
    apply(site, day(90), allow_drop=True)
    assert len(runs_in(area.database)) == 5
    assert "exported to fullrun-" in text(site, f"{w(0)}/index.html")
    assert len(blobs(site)) == 2
    whole(site)


def test_a_build_that_goes_on_is_not_disturbed(site: TestSite) -> None:
    with lock.hold(site.state, "build", "mtsite build"), pytest.raises(BusyError):
        apply(site, day(30))


def test_in_the_night_the_blobs_go_once_their_pages_are_made(site: TestSite) -> None:
    before = blobs(site)
    assert apply(site, day(30), render=False).blobs == []
    assert blobs(site) == before
    site.build()
    assert len(apply(site, day(30), render=False).blobs) == 1


# -- the command ----------------------------------------------------------------------------------


def test_the_plan_names_every_run_and_its_rule(
    site: TestSite, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(site.root)
    document = json.loads(called(["retain", "plan", "--json"], capsys).out)
    assert len(document["runs"]) == 6
    assert {one["rule"] for one in document["runs"]} == {"rows", "last"}


def test_apply_does_what_the_plan_said(
    site: TestSite,
    area: TestArea,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(site.root)
    assert called(["retain", "apply"], capsys).code == 1
    plan = json.loads(called(["retain", "apply", "-n", "--allow-drop", "--json"], capsys).out)
    done = json.loads(called(["retain", "apply", "--allow-drop", "--json"], capsys).out)
    assert done["runs"] == plan["runs"]
    assert done["ended"] == [one["run"] for one in plan["runs"] if one["ends"]]
    assert [name[-1] for name in runs_in(area.database)] == ["w05"]
