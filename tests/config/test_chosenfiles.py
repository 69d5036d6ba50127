"""Patterns of attachments: matched part by part, hidden names only where the pattern says so."""

from pathlib import Path

import pytest

from mtsite.chosenfiles import PATTERNS, Chooser


def chosen(pattern: str, path: str) -> bool:
    chooser = Chooser([pattern])
    where = chooser.start
    *directories, name = path.split("/")
    for directory in directories:
        where = chooser.below(where, directory)
    return chooser.takes(where, name)


@pytest.mark.parametrize(
    ("pattern", "path"),
    [
        ("*.png", "a.png"),
        ("reports/**/*.csv", "reports/a.csv"),
        ("reports/**/*.csv", "reports/x/y/a.csv"),
        ("**/shot?.png", "deep/down/shot1.png"),
        ("**", "a/b/c"),
        ("out/**", "out/a/b"),
        ("[ab]*.txt", "bell.txt"),
        (".cov/*", ".cov/a"),
        ("**/**/x", "x"),
    ],
)
def test_a_pattern_takes(pattern: str, path: str) -> None:
    assert chosen(pattern, path)


@pytest.mark.parametrize(
    ("pattern", "path"),
    [
        ("*.png", "sub/a.png"),
        ("*.png", "a.png.txt"),
        ("reports/**/*.csv", "a.csv"),
        ("reports/*.csv", "reports/x/a.csv"),
        ("**", ".git/config"),
        ("**/*", "a/.hidden"),
        ("out/**", "out"),
    ],
)
def test_a_pattern_leaves(pattern: str, path: str) -> None:
    assert not chosen(pattern, path)


def test_nothing_is_looked_for_where_nothing_can_match() -> None:
    chooser = Chooser(["*.png", "reports/*/x.csv"])
    assert not chooser.below(chooser.start, "build")
    assert chooser.below(chooser.start, "reports")


@pytest.mark.parametrize("wrong", ["", "/etc/*", "../x", "a/../b", "a//b", "./a", "x" * 201, "\0"])
def test_a_pattern_stays_below_the_run_directory(wrong: str) -> None:
    with pytest.raises(ValueError, match=r"pattern|below"):
        PATTERNS.read([wrong], Path())
