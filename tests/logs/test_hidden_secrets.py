"""Logs made to defeat redaction: what is caught, and what is known not to be (docs/security.md)."""

import base64
import io
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from planted import PLANTED

from mtsite.logs.masking import Masking
from mtsite.logs.redact import make_redactor
from mtsite.logs.source import split_lines
from mtsite.logs.take import Taker

DEFAULT = make_redactor(["default"])
TOKEN = "ghp" + "_" + "aB3" * 12
COLOURS = ["\x1b[m", "\x1b[0m", "\x1b[01;31m\x1b[K", "\x1b[38;5;196m", "\x1b(B\x1b[m"]


def masked(text: str) -> str:
    return DEFAULT.redact(text.encode())[0].decode()


@pytest.mark.parametrize(("rule", "line", "secret"), PLANTED, ids=lambda value: value[:24])
def test_each_rule_masks_its_planted_secret(rule: str, line: str, secret: str) -> None:
    text, counts = DEFAULT.redact(line.format(secret).encode())
    assert secret.encode() not in text
    assert counts == {rule: 1}


@given(st.sampled_from(COLOURS), st.integers(1, 38))
def test_a_token_with_a_colour_inside_is_masked_whole(colour: str, at: int) -> None:
    text = masked(f"with {TOKEN[:at]}{colour}{TOKEN[at:]} here\nnext {colour}line\n")
    assert text == f"with ▮▮▮[github-token]▮▮▮ here\nnext {colour}line\n"


@given(st.lists(st.sampled_from([*COLOURS, "password=", "hunter2", TOKEN, " ", "\n", '"', "x"])))
def test_colours_anywhere_leave_lines_and_masks_whole(parts: list[str]) -> None:
    content = "".join(parts).encode()
    once, _ = DEFAULT.redact(content)
    assert len(split_lines(once)) == len(split_lines(content))
    assert DEFAULT.redact(once) == (once, {})


def test_a_key_word_with_a_colour_inside_still_names_a_password() -> None:
    assert "hunter2" not in masked("pass\x1b[1mword=hunter2\n")


def test_a_value_with_a_colour_inside_is_masked_whole() -> None:
    assert masked("password=hun\x1b[1mter2 x") == "password=▮▮▮[password]▮▮▮ x"


def test_escapes_inside_of_escapes_cost_no_stack() -> None:
    nested = "\x1b[1" * 5000 + "m" * 5000
    assert masked(f"a{nested}b password=hunter2\n") == f"a{nested}b password=▮▮▮[password]▮▮▮\n"


def test_millions_of_colours_take_linear_time() -> None:
    content = b"a\x1b[1m" * 300_000
    started = time.process_time()
    b"".join(Masking(DEFAULT).blocks(io.BytesIO(content).read))
    assert time.process_time() - started < 5


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be"])
def test_a_log_in_utf_16_is_masked(encoding: str, tmp_path: Path) -> None:
    log = tmp_path / "a.log"
    log.write_bytes(f"an ordinary line\npassword=hunter2 {TOKEN}\n".encode(encoding))
    record = Taker(tmp_path / "site", DEFAULT, 1 << 20).take("a.log", log, "file")
    assert record.redacted == {"github-token": 1, "password": 1}
    stored = (tmp_path / "site" / record.blob).read_bytes()
    assert b"hunter2" not in stored
    assert TOKEN.encode() not in stored


def test_base64_after_basic_is_masked() -> None:
    secret = base64.b64encode(b"me:hunter2").decode()
    assert secret not in masked(f"Authorization: Basic {secret}")


# -- what is not caught: each of these stands in docs/security.md

NOT_CAUGHT = {
    "base64 of a token": base64.b64encode(TOKEN.encode()).decode(),
    "blanks between letters": " ".join(TOKEN),
    "a line end inside": f"{TOKEN[:12]}\n{TOKEN[12:]}",
    "hex of a token": TOKEN.encode().hex(),
    "backwards": TOKEN[::-1],
    "utf-16 inside of a text": TOKEN.encode("utf-16-le").decode("latin-1"),
    "no key word and no prefix": "correct-horse-battery-staple",
    "behind a cursor movement": f"{TOKEN[:12]}\x1b[2C{TOKEN[12:]}",
}


@pytest.mark.parametrize("written", NOT_CAUGHT.values(), ids=NOT_CAUGHT.keys())
def test_what_is_known_not_to_be_caught(written: str) -> None:
    assert masked(f"x {written} y") == f"x {written} y"


def test_what_is_not_caught_stands_in_the_docs() -> None:
    docs = (Path(__file__).parents[2] / "docs/security.md").read_text(encoding="utf-8")
    assert [what for what in NOT_CAUGHT if f"- {what}" not in docs] == []
