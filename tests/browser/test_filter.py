"""The filter's language in Chromium: equal to that of the command line, whatever is asked."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_query import CASES, NOW, row_of

from mtsite.build.theme import product_dir
from mtsite.query import read_query

pytestmark = pytest.mark.browser

LETTERS = 'abxs:!"@*?[]-. \tÄß%\\né'
STATES = "pass fail not-run waived abort".split()
WORDS = (
    "s:fail s:bad s:good s:not-run s:odd s:constructor new still fixed waived flaky is:item is:odd "
    'host:lnx* host:? @tag* @ ! !! !new !"a b" "new" "a 1.5 host: s: is: NEW S:FAIL '
    "test:a% item:* run:x owner:é target:a/% since:1d before:2025-11-20 since:x since:2025-02-29"
).split(" ")
queries = st.lists(st.sampled_from(WORDS) | st.text(LETTERS, max_size=6), max_size=5).map(" ".join)
hosts = st.sampled_from(["", "lnx01", "lnx", "é", "a*b", "[x]"])
rows = st.fixed_dictionaries(
    {
        "state": st.sampled_from(STATES),
        "change": st.sampled_from(["", "new", "still", "fixed", "new fixed"]),
        "flags": st.lists(st.sampled_from(["item", "flaky", "slow"]), unique=True),
        "tags": st.lists(st.sampled_from(["tag1", "nightly", "a b"]), unique=True),
        "text": st.text("abxs:! -.äßé\n", max_size=12),
        "host": hosts | st.lists(hosts, max_size=3),
    },
    optional={
        "test": st.text("ab", max_size=3),
        "target": st.sampled_from(["a/b", "é/x", ""]),
        "when": st.integers(NOW - 90_000, NOW) | st.just(0) | st.none(),
    },
)


@pytest.fixture(scope="module")
def language(chromium: Any) -> Any:
    page = chromium.new_page()
    page.add_script_tag(path=str(product_dir("static") / "js" / "filter_query.js"))
    return page


@settings(max_examples=150, deadline=None)
@given(found=st.lists(st.tuples(queries, rows), min_size=1, max_size=20))
def test_the_script_finds_what_the_command_line_finds(
    language: Any, found: list[tuple[str, dict[str, Any]]]
) -> None:
    ask = "([now, found]) => found.map(([q, row]) => mtFilter.compile(q, now).hit(row))"
    told = language.evaluate(ask, [NOW, [list(pair) for pair in found]])
    assert told == [read_query(query, NOW).hits(row_of(row)) for query, row in found]


@settings(max_examples=150, deadline=None)
@given(found=st.lists(st.text(LETTERS + 'newhost"', max_size=25), min_size=1, max_size=20))
def test_the_script_reads_any_text_as_the_command_line_does(
    language: Any, found: list[str]
) -> None:
    read = """qs => qs.map(q => mtFilter.parse(q).map(t => [
      t.not, t.kind === "flag" ? "mark" : t.kind, t.value, t.from, t.word]))"""
    told = language.evaluate(read, found)
    terms = [read_query(query, NOW).terms for query in found]
    assert told == [[[t.turned, t.kind, t.value, t.at, t.word] for t in one] for one in terms]


def test_both_find_what_the_cases_say(language: Any) -> None:
    ask = """([now, queries, rows]) => queries.map(q => Object.keys(rows)
      .filter(name => mtFilter.compile(q, now).hit(rows[name])))"""
    told = language.evaluate(ask, [NOW, list(CASES["hits"]), CASES["rows"]])
    assert dict(zip(CASES["hits"], told, strict=True)) == CASES["hits"]


def test_both_say_the_same_of_terms_that_nothing_can_fulfil(language: Any) -> None:
    row = dict.fromkeys(CASES["known"], "")
    ask = "([now, queries, row]) => queries.map(q => mtFilter.compile(q, now).said(row))"
    told = language.evaluate(ask, [NOW, list(CASES["problems"]), row])
    assert told == ["".join(f" · {one}" for one in said[:1]) for said in CASES["problems"].values()]


def test_a_pattern_of_many_stars_costs_no_time(language: Any) -> None:
    ask = """() => {
      const row = { host: "a".repeat(200), state: "", change: "", flags: [], tags: [], text: "" };
      const begun = performance.now();
      mtFilter.compile("host:" + "a*".repeat(60) + "b").hit(row);
      return performance.now() - begun;
    }"""
    assert language.evaluate(ask) < 100
