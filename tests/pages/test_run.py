"""Run pages: the sentence on top, sections by verdict, hosts, neighbours."""

import pytest
from browser import records
from msgspec.structs import replace
from pages.shown import THEME, context_of, context_of_run, failing_rows, joined

from mtsite import rollup, urls
from mtsite.model import Run, RunFacts, RunKey, RunRecord, RunSummary, State, Status, TestFacts
from mtsite.pages import run


def test_run_sentence_names_the_run_compared_and_what_moved(night: records.Night) -> None:
    sentence = joined(context_of_run(night)["sentence"])
    s = night.summary
    assert sentence.startswith("31 of 435 tests went wrong: ")
    assert f"Against ww47.4: {s.new} new, {s.still} still failing, {s.fixed} fixed." in sentence


def test_run_sentence_without_an_earlier_run_says_so(night: records.Night) -> None:
    sentence = joined(context_of_run(night, facts=RunFacts())["sentence"])
    assert sentence.endswith("No previous run of this target to compare with.")


def test_run_sentence_keeps_running_and_not_run_apart(night: records.Night) -> None:
    summary = replace(night.summary, counts={"P": 3, "R": 2, "N": 5}, verdict="R")
    sentence = joined(context_of_run(night, summary=summary)["sentence"])
    assert "None of 10 tests went wrong so far." in sentence
    assert "Still running: 3 of 10 ended." in sentence
    summary = replace(night.summary, counts={"P": 3, "N": 5}, verdict="P")
    assert "5 not run." in joined(context_of_run(night, summary=summary)["sentence"])


def _two_runs(past: str, now: str, *, vanished: bool = False) -> dict[str, object]:
    """A run of tests with the verdicts `now` whose previous run had `past`."""
    key = RunKey("a", ("t",), "r2")
    states = {"P": ("COMPLETED", "PASS"), "F": ("COMPLETED", "FAIL"), "R": ("RUNNING", "n/a")}
    states |= {"S": ("COMPLETED", "SKIP"), "N": ("NOT_STARTED", "n/a")}
    base = records.Night().run.tests[0]
    tests = tuple(
        replace(base, testname=f"t{i}", state=State(states[v][0]), status=Status(states[v][1]))
        for i, v in enumerate(now)
    )
    whole = Run(key, ("k",), State("new"), Status("n/a"), "", "", "", 0, tests)
    changes = {"FF": "still", "PF": "new", "FP": "fixed"}
    found = {
        test.name: TestFacts(strip=before + letter, change=changes.get(before + letter, ""))
        for test, before, letter in zip(tests, past, now, strict=True)
    }
    lost = (("gone", ""),) if vanished else ()
    counted = [changes[b + n] for b, n in zip(past, now, strict=True) if b + n in changes]
    summary = RunSummary(
        key,
        0,
        9,
        "",
        "",
        "",
        State("new"),
        Status("n/a"),
        rollup.count(whole, [rollup.Verdict(v) for v in now]),
        "P",
        new=counted.count("new"),
        still=counted.count("still"),
        fixed=counted.count("fixed"),
    )
    facts = RunFacts(("r1", "r2"), "r1", "", found, vanished=lost)
    record = RunRecord(key, ("k",))
    return context_of(run.Shown(whole, list(now), record, facts, summary, {}))


@pytest.mark.parametrize(
    ("past", "now", "said"),
    [
        ("PP", "PP", "All 2 tests passed. Nothing went wrong in r1 either."),
        ("PF", "PF", "Against r1: 1 still failing."),
        (
            "FF",
            "RF",
            "Against r1: 1 still failing, 1 that went wrong there without a verdict here.",
        ),
        ("FP", "RP", "Against r1: 1 that went wrong there without a verdict here."),
        ("FP", "SP", "Against r1: 1 that went wrong there without a verdict here."),
        ("PP", "RP", "Still running: 1 of 2 ended. Against r1: nothing new, nothing fixed."),
    ],
)
def test_run_sentence_claims_nothing_that_the_counts_deny(past: str, now: str, said: str) -> None:
    assert joined(_two_runs(past, now)["sentence"]).endswith(said)


def test_run_that_lost_tests_does_not_call_the_run_before_good() -> None:
    said = joined(_two_runs("PP", "PP", vanished=True)["sentence"])
    assert said.endswith("Against r1: nothing new, nothing fixed.")


def test_run_in_flight_took_so_far() -> None:
    page = THEME.render(run.TEMPLATE, _two_runs("PP", "RP")).decode()
    assert "<dt>so far</dt>" in page
    assert "Nothing went wrong so far." in page


def test_run_without_tests_has_a_page(night: records.Night) -> None:
    empty = Run(night.key, records.KEYS, State("n/a"), Status("n/a"), "", "", "", None)
    summary = replace(night.summary, counts={}, verdict="N", failures=(), event_time=None)
    record = RunRecord(night.key, records.KEYS)
    shown = context_of(run.Shown(empty, [], record, RunFacts(), summary, {}))
    page = THEME.render(run.TEMPLATE, shown).decode()
    assert page.count("This run has no tests.") >= 2


def test_every_counted_test_is_linked_from_the_run_page(night: records.Night) -> None:
    page = THEME.render(run.TEMPLATE, context_of_run(night)).decode()
    path = urls.run_page(night.key)
    for one in night.run.tests:
        assert f'href="{urls.relative(path, urls.test_page(night.key, one.name))}"' in page


def test_states_of_their_own_are_never_folded_into_pass_or_fail(night: records.Night) -> None:
    sections = context_of_run(night)["sections"]
    assert isinstance(sections, tuple)
    assert [s["word"] for s in sections] == ["check", "waived", "warn", "skip", "pass"]
    words_seen = {row.word for row in failing_rows(night)}
    assert words_seen == {"abort", "blocked", "killed", "fail", "dead"}


def test_host_stands_out_with_its_share(night: records.Night) -> None:
    tests = tuple(
        replace(one, host="lnx99") if verdict == "F" else replace(one, host="lnx01")
        for one, verdict in zip(night.run.tests, night.verdicts, strict=True)
    )
    shown = context_of_run(night, run=replace(night.run, tests=tests))
    ((name, href, said),) = shown["hosts"]
    assert (name, said) == ("lnx99", "26 of 26 went wrong, elsewhere 5 of 409")
    assert href.endswith("/_hosts/lnx99/index.html")


def test_next_run_is_linked(night: records.Night) -> None:
    shown = context_of_run(night, next_run="ww48.1")
    assert shown["next_run"] == ("ww48.1", "../ww48.1/index.html")
    assert shown["previous_run"] == ("ww47.4", "../ww47.4/index.html")


def test_where_the_rows_lie_changes_no_page(night: records.Night) -> None:
    moved = replace(night.summary, home="archive_2026")
    assert context_of_run(night) == context_of_run(night, summary=moved)
    pair = [
        run.twin(night.run, night.verdicts, night.record, night.facts, s)
        for s in (night.summary, moved)
    ]
    assert pair[0] == pair[1]
