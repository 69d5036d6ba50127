"""On what terms retention is applied: refused, dry, twice, dying in the middle, as a command."""

import json
import shutil
from pathlib import Path

import pytest
from archive.retaining import apply, blobs, day, exported_rows, retain_for, text, w, whole
from archive.retaining import area as area
from archive.retaining import both as both
from archive.retaining import once as once
from archive.retaining import site as site
from areas import TestArea
from calling import called
from crawl import crawl, pages
from rows import runs_in
from sites import TestSite

from mtsite import departures, lock, record
from mtsite.archive import pending, retain
from mtsite.errors import BusyError, MtsiteError, UsageError
from mtsite.model import RunKey


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
    (file,) = [*(site.root / "exports").glob("*.jsonl.gz")] or [None]
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
