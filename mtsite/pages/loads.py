"""The load of a test while it ran, as curves with their numbers in a table beneath."""

from collections.abc import Sequence

from mtsite.model import Sample, Test
from mtsite.pages import words

WIDTH = 600
HEIGHT = 60
TABLE_ROWS = 24

Row = tuple[str, str, str]
"""(time since the first sample, CPU load, free space)."""


def shown(test: Test) -> dict[str, object] | None:
    """Two curves and a table; None where fewer than two samples were taken."""
    return of_samples(test.samples, "Load while it ran", "after")


def of_samples(samples: Sequence[Sample], title: str, head: str) -> dict[str, object] | None:
    """The same for any samples; `head` stands above their times: "after" the first, or "at"."""
    if len(samples) < 2:
        return None
    cpu = [(at, load) for at, load, _ in samples if load is not None]
    disk = [(at, float(free)) for at, _, free in samples if free is not None]
    curves = [
        _curve("CPU load", cpu, [words.scalar(round(value, 2)) for _, value in cpu]),
        _curve("disk free", disk, [words.size(int(value) * 1024) for _, value in disk]),
    ]
    step = -(-len(samples) // TABLE_ROWS)
    return {
        "curves": tuple(curve for curve in curves if curve is not None),
        "title": title,
        "head": head,
        "rows": tuple(_row(samples[0][0], sample, head) for sample in samples[::step]),
        "total": len(samples),
        "width": WIDTH,
        "height": HEIGHT,
    }


def _curve(
    name: str, points: Sequence[tuple[int, float]], said: Sequence[str]
) -> dict[str, str] | None:
    """A path over the time of the samples from zero up; None with nothing to draw."""
    if len(points) < 2:
        return None
    first, span = points[0][0], max(points[-1][0] - points[0][0], 1)
    values = [value for _, value in points]
    top = max(values) or 1.0
    places = [
        f"{(at - first) * WIDTH // span} {HEIGHT - round(value / top * (HEIGHT - 2))}"
        for at, value in points
    ]
    least, most = values.index(min(values)), values.index(max(values))
    return {
        "name": name,
        "path": "M" + "L".join(places),
        "label": f"{name}: {said[least]} to {said[most]}, at the end {said[-1]}",
        "range": f"{said[least]} – {said[most]}",
    }


def _row(first: int, sample: Sample, head: str) -> Row:
    at, load, free = sample
    return (
        words.when(at)[1] if head == "at" else f"+{words.duration(at - first)}",
        words.scalar(round(load, 2)) if load is not None else "",
        words.size(free * 1024) if free is not None else "",
    )
