"""The JSON twin of a run keeps its published schema."""

import json
from pathlib import Path

import jsonschema
import pytest
from browser import odd_tests, records
from msgspec.structs import replace

from mtsite.pages import run
from mtsite.pages.twin import gone_twin

SCHEMA = json.loads((Path(__file__).parents[2] / "docs/schemas/run-1.json").read_text("utf-8"))


@pytest.mark.parametrize("hostile", [False, True])
def test_twin_keeps_its_schema(hostile: bool) -> None:
    one = records.Night(seed=5, hostile=hostile)
    made = run.twin(one.run, one.verdicts, one.record, one.facts, one.summary)
    text = json.dumps(made, allow_nan=False)
    jsonschema.validate(json.loads(text), SCHEMA)
    assert len(made["tests"]) == len(one.run.tests)  # type: ignore[arg-type]
    assert not any(0xD800 <= ord(c) <= 0xDFFF for c in json.dumps(made, ensure_ascii=False))


def test_twin_of_a_gone_run_keeps_the_schema(night: records.Night) -> None:
    jsonschema.validate(gone_twin(replace(night.record, gone="expired")), SCHEMA)
    whole = replace(night.record, gone="expired", summary=night.summary, facts=night.facts)
    made = gone_twin(whole)
    jsonschema.validate(made, SCHEMA)
    assert len(made["gone_tests"]) == len(night.records)  # type: ignore[arg-type]


def test_schema_refuses_what_is_not_a_run(night: records.Night) -> None:
    made = run.twin(night.run, night.verdicts, night.record, night.facts, night.summary)
    made["verdict"] = "X"
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(made, SCHEMA)


def test_twin_tells_where_the_archive_lies_the_load_and_the_lines_about_an_error() -> None:
    odd = odd_tests.Odd()
    made = run.twin(odd.run, odd.verdicts, odd.record, odd.facts, odd.summary)
    jsonschema.validate(json.loads(json.dumps(made, allow_nan=False)), SCHEMA)
    assert made["archive"] == {
        "branch": "chipyard-17",
        "block_name": "chipyard_0f3a1",
        "blocks": [{"archived": 3, "path": "/arch/disk 1/2026_q4/chipyard_0f3a1"}],
        "disks": [],
    }
    tests = made["tests"]
    assert isinstance(tests, list)
    archived = tests[odd.at("archived")]
    assert archived["archived"] == 3
    assert archived["samples"][1] == [odd_tests.SAMPLES[1][0], 37 / 11, 47_700_000]
    (log, *_) = tests[odd.at("future_clock")]["logs"]
    assert len(log["around"]) > 5
    assert log["findings"][0]["first_line"] in [one["line"] for one in log["around"]]
