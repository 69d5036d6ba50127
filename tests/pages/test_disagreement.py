"""Where the database, the steps and the logs say different things of a test."""

import pytest
from browser import records
from msgspec.structs import replace
from pages.shown import FRAME, THEME, context_of_run

from mtsite.model import Finding, LogRecord, RunFacts, Status, Step, Test, TestDatum, TestRecord
from mtsite.pages import disagreement, test
from mtsite.pages.place import RunPlace
from mtsite.pages.twin import twin

CRASH = Finding("crash/segfault", "CRITICAL", 12, 12, "Segmentation fault", "x")


def log(*findings: Finding, **rest: object) -> LogRecord:
    given: dict[str, object] = {"lines": 100, "blob": "_blobs/ab/x.log"} | rest
    made = LogRecord("sim.log", "final", findings=findings, finding_count=len(findings))
    return replace(made, **given)  # type: ignore[arg-type]


def a_test(night: records.Night, status: str = "PASS", **rest: object) -> Test:
    one = replace(night.run.tests[0], testname="t", item_path="", toplevel=False, data=(), steps=())
    return replace(one, status=Status(status), **rest)  # type: ignore[arg-type]


def found(
    night: records.Night, letter: str, *logs: LogRecord, **rest: object
) -> list[tuple[str, str, str]]:
    one = a_test(night, **rest)
    told = disagreement.of_test(night.key, one, letter, logs)
    return [(each.kind, each.other, each.other_says) for each in told]


def test_a_crash_in_the_log_of_a_test_that_passed_is_told(night: records.Night) -> None:
    assert found(night, "P", log(CRASH)) == [("log", "sim.log, line 12", "Segmentation fault")]


@pytest.mark.parametrize("letter", ["F", "A", "K", "V", "S", "R", "N"])
def test_a_test_that_did_not_pass_contradicts_no_crash(letter: str, night: records.Night) -> None:
    assert found(night, letter, log(CRASH)) == []


@pytest.mark.parametrize(
    ("rule", "level", "line", "fatal"),
    [
        ("sanitizer/address", "CRITICAL", 5, True),
        ("site/licence", "CRITICAL", 5, True),
        ("pytest/summary", "ERROR", 5, True),
        ("uvm/error", "ERROR", 5, True),
        ("python/traceback", "ERROR", 99, True),
        ("make/failed", "ERROR", 98, True),
        ("python/traceback", "ERROR", 50, False),
        ("compiler/error", "ERROR", 97, False),
        ("compiler/warning", "WARNING", 100, False),
        ("severity/critical", "CRITICAL", 100, False),
        ("severity/error", "ERROR", 100, False),
        ("logpro/error", "ERROR", 100, False),
    ],
)
def test_only_what_can_hardly_be_true_of_a_good_test_is_fatal(
    rule: str, level: str, line: int, fatal: bool, night: records.Night
) -> None:
    one = Finding(rule, level, line, line, "x", "x")
    assert bool(found(night, "P", log(one))) == fatal


def test_text_speaks_before_html(night: records.Night) -> None:
    annotated = log(CRASH, name="sim.html")
    ((_, other, _),) = found(night, "P", annotated, log(replace(CRASH, first_line=7)))
    assert other == "sim.log, line 7"


@pytest.mark.parametrize(
    ("status", "told"),
    [("1", "exit 1"), ("FAIL", "failed"), ("0", ""), ("PASS", ""), ("WARN", ""), ("n/a", "")],
)
def test_a_failed_step_of_a_good_test_is_told(status: str, told: str, night: records.Night) -> None:
    step = Step("build", 1, 2, Status(status), 1, "build.log", "")
    seen = found(night, "P", steps=(step,))
    assert [(kind, other) for kind, other, _ in seen] == [("step", "step build")] * bool(told)


def test_logpro_that_fails_a_good_test_is_told(night: records.Night) -> None:
    summary = log(name="sim.html", dialect="logpro", facts={"status": "FAIL"})
    assert found(night, "P", summary) == [("logpro", "logpro in sim.html", "FAIL")]
    assert found(night, "P", replace(summary, facts={"status": "WARN"})) == []


def test_a_failure_that_no_log_shows_is_told(night: records.Night) -> None:
    assert found(night, "F", log(), log(name="b")) == [
        ("silent", "2 logs", "no failure line found")
    ]
    assert found(night, "F") == []
    datum = TestDatum("c", "v", 1, 2, 0, "", "", "fail", "")
    assert found(night, "F", log(), data=(datum,)) == []


def test_the_sum_of_items_has_no_sources_of_its_own(night: records.Night) -> None:
    assert found(night, "P", log(CRASH), toplevel=True) == []


def night_with_a_crash(night: records.Night) -> tuple[int, dict[tuple[str, str], TestRecord]]:
    """The first test that passed, and the records of all with a crash in its log."""
    at = next(
        i
        for i, letter in enumerate(night.verdicts)
        if letter == "P" and not night.run.tests[i].toplevel
    )
    name = night.run.tests[at].name
    kept = replace(night.records[name], logs=(log(CRASH),))
    return at, {**night.records, name: kept}


def test_the_run_page_counts_them_and_names_them(night: records.Night) -> None:
    at, kept = night_with_a_crash(night)
    shown = context_of_run(night, record=replace(night.record, tests=kept))
    (group,) = [one for one in shown["differing"] if one["kind"] == "log"]  # type: ignore[attr-defined]
    assert group["says"].endswith(("passes, but its log shows a fatal error", "show fatal errors"))
    assert any(said == "sim.log, line 12: Segmentation fault" for _, _, said in group["tests"])
    html = THEME.render("run.html", shown).decode()
    assert night.run.tests[at].testname in html and "Segmentation fault" in html


def test_the_test_page_shows_both_sources(night: records.Night) -> None:
    at, kept = night_with_a_crash(night)
    record = kept[night.run.tests[at].name]
    shown = test.context(RunPlace(FRAME, night.run, night.verdicts, RunFacts()), at, record)
    html = THEME.render("test.html", shown).decode()
    assert "COMPLETED PASS</bdi>" in html
    assert '_log/sim.log.html#L12"><bdi>Segmentation fault</bdi></a>' in html


def test_the_twin_has_them_and_the_verdict_stays(night: records.Night) -> None:
    at, kept = night_with_a_crash(night)
    record = replace(night.record, tests=kept)
    document = twin(night.run, night.verdicts, record, night.facts, night.summary)
    one = document["tests"][at]  # type: ignore[index]
    assert one["verdict"] == "P"
    assert {"kind": "log", "source": "the database", "says": "COMPLETED PASS"}.items() <= (
        one["disagreements"][-1].items()
    )
