"""JSON documents as `check` judges them."""

import json
from pathlib import Path
from typing import Any

import pytest

from mtsite.check.schema import Schemas

SCHEMAS = Path(__file__).parents[2] / "docs/schemas"


@pytest.mark.parametrize(
    ("document", "told"),
    [
        ([], "names no schema"),
        ({"schema": 3}, "names no schema"),
        ({"schema": "mtsite/../../etc/1"}, "names a schema that there is not"),
        ({"schema": "mtsite/check/1"}, '/: "files" is a required property'),
    ],
)
def test_a_document_without_its_schema_is_told(document: Any, told: str) -> None:
    assert Schemas(SCHEMAS).judge(document).startswith(told)


def test_the_place_is_named_and_the_value_is_not(tmp_path: Path) -> None:
    write(tmp_path, {"properties": {"a": {"items": {"type": "integer"}}}})
    told = Schemas(tmp_path).judge({"schema": "mtsite/shape/1", "a": [1, "password=hunter2"]})
    assert told.startswith("/a/1: ")
    assert "integer" in told
    assert "hunter2" not in told


def test_names_that_are_no_utf_8_are_judged(tmp_path: Path) -> None:
    """Twins keep bytes that are no UTF-8 as lone surrogates."""
    write(tmp_path, {"properties": {"a": {"additionalProperties": {"type": "string"}}}})
    schemas = Schemas(tmp_path)
    assert schemas.judge({"schema": "mtsite/shape/1", "a": {"x\udc80": "\udc80"}}) == ""
    assert schemas.judge({"schema": "mtsite/shape/1", "a": {"x\udc80": 3}}).startswith("/a/x")


def write(directory: Path, schema: dict[str, Any]) -> None:
    head = {"$schema": "https://json-schema.org/draft/2020-12/schema"}
    (directory / "shape-1.json").write_text(json.dumps(head | schema))
