"""What becomes due in the search: with the rows that moved, and nothing else."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from mtsite.failing import FailingLine
from mtsite.manifest import KnownRun, Manifest
from mtsite.model import RunKey, RunSummary, State, Status
from mtsite.searchable import First

KEY = RunKey("chips", ("u",), "w1")
RUN = KnownRun("chips/u/w1", KEY, "chips", 1_700_000_000, "f", sealed=False, input="")
SUMMARY = RunSummary(KEY, 1_700_000_000, None, "ann", "", "", State(""), Status(""), {}, "P")
LINE = FailingLine("ab", "cd", "ERROR: x", 1, ("t", ""), "sim.log", 3)


@pytest.fixture
def manifest(tmp_path: Path) -> Iterator[Manifest]:
    """One run that is searched already."""
    with Manifest.open(tmp_path) as opened:
        opened.note_run(RUN, SUMMARY, {("t", ""): ("P", 1)})
        opened.search.settle()
        opened.commit()
        yield opened


def test_a_run_that_says_the_same_is_not_due(manifest: Manifest) -> None:
    manifest.note_run(RUN, SUMMARY, None)
    manifest.begin_runs([RUN.dir])
    manifest.note_outcomes(RUN.dir, RUN.place, {("t", ""): ("P", 1)})
    assert manifest.search.due() == []


def test_a_verdict_that_moves_is_due(manifest: Manifest) -> None:
    manifest.note_outcomes(RUN.dir, RUN.place, {("t", ""): ("F", 1)})
    assert manifest.search.due() == [RUN.place]


def test_an_owner_that_moves_is_due(manifest: Manifest) -> None:
    manifest.note_run(RUN, replace(SUMMARY, owner="bob"), None)
    assert manifest.search.due() == [RUN.place]


def test_a_run_that_began_at_another_time_is_due_at_both(manifest: Manifest) -> None:
    manifest.note_run(replace(RUN, place=5), SUMMARY, None)
    assert manifest.search.due() == [5, RUN.place]


def test_failing_lines_that_come_and_go_are_due(manifest: Manifest) -> None:
    manifest.failing.note(RUN.dir, KEY, RUN.place, [LINE])
    assert manifest.search.due() == [RUN.place]
    manifest.search.settle()
    manifest.failing.forget(RUN.dir)
    assert manifest.search.due() == [RUN.place]


def test_what_is_due_is_forgotten_only_with_what_made_it_so(tmp_path: Path) -> None:
    with Manifest.open(tmp_path) as killed:
        killed.note_run(RUN, SUMMARY, None)
    with Manifest.open(tmp_path) as after:
        assert (after.known_runs(), after.search.due()) == ({}, [])
        after.note_run(RUN, SUMMARY, None)
        after.commit()
    with Manifest.open(tmp_path) as again:
        assert again.search.due() == [RUN.place]


def test_of_many_kinds_of_lines_the_most_frequent_are_given_and_all_are_counted(
    manifest: Manifest,
) -> None:
    lines = [replace(LINE, exact=f"{n:05d}", tests=1 + n % 7) for n in range(2_000)]
    manifest.failing.note(RUN.dir, KEY, RUN.place, lines)
    total, found = manifest.failing.of_run(RUN.dir, 300)
    assert (total, len(found)) == (2_000, 300)
    assert {one.tests for one in found} == {6, 7}


def test_runs_come_from_one_on_in_their_order(manifest: Manifest) -> None:
    for number, place in enumerate((7, 7, 9)):
        key = replace(KEY, runname=f"r{number}")
        manifest.note_run(replace(RUN, dir=f"d{number}", key=key, place=place), SUMMARY, None)
    told = [first for first, _, _ in manifest.search.runs(First(7, "d1"), 10)]
    assert told == [First(7, "d1"), First(9, "d2")]
