"""From a file to a stored blob and its record."""

import gzip
import hashlib
import itertools
import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest
from msgspec.structs import replace

from mtsite.atomicfile import Draft
from mtsite.logs.blocks import BlockWriter
from mtsite.logs.masking import Sizes
from mtsite.logs.redact import make_redactor
from mtsite.logs.take import Taker, blob_extension
from mtsite.model import LogRecord

REDACTOR = make_redactor(["default"])
CAP = 1 << 20
SMALL = Sizes(1000, 300)


def taker(site: Path, cap: int = CAP, sizes: Sizes = SMALL) -> Taker:
    return Taker(site / "site", REDACTOR, cap, sizes=sizes)


def text_of(site: Path, record: LogRecord) -> bytes:
    return (site / "site" / record.blob).read_bytes()


def test_a_log_is_taken_redacted_digested_stored_and_judged(tmp_path: Path) -> None:
    log = tmp_path / "build.log"
    log.write_bytes(b"password=hunter2\nx.c:1: error: password=hunter2\nb\xff\n")
    record = taker(tmp_path).take("logs/build.log", log, "step")
    content = text_of(tmp_path, record)
    digest = hashlib.sha256(content).hexdigest()
    assert b"hunter2" not in content
    assert record.blob == f"_blobs/{digest[:2]}/{digest}.log"
    assert (record.name, record.kind, record.note) == ("logs/build.log", "step", "")
    assert (record.size, record.source_size) == (len(content), log.stat().st_size)
    assert record.source_mtime_ns == log.stat().st_mtime_ns
    assert (record.lines, record.broken_bytes, record.redacted) == (3, 1, {"password": 2})
    assert record.finding_count == len(record.findings) == 1
    assert "hunter2" not in record.findings[0].excerpt


LARGE = (
    b"password=hunter2\n\x1b[31mERROR\x1b[m: x\n" * 30
    + b"Traceback (most recent call last):\n"
    + b"  File x\n" * 200
    + b"KeyError: 7\n\xff\xe9 warning: careful\r\nlast \r\x00line"
) * 3


@pytest.mark.parametrize("block", [50, 100, 1000, 5000])
def test_a_large_log_has_the_record_and_text_of_one_taken_whole(tmp_path: Path, block: int) -> None:
    log = tmp_path / "a.log"
    log.write_bytes(LARGE)
    whole = taker(tmp_path, sizes=Sizes()).take("a.log", log, "file")
    in_members = replace(taker(tmp_path, sizes=Sizes(block, 200)), small_bytes=0, block_bytes=99)
    large = in_members.take("a.log", log, "file")
    assert large == replace(whole, blob=str(Path(whole.blob).with_suffix(".logz")))
    assert gzip.decompress(text_of(tmp_path, large)) == text_of(tmp_path, whole)
    assert whole.finding_count == 93


def test_levels_of_a_large_log_are_those_of_one_taken_whole(tmp_path: Path) -> None:
    log = tmp_path / "a.log"
    log.write_bytes(b"2026-11-01 02:00:00 INFO a\nb\n2026-11-01 02:00:00 ERROR c\nd" * 300)
    whole = taker(tmp_path).take("a.log", log, "file")
    large = replace(taker(tmp_path), small_bytes=0, block_bytes=99).take("a.log", log, "file")
    assert large.levels == whole.levels
    assert set(large.levels) == {"INFO", "ERROR"}


@pytest.mark.parametrize(("size", "ending"), [(CAP - 1, ".log"), (CAP, ".log"), (CAP + 1, ".logz")])
def test_what_is_over_a_megabyte_is_stored_in_members(
    tmp_path: Path, size: int, ending: str
) -> None:
    log = tmp_path / "a.log"
    log.write_bytes(b"line of a log\n" * (size // 14) + b"x" * (size % 14))
    record = taker(tmp_path, cap=1 << 30, sizes=Sizes()).take("a.log", log, "file")
    assert Path(record.blob).suffix == ending
    assert record.size == size


def test_a_large_log_that_lies_there_damaged_is_stored_again(tmp_path: Path) -> None:
    log = tmp_path / "a.log"
    log.write_bytes(LARGE)
    large = replace(taker(tmp_path), small_bytes=0)
    blob = tmp_path / "site" / large.take("a.log", log, "file").blob
    whole = blob.read_bytes()
    blob.write_bytes(whole[:-1])
    large.take("a.log", log, "file")
    assert blob.read_bytes() == whole


def test_nothing_but_blobs_is_left_behind(tmp_path: Path) -> None:
    log = tmp_path / "a.log"
    log.write_bytes(LARGE)
    for _ in range(2):
        record = taker(tmp_path).take("a.log", log, "file")
    kept = [path for path in (tmp_path / "site").rglob("*") if path.is_file()]
    assert kept == [tmp_path / "site" / record.blob]


def test_the_same_log_twice_is_one_blob(tmp_path: Path) -> None:
    log = tmp_path / "a.log"
    log.write_bytes(b"x\n")
    one, other = (taker(tmp_path).take("a.log", log, "file") for _ in "ab")
    assert one == other


@pytest.mark.parametrize("content", [b"x\n", LARGE])
def test_a_packed_log_is_stored_as_its_text(tmp_path: Path, content: bytes) -> None:
    plain, packed = tmp_path / "a.log", tmp_path / "a.log.gz"
    plain.write_bytes(content)
    packed.write_bytes(gzip.compress(content))
    one = taker(tmp_path).take("a.log", plain, "file")
    other = taker(tmp_path).take("a.log.gz", packed, "file")
    assert other.source_size == packed.stat().st_size
    known = {"name": "", "source_size": 0, "source_mtime_ns": 0}
    assert replace(one, **known) == replace(other, **known)


def test_what_cannot_be_read_is_a_record_with_a_note(tmp_path: Path) -> None:
    record = taker(tmp_path).take("a", tmp_path, "final")
    assert (record.blob, record.lines) == ("", 0)
    assert "a directory" in record.note
    assert not (tmp_path / "site").exists()


def test_packed_data_without_any_text_is_a_note(tmp_path: Path) -> None:
    log = tmp_path / "a.gz"
    log.write_bytes(b"\x1f\x8brest")
    record = taker(tmp_path).take("a.gz", log, "final")
    assert record.blob == ""
    assert record.note.startswith("cut: 0 bytes of text are kept; the gzip data ")


def test_a_log_over_the_cap_is_stored_cut_and_says_so(tmp_path: Path) -> None:
    log = tmp_path / "a.log"
    log.write_bytes(b"line\n" * 100)
    record = taker(tmp_path, cap=52).take("a.log", log, "file")
    assert text_of(tmp_path, record) == b"line\n" * 10
    assert (record.size, record.source_size, record.lines) == (50, 500, 10)
    assert record.note == "cut: the first 50 of 500 bytes are kept"


@pytest.mark.parametrize(("content", "lines"), [(b"", 0), (b"\n", 1), (b"no end", 1), (b"\r", 1)])
def test_the_smallest_logs_are_stored(tmp_path: Path, content: bytes, lines: int) -> None:
    log = tmp_path / "a.log"
    log.write_bytes(content)
    record = taker(tmp_path).take("a.log", log, "file")
    assert (text_of(tmp_path, record), record.lines, record.note) == (content, lines, "")


def test_a_log_that_grows_is_taken_to_its_end(tmp_path: Path) -> None:
    log = tmp_path / "a.log"
    log.write_bytes(b"one\n" * 2000)

    record = taker(tmp_path).take("a.log", log, "file")
    with log.open("ab") as more:
        more.write(b"two\n")
    again = taker(tmp_path).take("a.log", log, "file")
    assert (record.lines, again.lines) == (2000, 2001)
    assert record.source_size != again.source_size


def test_a_log_that_shrinks_while_it_is_read_is_kept_as_far_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = tmp_path / "a.log"
    log.write_bytes(b"line\n" * 100_000)
    real = os.read

    def truncating(descriptor: int, size: int) -> bytes:
        piece = real(descriptor, size)
        os.truncate(log, 0)
        return piece

    monkeypatch.setattr(os, "read", truncating)
    record = taker(tmp_path).take("a.log", log, "file")
    assert record.blob
    assert record.size < 500_000


def test_a_log_that_cannot_be_read_on_is_kept_as_far_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = tmp_path / "a.log"
    log.write_bytes(b"line\n" * 100_000)
    real = os.read
    calls = iter(range(10))

    def failing(descriptor: int, size: int) -> bytes:
        if next(calls) == 3:
            raise OSError(5, "Input/output error")
        return real(descriptor, size)

    monkeypatch.setattr(os, "read", failing)
    record = taker(tmp_path).take("a.log", log, "file")
    assert record.note == "cut: reading stopped: input/output error"
    assert 0 < record.size < 500_000


def test_every_line_an_error_gives_a_bounded_list_and_the_true_count(tmp_path: Path) -> None:
    log = tmp_path / "a.log"
    log.write_bytes(b"ERROR: x\n" * 5_000)
    record = taker(tmp_path).take("a.log", log, "file")
    assert (len(record.findings), record.finding_count) == (20, 5_000)


@pytest.mark.parametrize(
    ("name", "extension"),
    [
        *[("a.log", "log"), ("A.LOG", "log"), ("a.txt", "txt"), ("a.html", "txt")],
        *[("a.svg", "txt"), ("a.js", "txt"), ("a", "txt"), ("a.log.html", "txt"), ("log", "txt")],
        *[("a.log.gz", "log"), ("a.LOG.XZ", "log"), ("a.txt.zst", "txt"), ("a.html.gz", "txt")],
    ],
)
def test_a_blob_is_never_anything_but_text(name: str, extension: str) -> None:
    assert blob_extension(name) == extension


def killed_in(owner: type, name: str, calls: int, work: Callable[[], object]) -> bool:
    """Whether another process that did the work was killed before this call of a method."""
    child = os.fork()
    if child == 0:
        method, seen = getattr(owner, name), itertools.count()

        def stepped(*given: object) -> object:
            if next(seen) == calls:
                os.kill(os.getpid(), signal.SIGKILL)
            return method(*given)

        setattr(owner, name, stepped)
        work()
        os._exit(0)
    return os.waitpid(child, 0)[1] == signal.SIGKILL


@pytest.mark.faults
def test_killed_while_a_large_log_is_stored_no_blob_has_half_of_it(tmp_path: Path) -> None:
    log = tmp_path / "a.log"
    log.write_bytes(LARGE)
    taking = replace(taker(tmp_path), small_bytes=0, block_bytes=99)
    for owner, name, calls in (
        (BlockWriter, "write", 0),
        (BlockWriter, "write", 3),
        (BlockWriter, "_put", 7),
        (BlockWriter, "close", 0),
        (Draft, "keep", 0),
    ):
        assert killed_in(owner, name, calls, lambda: taking.take("a.log", log, "file"))
        assert list(tmp_path.rglob("*.logz")) == [], name
    stored = tmp_path / "site" / taking.take("a.log", log, "file").blob
    clean = replace(taking, site=tmp_path / "clean")
    assert stored.read_bytes() == (clean.site / clean.take("a.log", log, "file").blob).read_bytes()
