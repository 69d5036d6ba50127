"""Logs that are not UTF-8: UTF-16 with and without its mark, Latin-1, and what is neither."""

import gzip
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mtsite.logs.encoding import WideText, wide_encoding
from mtsite.logs.opened import open_log
from mtsite.logs.redact import make_redactor
from mtsite.logs.source import decode_line
from mtsite.logs.take import Taker

TEXT = "password=hunter2\r\nx.c:1: error: Größe\r\n" * 20


def taken(tmp_path: Path, content: bytes, name: str = "a.log"):
    log = tmp_path / name
    log.write_bytes(content)
    return Taker(tmp_path / "site", make_redactor(["default"]), 1 << 20).take(name, log, "final")


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_utf16_is_masked_judged_and_stored_as_utf8(
    tmp_path: Path, encoding: str, mark: str
) -> None:
    record = taken(tmp_path, (mark + TEXT).encode(encoding))
    stored = (tmp_path / "site" / record.blob).read_bytes()
    assert stored == TEXT.replace("hunter2", "▮▮▮[password]▮▮▮").encode()
    assert (record.redacted, record.finding_count) == ({"password": 20}, 20)
    assert record.note == f"written in {encoding.upper()}, shown and stored as UTF-8"


def test_packed_utf16_is_read_too(tmp_path: Path) -> None:
    record = taken(tmp_path, gzip.compress(TEXT.encode("utf-16")), "a.log.gz")
    assert record.finding_count == 20


@pytest.mark.parametrize(
    "content",
    [b"", b"\xff", b"\xff\xfe\x00\x00" * 40, b"\0" * 100, b"plain text\n", bytes(range(256)) * 4],
)
def test_what_is_no_utf16_is_left_as_it_is(tmp_path: Path, content: bytes) -> None:
    log = tmp_path / "a.log"
    log.write_bytes(content)
    with open_log(log, 1 << 20) as opened:
        assert b"".join(iter(lambda: opened.read(7), b"")) == content
        assert opened.note == ""


@given(st.text(), st.integers(1, 9), st.sampled_from(["utf-16-le", "utf-16-be"]))
def test_the_text_is_the_same_whatever_the_pieces(text: str, size: int, encoding: str) -> None:
    raw = text.encode(encoding, "surrogatepass")
    pieces = (raw[at : at + size] for at in range(0, len(raw), size))
    stream = WideText(b"", lambda _: next(pieces, b""), encoding)
    assert (
        b"".join(iter(lambda: stream.read(size), b"")) == raw.decode(encoding, "replace").encode()
    )


def test_only_a_text_has_the_encoding_of_its_mark() -> None:
    assert wide_encoding("\ufeffa log\n".encode("utf-16-le")) == "utf-16-le"
    assert wide_encoding(b"\xff\xfe" + bytes(40)) == ""


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        ("Datei nicht gefunden: Größe".encode("latin-1"), "Datei nicht gefunden: Größe"),
        ("déjà vu: fichier créé".encode("latin-1"), "déjà vu: fichier créé"),
        ("é valid, ".encode() + b"broken \xe9 byte", "é valid, broken � byte"),
        (b"\xe9\xe8\xe0\xff", "����"),
        (b"quote \x93so\x94 of Windows, maybe", "quote �so� of Windows, maybe"),
        (b"not text \x00 but \xe9 data here", "not text ␀ but � data here"),
    ],
)
def test_a_line_that_reads_as_latin1_is_shown_as_that(raw: bytes, text: str) -> None:
    assert decode_line(raw)[0] == text
