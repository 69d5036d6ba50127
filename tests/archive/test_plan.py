"""The rules of reduce, without any database: facts of runs in, reasons out."""

import dataclasses

import pytest
from msgspec.structs import replace

from mtsite.archive.plan import plan_moves
from mtsite.config import ReduceConfig
from mtsite.megatest.activity import RunActivity

DAY = 86_400
NOW = 1_000 * DAY
RULES = ReduceConfig(older_than=2 * DAY, keep_live=0, dead_after=7 * DAY)
OLD = RunActivity(
    run_id=1,
    target=("ubuntu", "nfs"),
    runname="w01",
    state="new",
    event_time=NOW - 10 * DAY,
    activity=NOW - 9 * DAY,
    tests=3,
)


@pytest.mark.parametrize(
    ("changed", "rule"),
    [
        ({}, "finished"),
        ({"state": "locked"}, "locked"),
        ({"state": "LOCKED"}, "locked"),
        ({"state": "deleted"}, "deleted"),
        ({"state": "MOVED"}, "moved"),
        ({"state": ""}, "finished"),
        ({"activity": None}, "no time"),
        ({"activity": NOW - 2 * DAY}, "finished"),
        ({"activity": NOW - 2 * DAY + 1}, "young"),
        ({"activity": NOW + DAY}, "young"),
        ({"busy": 1, "heard": NOW - 7 * DAY}, "in flight"),
        ({"busy": 1, "heard": NOW - 7 * DAY - 1}, "finished"),
        ({"busy": 1, "heard": None}, "in flight"),
        ({"waiting": 1}, "finished"),
        ({"waiting": 1, "activity": NOW - DAY}, "waiting"),
        ({"unknown": ("WEIRD",)}, "unknown state"),
        ({"holds_highest": ("runs.id",)}, "highest id"),
        ({"holds_highest": ("tests.id",)}, "highest id"),
        ({"tests": 0}, "finished"),
    ],
)
def test_each_rule_keeps_or_moves(changed, rule):
    (planned,) = plan_moves([replace(OLD, **changed)], RULES, NOW).moves
    assert (planned.rule, planned.moves) == (rule, rule == "finished")
    assert planned.reason


def test_the_newest_finished_runs_of_each_target_stay():
    runs = [
        replace(OLD, run_id=10 * side + number, target=(f"t{side}",), runname=f"w{number}",
                event_time=NOW - (20 - number) * DAY)
        for side in (1, 2)
        for number in range(4)
    ]  # fmt: skip
    plan = plan_moves(runs, dataclasses.replace(RULES, keep_live=2), NOW)
    assert [one.run.run_id for one in plan.kept] == [12, 13, 22, 23]
    assert {one.rule for one in plan.kept} == {"keep_live"}


def test_only_finished_runs_count_among_the_newest():
    finished = replace(OLD, run_id=1, event_time=NOW - 30 * DAY)
    in_flight = replace(OLD, run_id=2, busy=1, heard=NOW - DAY)
    deleted = replace(OLD, run_id=3, state="deleted")
    empty = replace(OLD, run_id=4, tests=0)
    plan = plan_moves(
        [finished, in_flight, deleted, empty], dataclasses.replace(RULES, keep_live=1), NOW
    )
    rules = {one.run.run_id: one.rule for one in plan.moves}
    assert rules == {1: "keep_live", 2: "in flight", 3: "deleted", 4: "finished"}


def test_runs_of_one_time_are_ordered_by_name():
    runs = [replace(OLD, run_id=3 - n, runname=f"w{n}") for n in range(3)]
    plan = plan_moves(runs, dataclasses.replace(RULES, keep_live=1), NOW)
    assert [one.run.runname for one in plan.kept] == ["w2"]


def test_the_plan_names_every_run_once_in_order():
    runs = [replace(OLD, run_id=number, runname=f"w{number}") for number in (3, 1, 2)]
    plan = plan_moves(runs, dataclasses.replace(RULES, keep_live=1), NOW)
    assert [one.run.run_id for one in plan.moves] == [1, 2, 3]
    assert len(plan.leaving) + len(plan.kept) == 3


def test_the_reason_says_how_old_the_run_is():
    (planned,) = plan_moves([replace(OLD, activity=NOW - 3 * DAY - 3600)], RULES, NOW).moves
    assert planned.reason == "ended, unchanged for 3d 1h"
