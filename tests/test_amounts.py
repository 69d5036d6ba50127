"""How counts and sizes are said."""

import pytest

from mtsite.amounts import counted, size


@pytest.mark.parametrize(
    ("number", "what", "said"),
    [
        (1, "areas", "1 area"),
        (0, "areas", "0 areas"),
        (1, "files written", "1 file written"),
        (12_345, "files written", "12,345 files written"),
        (1, "moved", "1 moved"),
        (12_450_914, "bytes sent", "12.5 MB sent"),
    ],
)
def test_a_count_is_said_as_people_say_it(number: int, what: str, said: str) -> None:
    assert counted(number, what) == said


def test_a_size_has_the_unit_that_fits() -> None:
    assert [size(n) for n in (0, 999, 1000, 2_500_000_000)] == ["0 B", "999 B", "1.0 kB", "2.5 GB"]
