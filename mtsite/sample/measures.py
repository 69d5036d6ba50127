"""Measured values of a test: inside their tolerance, unless the fault is about them."""

from random import Random

from msgspec import Struct

from mtsite.sample.spec import Fault, Measure, TestSpec


class SampleDatum(Struct, frozen=True):
    """One row of `test_data`; status None means that nobody could judge it (text values)."""

    category: str
    variable: str
    value: float | str
    expected: float | str
    tol: float | str
    units: str
    status: str | None
    comment: str = ""


def measured(spec: TestSpec, fault: Fault, random: Random) -> tuple[SampleDatum, ...]:
    """What the test measured; nothing when it did not come so far."""
    if fault.state != "COMPLETED" or fault.status in {"ABORT", "SKIP", "DEAD"}:
        return ()
    return tuple(
        _datum(measure, random, out=measure.variable == fault.measure) for measure in spec.measures
    )


def _datum(measure: Measure, random: Random, *, out: bool) -> SampleDatum:
    expected, tol = measure.expected, measure.tol
    if isinstance(expected, str):
        status, value = None, expected
        return SampleDatum(
            measure.category, measure.variable, value, expected, tol, measure.units, status
        )
    if isinstance(tol, str):
        number = _beside(expected, tol, random, out=out)
    else:
        spread = random.uniform(1.15, 1.6) if out else random.uniform(-0.8, 0.8)
        # what goes wrong is too little eye and too much power, time, latency
        number = expected - tol * spread if measure.category == "eye" else expected + tol * spread
    return SampleDatum(
        measure.category,
        measure.variable,
        round(number, 3),
        expected,
        tol,
        measure.units,
        "fail" if out else "pass",
        "out of tolerance" if out else "",
    )


def _beside(expected: float, comparison: str, random: Random, *, out: bool) -> float:
    """A value that the comparison accepts, or (out) one that it refuses."""
    below = comparison.startswith("<") != out
    distance = random.uniform(0.05, 0.4)
    if expected == 0:
        return -distance if below else distance
    if comparison == "<=" and expected == int(expected) and not out:
        return float(random.randrange(0, int(expected) + 1))
    return expected * (1 - distance) if below else expected * (1 + distance)
