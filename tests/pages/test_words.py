"""Values into words, and numbers into charts."""

import pytest
from browser import records
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from mtsite.model import Status, Step, TestDatum
from mtsite.pages import charts, markdown, words
from mtsite.rollup import Verdict


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (None, ""),
        (0, "0 s"),
        (59, "59 s"),
        (189, "3 m 09 s"),
        (4320, "1 h 12 m"),
        (187_200, "2 d 04 h"),
        (-5, "−5 s"),
        (float("nan"), ""),
    ],
)
def test_duration(seconds: float | None, said: str) -> None:
    assert words.duration(seconds).replace(words.THIN, " ") == said


@pytest.mark.parametrize(
    ("size", "said"),
    [(0, "0 B"), (999, "999 B"), (12_345, "12.3 kB"), (999_960, "1.0 MB"), (10**13, "10000 GB")],
)
def test_size(size: int, said: str) -> None:
    assert words.size(size).replace(words.THIN, " ") == said


@pytest.mark.parametrize(
    ("counts", "said"),
    [({"F": 12, "P": 418}, "✗ fail 12 of 430"), ({"P": 3, "S": 1}, "✗ fail 4"), ({}, "✗ fail")],
)
def test_a_title_begins_with_state_and_counts(counts: dict[str, int], said: str) -> None:
    assert words.heading("✗", "fail", counts) == said


def test_time_has_a_form_for_machines_and_one_for_readers() -> None:
    assert words.when(1_795_140_000) == ("2026-11-20T02:00:00Z", "2026-11-20 02:00 UTC")
    assert words.when(None) == ("", "")


@given(st.integers())
def test_no_time_is_too_strange(epoch: int) -> None:
    machine, seen = words.when(epoch)
    assert seen
    assert machine == "" or machine.endswith("Z")


def test_every_verdict_has_symbol_and_word_of_its_own() -> None:
    marks = [words.mark(verdict.value) for verdict in Verdict]
    assert len({mark[1] for mark in marks}) == len({mark[2] for mark in marks}) == len(Verdict)
    assert set(words.COUNTED) == {verdict.value for verdict in Verdict}


def test_unknown_verdict_reads_as_a_failure() -> None:
    assert words.mark("?")[2] == "fail"


@pytest.mark.parametrize(
    ("counts", "said"),
    [
        ({}, "No test was counted."),
        ({"P": 1}, "The one test passed."),
        ({"P": 7}, "All 7 tests passed."),
        ({"P": 5, "W": 2}, "None of 7 tests went wrong: 5 passed, 2 with warnings."),
        ({"P": 5, "F": 2}, "2 of 7 tests failed."),
        ({"P": 4, "F": 2, "A": 1}, "3 of 7 tests went wrong: 1 aborted, 2 failed."),
        ({"P": 4, "R": 2}, "None of 6 tests went wrong so far."),
    ],
)
def test_outcome(counts: dict[str, int], said: str) -> None:
    assert words.outcome(counts) == said


def test_strip_is_told_in_words() -> None:
    assert words.strip_words("PPF.F") == "last 5 runs: 2 fail, 2 pass, 1 not there; now fail"
    assert words.joined("PPF.") == (("P", 2), ("F", 1), ("x", 1))


@given(st.dictionaries(st.sampled_from([v.value for v in Verdict]), st.integers(0, 10**6)))
def test_pass_bar_fills_its_width_and_shows_all_that_occurs(counts: dict[str, int]) -> None:
    boxes = charts.pass_bar(counts)
    assert sum(width for _, _, width in boxes) == (charts.BAR if any(counts.values()) else 0)
    assert {letter for letter, _, _ in boxes} == {k for k, n in counts.items() if n}
    assert all(width > 0 for _, _, width in boxes)


def test_trend_leaves_days_without_runs_empty() -> None:
    made = charts.trend([("2026-11-07", 9, 10), ("2026-11-20", 10, 10)])
    assert made is not None
    assert [column[0] for column in made["columns"]] == [0, 104]  # type: ignore[attr-defined]
    assert charts.trend([]) is None


def test_step_bars_lie_on_one_axis() -> None:
    first = Step("a", 100, 150, Status("0"), 50, "", "")
    steps = [first, replace(first, start=150, end=200), replace(first, start=None, end=None)]
    assert charts.step_bars(steps) == ((0, 500), (500, 500), None)
    lone = replace(first, end=None, duration=None)
    assert charts.step_bars([lone]) == ((0, 8),)


@given(*[st.one_of(st.none(), st.floats(), st.integers(-(2**63), 2**63), st.text())] * 3)
def test_gauge_stays_inside(value: object, expected: object, tol: object) -> None:
    datum = TestDatum("c", "v", value, expected, tol, "", "", None, "")  # type: ignore[arg-type]
    made = charts.gauge(datum)
    assert made is None or 0 <= made[2] <= 100


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("a `b` __init__ 3*4*5 <b>", "a `b` __init__ 3*4*5 <b>"),
        ("one\ntwo & three", "one<br>two &amp; three"),
        (
            "see https://x.example/a?b=1&c=2.",
            'see <a href="https://x.example/a?b=1&amp;c=2" rel="nofollow noopener noreferrer">'
            "https://x.example/a?b=1&amp;c=2</a>.",
        ),
        ("javascript:alert(1)\nx", "javascript:alert(1)<br>x"),
    ],
)
def test_comment(text: str, html: str) -> None:
    assert str(markdown.comment(text)) == html


@pytest.mark.parametrize(
    "address",
    ["javascript:x", " JavaScript:x", "data:text/html,x", "file:///x", "//evil.example"],
)
def test_description_refuses_other_links(address: str) -> None:
    assert not markdown.is_allowed(address)
    assert "<a " not in markdown.description(f"[x](<{address}>)")


@given(st.text(st.characters(codec=None)))
def test_description_makes_no_other_elements(text: str) -> None:
    html = markdown.description("<script>" + text)
    assert "<script" not in html and "<img" not in html


def test_backslashes_lead_to_no_other_host() -> None:
    assert not markdown.is_allowed("\\\\evil.example/x")


def test_long_description_is_cut_and_says_so() -> None:
    assert "cut here: 30\u202f000 characters" in markdown.description("word " * 6000)


def test_handmade_night_has_all_states() -> None:
    one = records.Night()
    assert {"P", "F", "W", "V", "S", "C", "A", "K", "B", "D"} <= {str(v) for v in one.verdicts}


def test_first_line_joins_blanks() -> None:
    assert words.first_line("\n  E   KeyError:\t'x'  \nmore") == "E KeyError: 'x'"
    assert len(words.first_line("x" * 400)) == 300
    assert len(words.failing_line("x" * 400)) <= 200


@pytest.mark.parametrize(
    ("counts", "said"),
    [
        ({"P": 3}, ""),
        ({"P": 3, "N": 2}, "2 not run"),
        ({"P": 3, "F": 1, "R": 2, "N": 5}, "Still running: 4 of 11 ended"),
    ],
)
def test_progress_counts_what_ended(counts: dict[str, int], said: str) -> None:
    assert words.progress(counts) == said
