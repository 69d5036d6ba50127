import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from mtsite.logs.errorsummary import (
    FAMILY,
    Failure,
    Group,
    claims,
    read_summary,
    stored_failures,
)
from mtsite.logs.families import RuleSet, built_in
from mtsite.logs.scan import Judged, scan
from mtsite.logs.source import split_lines

DATA = Path(__file__).parents[1] / "data" / "treeherder" / "errorsummary"
LOGS = sorted(DATA.glob("*.log"))


def read(content: bytes) -> tuple[list[Failure], list[Group]]:
    found = list(read_summary(enumerate(split_lines(content), 1)))
    failures = [one for one in found if isinstance(one, Failure)]
    return failures, [one for one in found if isinstance(one, Group)]


def real(name: str) -> tuple[list[Failure], list[Group]]:
    return read((DATA / name).read_bytes())


def judge(content: bytes, name: str = "x_errorsummary.log") -> Judged:
    return scan(content, RuleSet((FAMILY,)), name)


def line(**fields: Any) -> bytes:
    return json.dumps({"line": 1, **fields}).encode() + b"\n"


def test_a_real_log_has_the_failures_and_groups_that_the_source_counts() -> None:
    failures, groups = real("mochitest-browser-chrome_errorsummary.log")
    assert len(failures) == 5
    assert Counter(group.status for group in groups) == {"OK": 26, "ERROR": 3}
    assert Counter(group.seconds > 0 for group in groups) == {True: 27, False: 2}


@pytest.mark.parametrize(
    "name", ["plain-chunked_errorsummary.log", "plain-chunked_errorsummary_astral.log"]
)
def test_a_real_log_with_one_failure_has_one(name: str) -> None:
    failures, groups = real(name)
    assert (len(failures), len(groups)) == (1, 0)


def test_characters_beyond_the_basic_plane_survive() -> None:
    (failure,), _ = real("plain-chunked_errorsummary_astral.log")
    assert failure.said["test"].endswith("🍆")
    (found,) = judge((DATA / "plain-chunked_errorsummary_astral.log").read_bytes()).findings
    assert "🍆 | Test timed out. 𐂁 | 󰅑" in found.excerpt


@pytest.mark.parametrize("path", LOGS, ids=lambda path: path.name)
def test_every_real_log_is_claimed(path: Path) -> None:
    assert judge(path.read_bytes(), "log.txt").dialect == "errorsummary"


def test_groups_are_facts_and_counted_by_status() -> None:
    path = DATA / "mochitest-browser-chrome_errorsummary.log"
    facts = judge(path.read_bytes()).facts
    assert (facts["group_count"], facts["statuses"]) == (29, {"ERROR": 3, "OK": 26})
    assert facts["groups"][0] == {
        "name": "dom/base/test/browser.ini",
        "status": "OK",
        "duration_s": 3,
        "line": 7,
    }


@pytest.mark.parametrize(
    ("duration", "seconds"),
    [
        (3999, 3),
        (0, 0),
        (None, 0),
        (-5, 0),
        ("12", 0),
        (True, 0),
        (7_200_000, 7200),
        (7_200_001, 0),
        (1e400, 0),
        (1500.7, 1),
    ],
)
def test_a_duration_is_whole_seconds_or_0(duration: object, seconds: int) -> None:
    _, (group,) = read(line(action="group_result", group="g", status="OK", duration=duration))
    assert group.seconds == seconds


@pytest.mark.parametrize("name", ["x" * 256, "a\\b", None, 5])
def test_a_group_without_a_usable_name_is_refused(name: object) -> None:
    assert read(line(action="group_result", group=name, status="OK", duration=1)) == ([], [])


def test_a_group_of_no_known_status_is_kept_without_one() -> None:
    _, (group,) = read(line(action="group_result", group="a:b.ini", status=None, duration=1))
    assert (group.name, group.status) == ("a:b.ini", "")


@pytest.mark.parametrize(
    ("fields", "code", "level", "text"),
    [
        (
            {"action": "test_result", "test": "a.js", "status": "FAIL", "subtest": "s\nmore"},
            *("unexpected", "ERROR", "TEST-UNEXPECTED-FAIL | a.js | s"),
        ),
        (
            {
                "action": "test_result",
                "test": "a",
                "status": "TIMEOUT",
                "message": "slow",
                "known_intermittent": ["TIMEOUT"],
            },
            *("known-intermittent", "WARNING", "TEST-UNEXPECTED-TIMEOUT | a | slow"),
        ),
        (
            {"action": "crash", "test": "a", "signature": "@ f()"},
            *("crash", "CRITICAL", "PROCESS-CRASH | a | application crashed [@ f()]"),
        ),
        (
            {"action": "log", "level": "CRITICAL", "message": "out"},
            *("logged", "CRITICAL", "CRITICAL | out"),
        ),
        ({"action": "log", "level": "ERROR"}, "logged", "ERROR", "ERROR | log"),
        ({"action": "new"}, "unreadable", "WARNING", "not read: action new"),
    ],
)
def test_a_failure_line_is_a_finding(
    fields: dict[str, Any], code: str, level: str, text: str
) -> None:
    judged = judge(line(action="test_groups", groups=[]) + line(**fields))
    (found,) = (*judged.findings, *judged.warnings)
    assert (found.rule, found.level, found.excerpt) == (f"errorsummary/{code}", level, text)
    assert found.first_line == 2


@pytest.mark.parametrize("bad", [b"{", b"[1]", b"[" * 100_000, b"\xff", b'"x"', b"5"])
def test_a_line_that_cant_be_read_is_said_and_passed_over(bad: bytes) -> None:
    judged = judge(line(action="test_groups") + bad + b"\n" + line(action="crash"))
    assert [found.first_line for found in judged.warnings] == [2]
    assert [found.first_line for found in judged.findings] == [3]
    assert not judged.faults


def test_the_source_stores_150_failures_and_says_that_there_were_more() -> None:
    failures, _ = read(line(action="crash") * 160)
    stored = stored_failures(failures)
    assert [one["action"] for one in stored] == ["crash"] * 150 + ["truncated"]
    assert stored_failures(failures[:150]) == [failure.said for failure in failures[:150]]


def test_half_a_character_breaks_nothing() -> None:
    content = line(action="test_groups") + line(action="crash", test="\ud800")
    content += line(action="group_result", group="\udfff", status="OK", duration=0)
    judged = judge(content)
    assert judged.finding_count == 1
    json.dumps(judged.facts).encode("utf-8")
    assert judged.facts["groups"][0]["name"] == "?"


@pytest.mark.parametrize(
    "head",
    [
        b'{"action": "test_status", "line": 5}\n',
        b'{"action": "log", "level": "INFO", "time": 5}\n',
        b'x {"action": "log", "line": 5}\n',
        b"",
    ],
)
def test_other_logs_are_not_claimed(head: bytes) -> None:
    assert not claims("a_errorsummary.log", head)


def test_the_family_is_among_the_built_in_ones() -> None:
    assert FAMILY in built_in().families
    assert not built_in().faults
