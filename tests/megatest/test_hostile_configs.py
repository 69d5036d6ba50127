"""A megatest.config that would do harm: circles, bombs, bytes, long lines; nothing raises."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from megatest.parsing import parse as parse

from mtsite.megatest.configfile import ConfigFile, read_config


def test_a_circle_is_named_and_stopped(parse: Callable[..., ConfigFile], tmp_path: Path) -> None:
    (tmp_path / "b").write_text("[include megatest.config]\nk 1\n")
    config = parse("[a]\n[include b]\n[include ./megatest.config]\nl 2\n")
    assert config.sections == {"a": {"k": "1", "l": "2"}}
    assert [problem.split("can't")[1] for problem in config.problems] == [
        " be read: it includes itself, directly or through another file"
    ] * 2
    assert config.problems[0].startswith(f"{tmp_path}/b:1: ")


def test_includes_that_multiply_are_stopped(
    parse: Callable[..., ConfigFile], tmp_path: Path
) -> None:
    for i in range(30):
        (tmp_path / str(i)).write_text(f"[include {i + 1}]\n[include ./{i + 1}]\n")
    config = parse("[a]\n[include 0]\n")
    assert "the rest was not read" in config.problems[-1]


def test_a_chain_of_includes_is_bounded(parse: Callable[..., ConfigFile], tmp_path: Path) -> None:
    for i in range(200):
        (tmp_path / str(i)).write_text(f"k{i} v\n[include {i + 1}]\n")
    config = parse("[a]\n[include 0]\n")
    assert len(config.sections["a"]) == 49
    assert "nested deeper" in config.problems[0]


def test_a_script_that_includes_itself_is_stopped(parse: Callable[..., ConfigFile]) -> None:
    config = parse(
        "[a]\n[scriptinc echo '[scriptinc cat megatest.config']\n[scriptinc cat megatest.config]\n",
        allow_commands=True,
        environ={"PATH": os.environ["PATH"]},
    )
    assert "the rest was not read" in config.problems[-1]


def test_includes_that_cant_be_read_are_problems(
    parse: Callable[..., ConfigFile], tmp_path: Path
) -> None:
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "loop").symlink_to("loop")
    config = parse("[a]\n[include fifo]\n[include .]\n[include loop]\n[include no/such]\nk 1\n")
    assert config.sections == {"a": {"k": "1"}}
    assert len(config.problems) == 3
    assert "fifo can't be read: it is no regular file" in config.problems[0]


def test_a_file_that_is_not_there_is_said(tmp_path: Path) -> None:
    config = read_config(tmp_path / "none", area_path=tmp_path, environ={})
    assert not config.found
    assert config.problems == (
        f"{tmp_path}/none:0: {tmp_path}/none can't be read: No such file or directory",
    )


def test_bytes_that_are_not_utf8_are_kept_and_named(parse: Callable[..., ConfigFile]) -> None:
    config = parse(b"[a]\nk caf\xe9\nl x\n")
    assert config.get("a", "k") == "caf\udce9"
    assert config.problems == (f"{config.path}:2: bytes that are not UTF-8; they were kept",)


def test_a_ten_megabyte_line_is_a_problem(parse: Callable[..., ConfigFile]) -> None:
    config = parse("[a]\nk " + "x" * 10_000_000 + "\nl 1\n")
    assert config.sections == {"a": {"l": "1"}}
    assert config.problems[0].startswith(f"{config.path}:2: a line of more than")


def test_a_value_that_doubles_itself_is_stopped(parse: Callable[..., ConfigFile]) -> None:
    lines = [
        "k0 xxxxxxxxxx",
        *(f"k{i} #{{get a k{i - 1}}}#{{get a k{i - 1}}}" for i in range(1, 60)),
    ]
    config = parse("[a]\n" + "\n".join(lines))
    assert max(len(value) for value in config.sections["a"].values()) <= 1 << 20
    assert "expands to more than" in config.problems[0]


def test_a_form_that_yields_itself_is_stopped(parse: Callable[..., ConfigFile]) -> None:
    config = parse("[a]\nk #{getenv X}\nl 1\n", environ={"X": "#{getenv X}"})
    assert config.sections == {"a": {"l": "1"}}
    assert "more than 1000 expansions" in config.problems[0]


@pytest.mark.parametrize(
    "line",
    [
        "#{get" * 150_000,
        "#{get " + " " * 900_000,
        "#{" * 500_000,
        "[scriptinc " + "a" * 900_000 + " ]x]",
        "k [system " + "]  " * 300_000,
        "[configf:settings " + "a " * 400_000 + "]",
    ],
)
def test_long_lines_take_linear_time(parse: Callable[..., ConfigFile], line: str) -> None:
    assert "a" in parse(f"[a]\n{line}\n").sections


def test_many_continuation_lines_take_linear_time(parse: Callable[..., ConfigFile]) -> None:
    config = parse("[a]\nk\n" + " x\n" * 300_000)
    assert len(config.get("a", "k", "")) == 600_000


def test_wildcards_are_bounded(parse: Callable[..., ConfigFile]) -> None:
    text = "".join(f"[{i}]\n" for i in range(5000)) + "[%]\nk v\n" * 5000
    config = parse(text, kind="runconfigs")
    assert "the rest was not read" in config.problems[-1]


def test_a_hostile_regex_is_harmless(parse: Callable[..., ConfigFile]) -> None:
    text = f"[{'a' * 5000}]\n[/(a+)+b/]\nk 1\n[/(/]\nk 2\n[/(a{{1000}}){{1000}}/]\nk 3\n"
    config = parse(text, kind="runconfigs")
    assert config.sections == {"a" * 5000: {}}
    assert [problem.split(": ")[1][:18] for problem in config.problems] == [
        "a wildcard section"
    ] * 2


def test_problems_hold_no_control_characters_and_no_values(
    parse: Callable[..., ConfigFile],
) -> None:
    config = parse(b"[a]\n[include /\x1b[31m/\xff/../../etc/..//.]\nkey secret-value\0\n")
    text = "".join(config.problems)
    assert text.isprintable() and "secret" not in text and text.encode()


WORDS = st.sampled_from(
    "[a]|[include x]|[include megatest.config]|[%]|[/a.*/]|[fields]|k v|k| c|#{get a k}|#{getenv X}"
    "|#{shell x}|#{scheme {}}|#{|}|\\|\n|\n| |\t|[system x]|[scriptinc x]|\0|\x0c|é"
    "|[configf:settings trim-trailing-spaces yes]".split("|")
)
QUICK = settings(
    max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@QUICK
@given(
    content=st.one_of(
        st.binary(max_size=400), st.lists(WORDS, max_size=60).map(lambda w: "".join(w).encode())
    ),
    kind=st.sampled_from(["megatest", "runconfigs", "testconfig"]),
)
def test_nothing_raises(parse: Callable[..., ConfigFile], content: bytes, kind: str) -> None:
    config = parse(content, kind=kind, target=("a", "b"), environ={"X": "#{get a k}"})
    assert config.found
    for section, values in config.sections.items():
        for key in values:
            assert config.where(section, key)[1] >= 1


NAME = st.text(
    st.characters(categories=["L", "N", "P", "S"], exclude_characters="#[]{}\\"), min_size=1
)
VALUE = st.text(
    st.characters(categories=["L", "N", "P", "S", "Zs"], exclude_characters="#{}[]\\\x85")
)


@QUICK
@given(st.dictionaries(NAME, st.dictionaries(NAME, st.lists(VALUE, min_size=1, max_size=3))))
def test_what_is_written_reads_back(
    parse: Callable[..., ConfigFile], sections: dict[str, dict[str, list[str]]]
) -> None:
    """Lines of a value lose leading blanks only; empty ones can't be written at all."""
    wanted: dict[str, dict[str, str]] = {}
    text = ""
    for section, values in sections.items():
        text += f"[{section}]\n"
        wanted[section] = {}
        for key, lines in values.items():
            kept = [line.lstrip(" ") for line in lines]
            kept = [kept[0], *(line for line in kept[1:] if line)]
            text += f"{key} {kept[0]}\n" + "".join(f"   {line}\n" for line in kept[1:])
            wanted[section][key] = "\n".join(kept) if kept[0] else "\n".join([" ", *kept[1:]])
    config = parse(text)
    assert {name: dict(values) for name, values in config.sections.items()} == wanted
