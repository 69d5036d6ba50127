"""Areas are listed again when what they say or hold has moved, and for nothing else."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest
from areas import TestArea, make_area, run, test

from mtsite.build.listing import SiteListing, list_site
from mtsite.build.masked import redactor_of
from mtsite.config import AreaConfig, RedactConfig
from mtsite.manifest import Manifest
from mtsite.megatest import merge


class Listed:
    """One area, listed with a state directory of its own; `looked` counts the real looks."""

    def __init__(self, root: Path, patch: pytest.MonkeyPatch) -> None:
        self.area: TestArea = make_area(root, runs=[run("ubuntu/nfs", "w1", [test("t")])])
        self.settings = AreaConfig(name="fullrun", path=self.area.path)
        self.state = root / "state"
        self.looked = 0
        whole = merge.look_at

        def look(settings: AreaConfig, environ: Mapping[str, str]) -> merge.AreaRuns:
            self.looked += 1
            return whole(settings, environ)

        patch.setattr(merge, "look_at", look)

    def add(self, text: str) -> None:
        with (self.area.path / "megatest.config").open("a", encoding="utf-8") as file:
            file.write(f"\n{text}\n")

    def list(self, **environ: str) -> tuple[SiteListing, bool]:
        """What is listed, and whether the databases were asked for it."""
        before = self.looked
        with Manifest.open(self.state) as manifest:
            found = list_site([self.settings], environ, manifest, redactor_of(RedactConfig()))
            manifest.commit()
        return found, self.looked > before


@pytest.fixture
def listed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Listed:
    return Listed(tmp_path, monkeypatch)


def test_what_no_value_hangs_on_lists_nothing_again(listed: Listed) -> None:
    listed.add("[setup]\nfree_space_script #{getenv SCRIPT}")
    first, asked = listed.list(INVOCATION_ID="1", SCRIPT="x")
    assert asked
    again, asked = listed.list(INVOCATION_ID="2", JOURNAL_STREAM="8:1", SCRIPT="x")
    assert not asked
    assert again == first


@pytest.mark.parametrize(
    "text",
    [
        "[setup]\nlinktree #{getenv BASE}/lt",
        "[env-override]\nHERE $BASE/x\n[setup]\nlinktree #{getenv HERE}",
        '[setup]\nlinktree #{scheme (conc (get-environment-variable "BASE") "/lt")}',
        "[include #{getenv BASE}]",
    ],
    ids=["getenv", "through env-override", "scheme", "include"],
)
def test_a_variable_that_a_value_hangs_on_lists_the_area_again(listed: Listed, text: str) -> None:
    listed.add(text)
    assert [listed.list(BASE=value)[1] for value in "aab"] == [True, False, True]


@pytest.mark.parametrize("name", ["MT_LINKTREE", "MT_TESTSUITE_NAME"])
def test_so_does_one_that_megatest_itself_looks_at(listed: Listed, name: str) -> None:
    assert [listed.list(**{name: value})[1] for value in ("/a", "/a", "/b")] == [True, False, True]


def test_a_command_is_run_by_each_build_and_only_what_it_prints_counts(
    listed: Listed, tmp_path: Path
) -> None:
    listed.settings = replace(listed.settings, run_configured_commands=True)
    told = tmp_path / "told"
    told.write_text("a")
    listed.add(f"[setup]\nlinktree /links/#{{shell cat {told}}}\nsuite [system echo ok]")
    assert listed.list(NIGHT="1")[1]
    told.touch()
    assert not listed.list(NIGHT="2")[1]
    told.write_text("b")
    found, asked = listed.list(NIGHT="2")
    assert asked
    assert found.places["fullrun"].linktree == Path("/links/b")


def test_a_file_that_was_missing_lists_the_area_again_when_it_comes(listed: Listed) -> None:
    listed.add("[include more.config]")
    assert [listed.list()[1] for _ in range(2)] == [True, False]
    (listed.area.path / "more.config").write_text("[setup]\nx y\n")
    assert [listed.list()[1] for _ in range(2)] == [True, False]


def test_a_new_run_lists_the_area_again(listed: Listed) -> None:
    assert [listed.list()[1] for _ in range(2)] == [True, False]
    listed.area.add_run(run("ubuntu/nfs", "w2", [test("t")]))
    found, asked = listed.list()
    assert asked and len(found.heads) == 2


def test_no_value_of_the_environment_is_kept_on_disk(listed: Listed) -> None:
    listed.add("[setup]\nx #{getenv ASKED}")
    listed.add("[env-override]\nTOKEN $SECRET")
    listed.list(SECRET="hunter2", OTHER="hunter3", ASKED="plain")
    kept = b"".join(path.read_bytes() for path in listed.state.rglob("*") if path.is_file())
    assert b"plain" in kept
    assert b"hunter" not in kept
