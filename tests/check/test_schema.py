"""JSON Schema as `check` judges by it: the same verdict as the reference implementation."""

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mtsite.check.schema import Schemas, compile_schema

SCHEMAS = Path(__file__).parents[2] / "docs/schemas"
SHAPE = {
    "type": "object",
    "required": ["a"],
    "additionalProperties": False,
    "propertyNames": {"pattern": "^[ab]$"},
    "properties": {
        "a": {"type": ["integer", "null"], "minimum": 2},
        "b": {
            "type": "array",
            "minItems": 1,
            "maxItems": 3,
            "prefixItems": [{"enum": ["x", 1]}],
            "items": {"anyOf": [{"$ref": "#"}, {"type": "boolean"}, {"const": "y"}]},
        },
    },
}
VALUES = st.recursive(
    st.sampled_from([None, True, 1, 2, 2.5, "x", "y", ""]),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(["a", "b", "c"]), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(VALUES)
def test_a_value_is_judged_as_by_the_reference(value: Any) -> None:
    judged = compile_schema(SHAPE)(value, "")
    assert (judged == "") == jsonschema.Draft202012Validator(SHAPE).is_valid(value)


@pytest.mark.parametrize("file", sorted(SCHEMAS.glob("*.json")), ids=lambda file: file.stem)
def test_every_schema_of_the_product_is_understood(file: Path) -> None:
    compile_schema(json.loads(file.read_text("utf-8")))


def test_a_key_that_nothing_judges_is_refused() -> None:
    with pytest.raises(ValueError, match="uniqueItems"):
        compile_schema({"uniqueItems": True})


@pytest.mark.parametrize(
    ("document", "told"),
    [
        ([], "names no schema"),
        ({"schema": 3}, "names no schema"),
        ({"schema": "mtsite/../../etc/1"}, "names a schema that there is not"),
        ({"schema": "mtsite/check/1"}, "/: files is missing"),
    ],
)
def test_a_document_without_its_schema_is_told(document: Any, told: str) -> None:
    assert Schemas(SCHEMAS).judge(document).startswith(told)
