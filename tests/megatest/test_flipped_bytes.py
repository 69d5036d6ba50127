"""Whatever byte of whatever database is wrong, an area is read as far as it goes, or said why."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from areas import TestArea, datum, make_area, run, step, test
from areas_read import listed, read
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mtsite.errors import MtsiteError

GENERATIONS = ["G1", "G2", "G3", "G4 patched", "G5"]
TESTS = [
    test("t", steps=[step("s")], data=[datum("c", "v", value=1.5, tol=">")]),
    test("many", items=["a/b", "c"]),
]
RUNS = [run("u/v", f"w{n}", TESTS) for n in range(3)]


@pytest.fixture(scope="module", params=GENERATIONS)
def area(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[TestArea]:
    root = tmp_path_factory.mktemp("flipped")
    yield make_area(root, runs=RUNS, generation=request.param)
    shutil.rmtree(root)


def databases(area: TestArea) -> list[Path]:
    """Every database of the area, those in run directories too."""
    roots = (area.path, area.linktree, area.disk)
    found = {path for root in roots for path in root.rglob("*.db") if path != area.database}
    return sorted(path for path in found if path.is_file() and not path.is_symlink())


FLIPS = st.lists(st.tuples(st.integers(0), st.integers(1, 255)), max_size=4)
"""Where bytes change, and which of their bits."""


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(which=st.integers(0), flips=FLIPS, cut=st.none() | st.integers(0))
def test_no_byte_makes_reading_an_area_crash(
    area: TestArea, which: int, flips: list[tuple[int, int]], cut: int | None
) -> None:
    some = databases(area)
    victim = some[which % len(some)]
    whole = victim.read_bytes()
    spoiled = bytearray(whole)
    for place, mask in flips:
        spoiled[place % len(spoiled)] ^= mask
    victim.write_bytes(spoiled if cut is None else spoiled[: cut % len(spoiled)])
    try:
        for head in listed(area).heads:
            try:
                read(head)
            except MtsiteError as error:
                assert error.message
    finally:
        victim.write_bytes(whole)
