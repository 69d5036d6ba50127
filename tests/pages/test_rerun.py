"""Commands that a reader copies: whatever the names, a shell takes them as they are."""

import shlex

from browser import records
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from mtsite.model import RunKey, Test
from mtsite.pages.rerun import matches_more, rerun_command, restore_command

ONE = records.Night().run.tests[0]
NAMES = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1)


def named(testname: str, item_path: str = "") -> Test:
    return replace(ONE, testname=testname, item_path=item_path)


def test_a_test_is_run_again_by_its_name_and_item() -> None:
    key = RunKey("a", ("rhel9", "nfs"), "ww47.5")
    assert rerun_command(key, named("synth", "ss/0.65")) == (
        "megatest -run -rerun-all -target rhel9/nfs -runname ww47.5 -testpatt synth/ss/0.65"
    )


@given(NAMES, NAMES, NAMES, NAMES)
def test_a_shell_takes_every_name_as_it_is(key: str, runname: str, name: str, item: str) -> None:
    for command in (rerun_command, restore_command):
        said = command(RunKey("a", (key, "x"), runname), named(name, item))
        assert shlex.split(said)[-6:] == [
            *("-target", f"{key}/x", "-runname", runname, "-testpatt", f"{name}/{item}")
        ]


def test_a_name_that_no_command_can_carry_has_none() -> None:
    key = RunKey("a", ("x",), "r")
    assert rerun_command(key, named("bytes_\udcff")) == ""
    assert rerun_command(key, named("nul\0")) == ""


def test_a_name_with_a_wildcard_is_told() -> None:
    assert matches_more(named("all%"))
    assert matches_more(named("one", "a,b"))
    assert not matches_more(named("plain-test.v1", "corner=ss/v=0.65"))
