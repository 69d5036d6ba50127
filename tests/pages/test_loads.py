"""Curves of load samples, and the table beneath them."""

import re

from browser import records
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from mtsite.model import Sample
from mtsite.pages import loads

ONE = records.Night().run.tests[0]
SAMPLES = st.lists(
    st.tuples(
        st.integers(0, 2**40), st.none() | st.floats(0, 1e300), st.none() | st.integers(0, 2**60)
    ),
    max_size=120,
)


def shown(samples: list[Sample]) -> dict[str, object] | None:
    return loads.shown(replace(ONE, samples=tuple(samples)))


def test_curves_say_their_range_and_their_end() -> None:
    found = shown([(100, 0.5, 1000), (130, 4.0, 900), (160, 1.0, 500)])
    assert found is not None
    assert [curve["label"] for curve in found["curves"]] == [  # type: ignore[attr-defined]
        "CPU load: 0.5 to 4, at the end 1",
        "disk free: 512\u202fkB to 1.0\u202fMB, at the end 512\u202fkB",
    ]
    assert found["rows"][1] == ("+30\u202fs", "4", "922\u202fkB")  # type: ignore[index]


def test_a_long_test_has_a_short_table_that_says_so() -> None:
    found = shown([(30 * i, 1.0, None) for i in range(100)])
    assert found is not None
    assert len(found["rows"]) <= loads.TABLE_ROWS  # type: ignore[arg-type]
    assert found["total"] == 100
    assert [curve["name"] for curve in found["curves"]] == ["CPU load"]  # type: ignore[attr-defined]


def test_one_sample_is_no_curve() -> None:
    assert shown([(1, 1.0, 1)]) is None


@given(SAMPLES)
def test_curves_stay_inside_their_box(samples: list[Sample]) -> None:
    found = shown(sorted(samples, key=lambda sample: sample[0]))
    for curve in found["curves"] if found else ():  # type: ignore[attr-defined]
        for x, y in re.findall(r"(-?\d+) (-?\d+)", curve["path"]):
            assert 0 <= int(x) <= loads.WIDTH
            assert 0 <= int(y) <= loads.HEIGHT
