"""Edges between tests: levels, cycles by name, and the first cause of what never began."""

from collections.abc import Mapping, Sequence
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mtsite.model import RunKey, TestName
from mtsite.relations import MOST_CYCLES, find_causes, place_in, place_of, rank

NAMES = st.sampled_from("abcdefgh")
GRAPHS = st.dictionaries(NAMES, st.sets(NAMES, max_size=4))


def names(text: str) -> list[TestName]:
    return [(letter, "") for letter in text]


@given(st.lists(st.text(), min_size=2, max_size=2), st.text(), st.text(min_size=1), st.text())
def test_a_test_of_any_run_has_a_place_that_says_all_its_names(
    values: list[str], runname: str, test: str, item: str
) -> None:
    told = place_of(values, runname, (test, item))
    run = RunKey("a", tuple(values), runname)
    assert place_in(RunKey("a", ("x", "y"), "z"), told) == (run, (test, item))


@pytest.mark.parametrize("told", ["t", "t/i", "/a/b/r/t", "//a/b/r", "//", "//a/b/r/"])
def test_what_says_less_is_the_name_of_a_test(told: str) -> None:
    assert place_in(RunKey("a", ("x", "y"), "z"), told) is None


def test_a_level_waits_for_levels_before_it() -> None:
    found = rank("abcd", {"b": {"a"}, "c": {"a", "b"}})
    assert found.levels == (("a", "d"), ("b",), ("c",))
    assert found.cycles == ()


@pytest.mark.parametrize(
    ("waits", "cycles"),
    [
        ({"a": {"a"}}, [("a", "a")]),
        ({"a": {"b"}, "b": {"a"}}, [("a", "b", "a")]),
        ({"c": {"a"}, "a": {"b"}, "b": {"c"}}, [("a", "b", "c", "a")]),
        ({"a": {"b", "c"}, "b": {"a"}, "c": {"a"}}, [("a", "b", "a"), ("c", "a", "c")]),
    ],
)
def test_a_cycle_is_named_in_full(
    waits: Mapping[str, set[str]], cycles: Sequence[tuple[str, ...]]
) -> None:
    assert list(rank("abcd", waits).cycles) == cycles


def test_what_is_not_there_counts_for_nothing() -> None:
    assert rank("a", {"a": {"nobody"}, "nobody": {"a"}}).levels == (("a",),)


@given(GRAPHS)
def test_each_wait_goes_to_a_level_before_unless_it_is_on_a_cycle(
    graph: Mapping[str, set[str]],
) -> None:
    found = rank("abcdefgh", graph)
    level = {name: i for i, level in enumerate(found.levels) for name in level}
    assert sorted(level) == list("abcdefgh")
    for name, others in graph.items():
        for other in others:
            if level[other] >= level[name]:
                assert {name, other} <= found.circular


@given(GRAPHS)
def test_cycles_follow_edges_and_have_all_that_wait_for_themselves(
    graph: Mapping[str, set[str]],
) -> None:
    found = rank("abcdefgh", graph)
    for cycle in found.cycles:
        assert cycle[0] == cycle[-1] and len(set(cycle)) == len(cycle) - 1
        assert all(b in graph[a] for a, b in pairwise(cycle))
    assert {name for cycle in found.cycles for name in cycle} == found.circular


def test_many_tests_in_a_row_and_many_cycles_are_no_deeper() -> None:
    chain = {f"t{n:05d}": {f"t{n - 1:05d}"} for n in range(1, 10_000)}
    assert len(rank(["t00000", *chain], chain).levels) == 10_000
    pairs = {f"p{n:03d}": {f"p{n ^ 1:03d}"} for n in range(400)}
    found = rank(pairs, pairs)
    assert len(found.cycles) == MOST_CYCLES
    assert len(found.circular) == 400


def test_the_first_cause_is_what_nothing_else_hinders() -> None:
    hindered = {"d": "c", "c": "b", "b": "a", "x": "ya", "y": "x"}
    found = find_causes(names("dcbxy"), lambda name: names(hindered.get(name[0], "")))
    (a, b, c, d, x, y) = names("abcdxy")
    assert found[d] == (a, c, 3)
    assert (found[b].first, found[b].by, found[b].steps) == (a, a, 1)
    assert found[y] == (a, x, 2), "what hinders each other has a cause where one leads out"


def test_tests_that_hinder_each_other_alone_have_no_cause() -> None:
    hindered = {"a": "b", "b": "a"}
    assert find_causes(names("ab"), lambda name: names(hindered[name[0]])) == {}
