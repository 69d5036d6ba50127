"""The list of failures on a run page: order, links, cap, silence."""

import itertools
from dataclasses import replace

import pytest
from browser import records
from pages.shown import THEME, context_of_run

from mtsite.model import RunFacts, RunRecord, State, Status
from mtsite.pages import failures, run


def test_failures_come_new_first_and_repeat_no_line(night: records.Night) -> None:
    rows = context_of_run(night)["failures"]
    assert isinstance(rows, tuple)
    changes = [row["change"] for row in rows]
    assert changes == sorted(changes, key=["new", "flaky", "still", ""].index)
    dittos = [row for row in rows if row["ditto"]]
    assert dittos
    for above, row in itertools.pairwise(rows):
        assert row["ditto"] == (row["line"] == above["line"])


def test_failures_link_to_the_line_of_the_log(night: records.Night) -> None:
    rows = failures.rows(
        night.run, [str(v) for v in night.verdicts], night.record, night.facts, night.summary
    )
    linked = [row for row in rows if row["line_href"]]
    assert linked
    assert all("/_log/sim.log.html#L1" in str(row["line_href"]) for row in linked)


def test_failures_beyond_the_cap_are_announced(
    night: records.Night, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(failures, "MAX_ROWS", 4)
    page = THEME.render(run.TEMPLATE, context_of_run(night)).decode()
    assert "4 of 31 shown; the rest is in the" in page


def test_failure_without_a_line_says_why(night: records.Night) -> None:
    blocked = replace(
        night.run.tests[0],
        state=State("NOT_STARTED"),
        status=Status("PREQ_FAIL"),
        comment="",
        run_duration=0,
    )
    silent = replace(blocked, testname="silent", state=State("COMPLETED"), status=Status("FAIL"))
    whole = replace(night.run, tests=(blocked, silent))
    record = RunRecord(night.key, records.KEYS)
    summary = replace(night.summary, failures=())
    rows = failures.rows(whole, ["B", "F"], record, RunFacts(), summary)
    said = {row["testname"]: (row["silence"], row["took"]) for row in rows}
    assert said[blocked.testname] == ("did not start: a test that it waits for went wrong", "")
    assert said["silent"][0] == "no log was found"
