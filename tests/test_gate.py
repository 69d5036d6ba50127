"""The gate rehearses a night on a copy of a dataset, and says what would have gone wrong."""

import json
import shutil
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from areas import TestArea, datum, make_area, run, step, test
from calling import called
from jsonschema import Draft202012Validator

from mtsite import gate
from mtsite.build.site import BuildSummary, build_site
from mtsite.config import Config
from mtsite.engines.inprocess import InProcess
from mtsite.errors import UsageError
from mtsite.gate import DatasetVerdict, rehearse
from mtsite.gatecopy import STEPS, copy_dataset, copy_with_includes, find_datasets
from mtsite.gatewords import HELP, TEXTS
from mtsite.megatest.area import open_area
from mtsite.megatest.union import union_of

ROOT = Path(__file__).parents[1]


def silent(what: str, done: int, total: int) -> None:
    """A report that nobody reads."""


def make_dataset(root: Path, limits: str = "", **area: object) -> TestArea:
    """A dataset with three runs, one of them failed; its linktree lies in it."""
    tests = [
        test("a", log="fine\n", steps=[step("s", log="x\n")], data=[datum("c", "v", value=1)]),
        test("b", status="FAIL", log="ERROR: no\n", items=["one", "two"]),
    ]
    runs = [run("u/v", f"w{number}", tests) for number in range(3)]
    made = make_area(root, runs=area.pop("runs", runs), **area)
    linktree = made.linktree.relative_to(root)
    text = f'area = "{made.path.relative_to(root)}"\nlinktree = "{linktree}"\n{limits}'
    (root / "dataset.toml").write_text(text)
    return made


def verdict_of(root: Path) -> DatasetVerdict:
    (dataset,) = find_datasets(root)
    return rehearse(dataset, InProcess(1), silent)


def texts(verdict: DatasetVerdict) -> list[str]:
    return [one.text for one in verdict.messages]


def contents(root: Path) -> Mapping[str, bytes]:
    files = (path for path in root.rglob("*") if path.is_file())
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in files}


def test_a_sound_dataset_succeeds_and_is_only_read(tmp_path: Path) -> None:
    make_dataset(tmp_path)
    before = contents(tmp_path)
    verdict = verdict_of(tmp_path)
    assert (verdict.result, verdict.runs) == ("SUCCESS", 3)
    assert [one.name for one in verdict.steps] == list(STEPS)
    assert [one.counts.get("moved") for one in verdict.steps[:3]] == [2, 2, 2]
    assert contents(tmp_path) == before


def test_run_directories_outside_of_the_dataset_are_not_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    area = make_dataset(tmp_path / "set")
    up = "../" * 30
    with closing(sqlite3.connect(area.live)) as connection:
        for number, way in enumerate(("/", f"/{up}", up)):
            elsewhere = tmp_path / f"proj/u/v/w{number}/a"
            elsewhere.mkdir(parents=True)
            (elsewhere / "stray.log").write_text("not of the dataset\n")
            connection.execute(
                "UPDATE tests SET rundir = ?1, shortdir = ?1 WHERE testname = 'a'"
                " AND run_id = (SELECT id FROM runs WHERE runname = ?2)",
                [f"{way}{str(elsewhere)[1:]}", f"w{number}"],
            )
        connection.commit()
    pages = {}

    def look(config: Config, *given: Any, **more: Any) -> BuildSummary:
        done = build_site(config, *given, **more)
        pages.update(contents(config.site.output))
        return done

    monkeypatch.setattr(gate, "build_site", look)
    assert verdict_of(tmp_path / "set").result == "SUCCESS"
    assert any(b"fine" in content for content in pages.values())
    assert not any(b"not of the dataset" in content for content in pages.values())


def test_no_place_that_the_configuration_names_lies_outside_of_the_copy(tmp_path: Path) -> None:
    (tmp_path / "real/b").mkdir(parents=True)
    here = f"{tmp_path}/real"
    config = f"[setup]\ndbdir {here}\n[disks]\nd1 {here}\n[tests-paths]\n1 {here}\n2 own\n"
    area = make_dataset(tmp_path / "set", config=config)
    (area.path / "own").mkdir()
    shutil.copy(area.database, tmp_path / "real/main.db")
    (dataset,) = find_datasets(tmp_path / "set")
    copy = copy_dataset(dataset, tmp_path / "copy")
    found = open_area(gate._settings(copy), {})
    assert found.layout.main is None
    places = [*found.disks, *found.place.tests, found.dbdir]
    assert copy.area / "own" in places
    assert all(place and place.is_relative_to(copy.path) for place in places)


INCLUDED = {
    "beside the dataset": ("../../common.config", "common.config"),
    "beside what it lies in": (
        "../../../common/site/common.config",
        "../common/site/common.config",
    ),
    "of a file there": ("../../one/more.config", "common.config"),
    "by way of a link": ("conf/../common.config", "set/deep/common.config"),
    "in a directory that is one": ("conf/common.config", "set/deep/conf/common.config"),
    "by the area's own name": ("#{getenv MT_RUN_AREA_HOME}/../../common.config", "common.config"),
}


@pytest.mark.parametrize("which", INCLUDED)
def test_all_that_the_original_includes_counts_in_the_copy(tmp_path: Path, which: str) -> None:
    include, lies = INCLUDED[which]
    home = tmp_path / "home/sets"
    area = make_dataset(home / "set", config=f"[setup]\nnothing 1\n[include {include}]\n")
    (home / "set/deep/conf").mkdir(parents=True)
    (area.path / "conf").symlink_to(home / "set/deep/conf")
    (home / "one").mkdir()
    # Relative to this file, wherever it is read from.
    (home / "one/more.config").write_text("[include ../common.config]\n")
    (home / lies).parent.mkdir(parents=True, exist_ok=True)
    (home / lies).write_text("[setup]\nmarker told\n")
    (dataset,) = find_datasets(home / "set")
    copy = copy_with_includes(dataset, tmp_path)
    config = open_area(gate._settings(copy), {}).config
    assert config.get("setup", "marker") == "told"


def test_only_what_is_included_lies_beside_the_copy(tmp_path: Path) -> None:
    make_dataset(tmp_path / "home/set", config="[include ../../a.config]\n[include ../../no]\n")
    for name in ("a.config", "b.config"):
        (tmp_path / "home" / name).write_text("[setup]\nx y\n")
    (dataset,) = find_datasets(tmp_path / "home/set")
    copy = copy_with_includes(dataset, tmp_path / "scratch")
    assert sorted(path.name for path in copy.path.parent.iterdir()) == ["a.config", "set"]
    assert verdict_of(tmp_path / "home/set").result == "SUCCESS"


def test_a_step_over_its_limit_took_too_long(tmp_path: Path) -> None:
    make_dataset(tmp_path, '[limits]\nbuild = "0s"\ncheck = "1h"\ndefault = "2h"\n')
    verdict = verdict_of(tmp_path)
    assert texts(verdict) == ["WARNING - Migration build took too long"]
    assert [one.limit for one in verdict.steps] == [7200, 7200, 7200, 0, 3600]


def test_rules_of_the_dataset_lead_to_scratch_areas_and_not_to_real_ones(tmp_path: Path) -> None:
    area = make_dataset(tmp_path / "sets" / "one")
    config = area.path / "megatest.config"
    elsewhere = tmp_path / "elsewhere"
    rules = f"\n[areas]\nold path={elsewhere}\n[automigrate]\nold target=%/%; runname=w0; age=1d\n"
    config.write_text(config.read_text() + rules)
    verdict = verdict_of(tmp_path / "sets")
    assert verdict.result == "SUCCESS"
    assert verdict.steps[1].counts["moved"] == 1
    assert not elsewhere.exists()


# -- what is wrong with a dataset


def test_an_area_without_a_database_has_no_seed(tmp_path: Path) -> None:
    make_dataset(tmp_path).live.unlink()
    assert texts(verdict_of(tmp_path)) == ["FAILURE - Could not find seed database."]


def test_a_broken_database_can_not_be_set_up(tmp_path: Path) -> None:
    make_dataset(tmp_path).live.write_bytes(b"no database at all" * 100)
    assert texts(verdict_of(tmp_path)) == ["FAILURE - Could not setup seed database."]


def test_a_broken_dataset_toml_is_told_with_its_line(tmp_path: Path) -> None:
    make_dataset(tmp_path, '[limits]\nreduse = "1s"\n')
    verdict = verdict_of(tmp_path)
    assert texts(verdict) == ["FAILURE - Could not setup seed database."]
    assert "reduse" in verdict.messages[0].detail


@pytest.mark.parametrize("name", ["fullrun_links/out", "fullrun/more.log"])
def test_a_link_out_of_the_dataset_is_refused(tmp_path: Path, name: str) -> None:
    root = tmp_path / "set"
    make_dataset(root)
    (root / name).symlink_to(tmp_path)
    verdict = verdict_of(root)
    assert texts(verdict) == ["FAILURE - Could not setup seed database."]
    assert "leads out of the dataset" in verdict.messages[0].detail


def test_an_area_outside_of_the_dataset_is_refused(tmp_path: Path) -> None:
    make_dataset(tmp_path / "set")
    (tmp_path / "set" / "dataset.toml").write_text('area = "../elsewhere"\n')
    assert "leads out of the dataset" in verdict_of(tmp_path / "set").messages[0].detail


def test_no_finished_run_means_nothing_was_rehearsed(tmp_path: Path) -> None:
    make_dataset(tmp_path, runs=[run("u/v", "w1", [test("t")])])
    assert texts(verdict_of(tmp_path)) == ["No migrations run"]


def test_a_row_that_changes_on_the_way_is_seen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_dataset(tmp_path)
    restore = gate.restore_area

    def spoil(settings, chosen, job):  # type: ignore[no-untyped-def]
        done = restore(settings, chosen, job)
        with closing(sqlite3.connect(settings.path / "megatest.db")) as connection, connection:
            connection.execute("DELETE FROM test_data WHERE rowid = 1")
        return done

    monkeypatch.setattr(gate, "restore_area", spoil)
    verdict = verdict_of(tmp_path)
    assert texts(verdict) == ["FAILURE - Final rows do not match expectation"]
    assert "1 run, the first u/v/w" in verdict.messages[0].detail


def test_a_missing_library_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make_dataset(tmp_path)

    def fail(*_: object, **__: object) -> None:
        raise ImportError("No module named 're2'")

    monkeypatch.setattr(gate, "build_site", fail)
    verdict = verdict_of(tmp_path)
    assert texts(verdict)[0] == "FAILURE - Could not import required module."


def test_a_copy_of_a_dataset_leads_nowhere_but_into_itself(tmp_path: Path) -> None:
    root = tmp_path / "set"
    area = make_dataset(root)
    (dataset,) = find_datasets(root)
    copy = copy_dataset(dataset, tmp_path / "copy")
    links = [path for path in (tmp_path / "copy").rglob("*") if path.is_symlink()]
    assert links
    assert all(path.resolve().is_relative_to(tmp_path / "copy") for path in links)
    assert union_of([copy.area / "megatest.db"]) == union_of([area.live])


# -- the command


def test_the_command_prints_verdicts_and_exits_20(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    make_dataset(tmp_path / "sets" / "bad").live.unlink()
    make_dataset(tmp_path / "sets" / "good")
    out = tmp_path / "out"
    ended = called(["gate", str(tmp_path / "sets"), "-o", str(out)], capsys)
    assert ended.code == 20
    assert ended.out.splitlines() == [
        "bad: FAILURE - Could not find seed database.",
        "good: SUCCESS",
    ]
    document = json.loads((out / "gate.json").read_bytes())
    schema = json.loads((ROOT / "docs/schemas/gate-1.json").read_bytes())
    assert list(Draft202012Validator(schema).iter_errors(document)) == []
    page = (out / "index.html").read_text()
    assert "1 of 2 datasets failed" in page
    assert "copy it, or correct `area`." in page
    assert (out / "_assets/v1/site.css").is_file()


@pytest.mark.parametrize("option", ["--scratch", "--output"])
def test_nothing_is_written_into_a_dataset(
    tmp_path: Path, option: str, capsys: pytest.CaptureFixture[str]
) -> None:
    make_dataset(tmp_path)
    before = contents(tmp_path)
    assert called(["gate", option, str(tmp_path), str(tmp_path)], capsys).code == 2
    assert contents(tmp_path) == before


def test_a_copy_of_a_dataset_into_itself_is_refused(tmp_path: Path) -> None:
    make_dataset(tmp_path)
    (dataset,) = find_datasets(tmp_path)
    with pytest.raises(UsageError):
        copy_dataset(dataset, tmp_path / "copy")
    assert not (tmp_path / "copy").exists()


def test_a_directory_without_datasets_is_missing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert called(["gate", str(tmp_path)], capsys).code == 10
    assert called(["gate", str(tmp_path / "nothing")], capsys).code == 10


def test_every_message_stands_with_its_help_in_the_docs() -> None:
    docs = (ROOT / "docs/gate.md").read_text(encoding="utf-8")
    assert HELP.keys() == TEXTS.keys()
    shown = [text.replace("{step}", "STEP") for text in TEXTS.values()]
    assert [text for text in (*shown, *HELP.values()) if text not in docs] == []
