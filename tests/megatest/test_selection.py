"""Which runs are chosen by the options that all commands about runs share."""

import click
import pytest
from click.testing import CliRunner

from mtsite.commands.selection import selection_options
from mtsite.megatest.activity import RunActivity
from mtsite.megatest.selection import Selection

NOW, DAY = 1_700_000_000, 86_400


def run(**changed):
    facts = {"run_id": 1, "target": ("ubuntu", "nfs"), "runname": "ww45.2", "state": "new"}
    times = {"event_time": NOW - 10 * DAY, "activity": NOW - 3 * DAY, "status": "n/a"}
    return RunActivity(**(facts | times | changed))


@pytest.mark.parametrize(
    ("asked", "chosen"),
    [
        ({}, True),
        ({"target": "ubuntu/%", "runname": "ww%"}, True),
        ({"target": "suse/%"}, False),
        ({"runname": "nightly%"}, False),
        ({"older_than": 3 * DAY}, True),
        ({"older_than": 3 * DAY + 1}, False),
        ({"newer_than": 3 * DAY}, False),
        ({"newer_than": 3 * DAY + 1}, True),
        ({"state": "NEW"}, True),
        ({"state": "locked,deleted"}, False),
        ({"status": "n/a"}, True),
    ],
)
def test_a_run_must_fulfil_all_that_is_asked_for(asked, chosen):
    assert Selection(**asked).matches(run(), NOW) is chosen


def test_a_run_without_any_time_is_neither_older_nor_newer():
    timeless = run(activity=None)
    assert not Selection(older_than=0).matches(timeless, NOW)
    assert not Selection(newer_than=10**9).matches(timeless, NOW)
    assert Selection().matches(timeless, NOW)


def test_a_status_that_the_caller_worked_out_stands_for_the_rows_own():
    assert Selection(status="FAIL").matches(run(), NOW, status="FAIL")


@click.command()
@selection_options
@click.option("--other")
def command(selection, other):
    click.echo(f"{selection} {other}")


def called(*words):
    return CliRunner().invoke(command, words)


def test_the_options_of_a_command_become_one_selection():
    given = called("--target", "u/%", "--older-than", "1d 12h", "--state", "new", "--other", "x")
    expected = Selection(target="u/%", older_than=36 * 3600, state="new")
    assert given.output == f"{expected} x\n"


@pytest.mark.parametrize("age", ["30", "30x", "", "d"])
def test_an_age_without_a_known_unit_is_a_usage_error(age):
    given = called("--newer-than", age)
    assert given.exit_code == 2
    assert "is no age" in given.output
