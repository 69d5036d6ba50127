"""A publish after a small change looks at what changed, and does what a whole comparison would."""

import hashlib
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from publishing import DAY, NOW, Publishing, small_site

from mtsite import treefiles
from mtsite.manifest import Manifest, Page

PATHS = ["index.html", "a/index.html", "a/t/w00/index.html", "b/index.html", "_blobs/ab/x.log"]
TREES = st.dictionaries(st.sampled_from(PATHS), st.sampled_from([b"1", b"2", b"3"]))


@settings(max_examples=15, deadline=None)
@given(st.lists(st.tuples(TREES, st.integers(0, 9)), min_size=1, max_size=6))
def test_small_steps_end_where_whole_comparisons_do(
    steps: list[tuple[Mapping[str, bytes], int]],
) -> None:
    with TemporaryDirectory() as directory:
        root = Path(directory)
        quick = Publishing(root / "quick", str(root / "www-quick"))
        whole = Publishing(root / "whole", str(root / "www-whole"))
        whole.changed_since = lambda _: None  # type: ignore[method-assign]
        for each in (quick, whole):
            each.destination.flush = lambda: None  # type: ignore[method-assign] # disks are slow
        now = NOW
        for tree, days in steps:
            now += days * DAY
            told = []
            for each in (quick, whole):
                each.build({"index.html": b"0", "a/x.html": b"0", "b/x.html": b"0"} | dict(tree))
                summary = each.publish(now=now, dropped_areas=())
                told.append(replace(summary, destination="", requests=summary.requests))
            assert told[0] == told[1]
            assert quick.stored() == whole.stored()
        quick.close()
        whole.close()


def test_the_whole_tree_is_not_looked_at_after_a_change(tmp_path: Path) -> None:
    one = Publishing(tmp_path / "one", str(tmp_path / "www"))
    one.build(small_site())
    one.publish()
    walks = one.walks
    one.build(one.tree | {"a/t/index.html": b"changed"})
    summary = one.publish()
    assert (summary.changed, summary.unchanged) == (1, len(one.tree) - 1)
    assert one.walks == walks
    assert one.stored() == one.tree
    one.close()


def page(path: str, content: bytes = b"x") -> Page:
    return Page(path, hashlib.sha256(content).hexdigest(), len(content), "", "o")


def test_the_manifest_tells_what_changed_since_a_revision(tmp_path: Path) -> None:
    with Manifest.open(tmp_path) as one:
        one.note_pages([page("a/1.html"), page("a/2.html")])
        before = one.revision()
        assert one.changed_since(before) == []
        one.note_pages([page("b/3.html")])
        one.forget_pages(["a/1.html"])
        one.note_blobs([("_blobs/ab/x.log", "d", 1)])
        assert one.changed_since(before) == ["_blobs/ab/x.log", "a/1.html", "b/3.html"]
        assert [f[0] for f in one.files(["a/1.html", "a/2.html"])] == ["a/2.html"]
        assert one.areas() == ["a", "b"]


def test_a_manifest_made_again_can_not_tell(tmp_path: Path) -> None:
    with Manifest.open(tmp_path) as one:
        one.note_pages([page("a/1.html")])
        before = one.revision()
        one.clear()
        one.note_pages([page("a/1.html")])
        assert one.changed_since(before) is None


def test_too_much_change_is_not_remembered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(treefiles, "MOST_CHANGES", 5)
    with Manifest.open(tmp_path) as one:
        one.note_pages([page("a/1.html")])
        before = one.revision()
        for number in range(9):
            one.note_pages([page(f"a/{number}.html", b"%d" % number)])
        assert one.changed_since(before) is None
        after = one.revision()
        one.note_pages([page("z/1.html")])
        assert one.changed_since(after) == ["z/1.html"]


@given(st.sets(st.text("ab.-_/0~", min_size=1, max_size=8), max_size=12))
@settings(deadline=None, max_examples=25)
def test_areas_are_the_first_segments(paths: set[str]) -> None:
    good = {path for path in paths if "//" not in path and not path.startswith("/")}
    with TemporaryDirectory() as directory, Manifest.open(Path(directory)) as one:
        one.note_pages([page(path) for path in sorted(good)])
        tops = {path.partition("/")[0] for path in good if "/" in path}
        in_order = sorted(tops, key=lambda top: f"{top}/")
        assert one.areas() == [top for top in in_order if not top.startswith("_")]
