import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mtsite.publish.ledger import UNKNOWN, Published
from mtsite.publish.plan import PublishPlan, TreeFile, plan_upload

A, B, C = "a" * 64, "b" * 64, "c" * 64


def tree(**files: str) -> list[TreeFile]:
    return [TreeFile(path, digest, 1) for path, digest in sorted(files.items())]


def plan(
    files: list[TreeFile], published: list[Published], sent: dict[str, str] | None = None
) -> PublishPlan:
    return plan_upload(files, published, sent or {}, due_before=1000)


def paths(files: tuple[TreeFile, ...]) -> list[str]:
    return [file.path for file in files]


def test_what_is_published_and_ours_is_unchanged() -> None:
    made = plan(tree(x=A), [Published("x", A, 0, A)])
    assert made.unchanged == 1
    assert not made.needs_generation
    assert not made.adopted


def test_what_lies_there_already_is_adopted_not_sent() -> None:
    made = plan(tree(x=A), [Published("x", A, 0, "")])
    assert paths(made.adopted) == ["x"]
    assert not made.needs_generation


def test_a_new_file_is_new_a_changed_one_changed() -> None:
    made = plan(tree(x=A, y=B), [Published("y", A, 0, A)])
    assert (paths(made.new), paths(made.changed)) == (["x"], ["y"])


def test_a_file_that_we_published_and_lost_is_dropped() -> None:
    assert plan([], [Published("x", A, 0, A)]).dropped == ("x",)


def test_a_file_of_another_publisher_is_left_alone() -> None:
    made = plan([], [Published("x", A, 0, ""), Published("y", B, 0, A)])
    assert not made.needs_generation


def test_another_publishers_change_is_kept_where_we_changed_nothing() -> None:
    made = plan(tree(x=A), [Published("x", B, 0, A)])
    assert (made.kept, made.needs_generation) == (1, False)


def test_our_change_wins_over_another_publishers() -> None:
    assert paths(plan(tree(x=C), [Published("x", B, 0, A)]).changed) == ["x"]


def test_what_another_publisher_dropped_and_we_hold_comes_back() -> None:
    assert paths(plan(tree(x=A), [Published("x", "", 5000, A)]).changed) == ["x"]
    assert paths(plan(tree(x=A), [Published("x", "", 0, A)]).new) == ["x"]


def test_what_a_killed_publish_sent_is_not_sent_again() -> None:
    made = plan(tree(x=A, y=B), [Published("y", A, 0, A)], {"x": A, "y": B})
    assert (paths(made.resumed), made.uploads) == (["x", "y"], ())


def test_what_may_be_half_sent_is_sent_again() -> None:
    made = plan(tree(x=A), [Published("x", A, 0, A)], {"x": UNKNOWN})
    assert paths(made.changed) == ["x"]


def test_a_file_that_was_overwritten_and_changed_back_is_sent() -> None:
    assert paths(plan(tree(x=A), [Published("x", A, 0, A)], {"x": B}).changed) == ["x"]


def test_what_a_killed_publish_sent_and_nobody_wants_is_stray() -> None:
    assert plan(tree(x=A), [Published("x", A, 0, A)], {"y": B}).stray == ("y",)


def test_only_what_was_long_unreferenced_is_due() -> None:
    rows = [Published("a", "", 1000, ""), Published("b", "", 1001, ""), Published("c", "", 0, "")]
    assert [row.path for row in plan([], rows).due] == ["a"]


def test_a_dropped_area_goes_whoever_published_it() -> None:
    rows = [Published("a/x", A, 0, ""), Published("ab/x", A, 0, "")]
    made = plan_upload([], rows, {}, due_before=0, dropped_areas=["a"])
    assert made.dropped == ("a/x",)


def test_areas_are_the_directories_at_the_top() -> None:
    files = tree(**{"b/x": A, "a/x": A, "_blobs/x": A, "index.html": A})
    assert plan(files, []).areas == ("a", "b")


def test_volatile_files_are_outside() -> None:
    files = tree(**{"_status.json": A, "_status.js": A, "_jobs/x/y.html": A, "_statusx": A})
    assert paths(plan(files, []).uploads) == ["_statusx"]


def test_changed_files_go_deepest_first_and_the_front_page_last() -> None:
    order = [
        "a/t/run/test/index.html",
        "a/t/run/index.json",
        "a/t/run/index.html",
        "a/t/last.html",
        "a/t/index.html",
        "a/index.html",
        "robots.txt",
        "404.html",
        "index.html",
    ]
    rows = [Published(path, B, 0, B) for path in sorted(order)]
    made = plan([TreeFile(path, A, 1) for path in sorted(order)], rows)
    assert paths(made.changed) == order


def test_a_first_publish_sends_the_front_page_last() -> None:
    made = plan(tree(**{"index.html": A, "404.html": A, "a/index.html": A, "zzz": A}), [])
    assert paths(made.uploads)[-2:] == ["404.html", "index.html"]
    assert [len(phase) for phase in made.phases()] == [2, 1, 1]


NAMES = st.sampled_from([f"{d}{n}" for d in ("", "a/", "a/b/") for n in ("index.html", "x", "y")])
FILES = st.dictionaries(NAMES, st.sampled_from([A, B, C]))


@given(FILES, FILES, FILES, FILES)
@settings(max_examples=200)
def test_no_file_is_judged_twice_or_forgotten(
    wanted: dict[str, str], there: dict[str, str], base: dict[str, str], sent: dict[str, str]
) -> None:
    rows = [
        Published(path, there.get(path, ""), 0, base.get(path, ""))
        for path in sorted(there.keys() | base.keys())
    ]
    made = plan(tree(**wanted), rows, sent)
    judged = [*paths(made.uploads), *paths(made.resumed)]
    assert len(judged) == len(set(judged))
    assert len(judged) + made.kept + made.unchanged == len(wanted)
    for path, digest in wanted.items():
        lies = sent.get(path, there.get(path))
        assert (path in paths(made.uploads)) == (
            lies != digest and not (path not in sent and lies and base.get(path) == digest)
        )


@given(FILES, FILES)
@settings(max_examples=50)
def test_phases_hold_every_upload_once_in_order(
    wanted: dict[str, str], there: dict[str, str]
) -> None:
    rows = [Published(path, digest, 0, digest) for path, digest in sorted(there.items())]
    made = plan(tree(**wanted), rows)
    assert tuple(file for phase in made.phases() for file in phase) == made.uploads


@pytest.mark.parametrize("path", ["_manifest/root.json", "_manifest/ab/x.jsonl.gz"])
def test_the_tree_can_not_bring_a_manifest(path: str) -> None:
    assert not plan([TreeFile(path, A, 1)], []).needs_generation
