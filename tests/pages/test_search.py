"""Shards of the search: what a run adds, what of a huge one is left out, how large they become."""

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from shards import read_shard

from mtsite import urls
from mtsite.failing import FailingLine
from mtsite.model import RunKey, RunSummary, State, Status, TestName
from mtsite.onhosts import HostRun, RanTest
from mtsite.pages import search
from mtsite.pages.page import SiteFrame
from mtsite.pages.search import MOST_BYTES, USUAL_BYTES, Draft, FoundRun

KEY = RunKey("fullrun", ("ubuntu", "nfs"), "ww40")
SUMMARY = RunSummary(
    key=KEY,
    event_time=1_700_000_000,
    end_time=None,
    owner="ann",
    comment="",
    contour="nightly",
    state=State("COMPLETED"),
    status=Status("n/a"),
    counts={},
    verdict="F",
)


def found(letters: dict[str, str], name: str = "ww40", **told: Any) -> FoundRun:
    """A run whose tests ("name" or "name/item") came out as these letters say."""
    outcomes: dict[TestName, tuple[str, int | None]] = {
        (one.partition("/")[0], one.partition("/")[2]): (letter, 1)
        for one, letter in letters.items()
    }
    summary = replace(SUMMARY, key=replace(KEY, runname=name))
    return FoundRun(summary, 1_700_000_000, outcomes, **told)


def line(text: str, first: TestName = ("a", ""), tests: int = 1) -> FailingLine:
    return FailingLine(text[:6], text[:6], text, tests, first, "sim.log", 7, ("h1",))


def label(name: str) -> str:
    """A name as pages have it: without a slash where there is no item."""
    return name.removesuffix("/") if name.count("/") == 1 else name


def document(draft: Draft) -> dict[str, Any]:
    return read_shard(draft.content("k"))


def names_of(told: dict[str, Any]) -> list[str]:
    """The names of a shard as its script reads them."""
    labels: list[str] = []
    before = ""
    for one in told["names"]:
        before = before[: search.DIGITS.index(one[0])] + one[1:]
        labels.append(before.replace("\0", "/"))
    return labels


def test_a_name_stands_once_and_runs_have_letters_over_the_names() -> None:
    draft = Draft()
    assert draft.take(found({"a": "P", "b/x": "F", "b/y": "P"}, "one"))
    assert draft.take(found({"b/y": "A", "c": "P"}, "two"))
    told = document(draft)
    assert names_of(told) == ["a", "b/x", "b/y", "c"]
    assert told["names"][2] == "2y", "two characters as the name before"
    assert [run[9] for run in told["runs"]] == ["PFP", ".2AP"]
    assert told["targets"] == [["fullrun/ubuntu/nfs", "fullrun", "ubuntu", "nfs"]]
    assert told["paths"] == {}


def test_a_name_that_is_no_path_has_one_beside_it() -> None:
    draft = Draft()
    draft.take(found({"a b": "P", "index.html": "P", "x/y z": "P"}, "r 1"))
    told = document(draft)
    assert told["paths"] == {"0": "a~20b", "1": "~69ndex.html", "2": "x/y~20z"}
    assert told["runs"][0][1:3] == ["r 1", "r~201"]


def test_hosts_stand_beside_the_tests_that_went_wrong() -> None:
    ran = (RanTest("a", "", "F", None, None), RanTest("c", "", "P", None, None))
    draft = Draft()
    draft.take(found({"a": "F", "b": "F", "c": "P"}, hosts=[HostRun("h1", "", ran)]))
    (run,) = document(draft)["runs"]
    assert run[10:12] == [[0], [0, -1]]


def test_a_kind_of_line_stands_once_as_the_newest_run_has_it() -> None:
    draft = Draft()
    draft.take(found({"a": "F"}, "one", lines=[line("broken at 1", tests=3)], line_total=1))
    draft.take(found({"a": "F"}, "two", lines=[line("broken at 2")], line_total=5))
    told = document(draft)
    assert [(one[0], one[1], one[3], one[4]) for one in told["lines"]] == [("broken at 2", 1, 4, 2)]
    assert told["runs"][1][12:] == [0, 4], "no test and four kinds of lines are left out"


def test_a_run_that_is_gone_is_its_row_alone() -> None:
    draft = Draft()
    draft.take(FoundRun(replace(SUMMARY, gone="expired"), 5))
    (run,) = document(draft)["runs"]
    assert (run[3], run[4], run[9]) == (5, "x", "")


def test_of_a_huge_run_what_went_wrong_comes_first_and_the_rest_is_counted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(search, "MOST_BYTES", 95_000)
    letters = {
        f"{n * 7919 % 1_800:04d}_{'x' * 100}": "F" if n % 100 == 99 else "P" for n in range(1_800)
    }
    draft = Draft()
    assert draft.take(found({"small": "P"}, "one"))
    huge = found(letters, "huge")
    assert not draft.take(huge), "it has a shard of its own"
    draft = Draft()
    assert draft.take(huge)
    told = document(draft)
    names = set(names_of(told))
    assert {name for name, letter in letters.items() if letter == "F"} <= names
    assert len(names) + told["runs"][0][12] == len(letters)
    assert len(draft.content("k")) <= 100_000


def test_lines_that_all_differ_leave_a_shard_small() -> None:
    draft = Draft()
    number = 0
    while True:
        lines = [line(f"{n:06d} {'<é' * 70}") for n in range(number, number + search.MOST_LINES)]
        if not draft.take(found({"a": "F"}, f"r{number}", lines=lines, line_total=100_000)):
            break
        number += search.MOST_LINES
    assert number
    assert len(draft.content("k")) <= MOST_BYTES


def test_names_that_only_lines_have_make_no_shard_larger() -> None:
    names = [f"{number:04}" + "\U0001f9ea" * 200 for number in range(4000)]
    lines = [line(f"{number:06}", (names[-1 - number], "")) for number in range(300)]
    draft = Draft()
    draft.take(found(dict.fromkeys(names, "F"), lines=lines, line_total=300))
    assert len(draft.content("k")) <= MOST_BYTES
    told = document(draft)
    ((*_, cut, dropped),) = told["runs"]
    assert cut + len(told["names"]) == 4000
    assert dropped + len(told["lines"]) == 300
    assert told["lines"]


TEXTS = st.text(st.characters(codec=None), max_size=12)


@given(
    st.lists(st.dictionaries(TEXTS.filter(bool), st.sampled_from("PFASN"), max_size=8), max_size=6)
)
def test_a_shard_is_no_larger_than_it_was_thought_to_be(runs: list[dict[str, str]]) -> None:
    draft = Draft()
    for number, letters in enumerate(runs):
        lines = [line(one) for one in letters]
        draft.take(found(letters, f"r{number}", lines=lines, line_total=len(lines)))
    assert len(draft.content("k")) <= draft.size <= USUAL_BYTES
    told = document(draft)
    for letters, run in zip(runs, told["runs"], strict=True):
        plain = re.sub(r"(\D)(\d+)", lambda found: found[1] * int(found[2]), run[9])
        assert sorted(plain.replace(".", "")) == sorted(letters.values())
        there = {name for name, letter in zip(names_of(told), plain, strict=False) if letter != "."}
        assert there == {re.sub("[\0\ud800-\udfff]", "\ufffd", one) for one in map(label, letters)}


def test_the_page_names_the_newest_shard_first() -> None:
    shown = search.context(SiteFrame("x"), {"2026-10": 1, "2026-11": 2})
    assert shown["shards"] == "2026-11:2 2026-10:1"
    assert ("all hosts", urls.relative("_search/index.html", urls.hosts_page())) in shown[
        "elsewhere"
    ]
