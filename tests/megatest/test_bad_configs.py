"""Config files that something happened to: a message or a value, never a crash, never a hang."""

import os
import shutil
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mtsite.config import AreaConfig
from mtsite.errors import MtsiteError
from mtsite.megatest import effective
from mtsite.megatest.configfile import ConfigFile, read_config
from mtsite.megatest.configuration import read_configuration
from mtsite.megatest.survey import survey

CONFIGS = Path(__file__).resolve().parents[1] / "data" / "megatest-configs"
FILES = sorted(
    path.relative_to(CONFIGS)
    for path in CONFIGS.rglob("*")
    if path.is_file() and path.name != "README.md"
)
WITH_INCLUDES = [name for name in FILES if b"[include" in (CONFIGS / name).read_bytes()]
AREAS = {path.parent.relative_to(CONFIGS) for path in CONFIGS.rglob("megatest.config")}
TARGET = ("ubuntu", "nfs", "none")
HURT = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("corpus") / "c"
    shutil.copytree(CONFIGS, root)
    return root


@contextmanager
def hurt(path: Path, content: bytes) -> Iterator[None]:
    """The file with another content, for a while."""
    before = path.read_bytes()
    path.write_bytes(content)
    try:
        yield
    finally:
        path.write_bytes(before)


def area_of(name: Path) -> Path:
    """The closest area around a file of the corpus."""
    return next((above for above in name.parents if above in AREAS), name.parent)


def look_at(corpus: Path, name: Path, content: bytes) -> ConfigFile:
    """Read the file, and its whole area as `area show` and `config show` do."""
    area = corpus / area_of(name)
    with hurt(corpus / name, content):
        for kind in ("megatest", "runconfigs", "testconfig"):
            found = read_config(corpus / name, area_path=area, environ={}, kind=kind, target=TARGET)
            assert_sound(found)
        site = AreaConfig(name="x", path=area)
        try:
            configuration = read_configuration(site, {})
            for one in survey(site, configuration, {}, TARGET):
                assert_sound(one.read.config)
                assert all(problem.isprintable() for problem in one.problems)
            effective.of_area(site, {}, TARGET)
        except MtsiteError as error:
            assert error.message and error.hint
        return found


def assert_sound(found: ConfigFile) -> None:
    """Every value has its place in a file that is there; every problem can be shown."""
    for section, values in found.sections.items():
        for key in values:
            path, line = found.where(section, key)
            assert path.exists() and line >= 1
    assert all(problem.isprintable() for problem in found.problems)


@HURT
@given(data=st.data())
def test_a_line_that_is_gone(corpus: Path, data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(FILES))
    lines = (CONFIGS / name).read_bytes().splitlines(keepends=True)
    gone = data.draw(st.integers(0, max(len(lines) - 1, 0)))
    found = look_at(corpus, name, b"".join(lines[:gone] + lines[gone + 1 :]))
    assert found.found


@HURT
@given(data=st.data())
def test_a_byte_that_is_another(corpus: Path, data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(FILES))
    content = bytearray((CONFIGS / name).read_bytes())
    at = data.draw(st.integers(0, max(len(content) - 1, 0)))
    content[at : at + 1] = bytes([data.draw(st.integers(0, 255))])
    assert look_at(corpus, name, bytes(content)).found


@pytest.mark.parametrize("name", WITH_INCLUDES, ids=str)
def test_an_include_that_is_taken_away(corpus: Path, name: Path) -> None:
    lines = (CONFIGS / name).read_bytes().splitlines(keepends=True)
    for gone in [n for n, line in enumerate(lines) if line.startswith(b"[include")]:
        assert look_at(corpus, name, b"".join(lines[:gone] + lines[gone + 1 :])).found


def test_an_included_file_that_is_taken_away_is_named_with_its_place(corpus: Path) -> None:
    area = corpus / "qa" / "fullrun"
    lost = area / "configs" / "mt_include_1.config"
    content = lost.read_bytes()
    lost.unlink()
    try:
        configuration = read_configuration(AreaConfig(name="x", path=area), {})
    finally:
        lost.write_bytes(content)
    assert ((area / "megatest.config", 11), lost) in configuration.config.missing
    assert configuration.linktree == area / "lt"


# -- includes that lead back -----------------------------------------------------------------------


@pytest.fixture
def parse(tmp_path: Path) -> Callable[[str], ConfigFile]:
    def parse(content: str) -> ConfigFile:
        (tmp_path / "megatest.config").write_text(content)
        return read_config(tmp_path / "megatest.config", area_path=tmp_path, environ={})

    return parse


def test_a_file_that_includes_itself(parse: Callable[[str], ConfigFile]) -> None:
    found = parse("[a]\nk 1\n[include megatest.config]\nl 2\n")
    assert found.sections == {"a": {"k": "1", "l": "2"}}
    assert "includes itself" in found.problems[0]


def test_a_loop_of_three(parse: Callable[[str], ConfigFile], tmp_path: Path) -> None:
    (tmp_path / "one").write_text("one 1\n[include two]\n")
    (tmp_path / "two").write_text("two 2\n[include megatest.config]\n")
    found = parse("[a]\n[include one]\nl 2\n")
    assert found.sections == {"a": {"one": "1", "two": "2", "l": "2"}}
    (problem,) = found.problems
    assert problem.startswith(f"{tmp_path}/two:2: ")


def test_a_loop_through_a_symbolic_link(parse: Callable[[str], ConfigFile], tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("megatest.config")
    (tmp_path / "dir").symlink_to(".")
    found = parse("[a]\n[include link]\n[include dir/dir/megatest.config]\nk 1\n")
    assert found.sections == {"a": {"k": "1"}}
    assert len(found.problems) == 2


# -- sizes and kinds -------------------------------------------------------------------------------

PIECES = (
    "x",
    "#{",
    "#{get a ",
    "#{getenv X}",
    "#{scheme (foo)}",
    '#{scheme (conc "a" ',
    "#{shell x}",
    "[include ",
    "\\",
    "k v #",
)


@pytest.mark.parametrize("piece", PIECES)
def test_ten_megabytes_in_one_line(parse: Callable[[str], ConfigFile], piece: str) -> None:
    started = time.monotonic()
    found = parse("[a]\nk " + piece * (10_000_000 // len(piece)) + "x\nl 1\n")
    assert found.get("a", "l") == "1"
    assert "a line of more than" in found.problems[0]
    assert time.monotonic() - started < 5


@pytest.mark.parametrize("piece", PIECES)
def test_time_grows_with_the_length_of_a_line(
    parse: Callable[[str], ConfigFile], piece: str
) -> None:
    def seconds(characters: int) -> float:
        started = time.process_time()
        parse("[a]\nk " + piece * (characters // len(piece)) + "x\nl 1\n")
        return time.process_time() - started

    short = min(seconds(100_000) for _ in range(2))
    assert seconds(1_000_000) < 40 * short + 0.5


@pytest.mark.parametrize("depth", [10, 900, 100_000])
def test_forms_that_are_nested_deeply(parse: Callable[[str], ConfigFile], depth: int) -> None:
    found = parse("[a]\nk v\nn " + "#{get a " * depth + "k" + "}" * depth + "\nl 1\n")
    assert found.get("a", "l") == "1"
    if depth < 1000:
        assert found.get("a", "n") == "#f"
    else:
        assert "expansions in one line" in found.problems[0]


def test_a_database_instead_of_a_config_file(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "megatest.config")) as made:
        made.execute("CREATE TABLE t (a TEXT)")
        made.executemany("INSERT INTO t VALUES (?)", [("x" * 50,)] * 500)
        made.commit()
    configuration = read_configuration(AreaConfig(name="x", path=tmp_path), {})
    assert any("is this a config file?" in problem for problem in configuration.problems)


@HURT
@given(st.binary(max_size=3000))
def test_any_bytes_at_all(corpus: Path, content: bytes) -> None:
    assert look_at(corpus, Path("qa/fullrun/megatest.config"), content).found


@pytest.mark.parametrize("kind", ["pipe", "directory", "endless link", "nothing"])
def test_what_is_no_file_is_an_error_that_says_so(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "megatest.config"
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "directory":
        path.mkdir()
    elif kind == "endless link":
        path.symlink_to(path)
    with pytest.raises(MtsiteError, match=r"megatest\.config") as caught:
        read_configuration(AreaConfig(name="x", path=tmp_path), {})
    assert caught.value.hint


def test_a_directory_that_is_included_is_told_and_not_left_open(
    parse: Callable[[str], ConfigFile],
) -> None:
    before = [*Path("/proc/self/fd").iterdir()]
    assert "regular file" in parse("[include .]\n").problems[0]
    assert len([*Path("/proc/self/fd").iterdir()]) == len(before)


def test_the_owner_may_include_from_anywhere(tmp_path: Path) -> None:
    """Pages are stricter: see tests/build/test_definitions.py."""
    area = tmp_path / "area"
    area.mkdir()
    (tmp_path / "site.config").write_text("linktree /links\n")
    (area / "megatest.config").write_text("[setup]\n[include ../site.config]\n")
    assert read_configuration(AreaConfig(name="x", path=area), {}).linktree == Path("/links")
