"""The level of each line: counts of real logs, and what is inherited."""

import gzip
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mtsite.logs import levels
from mtsite.logs.levels import (
    NONE,
    carries_levels,
    count_levels,
    level_before,
    level_of,
    runs,
    shown_levels,
)

DATA = Path(__file__).parents[1] / "data"
EXPECTED = json.loads((DATA / "loganalyze/expected-severity-counts.json").read_text())


def text_of(name: str) -> bytes:
    path = next(path for room in ("loganalyze", "logs") if (path := DATA / room / name).exists())
    return gzip.decompress(path.read_bytes()) if name.endswith(".gz") else path.read_bytes()


@pytest.mark.parametrize("name", EXPECTED)
def test_lines_per_level_of_a_real_log_are_those_of_os_loganalyze(name: str) -> None:
    assert count_levels(text_of(name)) == EXPECTED[name]["effective_severity_counts"]


@pytest.mark.parametrize("name", [n for n in EXPECTED if len(EXPECTED[n]) > 2])
def test_lines_that_carry_their_level_are_as_many_as_upstream_asserts(name: str) -> None:
    own = [level_of(line) for line in text_of(name).splitlines()]
    asserted = EXPECTED[name]["upstream_asserted_counts_of_lines_stamped_with_level"]
    assert {level: own.count(level) for level in asserted} == asserted


@pytest.mark.parametrize(
    ("line", "level"),
    [
        ("2013-09-27 18:22:35.392 INFO nova x", "INFO"),
        ("2013-09-27 18:22:35,392 4711 ERROR nova x", "ERROR"),
        ("2013-09-27 18:22:35 CRITICAL x", "CRITICAL"),
        ("2013-09-27 18:22:35.392 4711 nova ERROR", ""),
        ("2013-09-27 18:22:35.39 DEBUG two digits", ""),
        (" 2013-09-27 18:22:35 DEBUG indented", ""),
        ("Sep 27 18:22:35 host unit[12]: WARNING x", "WARNING"),
        ("Sep 27 18:22:35.123456 host unit[12]: text", ""),
        ("Sep  7 18:22:35 host sshd: text", "INFO"),
        ("Sep 27 18:22:35 host tgtd: text", "DEBUG"),
        ("Sep 27 18:22:35 host proxy-server: text", "DEBUG"),
        ("Sep 27 18:22:35 host tgtd:x: only the whole service is quiet", "INFO"),
        ("Sep 27 18:22:35 host.example sshd: no dots in syslog's host", ""),
        ("Sep 27 18:22:35 host.example unit[12]: ERROR x", "ERROR"),
        ("Sep 27 18:22:35 host unit[12]:ERROR no blank, and brackets are no service", ""),
        ("janvier\t7  18:22:35 host sshd: any word is a month", "INFO"),
        ("ERROR: no date", ""),
        ("", ""),
    ],
)
def test_a_line_carries_a_level_by_its_shape(line: str, level: str) -> None:
    assert level_of(line.encode()) == level


def naive(content: bytes) -> list[str]:
    levels, now = [], NONE
    for line in content.splitlines():
        now = level_of(line) or now
        levels.append(now)
    return levels


LINES = st.lists(
    st.tuples(
        st.sampled_from(
            [
                *["2013-09-27 18:22:35.392 INFO a", "2013-09-27 18:22:35.392 7 ERROR b", "", "x"],
                *["2013-09-27 18:22:35 plain", "Sep 27 18:22:35 h u[1]: DEBUG x", "  File y"],
                *[
                    "Sep 27 18:22:35 a.b cron: x",
                    "Sep 27 18:22:35 h u[1]:x",
                    "mai\t7 18:22:35 h s: x",
                ],
                *["Sep 27 18:22:35 h tgtd:x: y", "Sep 27 18:22:35 h.e u[1]: ERROR", "Sep", " 27"],
                *["Sep 27 18:22:35 h u[1]: x", "Sep 27 18:22:35 h tgtd: x", "z" * 50],
                *["Sep 27 18:22:35 h cron: x", "2013-09-27 18:22:35 TRACE c", "é"],
            ]
        ),
        st.sampled_from(["\n", "\n", "\r\n", "\r"]),
    ),
    max_size=15,
)


@given(LINES, st.booleans(), st.integers(5, 300))
def test_runs_are_the_levels_of_the_lines(
    lines: list[tuple[str, str]], ended: bool, block: int
) -> None:
    content = "".join(text + end for text, end in lines).encode() + (b"" if ended else b"last")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(levels, "_BLOCK_BYTES", block)
        found = [level for level, number in runs(content) for _ in range(number)]
    assert found == naive(content)


@given(LINES, st.integers(0, 15))
def test_a_part_of_a_log_inherits_the_level_before_it(
    lines: list[tuple[str, str]], first: int
) -> None:
    texts = [f"{text}\n" for text, _ in lines]
    content = "".join(texts).encode()
    at = len("".join(texts[:first]).encode())
    assert level_before(content, at) == ([NONE, *naive(content[:at])])[-1]


def test_the_level_before_may_be_far_away() -> None:
    content = b"2013-09-27 18:22:35 ERROR x\n" + b"more\n" * 50_000
    assert level_before(content, len(content)) == "ERROR"


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        *[("screen-c-api.txt.gz", True), ("devstack@c-vol.service.log.txt", True)],
        *[("devstacklog.txt.gz", False), ("xpcshell-multiple.txt.gz", False)],
        *[("simple.txt", False), ("20131007_devstack_export.log", False)],
    ],
)
def test_levels_are_shown_of_logs_that_carry_them(name: str, shown: bool) -> None:
    content = text_of(name)
    assert carries_levels(content) is shown
    assert bool(shown_levels(content)) is shown


@pytest.mark.parametrize("content", [b"", b"\n", b"\x00" * 100])
def test_nothing_carries_no_level(content: bytes) -> None:
    assert shown_levels(content) == {}
