"""Figures over time, each with a line of words before it and all numbers in a table beneath. Pure.

A figure is drawn as SVG with attributes only. It is stretched to the width of the page, so nothing
in it is text. A part of a figure is (class, path): "track" is what is usual, "off" and "slow" what
leaves it, "" a curve.
"""

from collections.abc import Callable, Sequence
from typing import TypeVar

from msgspec import Struct

WIDTH, HEIGHT = 600, 60
T = TypeVar("T")


class Figure(Struct, frozen=True):
    """One figure; `said` stands before it, `label` is for those who hear it.

    `band` is (y, height) of what is tolerated; None: nothing is said of it.
    """

    name: str
    said: str
    label: str
    parts: tuple[tuple[str, str], ...]
    band: tuple[int, int] | None = None


class Chart(Struct, frozen=True):
    """Figures that share a table; `ends` are what stands left and right below them.

    Cells of `rows` are (text, link or ''); `note` says what is left out.
    """

    figures: tuple[Figure, ...]
    ends: tuple[str, str]
    head: tuple[str, ...]
    rows: tuple[tuple[tuple[str, str], ...], ...]
    note: str = ""
    width: int = WIDTH
    height: int = HEIGHT


def evenly(points: Sequence[T], most: int) -> Sequence[T]:
    """At most so many of the points, evenly chosen, the last one always."""
    step = -(-len(points) // most)
    return points if step <= 1 else points[len(points) - 1 :: -step][::-1]


def stretches(points: Sequence[T], place: Callable[[T], int], gap: int) -> list[Sequence[T]]:
    """The points cut where two neighbours lie `gap` or more apart."""
    found: list[Sequence[T]] = []
    first = 0
    for i in range(1, len(points) + 1):
        if i == len(points) or place(points[i]) - place(points[i - 1]) >= gap:
            found.append(points[first:i])
            first = i
    return found
