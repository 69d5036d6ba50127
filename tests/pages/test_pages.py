"""What pages say: sentences, order, links, caps, states of their own."""

import itertools
import json
from dataclasses import replace
from pathlib import Path

import jsonschema
import pytest
from browser import records
from hypothesis import given
from hypothesis import strategies as st

from mtsite import rollup, urls
from mtsite.build.theme import Theme
from mtsite.model import (
    Finding,
    LogRecord,
    Run,
    RunFacts,
    RunKey,
    RunRecord,
    RunSummary,
    State,
    Status,
    Test,
    TestFacts,
    TestMeta,
    TestRecord,
)
from mtsite.pages import (
    area,
    failures,
    gone,
    history,
    index,
    log,
    month,
    notfound,
    place,
    redirect,
    run,
    target,
    test,
)
from mtsite.pages.page import Grid, GridRow, NodeSummary, SiteFrame, Stretch, crumbs_to
from mtsite.pages.twin import gone_twin

FRAME = SiteFrame("Nightly")
THEME = Theme()
SCHEMA = json.loads((Path(__file__).parents[2] / "docs/schemas/run-1.json").read_text("utf-8"))


@pytest.fixture(scope="module")
def night() -> records.Night:
    return records.Night()


def _run_context(one: records.Night, **changed: object) -> dict[str, object]:
    shown = {"summary": one.summary, "facts": one.facts, "record": one.record} | changed
    return run.context(
        FRAME,
        one.run,
        one.verdicts,
        shown["record"],  # type: ignore[arg-type]
        shown["facts"],  # type: ignore[arg-type]
        shown["summary"],  # type: ignore[arg-type]
        "",
    )


def _text(pieces: object) -> str:
    assert isinstance(pieces, tuple)
    return "".join(piece[0] for piece in pieces)


def _test_context(one: records.Night, name: tuple[str, str]) -> dict[str, object]:
    at = [each.name for each in one.run.tests].index(name)
    return test.context(FRAME, one.run, at, one.verdicts, one.records[name], one.facts)


def test_run_sentence_names_the_run_compared_and_what_moved(night: records.Night) -> None:
    sentence = _text(_run_context(night)["sentence"])
    s = night.summary
    assert sentence.startswith("31 of 435 tests went wrong: ")
    assert f"Against ww47.4: {s.new} new, {s.still} still failing, {s.fixed} fixed." in sentence


def test_run_sentence_without_an_earlier_run_says_so(night: records.Night) -> None:
    sentence = _text(_run_context(night, facts=RunFacts())["sentence"])
    assert sentence.endswith("No previous run of this target to compare with.")


def test_run_sentence_keeps_running_and_not_run_apart(night: records.Night) -> None:
    summary = replace(night.summary, counts={"P": 3, "R": 2, "N": 5}, verdict="R")
    sentence = _text(_run_context(night, summary=summary)["sentence"])
    assert "None of 10 tests went wrong so far." in sentence
    assert "Still running: 3 of 10 ended." in sentence
    summary = replace(night.summary, counts={"P": 3, "N": 5}, verdict="P")
    assert "5 not run." in _text(_run_context(night, summary=summary)["sentence"])


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
    return run.context(FRAME, whole, list(now), RunRecord(key, ("k",)), facts, summary, "")


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
    assert _text(_two_runs(past, now)["sentence"]).endswith(said)


def test_run_that_lost_tests_does_not_call_the_run_before_good() -> None:
    said = _text(_two_runs("PP", "PP", vanished=True)["sentence"])
    assert said.endswith("Against r1: nothing new, nothing fixed.")


def test_run_in_flight_took_so_far() -> None:
    page = THEME.render(run.TEMPLATE, _two_runs("PP", "RP")).decode()
    assert "<dt>so far</dt>" in page
    assert "Nothing went wrong so far." in page


def test_run_without_tests_has_a_page(night: records.Night) -> None:
    empty = Run(night.key, records.KEYS, State("n/a"), Status("n/a"), "", "", "", None)
    summary = replace(night.summary, counts={}, verdict="N", failures=(), event_time=None)
    shown = run.context(
        FRAME, empty, [], RunRecord(night.key, records.KEYS), RunFacts(), summary, ""
    )
    page = THEME.render(run.TEMPLATE, shown).decode()
    assert page.count("This run has no tests.") >= 2


def test_failures_come_new_first_and_repeat_no_line(night: records.Night) -> None:
    rows = _run_context(night)["failures"]
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
    page = THEME.render(run.TEMPLATE, _run_context(night)).decode()
    assert "4 of 31 shown; the rest is in the" in page


def test_every_counted_test_is_linked_from_the_run_page(night: records.Night) -> None:
    page = THEME.render(run.TEMPLATE, _run_context(night)).decode()
    path = urls.run_page(night.key)
    for one in night.run.tests:
        assert f'href="{urls.relative(path, urls.test_page(night.key, one.name))}"' in page


def test_states_of_their_own_are_never_folded_into_pass_or_fail(night: records.Night) -> None:
    sections = _run_context(night)["sections"]
    assert isinstance(sections, tuple)
    assert [s["word"] for s in sections] == ["check", "waived", "warn", "skip", "pass"]
    words_seen = {row["word"] for row in _run_context(night)["failures"]}  # type: ignore[attr-defined]
    assert words_seen == {"abort", "blocked", "killed", "fail", "dead"}


def test_host_stands_out_with_its_share(night: records.Night) -> None:
    tests = tuple(
        replace(one, host="lnx99") if verdict == "F" else replace(one, host="lnx01")
        for one, verdict in zip(night.run.tests, night.verdicts, strict=True)
    )
    shown = run.context(
        FRAME,
        replace(night.run, tests=tests),
        night.verdicts,
        night.record,
        night.facts,
        night.summary,
        "",
    )
    assert shown["hosts"] == (("lnx99", "26 of 26 went wrong, elsewhere 5 of 409"),)


def test_next_run_is_linked(night: records.Night) -> None:
    shown = run.context(
        FRAME, night.run, night.verdicts, night.record, night.facts, night.summary, "ww48.1"
    )
    assert shown["next_run"] == ("ww48.1", "../ww48.1/index.html")
    assert shown["previous_run"] == ("ww47.4", "../ww47.4/index.html")


def test_where_the_rows_lie_changes_no_page(night: records.Night) -> None:
    moved = replace(night.summary, home="archive_2026")
    assert _run_context(night) == _run_context(night, summary=moved)
    pair = [
        run.twin(night.run, night.verdicts, night.record, night.facts, s)
        for s in (night.summary, moved)
    ]
    assert pair[0] == pair[1]


def test_test_page_says_since_when(night: records.Night) -> None:
    shown = _test_context(night, ("pcie_retry_smoke", ""))
    since = "Going wrong since ww46.4, 7 runs now; last good in ww46.3."
    assert _text(shown["since"]) == since
    assert shown["since"][1] == ("ww46.4", "../../ww46.4/pcie_retry_smoke/index.html")  # type: ignore[index]


def test_test_page_of_a_new_failure_names_the_good_run(night: records.Night) -> None:
    shown = _test_context(night, ("ddr_train_smoke", ""))
    assert _text(shown["since"]) == "New in this run: it was good in ww47.4."


def test_test_page_without_facts_says_so(night: records.Night) -> None:
    at = 5
    one = night.run.tests[at]
    shown = test.context(FRAME, night.run, at, night.verdicts, night.records[one.name], RunFacts())
    assert _text(shown["since"]) == "No earlier run of this target to compare with."
    assert shown["strip"] == ()


def test_strip_links_each_run_that_had_the_test(night: records.Night) -> None:
    name = next(n for n, s in night.strips.items() if s.startswith("." * 22) and not n[1])
    strip = _test_context(night, name)["strip"]
    assert isinstance(strip, tuple)
    assert [bool(cell[2]) for cell in strip] == [False] * 22 + [True] * 7
    path = urls.test_page(night.key, name)
    for cell, runname in zip(strip[22:], night.window[22:], strict=False):
        there = urls.test_page(replace(night.key, runname=runname), name)
        assert cell[2] == urls.relative(path, there)


def test_strip_of_a_very_long_name_links_to_where_it_lies(night: records.Night) -> None:
    name = ("deep", "/".join(["part" * 20] * 11))
    one = replace(night.run.tests[0], testname=name[0], item_path=name[1])
    facts = replace(night.facts, tests={name: night.facts.tests[night.run.tests[0].name]})
    whole = replace(night.run, tests=(one,))
    shown = test.context(FRAME, whole, 0, ["F"], None, facts)
    assert len(urls.test_page(night.key, name)) <= urls.PATH_BYTES
    path = urls.test_page(night.key, name)
    for cell, runname in zip(shown["strip"], night.window, strict=False):  # type: ignore[call-overload]
        there = urls.test_page(replace(night.key, runname=runname), name)
        assert cell[2] == urls.relative(path, there)
    THEME.render(test.TEMPLATE, shown)


def test_shared_place_changes_nothing(night: records.Night) -> None:
    shared = place.RunPlace(FRAME, night.run, night.verdicts, night.facts)
    for at in (0, 7, 200, 380, 436):
        kept = night.records[night.run.tests[at].name]
        alone = test.context(FRAME, night.run, at, night.verdicts, kept, night.facts)
        both = test.context(FRAME, night.run, at, night.verdicts, kept, night.facts, shared)
        assert alone == both


def test_excerpt_lines_link_to_their_lines(night: records.Night) -> None:
    excerpt = _test_context(night, ("pcie_retry_smoke", ""))["excerpt"]
    assert isinstance(excerpt, dict)
    rows = excerpt["rows"]
    first = rows[0][0]
    assert [row[0] for row in rows] == [first, first + 1, first + 2, first + 3]
    assert rows[2][2] == f"_log/sim.log.html#L{first + 2}"


def test_excerpt_of_a_traceback_names_all_its_lines(night: records.Night) -> None:
    one = night.run.tests[0]
    found = Finding("severity", "ERROR", 18, 22, "KeyError: 'x'", "")
    kept = TestRecord(
        *one.name, "F", logs=(LogRecord("a.log", "final", "_blobs/a.log", findings=(found,)),)
    )
    shown = test.context(FRAME, night.run, 0, night.verdicts, kept, RunFacts())
    assert shown["excerpt"]["rows"] == (  # type: ignore[index]
        ("18–22", "KeyError: 'x'", "_log/a.log.html#L18"),
    )


@pytest.mark.parametrize(
    ("letter", "heading"),
    [("P", "Noticed"), ("W", "Noticed"), ("V", "What was waived"), ("F", "What went wrong")],
)
def test_what_a_log_says_is_called_by_the_verdict(
    night: records.Night, letter: str, heading: str
) -> None:
    one = night.run.tests[0]
    found = Finding("severity", "ERROR", 2, 2, "ERROR: x", "")
    kept = TestRecord(*one.name, letter, logs=(LogRecord("a.log", "final", findings=(found,)),))
    whole = replace(night.run, tests=(one,))
    shown = test.context(FRAME, whole, 0, [letter], kept, RunFacts())
    assert f"<h2>{heading}</h2>" in THEME.render(test.TEMPLATE, shown).decode()


def _page_of(one: Test, *logs: LogRecord) -> str:
    whole = replace(records.Night().run, tests=(one,))
    kept = TestRecord(*one.name, "F", one.toplevel, logs)
    shown = test.context(FRAME, whole, 0, ["N"], kept, RunFacts())
    return THEME.render(test.TEMPLATE, shown).decode()


def test_process_is_environment_and_no_attempt(night: records.Night) -> None:
    page = _page_of(replace(night.run.tests[0], attemptnum=44473))
    assert "<dt>process id</dt><dd><bdi>44473</bdi></dd>" in page
    assert "attempt" not in page


def test_test_that_did_not_start_claims_no_time_and_no_place(night: records.Night) -> None:
    waiting = replace(
        night.run.tests[0],
        state=State("NOT_STARTED"),
        status=Status("n/a"),
        run_duration=0,
        rundir="/tmp/badname",
    )
    page = _page_of(waiting, LogRecord("", "rundir", note="never had a run directory"))
    assert "It did not start, so there is no log." in page
    assert "/tmp/badname" not in page
    assert "<dt>started</dt><dd>–</dd>" in page
    assert "<dt>took</dt><dd>–</dd>" in page


def test_note_on_the_run_directory_is_a_sentence_and_no_file(night: records.Night) -> None:
    lost = LogRecord("", "rundir", note="run directory is gone")
    page = _page_of(night.run.tests[0], lost)
    assert "Run directory is gone." in page
    assert 'class="logs"' not in page
    page = _page_of(night.run.tests[0], lost, LogRecord("a.log", "final", "_blobs/a.log"))
    assert "Logs &amp; files <small>1</small>" in page


def test_sum_of_items_points_to_them_for_logs(night: records.Night) -> None:
    assert "Logs stand on the pages of its items." in _page_of(
        replace(night.run.tests[0], toplevel=True)
    )


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


def test_data_out_of_tolerance_comes_first(night: records.Night) -> None:
    shown = _test_context(night, ("synth_sweep", "corner=ss,v=0.65"))
    data = shown["data"]
    assert isinstance(data, tuple)
    assert [row["word"] for row in data] == ["fail", "pass", "pass", "pass", "not judged"]
    assert (shown["data_total"], shown["data_bad"]) == (5, 1)


def test_toplevel_row_lists_its_items_worst_first(night: records.Night) -> None:
    shown = _test_context(night, ("synth_sweep", ""))
    items = shown["items"]
    assert isinstance(items, tuple)
    assert shown["items_total"] == 18
    assert [row[2] for row in items[:3]] == ["fail", "fail", "pass"]
    assert items[0][4] == "corner=ss,v=0.65/index.html"


def test_log_that_was_not_read_says_why(night: records.Night) -> None:
    page = THEME.render(test.TEMPLATE, _test_context(night, ("alu_add_smoke", ""))).decode()
    assert "leaves the run directory by a symbolic link: not read" in page


def test_description_is_markdown_without_html(night: records.Night) -> None:
    meta = {"alu_add_smoke": TestMeta(description="**hi** <script>x</script> [a](javascript:x)")}
    changed = replace(night.run, meta=meta)
    at = [one.name for one in changed.tests].index(("alu_add_smoke", ""))
    shown = test.context(FRAME, changed, at, night.verdicts, None, night.facts)
    page = THEME.render(test.TEMPLATE, shown).decode()
    assert "<strong>hi</strong> &lt;script&gt;" in page
    assert 'href="javascript' not in page


def test_index_lists_the_worst_first_and_the_unreadable(night: records.Night) -> None:
    shown = index.context(FRAME, records.nodes(night))
    rows = shown["rows"]
    assert isinstance(rows, tuple)
    assert [row["name"] for row in rows[:3]] == ["chipyard", "firmware", "webstack"]
    assert {row["name"]: row["word"] for row in rows}["lab_bench"] == "not read"
    assert "file is encrypted" in THEME.render(index.TEMPLATE, shown).decode()


def test_satellite_without_runs_of_its_own_says_what_it_holds(night: records.Night) -> None:
    node = NodeSummary("Old", (), ("k",), 0, {}, "N", None, satellite_of="Chip", held=45)
    (row,) = index.context(FRAME, [node])["rows"]  # type: ignore[misc]
    assert (row["word"], row["sentence"], row["runs"]) == (
        "archive",
        "Holds 45 runs of Chip.",
        "45 runs",
    )
    born = replace(night.summary, key=replace(night.key, area="Chip"))
    shown = area.context(FRAME, node, [], [born], [])
    page = THEME.render(area.TEMPLATE, shown).decode()
    assert "Holds 45 runs of Chip, each at the address where it was born." in page
    assert "1 of 45" in page
    assert f'href="../{urls.run_page(born.key)}"' in page
    assert "Chip/" in page
    assert "Nothing lies below yet" not in page
    assert "No runs yet" not in page


def test_index_row_of_a_run_in_flight_says_how_far_it_is(night: records.Night) -> None:
    newest = replace(night.summary, counts={"F": 1, "P": 2, "R": 3}, new=0, still=1, fixed=0)
    node = records.node(records.AREA, (), newest)
    (row,) = index.context(FRAME, [node])["rows"]  # type: ignore[misc]
    assert row["sentence"] == "ww47.5: 1 still failing · still running: 3 of 6 ended"


def test_index_of_nothing_says_what_to_do() -> None:
    page = THEME.render(index.TEMPLATE, index.context(FRAME, [])).decode()
    assert "mtsite init AREA_DIR" in page


def test_grid_joins_good_runs_and_links_each_bad_one(night: records.Night) -> None:
    runs = tuple(records.past(night)[1:7])
    grid = Grid(runs, (GridRow(("a", ""), "FFPPP."), GridRow(("b", "x/y"), "PPPPPP")), 3)
    node = records.node(records.AREA, records.TARGET, runs[0])
    shown = target.context(FRAME, node, runs, grid, [("2026-11", 6)])
    cells = shown["loud"][0][3]  # type: ignore[index]
    assert [(c[0], c[2], bool(c[3])) for c in cells] == [
        ("F", 1, True),
        ("F", 1, True),
        ("P", 3, False),
        ("x", 1, False),
    ]
    assert shown["calm"][0][:3] == ("b", "x/y", "_tests/b/x/y/index.html")  # type: ignore[index]
    assert (shown["grid_hidden"], shown["grid_total"]) == (3, "5")
    assert "2 of 5 tests are shown" in THEME.render(target.TEMPLATE, shown).decode()


def test_grid_counts_no_change_where_nothing_was_judged(night: records.Night) -> None:
    runs = tuple(records.past(night)[1:7])
    rows = (
        GridRow(("a", ""), "RPPPPP"),
        GridRow(("b", ""), "NFFFFF"),
        GridRow(("c", ""), "FPPPPP"),
    )
    node = records.node(records.AREA, records.TARGET, runs[0])
    shown = target.context(FRAME, node, runs, Grid(runs, rows, 0), [])
    assert shown["grid_changed"] == "1 test"


def test_grid_is_a_table_with_scopes_and_a_caption(night: records.Night) -> None:
    node = records.node(records.AREA, records.TARGET, night.summary)
    shown = target.context(FRAME, node, records.past(night), records.grid(night), [])
    page = THEME.render(target.TEMPLATE, shown).decode()
    grid = page[page.index('<table class="run-grid"') :]
    grid = grid[: grid.index("</table>")]
    assert "<caption" in grid
    assert grid.count('<th scope="col"') == 31
    assert grid.count('<th scope="row"') == 150


def test_month_and_history_use_only_names_of_their_node(night: records.Night) -> None:
    one = records.node(records.AREA, records.TARGET, night.summary)
    bare = NodeSummary(one.area, one.values, one.keys, 0, {}, "N", None)
    runs = records.past(night)
    assert month.context(FRAME, one, "2026-11", runs) == month.context(FRAME, bare, "2026-11", runs)
    stretches = records.stretches(night)
    name = ("pcie_retry_smoke", "")
    pair = [history.context(FRAME, n, name, stretches) for n in (one, bare)]
    assert pair[0] == pair[1]


def test_history_of_an_open_stretch_says_since(night: records.Night) -> None:
    node = records.node(records.AREA, records.TARGET, night.summary)
    shown = history.context(FRAME, node, ("a", ""), [Stretch("F", "ww31.2", records.NOW)])
    assert shown["lead"] == "Fail since ww31.2."
    assert "going on" in THEME.render(history.TEMPLATE, shown).decode()


def test_area_page_shows_its_problems(night: records.Night) -> None:
    node = records.node(records.AREA, (), None)
    page = THEME.render(area.TEMPLATE, area.context(FRAME, node, [], [], ["the disk is gone"]))
    assert b"the disk is gone" in page


def test_redirect_leads_by_refresh_and_by_link() -> None:
    frame = replace(FRAME, base_url="https://runs.example/")
    shown = redirect.context(frame, "a/t/latest.html", "a/t/r~20/index.html", "r <1>")
    page = THEME.render(redirect.TEMPLATE, shown).decode()
    assert '<meta http-equiv="refresh" content="0; url=r~20/index.html">' in page
    assert '<a href="r~20/index.html"><bdi>r &lt;1&gt;</bdi></a>' in page
    assert '<link rel="canonical" href="https://runs.example/a/t/r~20/index.html">' in page


def test_gone_run_says_why_and_what_remains(night: records.Night) -> None:
    record = replace(night.record, summary=night.summary, gone="expired by rule rows = 180d")
    page = THEME.render(gone.TEMPLATE, gone.context(FRAME, record)).decode()
    assert "Expired by rule rows = 180d." in page
    assert "31 of 435 tests went wrong" in page
    stub = gone.test_context(FRAME, record, ("pcie_retry_smoke", ""))
    page = THEME.render(gone.TEMPLATE, stub).decode()
    assert 'href="_log/sim.log.html"' in page


def test_log_page_links_findings_and_neighbours(night: records.Night) -> None:
    kept = night.records[("pcie_retry_smoke", "")]
    names = ["sim.log", "build.log"]
    shown = log.context(
        FRAME,
        night.key,
        ("pcie_retry_smoke", ""),
        rollup.Verdict.FAIL,
        kept.logs[0],
        b"one\ntwo\n",
        siblings=names,
    )
    assert shown["after"] == ("build.log", "build.log.html")
    assert shown["before"] is None
    page = THEME.render(log.TEMPLATE, shown).decode()
    assert "<div id=L2><a href=#L2>2</a>two</div>" in page
    first = kept.logs[0].findings[0].first_line
    assert f'<a href="#L{first}">' in page


@pytest.mark.parametrize("item", ["", "x", "x/y/z", "/".join(["part" * 20] * 11)])
def test_links_of_a_log_page_lead_where_they_say(night: records.Night, item: str) -> None:
    name = ("deep", item)
    kept = LogRecord("a.log", "final", "_blobs/ab/abc.log")
    for key in (night.key, replace(night.key, runname="other")):
        path = urls.log_page(key, name, kept.name)
        shown = log.context(FRAME, key, name, rollup.Verdict.PASS, kept, b"", keys=records.KEYS)
        crumbs = crumbs_to(path, key.area, key.target, records.KEYS)
        crumbs.append((key.runname, urls.relative(path, urls.run_page(key)), "run"))
        test_page = urls.relative(path, urls.test_page(key, name))
        crumbs.append((place.test_label(name), test_page, "test"))
        assert shown["crumbs"] == tuple(crumbs)
        assert shown["raw"] == urls.relative(path, kept.blob)
        assert shown["home"] == urls.relative(path, urls.index_page())


def test_missing_page_starts_its_links_at_the_sites_address() -> None:
    frame = replace(FRAME, base_url="https://runs.example/sub/")
    assert notfound.context(frame)["assets"] == "https://runs.example/sub/_assets/v1"
    assert notfound.context(FRAME)["assets"] == "_assets/v1"


def test_noindex_unless_the_site_says_otherwise() -> None:
    pages = [
        THEME.render(notfound.TEMPLATE, notfound.context(replace(FRAME, noindex=flag)))
        for flag in (True, False)
    ]
    assert b'<meta name="robots" content="noindex">' in pages[0]
    assert b"robots" not in pages[1]


def test_every_ancestor_is_one_click_away(night: records.Night) -> None:
    path = urls.test_page(night.key, ("synth_sweep", "corner=ss,v=0.65"))
    crumbs = crumbs_to(path, records.AREA, records.TARGET, records.KEYS)
    assert [crumb[0] for crumb in crumbs] == [records.AREA, *records.TARGET]
    assert [crumb[2] for crumb in crumbs] == ["area", *records.KEYS]
    shown = _test_context(night, ("synth_sweep", "corner=ss,v=0.65"))
    assert shown["crumbs"][-1] == ("ww47.5", "../../index.html", "run")  # type: ignore[index]


@pytest.mark.parametrize("hostile", [False, True])
def test_twin_keeps_its_schema(hostile: bool) -> None:
    one = records.Night(seed=5, hostile=hostile)
    made = run.twin(one.run, one.verdicts, one.record, one.facts, one.summary)
    text = json.dumps(made, allow_nan=False)
    jsonschema.validate(json.loads(text), SCHEMA)
    assert len(made["tests"]) == len(one.run.tests)  # type: ignore[arg-type]
    assert not any(0xD800 <= ord(c) <= 0xDFFF for c in json.dumps(made, ensure_ascii=False))


def test_twin_of_a_gone_run_keeps_the_schema(night: records.Night) -> None:
    jsonschema.validate(gone_twin(replace(night.record, gone="expired")), SCHEMA)
    whole = replace(night.record, gone="expired", summary=night.summary, facts=night.facts)
    made = gone_twin(whole)
    jsonschema.validate(made, SCHEMA)
    assert len(made["gone_tests"]) == len(night.records)  # type: ignore[arg-type]


def test_schema_refuses_what_is_not_a_run(night: records.Night) -> None:
    made = run.twin(night.run, night.verdicts, night.record, night.facts, night.summary)
    made["verdict"] = "X"
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(made, SCHEMA)


_ANY = st.text(st.characters(codec=None), max_size=40)


@given(_ANY, _ANY, _ANY, st.integers(-(2**62), 2**62))
def test_any_text_gives_a_page_without_markup_of_its_own(
    name: str, item: str, comment: str, when: int
) -> None:
    one = Test(
        testname=f"<i>{name}",
        item_path=f"<i>{item}",
        state=State("COMPLETED"),
        status=Status(f"<i>{comment}"),
        host=f"<i>{comment}",
        uname=comment,
        cpuload=float("inf"),
        diskfree=when,
        rundir=comment,
        shortdir="",
        final_logf=comment,
        run_duration=when,
        comment=f"<i>{comment}\n{name}",
        event_time=when,
        attemptnum=when,
        archived=1,
    )
    key = RunKey(f"a{name}", (f"<i>{item}",), f"<i>{comment}")
    whole = Run(key, ("k",), one.state, one.status, name, "", comment, when, (one,))
    shown = test.context(FRAME, whole, 0, ["F"], None, RunFacts())
    page = THEME.render(test.TEMPLATE, shown)
    assert b"<i>" not in page
    page.decode("utf-8")
