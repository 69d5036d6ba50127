"""What earlier runs say about a run: against which run, since when, how often."""

from mtsite.build.seal import (
    COMPARED_ROWS,
    LOOK_BACK,
    Outcomes,
    run_facts,
    with_comparisons,
)
from mtsite.facts import Compared

T = ("t", "")


def outcomes(letters: str) -> list[tuple[str, Outcomes]]:
    """r0, r1 … with one test whose verdicts these are ('.': the run doesn't have it)."""
    return [
        (f"r{i}", {T: (letter, 10 + i)} if letter != "." else {("other", ""): ("P", 1)})
        for i, letter in enumerate(letters)
    ]


def facts_of(history: str, now: str, *, more: bool = False) -> object:
    return run_facts("now", {T: (now, 5)}, outcomes(history), more=more).tests[T]


def test_a_failure_after_a_pass_is_new() -> None:
    assert facts_of("PP", "F").change == "new"


def test_a_failure_after_a_failure_is_still_there() -> None:
    assert facts_of("PF", "A").change == "still"


def test_a_pass_after_a_failure_is_fixed() -> None:
    found = run_facts("now", {T: ("P", 5)}, outcomes("PF"), more=False)
    assert found.tests[T].change == "fixed"
    assert found.fixed == (T,)


def test_a_skip_after_a_failure_fixes_nothing() -> None:
    assert facts_of("PF", "S").change == ""


def test_the_first_run_of_a_target_is_compared_with_nothing() -> None:
    found = run_facts("now", {T: ("F", 5)}, [], more=False)
    assert (found.previous, found.tests[T].change) == ("", "")


def test_a_run_in_flight_is_not_compared_with_where_an_ended_one_is_at_hand() -> None:
    assert run_facts("now", {T: ("F", 5)}, outcomes("PFR"), more=False).previous == "r1"


def test_failing_since_names_the_first_run_of_the_stretch_and_counts_it() -> None:
    found = facts_of("PPFSF", "F")
    assert (found.since, found.since_runs, found.last_good) == ("r2", 3, "r1")


def test_a_first_failure_has_failed_since_this_run() -> None:
    found = facts_of("PP", "F")
    assert (found.since, found.since_runs, found.last_good) == ("now", 1, "r1")


def test_a_look_back_that_ended_in_failures_says_so_only_if_there_was_more() -> None:
    assert facts_of("F" * LOOK_BACK, "F", more=True).capped
    assert not facts_of("F" * LOOK_BACK, "F").capped


def test_the_strip_ends_at_this_run_and_shows_absence() -> None:
    assert facts_of("PF.W", "A").strip == "PF.WA"


def test_strip_and_window_hold_thirty_runs() -> None:
    found = run_facts("now", {T: ("P", 5)}, outcomes("P" * 80), more=False)
    assert len(found.window) == len(found.tests[T].strip) == 30
    assert found.window[-1] == "now"


def test_usual_is_the_median_of_good_durations_and_needs_three() -> None:
    assert facts_of("PP", "P").usual is None
    assert facts_of("PFPP", "P").usual == 12


def test_three_switches_between_good_and_bad_make_a_test_flaky() -> None:
    assert facts_of("PFSPP", "F").flaky
    assert not facts_of("PPFF", "P").flaky


def test_tests_that_the_previous_run_had_are_named_when_they_vanish() -> None:
    earlier = [("r0", {T: ("P", 1), ("gone", "x"): ("P", 1)})]
    assert run_facts("now", {T: ("P", 5)}, earlier, more=False).vanished == (("gone", "x"),)


def test_last_good_is_the_newest_run_without_a_bad_or_running_test() -> None:
    assert run_facts("now", {T: ("F", 5)}, outcomes("PPFN"), more=False).last_good == "r1"


def beside(now: str, there: str, *, values: tuple[float, float] | None = None) -> Compared:
    """A run of tests t0, t1 … with these letters beside an earlier one with those."""
    mine = {(f"t{i}", ""): (letter, 1) for i, letter in enumerate(now)}
    theirs = {(f"t{i}", ""): (letter, 1) for i, letter in enumerate(there) if letter != "."}
    facts = run_facts("now", mine, [("r0", theirs)], more=False)
    old, new = (
        ({("t0", ""): (("key", value),)} if values else {}) for value in values or (0.0, 0.0)
    )
    return with_comparisons(facts, (mine, new), lambda name: (theirs, old)).compared[0]


def test_a_run_is_compared_with_the_one_before_it() -> None:
    found = beside("PFPF", "FPP.")
    assert found.runname == "r0"
    assert found.counts == {"WORSE": 1, "NOT-IN-SRC": 1, "BETTER": 1, "CLEAN": 1}
    assert found.rows == (("t1", "", "P", "F"), ("t3", "", ".", "F"), ("t0", "", "F", "P"))


def test_a_run_is_compared_with_the_last_good_one_where_that_is_another() -> None:
    earlier = [("good", {T: ("P", 1)}), ("bad", {T: ("F", 1)})]
    facts = run_facts("now", {T: ("F", 1)}, earlier, more=False)
    found = with_comparisons(facts, ({T: ("F", 1)}, {}), lambda name: (dict(earlier)[name], {}))
    assert [(one.runname, one.counts) for one in found.compared] == [
        ("bad", {"BOTH-BAD": 1}),
        ("good", {"WORSE": 1}),
    ]


def test_what_is_kept_of_a_comparison_is_bounded_and_all_of_it_counted() -> None:
    found = beside("F" * 900, "P" * 900)
    assert len(found.rows) == COMPARED_ROWS
    assert found.counts == {"WORSE": 900}


def test_a_measured_value_that_moved_is_kept_with_its_place() -> None:
    assert beside("P", "P", values=(800.0, 760.0)).values == (("t0", "", 0, 800.0, 760.0),)
    assert beside("P", "P", values=(800.0, 800.0)).values_total == 0
