"""Item paths as Megatest makes them of [items] and [itemstable]."""

import math
import time

from hypothesis import given
from hypothesis import strategies as st

from mtsite.megatest.items import MOST_ITEMS, item_paths

WORD = st.text(st.sampled_from("ab/1-"), min_size=1, max_size=3)
SECTION = st.dictionaries(WORD, st.lists(WORD, max_size=4).map(" ".join), max_size=4)


def test_the_first_variable_varies_slowest() -> None:
    paths, count = item_paths({"A": "x y", "B": "1 2"}, {})
    assert paths == ("x/1", "x/2", "y/1", "y/2")
    assert count == 4


def test_columns_of_a_table_are_parallel_and_filled_with_a_dash() -> None:
    assert item_paths({}, {"A": "x y z", "B": "1"})[0] == ("x/1", "y/-", "z/-")


def test_both_sections_are_concatenated() -> None:
    assert item_paths({"A": "x"}, {"B": "1 2"})[0] == ("x", "1", "2")


def test_values_may_hold_slashes_and_any_blanks_part_them() -> None:
    assert item_paths({"A": "  STUCK/DEAD\t x\n y "}, {})[0] == ("STUCK/DEAD", "x", "y")


def test_a_variable_without_a_value_leaves_no_item() -> None:
    assert item_paths({"A": "x y", "B": ""}, {}) == ((), 0)
    assert item_paths({}, {}) == ((), 0)


def test_an_explosion_is_counted_but_not_listed() -> None:
    started = time.monotonic()
    paths, count = item_paths({f"V{n}": "a b c d e f g h i j" for n in range(12)}, {})
    assert len(paths) == MOST_ITEMS
    assert count == 10**12
    assert time.monotonic() - started < 1


@given(SECTION, SECTION)
def test_as_many_rows_as_combinations_and_longest_column(
    items: dict[str, str], table: dict[str, str]
) -> None:
    paths, count = item_paths(items, table)
    combined = math.prod(len(text.split()) for text in items.values()) if items else 0
    assert count == combined + max((len(text.split()) for text in table.values()), default=0)
    assert len(set(paths)) == len(paths) <= count
