"""Words become pseudonyms: the same everywhere, nothing else changes, and nothing is left."""

import io
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mtsite.anonymize import files
from mtsite.anonymize.files import BLOCK_BYTES, scrub_stream
from mtsite.anonymize.leaks import find_leaks
from mtsite.anonymize.scrub import Scrubber, counts_here
from mtsite.anonymize.words import ALONE, IN_PATH, Dictionary, Pseudonyms
from mtsite.logs.encoding import HEAD_BYTES
from mtsite.logs.redact import make_redactor
from mtsite.logs.source import split_lines

KEY = b"a key of some length"


def scrubber(*words: tuple[str, str], key: bytes = KEY) -> Scrubber:
    names = Pseudonyms(key)
    known = Dictionary()
    for kind, word in words:
        known.add(names, kind, word.encode())
    known.add_directory(names, "/proj/bigcorp/fullrun")
    return Scrubber(names, known, make_redactor(["default"]))


KNOWN = (("user", "mkramer"), ("user", "jo"), ("host", "node17.corp.org"), ("user", "ann"))
ONE = scrubber(*KNOWN)
MK, NODE = ONE.text("mkramer"), ONE.text("node17")


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("by mkramer on node17", f"by {MK} on {NODE}"),
        ("MKramer_build", f"{MK}_build"),
        ("/home/mkramer/x", f"/home/{MK}/x"),
        ("node17.corp.org:22", f"{NODE}.{ONE.text('corp.org')}:22"),
        ("annotate the ann: 3", f"annotate the {ONE.text('ann')}: 3"),
        ("at 127.0.0.1 in version 1.2.3", "at 127.0.0.1 in version 1.2.3"),
        ("COMPLETED PASS w01", "COMPLETED PASS w01"),
        ("jo is short, and stays in texts", "jo is short, and stays in texts"),
        ("/usr/bin/ld: error", "/usr/bin/ld: error"),
    ],
)
def test_what_is_replaced_and_what_stays(text: str, wanted: str) -> None:
    assert ONE.text(text) == wanted


def test_mail_home_addresses_and_secrets_are_found_by_their_shape() -> None:
    text = ONE.text("a.b@firm.com /home/zoe/x 10.20.30.40 fe80:1:2:3:4:5:6:7 password=hunter2")
    assert not any(word in text for word in ("firm", "zoe", "10.20", "fe80", "hunter2"))
    assert "@example.com /home/user-" in text
    assert " 2001:db8::" in text


def test_a_word_that_is_known_and_has_a_shape_is_replaced_by_its_shape() -> None:
    one = scrubber(("host", "10.20.30.40"), ("user", "a.b@firm.com"), ("user", "mkramer"))
    told = one.text("10.20.30.40 A.B@firm.com mkramer")
    assert told.split()[0].startswith(("192.0.2.", "198.51.100.", "203.0.113."))
    assert told.split()[1].endswith("@example.com")
    assert told.split()[2] == one.text("MKRAMER")


@pytest.mark.parametrize("address", ["fe80::1", "2a02:8071::", "fd12:3456:789a::1:2", "FF02::1:2"])
def test_short_addresses_are_replaced(address: str) -> None:
    told = ONE.text(f"from [{address}]:22 to {address}%eth0")
    assert address not in told
    assert told.count("2001:db8::") == 2


@pytest.mark.parametrize(
    "text", ["std::vector", "ab::cd", "face::book", "12:34:56", "::1", "2001:db8::7"]
)
def test_what_only_looks_like_a_short_address_stays(text: str) -> None:
    assert ONE.text(f"in {text} here") == f"in {text} here"


def test_a_key_over_the_end_of_a_block_is_masked_whole() -> None:
    body = "".join(f"MIIEowIBAAKCAQEA{n:048d}\n" for n in range(24))
    key = f"-----BEGIN RSA PRIVATE KEY-----\n{body}-----END RSA PRIVATE KEY-----\n"
    text = ("x" * 63 + "\n") * (((1 << 20) + HEAD_BYTES) // 64 - 8) + key + "after\n"
    out = io.BytesIO()
    size = scrub_stream(io.BytesIO(text.encode()), out, ONE)
    assert size == len(text)
    assert b"MIIE" not in out.getvalue()
    assert out.getvalue().count(b"\n") == text.count("\n")


def in_a_home(text: bytes, area: str) -> tuple[bytes, list[bytes]]:
    """The text without a user and the directory of an area; the original words left in it."""
    names, known = Pseudonyms(KEY), Dictionary()
    known.add(names, "user", b"alice")
    known.add_directory(names, area)
    out = Scrubber(names, known, make_redactor(["default"])).scrub(text)
    return out, [word for word in (b"acme", b"alice", b"regress") if word in out]


@pytest.mark.parametrize(
    ("text", "area"),
    [
        (b"/home/alice/acme/logs", "/home/alice/acme"),
        (b"/home/git/acme/logs", "/home/git/acme"),
        (b"mail to alice@example.com", "/proj/acme"),
    ],
)
def test_what_is_known_is_replaced_where_a_shape_begins_too(text: bytes, area: str) -> None:
    out, left = in_a_home(text, area)
    assert not left, out


def test_the_directory_above_is_replaced_beside_a_longer_name(tmp_path: Path) -> None:
    text = b"cd /proj/acme/regress2/x"
    out, _left = in_a_home(text, "/proj/acme/regress")
    assert b"/proj/acme" not in out and out.endswith(b"/regress2/x")
    tmp_path.joinpath("log").write_bytes(text)
    originals = {b"/proj/acme/regress": IN_PATH, b"/proj/acme": IN_PATH}
    assert [leak.word for leak in find_leaks(tmp_path, originals, [])] == ["/proj/acme"]


def test_a_directory_of_the_area_is_replaced_as_the_front_of_a_path() -> None:
    text = ONE.text("in /proj/bigcorp/fullrun/logs and /net/x/proj/bigcorp, not bigcorp alone")
    assert "/proj/bigcorp" not in text
    assert text.count("/proj/dir-") == 2
    assert text.endswith("not bigcorp alone")


def test_a_short_user_is_replaced_as_a_value_of_its_column() -> None:
    assert ONE.value("user", b"jo").startswith(b"user-")
    assert ONE.value("user", b"root") == b"root"


def test_another_key_gives_other_pseudonyms() -> None:
    other = scrubber(*KNOWN, key=b"another key, as long")
    assert other.text("mkramer") != MK
    assert scrubber(*KNOWN).text("mkramer") == MK


PARTS = "mkramer node17 corp.org ann x / é . 10.9.8.7 /home/ @ password= /proj/bigcorp".split()
LINES = st.lists(st.sampled_from([*PARTS, " ", "\n", "\r\n", "\x1b[1m"]), max_size=25).map("".join)


@given(LINES)
def test_lines_stay_and_no_word_is_left(text: str) -> None:
    content = text.encode()
    scrubbed = ONE.scrub(content)
    assert len(split_lines(scrubbed)) == len(split_lines(content))
    assert b"mkramer" not in scrubbed
    assert b"node17" not in scrubbed


@given(LINES, st.integers(1, 60))
def test_blocks_of_any_size_give_the_same_text(text: str, block: int) -> None:
    content = text.encode()
    out = io.BytesIO()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("mtsite.anonymize.files.BLOCK_BYTES", block)
        scrub_stream(io.BytesIO(content * 3), out, ONE)
    assert out.getvalue() == ONE.scrub(content * 3)


@given(st.lists(st.one_of(LINES.map(str.encode), st.binary(max_size=9)), max_size=9))
def test_many_texts_at_once_become_what_each_does_alone(contents: list[bytes]) -> None:
    assert ONE.scrub_all(contents) == [ONE.scrub(content) for content in contents]


@given(st.binary(max_size=200))
def test_any_bytes_can_be_scrubbed(content: bytes) -> None:
    assert len(split_lines(ONE.scrub(content))) == len(split_lines(content))


def test_a_hostile_line_takes_linear_time() -> None:
    started = time.process_time()
    ONE.scrub(b"a.b@" * 100_000 + b"1.1." * 100_000 + b"/home/" * 50_000)
    assert time.process_time() - started < 5


def test_where_words_count() -> None:
    assert counts_here("anywhere", b"xmkramerx", 1, 8)
    assert not counts_here("alone", b"xannx", 1, 4)
    assert counts_here("path", b"x/proj/a/b", 1, 8)
    assert not counts_here("path", b"/proj/ab", 0, 7)


@pytest.mark.parametrize("between", [" ", ",", '"'])
def test_a_word_is_not_cut_where_a_line_is(monkeypatch: pytest.MonkeyPatch, between: str) -> None:
    monkeypatch.setattr(files, "_LONGEST_LINE", 20)
    pieces = list(files.whole_lines([f"a line{between}of mkr".encode() * 2, b"amer goes on"]))
    assert b"".join(pieces).endswith(b"of mkramer goes on")
    assert any(b"mkramer" in piece for piece in pieces)
    assert len(pieces) > 1


@pytest.mark.parametrize(("text", "leaks"), [("tomato", []), ("atom", []), ("tom", ["tom"])])
def test_where_a_block_ends_no_word_does(tmp_path: Path, text: str, leaks: list[str]) -> None:
    for cut in range(1, len(text) + 1):
        before = b"\n" * (BLOCK_BYTES - cut)
        (tmp_path / "a.log").write_bytes(before + text.encode() + b"\n" * 5000)
        assert [leak.word for leak in find_leaks(tmp_path, {b"tom": ALONE}, [])] == leaks
