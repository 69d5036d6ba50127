"""What the attributes of a run say of its revision, its push and its builds."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mtsite.provenance import NOTHING, Artifact, Build, Push, provenance_of

HEX = "27E624" + "0" * 34
SHA = "sha256:" + "ab" * 32


def test_a_run_names_its_repository_revision_push_and_build() -> None:
    found = provenance_of(
        [
            ("repository", "team/chip"),
            ("revision", HEX),
            ("push", "117"),
            ("build", "b31"),
            ("build.url", "https://ci.example/b31"),
            ("build.artifact.sim.tar.gz", f"{SHA} 1234 https://files.example/sim.tar.gz"),
            ("owner", "ann"),
        ]
    )
    files = (Artifact("sim.tar.gz", "https://files.example/sim.tar.gz", SHA, 1234),)
    assert (found.repository, found.revision, found.push) == ("team/chip", HEX.lower(), "117")
    assert found.builds == (Build("b31", "https://ci.example/b31", files),)


@pytest.mark.parametrize(
    ("name", "value"),
    [("commit", "r9"), ("REVISION", "r9"), ("changeset", " r9 "), ("Commit", "r9")],
)
def test_other_names_for_a_revision(name: str, value: str) -> None:
    assert provenance_of([(name, value)]).revision == "r9"


def test_names_as_environments_have_them() -> None:
    told = [("BUILD_ID", "7"), ("BUILD_URL", "https://x.example"), ("build_artifact_a", "12")]
    (build,) = provenance_of(told).builds
    assert build == Build("7", "https://x.example", (Artifact("a", size_bytes=12),))


def test_what_is_no_address_digest_or_size_is_kept_as_it_is() -> None:
    told = [("build", "b"), ("build.artifact.a", "javascript:alert(1) nightly 9 10")]
    (build,) = provenance_of(told).builds
    assert build.artifacts == (Artifact("a", size_bytes=9, said="javascript:alert(1) nightly 10"),)


def test_builds_and_pushes_as_objects_tell_them() -> None:
    found = provenance_of(
        [
            ("repository", "hg"),
            ("revision", HEX),
            ("build b: 1: kind", "build"),
            ("build b: 1: id", "b: 1"),
            ("build b: 1: url", "https://ci.example"),
            ("build b: 1: artifacts[0].name", "a.zip"),
            ("build b: 1: artifacts[0].digest", SHA),
            ("build b: 1: artifacts[1]", "https://files.example/b"),
            ("push: author", "bo"),
            ("push: time", "1790000000"),
            ("push: commits[0].revision", HEX),
            ("push: commits[0].message", "Fix it"),
        ]
    )
    files = (Artifact("a.zip", digest=SHA), Artifact("1", "https://files.example/b"))
    assert found.builds == (Build("b: 1", "https://ci.example", files),)
    assert isinstance(found.said, Push)
    assert (found.said.author, found.said.time) == ("bo", 1_790_000_000)
    assert [one.message for one in found.said.commits] == ["Fix it"]


def test_names_of_great_length_name_nothing() -> None:
    assert provenance_of([("build", "b" * 301), ("revision", "r" * 301)]) == NOTHING


@given(st.lists(st.tuples(st.text(max_size=30), st.text(max_size=60)), max_size=8))
def test_no_attribute_breaks_it(attributes: list[tuple[str, str]]) -> None:
    known = [("build x: id", "x"), ("push: time", "inf"), ("revision", "r")]
    found = provenance_of([*attributes, *known])
    assert found.named
