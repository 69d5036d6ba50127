"""Files that JUnit XML names: taken over from below the directory that was given, and no others."""

import os
from pathlib import Path

import pytest

from mtsite.config import AreaConfig
from mtsite.ingest.attached import MARK
from mtsite.ingest.junit import IngestSummary, JunitOrder, ingest_junit
from mtsite.ingest.place import Target


def ingested(given: Path, root: Path) -> IngestSummary:
    area = AreaConfig(name="ci", path=root / "ci")
    order = JunitOrder([given], area, Target(("linux",), ("os",)), "r1", "me", 1_790_000_000)
    return ingest_junit(order, {}, lambda *_: None)


def item(output: str, name: str = "one", more: str = "") -> str:
    text = f"<system-out>{output}</system-out>" if output else ""
    return f'<testcase classname="t.A" name="{name}">{more}{text}</testcase>'


def write(path: Path, *items: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f'<testsuite name="s">{"".join(items)}</testsuite>', encoding="utf-8")
    return path


def taken(root: Path) -> dict[str, bytes]:
    """Path below `attachments/` → content, of all items."""
    found = (path for path in (root / "ci").rglob("attachments/**/*") if path.is_file())
    return {str(path).partition("/attachments/")[2]: path.read_bytes() for path in found}


def test_a_file_that_the_output_names_is_taken_over(tmp_path: Path) -> None:
    xml = write(tmp_path / "out/a.xml", item(f"before\n{MARK}shots/x.png]] {MARK}shots/x.png]]"))
    (tmp_path / "out/shots").mkdir()
    (tmp_path / "out/shots/x.png").write_bytes(b"png")
    done = ingested(xml, tmp_path)
    assert (done.attachments, done.left_out) == (1, [])
    assert taken(tmp_path) == {"shots/x.png": b"png"}
    assert list((tmp_path / "ci").rglob("t.A/one/system-out.log"))


def test_a_property_may_name_one_and_the_path_may_be_whole(tmp_path: Path) -> None:
    told = f'<properties><property name="attachment" value="{tmp_path}/out/x.txt"/></properties>'
    xml = write(tmp_path / "out/a.xml", item("", more=told))
    (tmp_path / "out/x.txt").write_text("x")
    assert ingested(xml, tmp_path).attachments == 1
    assert taken(tmp_path) == {"x.txt": b"x"}


def test_it_is_found_in_an_output_that_waits_on_disk(tmp_path: Path) -> None:
    long = "ordinary line\n" * 200_000
    xml = write(tmp_path / "a.xml", item(f"{long}{MARK}x.txt]]\n{long}"))
    (tmp_path / "x.txt").write_text("x")
    assert ingested(xml, tmp_path).attachments == 1


@pytest.mark.parametrize("name", ["../secret", "/etc/hostname", "link", "away/secret"])
def test_nothing_outside_of_the_given_directory_is_taken(tmp_path: Path, name: str) -> None:
    (tmp_path / "secret").write_text("secret")
    xml = write(tmp_path / "out/a.xml", item(f"{MARK}{name}]]"))
    (tmp_path / "out/link").symlink_to("/etc/hostname")
    (tmp_path / "out/away").symlink_to(tmp_path)
    done = ingested(xml, tmp_path)
    assert (done.attachments, done.not_attached, taken(tmp_path)) == (0, 1, {})
    assert done.left_out == [f"t.A/one: attachment {name} lies outside of {tmp_path}/out"]


def test_a_directory_that_is_given_is_the_border_for_all_files_in_it(tmp_path: Path) -> None:
    write(tmp_path / "out/xml/a.xml", item(f"{MARK}../shots/x.png]]"))
    (tmp_path / "out/shots").mkdir()
    (tmp_path / "out/shots/x.png").write_bytes(b"png")
    assert ingested(tmp_path / "out", tmp_path).attachments == 1


def test_pipes_directories_and_what_is_missing_are_told(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "dir").mkdir()
    names = "".join(f"{MARK}{name}]]\n" for name in ("pipe", "dir", "none", "n" * 400))
    done = ingested(write(tmp_path / "a.xml", item(names)), tmp_path)
    assert [told.removeprefix("t.A/one: attachment ") for told in done.left_out] == [
        "pipe is no regular file",
        "dir is no regular file",
        "none can't be read: No such file or directory",
        f"{'n' * 400} can't be read: File name too long",
    ]


def test_of_very_many_the_first_are_taken(tmp_path: Path) -> None:
    (tmp_path / "x").write_text("x")
    names = "".join(f"{MARK}{'./' * n}x]]\n" for n in range(180))
    done = ingested(write(tmp_path / "a.xml", item(names)), tmp_path)
    assert (done.attachments, done.not_attached, len(done.left_out)) == (100, 80, 50)
