import hashlib
from pathlib import Path

import pytest

from mtsite.logs.redact import make_redactor
from mtsite.logs.take import blob_extension, take_log

REDACTOR = make_redactor(["default"])
CAP = 1 << 20


def test_a_log_is_taken_redacted_digested_and_scanned(tmp_path: Path) -> None:
    log = tmp_path / "build.log"
    log.write_bytes(b"password=hunter2\nx.c:1: error: password=hunter2\nb\xff\n")
    record, content, digest = take_log(
        "logs/build.log", log, "step", redactor=REDACTOR, cap_bytes=CAP
    )
    assert b"hunter2" not in content
    assert digest == hashlib.sha256(content).hexdigest()
    assert record.blob == f"_blobs/{digest[:2]}/{digest}.log"
    assert (record.name, record.kind, record.note) == ("logs/build.log", "step", "")
    assert (record.size, record.source_size) == (len(content), log.stat().st_size)
    assert record.source_mtime_ns == log.stat().st_mtime_ns
    assert (record.lines, record.broken_bytes, record.redacted) == (3, 1, {"password": 2})
    assert record.finding_count == len(record.findings) == 1
    assert "hunter2" not in record.findings[0].excerpt


def test_the_same_log_twice_is_one_blob(tmp_path: Path) -> None:
    log = tmp_path / "a.log"
    log.write_bytes(b"x\n")
    one, other = (take_log("a.log", log, "file", redactor=REDACTOR, cap_bytes=CAP) for _ in "ab")
    assert one == other


def test_what_cannot_be_read_is_a_record_with_a_note(tmp_path: Path) -> None:
    record, content, digest = take_log("a", tmp_path, "final", redactor=REDACTOR, cap_bytes=CAP)
    assert (record.blob, content, digest, record.lines) == ("", b"", "", 0)
    assert "a directory" in record.note


def test_a_log_over_the_cap_is_stored_cut_and_says_so(tmp_path: Path) -> None:
    log = tmp_path / "a.log"
    log.write_bytes(b"line\n" * 100)
    record, content, _ = take_log("a.log", log, "file", redactor=REDACTOR, cap_bytes=52)
    assert content == b"line\n" * 10
    assert (record.size, record.source_size, record.lines) == (50, 500, 10)
    assert record.note == "cut: the first 50 of 500 bytes are kept"


def test_an_empty_log_is_stored(tmp_path: Path) -> None:
    log = tmp_path / "a.log"
    log.touch()
    record, content, digest = take_log("a.log", log, "file", redactor=REDACTOR, cap_bytes=CAP)
    assert (record.blob.endswith(f"{digest}.log"), content, record.lines) == (True, b"", 0)


@pytest.mark.parametrize(
    ("name", "extension"),
    [
        *[
            ("a.log", "log"),
            ("A.LOG", "log"),
            ("a.txt", "txt"),
            ("a.html", "txt"),
            ("a.svg", "txt"),
        ],
        *[("a.js", "txt"), ("a", "txt"), ("a.log.html", "txt"), ("log", "txt")],
    ],
)
def test_a_blob_is_never_anything_but_text(name: str, extension: str) -> None:
    assert blob_extension(name) == extension
