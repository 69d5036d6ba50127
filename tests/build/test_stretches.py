"""Histories: which stretches the verdicts of many runs make, and what is remembered of old ones."""

from collections.abc import Sequence
from unittest.mock import patch

from hypothesis import given
from hypothesis import strategies as st

from mtsite.build import histories
from mtsite.build.histories import Histories, move_on, shown_histories, still_true
from mtsite.known import TargetRun
from mtsite.model import TestName
from mtsite.pages.history import Shown
from mtsite.pages.page import Stretch

T = ("t", "")
OTHER = ("other", "")
Parts = dict[tuple[TestName, int], list[Stretch]]


def target_run(at: int, letter: str) -> TargetRun:
    return TargetRun(at, f"r{at}", f"a/x/r{at}", ("x",), letter, "", "")


def verdicts_of(run: TargetRun) -> dict[TestName, tuple[str, object]]:
    """`other` is in every run; '.' means that the run does not have the test."""
    found: dict[TestName, tuple[str, object]] = {OTHER: ("P", None)}
    return found if run.mark == "." else found | {T: (run.mark, None)}


def runs_of(letters: str) -> list[TargetRun]:
    return [target_run(at, letter) for at, letter in enumerate(letters)]


def shown(
    runs: Sequence[TargetRun], known: Histories | None = None, parts: Parts | None = None
) -> dict[TestName, Shown]:
    """What the pages show after all these runs, from what is remembered of some of them."""
    known = still_true(runs, known) or Histories()
    kept = {} if parts is None else parts

    def part(name: TestName, number: int, stretches: Sequence[Stretch]) -> None:
        kept[name, number] = list(stretches)

    move_on(known, runs, verdicts_of, part)
    again = Histories.decode(known.encode("recipe"), "recipe")
    assert again is not None
    for run in runs[again.runs :]:
        again.extend(run, verdicts_of(run), part)
    return dict(shown_histories(again))


def stretches(letters: str) -> list[Stretch]:
    return list(shown(runs_of(letters))[T].stretches[::-1])


def test_equal_verdicts_in_a_row_are_one_stretch_and_the_last_stays_open() -> None:
    assert stretches("PPFF") == [Stretch("P", "r0", 0, "r1", 1, 2), Stretch("F", "r2", 2)]


def test_an_open_stretch_does_not_change_when_it_grows() -> None:
    assert stretches("PF")[-1] == stretches("PFFFF")[-1]


def test_a_run_in_flight_breaks_no_stretch() -> None:
    assert stretches("PRP") == [Stretch("P", "r0", 0)]


def test_a_run_without_the_test_is_a_stretch_of_its_own() -> None:
    assert [each.verdict for each in stretches("P.P")] == ["P", ".", "P"]


def test_a_run_in_flight_does_not_miss_the_tests_that_it_has_not_begun() -> None:
    known = Histories()
    known.extend(target_run(0, "P"), {T: ("P", None)}, lambda *_: None)
    known.extend(target_run(1, "P"), {OTHER: ("R", None)}, lambda *_: None)
    assert known.tests[T].newest_first() == [Stretch("P", "r0", 0)]


def test_a_test_that_began_where_another_ended_may_be_its_new_name() -> None:
    known = Histories()
    for at, name in enumerate(["old", "old", "new"]):
        verdicts = {OTHER: ("P", None), (name, ""): ("P", None)}
        known.extend(target_run(at, "P"), verdicts, lambda *_: None)
    found = dict(shown_histories(known))
    assert found["old", ""].heirs == (("new", ""),)
    assert found["new", ""].heirs == found[OTHER].heirs == ()


LETTERS = st.text("PF.WR", min_size=1, max_size=60)


@given(LETTERS, st.data())
def test_what_is_remembered_gives_the_same_pages_as_all_runs(
    letters: str, data: st.DataObject
) -> None:
    with patch.object(histories, "PART_STRETCHES", 3), patch.object(histories, "NEWEST_RUNS", 2):
        runs = runs_of(letters)
        known, parts = Histories(), dict[tuple[TestName, int], list[Stretch]]()
        for end in sorted(data.draw(st.lists(st.integers(1, len(runs)), max_size=4))):
            shown(runs[:end], known, parts)
        clean: Parts = {}
        assert shown(runs, known, parts) == shown(runs, None, clean)
        assert parts == clean


@given(LETTERS)
def test_every_closed_stretch_is_on_one_page(letters: str) -> None:
    with patch.object(histories, "PART_STRETCHES", 3):
        parts: Parts = {}
        found = shown(runs_of(letters), None, parts)[OTHER]
        page = shown(runs_of(letters), None, {}).get(T)
        whole = shown_without_parts(letters)
    older = [one for (name, _), part in sorted(parts.items()) if name == T for one in part]
    assert found.parts == 0
    assert ([*older, *page.stretches[::-1]] if page else []) == whole


def shown_without_parts(letters: str) -> list[Stretch]:
    with patch.object(histories, "PART_STRETCHES", 10_000):
        found = shown(runs_of(letters)).get(T)
    return list(found.stretches[::-1]) if found else []


def test_what_is_remembered_counts_no_more_when_an_older_run_changes() -> None:
    runs = runs_of("P" * 40)
    known = Histories()
    assert move_on(known, runs, verdicts_of, lambda *_: None)
    assert still_true(runs, known) is known
    assert still_true([target_run(0, "F"), *runs[1:]], known) is None
    assert still_true(runs[1:], known) is None


def test_a_night_takes_in_the_newest_runs_only() -> None:
    known = Histories()
    move_on(known, runs_of("P" * 1000), verdicts_of, lambda *_: None)
    asked: list[str] = []

    def asking(run: TargetRun) -> dict[TestName, tuple[str, object]]:
        asked.append(run.runname)
        return verdicts_of(run)

    for end in range(1001, 1009):
        move_on(known, runs_of("P" * end), asking, lambda *_: None)
    assert asked == [f"r{at}" for at in range(992, 1000)]


def test_another_recipe_remembers_nothing() -> None:
    known = Histories()
    move_on(known, runs_of("P" * 30), verdicts_of, lambda *_: None)
    assert Histories.decode(known.encode("one"), "other") is None
