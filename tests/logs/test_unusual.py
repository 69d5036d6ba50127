"""Unusual lines: what the failing log has and the last good one has not, the strangest first."""

import random
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mtsite.logs import unusual
from mtsite.logs.blocks import SUFFIX, BlockWriter
from mtsite.logs.rule import masked_line, masked_lines
from mtsite.logs.unusual import unusual_lines
from mtsite.model import Unusual

WORDS = "link credit beat channel lease host worker queue train packet retry lane eye phase".split()
PLANTED = (
    "the watchdog never saw its credit come back",
    "ERROR: boom",
    "assertion left the rails",
    "Segmentation fault (core dumped)",
    "widget exploded",
)


def noise(rnd: random.Random) -> str:
    """A line of which much is different in every run."""
    odd = "".join(rnd.choice("abcdefghij") for _ in range(6))
    return rnd.choice(
        (
            f"2026-11-{rnd.randrange(10, 28)}T02:{rnd.randrange(10, 59)}:11.{rnd.randrange(999)}Z "
            f"INFO [{rnd.randrange(9999)}] {rnd.choice(WORDS)} at 0x{rnd.getrandbits(40):x}",
            f"worker-{odd} took {rnd.random() * 100:.3f} ms for {rnd.choice(WORDS)}",
            f"lease {rnd.getrandbits(128):032x} in /tmp/{rnd.getrandbits(30):x}/a.{odd} ok",
            f"@ {rnd.randrange(10**9)} ns: {rnd.choice(WORDS)} tag {rnd.randrange(99)}",
            f"WARNING: {rnd.choice(WORDS)} slow {rnd.randrange(99)} %",
        )
    )


def compared(
    root: Path, failing: list[str] | bytes, good: list[str] | bytes, *, packed: bool = False
) -> Unusual:
    paths = []
    for name, lines in (("failing", failing), ("good", good)):
        text = lines if isinstance(lines, bytes) else "".join(f"{one}\n" for one in lines).encode()
        path = root / (name + (SUFFIX if packed else ".log"))
        if packed:
            with path.open("wb") as file:
                writer = BlockWriter(file, 1 << 14)
                writer.write(text)
                writer.close()
        else:
            path.write_bytes(text)
        paths.append(path)
    return unusual_lines(paths[0], paths[1], "sim.log", "r1")


@pytest.mark.parametrize("seed", range(20))
def test_a_planted_line_ranks_first_in_a_noisy_pair(tmp_path: Path, seed: int) -> None:
    here, there = random.Random(seed), random.Random(seed + 1000)
    failing = [noise(here) for _ in range(400)]
    at = here.randrange(len(failing))
    planted = PLANTED[seed % len(PLANTED)]
    failing.insert(at, planted)
    found = compared(tmp_path, failing, [noise(there) for _ in range(400)])
    assert found.lines[0] == (at + 1, planted, 1)


def test_lines_that_differ_in_times_numbers_and_paths_are_usual(tmp_path: Path) -> None:
    good = ["2026-11-01 02:03:04 pid 17 wrote /tmp/a/b.log at 0x1f", "id 1b4e28ba-2fa1-11d2"]
    failing = ["2026-11-19 12:33:44 pid 9 wrote /tmp/c/d.log at 0xffff1"]
    found = compared(tmp_path, failing, good)
    assert (found.total, found.lines) == (0, ())


@pytest.mark.parametrize(
    ("stamp", "other"),
    [
        ("Nov 22 10:11:12 lnx7", "Dec  3 01:02:03 lnx7"),
        ("[Sun Nov 22 10:11:12 2026]", "[Mon Dec 21 01:02:03 2026]"),
        ("2026-11-22T10:11:12.123+01:00", "2025-01-02T01:02:03Z"),
        ("22/Nov/2026:10:11:12 +0000", "01/Jan/2027:01:02:03 +0000"),
        ("10:11:12 PM", "1:02:03 AM"),
        ("[   12.345678]", "[99999.000001]"),
    ],
)
def test_of_logs_that_differ_in_their_time_stamps_alone_no_line_is_unusual(
    tmp_path: Path, stamp: str, other: str
) -> None:
    lines = ["link up", "test began", "read 12 words"]
    found = compared(
        tmp_path, [f"{stamp} {line}" for line in lines], [f"{other} {line}" for line in lines]
    )
    assert found.total == 0


def test_order_plays_no_part(tmp_path: Path) -> None:
    assert compared(tmp_path, ["b", "a", "c"], ["a", "b", "c"]).total == 0


def test_like_lines_are_one_and_counted(tmp_path: Path) -> None:
    failing = ["fine", *(f"link {i} lost" for i in range(7))]
    assert compared(tmp_path, failing, ["fine"]).lines == ((2, "link 0 lost", 7),)


def test_the_good_log_is_named_by_its_digest(tmp_path: Path) -> None:
    found = compared(tmp_path, ["a"], ["b"])
    assert (found.log, found.run, found.good) == ("sim.log", "r1", "good")


def test_logs_in_members_give_the_same_with_the_same_numbers(tmp_path: Path) -> None:
    rnd = random.Random(5)
    good = [noise(rnd) for _ in range(3000)]
    failing = [*good[:2500], "the planted line", *good[2500:]]
    packed = compared(tmp_path, failing, good, packed=True)
    assert packed.lines[0][:2] == (2501, "the planted line")
    assert packed.lines == compared(tmp_path, failing, good).lines


def test_escapes_and_broken_bytes_do_no_harm(tmp_path: Path) -> None:
    found = compared(tmp_path, b"\x1b[31mred\x1b[0m\n\xff\xfe\x00odd\r\nfine", b"red\nfine\n")
    assert [line for line, _, _ in found.lines] == [2]


def test_of_a_very_large_log_both_ends_are_compared_and_that_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(unusual, "HEAD_BYTES", 1 << 15)
    monkeypatch.setattr(unusual, "TAIL_BYTES", 1 << 16)
    rnd = random.Random(5)
    good = [noise(rnd) for _ in range(4000)]
    failing = [*good, "the planted end"]
    found = compared(tmp_path, failing, good, packed=True)
    assert found.lines[0][:2] == (4001, "the planted end")
    assert "were compared" in found.note


def test_a_log_in_which_no_line_is_like_another_is_cut_and_that_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(unusual, "MOST_KINDS", 50)
    letters = ["".join(chr(97 + (i >> s) % 16) for s in (0, 4, 8)) for i in range(200)]
    found = compared(tmp_path, letters, ["fine"])
    assert found.total == 50
    assert len(found.lines) == unusual.SHOWN
    assert "the rest was left out" in found.note


@given(st.lists(st.binary(max_size=30), max_size=8), st.lists(st.binary(max_size=30), max_size=8))
def test_any_bytes_are_compared(
    tmp_path_factory: pytest.TempPathFactory, failing: list[bytes], good: list[bytes]
) -> None:
    root = tmp_path_factory.mktemp("any")
    found = compared(root, b"\n".join(failing), b"\n".join(good))
    assert found.total >= len(found.lines)
    assert compared(root, b"\n".join(good), b"\n".join(good)).total == 0


@given(st.lists(st.text(st.characters(exclude_characters="\n\x0b\x0c\r\x1c\x1d\x1e\x85  "))))
def test_many_lines_are_masked_as_each_alone(lines: list[str]) -> None:
    assert masked_lines("\n".join(lines)) == [masked_line(one) for one in lines or [""]]
