"""JSON Schema, as much of it as the site's own schemas use: a schema becomes one function.

A schema with a key that is not known here is refused, so nothing is left unjudged in silence.
"""

import json
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

Judge = Callable[[Any, str], str]
"""What is wrong with a value at a place ("/tests/3"), '' when nothing is."""

_REMARKS = frozenset({"$schema", "$id", "$defs", "title", "description", "default", "examples"})
_TYPES: Mapping[str, Callable[[Any], bool]] = {
    "object": lambda v: isinstance(v, dict),
    "array": lambda v: isinstance(v, list),
    "string": lambda v: isinstance(v, str),
    "integer": lambda v: isinstance(v, int) and not isinstance(v, bool),
    "number": lambda v: isinstance(v, int | float) and not isinstance(v, bool),
    "boolean": lambda v: isinstance(v, bool),
    "null": lambda v: v is None,
}


class Schemas:
    """The schemas of a directory, each compiled when it is first asked for."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._known: dict[str, Judge | None] = {}

    def judge(self, document: Any) -> str:
        """What is wrong with a document that names its own schema ("mtsite/run/1")."""
        if not isinstance(document, dict) or not isinstance(document.get("schema"), str):
            return "names no schema"
        name = document["schema"]
        if name not in self._known:
            self._known[name] = self._load(name)
        judge = self._known[name]
        return (
            f"names a schema that there is not: {name[:80]}"
            if judge is None
            else judge(document, "")
        )

    def _load(self, name: str) -> Judge | None:
        found = re.fullmatch(r"mtsite/([a-z-]+)/([0-9]+)", name)
        file = self._directory / f"{found[1]}-{found[2]}.json" if found else None
        if file is None or not file.is_file():
            return None
        return compile_schema(json.loads(file.read_text(encoding="utf-8")))


def compile_schema(schema: Any, root: Any = None) -> Judge:
    """The function that judges by a schema; `root` is the document that a `$ref` begins at.

    Raises:
        ValueError: the schema says something that is not known here.
    """
    return _Compiler(schema if root is None else root).judge_of(schema)


class _Compiler:
    def __init__(self, root: Any) -> None:
        self._root = root
        self._referred: dict[str, Judge] = {}

    def judge_of(self, schema: Any) -> Judge:
        if schema is True:
            return lambda value, place: ""
        if schema is False:
            return lambda value, place: f"{place or '/'}: nothing may be here"
        said = {_ONE_WITH.get(key, key) if _ONE_WITH.get(key) in schema else key for key in schema}
        judges = [self._part(key, schema) for key in sorted(said - _REMARKS)]
        parts = [judge for judge in judges if judge is not None]
        if len(parts) == 1:
            return parts[0]

        def judge_all(value: Any, place: str) -> str:
            for part in parts:
                if told := part(value, place):
                    return told
            return ""

        return judge_all

    def _part(self, key: str, schema: Mapping[str, Any]) -> Judge | None:
        made = _PARTS.get(key)
        if made is not None:
            return made(schema[key])
        inner = _INNER.get(key)
        if inner is None:
            raise ValueError(f"a schema says {key!r}, which nothing here judges")
        return inner(self, schema)

    def properties(self, schema: Mapping[str, Any]) -> Judge:
        known = {name: self.judge_of(one) for name, one in schema.get("properties", {}).items()}
        rest = schema.get("additionalProperties", True)
        other = None if rest is True else self.judge_of(rest)

        def judge(value: Any, place: str) -> str:
            if not isinstance(value, dict):
                return ""
            for name, one in value.items():
                part = known.get(name, other)
                if part is not None and (told := part(one, f"{place}/{name}")):
                    return told
            return ""

        return judge

    def items(self, schema: Mapping[str, Any]) -> Judge:
        first = [self.judge_of(one) for one in schema.get("prefixItems", ())]
        rest = self.judge_of(schema.get("items", True))

        def judge(value: Any, place: str) -> str:
            if not isinstance(value, list):
                return ""
            for number, one in enumerate(value):
                part = first[number] if number < len(first) else rest
                if told := part(one, f"{place}/{number}"):
                    return told
            return ""

        return judge

    def names(self, schema: Mapping[str, Any]) -> Judge:
        inner = self.judge_of(schema["propertyNames"])

        def judge(value: Any, place: str) -> str:
            names = value if isinstance(value, dict) else {}
            return next((told for name in names if (told := inner(name, place))), "")

        return judge

    def any_of(self, schema: Mapping[str, Any]) -> Judge:
        """One of several is enough; of `oneOf` the site's schemas have only such that exclude."""
        judges = [self.judge_of(one) for one in schema.get("anyOf") or schema["oneOf"]]

        def judge(value: Any, place: str) -> str:
            told = [each(value, place) for each in judges]
            return "" if "" in told else told[0]

        return judge

    def reference(self, schema: Mapping[str, Any]) -> Judge:
        name = schema["$ref"]
        found = self._root
        for part in name.removeprefix("#").strip("/").split("/"):
            found = found[part] if part else found

        def judge(value: Any, place: str) -> str:
            # Only now: a schema may refer to itself.
            if name not in self._referred:
                self._referred[name] = self.judge_of(found)
            return self._referred[name](value, place)

        return judge


def _type(names: Any) -> Judge:
    wanted = [names] if isinstance(names, str) else list(names)
    tests = [_TYPES[name] for name in wanted]
    told = " or ".join(wanted)

    def judge(value: Any, place: str) -> str:
        return "" if any(test(value) for test in tests) else f"{place or '/'}: no {told}"

    return judge


def _required(names: list[str]) -> Judge:
    def judge(value: Any, place: str) -> str:
        if not isinstance(value, dict):
            return ""
        lacking = [name for name in names if name not in value]
        return f"{place or '/'}: {lacking[0]} is missing" if lacking else ""

    return judge


def _enum(values: list[Any]) -> Judge:
    return lambda value, place: "" if value in values else f"{place}: none of the known values"


def _least(limit: float) -> Judge:
    def judge(value: Any, place: str) -> str:
        return f"{place}: less than {limit}" if _TYPES["number"](value) and value < limit else ""

    return judge


def _size(limit: int, *, at_least: bool) -> Judge:
    def judge(value: Any, place: str) -> str:
        if not isinstance(value, list) or (
            len(value) >= limit if at_least else len(value) <= limit
        ):
            return ""
        return f"{place}: {len(value)} items"

    return judge


def _members(limit: int) -> Judge:
    def judge(value: Any, place: str) -> str:
        is_short = isinstance(value, dict) and len(value) < limit
        return f"{place or '/'}: fewer than {limit} members" if is_short else ""

    return judge


def _pattern(text: str) -> Judge:
    pattern = re.compile(text)

    def judge(value: Any, place: str) -> str:
        return (
            f"{place}: not as {text}"
            if isinstance(value, str) and not pattern.search(value)
            else ""
        )

    return judge


_PARTS: Mapping[str, Callable[[Any], Judge | None]] = {
    "type": _type,
    "required": _required,
    "enum": _enum,
    "const": lambda value: _enum([value]),
    "minimum": _least,
    "minItems": lambda limit: _size(limit, at_least=True),
    "maxItems": lambda limit: _size(limit, at_least=False),
    "minProperties": _members,
    "pattern": _pattern,
    "format": lambda _: None,
}
_ONE_WITH = {"additionalProperties": "properties", "prefixItems": "items"}
"""Keys that are judged together with another one, where that is there."""

_INNER: Mapping[str, Callable[[_Compiler, Mapping[str, Any]], Judge]] = {
    "properties": _Compiler.properties,
    "additionalProperties": _Compiler.properties,
    "items": _Compiler.items,
    "prefixItems": _Compiler.items,
    "propertyNames": _Compiler.names,
    "anyOf": _Compiler.any_of,
    "oneOf": _Compiler.any_of,
    "$ref": _Compiler.reference,
}
