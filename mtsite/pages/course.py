"""How a target went over time: what went wrong, and how long its runs took. Pure.

Both are tracks: the line is what is usual (nothing wrong; the middle duration), and what leaves it
stands on it as a mark. Places on it are times, so months without a run are a gap in the line.
"""

from collections.abc import Sequence
from itertools import pairwise
from statistics import median_low

from msgspec import Struct

from mtsite import urls
from mtsite.comparison import is_slower
from mtsite.model import RunSummary
from mtsite.pages import words
from mtsite.pages.series import HEIGHT, WIDTH, Chart, Figure, evenly, stretches

MOST = 365
"""So many of the newest runs are drawn."""

TABLE_ROWS = 40
_TRACK = 5
_GAP_FACTOR = 6
_GAP_LEAST = 3 * 86_400


class _Point(Struct, frozen=True):
    run: RunSummary
    time: int
    x: int
    wrong: int
    total: int
    took: int | None


def shown(path: str, newest_first: Sequence[RunSummary], total: int) -> Chart | None:
    """The newest of `total` runs, two figures and a table; None where fewer than two ended."""
    runs = [one for one in reversed(newest_first[:MOST]) if _is_told(one)]
    times = [one.event_time or 0 for one in runs]
    if len(runs) < 2 or times[-1] <= times[0]:
        return None
    span = times[-1] - times[0]
    points = [
        _point(one, time, (time - times[0]) * WIDTH // span)
        for one, time in zip(runs, times, strict=True)
    ]
    gaps = _gap(times)
    figures = (_wrong(points, gaps), _durations(points, gaps))
    rows = tuple(_row(path, one) for one in reversed(evenly(points, TABLE_ROWS)))
    cut = (
        f"The newest {words.plural(len(runs), 'run')} of {words.number(total)}."
        if len(runs) < total
        else ""
    )
    if len(rows) < len(runs):
        cut = f"{cut} {len(rows)} of {len(runs)} runs, evenly chosen; the lines have all.".strip()
    return Chart(
        figures=tuple(one for one in figures if one is not None),
        ends=(words.when(times[0])[0][:10], words.when(times[-1])[0][:10]),
        head=("run", "began", "went wrong", "of", "took"),
        rows=rows,
        note=cut,
    )


def _is_told(run: RunSummary) -> bool:
    """Whether it has ended, has tests, and began at a time that a calendar knows."""
    known = bool(run.event_time) and bool(words.when(run.event_time)[0])
    return known and bool(words.total(run.counts)) and not run.counts.get("R")


def _point(run: RunSummary, time: int, x: int) -> _Point:
    took = None
    if run.event_time is not None and run.end_time is not None and run.end_time >= run.event_time:
        took = run.end_time - run.event_time
    return _Point(run, time, x, words.bad(run.counts), words.total(run.counts), took)


def _gap(times: Sequence[int]) -> int:
    """From so many seconds on there is a gap between two runs."""
    steps = [later - earlier for earlier, later in pairwise(times)]
    return max(_GAP_LEAST, _GAP_FACTOR * median_low(steps))


def _wrong(points: Sequence[_Point], gap: int) -> Figure:
    deep = HEIGHT - _TRACK - 2
    marks = [
        f"M{one.x} {_TRACK}v{max(5, one.wrong * deep // one.total)}" for one in points if one.wrong
    ]
    shares = [100 * one.wrong / one.total for one in points]
    bad = sum(bool(one.wrong) for one in points)
    runs = words.plural(len(points), "run")
    said = f"something in {bad} of {runs}, up to {_percent(max(shares))} of tests"
    said = said if bad else f"nothing in {runs}"
    return Figure(
        "Went wrong",
        said,
        f"Went wrong: {said}; in the newest {_percent(shares[-1])}",
        (("track", _track(points, _TRACK, gap)), ("off", "".join(marks))),
    )


def _durations(points: Sequence[_Point], gap: int) -> Figure | None:
    timed = [one for one in points if one.took is not None]
    took = [one.took for one in timed if one.took is not None]
    if len(took) < 2 or max(took) <= 0:
        return None
    usual, longest = median_low(took), max(took)

    def height(seconds: int) -> int:
        return HEIGHT - 2 - seconds * (HEIGHT - 6) // longest

    line = "".join(
        f"M{part[0].x} {height(part[0].took or 0)}"
        + "".join(f"L{one.x} {height(one.took or 0)}" for one in part[1:])
        for part in stretches(timed, lambda one: one.time, gap)
    )
    track = height(usual)
    marks = [
        f"M{one.x} {track}V{height(one.took or 0)}" for one in timed if is_slower(one.took, usual)
    ]
    said = f"usually {words.duration(usual)}, longest {words.duration(longest)}"
    paths = (("track", _track(timed, track, gap)), ("", line), ("slow", "".join(marks)))
    return Figure("Took", said, f"Took: {said}, the newest {words.duration(took[-1])}", paths)


def _track(points: Sequence[_Point], y: int, gap: int) -> str:
    """The line under all runs; a run by itself is a short piece of it."""
    return "".join(
        f"M{max(0, part[0].x - 1)} {y}H{max(part[-1].x, part[0].x + 1)}"
        for part in stretches(points, lambda one: one.time, gap)
    )


def _percent(share: float) -> str:
    """'0 %', '<1 %', '12 %': never none where there is some, never all where one is good."""
    if 0 < share < 1:
        return f"<1{words.THIN}%"
    whole = 99 if 99 < share < 100 else round(share)
    return f"{whole}{words.THIN}%"


def _row(path: str, one: _Point) -> tuple[tuple[str, str], ...]:
    """(text, link) of each cell."""
    return (
        (one.run.key.runname, urls.relative(path, urls.run_page(one.run.key))),
        (words.when(one.time)[1], ""),
        (words.number(one.wrong), ""),
        (words.number(one.total), ""),
        (words.duration(one.took), ""),
    )
