"""Files that JUnit XML names: taken over from below the directory that was given, and no others."""

import hashlib
import os
from pathlib import Path

import pytest

from mtsite.config import AreaConfig
from mtsite.ingest import attached
from mtsite.ingest.attached import MARK
from mtsite.ingest.junit import IngestSummary, JunitOrder, ingest_junit
from mtsite.ingest.place import Target


def ingested(given: Path, root: Path) -> IngestSummary:
    return ingested_all([given], root)


def ingested_all(given: list[Path], root: Path) -> IngestSummary:
    area = AreaConfig(name="ci", path=root / "ci")
    order = JunitOrder(given, area, Target(("linux",), ("os",)), "r1", "me", 1_790_000_000)
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


def test_all_files_of_one_call_have_a_limit_in_number(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(attached, "MOST_IN_ALL", 3)
    (tmp_path / "x").write_text("x")
    items = [item(f"{MARK}x]]", name) for name in ("one", "two", "three", "four", "five")]
    done = ingested(write(tmp_path / "a.xml", *items), tmp_path)
    assert (done.attachments, done.not_attached, done.totals.items) == (3, 2, 5)
    assert done.left_out == [
        f"t.A/{name}: attachment x is beyond the first 3 of all files" for name in ("four", "five")
    ]


def test_all_files_of_one_call_have_a_limit_in_bytes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(attached, "LARGEST_IN_ALL", 10)
    for name, size in (("a", 6), ("b", 5), ("c", 4)):
        (tmp_path / name).write_bytes(bytes(size))
    first = write(tmp_path / "1.xml", item(f"{MARK}a]]", "one"))
    write(tmp_path / "2.xml", item(f"{MARK}b]]{MARK}c]]", "two"))
    done = ingested(first.parent, tmp_path)
    assert {name: len(kept) for name, kept in taken(tmp_path).items()} == {"a": 6, "c": 4}
    assert done.left_out == ["t.A/two: attachment b would be more than 0 GiB of all files"]


@pytest.mark.parametrize("second", ["x", "x/y"])
def test_where_another_lies_already_it_lies_under_a_digest(tmp_path: Path, second: str) -> None:
    for given, name in (("one", "x"), ("two", second)):
        write(tmp_path / given / "a.xml", item(f"{MARK}{name}]]", more="<failure>no</failure>"))
        (tmp_path / given / name).parent.mkdir(exist_ok=True)
        (tmp_path / given / name).write_text(given)
    done = ingested_all([tmp_path / "one", tmp_path / "two"], tmp_path)
    assert (done.attachments, done.left_out) == (2, [])
    name = f"{digest_of(tmp_path / 'two' / second)}-{second[-1]}"
    assert taken(tmp_path) == {"x": b"one", name: b"two"}


def digest_of(path: Path) -> str:
    return hashlib.sha256(bytes(path)).hexdigest()[:16]


def deep(root: Path, length: int) -> Path:
    """A directory below `root` whose path has `length` characters."""
    left = length - len(str(root))
    assert left % 101 != 1, "no name is empty"
    names = ["d" * 100] * (left // 101)
    return root.joinpath(*names, "e" * (left % 101 - 1)) if left % 101 else root.joinpath(*names)


def test_one_whose_path_gets_too_long_lies_under_a_digest(tmp_path: Path) -> None:
    lies = deep(tmp_path, 3900) / "a picture.png"
    lies.parent.mkdir(parents=True)
    lies.write_bytes(b"png")
    (tmp_path / "near").symlink_to(lies)
    (tmp_path / "short").write_bytes(b"x")
    xml = write(tmp_path / "a.xml", item(f"{MARK}near]]{MARK}short]]"), item("fine", "two"))
    done = ingested(xml, tmp_path)
    assert (done.attachments, done.left_out, done.totals.items) == (2, [], 2)
    assert taken(tmp_path) == {f"{digest_of(lies)}-a picture.png": b"png", "short": b"x"}


def test_where_no_name_fits_it_is_left_out_and_the_rest_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "x").write_bytes(b"x")
    xml = write(tmp_path / "a.xml", item(f"{MARK}x]]"), item("fine", "two"))
    monkeypatch.setattr(attached, "DIRECTORY", "d" * 256)
    done = ingested(xml, tmp_path)
    assert (done.attachments, done.totals.items) == (0, 2)
    assert done.left_out == ["t.A/one: attachment x has a path that is too long beside its logs"]
