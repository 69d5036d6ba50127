"""The grammar of megatest.config: lines, forms, environment, includes, bounds, anything."""

import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mtsite.megatest.configfile import ConfigFile, read_config
from mtsite.megatest.expand import echo


@pytest.fixture
def parse(tmp_path: Path) -> Callable[..., ConfigFile]:
    def parse(content: str | bytes, **how: object) -> ConfigFile:
        path = tmp_path / "megatest.config"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        how = {"environ": {}, "area_path": tmp_path, **how}
        return read_config(path, **how)  # type: ignore[arg-type]

    return parse


# -- lines -----------------------------------------------------------------------------------------


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


# -- forms -----------------------------------------------------------------------------------------


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


# -- includes --------------------------------------------------------------------------------------


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


# -- hostile text ----------------------------------------------------------------------------------


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
