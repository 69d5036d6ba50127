"""Everything that mtsite needs may be used beside Apache-2.0, and docs/licences.md says so."""

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def tool() -> ModuleType:
    spec = importlib.util.spec_from_file_location("licences", ROOT / "docs/write_licences.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_every_dependency_is_free(tool: ModuleType) -> None:
    found = tool.needed()
    assert {"click", "jinja2", "boto3", "urllib3"} <= found.keys()
    assert {name: one for name, one in found.items() if one not in tool.FREE} == {}


def test_the_page_of_licences_is_up_to_date(tool: ModuleType) -> None:
    assert (ROOT / "docs/licences.md").read_text(encoding="utf-8") == tool.page()
