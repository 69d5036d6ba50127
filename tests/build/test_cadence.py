"""How often a run is expected, told from the runs that came."""

from itertools import accumulate

import pytest

from mtsite.build.cadence import UNTOLD, Cadence, as_said, of_runs

HOUR, DAY = 3600, 86_400


def came(*gaps: int) -> list[int]:
    """When runs began, newest first, with these gaps between them, oldest first."""
    return list(accumulate(gaps, initial=1_700_000_000))[::-1]


@pytest.mark.parametrize(
    ("gap", "expected"),
    [
        (HOUR + 200, HOUR),
        (DAY - 2 * HOUR, DAY),
        (7 * DAY + HOUR, 7 * DAY),
        (6 * HOUR + 90, 6 * HOUR),
    ],
)
def test_the_middle_gap_tells_how_often(gap: int, expected: int) -> None:
    assert of_runs(came(*[gap] * 8)).expected == expected


def test_one_pause_says_nothing_and_a_run_is_late_half_a_period_after_it_was_due() -> None:
    assert of_runs(came(*[DAY] * 5, 9 * DAY, *[DAY] * 5)) == Cadence(DAY, DAY * 3 // 2)


def test_weekends_that_come_back_make_no_run_late() -> None:
    week = [DAY] * 4 + [3 * DAY]
    found = of_runs(came(*week * 4))
    assert found.expected == DAY
    assert found.late > 3 * DAY


@pytest.mark.parametrize("gaps", [(DAY, DAY, DAY), (5, 5, 5, 5, 5, 5), (90 * DAY,) * 6])
def test_few_runs_bursts_and_rarities_tell_nothing(gaps: tuple[int, ...]) -> None:
    assert of_runs(came(*gaps)) == UNTOLD


def test_what_the_settings_say_counts_and_nought_is_never() -> None:
    assert as_said(2 * DAY) == Cadence(2 * DAY, 3 * DAY)
    assert as_said(0) == UNTOLD
