"""The page about retention: what ends next with the command that keeps it, what ended and why."""

from browser import records, side_records
from pages.shown import FRAME, THEME

from mtsite.holds import Hold
from mtsite.model import RunKey
from mtsite.pages import leaving
from mtsite.pages.leaving import Departures, Held
from mtsite.retention import Leaving, Standing

KEY = RunKey("fullrun", ("ubuntu 24", "nfs"), "w01")


def page_of(told: Departures) -> str:
    return THEME.render(leaving.TEMPLATE, leaving.context(FRAME, told)).decode()


def test_each_leaving_run_has_its_day_its_rule_and_the_command_that_keeps_it() -> None:
    run = Standing(KEY, 0, records.NOW - 179 * records.DAY)
    soon = Leaving(run, ("logs", "pages"), "[retain] pages = 180d", records.NOW + records.DAY)
    page = page_of(Departures(records.NOW, (soon,)))
    assert "Of 1 run something ends within 14 days." in page
    assert 'datetime="2026-11-21T02:00:00Z"' in page
    assert "its logs and pages" in page
    assert "[retain] pages = 180d" in page
    assert "mtsite hold add fullrun/ubuntu~2024/nfs/w01 --why" in page


def test_expired_holds_are_said() -> None:
    held = Held(Hold("fullrun/ubuntu/w01", "release", "matt"), KEY, expired=True)
    page = page_of(Departures(records.NOW, held=(held,)))
    assert "<b>expired</b>: release" in page


def test_what_ended_is_listed_with_its_rule_and_who_did_it(night: records.Night) -> None:
    page = page_of(side_records.departures(night))
    assert "[retain] logs = 180d" in page
    assert "its content" in page
    assert "maria" in page


def test_a_long_list_is_cut_and_says_so() -> None:
    runs = [Standing(RunKey("a", ("t",), f"w{n}"), n, n) for n in range(leaving.MAX_ROWS + 1)]
    told = Departures(records.NOW, tuple(Leaving(run, ("logs",), "x", 1) for run in runs))
    assert "500 of 501 shown" in page_of(told)


def test_nothing_that_leaves_is_said_too() -> None:
    assert "Nothing ends within 14 days." in page_of(Departures(records.NOW))
