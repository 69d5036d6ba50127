"""When two failing lines are the same failure, exactly or nearly."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mtsite.logs.likeness import likeness

LINE = "UVM_ERROR /a/sb.sv(412) @ 184223 ns: [SB] completion for tag 0x1f never came back"


@pytest.mark.parametrize(
    "other",
    [
        "UVM_ERROR /b/c/sb.sv(77) @ 9 ns: [SB] completion for tag 0xffff never came back",
        "UVM_ERROR  /a/sb.sv(412) @ 184223 ns: [SB] completion for tag 0x1f never came back ",
    ],
)
def test_lines_that_differ_in_numbers_paths_and_blanks_are_exactly_the_same(other: str) -> None:
    assert likeness(other) == likeness(LINE)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("error: 'phy_regs' has no member", "error: 'uart' has no member"),
        ("timeout in worker_7 of pool_b1", "timeout in worker_12 of pool_a9"),
        ("bad state=IDLE after reset", "bad state=LOCKED after reset"),
        ("cannot open `a.txt'", "Cannot open `b.txt'"),
    ],
)
def test_lines_that_differ_in_a_quoted_or_numbered_word_are_nearly_the_same(
    one: str, other: str
) -> None:
    assert likeness(one)[0] == likeness(other)[0]
    assert likeness(one)[1] != likeness(other)[1] or "worker" in one


def test_other_words_are_another_failure() -> None:
    names = {
        likeness(line)[0]
        for line in (LINE, "Segmentation fault (core dumped)", "error: no such file", "timeout")
    }
    assert len(names) == 4


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ('"connection refused"', '"disk full"'),
        ('{"level":"error","msg":"disk full"}', '{"level":"error","msg":"timed out"}'),
        ("[ERROR] (disk full)", "[ERROR] (timed out)"),
        ("ERROR: 'disk full'", "ERROR: 'timed out'"),
        ("error=disk", "error=memory"),
        ("<urlopen error disk>", "<socket gone>"),
    ],
)
def test_where_all_that_is_said_is_quoted_quoted_words_count(one: str, other: str) -> None:
    assert likeness(one)[0] != likeness(other)[0]
    assert likeness(f"10:11 {one}")[0] == likeness(f"22:33 {one}")[0]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("TX fifo overflow", "RX fifo overflow"),
        ("no XML parser", "no XSLT parser"),
        ("MUX timed out", "AUX timed out"),
        ("#include went wrong", "#define went wrong"),
    ],
)
def test_a_word_that_looks_like_a_mask_is_none(one: str, other: str) -> None:
    assert likeness(one)[0] != likeness(other)[0]


@pytest.mark.parametrize(
    "line",
    [
        "{} disk full",
        "session {} is gone",
        "could not reach {}",
        "'{}' is no member",
        "x={} failed",
    ],
)
def test_dates_addresses_and_durations_split_no_failure(line: str) -> None:
    for kind in (
        ("Nov 22 10:11:12", "Dec  3 01:02:03", "Sun May 31 23:59:59 2026", "31/Jan/2027:10:11:12"),
        ("3f2504e0-4f89-11d3-9a0c-0305e82c3301", "6F1E2B60-3f0e-5b0c-9d4e-6d7473697465"),
        ("::1", "fe80::1ff:fe23:4567:890a", "2001:db8::42", "aa:bb:cc:dd:ee:0f"),
        ("150 ms", "3.2s", "1h 2m 3s"),
    ):
        assert len({likeness(line.format(one)) for one in kind}) == 1


@given(st.text())
def test_any_text_has_a_cluster(text: str) -> None:
    name, exact = likeness(text)
    assert (len(name), len(exact)) == (12, 16)
    int(name, 16)
