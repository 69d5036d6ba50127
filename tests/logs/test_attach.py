"""From a file of a run directory to what is stored of it: by content, masked, within the cap."""

import errno
import gzip
import json
import os
from pathlib import Path

import drawn
import pytest

from mtsite import atomicfile
from mtsite.attachment import CSV, FILE, IMAGE, JSON, LEFT_OUT, PAGE, TEXT, Attachment
from mtsite.logs.attach import AttachmentTaker
from mtsite.logs.redact import make_redactor

SCRIPT = b"<script>alert(1)</script>"


def taken(tmp_path: Path, name: str, content: bytes, cap: int = 1 << 20, **how: bool) -> Attachment:
    path = tmp_path / "file"
    path.write_bytes(content)
    redactor = make_redactor(["default"], report=how.get("report", False))
    return AttachmentTaker(tmp_path / "site", redactor, cap).take(name, path)


def stored(tmp_path: Path, one: Attachment) -> bytes:
    return (tmp_path / "site" / one.blob).read_bytes()


@pytest.mark.parametrize(
    ("name", "content", "kind", "suffix"),
    [
        ("shot.png", drawn.png(), IMAGE, ".png"),
        ("shot.html", drawn.png(tail=SCRIPT), IMAGE, ".png"),
        ("shot.png", b"<!DOCTYPE html>" + SCRIPT, PAGE, ".txt"),
        ("shot.png", b"<svg xmlns='x'>" + SCRIPT + b"</svg>", PAGE, ".txt"),
        ("shot.svg", b"<?xml version='1.0'?>\n<svg>" + SCRIPT + b"</svg>", PAGE, ".txt"),
        ("a.js", b"alert(1)\n", TEXT, ".txt"),
        ("a.json", b'{"a": [1, 2]}', JSON, ".txt"),
        ("a.json", b'{"a": [1, 2}', TEXT, ".txt"),
        ("a.csv", b"name,value\nx,1\n", CSV, ".txt"),
        ("a.csv", b"only one column\n", TEXT, ".txt"),
        ("a.csv", b"a\0b,\0", FILE, ".bin"),
        ("a.pdf", b"%PDF-1.7\n1 0 obj << /JS (app.alert) >>\n", FILE, ".bin"),
        ("a.txt", b"PK\x03\x04 zipped", FILE, ".bin"),
        ("empty.txt", b"", TEXT, ".txt"),
    ],
)
def test_what_it_is_is_told_by_its_content(
    tmp_path: Path, name: str, content: bytes, kind: str, suffix: str
) -> None:
    one = taken(tmp_path, name, content)
    assert (one.kind, Path(one.blob).suffix, one.note) == (kind, suffix, "")
    assert one.size == len(stored(tmp_path, one))


def test_secrets_of_a_text_are_masked_and_counted(tmp_path: Path) -> None:
    one = taken(tmp_path, "a.csv", b"key,value\nx,password=hunter2\n")
    assert b"hunter2" not in stored(tmp_path, one)
    assert (one.redacted, one.lines, one.reported) == ({"password": 1}, 2, False)


def test_a_secret_in_utf_16_is_masked_too(tmp_path: Path) -> None:
    one = taken(tmp_path, "a.txt", "\ufeffpassword=hunter2\r\nend".encode("utf-16-le"))
    assert b"hunter2" not in stored(tmp_path, one)
    assert (one.kind, one.lines) == (TEXT, 2)
    assert "UTF-16" in one.note


@pytest.mark.parametrize("pack", [lambda content: content, gzip.compress])
def test_a_file_that_cannot_be_masked_and_holds_a_secret_is_left_out(
    tmp_path: Path, pack: object
) -> None:
    one = taken(tmp_path, "a.db", pack(b"SQLite\0\0\0 password=hunter2 \0"))  # type: ignore[operator]
    assert (one.kind, one.blob) == (LEFT_OUT, "")
    assert one.note == "holds a secret that can't be masked in it"
    assert not list((tmp_path / "site").rglob("*.*"))


def test_where_secrets_are_only_reported_such_a_file_is_stored(tmp_path: Path) -> None:
    one = taken(tmp_path, "a.db", b"SQLite\0\0\0 password=hunter2 \0", report=True)
    assert (one.kind, one.reported, one.redacted) == (FILE, True, {"password": 1})


def test_a_packed_text_is_unpacked_and_masked(tmp_path: Path) -> None:
    one = taken(tmp_path, "a.csv.gz", gzip.compress(b"a,b\npassword=hunter2,1\n"))
    assert (one.kind, one.redacted) == (CSV, {"password": 1})
    assert stored(tmp_path, one).startswith(b"a,b\n")


def test_a_bomb_of_packed_text_is_left_out(tmp_path: Path) -> None:
    one = taken(tmp_path, "a.txt.gz", gzip.compress(b"bomb\n" * 1_000_000), cap=100_000)
    assert (one.kind, one.note) == (LEFT_OUT, "unpacked it is over max_bytes, 100000B")


def test_a_file_over_the_cap_is_left_out_with_its_size(tmp_path: Path) -> None:
    one = taken(tmp_path, "a.txt", b"x" * 2000, cap=1024)
    assert (one.kind, one.source_size) == (LEFT_OUT, 2000)
    assert one.note == "is over max_bytes, 1KiB"


def test_a_bomb_of_pixels_is_stored_and_said_to_be_one(tmp_path: Path) -> None:
    one = taken(tmp_path, "a.png", drawn.png(50_000, 50_000))
    assert (one.kind, one.huge, one.width) == (IMAGE, True, 50_000)


def test_a_broken_picture_is_left_out(tmp_path: Path) -> None:
    one = taken(tmp_path, "a.png", drawn.png()[:20])
    assert one.note == "is no PNG that can be shown: its header can't be read"


def test_pipes_links_and_what_is_gone_are_left_out_at_once(tmp_path: Path) -> None:
    taker = AttachmentTaker(tmp_path / "site", make_redactor(["default"]), 1000)
    pipe, link = tmp_path / "pipe", tmp_path / "link"
    os.mkfifo(pipe)
    link.symlink_to("/etc/hostname")
    notes = [taker.take("a", path).note for path in (pipe, link, tmp_path / "none", tmp_path)]
    assert notes == [
        "is a named pipe, not a regular file",
        "it is a symbolic link",
        "it is gone",
        "is a directory, not a regular file",
    ]


def test_a_file_that_grows_while_it_is_read_ends_at_the_cap(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = os.read

    def growing(descriptor: int, size: int) -> bytes:
        with (tmp_path / "file").open("ab") as file:
            file.write(b"more\n" * 100)
        return read(descriptor, min(size, 300))

    monkeypatch.setattr(os, "read", growing)
    one = taken(tmp_path, "a.txt", b"begun\n", cap=1000)
    assert one.note == "grew while it was read, and is over max_bytes, 1000B"


def test_equal_files_are_one_blob_and_nothing_else_lies_there(tmp_path: Path) -> None:
    first = taken(tmp_path, "a.json", json.dumps([1]).encode())
    again = taken(tmp_path, "b/c.json", json.dumps([1]).encode())
    assert first.blob == again.blob
    assert [path.name for path in (tmp_path / "site").rglob("*.*")] == [Path(first.blob).name]


def test_a_secret_behind_packed_data_is_seen(tmp_path: Path) -> None:
    content = gzip.compress(b"binary \0\0\0") + b" password=hunter2 "
    assert taken(tmp_path, "a.gz", content).kind == LEFT_OUT


def test_no_room_for_the_copy_is_not_said_of_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(path: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(atomicfile, "draft", full)
    with pytest.raises(OSError, match="No space left"):
        taken(tmp_path, "a.txt", b"text")
