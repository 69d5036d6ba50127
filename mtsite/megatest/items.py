"""`[items]` and `[itemstable]` → the item paths that Megatest would make, in its order."""

import math
import re
from collections.abc import Iterator, Mapping
from itertools import chain, islice, product, zip_longest

MOST_ITEMS = 1000
MOST_CHARACTERS = 100_000
MOST_COUNTED = 10**12
ABSENT = "-"
"""What a column of `[itemstable]` has where it is shorter than the others."""

_WORDS = re.compile(r"[^ \t\n\v\f\r]+")


def item_paths(items: Mapping[str, str], table: Mapping[str, str]) -> tuple[tuple[str, ...], int]:
    """The item paths, each once, at most 1,000; and how many rows of values there are (to 10¹²).

    `items` are combined, the first variable varying slowest; the columns of `table` are taken in
    parallel and come after them. A variable without a value leaves no combination at all.
    """
    columns = [_WORDS.findall(text) for text in items.values()]
    rows = [_WORDS.findall(text) for text in table.values()]
    combined = math.prod(map(len, columns)) if columns else 0
    count = min(combined + max(map(len, rows), default=0), MOST_COUNTED)
    paths = chain(
        map("/".join, product(*columns)) if combined else (),
        map("/".join, zip_longest(*rows, fillvalue=ABSENT)),
    )
    return tuple(dict.fromkeys(_bounded(paths))), count


def _bounded(paths: Iterator[str]) -> Iterator[str]:
    characters = 0
    for path in islice(paths, MOST_ITEMS):
        characters += len(path)
        if characters > MOST_CHARACTERS:
            return
        yield path
