"""The filter's language in Chromium against its model, and its speed on 5,000 tests."""

from dataclasses import asdict
from typing import Any

import pytest
from browser import filter_model
from browser.filter_model import Row
from hypothesis import given, settings
from hypothesis import strategies as st

from mtsite.build.theme import product_dir

pytestmark = pytest.mark.browser

LETTERS = 'abxs:!"@*?[]-. \tÄß%\\né'
STATES = "pass fail not-run waived abort".split()
WORDS = (
    "s:fail s:bad s:good s:not-run s:odd s:constructor new still fixed waived flaky is:item is:odd "
    'host:lnx* host:? @tag* @ ! !! !new !"a b" "new" "a 1.5 host: s: is: NEW S:FAIL'
).split(" ")
queries = st.lists(st.sampled_from(WORDS) | st.text(LETTERS, max_size=6), max_size=5).map(" ".join)
rows = st.builds(
    Row,
    state=st.sampled_from(STATES),
    change=st.sampled_from(["", "new", "still", "fixed", "new fixed"]),
    host=st.sampled_from(["", "lnx01", "lnx", "é", "a*b", "[x]"]),
    flags=st.lists(st.sampled_from(["item", "flaky", "slow"]), unique=True),
    tags=st.lists(st.sampled_from(["tag1", "nightly", "a b"]), unique=True),
    text=st.text("abxs:! -.äßé\n", max_size=12),
)


@pytest.fixture(scope="module")
def language(chromium: Any) -> Any:
    page = chromium.new_page()
    page.add_script_tag(path=str(product_dir("static") / "js" / "filter_query.js"))
    return page


@settings(max_examples=150, deadline=None)
@given(found=st.lists(st.tuples(queries, rows), min_size=1, max_size=20))
def test_the_script_finds_what_the_model_finds(language: Any, found: list[tuple[str, Row]]) -> None:
    asked = [[query, asdict(row)] for query, row in found]
    told = language.evaluate(
        "found => found.map(([q, row]) => mtFilter.compile(q).hit(row))", asked
    )
    assert told == [filter_model.hit(query, row) for query, row in found]


@settings(max_examples=150, deadline=None)
@given(found=st.lists(st.text(LETTERS + 'newhost"', max_size=25), min_size=1, max_size=20))
def test_the_script_reads_any_text_as_the_model_does(language: Any, found: list[str]) -> None:
    read = "qs => qs.map(q => mtFilter.parse(q).map(t => [t.not, t.kind, t.value]))"
    told = language.evaluate(read, found)
    assert told == [[list(term) for term in filter_model.parse(query)] for query in found]


@pytest.mark.parametrize(
    ("query", "row", "hits"),
    [
        ("s:fail s:abort", Row(state="abort"), True),
        ("s:fail new", Row(state="fail", change="still"), False),
        ("s:bad !s:fail", Row(state="dead"), True),
        ("host:LNX*", Row(host="lnx07"), True),
        ("host:lnx", Row(host="lnx07"), False),
        ("@night* @phy", Row(tags=["nightly"]), False),
        ('"time out" uart', Row(text="uart_loop\ntime out after 3 s"), True),
        ("!waived", Row(state="waived"), False),
        ('"new"', Row(change="new", text="renewed"), True),
        ("is:slow", Row(flags=["item", "slow"]), True),
    ],
)
def test_examples_of_the_documentation(language: Any, query: str, row: Row, hits: bool) -> None:
    assert filter_model.hit(query, row) is hits
    assert language.evaluate("([q, r]) => mtFilter.compile(q).hit(r)", [query, asdict(row)]) is hits


def test_a_pattern_of_many_stars_costs_no_time(language: Any) -> None:
    ask = """() => {
      const row = { host: "a".repeat(200), state: "", change: "", flags: [], tags: [], text: "" };
      const begun = performance.now();
      mtFilter.compile("host:" + "a*".repeat(60) + "b").hit(row);
      return performance.now() - begun;
    }"""
    assert language.evaluate(ask) < 100


def test_a_state_that_nobody_knows_is_named(language: Any) -> None:
    assert language.evaluate("() => mtFilter.compile('s:failed is:new s:bad').unknown") == [
        "failed",
        "new",
    ]
