"""Exported rows come back as they were, and damage is found."""

import math
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mtsite.archive.exports import ExportedRun, RowExport, find_export, read_export
from mtsite.errors import VerificationError
from mtsite.model import RunKey

NOW = 1_700_000_000
values = (
    st.none()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False)
    | st.binary(max_size=9)
    | st.text(max_size=9)
    | st.just("caf\udce9")
)


def export_of(*rows: tuple[object, ...]) -> ExportedRun:
    key = RunKey("fullrun", ("ubuntu", "nfs"), "w01")
    return ExportedRun(key, {"tests": ("a", "b")}, {"tests": tuple(rows)}, "/a/megatest.db")


@given(st.lists(st.tuples(st.integers(), values, values), max_size=4))
def test_every_value_comes_back(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[object, ...]]
) -> None:
    export = RowExport(tmp_path_factory.mktemp("exports"), "fullrun", NOW)
    export.add(export_of(*rows))
    (found,) = read_export(export.path)
    assert repr(found.rows) == repr({"tests": tuple(rows)})


def test_several_runs_lie_in_one_file_in_order(tmp_path: Path) -> None:
    export = RowExport(tmp_path, "fullrun", NOW)
    runs = [export_of((1, "x", math.inf)), export_of((2, "y", b"\0"))]
    for one in runs:
        export.add(one)
    assert list(read_export(export.path)) == runs


def test_equal_rows_make_equal_files(tmp_path: Path) -> None:
    made = [RowExport(tmp_path / name, "fullrun", NOW) for name in "ab"]
    for export in made:
        export.add(export_of((1, "x", None)))
    assert made[0].path.read_bytes() == made[1].path.read_bytes()


@pytest.mark.parametrize("damage", [lambda c: c[:-3], lambda c: c[:40] + b"\0\0" + c[42:]])
def test_damage_is_found(tmp_path: Path, damage) -> None:
    export = RowExport(tmp_path, "fullrun", NOW)
    export.add(export_of((1, "x", 2.5)))
    export.path.write_bytes(damage(export.path.read_bytes()))
    with pytest.raises(VerificationError, match="damaged"):
        list(read_export(export.path))


def test_nothing_to_export_makes_no_file(tmp_path: Path) -> None:
    assert RowExport(tmp_path / "exports", "fullrun", NOW).finish() == ""
    assert not (tmp_path / "exports").exists()


def test_the_export_of_a_run_is_found_again_whichever_area_it_lay_in(tmp_path: Path) -> None:
    run = export_of((1, "x", None))
    RowExport(tmp_path, "satellite", NOW).add(run)
    (tmp_path / "broken.jsonl.gz").write_bytes(b"no gzip")
    name = find_export(tmp_path, run.key)
    assert name.startswith("satellite-")
    assert (tmp_path / f"{name}.sha256").exists()
    assert find_export(tmp_path, RunKey("fullrun", ("ubuntu", "nfs"), "w02")) == ""
