"""The list of failures on a run page: order, folds, links, room, silence."""

import itertools

from browser import records
from msgspec.structs import replace
from pages.shown import THEME, context_of, failing_rows, shown_of

from mtsite.model import RunFacts, RunRecord, State, Status, TestFacts
from mtsite.pages import failures, run, run_list


def groups_of(shown: run.Shown) -> list[tuple[failures.Row, ...]]:
    bad = [one for one in run.tests_of(shown) if one.letter in "DFKBA"]
    return failures.groups(shown.run, bad, shown.record, shown.facts, shown.summary)


def test_failures_come_new_first_then_still_then_flaky(night: records.Night) -> None:
    tags = [row.tag for row in failing_rows(night)]
    assert tags == sorted(tags, key=["new", "still", "flaky", ""].index)


def test_equal_lines_are_said_once(night: records.Night) -> None:
    rows = failing_rows(night)
    assert any(row.ditto for row in rows)
    for above, row in itertools.pairwise(rows):
        assert row.ditto == ((row.same, row.tag) == (above.same, above.tag))


def test_failures_link_to_the_line_of_the_log(night: records.Night) -> None:
    linked = [row for row in failing_rows(night) if row.line_href]
    assert linked
    assert all("/_log/sim.log.html#L1" in row.line_href for row in linked)
    assert linked[0].place == f"sim.log:{linked[0].line_href.partition('#L')[2]}"


def all_with_one_line(night: records.Night) -> run.Shown:
    """A run in which all 437 tests failed with one line."""
    bad = next(one for one in night.records.values() if one.verdict == "F")
    kept = {name: replace(one, logs=bad.logs) for name, one in night.records.items()}
    facts = replace(night.facts, tests={})
    record = replace(night.record, tests=kept)
    verdicts = ["F"] * len(night.verdicts)
    return shown_of(night, verdicts=verdicts, record=record, facts=facts)


def test_many_equal_failures_are_one_row_that_opens(night: records.Night) -> None:
    shown = all_with_one_line(night)
    (only,) = run.divide(shown).failures
    assert len(only.rows) == 1
    assert only.rows[0].alike == 435
    assert only.rest_total == 434
    page = THEME.render(run.TEMPLATE, context_of(shown)).decode()
    assert "<b>434 more</b> with the same line" in page


def test_lines_are_equal_by_their_hash_not_by_their_numbers(night: records.Night) -> None:
    shown = all_with_one_line(night)
    names = [test.name for test in night.run.tests if not test.toplevel][:2]
    other = {}
    for name, masked in zip(names, ("a" * 16, "b" * 16), strict=True):
        log = shown.record.tests[name].logs[0]
        found = replace(log.findings[0], masked=masked)
        other[name] = replace(shown.record.tests[name], logs=(replace(log, findings=(found,)),))
    record = replace(shown.record, tests={**shown.record.tests, **other})
    sizes = [len(group) for group in groups_of(replace(shown, record=record))]
    assert sizes == [433, 1, 1]


def test_new_and_still_failing_with_one_line_stay_apart(night: records.Night) -> None:
    shown = all_with_one_line(night)
    names = [test.name for test in night.run.tests if not test.toplevel]
    changes = {name: TestFacts(change="new" if i % 2 else "still") for i, name in enumerate(names)}
    found = groups_of(replace(shown, facts=RunFacts(tests=changes)))
    assert [(group[0].tag, len(group)) for group in found] == [("new", 217), ("still", 218)]


def test_every_group_is_on_the_page_before_any_fold_is_filled(night: records.Night) -> None:
    found = groups_of(shown_of(night))
    for room in (5_000, 15_000, 25_000):
        shown, count = failures.on_page(found, room)
        assert count == sum(len(one.rows) + len(one.rest) for one in shown) <= 31
        if any(one.rest for one in shown):
            assert len(shown) == len(found)


def test_failures_beyond_the_room_are_announced_with_a_link(night: records.Night) -> None:
    many = replace(
        night.run,
        tests=tuple(
            replace(one, testname=f"{one.testname}_{n}", item_path="", toplevel=False)
            for n in range(10)
            for one in night.run.tests
        ),
    )
    letters = ["F"] * len(many.tests)
    record = RunRecord(night.key, records.KEYS)
    comments = {one.name: one.testname for one in many.tests}
    tests = tuple(replace(one, comment=comments[one.name]) for one in many.tests)
    shown = shown_of(
        night, run=replace(many, tests=tests), verdicts=letters, record=record, facts=RunFacts()
    )
    listed = run.divide(shown)
    page = THEME.render(run.TEMPLATE, context_of(shown)).decode()
    assert listed.failures_total == 4370
    assert f"{listed.failures_shown} of 4370 are on this page" in page
    assert 'href="_p001.html"' in page
    assert sum(len(b.rows) for p in listed.lists if p.letter == p.BAD for b in p.blocks) == 4370
    assert 0.9 * run_list.FAILURES_ROOM < len(page.encode()) < 150_000


def test_failure_without_a_line_says_why(night: records.Night) -> None:
    blocked = replace(
        night.run.tests[0],
        state=State("NOT_STARTED"),
        status=Status("PREQ_FAIL"),
        comment="",
        run_duration=0,
    )
    silent = replace(blocked, testname="silent", state=State("COMPLETED"), status=Status("FAIL"))
    shown = shown_of(
        night,
        run=replace(night.run, tests=(blocked, silent)),
        verdicts=["B", "F"],
        record=RunRecord(night.key, records.KEYS),
        facts=RunFacts(),
        summary=replace(night.summary, failures=()),
    )
    said = {
        row.entry.testname: (row.silence, row.entry.took)
        for group in groups_of(shown)
        for row in group
    }
    assert said[blocked.testname] == ("did not start: a test that it waits for went wrong", "")
    assert said["silent"][0] == "no log was found"
