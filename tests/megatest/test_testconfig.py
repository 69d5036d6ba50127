"""What a testconfig says of a test, and what of it can't be known."""

from collections.abc import Callable
from pathlib import Path

import pytest

from mtsite.megatest.configfile import read_on_terms
from mtsite.megatest.grammar import Terms
from mtsite.megatest.scheme import read_cached
from mtsite.megatest.testconfig import (
    define,
    for_test,
    list_tests,
    read_test,
    terms_of,
    test_roots,
)
from mtsite.model import TestDefinition

Define = Callable[..., TestDefinition]

WHOLE = """\
[setup]
runscript main.sh
[test_meta]
owner bob
author matt
description joined\\
 text
  with a second line
tags first, single,,x
reviewed 1/1/1965
jobgroup sim
[ezsteps]
build make all
run {VAR=x} sim
[requirements]
waiton build   lint
mode itemmatch
priority 5
itemmap .*/
[itemmap]
lint (\\d+) x\\1
[items]
SEED 1 2
[itemstable]
A x y
"""


@pytest.fixture
def said(tmp_path: Path) -> Define:
    def said(text: str, **environ: str) -> TestDefinition:
        path = tmp_path / "testconfig"
        path.write_text(text)
        terms = Terms("testconfig", tmp_path, (), environ, closed=True)
        return read_test("t", path, for_test(terms, "t", {})).definition

    return said


def test_everything_that_pages_show_is_read(said: Define) -> None:
    assert said(WHOLE) == TestDefinition(
        author="matt",
        owner="bob",
        description="joined text\nwith a second line",
        reviewed="1/1/1965",
        tags=("first", "single", "x"),
        jobgroup="sim",
        runscript="main.sh",
        waiton=("build", "lint"),
        requirements=(("mode", "itemmatch"), ("priority", "5")),
        itemmap=(("", ".*/"), ("lint", "(\\d+) x\\1")),
        ezsteps=(("build", "make all"), ("run", "{VAR=x} sim")),
        iterated=True,
        variables=(("SEED", "1 2"), ("A", "x y")),
        items=("1", "2", "x", "y"),
        item_count=4,
    )


def test_an_empty_file_defines_nothing(said: Define) -> None:
    assert said("") == TestDefinition()


def test_an_items_section_without_variables_is_no_iteration(said: Define) -> None:
    assert not said("[items]\n").iterated
    assert said("[items]\nFOO\n").iterated
    assert said("[items]\nFOO\n").item_count == 0


def test_values_that_take_a_command_are_named_and_not_guessed(said: Define) -> None:
    found = said("[requirements]\nwaiton #{shell ls}\n[items]\nA [system seq 9]\nB 1 2\n")
    assert found.unknown == (("requirements.waiton", "shell"), ("items.A", "system"))
    assert (found.waiton, found.items, found.item_count) == ((), (), 0)
    assert found.iterated


def test_a_variable_that_nobody_set_is_unknown_and_no_false(said: Define) -> None:
    text = "[requirements]\nwaiton #{get #{getenv DEPS} x}\n[simple]\nx build\n"
    assert said(text).unknown == (("requirements.waiton", "getenv DEPS"),)
    assert said("[simple]\nx build\n" + text, DEPS="simple").waiton == ("build",)


def test_the_test_knows_its_own_name(said: Define) -> None:
    assert said("[requirements]\nwaiton pre_#{getenv MT_TEST_NAME}\n").waiton == ("pre_t",)


def test_long_texts_are_cut_and_say_so(said: Define) -> None:
    found = said(
        f"[test_meta]\nowner {'x' * 5000}\n[ezsteps]\n" + "".join(f"s{n} run\n" for n in range(500))
    )
    assert found.owner.endswith("… (cut)")
    assert len(found.ezsteps) == 200


def test_a_cached_parse_says_the_same_as_the_file(said: Define) -> None:
    cached = read_cached('(("test_meta" ("owner" "bob")) ("items" ("A" "1 2")))')
    assert define(cached) == said("[test_meta]\nowner bob\n[items]\nA 1 2\n")


# -- where tests lie -------------------------------------------------------------------------------


def make_test(root: Path, name: str, text: str = "[test_meta]\nowner x\n") -> None:
    (root / name).mkdir(parents=True)
    (root / name / "testconfig").write_text(text)


def area_of(path: Path, config: str) -> Terms:
    path.mkdir(exist_ok=True)
    (path / "megatest.config").write_text(config)
    return Terms("testconfig", path, (), {}, closed=True)


def test_roots_are_searched_in_order_and_the_first_hit_wins(tmp_path: Path) -> None:
    area = tmp_path / "area"
    terms = area_of(area, "[tests-paths]\n1 ../more\n2 nowhere\n3 #{shell pwd}\n4 #{getenv X}\n")
    make_test(tmp_path / "more", "both")
    make_test(area / "tests", "both")
    make_test(area / "tests", "own")
    (area / "tests" / "no_test").mkdir()
    roots = test_roots(area, read_on_terms(area / "megatest.config", terms))
    assert roots == (area / "../more", area / "tests")
    assert list_tests(roots) == {
        "both": area / "../more/both/testconfig",
        "own": area / "tests/own/testconfig",
    }


def test_testconfigs_see_what_the_areas_files_set_for_the_target(tmp_path: Path) -> None:
    config = "[fields]\nos T\nfs T\n[env-override]\nFROM_CONFIG a  b\nLATE #{getenv NOBODY}\n"
    terms = area_of(tmp_path, config)
    (tmp_path / "runconfigs.config").write_text("[default]\nD 1\n[u/nfs]\nD 2\n[u/afs]\nE 3\n")
    found = terms_of(("u", "nfs"), {}, terms).environ
    assert found["FROM_CONFIG"] == "a b"
    assert (found["os"], found["fs"], found["MT_TARGET"]) == ("u", "nfs", "u/nfs")
    assert found["D"] == "2"
    assert found["MT_TESTSUITENAME"] == tmp_path.name
    assert "E" not in found
    assert "LATE" not in found, "half a value is none"


# -- confinement -----------------------------------------------------------------------------------


@pytest.fixture
def confined(tmp_path: Path) -> Callable[[str], TestDefinition]:
    """Reads a testconfig whose includes may lie below `inside` only."""
    inside = tmp_path / "inside"
    inside.mkdir()
    (tmp_path / "secret").write_text("key very-secret\n")
    (inside / "link").symlink_to(tmp_path / "secret")
    (inside / "fine").write_text("step run\n")

    def read(include: str) -> TestDefinition:
        path = inside / "testconfig"
        path.write_text(f"[ezsteps]\n[include {include}]\n")
        terms = Terms("testconfig", inside, (), {}, roots=(inside.resolve(),))
        return read_test("t", path, terms).definition

    return read


@pytest.mark.parametrize("include", ["../secret", "link", "/proc/self/environ", "x/../../secret"])
def test_an_include_leaves_the_given_directories_by_no_way(
    confined: Callable[[str], TestDefinition], include: str
) -> None:
    assert confined(include).ezsteps == ()


def test_an_include_inside_is_read(confined: Callable[[str], TestDefinition]) -> None:
    assert confined("fine").ezsteps == (("step", "run"),)
