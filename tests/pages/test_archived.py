"""Archived tests: block, branch, and commands that a shell takes as they are."""

import shlex
from collections.abc import Mapping

import pytest
from browser import records
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from mtsite.model import Archive, Run, State, Test
from mtsite.pages import archived

NAMES = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1)
NIGHT = records.Night()


def shown(one: Test, archive: Archive | None, run: Run = NIGHT.run) -> Mapping[str, object] | None:
    return archived.shown(replace(run, archive=archive), one)


def commands(one: Test, archive: Archive) -> dict[str, list[str]]:
    found = shown(one, archive)
    assert found is not None
    return {what: shlex.split(command) for what, command in found["commands"]}  # type: ignore[attr-defined]


def saved(**changed: object) -> Test:
    base = replace(NIGHT.run.tests[0], testname="synth", item_path="ss/0.65", archived=3)
    return replace(base, **{"final_logf": "run.log", **changed})  # type: ignore[arg-type]


KNOWN = Archive("chipyard-17", "chipyard_0f3a1", {3: "/arch/disk 1/2026_q4/chipyard_0f3a1"})


def test_the_log_is_read_out_of_the_block_by_branch_and_path() -> None:
    assert commands(saved(), KNOWN)["read its log"] == [
        *("bup", "-d", "/arch/disk 1/2026_q4/chipyard_0f3a1", "cat-file"),
        "/chipyard-17/latest/rhel9/nfs/nightly/ww47.5/synth/ss/0.65/run.log",
    ]


@pytest.mark.parametrize("log", ["logs/final.log", "/abs/run.log", "../other/run.log", "a/../../x"])
def test_a_log_that_is_none_of_its_directory_is_not_promised(log: str) -> None:
    found = commands(saved(final_logf=log), KNOWN)
    assert "read its log" not in found
    assert found["bring its files here"][-1].endswith("/synth/ss/0.65")


def test_without_its_block_every_disk_is_named_with_the_quarter_it_ran_in() -> None:
    archive = Archive("chipyard-17", "chipyard_0f3a1", {}, ("/arch/a", "/arch/b/"))
    found = shown(saved(event_time=1_700_000_000), archive)
    assert found is not None
    places = [shlex.split(text)[2] for what, text in found["commands"] if what == "list its saves"]  # type: ignore[attr-defined]
    assert places == ["/arch/a/2023_q4/chipyard_0f3a1", "/arch/b/2023_q4/chipyard_0f3a1"]
    assert "later quarter" in str(found["note"])


def test_without_block_and_disks_only_megatest_can_restore_it() -> None:
    found = shown(saved(), Archive("chipyard-17"))
    assert found is not None
    assert [what for what, _ in found["commands"]] == ["or let Megatest restore it"]  # type: ignore[attr-defined]
    assert ("branch", "chipyard-17") in found["pairs"]  # type: ignore[operator]


def test_a_copy_in_the_archive_is_not_called_the_only_one() -> None:
    kept = shown(saved(), KNOWN)
    alone = shown(saved(state=State("ARCHIVED")), KNOWN)
    assert kept is not None and alone is not None
    assert "A copy" in str(kept["lead"])
    assert "only" in str(alone["lead"])


def test_what_found_no_room_was_not_saved() -> None:
    found = shown(saved(archived=-1), None)
    assert found is not None
    assert "not saved" in str(found["lead"]) and found["commands"] == ()


def test_a_test_that_is_not_archived_has_no_such_part() -> None:
    assert shown(saved(archived=0), KNOWN) is None


@given(NAMES, NAMES, NAMES, NAMES, NAMES)
def test_a_shell_takes_every_name_as_it_is(
    block: str, branch: str, name: str, item: str, runname: str
) -> None:
    one = saved(testname=name, item_path=item)
    run = replace(NIGHT.run, key=replace(NIGHT.key, runname=runname))
    found = shown(one, Archive(branch, "", {3: block}), run)
    assert found is not None
    said = [shlex.split(text) for _, text in found["commands"]]  # type: ignore[attr-defined]
    place = f"/{branch}/latest/{'/'.join(NIGHT.key.target)}/{runname}/{name}/{item}"
    assert said[1] == ["bup", "-d", block, "restore", "-C", ".", place]
    assert all(words[2] == block for words in said[:3])
