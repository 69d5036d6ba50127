"""Load samples: read per run, in order, thinned without losing a peak."""

from pathlib import Path

from areas import make_area, run, test
from hypothesis import given
from hypothesis import strategies as st

from mtsite.megatest import samples
from mtsite.megatest.database import reading
from mtsite.megatest.samples import MOST_SAMPLES, read_samples, thinned

MEASURED = st.lists(
    st.tuples(
        st.integers(0, 10**9),
        st.none() | st.floats(0, 1000),
        st.none() | st.integers(0, 10**12),
    ),
    max_size=700,
)


def read(tmp_path: Path, rows: list[tuple[object, ...]]) -> object:
    area = make_area(tmp_path, runs=[run("a/b", "w1", [test("t"), test("u")])])
    number = area.test_id("w1", "t")
    for at, load, free in rows:
        area.execute(
            "INSERT INTO test_rundat (test_id, update_time, cpuload, diskfree) VALUES (?, ?, ?, ?)",
            (number, at, load, free),
        )
    area.execute("INSERT INTO test_rundat (test_id, update_time) VALUES (999, 5)")
    with reading(area.database) as connection:
        found = read_samples(connection, [number, number + 1])
    return None if found is None else found.get(number)


def test_samples_come_in_the_order_of_time(tmp_path: Path) -> None:
    assert read(tmp_path, [(60, 2.5, 900), (30, 1.0, 1000)]) == ((30, 1.0, 1000), (60, 2.5, 900))


def test_what_is_no_number_is_unknown(tmp_path: Path) -> None:
    assert read(tmp_path, [(30, -1, "full"), ("soon", 1, 1)]) == ((30, None, None),)


def test_a_table_that_is_too_long_is_not_looked_through(tmp_path: Path, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.setattr(samples, "MOST_ROWS", 1)
    assert read(tmp_path, [(30, 1.0, 1), (60, 1.0, 1)]) is None


@given(MEASURED)
def test_thinning_keeps_the_highest_load_and_the_least_space(
    rows: list[tuple[int, float | None, int | None]],
) -> None:
    kept = thinned(rows)
    assert len(kept) <= MOST_SAMPLES
    for column, worst in ((1, max), (2, min)):
        values = [row[column] for row in rows if row[column] is not None]
        left = [row[column] for row in kept if row[column] is not None]
        assert worst(values, default=None) == worst(left, default=None)  # type: ignore[operator]
