"""Which runs a build looks at again, and why."""

from pathlib import Path

from msgspec.structs import replace

from mtsite import urls
from mtsite.build.plan import RACY, known_fingerprint, plan_build
from mtsite.manifest import KnownRun
from mtsite.megatest.reader import RunHead
from mtsite.model import RunKey, State, Status


def head(name: str, *, day: int = 1, fingerprint: str = "f", home: str = "a") -> RunHead:
    return RunHead(
        key=RunKey("a", ("u",), name),
        database=Path("/db"),
        run_id=1,
        home=home,
        keys=("k",),
        state=State("new"),
        status=Status("n/a"),
        owner="",
        contour="",
        comment="",
        event_time=day,
        fingerprint=fingerprint,
    )


def known(of: RunHead, *, sealed: bool = True, gone: bool = False) -> KnownRun:
    return KnownRun(
        dir=urls.run_dir(of.key),
        key=of.key,
        home=of.home,
        place=of.event_time or 0,
        fingerprint=of.fingerprint,
        sealed=sealed,
        input="i",
        gone="gone" if gone else "",
    )


def plan_for(
    olds: list[KnownRun], heads: list[RunHead], *, unreadable: str = "", all_pages: bool = False
) -> tuple[dict[str, str], dict[str, str], list[str]]:
    plan = plan_build(
        {old.dir: old for old in olds},
        {urls.run_dir(each.key): each for each in heads},
        frozenset({unreadable}),
        all_pages=all_pages,
    )
    return plan.read, plan.gone, plan.rehomed


def test_a_sealed_run_whose_fingerprint_stands_is_left_alone() -> None:
    one = head("r1")
    assert plan_for([known(one)], [one]) == ({}, {}, [])


def test_a_new_run_is_read_and_so_is_the_one_before_it() -> None:
    one, two = head("r1"), head("r2", day=2)
    assert plan_for([known(one)], [one, two])[0] == {"a/u/r1": "next run", "a/u/r2": "new"}


def test_a_late_run_between_two_is_next_to_the_first_only() -> None:
    one, late, three = head("r1"), head("r2", day=2), head("r3", day=3)
    read, _, _ = plan_for([known(one), known(three)], [one, late, three])
    assert read == {"a/u/r1": "next run", "a/u/r2": "new"}


def test_an_unsealed_run_is_read_at_every_build() -> None:
    one = head("r1")
    assert plan_for([known(one, sealed=False)], [one])[0] == {"a/u/r1": "not sealed"}


def test_rows_that_moved_are_read() -> None:
    one = head("r1")
    assert plan_for([known(one)], [replace(one, fingerprint="g")])[0] == {"a/u/r1": "rows moved"}


def test_a_run_that_a_dead_build_had_begun_is_read() -> None:
    one = head("r1")
    assert plan_for([replace(known(one), fingerprint="")], [one])[0] == {"a/u/r1": "unfinished"}


def test_a_recipe_that_moved_expands_every_run() -> None:
    one = head("r1")
    assert plan_for([known(one)], [one], all_pages=True)[0] == {"a/u/r1": "recipe"}


def test_a_run_that_only_lies_elsewhere_now_is_not_read() -> None:
    one = head("r1")
    assert plan_for([known(one)], [replace(one, home="b")]) == ({}, {}, ["a/u/r1"])


def test_a_run_without_rows_is_gone_and_the_one_before_it_is_read() -> None:
    one, two = head("r1"), head("r2", day=2)
    read, gone, _ = plan_for([known(one), known(two)], [one])
    assert read == {"a/u/r1": "next run"}
    assert list(gone) == ["a/u/r2"]


def test_runs_of_an_area_that_cannot_be_read_stay_as_they_are() -> None:
    one = head("r1")
    assert plan_for([known(one)], [], unreadable="a") == ({}, {}, [])


def test_a_gone_run_is_gone_once() -> None:
    one = head("r1")
    old = known(one, gone=True)
    old = replace(old, gone="its rows are in none of the databases")
    assert plan_for([old], [])[1] == {}


def test_a_run_that_comes_back_is_read() -> None:
    one = head("r1")
    assert plan_for([known(one, gone=True)], [one])[0] == {"a/u/r1": "back"}


def test_a_deleted_run_that_was_never_built_gets_no_page() -> None:
    assert plan_for([], [replace(head("r1"), gone="deleted in Megatest")]) == ({}, {}, [])


def test_a_moved_mark_without_its_copy_gets_a_small_page() -> None:
    moved = replace(head("r1"), moved_to="moved to x")
    assert plan_for([], [moved])[1] == {"a/u/r1": "moved to x"}


def test_rows_as_young_as_the_look_are_not_trusted_next_time() -> None:
    young = replace(head("r1"), newest_update=1000)
    assert known_fingerprint(young, looked_at=1001.0) == RACY + "f"
    assert known_fingerprint(young, looked_at=1003.0) == "f"
