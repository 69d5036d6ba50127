"""Charts over time: a target's course, measured values, hosts of a run, an area's growth."""

import re
from collections.abc import Sequence

import pytest
from browser import known_runs, records
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from mtsite.model import RunSummary, TestDatum
from mtsite.pages import course, grown, timeline, values
from mtsite.pages.series import HEIGHT, WIDTH, Chart, Figure, evenly, stretches

NIGHT = records.Night()
PATH = "chipyard/rhel9/nfs/nightly/index.html"
DAY = 86_400


def of_runs(*runs: tuple[int, int, int]) -> Chart | None:
    """(day, how many of 10 went wrong, hours), oldest first."""
    made = [
        replace(
            NIGHT.summary,
            event_time=1_700_000_000 + day * DAY,
            end_time=1_700_000_000 + day * DAY + hours * 3600,
            counts={"P": 10 - wrong, "F": wrong} if wrong else {"P": 10},
        )
        for day, wrong, hours in runs
    ]
    return course.shown(PATH, made[::-1], len(made))


def path(figure: Figure, style: str) -> str:
    return dict(figure.parts)[style]


def drawn(chart: Chart | None) -> Chart:
    assert chart is not None
    return chart


def test_what_went_wrong_hangs_on_the_track() -> None:
    wrong, _ = drawn(of_runs((0, 0, 1), (1, 10, 1), (2, 0, 1))).figures
    assert path(wrong, "track") == "M0 5H600"
    assert path(wrong, "off") == f"M300 5v{HEIGHT - 7}"
    assert wrong.said == "something in 1 of 3 runs, up to 100\u202f% of tests"


def test_months_without_a_run_are_a_gap_in_the_track() -> None:
    wrong, took = drawn(of_runs((0, 0, 1), (1, 0, 1), (98, 0, 1), (100, 0, 1))).figures
    assert path(wrong, "track") == "M0 5H6M587 5H600"
    assert path(took, "").count("M") == 2


def test_a_run_that_took_longer_than_usual_leaves_the_track() -> None:
    _, took = drawn(of_runs((0, 0, 2), (1, 0, 2), (2, 0, 4), (3, 0, 2))).figures
    assert len(re.findall("M", path(took, "slow"))) == 1
    assert took.said == "usually 2\u202fh 00\u202fm, longest 4\u202fh 00\u202fm"


@pytest.mark.parametrize("runs", [(), ((0, 3, 1),), ((0, 0, 1), (0, 1, 1))])
def test_one_run_is_no_course(runs: Sequence[tuple[int, int, int]]) -> None:
    assert of_runs(*runs) is None


def test_a_long_past_is_cut_and_says_so() -> None:
    chart = drawn(course.shown(PATH, known_runs.past(NIGHT), 1200))
    assert "The newest 365 runs of 1200." in chart.note
    assert len(chart.rows) <= course.TABLE_ROWS
    assert sum(len(line) for one in chart.figures for _, line in one.parts) < 12_000
    assert chart.rows[0][0][0] == "r400"


def test_runs_in_flight_and_without_tests_are_left_out() -> None:
    running = replace(NIGHT.summary, counts={"P": 3, "R": 1})
    assert course.shown(PATH, [running, replace(running, counts={})], 2) is None


RUNS = st.lists(
    st.tuples(st.integers(0, 2**40) | st.none(), st.integers(-10, 2**40), st.integers(0, 50)),
    max_size=30,
)


@given(RUNS)
def test_courses_stay_inside_their_box(rows: list[tuple[int | None, int, int]]) -> None:
    runs: list[RunSummary] = [
        replace(
            NIGHT.summary,
            event_time=time,
            end_time=None if time is None else time + took,
            counts={"P": 1, "F": bad} if bad else {"P": 1},
        )
        for time, took, bad in sorted(rows, key=lambda row: row[0] or 0, reverse=True)
    ]
    _stays_inside(course.shown(PATH, runs, len(runs)))


def _stays_inside(chart: Chart | None) -> None:
    for figure in chart.figures if chart else ():
        for _, line in figure.parts:
            for x, y in re.findall(r"[ML](-?\d+) (-?\d+)", line):
                assert 0 <= int(x) <= WIDTH
                assert 0 <= int(y) <= HEIGHT


SOME = next(one.data[0] for one in NIGHT.run.tests if one.data)


def datum(name: str, value: float, expected: object = 10.0, tol: object = 2.0) -> TestDatum:
    return replace(SOME, variable=name, value=value, expected=expected, tol=tol, status="pass")


RUN_LINKS = [(f"w{i}", f"../w{i}/index.html") for i in range(5)]


def test_a_value_that_leaves_its_tolerance_stands_on_the_band() -> None:
    chart = drawn(values.series([datum("speed", 10.0)], [(10.0, 11.0, 15.0, 10.0)], RUN_LINKS[:4]))
    (figure,) = chart.figures
    assert figure.band is not None
    assert path(figure, "off").count("M") == 1
    assert "tolerated 8 – 12" in figure.said


def test_values_of_a_younger_test_begin_later() -> None:
    data = [datum("a", 1.0), datum("b", 4.0)]
    chart = drawn(values.series(data, [(1.0, 2.0, 3.0, 2.0, 1.0), (3.0, 4.0)], RUN_LINKS))
    younger = next(one for one in chart.figures if one.name == "b")
    assert path(younger, "").startswith("M450 ")
    assert [row[0] for row in chart.rows] == RUN_LINKS[::-1]
    assert chart.rows[-1][2] == ("", "")


def test_what_never_moved_is_no_chart() -> None:
    assert values.series([datum("a", 1.0)], [(1.0, 1.0, 1.0)], RUN_LINKS[:3]) is None


def test_more_values_than_six_are_counted() -> None:
    data = [datum(f"v{i}", float(i)) for i in range(9)]
    chart = drawn(values.series(data, [(0.0, float(i + 1)) for i in range(9)], RUN_LINKS[:2]))
    assert len(chart.figures) == values.MAX_SERIES
    assert chart.note.startswith("3 more values moved")


NUMBER = st.floats(allow_nan=True) | st.integers(-(2**62), 2**62) | st.none()


@given(
    st.lists(NUMBER, min_size=2, max_size=20),
    st.floats() | st.text(max_size=3) | st.none(),
    st.floats() | st.text(max_size=3) | st.none(),
)
def test_value_charts_stay_inside_their_box(
    past: list[float | None], expected: object, tol: object
) -> None:
    runs = [(f"w{i}", "") for i in range(len(past))]
    _stays_inside(values.series([datum("a", 1.0, expected, tol)], [past], runs))


@pytest.mark.parametrize("past", [[2**62, 2**62 + 1], [0.0, 5e-324]])
def test_values_that_are_equal_as_they_are_drawn_have_no_curve(past: list[float | None]) -> None:
    assert values.series([datum("a", 1.0, None, None)], [past], [("w1", ""), ("w2", "")]) is None


def test_hosts_have_a_lane_each_with_what_went_wrong() -> None:
    made = timeline.shown(NIGHT.run, [str(v) for v in NIGHT.verdicts], PATH)
    assert made is not None
    assert [lane.host for lane in made.lanes] == sorted(lane.host for lane in made.lanes)
    assert any(lane.wrong for lane in made.lanes)
    assert sum(len(lane.ran) + len(lane.wrong) for lane in made.lanes) <= timeline.ROOM


def test_many_hosts_and_tests_stay_small_and_say_so() -> None:
    some = NIGHT.run.tests[0]
    begin = NIGHT.run.event_time or 0
    tests = tuple(
        replace(
            some,
            testname=f"t{i}",
            host=f"h{i % 100:03d}",
            event_time=begin + i * 7919 % 20_000,
            run_duration=3,
        )
        for i in range(10_000)
    )
    made = timeline.shown(
        replace(NIGHT.run, tests=tests), ["PF"[i % 2] for i in range(10_000)], PATH
    )
    assert made is not None
    assert made.note == "30 of 100 hosts, those with most tests."
    assert sum(len(lane.ran) + len(lane.wrong) for lane in made.lanes) <= timeline.ROOM


def test_a_clock_that_is_far_off_is_left_out_and_said() -> None:
    odd = replace(NIGHT.run.tests[0], event_time=5)
    run = replace(NIGHT.run, tests=(odd, *NIGHT.run.tests[1:]))
    made = timeline.shown(run, [str(v) for v in NIGHT.verdicts], PATH)
    assert made is not None
    assert made.note == "1 test left out: the time is far from that of the run."


def test_months_without_a_run_are_in_the_growth() -> None:
    chart = grown.shown([("2025-11", 2, 20, 100), ("2026-02", 1, 10, 50)])
    assert chart is not None
    assert [row[0][0] for row in chart.rows] == ["2026-02", "2026-01", "2025-12", "2025-11"]
    assert chart.figures[0].said == "10 in 2026-02, most 20"


def test_growth_of_many_years_is_cut_and_says_so() -> None:
    months = [
        (f"{year}-{month:02d}", 1, 2, 3) for year in range(2010, 2026) for month in range(1, 13)
    ]
    chart = grown.shown(months)
    assert chart is not None
    assert len(chart.rows) == grown.MOST
    assert chart.note == "132 runs of the months before 2021-01 are not drawn."


@given(st.lists(st.integers(), max_size=200), st.integers(1, 50))
def test_evenly_chosen_points_have_the_last(points: list[int], most: int) -> None:
    found = evenly(points, most)
    assert len(found) <= most
    assert not points or found[-1] == points[-1]


@given(st.lists(st.integers(0, 100)), st.integers(1, 20))
def test_stretches_are_all_points_in_order(points: list[int], gap: int) -> None:
    points.sort()
    assert [one for part in stretches(points, lambda p: p, gap) for one in part] == points
