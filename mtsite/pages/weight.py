"""How many bytes a page gets from its texts, so that it can be cut before it is too heavy. Pure."""

import html
from collections.abc import Iterable, Iterator, Sequence
from typing import TypeVar

T = TypeVar("T")


def weight(*texts: str) -> int:
    """Bytes of these texts in HTML, escaped, in UTF-8."""
    return sum(
        len(text) + 5 * _escapes(text)
        if text.isascii()
        else len(html.escape(text).encode("utf-8", "replace"))
        for text in texts
    )


def _escapes(text: str) -> int:
    return sum(map(text.count, "&<>\"'")) if not text.isalnum() else 0


def within(rows: Sequence[T], weights: Iterable[int], room: int) -> tuple[T, ...]:
    """As many of the first rows as there is room for, in bytes."""
    return tuple(_while(rows, weights, room))


def _while(rows: Sequence[T], weights: Iterable[int], room: int) -> Iterator[T]:
    for row, one in zip(rows, weights, strict=False):
        room -= one
        if room < 0:
            return
        yield row
