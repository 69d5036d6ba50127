"""The grammar of `megatest.config`: lines, forms, commands, variables and includes."""

import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest
from megatest.parsing import parse as parse

from mtsite.megatest.configfile import ConfigFile
from mtsite.megatest.expand import echo


def test_a_comment_cuts_a_value_and_the_rest_is_ignored(parse: Callable[..., ConfigFile]) -> None:
    config = parse("[a]\nk one\n  two\n# no\n  three\nl 1\n")
    assert config.sections == {"a": {"k": "one\ntwo", "l": "1"}}


@pytest.mark.parametrize(
    "ender", ["", "[include nowhere]", "[configf:settings x y]", "  # x", "[a]"]
)
def test_these_lines_end_a_value(parse: Callable[..., ConfigFile], ender: str) -> None:
    assert parse(f"[a]\nk one\n{ender}\n  two\n").sections == {"a": {"k": "one"}}


def test_a_backslash_joins_without_a_blank_and_only_at_the_very_end(
    parse: Callable[..., ConfigFile],
) -> None:
    config = parse("[a]\nk on\\\ne\nl x\\ \nm 1\\")
    assert config.sections == {"a": {"k": "one", "l": "x\\ ", "m": "1"}}
    assert config.where("a", "l")[1] == 4


def test_values_keep_hashes_and_trailing_blanks(parse: Callable[..., ConfigFile]) -> None:
    assert parse("[a]\nk  x # y  \n").get("a", "k") == "x # y  "


def test_key_lines_before_a_header_go_to_default(parse: Callable[..., ConfigFile]) -> None:
    config = parse("k v\n[a ]\nx y\n[ a]\nx z\n")
    assert config.sections == {"default": {"k": "v"}, "a ": {"x": "y"}, " a": {"x": "z"}}


def test_a_repeated_key_moves_to_the_end_and_both_places_are_known(
    parse: Callable[..., ConfigFile],
) -> None:
    config = parse("[a]\nk 1\nl 2\nk 3\n")
    assert list(config.sections["a"].items()) == [("l", "2"), ("k", "3")]
    assert [line for _, line in config.places("a", "k")] == [2, 4]
    assert config.where("a", "nothing") == (config.path, 0)


def test_crlf_ends_a_line(parse: Callable[..., ConfigFile]) -> None:
    assert parse("[a]\r\nk one\\\r\n two\r\n").sections == {"a": {"k": "one two"}}


def test_an_unclosed_header_is_read_as_a_key_and_named(parse: Callable[..., ConfigFile]) -> None:
    config = parse("[a]\n[setup\nk v\n")
    assert config.problems == (
        f'{config.path}:2: a line that begins with "[" and is no section; read as a key',
    )


def test_the_innermost_form_goes_first(parse: Callable[..., ConfigFile]) -> None:
    config = parse(
        "[a]\nname X\nX deep\nk #{get a #{g a name}}-#{gv #{getenv N}}\n",
        environ={"N": "M", "M": "m"},
    )
    assert config.get("a", "k") == "deep-m"


@pytest.mark.parametrize(
    "form",
    ["#{ getenv X}", "#{getbgesthost x}", "#{mtrah}", "#{getenv}", "# {getenv X}", "#{get {x}}"],
)
def test_what_is_no_form_stays(parse: Callable[..., ConfigFile], form: str) -> None:
    config = parse(f"[a]\nk {form}\n", environ={"X": "1"})
    assert config.get("a", "k") == form
    assert not config.is_unresolved("a", "k")


def test_paths_are_worked_out_natively(parse: Callable[..., ConfigFile], tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    config = parse("[a]\nr #{rp link/../link}\nm #{mtrah }\nn #{mtrah sub/x}\np #{getenv PWD}\n")
    assert config.sections["a"] == {
        "r": str(tmp_path.resolve() / "real"),
        "m": str(tmp_path),
        "n": f"{tmp_path}/sub/x",
        "p": str(tmp_path),
    }


@pytest.mark.parametrize(
    "form", ["#{get a k}", "#{get nowhere}", "#{get }", "#{getenv NO}", "#{rget x}"]
)
def test_a_lookup_that_misses_gives_false(parse: Callable[..., ConfigFile], form: str) -> None:
    assert parse(f"[a]\nk x{form}\n").get("a", "k") == "x#f"


def test_scheme_that_needs_an_interpreter_is_never_run(
    parse: Callable[..., ConfigFile], tmp_path: Path
) -> None:
    text = '[a]\nk #{scheme (system "touch ran")}\nl #{scm (get-host-name)}\n'
    for allowed in (False, True):
        config = parse(text, allow_commands=allowed)
        assert config.get("a", "k") == '#{scheme (system "touch ran")}'
        assert config.is_unresolved("a", "k") and config.is_unresolved("a", "l")
    assert not (tmp_path / "ran").exists()


def test_no_command_runs_unless_allowed(parse: Callable[..., ConfigFile], tmp_path: Path) -> None:
    text = (
        "[a]\n# #{shell touch ran}\nk #{system touch ran}\nl [system touch ran]\n"
        "[scriptinc touch ran]\n[include #{shell touch ran}]\nm #{sh touch ran}\n"
    )
    config = parse(text)
    assert not (tmp_path / "ran").exists()
    assert all(config.is_unresolved("a", key) for key in "klm")
    assert [problem.split(":")[1] for problem in config.problems] == ["5", "6"]


def test_commands_run_in_the_area_where_allowed(
    parse: Callable[..., ConfigFile], tmp_path: Path
) -> None:
    script = tmp_path / "gen.sh"
    script.write_text('#!/bin/sh\necho "[made]"\necho "by $1"\n')
    script.chmod(stat.S_IRWXU)
    text = (
        "[a]\nk #{shell printf 'x\\ny\\n'}!\nl #{system exit 3}\nm [system pwd; echo z]\n"
        "n #{shell echo oops; false}\n[scriptinc ./gen.sh me]\no back\n"
    )
    config = parse(text, allow_commands=True, environ={"PATH": os.environ["PATH"]})
    assert config.sections == {
        "a": {"k": "x y!", "l": "3", "m": f"{tmp_path} z", "n": " ", "o": "back"},
        "made": {"by": "me"},
    }
    assert config.problems == ()


def test_a_command_that_hangs_is_killed(
    parse: Callable[..., ConfigFile], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mtsite.megatest.expand.COMMAND_SECONDS", 0.2)
    config = parse(
        "[a]\nk [system sleep 60]\nl ok\n", allow_commands=True, environ=dict(os.environ)
    )
    assert config.sections == {"a": {"k": "", "l": "ok"}}
    assert "took too long" in config.problems[0]


def test_commands_of_other_targets_are_muted_as_megatest_does(
    parse: Callable[..., ConfigFile],
) -> None:
    text = "[default]\nk #{shell echo 1}\n[x/y]\nk #{shell echo 2}\n[a/b]\nk #{shell echo 3}\n"
    config = parse(
        text,
        kind="runconfigs",
        target=("a", "b"),
        allow_commands=True,
        environ={"PATH": os.environ["PATH"]},
    )
    assert [config.get(name, "k") for name in ("default", "x/y", "a/b")] == [
        "1",
        "#{(shell)  echo 2}",
        "3",
    ]


def test_rget_works_inside_commands_and_their_quotes(parse: Callable[..., ConfigFile]) -> None:
    text = (
        "[default]\nX 'a  b'\n[a/b]\nY [system echo #{rget X}]\n"
        'Z #{shell echo "#{rget X}"}\nMISS #{shell echo #{rget NO}}\n'
    )
    config = parse(
        text,
        kind="runconfigs",
        target=("a", "b"),
        allow_commands=True,
        environ={"PATH": os.environ["PATH"]},
    )
    assert config.sections["a/b"] == {"Y": "a  b", "Z": "'a  b'", "MISS": " "}, (
        "to the shell #f is a comment"
    )


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ("a   b ", "a b"),
        ("$HOME/x ${HOME}y $NO.", "/h/x /hy ."),
        ("$(ls)", "$(ls)"),
        ("'a  b'", "'a  b'"),
        ("a  *", "a  *"),
        ("~/x  y", "~/x  y"),
        ("a  #b", "a  #b"),
        ("-n  x", "-n  x"),
        ("$  1", "$  1"),
        ("${X:-y}  z", "${X:-y}  z"),
    ],
)
def test_the_environment_step_is_done_only_where_no_shell_is_needed(value: str, told: str) -> None:
    assert echo(value, {"HOME": "/h"}) == told


def test_environment_sections_set_variables_for_later_lines(
    parse: Callable[..., ConfigFile],
) -> None:
    text = "[env-overrides]\nA  x   y\nB $A/z\n[other]\nC 1\n[b]\nk #{getenv B} #{getenv C}\n"
    assert parse(text).get("b", "k") == "x y/z #f"


def test_keys_are_variables_once_fields_are_closed(
    parse: Callable[..., ConfigFile], tmp_path: Path
) -> None:
    (tmp_path / "nfs.config").write_text("from nfs\n")
    text = "[fields]\nos TEXT\nfs TEXT\nx #{getenv fs}\n[a]\n[include #{getenv fs}.config]\n"
    config = parse(text, target=("ubuntu", "nfs"))
    assert config.sections["a"] == {"from": "nfs"}
    assert config.get("fields", "x") == "#f"


def test_an_include_is_relative_to_its_file_and_its_section_stays_there(
    parse: Callable[..., ConfigFile], tmp_path: Path
) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "one").write_text("k 1\n[b]\n[include two]\n")
    (tmp_path / "sub" / "two").write_text("k 2\n")
    config = parse("[a]\n[include sub/one] \nl 3\n")
    assert config.sections == {"a": {"k": "1", "l": "3"}, "b": {"k": "2"}}
    assert config.where("b", "k") == (tmp_path / "sub" / "two", 1)


def test_the_trim_setting_goes_into_later_includes(
    parse: Callable[..., ConfigFile], tmp_path: Path
) -> None:
    (tmp_path / "x").write_text("k 1  \n")
    config = parse("[a]\nj 0  \n[configf:settings trim-trailing-spaces yes]\n[include x]\n")
    assert config.sections["a"] == {"j": "0  ", "k": "1"}
