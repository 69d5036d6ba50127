"""The language of filters in Python: the cases that the script is judged by, and any text."""

import json
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mtsite.errors import UsageError
from mtsite.query import FIELDS, Row, checked_query, fits, read_query

CASES: dict[str, Any] = json.loads(
    (Path(__file__).parent / "data/filter/cases.json").read_text("utf-8")
)
NOW = 1795305600


def row_of(told: dict[str, Any]) -> Row:
    """A row as the script has it; a field is a text or a list of texts."""
    named = {name: told[name] for name in FIELDS if name in told}
    return Row(
        told["state"],
        told["change"],
        told["flags"],
        told["tags"],
        told["text"],
        {name: [value] if isinstance(value, str) else value for name, value in named.items()},
        told.get("when"),
    )


@pytest.mark.parametrize("query", CASES["hits"])
def test_a_query_finds_the_rows_of_the_cases(query: str) -> None:
    read = read_query(query, NOW)
    found = [name for name, row in CASES["rows"].items() if read.hits(row_of(row))]
    assert found == CASES["hits"][query]


@pytest.mark.parametrize("query", CASES["problems"])
def test_a_term_that_nothing_can_fulfil_is_told_with_its_place(query: str) -> None:
    problems = read_query(query, NOW).problems(CASES["known"])
    assert [str(one) for one in problems] == CASES["problems"][query]


def test_all_problems_are_one_usage_error() -> None:
    with pytest.raises(UsageError) as error:
        checked_query("s:failed x is:old", NOW)
    assert "position 1: s:failed: no such state" in error.value.message
    assert "position 12: is:old: no such mark" in error.value.message
    assert error.value.exit_code == 2


def test_a_filter_that_is_too_long_is_refused() -> None:
    with pytest.raises(UsageError, match="1000 characters"):
        checked_query("x" * 1001, NOW)


@given(st.text())
def test_any_text_is_a_filter_that_judges(text: str) -> None:
    read = read_query(text, NOW)
    assert read.hits(Row()) in {True, False}
    assert all(text[one.at - 1 :].lower().startswith(one.word[:1]) for one in read.terms)


@given(st.text(), st.text("abc"))
def test_a_term_and_its_opposite_share_every_row(word: str, text: str) -> None:
    one = "".join(word.split()).lower().replace('"', "").lstrip("!")
    row = Row(text=text)
    if one:
        assert read_query(one, 0).hits(row) is not read_query(f"!{one}", 0).hits(row)


@given(st.text("ab*%?", max_size=6), st.text("ab", max_size=8))
def test_a_pattern_fits_as_plain_recursion_says(pattern: str, text: str) -> None:
    def plain(p: str, t: str) -> bool:
        if not p:
            return not t
        if p[0] in "*%":
            return plain(p[1:], t) or (bool(t) and plain(p, t[1:]))
        return bool(t) and p[0] in ("?", t[0]) and plain(p[1:], t[1:])

    assert fits(pattern, text) is plain(pattern, text)


def test_a_pattern_of_many_stars_takes_no_time() -> None:
    begun = time.perf_counter()
    assert not fits("a*" * 200 + "b", "a" * 300)
    assert time.perf_counter() - begun < 0.5
