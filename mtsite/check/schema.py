"""The site's JSON documents, judged by the schemas that are published with them."""

import json
import re
from pathlib import Path
from typing import Any

from jsonschema_rs import Draft202012Validator

_LONE = re.compile(r"\\ud[89a-f][0-9a-f]{2}")
_MASK = "it"
"""Stands in messages for the value, which is somebody's text."""


class Schemas:
    """The schemas of a directory, each read when it is first asked for."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._known: dict[str, Draft202012Validator | None] = {}

    def judge(self, document: Any) -> str:
        """What is wrong with a document that names its own schema ("mtsite/run/1"); '': nothing."""
        if not isinstance(document, dict) or not isinstance(document.get("schema"), str):
            return "names no schema"
        name = document["schema"]
        if name not in self._known:
            self._known[name] = self._load(name)
        validator = self._known[name]
        if validator is None:
            return f"names a schema that there is not: {name[:80]}"
        try:
            wrong = next(validator.iter_errors(document), None)
        except UnicodeEncodeError:
            wrong = next(validator.iter_errors(_without_lone(document)), None)
        if wrong is None:
            return ""
        return f"/{'/'.join(map(str, wrong.instance_path))}: {wrong.message}"

    def _load(self, name: str) -> Draft202012Validator | None:
        found = re.fullmatch(r"mtsite/([a-z-]+)/([0-9]+)", name)
        file = self._directory / f"{found[1]}-{found[2]}.json" if found else None
        if file is None or not file.is_file():
            return None
        return Draft202012Validator(json.loads(file.read_text(encoding="utf-8")), mask=_MASK)


def _without_lone(document: Any) -> Any:
    """The same shape, with U+FFFD for names of members that are no UTF-8."""
    return json.loads(_LONE.sub(r"\\ufffd", json.dumps(document)))
