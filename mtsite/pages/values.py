"""Test data as rows: what is out of tolerance first, each value in its band."""

import math
from collections.abc import Sequence

from mtsite.comparison import moved_by
from mtsite.model import TestDatum
from mtsite.pages import charts, words
from mtsite.pages.series import HEIGHT, WIDTH, Chart, Figure

MAX_DATA = 500
MAX_SERIES = 6
MOST_BAND = 50
"""A tolerance that is so many times as wide as the values moved would leave a flat line."""
_OUT_OF_TOLERANCE = frozenset({"fail", "error"})
_LETTERS = {"pass": "P", "fail": "F", "error": "F", "warn": "W", "": "N", "n/a": "N"}


def shown(
    data: Sequence[TestDatum], past: Sequence[Sequence[float | None]] = ()
) -> dict[str, object]:
    """The rows that are shown, how many there are, how many are out of tolerance.

    `past` has for the first of `data` what they were in earlier runs, this one last.
    """
    wrong = [i for i, datum in enumerate(data) if _is_out(datum)]
    out = frozenset(wrong)
    rest = [i for i in range(min(len(data), MAX_DATA + len(wrong))) if i not in out]
    return {
        "data": tuple(
            _row(data[i]) | {"past": charts.value_spark(past[i]) if i < len(past) else None}
            for i in [*wrong, *rest][:MAX_DATA]
        ),
        "data_past": any(past),
        "data_total": len(data),
        "data_bad": len(wrong),
    }


def series(
    data: Sequence[TestDatum],
    past: Sequence[Sequence[float | None]],
    runs: Sequence[tuple[str, str]],
) -> Chart | None:
    """The values that moved most over the last runs, with their tolerance now, at most six.

    `runs` are (name, link) of the runs that `past` ends with, this one last; None for no value
    that moved.
    """
    told = [
        (datum, values)
        for datum, values in zip(data, past, strict=False)
        if _are_finite(values) and _span(values) > 0
    ]
    if not told or len(runs) < 2:
        return None
    told.sort(key=lambda pair: (not _is_out(pair[0]), -_moved(pair[1])))
    drawn = told[:MAX_SERIES]
    first = len(runs) - max(len(values) for _, values in drawn)
    shown_runs = runs[max(first, 0) :]
    columns = [_at_end(values, len(shown_runs)) for _, values in drawn]
    rows = tuple(
        ((name, href), *((words.scalar(values[i]), "") for values in columns))
        for i, (name, href) in reversed(list(enumerate(shown_runs)))
    )
    more = len(told) - len(drawn)
    return Chart(
        tuple(_figure(datum, values) for (datum, _), values in zip(drawn, columns, strict=True)),
        (shown_runs[0][0], shown_runs[-1][0]),
        ("run", *(_name(datum) for datum, _ in drawn)),
        rows,
        f"{words.plural(more, 'more value')} moved; the table above has their curves."
        if more
        else "",
    )


def _at_end(values: Sequence[float | None], length: int) -> list[float | None]:
    return [None] * (length - len(values)) + list(values)


def _are_finite(values: Sequence[float | None]) -> bool:
    return all(value is None or math.isfinite(value) for value in values)


def _span(values: Sequence[float | None]) -> float:
    """Half of how far they lie apart, as floats tell it: none between large neighbours."""
    known = [value for value in values if value is not None]
    return max(known) / 2 - min(known) / 2 if known else 0


def _moved(values: Sequence[float | None]) -> float:
    known = [value for value in values if value is not None]
    return moved_by(min(known), max(known))


def _name(datum: TestDatum) -> str:
    return datum.variable or datum.category


def _figure(datum: TestDatum, values: Sequence[float | None]) -> Figure:
    """A curve over the runs; what leaves the band of tolerance stands on its edge as a mark."""
    known = [value for value in values if value is not None]
    low, high = min(known), max(known)
    band = _band(datum, low, high)
    if band is not None:
        low, high = min(low, band[0]), max(high, band[1])
    last = len(values) - 1

    def height(value: float) -> int:
        share = (value / 2 - low / 2) / (high / 2 - low / 2)
        return HEIGHT - 4 - round(share * (HEIGHT - 8))

    places = [
        (i * WIDTH // last, height(value), value)
        for i, value in enumerate(values)
        if value is not None
    ]
    line = "M" + "L".join(f"{x} {y}" for x, y, _ in places)
    off, box = "", None
    if band is not None:
        top, bottom = height(band[1]), height(band[0])
        box = (top, max(bottom - top, 1))
        off = "".join(
            f"M{x} {top if value > band[1] else bottom}V{y}"
            for x, y, value in places
            if not band[0] <= value <= band[1]
        )
    units = f" {datum.units}" if datum.units else ""
    said = f"{min(known):.5g} – {max(known):.5g}{units}, now {known[-1]:.5g}"
    if band is not None:
        said += f"; tolerated {band[0]:.5g} – {band[1]:.5g}"
    return Figure(_name(datum), said, f"{_name(datum)}: {said}", (("", line), ("off", off)), box)


def _band(datum: TestDatum, low: float, high: float) -> tuple[float, float] | None:
    """What is tolerated now, where that can be drawn beside the values."""
    expected, tol = datum.expected, datum.tol
    if not isinstance(expected, int | float) or not isinstance(tol, int | float) or not tol > 0:
        return None
    band = (expected - tol, expected + tol)
    if not all(map(math.isfinite, band)):
        return None
    whole = max(high, band[1]) / 2 - min(low, band[0]) / 2
    return band if whole * 2 <= MOST_BAND * max(high - low, tol) else None


def _is_out(datum: TestDatum) -> bool:
    """Megatest writes fail; 'ERROR: bad tol comparator …' is its word for what it can't judge."""
    status = (datum.status or "").strip().lower()
    return status in _OUT_OF_TOLERANCE or status.startswith("error:")


def _row(datum: TestDatum) -> dict[str, object]:
    status = (datum.status or "").strip()
    known = _LETTERS.get(status.lower(), "F" if status.lower().startswith("error:") else "C")
    style, symbol, _ = words.mark(known)
    tol = datum.tol
    limit = ""
    if tol is not None and tol != "":
        limit = words.scalar(tol) if isinstance(tol, str) else f"± {words.scalar(tol)}"
    return {
        "letter": style,
        "symbol": symbol,
        "word": status or "not judged",
        "category": datum.category,
        "variable": datum.variable,
        "value": words.scalar(datum.value),
        "expected": words.scalar(datum.expected),
        "tol": limit,
        "units": datum.units,
        "gauge": charts.gauge(datum),
        "comment": datum.comment,
        "type": datum.type,
    }
