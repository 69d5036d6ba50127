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


@given(st.text())
def test_any_text_has_a_cluster(text: str) -> None:
    name, exact = likeness(text)
    assert (len(name), len(exact)) == (12, 16)
    int(name, 16)
