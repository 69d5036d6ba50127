"""`ingest junit`: a run is there once, whole, or not at all, whatever comes and whoever dies."""

import os
import signal
from pathlib import Path

import pytest
from areas import make_area, run, test
from ingest.junit_files import FILE, NOW, Place
from ingest.junit_files import place as place
from msgspec.structs import replace
from sites import silent

from mtsite.errors import ConflictError, MissingError, RefusedFileError, UsageError
from mtsite.ingest import junit
from mtsite.ingest.junit import JunitOrder, ingest_junit, preview_junit
from mtsite.ingest.place import parse_target


def test_the_same_file_twice_is_once(place: Place) -> None:
    place.ingest(FILE, FILE + "\n")
    before = (place.area.path / "megatest.db").read_bytes()
    again = [place.file(FILE + "\n", "other/name.xml"), place.file(FILE, "x.xml")]
    assert place.ingest(*again).done == "unchanged"
    assert (place.area.path / "megatest.db").read_bytes() == before


def test_a_changed_file_replaces_its_run_only_when_it_is_told_to(place: Place) -> None:
    place.ingest(FILE)
    changed = FILE.replace("1 != 2", "1 != 3")
    with pytest.raises(ConflictError, match="ci/linux/r1 is there, made from other files"):
        place.ingest(changed)
    assert place.tests()["t.A/bad"].comment == "1 != 2"
    assert place.ingest(changed, replace=True).done == "replaced"
    assert place.tests()["t.A/bad"].comment == "1 != 3"
    assert place.logs(place.tests()["t.A/bad"])["failure.log"].startswith("E 1 != 3")
    assert place.directories() == ["r1~2"]
    assert place.ingest(FILE, replace=True).done == "replaced"
    assert place.directories() == ["r1"]


def test_a_run_of_megatest_is_never_replaced(tmp_path: Path) -> None:
    area = make_area(tmp_path, runs=[run("ubuntu/nfs", "w01", tests=[test("t")])])
    file = tmp_path / "a.xml"
    file.write_text(FILE)
    order = JunitOrder([file], area.settings, parse_target("ubuntu/nfs"), "w01", "me", NOW, True)
    with pytest.raises(ConflictError, match="was not ingested"):
        ingest_junit(order, {}, silent)
    assert ingest_junit(replace(order, runname="w02"), {}, silent).done == "new"


def test_a_wrong_file_leaves_nothing(place: Place) -> None:
    place.ingest(FILE)
    before = (place.area.path / "megatest.db").read_bytes()
    with pytest.raises(RefusedFileError, match=r"broken.xml, line 2: "):
        place.ingest(FILE + "\n", place.file("<testsuite>\n<", "broken.xml"), runname="r2")
    assert (place.area.path / "megatest.db").read_bytes() == before
    assert place.directories() == ["r1"]


def test_files_of_a_directory_that_are_something_else_are_passed_over(place: Place) -> None:
    place.file("<coverage/>", "d/coverage.xml")
    place.file(FILE, "d/deep/a.xml")
    place.file("no XML", "d/a.txt")
    done = place.ingest(place.root / "d")
    assert done.files == 1
    assert [told.partition("coverage.xml")[2] for told in done.passed_over] == [
        ", line 1: no JUnit XML: it begins with <coverage>"
    ]


def test_broken_files_are_left_out_and_listed_when_the_rest_shall_go_on(place: Place) -> None:
    place.file("<testsuite>", "d/b.xml")
    place.file(FILE, "d/a.xml")
    done = place.ingest(place.root / "d", keep_going=True)
    assert (done.files, len(done.refused)) == (1, 1)
    with pytest.raises(MissingError, match="none of these"):
        place.ingest(place.root / "d/b.xml", keep_going=True, runname="r3")


def test_a_preview_says_the_same_and_writes_nothing(place: Place) -> None:
    path = place.file(FILE)
    seen = preview_junit(place.order(path), {}, silent)
    assert seen.made_area
    assert not place.area.path.exists()
    assert place.ingest(path) == seen
    assert preview_junit(place.order(path), {}, silent).done == "unchanged"
    other = place.file(FILE.replace("2", "7"))
    with pytest.raises(ConflictError):
        preview_junit(place.order(other), {}, silent)
    assert preview_junit(place.order(other, replace=True), {}, silent).done == "replaced"
    assert place.ingest(path).done == "unchanged"


def test_a_preview_passes_over_what_the_ingest_passes_over(place: Place) -> None:
    place.file("<coverage/>", "d/coverage.xml")
    place.file(FILE, "d/a.xml")
    seen = preview_junit(place.order(place.root / "d"), {}, silent)
    assert place.ingest(place.root / "d") == seen
    assert preview_junit(place.order(place.root / "d"), {}, silent).done == "unchanged"


def test_a_file_that_is_named_twice_in_one_call_is_read_once(place: Place) -> None:
    path = place.file(FILE, "d/a.xml")
    assert place.ingest(path.parent, path, path.parent / "../d/a.xml").totals.items == 4


def test_an_interrupt_after_the_commit_leaves_the_logs_of_the_new_run(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(_: object) -> list[Path]:
        raise KeyboardInterrupt

    place.ingest(FILE)
    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(junit.RunOutputs, "others", interrupt)
        place.ingest(FILE.replace("1 != 2", "1 != 3"), replace=True)
    assert place.logs(place.tests()["t.A/bad"])["failure.log"].startswith("E 1 != 3")


@pytest.mark.parametrize(
    ("target", "told"),
    [
        ("a/b", "has 2 values"),
        ("py=3", "has other keys: os"),
        ("os=1/x", "name all keys"),
        ("", "empty"),
    ],
)
def test_a_target_of_other_keys_is_refused(place: Place, target: str, told: str) -> None:
    place.ingest(FILE)
    with pytest.raises(UsageError, match=told):
        place.ingest(FILE, target=parse_target(target))


def test_a_directory_of_something_else_does_not_become_an_area(place: Place) -> None:
    place.file("x", "ci/README")
    with pytest.raises(UsageError, match="is no Megatest area"):
        place.ingest(FILE)
    assert [path.name for path in place.area.path.iterdir()] == ["README"]


@pytest.mark.parametrize("moment", ["reading", "written", "committed"])
@pytest.mark.faults
def test_killed_anywhere_the_run_is_there_whole_or_as_it_was(place: Place, moment: str) -> None:
    place.ingest(FILE)
    before = place.tests()
    changed = FILE.replace("1 != 2", "1 != 3")
    paths = [place.file(changed), place.file(changed.replace("t.A", "t.C"))]
    child = os.fork()
    if child == 0:
        _die(moment, place, paths)
    assert os.waitpid(child, 0)[1] == signal.SIGKILL
    after = place.tests()
    assert after == before or moment == "committed"
    assert place.logs(after["t.A/bad"])["failure.log"].startswith(f"E {after['t.A/bad'].comment}")
    done = place.ingest(*paths, replace=True).done
    assert done == ("unchanged" if moment == "committed" else "replaced")
    outputs = place.area.path / "lt/linux"
    assert len([*outputs.glob("r1*")]) == 1, "what the death left is gone"
    assert place.tests()["t.C/bad"].comment == "1 != 3"


def _die(moment: str, place: Place, paths: list[Path]) -> None:
    def kill(*_: object) -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    if moment == "written":
        junit.NewRun.add_attributes = kill  # type: ignore[method-assign, assignment]
    if moment == "committed":
        junit.RunOutputs.others = kill  # type: ignore[method-assign, assignment]

    def progress(_what: str, done: int, _total: int) -> None:
        if moment == "reading" and done == 1:
            kill()

    ingest_junit(place.order(*paths, replace=True), {}, progress)
    os._exit(0)
