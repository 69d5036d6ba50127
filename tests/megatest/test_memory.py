"""One file on one kind of terms is parsed once; again whenever that could say something else."""

from pathlib import Path

import pytest
from msgspec.structs import replace

from mtsite.megatest.configfile import ConfigFile
from mtsite.megatest.grammar import Terms
from mtsite.megatest.memory import Memory


class Counted:
    """A memory that counts what it makes."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.made = 0
        self.memory = Memory(self._make)
        self.terms = Terms("testconfig", root, ("u", "v"), {"A": "1", "B": "2"}, closed=True)

    def _make(self, config: ConfigFile) -> dict[str, str]:
        self.made += 1
        return dict(config.sections.get("s", {}))

    def read(self, name: str, text: str = "", **environ: str) -> dict[str, str]:
        path = self.root / name / "testconfig"
        path.parent.mkdir(exist_ok=True)
        if text:
            path.write_text(text)
        return self.memory.read(
            path, replace(self.terms, environ={**self.terms.environ, **environ})
        )


@pytest.fixture
def counted(tmp_path: Path) -> Counted:
    return Counted(tmp_path)


def test_equal_files_are_parsed_once_wherever_they_lie(counted: Counted) -> None:
    first = counted.read("x", "[s]\nk v\n")
    assert counted.read("y", "[s]\nk v\n") == first == {"k": "v"}
    assert counted.made == 1


def test_variables_that_nobody_looks_at_dont_matter(counted: Counted) -> None:
    text = "[s]\nk #{getenv A}\n"
    assert counted.read("x", text) == counted.read("y", text, B="3") == {"k": "1"}
    assert counted.made == 1
    assert counted.read("y", text, A="9") == {"k": "9"}


def test_a_variable_that_appears_later_is_seen(counted: Counted) -> None:
    assert counted.read("x", "[s]\nk #{getenv C}\n") == {"k": "#{getenv C}"}
    assert counted.read("x", C="now") == {"k": "now"}


def test_an_include_that_changes_or_appears_is_seen(counted: Counted) -> None:
    text = f"[s]\n[include {counted.root}/common]\n"
    assert counted.read("x", text) == {}
    (counted.root / "common").write_text("k 1\n")
    assert counted.read("x", text) == {"k": "1"}
    (counted.root / "common").write_text("k 23\n")
    assert counted.read("y", text) == {"k": "23"}


def test_a_relative_include_is_another_file_beside_another_file(counted: Counted) -> None:
    for name in "xy":
        (counted.root / name).mkdir()
        (counted.root / name / "own").write_text(f"k {name}\n")
    assert counted.read("x", "[s]\n[include own]\n") == {"k": "x"}
    assert counted.read("y", "[s]\n[include own]\n") == {"k": "y"}


def test_what_cant_be_read_is_made_of_nothing(counted: Counted) -> None:
    assert counted.read("none") == {}
