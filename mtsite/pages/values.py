"""Test data as rows: what is out of tolerance first, each value in its band."""

from collections.abc import Sequence

from mtsite.model import TestDatum
from mtsite.pages import charts, words

MAX_DATA = 500
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
