"""Redaction in blocks: nothing depends on where a block ends."""

import io
import random
import re
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mtsite.logs import redact_rules
from mtsite.logs.masking import REACH_BYTES, Masking, Sizes
from mtsite.logs.redact import Redactor, make_redactor

DEFAULT = make_redactor(["default"])
BEGIN, END = "-----BEGIN RSA PRIVATE " + "KEY-----", "-----END RSA PRIVATE " + "KEY-----"
AWS_ID = "AKIA" + "IOSFODNN7EXAMPLE"

PARTS = st.lists(
    st.sampled_from(
        [
            *["password=", "secret: ", "'", '"', "hunter2", AWS_ID, "https://u:", "@host", " "],
            *["\n", "\n", "\n", "\r", "\r\n", "plain text ", BEGIN, END, "x" * 64, "é", "NO", "O"],
            *["▮▮▮[jwt]▮▮▮", "none", "=", "Opassword=abcdef12\n", f"{BEGIN}\n{'y' * 64}\n{END}\n"],
        ]
    ),
    max_size=40,
).map(lambda parts: "".join(parts).encode())


def in_blocks(
    content: bytes, sizes: Sizes, redactor: Redactor = DEFAULT
) -> tuple[bytes, dict[str, int]]:
    masking = Masking(redactor, sizes)
    text = b"".join(masking.blocks(io.BytesIO(content).read))
    return text, dict(sorted(masking.counts.items()))


@given(PARTS, st.integers(20, 700), st.integers(0, 9))
def test_blocks_of_any_size_give_the_text_of_one_block(content: bytes, block: int, n: int) -> None:
    filled = content + b"fill\n" * (n * 30) + content
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(redact_rules, "KEY_BYTES", 200)
        reach = 300 + len(content)
        assert in_blocks(filled, Sizes(block, reach)) == DEFAULT.redact(filled)


@given(st.integers(0, 200), st.integers(1, 20))
def test_a_secret_over_a_border_is_masked(before: int, block_kilobytes: int) -> None:
    lines = b"an ordinary line\n" * before
    content = lines + f"{BEGIN}\n{'z' * 64}\n{END}\npassword=hunter2\n".encode() + lines
    text, counts = in_blocks(content, Sizes(block_kilobytes << 10, 300))
    assert counts == {"password": 1, "private-key": 1}
    assert b"hunter2" not in text
    assert b"zzz" not in text


def test_real_logs_are_masked_the_same_in_blocks() -> None:
    log = (Path(__file__).parents[1] / "data/logs/20131007_devstack_export.log").read_bytes()
    want = DEFAULT.redact(log * 4)
    for block in (10_000, 77_777):
        assert in_blocks(log * 4, Sizes(block, 5000)) == want


def test_an_own_rule_may_span_lines() -> None:
    own = make_redactor([], [("span", r"begin[^!]*end")])
    content = b"x\n" * 500 + b"begin\none\ntwo end\n" + b"y\n" * 500
    for block in (100, 900, 1003):
        text, counts = in_blocks(content, Sizes(block, 100), own)
        assert counts == {"span": 3}
        assert b"one" not in text


def test_a_key_whose_first_line_ends_a_block_is_masked() -> None:
    key = f"{BEGIN}\n{'z' * 64}\n{END}\n".encode()
    head = len(BEGIN) + 1
    for ends in (head, head - 1, head + 10):
        content = b"x" * (2000 - ends - 1) + b"\n" + key + b"plain\n" * 500
        text, counts = in_blocks(content, Sizes(2000, 300))
        assert counts == {"private-key": 1}
        assert b"zzz" not in text


def test_a_key_whose_first_line_grep_has_coloured_is_masked_over_a_border() -> None:
    red, plain = "\x1b[01;31m\x1b[K", "\x1b[m\x1b[K"
    begin = BEGIN.replace("PRIVATE KEY", f"{red}PRIVATE KEY{plain}")
    key = f"{begin}\n{'z' * 64}\n{END}\n".encode()
    for ends in (0, 1, 10, 70, 200):
        content = b"x" * (1999 - len(begin) - ends) + b"\n" + key + b"plain\n" * 500
        text, counts = in_blocks(content, Sizes(2000, 300))
        assert counts == {"private-key": 1}
        assert b"zzz" not in text


def test_the_reach_holds_a_whole_key() -> None:
    assert REACH_BYTES > redact_rules.KEY_BYTES


@pytest.mark.parametrize("end", [b"", b"\n", b'" next', b"\nlast"])
def test_a_secret_without_end_is_masked_to_its_end(end: bytes) -> None:
    content = b"password=" + b"a1" * 50_000 + end
    text, counts = in_blocks(content, Sizes(1000, 100))
    assert counts == {"password": 1}
    assert b"a1a1" not in text
    assert text.endswith(end)


def test_a_line_of_megabytes_is_cut_between_its_secrets() -> None:
    chance = random.Random(4)
    words = [chance.choice(["word", "password=hunter2", "é", AWS_ID]) for _ in range(2_000)]
    content = " ".join(words).encode()
    text, counts = in_blocks(content, Sizes(3000, 200))
    assert (text, counts) == DEFAULT.redact(content)
    assert not re.search(rb"hunter2|AKIA", text)


@pytest.mark.parametrize(
    "head", ["Private-Lines: 1\n", "Private-Lines: 1 ", BEGIN[:-9] + "\x1b[mKEY-----\n"]
)
def test_first_lines_of_keys_without_a_key_take_linear_time(head: str) -> None:
    started = time.process_time()
    assert DEFAULT.redact(head.encode() * 10_000)[1] == {}
    assert time.process_time() - started < 3


def test_hostile_begins_of_keys_take_linear_time() -> None:
    content = (f"{BEGIN}\n".encode() + b"q" * 60 + b"\n") * 5_000
    started = time.process_time()
    text, _ = in_blocks(content, Sizes(1 << 18, REACH_BYTES))
    assert time.process_time() - started < 3
    assert b"qqq" not in text
