"""Megatest's patterns: the words of the reference, and SQLite itself as the judge."""

import sqlite3

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mtsite.megatest.pattern import matcher, target_matcher

letters = st.text(alphabet="abAB_%*?[]^-.+()|$\\é\n", max_size=8)


@given(pattern=letters, name=letters)
def test_an_element_matches_what_sqlite_matches(pattern, name):
    pattern = pattern.strip()
    verb = "LIKE" if "%" in pattern else "GLOB"
    with sqlite3.connect(":memory:") as connection:
        ((expected,),) = connection.execute(f"SELECT ? {verb} ?", (name, pattern)).fetchall()
    connection.close()
    assert matcher(pattern)(name) is bool(expected)


@pytest.mark.parametrize(
    ("pattern", "name", "matches"),
    [
        ("%", "", True),
        ("w%", "WW45.2", True),
        ("w*", "WW45.2", False),
        ("a_b%", "axb1", True),
        ("a_b", "axb", False),
        ("ww4[12].?", "ww41.3", True),
        ("ww4[^12].?", "ww41.3", False),
        ("", "", True),
        ("", "w", False),
        ("x,ww%", "ww12", True),
        ("~ww%", "ww12", False),
        ("~ww%", "nightly", True),
        ("50%,50$", "50$", True),
        ("~~ww%", "ww12", True),
        ("~" * 4001 + "ww%", "ww12", False),
    ],
)
def test_wildcards_lists_and_negation(pattern, name, matches):
    assert matcher(pattern)(name) is matches


def test_case_can_be_disregarded_in_globs_as_well():
    assert matcher("deleted", any_case=True)("DELETED")


def test_many_wildcards_take_no_more_time_than_few():
    assert not matcher("%a" * 50 + "%b")("a" * 5000)


@pytest.mark.parametrize(
    ("pattern", "target", "matches"),
    [
        ("ubuntu/nfs", ("ubuntu", "nfs"), True),
        ("%/%", ("ubuntu", "nfs"), True),
        ("u%/nfs", ("suse", "nfs"), False),
        ("ubuntu", ("ubuntu", "nfs"), False),
        ("ubuntu", ("ubuntu", ""), True),
        ("ubuntu//nfs", ("ubuntu", "nfs"), True),
        ("ubuntu/nfs/none", ("ubuntu", "nfs"), True),
        ("%", ("ubuntu", "nfs"), True),
        ("suse/%,ubuntu/%", ("ubuntu", "nfs"), True),
        ("ubuntu/~nfs", ("ubuntu", "nfs"), False),
    ],
)
def test_targets_are_matched_key_by_key(pattern, target, matches):
    assert target_matcher(pattern)(target) is matches
