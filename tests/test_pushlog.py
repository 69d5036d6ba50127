"""Pushes in order: merged from any pieces of a log, and which lie between two revisions."""

import sqlite3
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mtsite.provenance import Commit, Push, decode, encode
from mtsite.pushlog import (
    MOST_MISTAKES,
    Pushlog,
    between,
    find,
    merge,
    read_pushlog,
    write_pushlog,
)
from mtsite.toldpushes import TABLES, UNTOLD, ToldPushes


def push(*revisions: str, number: str = "", when: int | None = None) -> Push:
    return Push(tuple(Commit(one) for one in revisions), number, time=when)


ALL = [push(f"{n:040x}", when=n) for n in range(1, 13)]
texts = st.text(st.characters(exclude_categories=("Cs",)), max_size=20)
commits = st.builds(
    Commit,
    st.text("0123456789abcdef", min_size=1, max_size=40),
    texts,
    st.none() | st.integers(0, 10**10),
    texts,
)
pushes = st.builds(
    Push, st.lists(commits, min_size=1, max_size=3).map(tuple), texts, texts, st.none()
)


@given(pushes)
def test_a_push_reads_back_as_it_was_written(one: Push) -> None:
    assert decode(encode(one)) == one


@given(st.lists(st.tuples(st.integers(0, 11), st.integers(1, 12)), min_size=1, max_size=6))
def test_overlapping_pieces_of_a_log_come_together_in_order(pieces: list[tuple[int, int]]) -> None:
    known = ALL[4:8]
    for first, length in pieces:
        known = merge(known, ALL[min(first, 7) : max(first + length, 5)])
    assert known == [one for one in ALL if one in known]
    assert len(known) == len(set(known))


def test_what_is_known_stays_where_it_is_and_new_ones_stand_beside() -> None:
    known = [push("a"), push("b"), push("d")]
    told = [push("b"), push("c"), push("d"), push("e")]
    assert [one.revision for one in merge(known, told)] == ["a", "b", "c", "d", "e"]


def test_commits_that_came_before_do_not_come_again_with_a_later_push() -> None:
    merged = merge([push("a"), push("b")], [push("b"), push("a", "c", "d")])
    assert [[one.revision for one in each.commits] for each in merged] == [["a"], ["b"], ["c", "d"]]


def test_the_first_bad_push_is_among_those_after_the_good_one_up_to_the_bad_one() -> None:
    found = between(ALL, f"{3:040x}", f"{6:040x}")
    assert found is not None
    assert [one.time for one in found.pushes] == [4, 5, 6]
    assert not found.turned


def test_with_one_push_between_that_is_the_first_bad_one() -> None:
    found = between(ALL, f"{3:040x}", f"{4:040x}")
    assert found is not None
    assert [one.time for one in found.pushes] == [4]


def test_a_good_run_of_a_later_push_turns_it_round() -> None:
    found = between(ALL, f"{6:040x}", f"{3:040x}")
    assert found is not None
    assert found.turned
    assert [one.time for one in found.pushes] == [4, 5, 6]


@pytest.mark.parametrize(("good", "bad"), [("0" * 40, "f" * 40), (f"{3:040x}", "x"), ("a", "a")])
def test_nothing_is_said_of_revisions_that_nobody_told(good: str, bad: str) -> None:
    assert between(ALL, good, bad) is None


def test_a_revision_that_is_cut_is_found_if_there_is_only_one() -> None:
    log = [push("abcdef01" + "0" * 32), push("abcdef02" + "0" * 32), push("abcdef0")]
    assert find(log, "abcdef01") == 0
    assert find(log, "abcdef0") == 2, "it is one itself"
    assert find(log[:2], "abcdef0") is None, "it may be two"
    assert find(log, "abcdef") is None, "too short"


def test_a_commit_inside_a_push_is_of_that_push() -> None:
    assert find([push("a"), push("b", "c", "d")], "c") == 1


def test_a_file_of_pushes_names_its_repository(tmp_path: Path) -> None:
    path = tmp_path / "pushes/x.jsonl"
    write_pushlog(path, "team/x", ALL)
    found = read_pushlog(path)
    assert (found.repository, list(found.pushes), found.mistakes) == ("team/x", ALL, ())


def test_a_file_by_hand_needs_only_revisions_and_its_mistakes_are_told(tmp_path: Path) -> None:
    path = tmp_path / "a~2Fb.jsonl"
    lines = ['{"commits": ["r1"]}', "oops", "[]", '{"commits": [{}]}', '{"commits": ["r1"]}', ""]
    path.write_text("\n".join([*lines, '{"commits": ["r2"], "time": "then"}']))
    found = read_pushlog(path)
    assert found.repository == "a/b"
    assert [one.revision for one in found.pushes] == ["r1", "r2"]
    assert [one.split(": ")[0] for one in found.mistakes] == [
        f"pushes/a~2Fb.jsonl:{number}" for number in (2, 3, 4, 5)
    ]


def test_what_ends_a_line_elsewhere_may_stand_in_what_a_commit_says(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes('{"commits": [{"revision": "r1", "message": "a\u2028b"}]}\r\n'.encode())
    found = read_pushlog(path)
    assert not found.mistakes
    assert found.pushes[0].commits[0].message == "a\u2028b"


def test_of_very_many_mistakes_the_rest_is_counted(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text("oops\n" * (MOST_MISTAKES + 500))
    *mistakes, last = read_pushlog(path).mistakes
    assert (len(mistakes), last) == (MOST_MISTAKES, "pushes/a.jsonl: 500 more like these")


DIGITS = st.text("ab", min_size=1, max_size=9)
LOGS = st.lists(st.lists(DIGITS, min_size=1, max_size=3, unique=True), max_size=6)


@given(LOGS, LOGS, DIGITS)
def test_the_manifest_finds_what_the_log_has(
    first: list[list[str]], second: list[list[str]], revision: str
) -> None:
    """Also after another log stood there, and where revisions begin with one another."""
    connection = sqlite3.connect(":memory:")
    connection.executescript(TABLES)
    told = ToldPushes(connection)
    for revisions in (first, second):
        log = merge([], [push(*each) for each in revisions])
        told.put(Pushlog("chip", tuple(log)))
        number = find(log, revision)
        found = told.find("chip", revision)
        assert found == told.find("", revision) or number is None
        assert found.number == (UNTOLD if number is None else number)
        assert [one for _, one in told.pushes("chip", 0, 99)] == log
