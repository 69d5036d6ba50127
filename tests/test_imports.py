"""The walls of the house: what may import what, and what may be named where."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "mtsite"

FLOORS = (
    # 4: entry. From left to right: each may import those to the right of it.
    (
        "__main__",
        "cli",
        "commands",
        "scheduler",
        "nightly",
        "nightsteps",
        "standing",
        "notify",
        "doctor",
        "departures",
        "invocation",
        "gate",
        "gatecopy",
        "timelimit",
        "terminal",
    ),
    # 3: the verbs. Rooms of one floor never import each other.
    ("anonymize", "archive", "build", "check", "export", "ingest", "publish", "sample", "serve"),
    # 2: what a page shows
    ("pages",),
    # 1: what others wrote
    ("megatest", "logs", "objects", "junit"),
    # 0: ground. From left to right, again.
    (
        *(
            "engines",
            "plugins",
            "jobhistory",
            "arealock",
            "lock",
            "retention",
            "annotations",
            "holds",
            "settingstext",
            "config",
            "areaconfig",
            "chosenfiles",
            "ownrules",
        ),
        *("datasets", "limits", "query"),
        *("tomlfile", "operation", "options"),
        *(
            "manifest",
            "treefiles",
            "known",
            "measured",
            "onhosts",
            "owners",
            "failing",
            "annotated",
            "related",
            "searchable",
            "pushruns",
            "toldpushes",
            "pushlog",
            "provenance",
            "record",
            "comparison",
            "stability",
            "relations",
        ),
        *(
            "regex",
            "backtracking",
            "fitting",
            "notes",
            "csvtext",
            "spelled",
            "atomicfile",
            "urls",
            "rollup",
            "model",
            "facts",
            "attachment",
            "gatewords",
            "refused",
            "amounts",
            "errors",
            "__init__",
        ),
    ),
)
"""From top to bottom; a lower row may always be imported."""

ORDERED = {0, 4}
"""Rows (counted from the top) in which a file may import what stands to its right."""

ONLY_IN = {
    "boto3": {"publish/s3.py", "publish/account.py"},
    "botocore": {"publish/s3.py", "publish/account.py"},
    "jinja2": {"build/theme.py"},
    "schedule": {"scheduler.py"},
    "re2": {"regex.py"},
    "markdown_it": {"pages/markdown.py"},
}
"""Libraries that one file hides from the rest."""

MEGATEST_WORDS = frozenset(
    "test_steps test_data test_rundat test_meta run_stats archive_disks archive_blocks"
    " archive_allocations tests_dat metadat extradat access_log tasks_queue".split()
)
"""Table names of Megatest; in SQL they appear under megatest/ (and notes.py) only."""

MAY_NAME_TABLES = ("megatest/", "sample/", "notes.py", "anonymize/columns.py")
FILES = sorted(PACKAGE.rglob("*.py"))


@cache
def parsed(source: str) -> ast.Module:
    return ast.parse(source)


@cache
def text_of(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def inside_package(path: Path) -> str:
    return path.relative_to(PACKAGE).as_posix()


def room_of(module: str) -> str:
    """ "mtsite.megatest.reader" → "megatest"; the package itself is "__init__"."""
    parts = module.split(".")
    return parts[1] if len(parts) > 1 else "__init__"


def place_of(room: str) -> tuple[int, int]:
    for row, rooms in enumerate(FLOORS):
        if room in rooms:
            return row, list(rooms).index(room)
    raise AssertionError(f"mtsite/{room} stands on no floor: give it one in FLOORS")


def may_import(importer: str, imported: str) -> bool:
    if importer == imported:
        return True
    (here, left), (there, right) = place_of(importer), place_of(imported)
    return there > here or (there == here and here in ORDERED and right > left)


def imported_modules(tree: ast.AST, module: str) -> Iterator[tuple[int, str]]:
    """Line and full name of each import, those inside functions and under `if` included."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                base = ".".join([*module.split(".")[: -node.level], *filter(None, [base])])
            for alias in node.names:
                yield node.lineno, f"{base}.{alias.name}" if base == "mtsite" else base


def module_of(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def violations(path: Path, source: str) -> list[str]:
    """Every import of a file that goes up or sideways, or takes a library that is hidden."""
    inside = inside_package(path)
    module = module_of(path)
    importer = room_of(module)
    found = []
    for line, name in imported_modules(parsed(source), module):
        top = name.split(".")[0]
        if top == "mtsite":
            imported = room_of(name)
            imported = (
                imported if (PACKAGE / imported).exists() or _is_file(imported) else "__init__"
            )
            if not may_import(importer, imported):
                found.append(
                    f"{inside}:{line} imports {name}: {importer} may not import {imported}"
                )
        elif inside not in ONLY_IN.get(top, {inside}):
            found.append(f"{inside}:{line} imports {top}: only {ONLY_IN[top]} may")
    return found


def _is_file(room: str) -> bool:
    return (PACKAGE / f"{room}.py").exists()


def test_imports_go_down_only() -> None:
    assert len(FILES) > 400
    assert [told for path in FILES for told in violations(path, text_of(path))] == []


@pytest.mark.parametrize(
    ("file", "source", "told"),
    [
        ("errors.py", "import mtsite.model", "errors may not import model"),
        ("urls.py", "def f():\n    from mtsite import config", "urls may not import config"),
        ("logs/scan.py", "from mtsite.megatest import area", "logs may not import megatest"),
        ("build/site.py", "from ..publish.upload import x", "build may not import publish"),
        ("build/site.py", "import jinja2", "only {'build/theme.py'} may"),
        ("nightly.py", "from mtsite.commands.build import command", "may not import commands"),
    ],
)
def test_a_wrong_import_is_found(file: str, source: str, told: str) -> None:
    (message,) = violations(PACKAGE / file, source)
    assert told in message


@pytest.mark.parametrize(
    ("file", "source"),
    [
        ("urls.py", "from mtsite.model import RunKey"),
        ("build/site.py", "from mtsite.build import seal\nfrom mtsite import lock"),
        ("commands/build.py", "from mtsite.invocation import Invocation"),
        ("cli.py", "from mtsite import __version__"),
        ("scheduler.py", "import schedule"),
    ],
)
def test_an_import_downwards_is_allowed(file: str, source: str) -> None:
    assert violations(PACKAGE / file, source) == []


def test_a_room_that_has_no_floor_is_refused() -> None:
    with pytest.raises(AssertionError, match="stands on no floor"):
        place_of("utils")


def test_print_is_left_to_the_command_line() -> None:
    calls = {
        inside_package(path)
        for path in FILES
        for node in ast.walk(parsed(text_of(path)))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id == "print"
    }
    assert "cli.py" in calls
    assert {one for one in calls if one != "cli.py" and not one.startswith("commands/")} == set()


def test_megatest_tables_are_named_where_megatest_is_known() -> None:
    others = [path for path in FILES if not inside_package(path).startswith(MAY_NAME_TABLES)]
    assert len(others) > 300
    named = [f"{inside_package(p)}: {told}" for p in others for told in tables_named(text_of(p))]
    assert named == []


def tables_named(source: str) -> Iterator[str]:
    """Table names of Megatest in the strings of a source, docstrings left out."""
    tree = parsed(source)
    docstrings = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            if id(node) in docstrings:
                continue
            words = set(re.findall(r"\w+", node.value))
            yield from (f"line {node.lineno}: {word}" for word in words & MEGATEST_WORDS)
            if re.search(r"\b(FROM|INTO|UPDATE|JOIN)\s+\"?(tests|keys)\b", node.value):
                yield f"line {node.lineno}: {node.value[:60]}"


@pytest.mark.parametrize(
    "source", ["x = 'SELECT 1 FROM tests'", "x = 'test_steps'", "x = f'DELETE FROM \"keys\" {y}'"]
)
def test_a_table_that_is_named_elsewhere_is_found(source: str) -> None:
    assert list(tables_named(source))


@pytest.mark.parametrize(
    "path", [path for path in FILES if path.name == "__init__.py" and path.parent != PACKAGE]
)
def test_a_room_opens_with_its_promise_and_nothing_else(path: Path) -> None:
    source = path.read_text(encoding="utf-8")
    assert len(ast.parse(source).body) == 1
    docstring = ast.get_docstring(ast.parse(source))
    assert docstring is not None
    assert 5 <= len(docstring.splitlines()) <= 20


def test_jobs_name_a_time_and_a_verb() -> None:
    jobs = sorted((ROOT / "jobs").glob("*.py"))
    assert jobs
    for path in jobs:
        source = path.read_text(encoding="utf-8")
        assert len(source.splitlines()) < 20, path
        assert "def register(scheduler, config)" in re.sub(r": \w+|\s->\s\w+", "", source), path
