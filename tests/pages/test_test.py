"""Test pages: since when, strip, excerpt, environment, data, items, any text."""

import pytest
from browser import records
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from pages.shown import FRAME, THEME, context_of_test, joined

from mtsite import urls
from mtsite.model import (
    Finding,
    LogRecord,
    Run,
    RunFacts,
    RunKey,
    State,
    Status,
    Test,
    TestMeta,
    TestRecord,
)
from mtsite.pages import test
from mtsite.pages.place import RunPlace


def test_test_page_says_since_when(night: records.Night) -> None:
    shown = context_of_test(night, ("pcie_retry_smoke", ""))
    since = "Going wrong since ww46.4, 7 runs now; last good in ww46.3."
    assert joined(shown["since"]) == since
    assert shown["since"][1] == ("ww46.4", "../../ww46.4/pcie_retry_smoke/index.html")  # type: ignore[index]


def test_test_page_of_a_new_failure_names_the_good_run(night: records.Night) -> None:
    shown = context_of_test(night, ("ddr_train_smoke", ""))
    assert joined(shown["since"]) == "New in this run: it was good in ww47.4."


def test_test_page_without_facts_says_so(night: records.Night) -> None:
    at = 5
    one = night.run.tests[at]
    shown = test.context(
        RunPlace(FRAME, night.run, night.verdicts, RunFacts()), at, night.records[one.name]
    )
    assert joined(shown["since"]) == "No earlier run of this target to compare with."
    assert shown["strip"] == ()


def test_strip_links_each_run_that_had_the_test(night: records.Night) -> None:
    name = next(n for n, s in night.strips.items() if s.startswith("." * 22) and not n[1])
    strip = context_of_test(night, name)["strip"]
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
    shown = test.context(RunPlace(FRAME, whole, ["F"], facts), 0, None)
    assert len(urls.test_page(night.key, name)) <= urls.PATH_BYTES
    path = urls.test_page(night.key, name)
    for cell, runname in zip(shown["strip"], night.window, strict=False):  # type: ignore[call-overload]
        there = urls.test_page(replace(night.key, runname=runname), name)
        assert cell[2] == urls.relative(path, there)
    THEME.render(test.TEMPLATE, shown)


def test_shared_place_changes_nothing(night: records.Night) -> None:
    shared = RunPlace(FRAME, night.run, night.verdicts, night.facts)
    for at in (0, 7, 200, 380, 436):
        kept = night.records[night.run.tests[at].name]
        alone = test.context(RunPlace(FRAME, night.run, night.verdicts, night.facts), at, kept)
        both = test.context(shared, at, kept)
        assert alone == both


def test_excerpt_lines_link_to_their_lines(night: records.Night) -> None:
    excerpt = context_of_test(night, ("pcie_retry_smoke", ""))["excerpt"]
    assert isinstance(excerpt, dict)
    rows = excerpt["rows"]
    first = rows[0][0]
    assert [row[0] for row in rows] == list(range(first, first + 9))
    assert [row[3] for row in rows] == [*[False] * 3, *[True] * 4, *[False] * 2]
    assert rows[2][2] == f"_log/sim.log.html#L{first + 2}"


def test_excerpt_of_a_traceback_names_all_its_lines(night: records.Night) -> None:
    one = night.run.tests[0]
    found = Finding("severity", "ERROR", 18, 22, "KeyError: 'x'", "")
    kept = TestRecord(
        *one.name, "F", logs=(LogRecord("a.log", "final", "_blobs/a.log", findings=(found,)),)
    )
    shown = test.context(RunPlace(FRAME, night.run, night.verdicts, RunFacts()), 0, kept)
    assert shown["excerpt"]["rows"] == (  # type: ignore[index]
        ("18–22", "KeyError: 'x'", "_log/a.log.html#L18", True),
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
    shown = test.context(RunPlace(FRAME, whole, [letter], RunFacts()), 0, kept)
    assert f"<h2>{heading}</h2>" in THEME.render(test.TEMPLATE, shown).decode()


def _page_of(one: Test, *logs: LogRecord) -> str:
    whole = replace(records.Night().run, tests=(one,))
    kept = TestRecord(*one.name, "F", one.toplevel, logs)
    shown = test.context(RunPlace(FRAME, whole, ["N"], RunFacts()), 0, kept)
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


def test_data_out_of_tolerance_comes_first(night: records.Night) -> None:
    shown = context_of_test(night, ("synth_sweep", "corner=ss,v=0.65"))
    data = shown["data"]
    assert isinstance(data, tuple)
    assert [row["word"] for row in data] == ["fail", "pass", "pass", "pass", "not judged"]
    assert (shown["data_total"], shown["data_bad"]) == (5, 1)


def test_toplevel_row_lists_its_items_worst_first(night: records.Night) -> None:
    shown = context_of_test(night, ("synth_sweep", ""))
    items = shown["items"]
    assert isinstance(items, tuple)
    assert shown["items_total"] == 18
    assert [row[2] for row in items[:3]] == ["fail", "fail", "pass"]
    assert items[0][4] == "corner=ss,v=0.65/index.html"


def test_log_that_was_not_read_says_why(night: records.Night) -> None:
    page = THEME.render(test.TEMPLATE, context_of_test(night, ("alu_add_smoke", ""))).decode()
    assert "leaves the run directory by a symbolic link: not read" in page


def test_description_is_markdown_without_html(night: records.Night) -> None:
    meta = {"alu_add_smoke": TestMeta(description="**hi** <script>x</script> [a](javascript:x)")}
    changed = replace(night.run, meta=meta)
    at = [one.name for one in changed.tests].index(("alu_add_smoke", ""))
    shown = test.context(RunPlace(FRAME, changed, night.verdicts, night.facts), at, None)
    page = THEME.render(test.TEMPLATE, shown).decode()
    assert "<strong>hi</strong> &lt;script&gt;" in page
    assert 'href="javascript' not in page


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
    shown = test.context(RunPlace(FRAME, whole, ["F"], RunFacts()), 0, None)
    page = THEME.render(test.TEMPLATE, shown)
    assert b"<i>" not in page
    page.decode("utf-8")
