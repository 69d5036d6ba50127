"""Numbers before nouns in what commands say: 1 run, 2 runs."""

import ast
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from mtsite.amounts import plural

COMMANDS = Path(__file__).parents[1] / "mtsite/commands"
NOUNS = (
    "runs tests items files logs areas errors warnings objects records notes databases rows steps"
    " datasets checks pages pushes commits problems rules lines blobs words holds moves days"
).split()
OTHER = ("stored ", "more ", "other ", "older ", "further ", "new ")


def bare_numbers(source: str) -> Iterator[str]:
    """`{…} runs` in f-strings, where the value may be 1."""
    for node in ast.walk(ast.parse(source)):
        parts = node.values if isinstance(node, ast.JoinedStr) else []
        for value, text in pairwise(parts):
            if not isinstance(value, ast.FormattedValue) or not isinstance(text, ast.Constant):
                continue
            told = str(text.value)
            word = told[1:]
            for other in OTHER:
                word = word.removeprefix(other)
            noun = word.replace(",", " ").replace(";", " ").replace(":", " ").split(" ")[0]
            if told.startswith(" ") and noun in NOUNS and "plural" not in ast.unparse(value):
                yield ast.unparse(value.value) + told


def test_no_command_says_1_runs() -> None:
    sources = [path.read_text(encoding="utf-8") for path in sorted(COMMANDS.glob("*.py"))]
    assert [told for source in sources for told in bare_numbers(source)] == []


def test_a_bare_number_is_seen() -> None:
    assert list(bare_numbers('f"{len(x)} stored logs, {a.b} runs: {c} moved"')) == [
        *("len(x) stored logs, ", "a.b runs: "),
    ]
    assert list(bare_numbers("f\"{plural(len(x), 'run')} of {path} said\"")) == []


@pytest.mark.parametrize(
    ("count", "told"), [(0, "0 runs"), (1, "1 run"), (2, "2 runs"), (12_400, "12,400 runs")]
)
def test_one_is_one(count: int, told: str) -> None:
    assert plural(count, "run") == told
    assert plural(count, "push", "pushes") == told.replace("run", "push").replace("shs", "shes")
