"""Retention's plan: which clock is over for which run, and the rule that says so."""

import dataclasses
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from mtsite.config import RetainConfig
from mtsite.holds import Hold, Holds
from mtsite.model import RunKey
from mtsite.retention import (
    CLOCKS,
    DAY,
    RetainPlan,
    Standing,
    leaving_soon,
    plan_retention,
)

NOW = 1_800_000_000
NOBODY = Holds()
RULES = RetainConfig(logs=30 * DAY, pages=90 * DAY, rows=365 * DAY)


def nightly(number: int, *, first_age_days: int = 500, **rest: bool) -> list[Standing]:
    """So many runs of one target, a day apart, the oldest `first_age_days` old."""
    return [
        Standing(
            RunKey("fullrun", ("ubuntu",), f"w{index:03}"),
            NOW - (first_age_days - index) * DAY,
            NOW - (first_age_days - index) * DAY,
            **{"good": True, **rest},
        )
        for index in range(number)
    ]


def rule_of(plan: RetainPlan, runname: str) -> str:
    return next(one.rule for one in plan.runs if one.run.key.runname == runname)


def ends_of(plan: RetainPlan, runname: str) -> tuple[str, ...]:
    return next(one.ends for one in plan.runs if one.run.key.runname == runname)


@pytest.mark.parametrize(
    ("age_days", "ends", "rule"),
    [
        (29, (), "young"),
        (30, ("logs",), "logs"),
        (90, ("logs", "pages"), "pages"),
        (400, ("logs", "pages", "rows"), "rows"),
    ],
)
def test_each_clock_ends_its_part_of_a_run(age_days: int, ends: tuple[str, ...], rule: str) -> None:
    plan = plan_retention(nightly(9, first_age_days=age_days), RULES, NOBODY, NOW)
    assert (ends_of(plan, "w000"), rule_of(plan, "w000")) == (ends, rule)


def test_the_reason_names_the_setting() -> None:
    plan = plan_retention(nightly(9, first_age_days=100), RULES, NOBODY, NOW)
    assert plan.runs[0].reason == "ended 2026-10-07: [retain] pages = 90d"


def test_what_was_ended_before_does_not_end_again() -> None:
    first, *rest = nightly(9, first_age_days=100)
    plan = plan_retention([replace(first, spent=frozenset({"logs"})), *rest], RULES, NOBODY, NOW)
    assert ends_of(plan, "w000") == ("pages",)


def test_the_last_run_of_a_target_is_kept() -> None:
    plan = plan_retention(nightly(3), RULES, NOBODY, NOW)
    assert rule_of(plan, "w002") == "last"


def test_the_last_good_run_is_kept_though_bad_ones_came_after() -> None:
    runs = nightly(3)
    runs[1:] = [replace(run, good=False) for run in runs[1:]]
    plan = plan_retention(runs, RULES, NOBODY, NOW)
    assert [one.rule for one in plan.runs] == ["last good", "rows", "last"]


def test_each_target_keeps_its_own_last_run() -> None:
    runs = nightly(2)
    other = [replace(one, key=replace(one.key, target=("suse",))) for one in nightly(2)]
    plan = plan_retention([*runs, *other], RULES, NOBODY, NOW)
    assert [one.rule for one in plan.runs] == ["rows", "last", "rows", "last"]


def test_keep_last_keeps_the_newest_of_each_target() -> None:
    plan = plan_retention(nightly(5), dataclasses.replace(RULES, keep_last=3), NOBODY, NOW)
    rules = [one.rule for one in plan.runs]
    assert rules == ["rows", "rows", "keep_last", "keep_last", "last"]


def test_keep_within_counts_from_the_newest_run_of_the_target() -> None:
    # As restic's --keep-within: a target that nobody runs any more keeps its last days.
    plan = plan_retention(nightly(5), dataclasses.replace(RULES, keep_within=3 * DAY), NOBODY, NOW)
    rules = [one.rule for one in plan.runs]
    assert rules == ["rows", "rows", "keep_within", "keep_within", "last"]


@pytest.mark.parametrize(
    ("change", "rule"), [({"locked": True}, "locked"), ({"in_flight": True}, "in flight")]
)
def test_a_locked_run_and_one_in_flight_stay(change: dict[str, bool], rule: str) -> None:
    first, *rest = nightly(9)
    plan = plan_retention([replace(first, **change), *rest], RULES, NOBODY, NOW)
    assert rule_of(plan, "w000") == rule


def test_a_run_that_has_no_time_stays() -> None:
    first, *rest = nightly(9)
    plan = plan_retention([replace(first, ended=0), *rest], RULES, NOBODY, NOW)
    assert rule_of(plan, "w000") == "no time"


def test_a_hold_wins_and_is_named() -> None:
    holds = Holds((Hold("fullrun/ubuntu/w000", "release", "matt"),))
    (first, *_) = plan_retention(nightly(9), RULES, holds, NOW).runs
    assert (first.rule, first.reason) == ("held", "held by matt: release")


def test_without_a_clock_nothing_ends() -> None:
    plan = plan_retention(nightly(9), RetainConfig(keep_last=1), NOBODY, NOW)
    assert plan.leaving == ()
    assert rule_of(plan, "w000") == "forever"


def test_more_than_a_fifth_is_too_much() -> None:
    assert plan_retention(nightly(9), RULES, NOBODY, NOW).too_much() == (
        "the logs of 8 of 9 runs would end"
    )
    few = plan_retention(nightly(9, first_age_days=30), RULES, NOBODY, NOW)
    assert len(few.leaving) == 1
    assert few.too_much() == ""


def test_leaving_soon_names_the_day_and_what_ends() -> None:
    soon = leaving_soon(nightly(20, first_age_days=28), RULES, NOBODY, NOW)
    assert [(one.run.key.runname, one.clocks) for one in soon[:2]] == [
        ("w000", ("logs",)),
        ("w001", ("logs",)),
    ]
    assert soon[0].when == NOW + 2 * DAY
    assert len(soon) == 13


def test_a_hold_that_ends_soon_sets_the_day() -> None:
    until = date(2027, 1, 20)
    holds = Holds((Hold("fullrun/ubuntu/w000", "x", until=until),))
    soon = leaving_soon(nightly(9), RULES, holds, NOW)
    first = next(one for one in soon if one.run.key.runname == "w000")
    assert first.when == holds.holds[0].ends


def test_the_list_is_what_ends_fourteen_days_later() -> None:
    runs = nightly(60, first_age_days=80)
    soon = {one.run.key: one.clocks for one in leaving_soon(runs, RULES, NOBODY, NOW)}
    later = plan_retention(runs, RULES, NOBODY, NOW + 14 * DAY)
    assert soon == {one.run.key: one.ends for one in later.leaving}


ages = st.none() | st.integers(0, 900)
policies = st.builds(
    lambda spans, last, within: RetainConfig(
        *(None if days is None else days * DAY for days in spans),
        keep_last=last,
        keep_within=within * DAY,
    ),
    st.lists(st.integers(0, 900), min_size=3, max_size=3).map(sorted)
    | st.tuples(st.integers(0, 900), st.none(), st.none())
    | st.just((None, None, None)),
    st.integers(0, 4),
    st.integers(0, 40),
)
some_runs = st.lists(
    st.builds(
        Standing,
        st.builds(
            RunKey,
            st.just("a"),
            st.sampled_from([("x",), ("y",)]),
            st.integers(0, 30).map(lambda n: f"w{n:02}"),
        ),
        place=st.integers(0, 900).map(lambda d: NOW - d * DAY),
        ended=st.integers(0, 900).map(lambda d: NOW - d * DAY),
        good=st.booleans(),
        in_flight=st.booleans(),
        locked=st.booleans(),
        spent=st.sampled_from([frozenset(CLOCKS[:n]) for n in range(4)]),
    ),
    max_size=12,
    unique_by=lambda run: run.key,
)


@given(some_runs, policies, st.integers(0, 400))
def test_last_and_last_good_never_go(runs: list[Standing], rules: RetainConfig, days: int) -> None:
    leaving = {one.run.key for one in plan_retention(runs, rules, NOBODY, NOW + days * DAY).leaving}
    for target in (("x",), ("y",)):
        ended = [run for run in runs if run.key.target == target and not run.in_flight]
        whole = [run for run in ended if not run.spent & {"pages", "rows"}] or ended
        whole.sort(key=lambda run: (run.place, run.key.runname))
        for last in (whole[-1:], [run for run in whole if run.good][-1:]):
            assert not leaving & {run.key for run in last}


@given(some_runs, policies, st.integers(0, 900), st.integers(0, 900))
def test_what_ends_now_ends_later_as_well(
    runs: list[Standing], rules: RetainConfig, days: int, more: int
) -> None:
    now = {(one.run.key, c) for one in plan_retention(runs, rules, NOBODY, NOW + days * DAY).leaving
           for c in one.ends}  # fmt: skip
    then = NOW + (days + more) * DAY
    later = plan_retention(runs, rules, NOBODY, then).leaving
    assert now <= {(one.run.key, clock) for one in later for clock in one.ends}


@given(some_runs, policies, st.integers(0, 30))
def test_holds_win_over_every_rule(runs: list[Standing], rules: RetainConfig, number: int) -> None:
    holds = Holds(tuple(Hold(f"a/{target}/w{number:02}", "kept") for target in "xy"))
    leaving = plan_retention(runs, rules, holds, NOW + 900 * DAY).leaving
    assert not [one for one in leaving if one.run.key.runname == f"w{number:02}"]


@given(some_runs, policies)
def test_logs_end_no_later_than_pages_and_pages_than_rows(
    runs: list[Standing], rules: RetainConfig
) -> None:
    for one in plan_retention(runs, rules, NOBODY, NOW).leaving:
        done = {*one.ends, *one.run.spent}
        for earlier, later in (("logs", "pages"), ("pages", "rows")):
            assert later not in one.ends or earlier in done or getattr(rules, earlier) is None


@given(some_runs, policies, st.integers(0, 4))
def test_keeping_more_never_ends_more(runs: list[Standing], rules: RetainConfig, more: int) -> None:
    fewer = plan_retention(runs, rules, NOBODY, NOW).leaving
    kinder = dataclasses.replace(rules, keep_last=rules.keep_last + more)
    kept = plan_retention(runs, kinder, NOBODY, NOW).leaving
    assert {one.run.key for one in kept} <= {one.run.key for one in fewer}
