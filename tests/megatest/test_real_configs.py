"""Real config files of Megatest areas: all are read, and the known values come out exactly."""

from pathlib import Path
from types import MappingProxyType

import pytest

from mtsite.megatest.configfile import ConfigFile, read_config

CONFIGS = Path(__file__).resolve().parents[1] / "data" / "megatest-configs"
ALL_FILES = sorted(
    path for path in CONFIGS.rglob("*") if path.is_file() and path.name != "README.md"
)
USER = MappingProxyType({"USER": "matt"})
FULLRUN = ("ubuntu", "nfs", "none")
FULLRUN_FIELDS = ("sysname", "fsname", "datapath")


def corpus(name: str, area: str, **how: object) -> ConfigFile:
    how = {"environ": USER, **how}
    return read_config(CONFIGS / name, area_path=CONFIGS / area, **how)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def fullrun() -> ConfigFile:
    return corpus("qa/fullrun/megatest.config", "qa/fullrun", target=FULLRUN)


def test_every_real_file_is_read_as_every_kind() -> None:
    assert len([path for path in ALL_FILES if "ours" not in path.parts]) >= 163
    for path in ALL_FILES:
        for kind in ("megatest", "runconfigs", "testconfig"):
            config = corpus(str(path), "qa", kind=kind, target=("a", "b", "c"))
            assert config.found
            assert not [p for p in config.problems if "scriptinc" not in p and "no [sec" not in p]


def test_fullrun_has_19_sections_and_merges_setup(fullrun: ConfigFile) -> None:
    assert len(fullrun.sections) == 19
    assert len(fullrun.sections["setup"]) == 20
    assert list(fullrun.sections["fields"]) == list(FULLRUN_FIELDS)


def test_an_include_that_repeats_a_disk_moves_it_to_the_end(fullrun: ConfigFile) -> None:
    assert list(fullrun.sections["disks"]) == ["disk1", "disk0"]
    places = fullrun.places("disks", "disk0")
    assert [path.name for path, _ in places] == ["megatest.config", "mt_include_2.config"]
    assert fullrun.where("disks", "disk0") == (places[1][0], 2)


def test_fullrun_environment_section(fullrun: ConfigFile) -> None:
    values = fullrun.sections["env-override"]
    assert len(values) == 18
    assert values["WRAPPEDVAR"] == "This var should have the work blah thrice: blah blah"
    assert values["EMPTY_VAR"] == ""
    assert values["ALL_TOPLEVEL_TESTS"].startswith("exit_0 exit_1  ez_exit2_fail  ez_fail        ")
    assert "\n" not in values["ALL_TOPLEVEL_TESTS"]
    assert values["ALL_TOPLEVEL_TESTS"].endswith(
        "test_mt_vars        ez_fail_quick        test1          test2"
    )
    assert "ez_fail ez_pass ezlog_fail ezlog" in fullrun.environment["ALL_TOPLEVEL_TESTS"]


def test_system_in_the_middle_of_a_value_is_text(fullrun: ConfigFile) -> None:
    assert (
        fullrun.get("env-override", "MYRUNNAME2") == "/this/is/[system echo $MT_RUNNAME]/my/runname"
    )
    assert not fullrun.is_unresolved("env-override", "MYRUNNAME2")
    assert fullrun.unresolved_form("env-override", "DEADVAR") == "system"
    assert fullrun.unresolved_form("env-override", "TESTVAR") == "system"
    assert fullrun.get("env-override", "DEADVAR") == "[system ls]"


def test_the_trim_setting_holds_from_its_line_on(fullrun: ConfigFile) -> None:
    assert fullrun.get("test", "VAL1") == "Foo"
    assert fullrun.get("test", "VAL2") == "==>FooBar<== no spaces between Foo and Bar to pass"


def test_dashboard_commands_are_plain_text(fullrun: ConfigFile) -> None:
    assert fullrun.get("dashboard", "pre-command") == 'xterm -geometry 180x20 -e "'
    expected = "|& tee results.log ;echo Press any key to continue;bash -c 'read -n 1 -s'\" &"
    assert fullrun.get("dashboard", "post-command") == expected


def test_jobtools_joins_and_merges(fullrun: ConfigFile) -> None:
    assert list(fullrun.sections["jobtools"]) == [
        "useshell",
        "maxload",
        "launcher",
        "flexi-launcher",
    ]
    assert fullrun.get("jobtools", "launcher") == "nbfake", "a case over the key datapath"
    assert fullrun.get("host-types", "alt") == "nbfake", "it is got from there"
    plain = corpus("main/tests/fullrun/megatest.config", "main/tests/fullrun")
    assert plain.get("jobtools", "launcher") == "nbfake", "without a target, the else of the case"


def test_fullrun_scheme_that_needs_no_interpreter(fullrun: ConfigFile) -> None:
    assert fullrun.get("env-override", "WACKYVAR4") == "18"
    assert fullrun.get("env-override", "WACKYVAR6") == "ubuntu/nfs/none"
    assert fullrun.get("disks", "disk0") == f"{CONFIGS}/qa/fullrun/tmp/mt_runs"
    assert fullrun.unresolved_form("setup", "max_concurrent_jobs") == "scheme", "number of CPUs"
    without_target = corpus("qa/fullrun/megatest.config", "qa/fullrun")
    assert without_target.is_unresolved("env-override", "WACKYVAR6")
    assert not (CONFIGS / "qa/fullrun/tmp").exists(), "no directory is created"


def test_a_value_nobody_needs_is_no_problem(fullrun: ConfigFile) -> None:
    assert fullrun.is_unresolved("misc", "home")
    assert fullrun.get("misc", "home") == "#{shell readlink -f $MT_RUN_AREA_HOME}"
    assert fullrun.problems == ()


def test_fullrun_looks_up_environment_and_values(fullrun: ConfigFile) -> None:
    area = CONFIGS / "qa" / "fullrun"
    assert fullrun.get("setup", "linktree") == f"{area}/tmp/mt_links"
    assert fullrun.get("env-override", "WACKYVAR2") == "start end 0 1 - 2"
    assert fullrun.get("env-override", "WACKYVAR3") == "matt"
    assert fullrun.get("env-override", "WACKYVAR5") == "ubuntu/nfs/none"
    assert fullrun.get("env-override", "MYRUNNAME1") == "/this/is/#f/my/runname"
    assert fullrun.get("archive-disks", "disk0") == "/tmp/matt/adisk1"


def test_fullrun_runconfigs_for_its_target() -> None:
    config = corpus(
        "qa/fullrun/runconfigs.config",
        "qa/fullrun",
        kind="runconfigs",
        target=FULLRUN,
        fields=FULLRUN_FIELDS,
    )
    values = config.sections["default"]
    assert (values["VARNOVAL"], values["VARNOVAL_WITHSPACE"]) == ("", " ")
    assert values["SOMEVAR3"] == "This should show up in SOMEVAR3"
    wanted = "This should show up in SOMEVAR4 if the target is ubuntu/nfs/none"
    assert values["SOMEVAR4"] == values["SOMEVAR5"] == wanted
    assert values["TESTSTORUN"] == "priority_4 test_mt_vars", (
        "from nfs.config, by the target's fsname"
    )
    assert "WACKYVAR2" in config.sections["default/ubuntu/nfs"]
    assert config.variables(FULLRUN)["SOMEVAR2"] == wanted
    assert "BLAHFOO" not in config.variables(FULLRUN)


def test_rget_depends_on_the_target() -> None:
    config = corpus("qa/fullrun/runconfigs.config", "qa/fullrun", kind="runconfigs")
    assert config.get("default", "SOMEVAR4") == "#f"
    assert config.get("default", "SOMEVAR3") == "This should show up in SOMEVAR3"
    assert "TESTSTORUN" not in config.sections["default"]


def test_wildcard_sections_reach_the_sections_before_them() -> None:
    config = corpus("qa/runconfigs.config", "qa", kind="runconfigs", target=("v1.60", "15", "dev"))
    assert dict(config.sections["v1.60/15/dev"]) == {
        "FOO": "is foo",
        "WHATEVER": "this is!",
        "QUICKPATT": "%",
        "JUNK": "from wildcard v1.60/%",
    }
    assert set(config.sections) == {"v1.60/15/dev", "default", "Another/One/Here", "DEFAULT"}
    assert config.where("v1.60/15/dev", "JUNK")[1] == 43
    assert "SOMEDUMBRUNVAR" not in config.variables(("v1.60", "15", "dev")), (
        "[DEFAULT] is not default"
    )


def test_an_include_is_named_by_a_key_of_the_target() -> None:
    config = corpus(
        "qa/runconfigs.config",
        "qa",
        kind="runconfigs",
        target=("nover_eh", "testit"),
        fields=("release", "iteration"),
    )
    assert config.variables(("nover_eh", "testit"))["GOTME"] == (
        "But only if target is set to nover_eh/testit"
    )
    assert config.where("nover_eh/testit", "GOTME")[0].name == "nover_eh.dat"


def test_a_wildcard_section_with_only_a_comment_leaves_nothing() -> None:
    config = corpus("qa/output-tests/runconfigs.config", "qa/output-tests", kind="runconfigs")
    assert {name: dict(values) for name, values in config.sections.items()} == {
        "default": {"COMMANDS": "show-config show-runconfig list-runs", "FORMATS": "json "}
    }


def test_odd_section_names() -> None:
    config = corpus("qa/installall/runconfigs.config", "qa/installall", kind="runconfigs")
    assert config.sections["............."] == {}
    config = corpus("main/example/cfg/machines.dat", "main")
    assert list(config.sections) == ["", "maxload", "minfree", "reqprocs"]


def test_joined_lines_of_testconfigs() -> None:
    config = corpus("qa/fullrun/tests/blocktestxz/testconfig", "qa/fullrun", kind="testconfig")
    assert config.get("test_meta", "description") == (
        'This test will fail causing the dependent test "testxz" to never run. This triggers the'
        " code that must determine that a test will never be run and thus remove it from the queue"
        " of tests to be run."
    )
    states, statuses = (config.get("items", key, "").split() for key in ("THESTATE", "THESTATUS"))
    assert len(states) * len(statuses) == 28 and "STUCK/DEAD" in states
    config = corpus("main/minimal/tests/tmpspace/testconfig", "main/minimal", kind="testconfig")
    assert len(config.get("items", "TARGETHOST", "").split()) == 14


def test_logpro_rules_span_lines() -> None:
    config = corpus("qa/tests/rollup/testconfig", "qa", kind="testconfig")
    assert list(config.sections["logpro"]) == ["runfirst", "setstate", "rerun"]
    lines = config.get("logpro", "runfirst", "").split("\n")
    assert lines[0] == ";;" and len(lines) == 3
    assert lines[2] == '(expect:error in "LogFileBody" = 0 "NoErrors" #/error/i)'


def test_items_and_itemstable_of_runfirst() -> None:
    config = corpus("qa/fullrun/tests/runfirst/testconfig", "qa/fullrun", kind="testconfig")
    assert config.get("items", "SEASON") == "summer winter fall spring "
    assert config.sections["itemstable"] == {"BLOCK": "a  b", "TOCK": "1  2"}


def test_main_runconfigs_names_its_scriptinc_and_merges_its_wildcard() -> None:
    config = corpus("main/runconfigs.config", "main", kind="runconfigs")
    assert list(config.sections) == ["a/b/c"]
    assert list(config.sections["a/b/c"]) == ["all:scheduled:sync", "quick:file:run"]
    (problem,) = config.problems
    assert problem.startswith(f"{CONFIGS}/main/runconfigs.config:16: a scriptinc that was not run")


def test_simplerun_multiline_and_includes() -> None:
    config = corpus("ours/simplerun/test.config", "ours/simplerun")
    assert len(config.sections) == 9
    assert config.get("metadata", "description") == (
        "This is a multiline \ndescription. The leading whitespace is discarded\n"
        "irrespective of amount of indenting.\n   This line is indented more."
    )
    assert list(config.sections["metadata"]) == ["description", "author", "owner", "reviewed"]
    assert config.sections["validvalues"] == {"status": "pass fail", "state": "start end completed"}
    assert list(config.sections["validvalues"]) == ["status", "state"]
    assert config.problems == ()


def test_environment_step_and_leading_slash_sections() -> None:
    config = corpus(
        "ours/fullrun/common_runconfigs.config",
        "ours/fullrun",
        kind="runconfigs",
        environ={"FOOBARBAZZZZ": "/home/bob"},
    )
    assert config.get("default", "BIGBOB") == "$FOOBARBAZZZZ/bobby"
    assert config.environment["BIGBOB"] == "/home/bob/bobby"
    assert config.unresolved_form("default", "TOMMY") == "system"
    assert "TOMMY" not in config.environment
    assert config.sections["/tmp/mrwellan/env/ubuntu/afs"] == {"BOGOUS": "Bob"}


def test_waivers_keep_wildcard_sections_and_semicolons() -> None:
    config = corpus("ours/qa/waivers.config", "ours/qa")
    assert list(config.sections) == ["v1.63/%/dev", "%/%/%"]
    lines = config.get("v1.63/%/dev", "rollup/%", "").split("\n")
    assert lines[0] == "0 ;; example waiver"
    assert [line.split()[0] for line in lines] == ["0", "9", "999"]


def test_itemmap_with_a_lookup_that_misses() -> None:
    config = corpus("ours/itemmap/tests/try_itemmap/testconfig", "ours/itemmap", kind="testconfig")
    assert config.get("itemmap", "try_mapped") == "([^/]+)/.* X#f/%/\\1\nX(\\d+) \\1"
    assert config.get("logpro", "echo_testcase", "").startswith("\n(expect")


def test_expansion_can_make_a_key_line() -> None:
    config = corpus(
        "ours/dynamic-waiton-example/tests/aggregate/testconfig",
        "ours/dynamic-waiton-example",
        kind="testconfig",
        environ={"MT_TEST_NAME": "aggregate", "WAITON_aggregate": "waiton setup results"},
    )
    assert config.get("requirements", "waiton") == "setup results"
    assert (
        "reviewed" in config.sections["logpro"] and "reviewed" not in config.sections["test_meta"]
    )
    assert config.where("requirements", "waiton")[0].name == "common.testconfig"


def test_a_scheme_list_is_no_config_file() -> None:
    config = corpus("ours/cgisetup/megatest.config", "ours/cgisetup")
    assert config.problems and "no [section]" in config.problems[0]
