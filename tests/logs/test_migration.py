import gzip
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mtsite.limits import Limits, allowed, limits_of
from mtsite.logs.chosen import chosen_lines
from mtsite.logs.families import RuleSet, built_in
from mtsite.logs.migration import FAMILY, claims
from mtsite.logs.migration_steps import HINT
from mtsite.logs.migration_verdict import verdict_on
from mtsite.logs.scan import scan
from mtsite.logs.source import split_lines

DATA = Path(__file__).parents[1] / "data"
HIPSTER = DATA / "turbo-hipster"


def real_log(name: str) -> bytes:
    packed = HIPSTER / f"{name}.gz"
    return (
        gzip.decompress(packed.read_bytes())
        if packed.exists()
        else (DATA / "logs" / name).read_bytes()
    )


def numbered(content: bytes) -> list[tuple[int, bytes]]:
    return list(enumerate(split_lines(content), 1))


def limits_from(name: str) -> Limits:
    return limits_of((HIPSTER / "datasets" / f"{name}.config.json").read_bytes())


def read_json(name: str) -> Any:
    return json.loads((HIPSTER / name).read_text())


MICRO = read_json("micro-cases.json")
VERDICTS = read_json("expected-verdicts.json")
MIGRATIONS = read_json("expected-migrations.json")


@pytest.mark.parametrize("case", MICRO["cases"], ids=lambda case: case["name"])
def test_a_small_log_is_judged_as_the_reference_says(case: dict[str, Any]) -> None:
    limits = limits_of(json.dumps(MICRO["dataset_config"]).encode())
    verdict = verdict_on(
        numbered(case["log"].encode()), limits, MICRO["highest_migration_in_source"]
    )
    assert verdict.success == case["recommended"]["success"]
    assert verdict.messages == case["recommended"]["messages"]


@pytest.mark.parametrize(
    "case",
    VERDICTS["generation_2015"],
    ids=lambda case: f"{case['log']}-{case['dataset']}-{case['highest_migration_in_source']}",
)
def test_a_real_log_is_judged_as_the_source_does(case: dict[str, Any]) -> None:
    verdict = verdict_on(
        numbered(real_log(case["log"])),
        limits_from(case["dataset"]),
        case["highest_migration_in_source"],
    )
    assert verdict.success == case["success"]
    assert verdict.messages == case["messages"]


@pytest.mark.parametrize("case", VERDICTS["generation_2013_unit_test_assertions"])
def test_limits_by_the_schema_reached_still_count(case: dict[str, Any]) -> None:
    name, _, more = case["config"].partition(" with limit for ")
    limits = limits_from(name)
    if more:
        key, seconds = more.split(" set to ")
        limits = limits._replace(
            time={**limits.time, json.loads(key): int(seconds.removesuffix(" s"))}
        )
    verdict = verdict_on(
        numbered(real_log(case["log"])), limits, case["highest_migration_in_source"]
    )
    assert verdict.success == case["success"]


@pytest.mark.parametrize("log", MIGRATIONS)
def test_every_step_of_a_real_log_is_read(log: str) -> None:
    steps = [judged.step for judged in verdict_on(numbered(real_log(log))).steps]
    assert [
        {
            "from": step.source,
            "to": step.target,
            "start_epoch": step.start,
            "end_epoch": step.end,
            "duration_s": step.seconds,
            "rows_read": step.rows_read,
            "rows_changed": step.rows_changed,
            "n_counters": len(step.grown),
        }
        for step in steps
    ] == MIGRATIONS[log]


def whole_scan(content: bytes, settings: dict[str, Any] | None = None) -> Any:
    rule_set = RuleSet((FAMILY,), settings={"migration": settings or {}})
    return scan(content, rule_set, "log/nova.log")


@pytest.mark.parametrize("log", ["user_001.log", "20131007_devstack_export.log"])
def test_a_real_log_is_claimed_and_its_facts_agree_with_the_verdict(log: str) -> None:
    tables = limits_from("trivial_6000")._asdict()
    dataset = {
        "logs": ["*/nova.log"],
        "limits": {
            "maximum_migration_times": tables["time"],
            "XInnodb_rows_changed": tables["changed"],
            "Innodb_rows_read": tables["read"],
        },
        "expected_schema": 229,
    }
    judged = whole_scan(real_log(log), {"trivial": dataset})
    verdict = verdict_on(numbered(real_log(log)), limits_from("trivial_6000"), 229)
    assert judged.dialect == "migration"
    facts = judged.facts
    assert (facts["dataset"], facts["success"], facts["messages"]) == (
        "trivial",
        verdict.success,
        verdict.messages,
    )
    assert [found.excerpt for found in judged.findings] == verdict.messages
    lines = split_lines(real_log(log))
    for step in facts["steps"]:
        assert f" {step['from']} -> {step['to']}...".encode() in lines[step["line_start"] - 1]
        assert step["start"] is None or lines[step["line_start"] - 1].startswith(
            step["start"].encode()
        )


def test_the_sections_of_a_log_are_pairs_of_stars() -> None:
    facts = whole_scan(real_log("20131007_devstack_export.log")).facts
    assert facts["sections"][0] == {
        "title": "Start DB upgrade to state of trunk",
        "line_start": 44,
        "line_end": 302,
        "duration_s": 83,
    }
    assert facts["section_count"] == 4
    assert facts["final_schema"] == 228
    assert facts["script_exit"] == 0


def test_a_section_without_its_end_is_said() -> None:
    facts = whole_scan(real_log("user_001.log")).facts
    assert [(s["line_start"], s["line_end"]) for s in facts["sections"]] == [(83, None)]


STAMP = "2014-01-01 00:00:01,000 "


def test_a_script_that_failed_is_said_though_its_steps_are_fine() -> None:
    log = f"{STAMP}[output] 1 -> 2...\n{STAMP}[output] done\n{STAMP}[script exit code = -9]\n"
    judged = whole_scan(log.encode())
    assert [(f.rule, f.first_line, f.excerpt) for f in judged.findings] == [
        ("migration/script-exit", 3, "Return code from test script was non-zero (-9)")
    ]
    assert judged.facts["success"] and judged.facts["script_exit"] == -9


def test_findings_come_in_the_order_of_lines() -> None:
    log = (
        f"{STAMP}[output] 1 -> 2...\n{STAMP}[output] Final schema version is 3\n"
        f"{STAMP}[output] 2 -> 3...\n{STAMP}[output] done\n{STAMP}[output] 4 -> 5...\n"
    ).encode()
    judged = whole_scan(log, {"d": {"logs": ["*"], "expected_schema": 9}})
    assert [f.first_line for f in judged.findings] == [1, 1, 2, 5, 5]
    assert judged.facts["messages"] == [
        "FAILURE - Final schema version does not match expectation",
        "FAILURE - Migration started but did not end",
        "FAILURE - Did not find the end of a migration after a start",
        "WARNING - Migration 1->2 failed to complete",
        "WARNING - Migration 4->5 failed to complete",
    ]


@pytest.mark.parametrize(
    ("name", "head", "claimed"),
    [
        ("nova.log", f"{STAMP}[output] 1 -> 2...\n", True),
        ("nova.log", f"first\r{STAMP}[output] Schema version is 133", True),
        ("shell_output.log", f"{STAMP}[output] 1 -> 2...\n", False),
        ("nova.log", f"{STAMP}[output] hello\n", False),
        ("nova.log", "[output] 1 -> 2...\n", False),
        ("nova.log", f"{STAMP}INFO nova 1 -> 2...\n", False),
    ],
)
def test_a_migrations_log_is_known_by_its_wrapper(name: str, head: str, claimed: bool) -> None:
    assert claims(name, head.encode()) is claimed


def test_a_key_of_the_pair_comes_before_that_of_the_target_and_the_default() -> None:
    table = {"default": 1, "2": 2, "1->2": 3}
    assert [allowed(table, *step) for step in ((1, 2), (3, 2), (2, 1))] == [3, 2, 1]
    assert allowed({}, 1, 2) is None


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("[]", "not a JSON object"),
        ("{", "not JSON"),
        ('{"Innodb_rows_read": 5}', "Innodb_rows_read is no object"),
        ('{"maximum_migration_times": {"default": "60"}}', 'the limit of "default" is no number'),
        ('{"XInnodb_rows_changed": {"2": true}}', 'the limit of "2" is no number'),
    ],
)
def test_limits_that_are_wrong_are_refused_with_the_reason(content: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        limits_of(content.encode())


def test_notes_are_no_limits() -> None:
    assert limits_from("user_001-2014-keyed-by-target").time["138"] == 44.0
    assert not any(key.startswith("_") for key in limits_from("user_001").time)


LANDMARKS = [
    *["[output] 1 -> 2...", "[output] done", "[output] done ", "[output] Innodb_rows_read\t7"],
    *["[output] Final schema version is 3", "***** x *****", "[script exit code = 0]", "", "x"],
    *["[output] ImportError", "[output] 99999999999999999999999 -> 1...", "\udcff -> \udcff"],
]
LOGS = st.lists(
    st.tuples(
        st.sampled_from([STAMP, "2014-13-01 00:00:01,000 ", ""]),
        st.sampled_from(LANDMARKS),
        st.sampled_from(["\n", "\r\n", "\r"]),
    )
)


@given(LOGS)
def test_the_hint_chooses_every_line_that_matters(parts: list[tuple[str, str, str]]) -> None:
    content = "".join(map("".join, parts)).encode("utf-8", "surrogateescape")
    limits = Limits({"default": 0}, {"default": 0}, {"default": 0})
    chosen = verdict_on(chosen_lines(content, HINT), limits, 4)
    whole = verdict_on(numbered(content), limits, 4)
    chosen.marks.last_line = whole.marks.last_line
    assert chosen == whole


def test_a_log_full_of_landmarks_is_read_in_bounded_room() -> None:
    content = f"{STAMP}[output] 1 -> 2...\n".encode() * 20_000
    judged = whole_scan(content)
    assert judged.finding_count == 40_000
    assert judged.facts["step_count"] == 20_000
    assert len(judged.facts["steps"]) == len(judged.facts["messages"]) == 1_000
    assert judged.facts["message_count"] == 40_000


def test_every_code_has_a_title_and_help() -> None:
    codes = [one.code for one in FAMILY.catalogue]
    assert len(codes) == len(set(codes)) == 16
    assert all(one.title and len(one.help) > 40 for one in FAMILY.catalogue)


def test_what_the_worker_says_of_a_job_is_found_in_any_log() -> None:
    rule_set = RuleSet((FAMILY,))
    judged = scan(b"a\nFAILURE running the job\nException: no room\n", rule_set, "x.log")
    assert [(f.rule, f.level, f.first_line) for f in judged.findings] == [
        ("migration/job-run", "CRITICAL", 2)
    ]


def test_a_time_that_is_none_gives_no_duration() -> None:
    log = b"never [output] 1 -> 2...\n2014-02-30 00:00:01,000 [output] done\n"
    (judged,) = verdict_on(numbered(log), Limits({"default": 0})).steps
    assert (judged.step.seconds, judged.wrong) == (None, ())


def test_the_family_is_among_the_built_in_ones() -> None:
    assert FAMILY in built_in().families
    assert not built_in().faults
