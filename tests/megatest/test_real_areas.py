"""Areas of Megatest's own as whole areas: fields, linktree, tests, items, waitons, or why not."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from calling import called

from mtsite.megatest import schema

CONFIGS = Path(__file__).resolve().parents[1] / "data" / "megatest-configs"
AREAS = sorted(path.parent.relative_to(CONFIGS) for path in CONFIGS.rglob("megatest.config"))


class Shown:
    """`mtsite area show --json` and its kin on a copy of one area."""

    def __init__(self, home: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.home = home
        self.capsys = capsys

    def use(self, area: str, settings: str = "") -> Path:
        shutil.copytree(CONFIGS, self.home / "c", dirs_exist_ok=True)
        path = self.home / "c" / area
        (self.home / "mtsite.toml").write_text(f'[areas.x]\npath = "{path}"\n{settings}')
        return path

    def __call__(self, *words: str) -> dict[str, Any]:
        ended = called([*words, "--json"], self.capsys)
        assert ended.code == 0, ended.err
        found: dict[str, Any] = json.loads(ended.out)
        return found


@pytest.fixture
def show(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Shown:
    monkeypatch.chdir(tmp_path)
    for name in ("USER", "MT_LINKTREE", "DEPS", "NUMTESTS", "testsuite_mode"):
        monkeypatch.delenv(name, raising=False)
    return Shown(tmp_path, capsys)


def by_test(found: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {one["name"]: one for one in found["tests"]}


def test_all_areas_of_the_corpus_are_tried() -> None:
    assert len(AREAS) == 16


@pytest.mark.parametrize("area", AREAS, ids=str)
def test_every_area_is_told_with_and_without_a_database(show: Shown, area: Path) -> None:
    path = show.use(str(area))
    bare = show("area", "show", "x")
    assert bare["generation"] == "no database yet"
    assert bare["linktree"]
    assert bare["keys"] or any("no [fields]" in problem for problem in bare["problems"])
    assert set(by_test(bare)) == {each.parent.name for each in path.glob("tests/*/testconfig")}
    for one in bare["tests"]:
        assert one["item_count"] is not None or any("[items" in p for p in one["problems"])
    if bare["keys"]:
        schema.create_database(path / "megatest.db", [(name, "TEXT") for name in bare["keys"]])
        whole = show("area", "show", "x")
        assert whole["generation"].startswith("G4")
        assert (whole["keys"], whole["tests"]) == (bare["keys"], bare["tests"])


def test_fullrun_as_a_whole(show: Shown) -> None:
    path = show.use("qa/fullrun")
    found = show("area", "show", "x")
    tests = by_test(found)
    assert found["keys"] == ["sysname", "fsname", "datapath"]
    assert found["linktree"] == f"{path}/tmp/mt_links"
    assert len(tests) == 27
    assert tests["runfirst"]["items"] == ["summer", "winter", "fall", "spring", "a/1", "b/2"]
    assert tests["blocktestxz"]["item_count"] == 28
    assert tests["blocktestxz"]["items"][2] == "UNKNOWN/STUCK/DEAD"
    assert tests["wait_no_items2"]["waiton"] == ["wait_no_items1"]
    assert tests["no_items"]["item_count"] == 0
    assert tests["test_mt_vars"]["item_count"] is None
    assert tests["test_mt_vars"]["problems"] == [
        f"{path}/tests/test_mt_vars/testconfig:36: [items] NUMNUM is computed by a command"
        ' (system); add tests.test_mt_vars.items.NUMNUM = "…" below [areas.x] in mtsite.toml'
    ]
    assert tests["dynamic_waiton"]["waiton"] is None
    (unknown,) = tests["dynamic_waiton"]["problems"]
    assert "dynamic_waiton/testconfig:5: [requirements] waiton is computed" in unknown
    (roots,) = [problem for problem in found["problems"] if "[tests-paths]" in problem]
    assert f"{path}/megatest.config:24: " in roots
    assert 'values.tests-paths.1 = "…"' in roots


def test_values_that_are_given_make_fullrun_whole(show: Shown) -> None:
    path = show.use(
        "qa/fullrun",
        'values.misc.parent = "../../ours/simplerun"\n'
        'values.tests-paths.1 = "../mintest/tests"\n'
        'tests.test_mt_vars.items.NUMNUM = "4 5"\n',
    )
    found = show("area", "show", "x")
    tests = by_test(found)
    assert not [problem for problem in found["problems"] if "[tests-paths]" in problem]
    assert tests["d1fail"]["path"] == f"{path}/../mintest/tests/d1fail/testconfig"
    assert not [p for p in tests["test_mt_vars"]["problems"] if "NUMNUM" in p]


def test_a_missing_include_says_why_there_are_no_keys(show: Shown) -> None:
    path = show.use("qa/fdktestqa/testqa")
    problems = show("area", "show", "x")["problems"]
    assert problems == [
        f"{path}/megatest.config:13: includes {path}/../fdk.config, which isn't there",
        f"{path}/megatest.config: no [fields], so no keys",
    ]


def test_a_target_tells_what_hangs_on_its_keys(show: Shown) -> None:
    show.use("qa")
    without = by_test(show("area", "show", "x"))["ro_test"]
    assert without["items"] == []
    assert "needs the variable testsuite_mode of the environment" in without["problems"][0]
    told = by_test(show("area", "show", "x", "--target", "v1.65/15/dev"))["ro_test"]
    assert told["problems"] == []


def test_a_waiton_that_hangs_on_a_key_asks_for_the_target(show: Shown) -> None:
    path = show.use("qa/dep-tests")
    genlib = by_test(show("area", "show", "x"))["genlib"]
    assert genlib["items"] == ["layout", "schematic"]
    assert genlib["problems"] == [
        f"{path}/tests/genlib/testconfig:1: includes {path}/common.testconfig, which isn't there",
        f"{path}/tests/genlib/testconfig:7: [requirements] waiton needs the variable DEPS of the"
        " environment; it is a key: ask with --target",
    ]


def test_commands_run_only_where_the_area_allows_it(show: Shown) -> None:
    path = show.use("qa/dep-tests", "run_configured_commands = true\n")
    assert show("area", "show", "x")["linktree"] == f"{path.parent}/dep_links"


def test_the_list_for_people_has_one_line_per_test(
    show: Shown, capsys: pytest.CaptureFixture[str]
) -> None:
    show.use("qa/fullrun")
    lines = called(["area", "show", "x"], capsys).out.splitlines()
    assert any(line.split()[:4] == ["runfirst", "bob", "6", "summer"] for line in lines)
    assert any(line.split()[:4] == ["test_mt_vars", "bob", "runfirst", "?"] for line in lines)
    assert any("add tests.test_mt_vars.items.NUMNUM" in line for line in lines)


# -- where each value comes from -------------------------------------------------------------------


def origins(show: Shown, *words: str) -> dict[str, dict[str, Any]]:
    found = show("config", "show", "--origin", "--area", "x", *words)
    return {row["key"]: row for row in found["settings"]}


def test_each_value_names_file_and_line_through_includes(show: Shown) -> None:
    path = show.use("qa/fullrun", 'values.misc.home = "/h"\n')
    rows = origins(show)
    assert rows["setup.linktree"]["origin"] == f"{path}/configs/mt_include_1.config:5"
    assert rows["disks.disk0"]["origin"] == f"{path}/configs/mt_include_2.config:2"
    assert len(rows["disks.disk0"]["replaced"]) == 1
    assert rows["misc.home"] == {
        "key": "misc.home",
        "value": '"/h"',
        "origin": f"{show.home}/mtsite.toml:3",
    }
    assert rows["misc.testsuite"]["unknown"] == "is computed by a command (shell)"
    for row in rows.values():
        file, _, line = row["origin"].rpartition(":")
        key = row["key"].rpartition(".")[2].strip('"')
        assert key in Path(file).read_text().split("\n")[int(line) - 1]


def test_runconfigs_are_shown_for_their_target(show: Shown) -> None:
    path = show.use("qa/fullrun")
    rows = origins(show, "--target", "ubuntu/nfs/none")
    assert rows["default.TESTSTORUN"]["origin"] == f"{path}/nfs.config:1"
    assert '"ubuntu/nfs/none".SOMEVAR2' in rows
    assert not any(key.startswith("default/") for key in rows)


def test_a_testconfig_is_shown_by_its_name(show: Shown, capsys: pytest.CaptureFixture[str]) -> None:
    path = show.use("qa/fullrun", 'tests.runfirst.items.SEASON = "x"\n')
    rows = origins(show, "--test", "runfirst")
    assert rows["items.SEASON"]["origin"] == f"{show.home}/mtsite.toml:3"
    assert rows["itemstable.TOCK"]["origin"] == f"{path}/tests/runfirst/testconfig:15"
    ended = called(["config", "show", "--area", "x", "--test", "nobody"], capsys)
    assert ended.code == 10
    assert "has no test nobody" in ended.err


def test_each_given_value_of_mtsite_toml_has_its_own_line(show: Shown) -> None:
    show.use("qa/fullrun", 'values.a.b = "1"\n[areas.x.tests.t]\nitems."C d" = "2"\n')
    rows = {row["key"]: row for row in show("config", "show")["settings"]}
    assert rows["areas.x.values.a.b"]["origin"] == f"{show.home}/mtsite.toml:3"
    assert rows['areas.x.tests.t.items."C d"']["origin"] == f"{show.home}/mtsite.toml:5"
