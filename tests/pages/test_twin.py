"""The JSON twin of a run keeps its published schema."""

import json
from dataclasses import replace
from pathlib import Path

import jsonschema
import pytest
from browser import records

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
