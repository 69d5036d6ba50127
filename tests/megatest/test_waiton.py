"""What tests wait for, as Megatest means it: whole tests, items by path, maps, patterns."""

import time
from collections.abc import Sequence

import pytest
from browser.odd_runs import Odd

from mtsite.megatest.testconfig import define
from mtsite.megatest.waiton import MOST_EDGES, map_item, waits_of
from mtsite.relations import Edge


def waits(needs: str, *tests: str, item_maps: str = "") -> list[Edge]:
    """The edges of a run of these tests ('a', 'a/x') in which `t` has these requirements."""
    sections = {"requirements": dict(line.split(" ", 1) for line in needs.splitlines())}
    if item_maps:
        sections["itemmap"] = dict(line.split(" ", 1) for line in item_maps.splitlines())
    letters = {(name, item): "P" for name, _, item in (one.partition("/") for one in tests)}
    edges, cut = waits_of(Odd("w", letters).run, {"t": define(sections)})
    assert not cut
    return edges


def told(edges: Sequence[Edge]) -> list[str]:
    return [f"{'/'.join(e.source)}>{'/'.join(e.target)} {e.how}".strip() for e in edges]


def test_a_test_waits_for_others_as_wholes() -> None:
    assert told(waits("waiton b a", "a", "b", "t")) == ["t/>b/", "t/>a/"]


def test_a_name_that_the_run_lacks_is_an_edge_all_the_same() -> None:
    assert told(waits("waiton nobody", "t")) == ["t/>nobody/"]


@pytest.mark.parametrize(
    ("needs", "how"),
    [
        ("waiton a\nmode toplevel", "however it ends"),
        ("waitor a", "one is enough"),
        ("waiton a\nmode exclusive", ""),
        ("waiton a\nmode itemwait", ""),
    ],
)
def test_the_mode_says_how(needs: str, how: str) -> None:
    (edge,) = waits(needs, "a", "t")
    assert edge.how == how


@pytest.mark.parametrize("mode", ["itemwait", "itemmatch"])
def test_items_wait_for_items_of_the_same_path(mode: str) -> None:
    found = waits(f"waiton a\nmode {mode}", "a", "a/x", "a/y", "t", "t/x", "t/z")
    assert told(found) == ["t/>a/ by item", "t/x>a/x by item"]


def test_an_item_map_leads_to_another_path() -> None:
    tests = ("a", "a/v/1", "a/v/2", "t", "t/r/1", "t/r/2")
    needs = "waiton a\nmode itemmatch\nitemmap r/(\\d+) v/\\1"
    assert told(waits(needs, *tests))[1:] == ["t/r/1>a/v/1 by item", "t/r/2>a/v/2 by item"]


def test_the_map_of_a_test_comes_before_that_of_a_pattern_and_that_for_all() -> None:
    tests = ("a", "a/own", "b", "b/pattern", "c", "c/all", "t", "t/x")
    needs = "waiton a b c\nmode itemmatch\nitemmap x all"
    maps = "% x wrong\na x own\nb% x pattern"
    found = told(waits(needs, *tests, item_maps=maps.replace("% x wrong\n", "")))
    assert [one for one in found if one.startswith("t/x")] == [
        "t/x>a/own by item",
        "t/x>b/pattern by item",
        "t/x>c/all by item",
    ]


def test_a_pattern_is_all_that_it_matches_but_the_test_itself() -> None:
    assert told(waits("waiton %", "a", "b", "t")) == ["t/>a/", "t/>b/"]
    assert told(waits("waiton A%", "a1", "b", "t")) == ["t/>a1/"]
    assert told(waits("waiton a*", "a1", "b", "t")) == ["t/>a1/"]
    assert told(waits("waiton a/f%", "a", "a/fast", "a/slow", "t")) == ["t/>a/fast"]
    assert told(waits("waiton x%", "a", "t")) == ["t/>x%/"]


def test_a_test_that_names_itself_is_told_so() -> None:
    assert told(waits("waiton t", "t")) == ["t/>t/"]


@pytest.mark.parametrize(
    ("lines", "path", "mapped"),
    [
        ("", "a/b", "a/b"),
        ("a b", "a/a", "b/a"),
        ("(x)/(y) \\2-\\1", "x/y", "y-x"),
        ("x", "axb", "ab"),
        ("a b\nb c", "a", "c"),
        ("nothing x", "a", "a"),
        ("( x", "a(", "a("),
        ("(?=a) x", "a", "a"),
        ("(a)|(b) [\\2]", "a", "[]"),
        ("a \\9\\q\\", "a", "\\q\\"),
        ("ö \udcff", "ö", "\udcff"),
    ],
)
def test_the_first_match_of_each_line_is_replaced_in_turn(
    lines: str, path: str, mapped: str
) -> None:
    assert map_item(path, lines) == mapped


def test_a_pattern_that_backtracks_takes_no_time() -> None:
    start = time.process_time()
    assert map_item("a" * 5_000 + "!", "(a+)+$ x") == "a" * 5_000 + "!"
    needs = "waiton " + "%a" * 40
    assert len(waits(needs, "a" * 60 + "b", "t")) == 1
    assert time.process_time() - start < 1


def test_a_pattern_that_all_tests_have_is_looked_up_once() -> None:
    names = [f"t{n:04d}" for n in range(3000)]
    run = Odd("w", {(name, ""): "P" for name in names}).run
    said = dict.fromkeys(names, define({"requirements": {"waiton": "x% y%/z%"}}))
    start = time.process_time()
    assert len(waits_of(run, said)[0]) == 2 * len(names)
    assert time.process_time() - start < 1


def test_of_very_many_edges_the_rest_is_cut_and_said() -> None:
    names = [f"t{n:03d}" for n in range(300)]
    run = Odd("w", {(name, ""): "P" for name in names}).run
    said = dict.fromkeys(names, define({"requirements": {"waiton": "%"}}))
    edges, cut = waits_of(run, said)
    assert (len(edges), cut) == (MOST_EDGES, True)
