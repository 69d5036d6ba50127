"""Numbers into the coordinates of small charts: pass bars, trends, step bars, gauges. Pure.

A chart is drawn by a template as SVG with attributes only: the site's policy allows no inline
style. Widths are whole units of a view box, so equal inputs give equal bytes.
"""

from collections.abc import Mapping, Sequence
from datetime import date

from mtsite.model import Step, TestDatum
from mtsite.pages import words

BAR = 1000
_LEAST = 8
TREND_DAYS = 14
_TREND_HEIGHT = 24

_BAD_ORDER = (
    letter
    for letter in words.WORST_FIRST
    if letter not in "RN" and letter not in words.GOOD_LETTERS
)
_BAR_ORDER = (*_BAD_ORDER, *"CVWSPRN")

Box = tuple[str, int, int]
"""(verdict letter, x, width)."""


def pass_bar(counts: Mapping[str, int]) -> tuple[Box, ...]:
    """The counts as boxes side by side, worst first, together `BAR` wide.

    Whatever occurs is at least a hair wide: one failure among 50,000 tests is seen.
    """
    present = [(letter, counts[letter]) for letter in _BAR_ORDER if counts.get(letter)]
    if not present:
        return ()
    everything = sum(number for _, number in present)
    widths = [max(_LEAST, number * BAR // everything) for _, number in present]
    widest = max(range(len(widths)), key=widths.__getitem__)
    widths[widest] += BAR - sum(widths)
    boxes: list[Box] = []
    x = 0
    for (letter, _), width in zip(present, widths, strict=True):
        boxes.append((letter, x, width))
        x += width
    return tuple(boxes)


def trend(days: Sequence[tuple[str, int, int]]) -> dict[str, object] | None:
    """Good and bad share of each of the last 14 days as columns; None without any day."""
    if not days:
        return None
    last = date.fromisoformat(days[-1][0])
    columns, shares = [], []
    for day, good, everything in days:
        column = TREND_DAYS - 1 - (last - date.fromisoformat(day)).days
        if column < 0 or everything <= 0:
            continue
        wrong = everything - good
        low = -(-wrong * (_TREND_HEIGHT - 4) // everything) + (2 if wrong else 0)
        columns.append((column * 8, low, _TREND_HEIGHT - low))
        shares.append(_share(day, good, everything))
    if not columns:
        return None
    ends = shares if len(shares) == 1 else (shares[0], shares[-1])
    return {
        "columns": tuple(columns),
        "bad": any(low for _, low, _ in columns),
        "label": f"good tests per day: {' … '.join(ends)}",
    }


def _share(day: str, good: int, everything: int) -> str:
    return f"{day}: {words.number(good)} of {words.number(everything)} good"


def step_bars(steps: Sequence[Step]) -> tuple[tuple[int, int] | None, ...]:
    """(x, width) of each step on the test's own time axis, `BAR` wide; None without a start."""
    starts = [step.start for step in steps if step.start is not None]
    if not starts:
        return (None,) * len(steps)
    zero = min(starts)
    span = max(max(_end(step) for step in steps) - zero, 1)
    bars: list[tuple[int, int] | None] = []
    for step in steps:
        if step.start is None:
            bars.append(None)
            continue
        x = min((step.start - zero) * BAR // span, BAR - _LEAST)
        width = max(_LEAST, (_end(step) - step.start) * BAR // span)
        bars.append((x, min(width, BAR - x)))
    return tuple(bars)


SPARK_STEP = 28
_SPARK_HEIGHT = 26
_SPARK_STARTS = tuple(f"M{i * SPARK_STEP + 13} {_SPARK_HEIGHT}v-" for i in range(30))


def duration_spark(took: Sequence[int | None]) -> dict[str, object] | None:
    """Durations as columns under a strip of as many cells; None where hardly any is known."""
    known = [seconds for seconds in took if seconds is not None]
    longest = max(known, default=0)
    if len(known) < 2 or longest <= 0:
        return None
    columns = [
        f"{start}{max(1, seconds * _SPARK_HEIGHT // longest)}"
        for start, seconds in zip(_SPARK_STARTS, took, strict=False)
        if seconds
    ]
    here = columns.pop() if took[-1] and columns else ""
    return {
        "path": "".join(columns),
        "here": here,
        "width": len(took) * SPARK_STEP,
        "height": _SPARK_HEIGHT,
        "label": f"took {words.duration(min(known))} to {words.duration(longest)}",
        "longest": words.duration(longest),
    }


SPARK_WIDTH = 76
_SPARK_TALL = 18


def value_spark(past: Sequence[float | None]) -> dict[str, object] | None:
    """The past of a measured value as a line, this run at its right end; None for no past."""
    known = [value for value in past if value is not None]
    if len(known) < 2 or past[-1] is None:
        return None
    low, high = min(known), max(known)
    last = len(past) - 1
    pieces: list[str] = []
    drawn = False
    y = 0
    for i, value in enumerate(past):
        if value is not None:
            y = _SPARK_TALL - 2 - _part(value, low, high)
            pieces.append(f"{'L' if drawn else 'M'}{i * (SPARK_WIDTH - 4) // last + 1} {y}")
        drawn = value is not None
    label = f"{words.scalar(low)} to {words.scalar(high)} in {words.plural(len(known), 'run')}"
    return {"path": "".join(pieces), "y": y, "label": label}


def _part(value: float, low: float, high: float) -> int:
    """Where a value lies between two others, in the height of a line; halves: none overflows."""
    span = high / 2 - low / 2
    return round((value / 2 - low / 2) / span * (_SPARK_TALL - 4)) if span > 0 else 7


def _end(step: Step) -> int:
    if step.start is None:
        return 0
    if step.end is not None:
        return max(step.end, step.start)
    return step.start + max(step.duration or 0, 0)


def gauge(datum: TestDatum) -> tuple[int, int, int] | None:
    """(start of the tolerated band, its width, place of the value) on 0…100; None: no numbers."""
    value, expected, tol = datum.value, datum.expected, datum.tol
    if not isinstance(value, int | float) or not isinstance(expected, int | float):
        return None
    if isinstance(tol, str):
        bands = {">": (50, 50), ">=": (50, 50), "<": (0, 50), "<=": (0, 50)}
        if tol not in bands:
            return None
        reach = max(abs(expected), abs(value - expected), 1e-12) * 2
        return (*bands[tol], _place((value - expected) / reach))
    if not isinstance(tol, int | float) or not tol > 0:
        return None
    return 30, 40, _place((value - expected) / tol * 0.4)


def _place(offset: float) -> int:
    """An offset of −1…1 from the middle as 2…98; what lies outside sits at the edge."""
    if offset != offset:
        return 50
    return round(50 + max(-0.96, min(0.96, offset)) * 50)


GROWTH_WIDTH, GROWTH_HEIGHT = 720, 120


def growth(sizes: Sequence[tuple[int, int, int]]) -> dict[str, object] | None:
    """(time, bytes of the site, bytes of databases) as two lines over time, oldest first.

    Both have one scale from zero; None where fewer than two times are known.
    """
    if len(sizes) < 2 or sizes[-1][0] <= sizes[0][0]:
        return None
    zero, span = sizes[0][0], sizes[-1][0] - sizes[0][0]
    most = max(1, *(max(site, databases) for _, site, databases in sizes))
    step = max(1, len(sizes) // GROWTH_WIDTH)
    kept = [*sizes[:-1:step], sizes[-1]]

    def line(which: int) -> str:
        points = [
            f"{(one[0] - zero) * GROWTH_WIDTH // span} "
            f"{GROWTH_HEIGHT - one[which] * (GROWTH_HEIGHT - 4) // most}"
            for one in kept
        ]
        return f"M{' L'.join(points)}"

    last = sizes[-1]
    return {
        "site": line(1),
        "databases": line(2),
        "width": GROWTH_WIDTH,
        "height": GROWTH_HEIGHT,
        "label": f"site {words.size(sizes[0][1])} to {words.size(last[1])},"
        f" databases {words.size(sizes[0][2])} to {words.size(last[2])}",
        "most": words.size(most),
        "from": words.when(zero)[0][:10],
        "to": words.when(last[0])[0][:10],
    }
