"""A grid as CSV, JSON and shards."""

import csv
import io
import json
import math

import jsonschema
from browser import past_records
from pages.grids import LEAF, ROOT, grid_of, runs

from mtsite.pages import griddata
from mtsite.pages.page import Grid, GridRow


def test_the_csv_has_a_test_per_line_and_a_run_per_column() -> None:
    found = list(csv.reader(io.StringIO(griddata.table(grid_of("FP.", "PPP")))))
    assert found == [
        ["testname", "item_path", "r0", "r1", "r2"],
        ["t0000", "", "fail", "pass", ""],
        ["t0001", "", "pass", "pass", "pass"],
    ]


def test_the_files_of_a_grid_with_a_metric_have_what_was_measured() -> None:
    rows = (GridRow(("t", ""), "PF", (12.5, None)), GridRow(("u", ""), "P.", (math.inf,)))
    shown = Grid(runs(2), rows, metric="duration")
    schema = json.loads((ROOT / "docs/schemas/grid-1.json").read_text("utf-8"))
    made = griddata.twin(past_records.node(*LEAF, runs(1)[0]), shown)
    jsonschema.validate(json.loads(json.dumps(made, allow_nan=False)), schema)
    assert made["metric"] == "duration"
    assert [test["values"] for test in made["tests"]] == [[12.5, None], [None, None]]
    assert list(csv.reader(io.StringIO(griddata.table(shown)))) == [
        ["testname", "item_path", "r0", "r1", "r0 duration", "r1 duration"],
        ["t", "", "pass", "fail", "12.5", ""],
        ["u", "", "pass", "", "", ""],
    ]


def test_a_name_that_a_spreadsheet_would_compute_is_text() -> None:
    shown = Grid(runs(1), (GridRow(("=cmd()", ""), "P"),))
    assert griddata.table(shown).splitlines()[1].startswith("'=cmd()")


def test_the_second_shard_tells_reasons_once_and_durations_of_each_run() -> None:
    name = ("t", "")
    outcomes = [{name: ("F", 12)}, {name: ("P", None)}, {name: ("F", 7)}]
    reason = ("COMPLETED/FAIL", "logs/sim.log", 14, "it broke")
    known = [{}, {}, {name: "Lane 7 is not modelled"}]
    found = griddata.cells(
        ["r0", "r1", "r2"], outcomes, [{name: reason}, {}, {name: reason}], known
    )
    assert found["texts"] == ["it broke", "Lane 7 is not modelled"]
    assert found["tests"] == [
        [
            "t",
            "",
            "12,,7",
            [
                [0, "COMPLETED/FAIL", "logs~2Fsim.log", 14, 0],
                [2, "COMPLETED/FAIL", "logs~2Fsim.log", 14, 0, 1],
            ],
        ]
    ]


def test_the_twin_keeps_its_published_schema() -> None:
    schema = json.loads((ROOT / "docs/schemas/grid-1.json").read_text("utf-8"))
    hostile = (GridRow(("bytes_\udcff", "a/b"), "FP"), GridRow(("<b>", ""), "P."))
    made = griddata.twin(past_records.node(*LEAF, runs(1)[0]), Grid(runs(2), hostile))
    document = json.loads(json.dumps(made))
    jsonschema.validate(document, schema)
    assert document["tests"][0] == {
        "testname": "bytes_\ufffd",
        "item_path": "a/b",
        "verdicts": "FP",
    }
