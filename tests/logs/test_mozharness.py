import gzip
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mtsite.logs.chosen import chosen_lines
from mtsite.logs.families import RuleSet, built_in
from mtsite.logs.mozharness import FAMILY, claims
from mtsite.logs.mozharness_errors import (
    HINT,
    MOST_LINES,
    TODAY,
    UNTIL_2020,
    error_lines,
    errors_among,
    kind_of,
    shown_text,
)
from mtsite.logs.mozharness_steps import Detail, detail_of, job_details, step_artifact
from mtsite.logs.scan import scan
from mtsite.logs.source import split_lines

DATA = Path(__file__).parents[1] / "data"
TODAYS = DATA / "treeherder" / "today"
STEPS = DATA / "treeherder" / "steps"


def real_log(folder: Path, stem: str) -> bytes:
    found = [path for place in (folder, DATA / "logs") for path in place.glob(f"{stem}.*.gz")]
    return gzip.decompress(found[0].read_bytes())


def expected(folder: Path, stem: str) -> Any:
    true = folder / f"{stem}.true-lines.json"
    path = true if true.exists() else folder / f"{stem}.logview.json"
    return json.loads(path.read_text())


def stems(folder: Path, ending: str) -> list[str]:
    return sorted(path.name.removesuffix(ending) for path in folder.glob(f"*{ending}"))


@pytest.mark.parametrize("stem", stems(TODAYS, ".logview.json"))
def test_error_lines_are_those_of_the_source(stem: str) -> None:
    found = list(error_lines(real_log(TODAYS, stem)))[:MOST_LINES]
    stored = [{"linenumber": line.number - 1, "line": line.text} for line in found]
    assert stored == expected(TODAYS, stem)["errors"]


@pytest.mark.parametrize("stem", stems(STEPS, ".logview.json"))
def test_steps_are_those_of_the_source(stem: str) -> None:
    assert step_artifact(real_log(STEPS, stem))["step_data"] == expected(STEPS, stem)["step_data"]


@pytest.mark.parametrize("stem", stems(STEPS, ".jobartifact.json"))
def test_job_details_are_those_of_the_source(stem: str) -> None:
    artifact = json.loads((STEPS / f"{stem}.jobartifact.json").read_text())
    empty = Detail("", None, None, None)._asdict()
    details = [detail._asdict() for detail in job_details(real_log(STEPS, stem))]
    assert details == [{**empty, **detail} for detail in artifact["job_details"]]


@pytest.mark.parametrize("stem", stems(TODAYS, ".logview.json"))
def test_a_log_is_claimed_and_its_findings_are_the_error_lines(stem: str) -> None:
    judged = scan(real_log(TODAYS, stem), RuleSet((FAMILY,)), f"{stem}.log")
    lines = [error["linenumber"] + 1 for error in expected(TODAYS, stem)["errors"]]
    assert judged.dialect == "mozharness"
    assert [found.first_line for found in judged.findings] == lines[:20]


@pytest.mark.parametrize("stem", stems(STEPS, ".logview.json"))
def test_a_log_with_steps_is_claimed_and_they_are_its_facts(stem: str) -> None:
    judged = scan(real_log(STEPS, stem), RuleSet((FAMILY,)), f"{stem}.log")
    steps = expected(STEPS, stem)["step_data"]["steps"]
    lines = [error["linenumber"] + 1 for step in steps for error in step["errors"]]
    assert judged.dialect == "mozharness"
    assert [found.first_line for found in judged.findings] == lines[:20]
    assert [
        (step["name"], step["line_start"], step["line_end"], step["result"])
        for step in judged.facts["steps"]
    ] == [
        (s["name"], s["started_linenumber"] + 1, s["finished_linenumber"] + 1, s["result"])
        for s in steps
    ]


ERRORS = [
    "23:52:39    ERROR - /path/to/file.py: it failed",
    "20:11:22 CRITICAL - out",
    "1:2:3 FATAL - x",
    "x TEST-UNEXPECTED-FAIL | a | b",
    "make: *** [all] Error 2",
    "gmake[3]: *** stop",
    "ImportError: No module named pygtk2",
    "mozbuild.BadError: x",
    "Exception: bare",
    "[  FAILED  ] Suite.Case",
    "remoteFailed: [Failure",
    "rm: cannot remove 'x'",
    "abort: error",
    "[taskcluster] Error: Task run failed",
    "[taskcluster:error] x",
    "[my.task-1:exception] x",
    "a.cpp(3) : fatal error C1083",
    "x.c:10: error: no",
    "LINK : error LNK: no error(12): yes",
    "x error(): y",
    "rc.exe error RC2135: file not found",
    "x error C: y",
    "12:00 ERROR 404: Not Found.",
    "mozmake.EXE[2]: *** [x]",
    "SUMMARY: UndefinedBehaviorSanitizer: x",
    "Unsuccessful task run with exit code: 137 completed",
    "  YOU ARE LEAKING THE WORLD",
    "12:00:00     INFO -  PROCESS-CRASH | x",
]
HARMLESS = [
    "TEST-INFO | x | TEST-UNEXPECTED-FAIL",
    "12:00:00    ERROR - TEST-PASS | x",
    "A content process crashed and MOZ_CRASHREPORTER_SHUTDOWN is set, shutting down: fatal error",
    "01-01 I/Gecko (  1): TEST-UNEXPECTED-FAIL | x",
    "I TestRunner x TEST-UNEXPECTED-FAIL",
    "12:00:00     INFO - Assertion failure   ",
    "TEST-UNEXPECTED-WARNING | x",
    "TimeoutException: x",
    "ImportError: No module named pygtk",
    "12:00:00     INFO -  ImportError: No module named pygtk ",
    "non-fatal error fatal error",
    "12:00:00    ERROR: x",
    "12:00:00    INFO - fine",
    "Error: x",
    " ValueError: x",
    "ERROR 302: x",
    "test-unexpected-fail",
    "error: x",
    "make[a]: *** x",
]


def upstreams(name: str) -> list[str]:
    return (TODAYS.parent / name).read_text().splitlines()


@pytest.mark.parametrize("line", upstreams("error-lines.txt"))
def test_an_error_line_of_upstreams_tests_is_one_in_every_log(line: str) -> None:
    assert texts(f"{line}\n") == [line]
    (stored,) = texts(f"[taskcluster foo] this is a taskcluster log\n{line}\n")
    assert line.endswith(stored)


@pytest.mark.parametrize("line", upstreams("harmless-lines.txt"))
def test_a_harmless_line_of_upstreams_tests_is_none(line: str) -> None:
    assert texts(f"{line}\r\n") == []


@pytest.mark.parametrize("line", ERRORS)
def test_an_error_line_is_one(line: str) -> None:
    assert kind_of(line)


@pytest.mark.parametrize("line", HARMLESS)
def test_a_harmless_line_is_none(line: str) -> None:
    assert not kind_of(line)


@pytest.mark.parametrize(
    "line",
    [
        "Hit MOZ_CRASH(x)",
        "SUMMARY: UndefinedBehaviorSanitizer",
        "Unsuccessful task run with exit code: 137",
        "YOU ARE LEAKING THE WORLD",
    ],
)
def test_what_was_added_later_was_no_error_before(line: str) -> None:
    assert kind_of(line, TODAY)
    assert not kind_of(line, UNTIL_2020)


@pytest.mark.parametrize("line", ["Assertion failure", "fatal error: non-fatal error"])
def test_what_was_excused_later_was_an_error_before(line: str) -> None:
    assert kind_of(line, UNTIL_2020)
    assert not kind_of(line, TODAY)


def texts(log: str) -> list[str]:
    return [line.text for line in error_lines(log.encode())]


STAMPED = "[task 2016-08-18T17:50:56.955Z] rm: cannot remove x\n"


def test_a_time_in_brackets_is_taken_off_once_the_log_says_that_it_is_taskclusters() -> None:
    assert texts(STAMPED) == []
    assert texts(f"[taskcluster 2016-08-18 17:50:56.955Z] Task\n{STAMPED}") == [
        "rm: cannot remove x"
    ]
    assert texts(f"{STAMPED}x [taskcluster y\n{STAMPED}") == []


def test_a_bracket_that_is_taskclusters_own_stays() -> None:
    own = "[taskcluster:error] 2016-01-01 x"
    log = f"[taskcluster 2016-01-01] a\n{own}\n[taskcluster:x 2016-] rm: cannot\n"
    assert texts(log) == [own]


def test_a_line_equal_to_the_error_line_before_it_is_dropped() -> None:
    assert texts("abort: a\nfine\nabort: a  \nabort: b\nabort: a\n") == [
        *["abort: a", "abort: b", "abort: a"]
    ]
    repeated = errors_among(enumerate([b"abort: a"] * 3, 1), UNTIL_2020)
    assert [line.number for line in repeated] == [1, 2, 3]


def test_only_500_characters_are_looked_at_but_of_performance_data_all() -> None:
    assert texts("é" * 490 + "abort:".rjust(16) + "\n") == []
    assert texts("é" * 484 + "PROCESS-CRASH no more\n") == [f"{'é' * 484}PROCESS-CRASH no"]
    assert texts("x" * 600 + "PERFHERDER_DATA PROCESS-CRASH\n") != []


def test_bytes_that_are_not_utf8_are_shown_as_replaced() -> None:
    assert texts_of(b"abort: \xff\xfe x\n") == ["abort: �� x"]


def texts_of(content: bytes) -> list[str]:
    return [line.text for line in error_lines(content)]


def test_lines_end_at_cr_and_crlf_but_not_at_other_separators() -> None:
    content = "a\r\nb\rabort: 1\r\nabort: \u2028\x85x\n\nabort: 2".encode()
    assert [(line.number, line.text) for line in error_lines(content)] == [
        *[(3, "abort: 1"), (4, "abort: \u2028\x85x"), (6, "abort: 2")]
    ]


PIECES = st.lists(
    st.tuples(
        st.sampled_from(
            [
                *[*ERRORS, *HARMLESS, "[taskcluster x", STAMPED.strip(), "", "fine", "\udc80"],
                *[
                    "[x 2016-1]\u3000KeyError: y",
                    "1:2:3 INFO -   KeyError: y",
                    "[2016-1] a.bError: ",
                ],
            ]
        ),
        st.sampled_from(["\n", "\r\n", "\r", ""]),
    ),
    max_size=30,
)


@given(PIECES)
def test_the_hint_chooses_every_line_that_matters(pieces: list[tuple[str, str]]) -> None:
    content = "".join(map("".join, pieces)).encode("utf-8", "surrogateescape")
    numbered = list(enumerate(split_lines(content), 1))
    for rules in (TODAY, UNTIL_2020):
        chosen = list(errors_among(chosen_lines(content, HINT), rules))
        assert chosen == list(errors_among(numbered, rules))


def marker(kind: str, name: str = "build", result: int = 0) -> str:
    at = "2015-08-17 02:33:56.353866"
    return f"========= {kind} {name} (results: {result}, elapsed: 0 secs) (at {at}) ========="


def steps_of(*lines: str) -> list[tuple[Any, ...]]:
    steps = step_artifact("\n".join(lines).encode())["step_data"]["steps"]
    return [
        (
            s["name"],
            s["started_linenumber"],
            s["finished_linenumber"],
            s["result"],
            len(s["errors"]),
        )
        for s in steps
    ]


def test_headers_before_the_first_step_and_blank_lines_make_no_step() -> None:
    assert steps_of("builder: x", "", "results: exception (4)", marker("Started"), "x") == [
        ("build", 3, 4, "unknown", 0)
    ]


def test_what_stands_outside_makes_an_unnamed_step() -> None:
    lines = ["revision: 1", "abort: 1", marker("Started"), marker("Finished", result=2)]
    lines += ["", "builder: x", "abort: 2", marker("Finished", result=1), "  ", marker("Finished")]
    assert steps_of(*lines) == [
        ("Unnamed step", 1, 2, "unknown", 1),
        ("build", 2, 3, "busted", 0),
        ("Unnamed step", 5, 7, "testfailed", 1),
    ]


def test_a_step_that_another_interrupts_is_closed_without_time_and_result() -> None:
    lines = [marker("Started", "a", 2), marker("Started", "b"), marker("Finished", "b", 9)]
    first, second = step_artifact("\n".join(lines).encode())["step_data"]["steps"]
    assert (first["finished"], first["finished_linenumber"], first["result"]) == (
        *(None, 1, "unknown"),
    )
    assert (second["name"], second["result"]) == ("b", "unknown")


def test_a_step_stores_a_hundred_errors_and_says_that_there_were_more() -> None:
    log = "\n".join([marker("Started"), *["abort: x"] * 150, marker("Finished")])
    data = step_artifact(log.encode())["step_data"]
    assert (len(data["steps"][0]["errors"]), data["errors_truncated"]) == (100, True)
    judged = scan(log.encode(), RuleSet((FAMILY,)), "x.log")
    assert judged.finding_count == 150
    assert judged.facts["steps"][0]["error_count"] == 150


@pytest.mark.parametrize(
    ("line", "detail"),
    [
        (
            "TinderboxPrint: <a href='http://x/y'>y.log</a>: uploaded",
            Detail("link", "artifact uploaded", "y.log", "http://x/y"),
        ),
        (
            '12:00 TinderboxPrint: log: <a class="c" href="https://x">text</a>',
            Detail("link", "log", "text", "https://x"),
        ),
        ("TinderboxPrint:rev: http://h/r", Detail("link", "rev", "http://h/r", "http://h/r")),
        ("TinderboxPrint: a<br/>1/<b>2</b><br/>", Detail("raw_html", "a", "1/<b>2</b><br/>")),
        (
            'TinderboxPrint:<a href=http://h title="Built">rev</a>',
            Detail("raw_html", "Built", "rev", "http://h"),
        ),
        ("TinderboxPrint: s: slave 1", Detail("raw_html", None, "s: slave 1")),
        ("nothing", None),
    ],
)
def test_a_line_on_the_job_has_one_of_six_forms(line: str, detail: Detail | None) -> None:
    assert detail_of(line) == detail


@pytest.mark.parametrize(
    ("head", "claimed"),
    [
        ("[taskcluster 2025-01-01 00:00:00.000Z] Task ID: x", True),
        ("x\r12:00:01     INFO - hello", True),
        ("[task 2025-01-01T00:00:00.000Z] 12:00:01  WARNING - hello", True),
        (marker("Started"), True),
        ("12:00:01 INFO - hello", False),
        ("see [taskcluster 2025", False),
        ("{}", False),
    ],
)
def test_a_log_of_mozillas_is_known_by_its_beginning(head: str, claimed: bool) -> None:
    assert claims("live_backing.log", head.encode()) is claimed


def test_what_the_harness_calls_fatal_is_critical() -> None:
    log = "12:00:01     INFO - x\n12:00:01    FATAL - y\n12:00:02    ERROR - z\nPROCESS-CRASH | a\n"
    judged = scan(log.encode(), RuleSet((FAMILY,)), "x.log")
    assert [(f.rule, f.level) for f in judged.findings] == [
        ("mozharness/level", "CRITICAL"),
        ("mozharness/level", "ERROR"),
        ("mozharness/crash", "CRITICAL"),
    ]


def test_a_hostile_line_takes_no_time() -> None:
    line = b"[" + b"2020-I Gecko " * 50_000 + b"PERFHERDER_DATA"
    assert len(shown_text(line)) == len(line)
    assert texts_of(b"[taskcluster 2020-\n" + line + b" fatal error") != []


def test_the_family_is_among_the_built_in_ones() -> None:
    assert FAMILY in built_in().families
    assert not built_in().faults
